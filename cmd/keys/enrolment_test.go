package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
)

func TestEnrolAndEnrolAgain(t *testing.T) {
	b, data := newBackend(t), filepath.Join(t.TempDir(), "till")
	code := enrol.NewCode(b.ca.Raw)
	if _, err := b.enrol(data, code); err != nil {
		t.Fatal(err)
	}
	first, trust := inUse(t, data)
	if first.Identity != who || len(trust.CAs) != 1 || !first.Register.Public().(ed25519.PublicKey).Equal(trust.Certificate.Leaf.PublicKey) {
		t.Errorf("got %+v", first.Identity)
	}
	if _, err := b.enrol(data, code); err != nil || b.asked != 1 {
		t.Errorf("the same again: %v, asked %d times", err, b.asked)
	}
	write(t, filepath.Join(data, "keys"), ManagerPIN, "the PIN's hash\n")
	write(t, data, "ledger.db", "the ledger")
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Fatal(err)
	}
	again, _ := inUse(t, data)
	if again.Register.Equal(first.Register) || again.Identity != who {
		t.Error("another enrolment is by another key")
	}
	if read(t, filepath.Join(data, "keys", ManagerPIN)) != "the PIN's hash\n" || read(t, filepath.Join(data, "ledger.db")) != "the ledger" {
		t.Error("PIN or ledger did not stay")
	}
	text := read(t, filepath.Join(data, "keys", codeFile))
	if strings.Contains(text, code.Secret()) || strings.Contains(text, code.Text()) {
		t.Error("the code is kept")
	}
}

// Everything in an answer is looked at before it takes the place of anything.
func TestI6AnAnswerThatDoesNotFitChangesNothing(t *testing.T) {
	stranger := newBackend(t)
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b *backend, a *enrol.Answer){
		"no certificate": func(_ *backend, a *enrol.Answer) { a.Certificate = "" },
		"for another key": func(b *backend, a *enrol.Answer) {
			a.Certificate = asPEM(b.certificate(other.Public().(ed25519.PublicKey)))
		},
		"of another CA": func(b *backend, a *enrol.Answer) {
			b.ca, b.key = stranger.ca, stranger.key
			a.Certificate = asPEM(b.certificate(b.latest))
		},
		"of another name": func(b *backend, a *enrol.Answer) {
			b.name = enrol.Name{Store: "s1", Register: "r2"}.URI()
			a.Certificate = asPEM(b.certificate(b.latest))
		},
		"no CA":             func(_ *backend, a *enrol.Answer) { a.CA = "" },
		"another CA first":  func(_ *backend, a *enrol.Answer) { a.CA = asPEM(stranger.ca) + a.CA },
		"a CA that is none": func(_ *backend, a *enrol.Answer) { a.CA = a.Certificate },
		"another root":      func(_ *backend, a *enrol.Answer) { a.Root = stranger.root },
		"no root":           func(_ *backend, a *enrol.Answer) { a.Root = "" },
		"roles of another":  func(_ *backend, a *enrol.Answer) { a.Roles = stranger.office.Roles },
		"no identity":       func(_ *backend, a *enrol.Answer) { a.Identity = "" },
		"a short store key": func(_ *backend, a *enrol.Answer) { a.StoreKey = "5e5e" },
		"no sealing key":    func(_ *backend, a *enrol.Answer) { a.BackendHPKE = "AAAA" },
		"a private key by mistake": func(_ *backend, a *enrol.Answer) {
			a.CA += "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
		},
	} {
		b, data := newBackend(t), t.TempDir()
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Fatal(err)
		}
		before, _ := inUse(t, data)
		code := enrol.NewCode(b.ca.Raw)
		b.change = func(a *enrol.Answer) { change(b, a) }
		if _, err := b.enrol(data, code); err == nil {
			t.Errorf("%s: taken", name)
		} else if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := Load(data); err != nil || !now.Register.Equal(before.Register) {
			t.Errorf("%s: the register is another, %v", name, err)
		}
	}
}

