package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
)

// backend answers an enrolment by the documents: once for each code and key.
type backend struct {
	t      *testing.T
	office scenario.Keys
	root   string
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	given  map[string]ed25519.PublicKey
	asked  int
	latest ed25519.PublicKey
	id     policy.Identity
	change func(*enrol.Answer)
	name   *url.URL // in the certificate, where it is not the identity's
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	data, office := enrolled(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{t: t, office: office, root: read(t, filepath.Join(data, "keys", RootKey)), key: key, given: map[string]ed25519.PublicKey{}, id: who}
	b.ca = b.issue(key.Public(), func(c *x509.Certificate) { c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign })
	return b
}

func (b *backend) issue(public any, change func(*x509.Certificate)) *x509.Certificate {
	b.t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(b.given) + 1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	change(c)
	by := b.ca
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, public, b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		b.t.Fatal(err)
	}
	return parsed
}

func asPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func (b *backend) certificate(key ed25519.PublicKey) *x509.Certificate {
	return b.issue(key, func(c *x509.Certificate) {
		c.URIs, c.ExtKeyUsage = []*url.URL{nameOf(b.id).URI()}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if b.name != nil {
			c.URIs = []*url.URL{b.name}
		}
	})
}

var errSpent = errors.New("the code is spent")

func (b *backend) answer(code enrol.Code, key ed25519.PublicKey) (enrol.Answer, error) {
	b.asked++
	if known := b.given[code.Secret()]; known != nil && !known.Equal(key) {
		return enrol.Answer{}, errSpent
	}
	b.given[code.Secret()], b.latest = key, key
	identity, err := policy.SignIdentity(b.id, b.office.Root)
	if err != nil {
		b.t.Fatal(err)
	}
	a := enrol.Answer{
		Certificate: asPEM(b.certificate(key)), CA: asPEM(b.ca), Root: b.root, Roles: b.office.Roles, Identity: identity,
		StoreKey: strings.Repeat("5e", 32), BackendHPKE: base64.StdEncoding.EncodeToString(b.office.Backend.PublicKey().Bytes()),
	}
	if b.change != nil {
		b.change(&a)
	}
	return a, nil
}

// enrol is the whole of an enrolment, as cmd/sekisho does it.
func (b *backend) enrol(data string, code enrol.Code) (Keys, error) {
	e, err := Begin(data, code)
	if err != nil {
		return Keys{}, err
	}
	defer e.Close()
	if e.Done() {
		return Load(data)
	}
	if !e.Ready() {
		key, err := e.Key()
		if err != nil {
			return Keys{}, err
		}
		a, err := b.answer(code, key.Public().(ed25519.PublicKey))
		if err != nil {
			return Keys{}, err
		}
		if err := e.Keep(a); err != nil {
			return Keys{}, err
		}
	}
	return e.Place()
}

// inUse fails unless the folder is a whole one, with the files' modes, and nothing
// is left beside it.
func inUse(t *testing.T, data string) (Keys, Trust) {
	t.Helper()
	f, err := Find(data)
	if err != nil {
		t.Fatal(err)
	}
	k, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := f.Trust(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{
		"": 0o700, RegisterKey: 0o600, StoreKey: 0o600, RootKey: 0o600, RolesNote: 0o600, IdentityNote: 0o600, SealerKey: 0o600, Certificate: 0o644, BackendCA: 0o644,
	} {
		if info, err := os.Stat(filepath.Join(string(f), name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("keys/%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := os.Lstat(filepath.Join(data, nextName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", nextName, err)
	}
	return k, trust
}

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

// The power goes after each step of an enrolment, or in the middle of writing a
// file; the same command again ends right, with the key that the backend knows.
// Up to the step in which the folders change places the register stays the one
// that it was.
func TestI8APowerCutAnywhereInAnEnrolment(t *testing.T) {
	for _, before := range []bool{false, true} {
		for cut := 0; ; cut++ {
			b, data := newBackend(t), t.TempDir()
			var old Keys
			if before {
				if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
					t.Fatal(err)
				}
				old, _ = inUse(t, data)
				b.asked = 0
			}
			code := enrol.NewCode(b.ca.Raw)
			over := b.until(data, code, cut)
			if now, err := Load(data); before && (err != nil || !now.Register.Equal(old.Register) && b.asked == 0) {
				t.Fatalf("cut %d: the register is no more: %v", cut, err)
			}
			litter(t, data)
			k, err := b.enrol(data, code)
			if err != nil {
				t.Fatalf("enrolled before %v, cut %d: %v", before, cut, err)
			}
			now, _ := inUse(t, data)
			if !now.Register.Equal(k.Register) || !k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()]) || b.asked > 2 {
				t.Errorf("enrolled before %v, cut %d: another key, or asked %d times", before, cut, b.asked)
			}
			if over {
				if cut < 15 {
					t.Errorf("only %d steps", cut)
				}
				break
			}
		}
	}
}

