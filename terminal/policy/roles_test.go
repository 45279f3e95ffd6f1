package policy_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// pair is a key of head office in all its forms.
type pair struct {
	skey, vkey string
	signer     note.Signer
	verifier   note.Verifier
}

func keyPair(t testing.TB, name string) pair {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, skey, vkey)
}

func pairOf(t testing.TB, skey, vkey string) pair {
	t.Helper()
	p := pair{skey: skey, vkey: vkey}
	var err error
	if p.signer, err = note.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	if p.verifier, err = note.NewVerifier(vkey); err != nil {
		t.Fatal(err)
	}
	return p
}

// renamed is the same key under another name, with the hash of that name.
func (p pair) renamed(t testing.TB, name string) pair {
	t.Helper()
	raw := p.vkey[strings.Index(p.vkey, "+")+10:]
	vkey, err := note.NewEd25519VerifierKey(name, decoded(t, raw)[1:])
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	secret := strings.SplitN(strings.TrimPrefix(p.skey, "PRIVATE+KEY+"), "+", 3)[2]
	return pairOf(t, "PRIVATE+KEY+"+name+"+"+hash+"+"+secret, vkey)
}

// office is all of head office: two roots, three keys for policies, one to freeze.
type office struct {
	root, heir, freeze pair
	policy             [3]pair
}

func newOffice(t testing.TB) office {
	o := office{root: keyPair(t, "root"), heir: keyPair(t, "heir"), freeze: keyPair(t, "freeze")}
	for i := range o.policy {
		o.policy[i] = keyPair(t, fmt.Sprintf("policy-%d", i+1))
	}
	return o
}

// roles is a text that names a root.
func (o office) roles(version int, root pair) string {
	return fmt.Sprintf("version = %d\nrealm = %q\nroot = %q\n\n[policy]\nthreshold = 2\nkeys = [%q, %q, %q]\n\n[freeze]\nthreshold = 1\nkeys = [%q]\n",
		version, realm, root.vkey, o.policy[0].vkey, o.policy[1].vkey, o.policy[2].vkey, o.freeze.vkey)
}

