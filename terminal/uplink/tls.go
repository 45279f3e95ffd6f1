package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync/atomic"
	"time"

	"sekisho/terminal/enrol"
)

// Trust is by what register and backend know each other.
type Trust struct {
	Certificate tls.Certificate     // the register's, with its key
	CAs         []*x509.Certificate // the backend's; no others count
}

// Times are the two clocks against which the backend's certificate is held.
type Times struct {
	Wall time.Time // the machine's
	Told time.Time // the backend's last word; zero where it never gave one
	Runs bool      // Told goes on since it was told: it is the time
}

// now gives the best that is known. A clock before the time told is wrong.
func (t Times) now() time.Time {
	if t.Runs || t.Told.After(t.Wall) {
		return t.Told
	}
	return t.Wall
}

// ErrOtherCA says that none of the certificates that the other side shows is the
// CA of the one-time code: it is another backend, or somebody in between.
var ErrOtherCA = errors.New("the other side does not show the CA certificate that the code names")

// errNotAsked says that the other side did not want to see who dials.
var errNotAsked = errors.New("uplink: the other side does not ask for the register's certificate: something in between ends the TLS")

// tls is for one dial.
func (l *Link) tls(asked *atomic.Bool) *tls.Config {
	trust, times := l.trust(), l.times()
	return config(trust.Certificate, asked, func(shown []*x509.Certificate) error {
		return verifyBackend(shown, trust.CAs, l.host, times)
	})
}

// Probe dials once and hangs up: no hello is said, so that a session of the
// register's goes on. Reason says why it failed, and a *Refusal what the backend
// answered.
func (l *Link) Probe(ctx context.Context) error {
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

// config is of one connection to a host. verify holds what the other side shows
// against what is trusted.
func config(own tls.Certificate, asked *atomic.Bool, verify func(shown []*x509.Certificate) error) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Go's own verification knows one time and one set of roots before the
		// connection; VerifyConnection below is never left out.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if err := verify(s.PeerCertificates); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
			}
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked.Store(true)
			return &own, nil // also where its CA is not one of those asked for: the backend then says so
		},
	}
}

// verifyBackend holds a backend's certificates against CAs, for the host of its
// URL, at the machine's time or at the time told. Nothing but dates hangs on which.
func verifyBackend(shown, cas []*x509.Certificate, host string, at Times) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range cas {
		roots.AddCert(c)
	}
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	var first error
	for _, when := range moments(shown[0], at) {
		_, err := shown[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between, CurrentTime: when})
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// moments are those at which a certificate may be good. A clock that stands
// before the time told is wrong, and the truth is somewhere after that: then a
// certificate that was made later still is not "not yet valid".
func moments(shown *x509.Certificate, at Times) []time.Time {
	all := []time.Time{at.Wall}
	if !at.Told.IsZero() {
		all = append(all, at.Told)
	}
	if at.Wall.Before(at.Told) && shown.NotBefore.After(at.Told) {
		all = append(all, shown.NotBefore)
	}
	return all
}

// verifyByCode finds the CA that a one-time code names among what the backend
// shows, and verifies the rest by it. No time was ever told before enrolment.
func verifyByCode(shown []*x509.Certificate, code enrol.Code, host string, wall time.Time) error {
	for _, c := range shown[1:] {
		if c.IsCA && code.Fits(c.Raw) {
			return verifyBackend(shown, []*x509.Certificate{c}, host, Times{Wall: wall})
		}
	}
	return ErrOtherCA
}