// The power goes once the folders have changed places, and an older code is typed
// again: the keys from before never come back.
func TestI6AnOlderCodeBringsNoOldKeysBack(t *testing.T) {
	b, data := newBackend(t), t.TempDir()
	older, code := enrol.NewCode(b.ca.Raw), enrol.NewCode(b.ca.Raw)
	if _, err := b.enrol(data, older); err != nil {
		t.Fatal(err)
	}
	for steps := 1; !exchanged(data, b, code); steps++ {
		b.until(data, code, steps)
	}
	if _, err := b.enrol(data, older); !errors.Is(err, errSpent) {
		t.Errorf("by the older code: %v", err)
	}
	if k, err := Load(data); err != nil || !k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()]) {
		t.Errorf("the older keys are back, %v", err)
	}
}

// exchanged says whether the code's keys are in use and those from before still
// beside them.
func exchanged(data string, b *backend, code enrol.Code) bool {
	k, err := Load(data)
	_, left := os.Lstat(filepath.Join(data, nextName, Certificate))
	return err == nil && left == nil && k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()])
}

// until does the first steps of an enrolment and says whether these were all.
func (b *backend) until(data string, code enrol.Code, steps int) (over bool) {
	b.t.Helper()
	o, err := ownerLike(data)
	if err != nil {
		b.t.Fatal(err)
	}
	e := &Enrolment{code: code, data: data, owner: o}
	do := func(all []func() error) bool {
		for _, step := range all {
			if steps == 0 {
				return false
			}
			steps--
			if err := step(); err != nil {
				b.t.Fatal(err)
			}
		}
		return true
	}
	if !do(e.beginning()) || steps == 0 {
		return false
	}
	key, err := e.Key()
	if err != nil {
		b.t.Fatal(err)
	}
	a, err := b.answer(code, key.Public().(ed25519.PublicKey))
	if err != nil {
		b.t.Fatal(err)
	}
	steps-- // the answer came, and nothing of it is kept
	return do(e.keeping(a)) && do(e.placing())
}

// litter is what a power cut in the middle of a write leaves beside a file.
func litter(t *testing.T, data string) {
	t.Helper()
	for _, folder := range []string{folderName, nextName} {
		for _, name := range []string{RegisterKey, Certificate, IdentityNote, codeFile} {
			if _, err := os.Stat(filepath.Join(data, folder)); err == nil {
				write(t, filepath.Join(data, folder), name+".new", "half of a")
			}
		}
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

// A backend whose next CA signs at once, without the one before it: the power goes
// in the middle of keeping what it gave, and the register starts all the same.
func TestI8APowerCutInARenewalLeavesARegisterThatStarts(t *testing.T) {
	b, stranger := newBackend(t), newBackend(t)
	for cut := 0; ; cut++ {
		data := t.TempDir()
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Fatal(err)
		}
		k, trust := inUse(t, data)
		f, err := Find(data)
		if err != nil {
			t.Fatal(err)
		}
		public := k.Register.Public().(ed25519.PublicKey)
		steps := f.renewing(trust, enrol.Renewed{Certificate: asPEM(stranger.certificate(public)), CA: asPEM(stranger.ca)})
		if err := run(steps[:cut]); err != nil {
			t.Fatal(err)
		}
		_, now := inUse(t, data)
		if cut < len(steps) {
			continue
		}
		if len(now.CAs) != 1 || !now.CAs[0].Equal(stranger.ca) {
			t.Errorf("%d CAs are trusted in the end", len(now.CAs))
		}
		return
	}
}

func TestRenewedCertificateIsLookedAt(t *testing.T) {
	b, data := newBackend(t), t.TempDir()
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Fatal(err)
	}
	k, trust := inUse(t, data)
	f, err := Find(data)
	if err != nil {
		t.Fatal(err)
	}
	public, stranger := k.Register.Public().(ed25519.PublicKey), newBackend(t)
	later := func(b *backend, public ed25519.PublicKey, days int) string {
		return asPEM(b.issue(public, func(c *x509.Certificate) {
			c.URIs, c.ExtKeyUsage = []*url.URL{nameOf(b.id).URI()}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			c.NotAfter = c.NotAfter.Add(time.Duration(days) * 24 * time.Hour)
		}))
	}
	for name, r := range map[string]enrol.Renewed{
		"shorter":     {Certificate: later(b, public, -1), CA: asPEM(b.ca)},
		"another key": {Certificate: later(b, stranger.office.Wallet.Public().(ed25519.PublicKey), 1), CA: asPEM(b.ca)},
		"another CA":  {Certificate: later(stranger, public, 1), CA: asPEM(b.ca)},
		"nothing":     {},
		"no CA":       {Certificate: later(b, public, 1)},
	} {
		if _, err := f.Renew(k, trust, r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, same := inUse(t, data); !same.Certificate.Leaf.Equal(trust.Certificate.Leaf) {
		t.Error("the certificate is another")
	}
	// The next CA comes beside the old one, and then signs.
	renewed, err := f.Renew(k, trust, enrol.Renewed{Certificate: later(stranger, public, 1), CA: asPEM(b.ca) + asPEM(stranger.ca)})
	if err != nil {
		t.Fatal(err)
	}
	if _, now := inUse(t, data); len(now.CAs) != 2 || !now.Certificate.Leaf.Equal(renewed.Certificate.Leaf) || now.Certificate.Leaf.Equal(trust.Certificate.Leaf) {
		t.Error("the renewed certificate is not in its place")
	}
}
