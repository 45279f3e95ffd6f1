package keys

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
)

// Trust is by what register and backend know each other over TLS.
type Trust struct {
	Certificate tls.Certificate     // the register's, with its key
	CAs         []*x509.Certificate // the backend's
}

// Trust reads the certificate of the register whose keys are given, and the
// backend's CAs. That a certificate is past its end is no error. The error is an
// *Error.
func (f Folder) Trust(k Keys) (Trust, error) {
	var t Trust
	text, err := f.read(BackendCA)
	if err != nil {
		return t, err
	}
	if t.CAs, err = enrol.OpenCAs(string(text)); err != nil {
		return t, f.badCertificate(BackendCA, err)
	}
	if text, err = f.read(Certificate); err != nil {
		return t, err
	}
	chain, err := enrol.OpenCertificate(string(text), k.Register.Public().(ed25519.PublicKey), nameOf(k.Identity))
	if err == nil {
		err = enrol.ChainsTo(chain, t.CAs)
	}
	if err != nil {
		return t, f.badCertificate(Certificate, err)
	}
	t.Certificate = certificate(k.Register, chain)
	return t, nil
}

func (f Folder) badCertificate(file string, err error) error {
	text := "cannot be read"
	if wrong, ok := errors.AsType[*enrol.CertificateError](err); ok {
		text = wrong.Text
	}
	return f.wrong(file, text, err)
}

func certificate(key ed25519.PrivateKey, chain []*x509.Certificate) tls.Certificate {
	own := tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		own.Certificate = append(own.Certificate, c.Raw)
	}
	return own
}

func nameOf(id policy.Identity) enrol.Name {
	return enrol.Name{Store: string(id.Store), Register: string(id.Register)}
}

// Renew puts a renewed certificate and the backend's CAs in the place of those in
// use, once they were looked at: for the same key and name, given by one of the
// CAs, and ending no earlier than the one before. The error is an *Error, or of the disk.
func (f Folder) Renew(k Keys, before Trust, r enrol.Renewed) (Trust, error) {
	var t Trust
	var err error
	if t.CAs, err = enrol.OpenCAs(r.CA); err != nil {
		return t, f.badCertificate(BackendCA, err)
	}
	chain, err := enrol.OpenCertificate(r.Certificate, k.Register.Public().(ed25519.PublicKey), nameOf(k.Identity))
	if err == nil {
		err = enrol.ChainsTo(chain, t.CAs)
	}
	if err == nil && chain[0].NotAfter.Before(before.Certificate.Leaf.NotAfter) {
		err = &enrol.CertificateError{Text: "ends before the one in use"}
	}
	if err != nil {
		return t, f.badCertificate(Certificate, err)
	}
	t.Certificate = certificate(k.Register, chain)
	return t, run(f.renewing(before, r))
}

// renewing are the steps that keep what was renewed. In between the CAs from before
// count too: whether the power goes before the certificate was written or after it,
// it is one that a CA here gave.
func (f Folder) renewing(before Trust, r enrol.Renewed) []func() error {
	var old strings.Builder
	for _, c := range before.CAs {
		_ = pem.Encode(&old, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a Builder takes all
	}
	write := func(name, text string) func() error {
		return func() error {
			owner, err := ownerLike(string(f))
			if err != nil {
				return err
			}
			return owner.write(string(f), name, text)
		}
	}
	return []func() error{
		write(BackendCA, strings.TrimRight(r.CA, "\n")+"\n"+old.String()),
		write(Certificate, r.Certificate),
		write(BackendCA, r.CA),
	}
}
