package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/policy"
)

var who = policy.Identity{Register: "r1", Store: "s1", Class: "convenience", Realm: scenario.Realm}

// enrolled gives a data folder with good keys.
func enrolled(t *testing.T) (data string, office scenario.Keys) {
	t.Helper()
	data = t.TempDir()
	office, err := scenario.MakeKeys(t.TempDir(), data, who)
	if err != nil {
		t.Fatal(err)
	}
	return data, office
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestKeysAreReadAsEnrolmentLeftThem(t *testing.T) {
	data, office := enrolled(t)
	k, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if k.Identity != who || len(k.Store) != 32 || len(k.Register) != 64 || k.Root.Name() != office.Root.Name() || k.Root.KeyHash() != office.Root.KeyHash() {
		t.Errorf("got %+v, root %s", k.Identity, k.Root.Name())
	}
	if got, want := hex.EncodeToString(k.Sealer.Bytes()), hex.EncodeToString(office.Backend.PublicKey().Bytes()); got != want {
		t.Errorf("sealer: got %s, want %s", got, want)
	}
	if k.Roles.Version != 1 || k.Roles.Chain() != office.Roles || k.Roles.Policy.Threshold != 2 || len(k.Roles.Policy.Keys) != 3 {
		t.Errorf("roles: got %+v", k.Roles)
	}
	if got := hex.EncodeToString(k.Store); got != strings.TrimSpace(read(t, filepath.Join(data, "keys", "store.key"))) {
		t.Error("the store's key is another")
	}
}

// ecdsaKey is a good key of the wrong kind.
func ecdsaKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// Each broken file names itself, says what to do, and shows nothing of what is
// in it: every word of it that is long enough to tell something is looked for.
func TestI7ABrokenKeyNamesItsFileAndNeverItsContents(t *testing.T) {
	_, stranger := enrolled(t)
	forged, err := policy.SignIdentity(who, stranger.Root)
	if err != nil {
		t.Fatal(err)
	}
	cut := func(text string) string { return text[:len(text)/2] }
	bare := func(text string) string { return strings.ReplaceAll(strings.ReplaceAll(text, "BEGIN", ""), "END", "") }
	in := func(text string) func(string) string { return func(string) string { return text } }
	for _, c := range []struct {
		file, name string
		change     func(string) string
		words      string
	}{
		{"register.key", "empty", in(""), "no PEM"},
		{"register.key", "no PEM", bare, "no PEM"},
		{"register.key", "cut", cut, "no PEM"},
		{"register.key", "another kind of key", in(ecdsaKey(t)), "no Ed25519 key"},
		{"register.key", "other bytes in PEM", in("-----BEGIN PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\n"), "no Ed25519 key"},
		{"store.key", "empty", in(""), "32 bytes in hex"},
		{"store.key", "cut", cut, "32 bytes in hex"},
		{"store.key", "a byte more", func(text string) string { return strings.TrimSpace(text) + "00" }, "32 bytes in hex"},
		{"store.key", "no hex", func(text string) string { return "x" + text[1:] }, "32 bytes in hex"},
		{"root.vkey", "empty", in(""), "no verifier key"},
		{"root.vkey", "cut", cut, "no verifier key"},
		{"root.vkey", "a secret key by mistake", in("PRIVATE+KEY+demo-root+00000000+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "no verifier key"},
		{"backend.hpke", "empty", in(""), "no X25519"},
		{"backend.hpke", "no base64", in("*secretsecret*"), "no base64"},
		{"backend.hpke", "too short", in(base64.StdEncoding.EncodeToString([]byte("secretsecret"))), "no X25519"},
		{"identity", "empty", in(""), "not signed"},
		{"identity", "changed", func(text string) string { return strings.Replace(text, `"s1"`, `"s2"`, 1) }, "not signed"},
		{"identity", "signed by a stranger", in(forged), "not signed"},
		{"identity", "a secret by mistake", in("secretsecret\nsecretsecret"), "not signed"},
		{"roles", "empty", in(""), "not signed"},
		{"roles", "cut", cut, "not signed"},
		{"roles", "changed", func(text string) string { return strings.Replace(text, "threshold = 2", "threshold = 1", 1) }, "not signed"},
		{"roles", "another root's", in(stranger.Roles), "not signed"},
		{"roles", "a secret by mistake", in("secretsecret\nsecretsecret"), "not signed"},
	} {
		data, _ := enrolled(t)
		path := filepath.Join(data, "keys", c.file)
		text := c.change(read(t, path))
		write(t, filepath.Dir(path), c.file, text)
		_, err := Load(data)
		wrong, ok := errors.AsType[*Error](err)
		if !ok || wrong.Path != path || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), "enrol") {
			t.Errorf("%s %s: got %v", c.file, c.name, err)
			continue
		}
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\"=+-", r) }) {
			if len(word) > 9 && strings.Contains(err.Error(), word) {
				t.Errorf("%s %s: %q tells %q", c.file, c.name, err, word)
			}
		}
	}
}

// What a signed identity holds wrongly is not quoted either.
func TestAnIdentitySignedWithNonsenseIsNotQuoted(t *testing.T) {
	data, office := enrolled(t)
	write(t, filepath.Join(data, "keys"), "identity", nonsense(t, office))
	_, err := Load(data)
	if wrong, ok := errors.AsType[*Error](err); !ok || filepath.Base(wrong.Path) != "identity" || strings.Contains(err.Error(), "secretsecret") || !strings.Contains(err.Error(), "no TOML") {
		t.Errorf("got %v", err)
	}
}

