package uplink

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// welcoming is a backend that takes everybody.
func welcoming(t *testing.T) *backend {
	return &backend{t: t, protocols: []string{wire.Subprotocol}, serve: func(c *conn) { c.drain() }}
}

// refusing answers every request with a problem.
func refusing(status int, code enrol.Reason) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(enrol.Problem{Title: "no", Status: status, Code: code, Detail: "say please"})
	})
}

func probe(t *testing.T, address string, trust Trust, times Times) error {
	t.Helper()
	l, err := New(Config{
		URL: address, Log: slog.New(slog.DiscardHandler),
		Trust: func() Trust { return trust }, Times: func() Times { return times },
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.Probe(t.Context())
}

// Both sides show who they are, over TLS 1.3, with an intermediate and without.
func TestBothSidesAreProved(t *testing.T) {
	ca, key := newAuthority(t, nil), newKey(t)
	own := ca.register(t, key)
	below := newAuthority(t, ca)
	long := below.server(t)
	long.Certificate = append(long.Certificate, ca.cert.Raw)
	for name, cert := range map[string]tls.Certificate{"by the CA": ca.server(t), "by one below": long} {
		b := welcoming(t)
		var shown tls.ConnectionState
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown = *r.TLS
			b.ServeHTTP(w, r)
		})
		if err := probe(t, secure(t, h, cert), Trust{own, []*x509.Certificate{ca.cert}}, Times{Wall: today}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if shown.Version != tls.VersionTLS13 || len(shown.PeerCertificates) != 1 || !shown.PeerCertificates[0].Equal(own.Leaf) {
			t.Errorf("%s: the backend sees TLS %x and %d certificates", name, shown.Version, len(shown.PeerCertificates))
		}
	}
}

// Whoever is not the backend of enrolment gets no line.
func TestI6OnlyTheBackendOfEnrolmentIsTrusted(t *testing.T) {
	ca, other := newAuthority(t, nil), newAuthority(t, nil)
	trust := Trust{ca.register(t, newKey(t)), []*x509.Certificate{ca.cert}}
	dates := func(from, to time.Time) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
	}
	self := ca.server(t)
	self.Certificate = self.Certificate[:1]
	alone := &authority{cert: self.Leaf, key: self.PrivateKey.(crypto.Signer)}
	old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }
	for name, c := range map[string]struct {
		cert   tls.Certificate
		change func(*tls.Config)
		want   terminal.LineReason
	}{
		"past its end":              {ca.server(t, dates(today.Add(-90*day), today.Add(-time.Second))), nil, terminal.LineUntrusted},
		"not yet begun":             {ca.server(t, dates(today.Add(time.Second), today.Add(day))), nil, terminal.LineUntrusted},
		"another host's":            {ca.server(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }), nil, terminal.LineUntrusted},
		"a register's":              {ca.server(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil, terminal.LineUntrusted},
		"another CA's":              {other.server(t), nil, terminal.LineUntrusted},
		"signed by itself":          {alone.server(t), nil, terminal.LineUntrusted},
		"an older TLS":              {ca.server(t), old, terminal.LineProtocol},
		"does not ask who we are":   {ca.server(t), func(c *tls.Config) { c.ClientAuth = tls.NoClientCert }, terminal.LineProtocol},
		"does not take our CA":      {ca.server(t), demanding(other), terminal.LineRefused},
		"asks for another CA's":     {ca.server(t), asking(other), ""},
		"shows nothing but its own": {self, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var changes []func(*tls.Config)
			if c.change != nil {
				changes = append(changes, c.change)
			}
			err := probe(t, secure(t, welcoming(t), c.cert, changes...), trust, Times{Wall: today})
			switch {
			case err == nil && c.want != "":
				t.Error("a line")
			case err != nil && Reason(err) != c.want:
				t.Errorf("%q, want %q: %v", Reason(err), c.want, err)
			}
		})
	}
}

func demanding(ca *authority) func(*tls.Config) {
	return func(c *tls.Config) { asking(ca)(c); c.ClientAuth = tls.RequireAndVerifyClientCert }
}

func asking(ca *authority) func(*tls.Config) {
	return func(c *tls.Config) {
		c.ClientCAs = x509.NewCertPool()
		c.ClientCAs.AddCert(ca.cert)
	}
}

