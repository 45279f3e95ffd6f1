package policy_test

import (
	"crypto/rand"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

const realm = "sakura/production"

func storePolicy(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/store.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// key makes a key of head office; two keys of one name differ.
func key(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier
}

// signAnything signs what Sign would refuse.
func signAnything(t testing.TB, text string, signer note.Signer) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// by gives roles under which one key may sign policies.
func by(verifier note.Verifier, realm string) *policy.Roles {
	return &policy.Roles{Version: 1, Realm: realm, Policy: policy.Role{Threshold: 1, Keys: []note.Verifier{verifier}}}
}

// refused wants an *Error of a code, with a text that holds some words.
func refused(t *testing.T, name string, err error, code policy.Code, words string) {
	t.Helper()
	wrong, ok := errors.AsType[*policy.Error](err)
	if !ok || wrong.Code != code || !strings.Contains(wrong.Error(), words) || wrong.Text == "" {
		t.Errorf("%s: got %v; want %s with %q", name, err, code, words)
	}
}

func TestI6OnlyHeadOfficesPolicyOpens(t *testing.T) {
	office, pinned := key(t, "office")
	other, _ := key(t, "office") // the same name, another key
	text := storePolicy(t)
	signed, err := policy.Sign(text, office)
	if err != nil {
		t.Fatal(err)
	}
	p, err := by(pinned, realm).OpenPolicy(signed, "convenience")
	if err != nil || p.Version != 7 || p.Realm != realm {
		t.Fatalf("got %+v, %v", p, err)
	}
	for name, changed := range map[string]string{
		"another key of the same name": signAnything(t, text, other),
		"no signature":                 text,
		"nothing":                      "",
		"a limit raised":               strings.Replace(signed, "units = 15", "units = 99", 1),
		"a signature cut short":        strings.TrimSuffix(signed, "\n"),
		"a tab":                        strings.Replace(signed, "units = 15", "units =\t15", 1),
	} {
		p, err := by(pinned, realm).OpenPolicy(changed, "convenience")
		refused(t, name, err, policy.CodeSignature, "not signed by a key")
		if p != nil {
			t.Errorf("%s: a policy came with the error", name)
		}
	}
	// No byte can be changed and mean something else. The last digit of the
	// signature's base64 has bits that say nothing: they alone may differ.
	for i := range signed {
		changed := signed[:i] + string(signed[i]^1) + signed[i+1:]
		got, err := by(pinned, realm).OpenPolicy(changed, "convenience")
		if err == nil && (i < len(text) || !reflect.DeepEqual(got, p)) {
			t.Fatalf("byte %d changed from %q, and it opened as %+v", i, signed[i], got)
		}
	}
}

func TestI6APolicyOfAnotherChainOrEnvironmentIsRefused(t *testing.T) {
	office, pinned := key(t, "office")
	signed, err := policy.Sign(storePolicy(t), office)
	if err != nil {
		t.Fatal(err)
	}
	for _, mine := range []string{"sakura/test", "momo/production", "", "SAKURA/PRODUCTION"} {
		p, err := by(pinned, mine).OpenPolicy(signed, "convenience")
		refused(t, mine, err, policy.CodeRealm, realm)
		if p != nil {
			t.Errorf("%q: a policy came with the error", mine)
		}
	}
}

// A register checks again what head office signed: an older tool may have
// signed what this release does not know.
func TestOpenReadsTheTextItself(t *testing.T) {
	office, pinned := key(t, "office")
	for _, c := range []struct {
		name, old, new, words string
		code                  policy.Code
	}{
		{"unknown key", "version = 7", "version = 7\nspeed = 1", "speed", policy.CodeText},
		{"no rule", "version = 7", "version = 0", "version", policy.CodeRule},
	} {
		p, err := by(pinned, realm).OpenPolicy(signAnything(t, strings.Replace(storePolicy(t), c.old, c.new, 1), office), "convenience")
		refused(t, c.name, err, c.code, c.words)
		if p != nil {
			t.Errorf("%s: a policy came with the error", c.name)
		}
	}
}

func TestSignSignsNothingThatWouldNotOpen(t *testing.T) {
	office, pinned := key(t, "office")
	text := storePolicy(t)
	for _, c := range []struct {
		name, text, words string
		code              policy.Code
	}{
		{"a tab", strings.Replace(text, "units = 15", "units =\t15", 1), "no tab", policy.CodeText},
		{"a tab in a comment", "#\t\n" + text, "no tab", policy.CodeText},
		{"Windows' line ends", strings.ReplaceAll(text, "\n", "\r\n"), "no carriage return", policy.CodeText},
		{"no TOML", "version = ", "no TOML", policy.CodeText},
		{"an unknown key", text + "\nspeed = 1\n", "speed", policy.CodeText},
		{"no rule", strings.Replace(text, "version = 7", "version = -7", 1), "version", policy.CodeRule},
		{"no newline at the end", strings.TrimSuffix(text, "\n"), "cannot be signed", policy.CodeText},
		{"more than a message holds", text + strings.Repeat("#\n", (400<<10-len(text))/2+1), "more than 409600 bytes", policy.CodeText},
		{"no UTF-8", strings.Replace(text, "PayPay", "\xff", 1), "no TOML", policy.CodeText},
	} {
		signed, err := policy.Sign(c.text, office)
		refused(t, c.name, err, c.code, c.words)
		if signed != "" {
			t.Errorf("%s: it was signed", c.name)
		}
	}
	for _, extra := range []string{"", "\n\n", "\n\n— office AAAA\n", strings.Repeat("#\n", (400<<10-len(text))/2)} { // rows like a signature's, and the longest that fits
		signed, err := policy.Sign(text+strings.ReplaceAll(extra, "—", "# —"), office)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := by(pinned, realm).OpenPolicy(signed, "convenience"); err != nil {
			t.Errorf("%q at the end: %v", extra, err)
		}
	}
}

func TestIdentityOpensOnlyAsSigned(t *testing.T) {
	root, pinned := key(t, "root")
	other, _ := key(t, "root")
	id := policy.Identity{Register: "r1", Store: "s \"1\" 渋谷", Class: "convenience", Realm: realm}
	signed, err := policy.SignIdentity(id, root)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := policy.OpenIdentity(signed, pinned); err != nil || got != id {
		t.Fatalf("got %+v, %v", got, err)
	}
	forged, err := policy.SignIdentity(id, other)
	if err != nil {
		t.Fatal(err)
	}
	const text = "register = \"r1\"\nstore = \"s1\"\nclass = \"c\"\nrealm = \"x\"\n"
	for _, c := range []struct {
		name, note, words string
		code              policy.Code
	}{
		{"another key", forged, "pinned root key", policy.CodeSignature},
		{"another store", strings.Replace(signed, "渋谷", "新宿", 1), "pinned root key", policy.CodeSignature},
		{"no note", text, "pinned root key", policy.CodeSignature},
		{"no TOML", signAnything(t, "register\n", root), "no TOML", policy.CodeText},
		{"a number", signAnything(t, strings.Replace(text, `"r1"`, "1", 1), root), "no TOML", policy.CodeText},
		{"one more key", signAnything(t, text+"limit = 1\n", root), "nothing else", policy.CodeText},
		{"another spelling", signAnything(t, strings.Replace(text, "class", "Class", 1), root), "nothing else", policy.CodeText},
		{"no register", signAnything(t, strings.Replace(text, `"r1"`, `""`, 1), root), "needs register", policy.CodeText},
		{"no store", signAnything(t, strings.Replace(text, `"s1"`, `""`, 1), root), "needs register", policy.CodeText},
		{"no class", signAnything(t, strings.Replace(text, `"c"`, `""`, 1), root), "needs register", policy.CodeText},
		{"no realm", signAnything(t, strings.Replace(text, `"x"`, `""`, 1), root), "needs register", policy.CodeText},
	} {
		got, err := policy.OpenIdentity(c.note, pinned)
		refused(t, c.name, err, c.code, c.words)
		if got != (policy.Identity{}) {
			t.Errorf("%s: %+v came with the error", c.name, got)
		}
	}
	for name, id := range map[string]policy.Identity{
		"nobody":                  {},
		"no class":                {Register: "r", Store: "s", Realm: "x"},
		"a byte that is no UTF-8": {Register: "r", Store: "\xff", Class: "c", Realm: "x"},
		"a bell in the store":     {Register: "r", Store: "\a", Class: "c", Realm: "x"},
	} {
		signed, err := policy.SignIdentity(id, root)
		refused(t, name, err, policy.CodeText, "identity")
		if signed != "" {
			t.Errorf("%s: it was signed", name)
		}
	}
}