func TestI7SecretsAreReadOnlyWhereNobodyElseMay(t *testing.T) {
	for _, c := range []struct {
		file string
		mode fs.FileMode
		ok   bool
	}{
		{"register.key", 0o600, true}, {"register.key", 0o400, true}, {"register.key", 0o644, false}, {"register.key", 0o640, false},
		{"register.key", 0o604, false}, {"register.key", 0o620, false}, {"register.key", 0o601, false},
		{"store.key", 0o600, true}, {"store.key", 0o644, false}, {"store.key", 0o660, false},
		{"root.vkey", 0o644, true}, {"root.vkey", 0o664, false}, {"root.vkey", 0o646, false},
		{"backend.hpke", 0o644, true}, {"backend.hpke", 0o666, false},
		{"roles", 0o644, true}, {"roles", 0o664, false}, {"identity", 0o444, true}, {"identity", 0o622, false},
	} {
		data, _ := enrolled(t)
		if err := os.Chmod(filepath.Join(data, "keys", c.file), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(data)
		if c.ok {
			if err != nil {
				t.Errorf("%s with %04o: %v", c.file, c.mode, err)
			}
			continue
		}
		if wrong, ok := errors.AsType[*Error](err); !ok || filepath.Base(wrong.Path) != c.file || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("%s with %04o: got %v", c.file, c.mode, err)
		}
	}
}

func TestAMissingKeyIsNamed(t *testing.T) {
	for _, file := range []string{"register.key", "store.key", "root.vkey", "backend.hpke", "identity", "roles"} {
		data, _ := enrolled(t)
		path := filepath.Join(data, "keys", file)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err := Load(data)
		if wrong, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(wrong.Error(), path+": is not there") {
			t.Errorf("%s: got %v", file, err)
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err = Load(data)
		if wrong, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(wrong.Error(), path+": cannot be read: is a directory") {
			t.Errorf("%s as a folder: got %v", file, err)
		}
	}
}

// Without the whole folder nobody was enrolled: the error says what makes one,
// and where it looked, also where data is relative to the working folder.
func TestI8MissingKeysFolderSaysWhatMakesOne(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := Load("till")
	if wrong, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(wrong.Error(), filepath.Join(dir, "till", "keys")+": ") {
		t.Fatalf("got %v", err)
	}
	for _, words := range []string{"this folder is not there", "sekisho enrol", "sekisho-sim keys", `data = "DIR/register"`} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
}

// A test that runs as root is refused nothing: the kernel's answer is given here.
func TestI8WhyAKeyCannotBeRead(t *testing.T) {
	for code, words := range map[syscall.Errno]string{
		syscall.ENOENT: "is not there",
		syscall.EACCES: fmt.Sprintf("no permission: the user with id %d", os.Geteuid()),
		syscall.EPERM:  "no permission",
		syscall.EIO:    "cannot be read: input/output error",
	} {
		if got := why(&fs.PathError{Op: "open", Path: "/p", Err: code}); !strings.HasPrefix(got, words) || strings.Contains(got, "/p") {
			t.Errorf("%v: got %q, want %q", code, got, words)
		}
	}
}

// nonsense is a note by head office that is no identity.
func nonsense(t *testing.T, office scenario.Keys) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: "register = secretsecret\n"}, office.Root)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// Who owns a file may change its mode, and so what is in it. A test that runs as
// root may give files away.
func TestI6AFileOfAnotherUserIsNotTaken(t *testing.T) {
	for _, name := range []string{"", "register.key", "root.vkey", "identity"} {
		data, _ := enrolled(t)
		path := filepath.Join(data, "keys", name)
		if os.Geteuid() == 0 {
			if err := os.Chown(path, 4711, -1); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(data); err == nil || !strings.Contains(err.Error(), "another user") {
				t.Errorf("keys/%s of another user: %v", name, err)
			}
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stranger(info, []int{ownerOf(info) + 1, ownerOf(info) + 2}) == "" {
			t.Errorf("keys/%s: anybody is its owner", name)
		}
		if text := stranger(info, []int{0, ownerOf(info)}); text != "" {
			t.Errorf("keys/%s: %s", name, text)
		}
	}
}

// A technician is root, the daemon a user of its own: the folder is the daemon's.
func TestRootReadsTheDaemonsKeys(t *testing.T) {
	data, _ := enrolled(t)
	if os.Geteuid() != 0 {
		if got := owners(data); got[0] != os.Geteuid() {
			t.Errorf("owners %v", got)
		}
		return
	}
	err := filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, 4711, 4711))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(data); err != nil {
		t.Error(err)
	}
}

func TestI6AFolderThatOthersMayWriteIsNotTaken(t *testing.T) {
	for mode, ok := range map[fs.FileMode]bool{0o700: true, 0o755: true, 0o770: false, 0o702: false} {
		data, _ := enrolled(t)
		if err := os.Chmod(filepath.Join(data, "keys"), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(data); (err == nil) != ok || !ok && !strings.Contains(err.Error(), "chmod 700") {
			t.Errorf("keys/ with %04o: %v", mode, err)
		}
	}
}
