package uplink

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/enrol"
)

// today is the wall clock of these tests, day the length of what lasts a day.
var today = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// authority is a CA that was made on the spot.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue signs a certificate, good from a day before today for 90 days unless
// change says otherwise.
func issue(t *testing.T, by *authority, public crypto.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "a test's"}, BasicConstraintsValid: true,
		NotBefore: today.Add(-day), NotAfter: today.Add(89 * day), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, by.cert, public, by.key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// newAuthority makes a CA, under another where one is given.
func newAuthority(t *testing.T, above *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	asCA := func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.Subject = true, x509.KeyUsageCertSign, pkix.Name{CommonName: "a test's CA"}
		c.NotBefore, c.NotAfter = today.Add(-30*365*day), today.Add(100*365*day)
	}
	a := &authority{cert: &x509.Certificate{Subject: pkix.Name{CommonName: "a test's CA"}}, key: key}
	by := above
	if by == nil {
		by = a
	}
	a.cert = issue(t, by, key.Public(), asCA)
	return a
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// server gives a certificate for 127.0.0.1, and for a name, with the CA.
func (a *authority) server(t *testing.T, changes ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := issue(t, a, key.Public(), func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		for _, change := range changes {
			change(c)
		}
	})
	return tls.Certificate{Certificate: [][]byte{own.Raw, a.cert.Raw}, PrivateKey: key, Leaf: own}
}

// register gives a register's certificate.
func (a *authority) register(t *testing.T, key ed25519.PrivateKey, changes ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	own := issue(t, a, key.Public(), func(c *x509.Certificate) {
		c.URIs = []*url.URL{enrol.Name{Store: "s1", Register: "r1"}.URI()}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		for _, change := range changes {
			change(c)
		}
	})
	return tls.Certificate{Certificate: [][]byte{own.Raw}, PrivateKey: key, Leaf: own}
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(c tls.Certificate) string {
	var text strings.Builder
	for _, der := range c.Certificate {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return text.String()
}

// secure starts a server, as a backend is one unless change says otherwise, and
// gives its wss:// address.
func secure(t *testing.T, h http.Handler, cert tls.Certificate, changes ...func(*tls.Config)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert, Certificates: []tls.Certificate{cert}}
	for _, change := range changes {
		change(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return "wss" + strings.TrimPrefix(s.URL, "https") + "/v1/link"
}

func at(wall time.Time) func() Times { return func() Times { return Times{Wall: wall} } }