// signedBy signs roles that parse.
func signedBy(t testing.TB, text string, keys ...pair) string {
	t.Helper()
	n, err := policy.SignRoles(text, signers(keys)...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func signers(keys []pair) (all []note.Signer) {
	for _, k := range keys {
		all = append(all, k.signer)
	}
	return all
}

// open gives roles 1.
func (o office) open(t testing.TB) *policy.Roles {
	t.Helper()
	r, err := policy.OpenRoles(signedBy(t, o.roles(1, o.root), o.root), o.root.verifier, realm)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestI6APolicyNeedsEnoughKeysOfItsRole(t *testing.T) {
	o := newOffice(t)
	r := o.open(t)
	text := storePolicy(t)
	renamed := o.policy[0].renamed(t, "policy-2") // the first key in the second's name
	for _, c := range []struct {
		name string
		keys []pair
		ok   bool
	}{
		{"one of two", []pair{o.policy[0]}, false},
		{"two of three", []pair{o.policy[0], o.policy[2]}, true},
		{"all three", []pair{o.policy[2], o.policy[1], o.policy[0]}, true},
		{"two and a stranger", []pair{o.policy[0], keyPair(t, "policy-2"), o.policy[1]}, true},
		{"one and a stranger", []pair{o.policy[0], keyPair(t, "policy-2")}, false},
		{"one and the same key under another name", []pair{o.policy[0], renamed}, false},
		{"one and the root", []pair{o.policy[0], o.root}, false},
		{"one and the freeze key", []pair{o.policy[0], o.freeze}, false},
		{"the root alone", []pair{o.root}, false},
	} {
		signed, err := policy.Sign(text, signers(c.keys)...)
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.OpenPolicy(signed, "convenience")
		if c.ok {
			if err != nil || p.Version != 7 {
				t.Errorf("%s: %+v, %v", c.name, p, err)
			}
			continue
		}
		refused(t, c.name, err, policy.CodeSignature, "signed by")
		if p != nil {
			t.Errorf("%s: a policy came with the error", c.name)
		}
	}
	one, err := policy.Sign(text, o.policy[0].signer)
	if err != nil {
		t.Fatal(err)
	}
	line := one[strings.LastIndex(one, "\n\n")+2:]
	_, err = r.OpenPolicy(one+line, "convenience")
	refused(t, "the same signature twice", err, policy.CodeSignature, "1 of the 2 keys")
	both, err := policy.Countersign(one, o.policy[1].signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenPolicy(both, "station"); err != nil {
		t.Errorf("countersigned: %v", err)
	}
	_, err = r.OpenPolicy(both, "kiosk")
	refused(t, "a class that is not listed", err, policy.CodeRealm, `not for "kiosk"`)
}

// Head office cannot let one person sign for two by mistake.
func TestI6AKeyOfARoleCountsOnceUnderWhateverName(t *testing.T) {
	o := newOffice(t)
	o.policy[1] = o.policy[0].renamed(t, "somebody-else")
	_, err := policy.ParseRoles(o.roles(1, o.root))
	refused(t, "two names", err, policy.CodeRule, "policy: key 2 is there twice")
	o.policy[1] = o.policy[0]
	_, err = policy.ParseRoles(o.roles(1, o.root))
	refused(t, "one name", err, policy.CodeRule, "policy: key 2 is there twice")
	// A text that was signed all the same is refused by the register too.
	r, err := policy.OpenRoles(signAnything(t, o.roles(1, o.root), o.root.signer), o.root.verifier, realm)
	refused(t, "signed all the same", err, policy.CodeRule, "key 2 is there twice")
	if r != nil {
		t.Error("roles came with the error")
	}
}

func TestI6RolesFollowOnlyUpwardsAndUnderTheirRoot(t *testing.T) {
	o := newOffice(t)
	first := o.open(t)
	second, err := first.Next(signedBy(t, o.roles(2, o.root), o.root))
	if err != nil || second.Version != 2 {
		t.Fatalf("got %+v, %v", second, err)
	}
	stranger := keyPair(t, "root")
	for _, c := range []struct {
		name, text, words string
		code              policy.Code
	}{
		{"an older version", signedBy(t, o.roles(1, o.root), o.root), "never go back", policy.CodeVersion},
		{"the same version", signedBy(t, o.roles(2, o.root), o.root), "never go back", policy.CodeVersion},
		{"another root of the same name", signedBy(t, o.roles(3, stranger), stranger), "not signed by the root", policy.CodeSignature},
		{"the policy role", signedBy(t, o.roles(3, o.root), o.policy[0], o.policy[1], o.policy[2]), "not signed by the root", policy.CodeSignature},
		{"an heir alone", signedBy(t, o.roles(3, o.heir), o.heir), "not signed by the root", policy.CodeSignature},
		{"an heir that did not sign", signedBy(t, o.roles(3, o.heir), o.root), "did not sign", policy.CodeSignature},
		{"another chain", signedBy(t, strings.Replace(o.roles(3, o.root), "sakura", "momo", 1), o.root), "momo/production", policy.CodeRealm},
		{"no note", o.roles(3, o.root), "not signed by the root", policy.CodeSignature},
		{"too long", strings.Repeat("#\n", 20000), "more than", policy.CodeText},
		{"an unknown key", signAnything(t, "speed = 1\n"+o.roles(3, o.root), o.root.signer), "speed", policy.CodeText},
		{"good, then bad", signedBy(t, o.roles(3, o.root), o.root) + "\f" + signedBy(t, o.roles(4, stranger), stranger), "not signed by the root", policy.CodeSignature},
	} {
		next, err := second.Next(c.text)
		refused(t, c.name, err, c.code, c.words)
		if next != nil {
			t.Errorf("%s: roles came with the error", c.name)
		}
	}
}

// After a change of root a register that slept through it finds its way by the
// chain, and one that starts again opens what it kept under the pinned root.
func TestI8AChangeOfRootLeavesNoRegisterBehind(t *testing.T) {
	o := newOffice(t)
	first := o.open(t)
	moved, err := first.Next(signedBy(t, o.roles(2, o.heir), o.root, o.heir))
	if err != nil {
		t.Fatal(err)
	}
	third, err := moved.Next(signedBy(t, o.roles(3, o.heir), o.heir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := moved.Next(signedBy(t, o.roles(3, o.root), o.root)); err == nil {
		t.Error("the old root signs on")
	}
	fourth, err := third.Next(signedBy(t, o.roles(4, o.heir), o.heir))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(fourth.Chain(), "\f"); n != 1 {
		t.Errorf("%d notes before the last, and one changed the root", n)
	}
	for name, open := range map[string]func(string) (*policy.Roles, error){
		"after a restart": func(s string) (*policy.Roles, error) { return policy.OpenRoles(s, o.root.verifier, realm) },
		"on roles 1":      first.Next,
		"on roles 2":      moved.Next,
		"on roles 3":      third.Next,
	} {
		again, err := open(fourth.Chain())
		if err != nil || again.Version != 4 || again.Root.KeyHash() != o.heir.verifier.KeyHash() {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
	}
	_, err = fourth.Next(fourth.Chain())
	refused(t, "the same chain again", err, policy.CodeVersion, "never go back")
	_, err = first.Next(fourth.Chain()[strings.Index(fourth.Chain(), "\f")+1:])
	refused(t, "the last note alone", err, policy.CodeSignature, "not signed by the root")
}

func TestRolesThatMakeNoSense(t *testing.T) {
	o := newOffice(t)
	good := o.roles(1, o.root)
	many := strings.Repeat(`"x", `, 21)
	for _, c := range []struct {
		old, new, words string
		code            policy.Code
	}{
		{"version = 1", "version = 0", "version must be", policy.CodeRule},
		{"version = 1", "version = 1000000000000001", "version must be", policy.CodeRule},
		{`realm = "sakura/production"`, "", "realm is needed", policy.CodeRule},
		{"root = ", "Root = ", "Root", policy.CodeText},
		{`root = "root+`, `root = "roof+`, "root is no verifier key", policy.CodeRule},
		{"threshold = 2", "threshold = 0", "policy: it needs", policy.CodeRule},
		{"threshold = 2", "threshold = -1", "policy: it needs", policy.CodeRule},
		{"threshold = 2", "threshold = 4", "policy: it needs", policy.CodeRule},
		{"threshold = 1", "", "freeze: it needs", policy.CodeRule},
		{"[freeze]", "[freezer]", "freezer", policy.CodeText},
		{`keys = ["freeze+`, `keys = [` + many + `"freeze+`, "freeze: it needs", policy.CodeRule},
		{`keys = ["freeze+`, `keys = ["thaw+`, "freeze: key 1 is no verifier key", policy.CodeRule},
		{"version = 1", "version", "no TOML", policy.CodeText},
	} {
		if strings.Count(good, c.old) != 1 {
			t.Fatalf("%q is not once in the good roles", c.old)
		}
		text := strings.Replace(good, c.old, c.new, 1)
		r, err := policy.ParseRoles(text)
		refused(t, c.new, err, c.code, c.words)
		signed, signErr := policy.SignRoles(text, o.root.signer)
		refused(t, "signing "+c.new, signErr, c.code, c.words)
		if r != nil || signed != "" {
			t.Errorf("%s: something came with the error", c.new)
		}
	}
	_, err := policy.SignRoles(good)
	refused(t, "nobody signs", err, policy.CodeSignature, "at least one key")
	_, err = policy.SignRoles(good+"#\t\n", o.root.signer)
	refused(t, "a tab", err, policy.CodeText, "no tab")
	_, err = policy.Countersign(good, o.root.signer)
	refused(t, "no note", err, policy.CodeText, "no signed note")
}

func TestRolesAtTheirBoundsAreTaken(t *testing.T) {
	o := newOffice(t)
	good := o.roles(1, o.root)
	twenty := make([]string, 20)
	for i := range twenty {
		twenty[i] = fmt.Sprintf("%q", keyPair(t, fmt.Sprintf("freeze-%d", i)).vkey)
	}
	for _, c := range []struct{ old, new string }{
		{"version = 1", "version = 1000000000000000"},
		{"threshold = 2", "threshold = 3"},
		{fmt.Sprintf("threshold = 1\nkeys = [%q]", o.freeze.vkey), "threshold = 20\nkeys = [" + strings.Join(twenty, ", ") + "]"},
	} {
		if strings.Count(good, c.old) != 1 {
			t.Fatalf("%q is not once in the good roles", c.old)
		}
		if _, err := policy.ParseRoles(strings.Replace(good, c.old, c.new, 1)); err != nil {
			t.Errorf("%.30s: %v", c.new, err)
		}
	}
}

// FuzzRoles: any text gives roles of which each role can sign, or an *Error.
func FuzzRoles(f *testing.F) {
	if seeds, err := filepath.Glob("testdata/fuzz/FuzzRoles/*"); err != nil || len(seeds) == 0 {
		f.Fatalf("the seeds are gone: %v", err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := policy.ParseRoles(text)
		if err != nil {
			if _, ok := errors.AsType[*policy.Error](err); !ok || r != nil {
				t.Fatalf("got %v and %T: %v", r, err, err)
			}
			return
		}
		for _, role := range []policy.Role{r.Policy, r.Freeze} {
			if role.Threshold < 1 || role.Threshold > len(role.Keys) {
				t.Fatalf("%d of %d keys", role.Threshold, len(role.Keys))
			}
		}
	})
}