// A data folder stays the one register's whose ledger it holds.
func TestI6AnotherRegistersCodeIsRefused(t *testing.T) {
	for _, other := range []policy.Identity{
		{Register: "r2", Store: who.Store, Class: who.Class, Realm: who.Realm}, {Register: who.Register, Store: "s2", Class: who.Class, Realm: who.Realm},
	} {
		b, data := newBackend(t), t.TempDir()
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Fatal(err)
		}
		b.id = other
		code := enrol.NewCode(b.ca.Raw)
		for range 2 {
			if _, err := b.enrol(data, code); !errors.Is(err, ErrOtherRegister) || !strings.Contains(err.Error(), string(other.Register)) {
				t.Errorf("%+v: %v", other, err)
			}
		}
		if k, err := Load(data); err != nil || k.Identity != who {
			t.Errorf("now it is %+v, %v", k.Identity, err)
		}
		b.id = who
		b.id.Class = "kiosk" // head office may change that
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Error(err)
		}
	}
}

// Whatever is wrong with the identity of the register that is here: it may be why
// it is enrolled again.
func TestI6AnotherRegistersCodeIsRefusedBesideABrokenIdentity(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"its mode":    func(path string) error { return os.Chmod(path, 0o666) },
		"its content": func(path string) error { return os.WriteFile(path, []byte("nothing"), 0o600) },
		"it is gone":  os.Remove,
	} {
		b, data := newBackend(t), t.TempDir()
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(data, "keys", IdentityNote)); err != nil {
			t.Fatal(err)
		}
		b.id.Register = "r2"
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); !errors.Is(err, ErrOtherRegister) {
			t.Errorf("%s: %v", name, err)
		}
		b.id = who
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Errorf("%s: its own code: %v", name, err)
		}
		inUse(t, data)
	}
}

func TestEnrolmentWantsTheFolderForItself(t *testing.T) {
	b, data := newBackend(t), t.TempDir()
	held, err := Begin(data, enrol.NewCode(b.ca.Raw))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); !errors.Is(err, ErrRunning) {
		t.Errorf("beside another: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Error(err)
	}
}

// Root enrols a register whose daemon is a user of its own.
func TestEnrolledFilesAreTheFoldersOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		return // nobody else may give files away
	}
	b, data := newBackend(t), t.TempDir()
	if err := os.Chown(data, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Fatal(err)
	}
	inUse(t, data)
	err := filepath.WalkDir(filepath.Join(data, "keys"), func(path string, _ fs.DirEntry, err error) error {
		if got, _ := ownerLike(path); got != (owner{4711, 4712}) {
			t.Errorf("%s belongs to %v", path, got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The daemon's user leaves links in its own folder for the day on which root enrols
// the register again.
func TestI7RootFollowsNoLinkOfTheDaemons(t *testing.T) {
	b, data, other := newBackend(t), t.TempDir(), t.TempDir()
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Fatal(err)
	}
	write(t, other, "shadow", "what only root may read\n")
	if err := os.Symlink(filepath.Join(other, "shadow"), filepath.Join(data, "keys", ManagerPIN)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err == nil {
		t.Error("a link is taken for the PIN")
	}
	if text, _ := os.ReadFile(filepath.Join(data, nextName, ManagerPIN)); len(text) > 0 {
		t.Errorf("copied: %q", text)
	}
	if err := os.Symlink(other, filepath.Join(data, "link")); err != nil {
		t.Fatal(err)
	}
	if err := (owner{4711, 4712}).takeFolder(filepath.Join(data, "link")); err == nil {
		t.Error("what a link leads to is given away")
	}
	if is, err := ownerLike(other); err != nil || is == (owner{4711, 4712}) {
		t.Errorf("the other folder belongs to %v, %v", is, err)
	}
}
