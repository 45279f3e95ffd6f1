package enrol

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// CertificateError says what is wrong with a text of certificates, in words for
// people. It quotes nothing of it.
type CertificateError struct {
	Text  string
	Cause error
}

// Error gives the sentence.
func (e *CertificateError) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *CertificateError) Unwrap() error { return e.Cause }

// maxCertificates is more than any chain or set of CAs has.
const maxCertificates = 32

// parse reads a text of PEM that holds certificates and nothing else.
func parse(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil || len(all) == maxCertificates {
			return nil, &CertificateError{"holds what is no certificate, or too many", err}
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, &CertificateError{Text: "holds no certificate in PEM"}
	}
	return all, nil
}

// OpenCAs reads the backend's CA certificates (PEM). The error is a
// *CertificateError.
func OpenCAs(text string) ([]*x509.Certificate, error) {
	all, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if !c.BasicConstraintsValid || !c.IsCA {
			return nil, &CertificateError{Text: "holds a certificate that is no CA's"}
		}
	}
	return all, nil
}

// OpenCertificate reads a register's certificate and those up to the CA (PEM). It
// must be for the register's key and name. Its dates, and by whom it was given,
// are not looked at: see ChainsTo. The error is a *CertificateError.
func OpenCertificate(text string, key ed25519.PublicKey, name Name) ([]*x509.Certificate, error) {
	chain, err := parse(text)
	if err != nil {
		return nil, err
	}
	own := chain[0]
	if !key.Equal(own.PublicKey) {
		return nil, &CertificateError{Text: "is for another key than this register's"}
	}
	if got, err := ParseName(own.URIs); err != nil || got != name {
		return nil, &CertificateError{fmt.Sprintf("does not name register %s of store %s", name.Register, name.Store), err}
	}
	if !slices.Contains(own.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || own.IsCA {
		return nil, &CertificateError{Text: "is none to show to a backend (its extended key usage)"}
	}
	return chain, nil
}

// ChainsTo says whether a register's certificate was given by one of the CAs. The
// error is a *CertificateError.
func ChainsTo(chain, cas []*x509.Certificate) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range cas {
		roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		CurrentTime: latestStart(chain), // of its dates others judge
	})
	if err != nil {
		return &CertificateError{"was not given by a CA of the backend's", err}
	}
	return nil
}

// latestStart gives the first moment at which all of a chain is good, if any is.
func latestStart(chain []*x509.Certificate) time.Time {
	at := chain[0].NotBefore
	for _, c := range chain {
		if c.NotBefore.After(at) {
			at = c.NotBefore
		}
	}
	return at
}

// NewCSR makes the signing request for a register's key (PKCS 10, PEM).
func NewCSR(key ed25519.PrivateKey) (string, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return "", errors.Join(errors.New("the signing request cannot be made"), err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}
