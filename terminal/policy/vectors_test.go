package policy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// The vectors are made by docs/vectors/note.py from docs/protocol.md, with none
// of this package's code. The tests read its committed output and run no Python.
const (
	vectorFile = "../../docs/vectors/note.json"
	page       = "../../docs/protocol.md"
)

type signed struct{ Text, Note string }

type vectorSet struct {
	Realm, Signer, Verifier string
	KeyHash                 string `json:"key_hash"`
	Policy, Identity        signed
	Second                  string `json:"second_signature"`
	Bad                     map[string]string
	Trust                   trust
}

// trust is who signs what, and what must not be taken.
type trust struct {
	Text, Note, Chain, Freeze string
	BadRoles                  map[string]string `json:"bad_roles"`
	Policies                  map[string]string
	BadPolicies               map[string]string `json:"bad_policies"`
	Follows                   map[string]string
	DoesNotFollow             map[string]string `json:"does_not_follow"`
}

func vectors(t *testing.T) (set vectorSet, signer note.Signer, pinned note.Verifier) {
	t.Helper()
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if signer, err = note.NewSigner(set.Signer); err != nil {
		t.Fatal(err)
	}
	if pinned, err = note.NewVerifier(set.Verifier); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%08x", pinned.KeyHash()); got != set.KeyHash || len(set.Bad) == 0 {
		t.Fatalf("key hash %s, and the document says %s; %d bad notes", got, set.KeyHash, len(set.Bad))
	}
	return set, signer, pinned
}

// Ed25519 gives one signature for one text, so our notes are the document's.
func TestI6ThePolicyOfTheDocumentOpensAndIsTheOneThatSignMakes(t *testing.T) {
	set, signer, pinned := vectors(t)
	p, err := by(pinned, set.Realm).OpenPolicy(set.Policy.Note, "convenience")
	if err != nil || p.Version != 3 || len(p.Caps) != 1 || p.Caps[0].Limit.Units != 257 {
		t.Fatalf("got %+v, %v", p, err)
	}
	if got, err := policy.Sign(set.Policy.Text, signer); err != nil || got != set.Policy.Note {
		t.Errorf("signed as\n%s\n%v", got, err)
	}
	if again, err := by(pinned, set.Realm).OpenPolicy(set.Second, "convenience"); err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("with a stranger's signature before ours: %+v, %v", again, err)
	}
}

func TestI6TheIdentityOfTheDocumentOpensAndIsTheOneThatSignMakes(t *testing.T) {
	set, signer, pinned := vectors(t)
	want := policy.Identity{Register: "r1", Store: "store-0001", Class: "convenience", Realm: set.Realm}
	if got, err := policy.OpenIdentity(set.Identity.Note, pinned); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := policy.SignIdentity(want, signer); err != nil || got != set.Identity.Note {
		t.Errorf("signed as\n%s\n%v", got, err)
	}
}

func TestI6TheBadNotesOfTheDocumentDoNotOpen(t *testing.T) {
	set, _, pinned := vectors(t)
	for name, text := range set.Bad {
		p, err := by(pinned, set.Realm).OpenPolicy(text, "convenience")
		refused(t, name, err, policy.CodeSignature, "not signed by a key")
		if p != nil {
			t.Errorf("%s: a policy came with the error", name)
		}
	}
}

func TestI6TheRolesOfTheDocumentSayWhoSigns(t *testing.T) {
	set, signer, pinned := vectors(t)
	first, err := policy.OpenRoles(set.Trust.Note, pinned, set.Realm)
	if err != nil || first.Version != 1 || first.Policy.Threshold != 2 || len(first.Policy.Keys) != 3 || len(first.Freeze.Keys) != 1 {
		t.Fatalf("got %+v, %v", first, err)
	}
	if got, err := policy.SignRoles(set.Trust.Text, signer); err != nil || got != set.Trust.Note {
		t.Errorf("signed as\n%s\n%v", got, err)
	}
	for name, open := range map[string]func(string) (*policy.Roles, error){
		"from the root": func(text string) (*policy.Roles, error) { return policy.OpenRoles(text, pinned, set.Realm) },
		"from roles 1":  first.Next,
	} {
		if last, err := open(set.Trust.Chain); err != nil || last.Version != 3 || last.Root.Name() != "next-chain" {
			t.Errorf("the chain %s: %+v, %v", name, last, err)
		}
	}
	for name, text := range set.Trust.BadRoles {
		if r, err := first.Next(text); err == nil || r != nil {
			t.Errorf("%s: taken", name)
		}
	}
	for name, text := range set.Trust.Policies {
		if p, err := first.OpenPolicy(text, "convenience"); err != nil || p.Version != 3 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for name, text := range set.Trust.BadPolicies {
		p, err := first.OpenPolicy(text, "convenience")
		refused(t, name, err, policy.CodeSignature, "signed by")
		if p != nil {
			t.Errorf("%s: a policy came with the error", name)
		}
	}
	if len(set.Trust.BadRoles) < 7 || len(set.Trust.Policies) < 2 || len(set.Trust.BadPolicies) < 6 {
		t.Error("the document lost some")
	}
}

func TestI6TheFreezesOfTheDocumentFollowOrNot(t *testing.T) {
	set, _, pinned := vectors(t)
	r, err := policy.OpenRoles(set.Trust.Note, pinned, set.Realm)
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.OpenFreeze(set.Trust.Freeze)
	if err != nil || before.Lifts || !before.Categories["tobacco"] || !before.Issuers["demo-wallet"] {
		t.Fatalf("got %+v, %v", before, err)
	}
	for name, text := range set.Trust.Follows {
		if f, err := r.OpenFreeze(text); err != nil || f.Follows(before) != nil {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for name, text := range set.Trust.DoesNotFollow {
		if f, err := r.OpenFreeze(text); err != nil || f.Follows(before) == nil {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	if len(set.Trust.Follows) < 2 || len(set.Trust.DoesNotFollow) < 5 {
		t.Error("the document lost some")
	}
}

// The page shows the vector's key and signature, and names every key that a
// policy can have.
func TestThePageSaysWhatAPolicyHolds(t *testing.T) {
	set, _, _ := vectors(t)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "\n## The policy\n")
	if !found {
		t.Fatal("the page has no chapter on the policy")
	}
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	line := set.Policy.Note[strings.LastIndex(set.Policy.Note, "\n\n")+2:]
	for _, shown := range append([]string{set.Signer, set.Verifier, set.KeyHash, line}, keysOf(t)...) {
		if !strings.Contains(chapter, shown) {
			t.Errorf("the page does not show %s", shown)
		}
	}
}

// keysOf gives every key of the good policy, as the page writes them; the
// policy's own test sees that it has all of them.
func keysOf(t *testing.T) []string {
	t.Helper()
	var keys []string
	table := ""
	for row := range strings.Lines(storePolicy(t)) {
		row = strings.TrimSpace(row)
		if strings.HasPrefix(row, "[") {
			table = strings.Trim(row, "[]") + "."
		} else if key, _, found := strings.Cut(row, " = "); found {
			keys = append(keys, "| `"+table+key+"` |")
		}
	}
	if len(keys) < 40 {
		t.Fatalf("%d keys: the test is wrong", len(keys))
	}
	return keys
}