// A clock that is wrong shuts nobody out who knows the time, and lets nobody in.
func TestI8AWrongClockIsHeldAgainstTheTimeTold(t *testing.T) {
	ca := newAuthority(t, nil)
	trust := Trust{ca.register(t, newKey(t)), []*x509.Certificate{ca.cert}}
	address := secure(t, welcoming(t), ca.server(t))
	y1970, y2038 := time.Unix(0, 0), time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		wall, told time.Time
		ok         bool
	}{
		"right, nothing told":            {today, time.Time{}, true},
		"right, and told":                {today, today.Add(-time.Hour), true},
		"right, told long ago":           {today, today.Add(-365 * day), true},
		"1970, nothing told":             {y1970, time.Time{}, false},
		"1970, and told":                 {y1970, today, true},
		"1970, told before its start":    {y1970, today.Add(-30 * day), true},
		"1970, told after its end":       {y1970, today.Add(90 * day), false},
		"2038, nothing told":             {y2038, time.Time{}, false},
		"2038, and told":                 {y2038, today, true},
		"2038, told after its end":       {y2038, today.Add(90 * day), false},
		"2038, told before its start":    {y2038, today.Add(-30 * day), false},
		"a year late, told before start": {today.Add(365 * day), today.Add(-30 * day), false},
	} {
		err := probe(t, address, trust, Times{Wall: c.wall, Told: c.told})
		if (err == nil) != c.ok || err != nil && Reason(err) != terminal.LineUntrusted {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The time told is for dates alone.
	stranger := secure(t, welcoming(t), newAuthority(t, nil).server(t))
	elsewhere := secure(t, welcoming(t), ca.server(t, func(c *x509.Certificate) { c.IPAddresses = nil }))
	for _, address := range []string{stranger, elsewhere} {
		if err := probe(t, address, trust, Times{Wall: y1970, Told: today}); err == nil || Reason(err) != terminal.LineUntrusted {
			t.Errorf("by the time told anybody is trusted: %v", err)
		}
	}
}

// A backend that does not take this register says why, in words for a person.
func TestI8ARefusalCarriesItsCode(t *testing.T) {
	ca := newAuthority(t, nil)
	trust := Trust{ca.register(t, newKey(t)), []*x509.Certificate{ca.cert}}
	for _, c := range []struct {
		status int
		code   enrol.Reason
		want   terminal.LineReason
	}{
		{401, enrol.NoCert, terminal.LineRefused}, {403, enrol.Revoked, terminal.LineRefused}, {403, enrol.Foreign, terminal.LineRefused},
		{400, enrol.NoProtocol, terminal.LineProtocol}, {429, enrol.TooMany, terminal.LineClosed}, {503, enrol.TooMany, terminal.LineClosed},
	} {
		err := probe(t, secure(t, refusing(c.status, c.code), ca.server(t)), trust, Times{Wall: today})
		refused, ok := errors.AsType[*Refusal](err)
		if !ok || refused.Problem.Code != c.code || refused.Problem.Detail != "say please" || refused.Status != c.status || Reason(err) != c.want {
			t.Errorf("%d %s: %v, %q", c.status, c.code, err, Reason(err))
		}
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(403)
		io.WriteString(w, strings.Repeat("<html>", 1000))
	})
	err := probe(t, secure(t, h, ca.server(t)), trust, Times{Wall: today})
	if refused, ok := errors.AsType[*Refusal](err); !ok || refused.Problem != (enrol.Problem{}) || Reason(err) != terminal.LineRefused {
		t.Errorf("a page: %v", err)
	}
}

// A certificate that was renewed serves from the next dial on.
func TestTheNextDialUsesTheNewCertificate(t *testing.T) {
	ca, key := newAuthority(t, nil), newKey(t)
	first, second := ca.register(t, key), ca.register(t, key)
	shown := make(chan *x509.Certificate, 2)
	b := welcoming(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown <- r.TLS.PeerCertificates[0]
		b.ServeHTTP(w, r)
	})
	trust := Trust{first, []*x509.Certificate{ca.cert}}
	l, err := New(Config{URL: secure(t, h, ca.server(t)), Trust: func() Trust { return trust }, Times: at(today)})
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []tls.Certificate{first, second} {
		trust.Certificate = own
		if err := l.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-shown; !got.Equal(own.Leaf) {
			t.Error("the other certificate was shown")
		}
	}
}
