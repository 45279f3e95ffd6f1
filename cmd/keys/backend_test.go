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
