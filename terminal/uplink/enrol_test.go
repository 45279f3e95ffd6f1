package uplink

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
)

// office answers enrolment and renewal as the documents say, and remembers what
// it was asked.
type office struct {
	path, secret string
	csr          *x509.CertificateRequest
	shown        []*x509.Certificate
	answer       any // of the next request; a string as it is
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q enrol.Request
	json.NewDecoder(r.Body).Decode(&q)
	o.path, o.secret, o.shown = r.Method+" "+r.URL.Path, q.Secret, r.TLS.PeerCertificates
	if block, _ := pem.Decode([]byte(q.CSR)); block != nil {
		o.csr, _ = x509.ParseCertificateRequest(block.Bytes)
	}
	switch a := o.answer.(type) {
	case string:
		io.WriteString(w, a)
	case http.HandlerFunc:
		a(w, r)
	default:
		json.NewEncoder(w).Encode(a)
	}
}

func csrOf(t *testing.T) string {
	t.Helper()
	csr, err := enrol.NewCSR(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func TestEnrolAsksByTheCodeAlone(t *testing.T) {
	ca, next := newAuthority(t, nil), newAuthority(t, nil)
	code := enrol.NewCode(ca.cert.Raw)
	o := &office{answer: enrol.Answer{Certificate: "c", CA: ca.pem() + next.pem(), Root: "r", StoreKey: "s"}}
	address := secure(t, o, ca.server(t))
	key := newKey(t)
	csr, err := enrol.NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Enrol(t.Context(), address+"?x=1", code, csr, today)
	if err != nil {
		t.Fatal(err)
	}
	if answer != o.answer.(enrol.Answer) {
		t.Errorf("got %+v", answer)
	}
	if o.path != "POST /v1/enrol" || o.secret != code.Secret() || len(o.shown) != 0 || o.csr == nil || o.csr.CheckSignature() != nil || !key.Public().(ed25519.PublicKey).Equal(o.csr.PublicKey) {
		t.Errorf("asked %s, secret %v, csr %+v, %d certificates", o.path, o.secret == code.Secret(), o.csr, len(o.shown))
	}
	if _, err := Enrol(t.Context(), "ws://127.0.0.1:1/v1/link", code, csr, today); !errors.Is(err, ErrURL) {
		t.Errorf("without TLS: %v", err)
	}
}

// The secret is told to nobody but the backend that the code names.
func TestI6TheSecretGoesToTheCodesBackendAlone(t *testing.T) {
	ca, other := newAuthority(t, nil), newAuthority(t, nil)
	code := enrol.NewCode(ca.cert.Raw)
	bare := ca.server(t)
	bare.Certificate = bare.Certificate[:1]
	forged := other.server(t) // another's own certificate, and the right CA beside it
	forged.Certificate = append(forged.Certificate[:1], ca.cert.Raw)
	leaf := ca.server(t)                                           // its own hash is in the code
	none := &authority{leaf.Leaf, leaf.PrivateKey.(crypto.Signer)} // may sign no others
	late := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = today.Add(-2*day), today.Add(-day) }
	for name, c := range map[string]struct {
		cert  tls.Certificate
		code  enrol.Code
		wall  time.Time
		other bool
	}{
		"another backend":       {other.server(t), code, today, true},
		"no CA in the chain":    {bare, code, today, true},
		"the CA of somebody":    {forged, code, today, false},
		"a code for no CA":      {leaf, enrol.NewCode(leaf.Leaf.Raw), today, true},
		"another host's":        {ca.server(t, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)} }), code, today, false},
		"past its end":          {ca.server(t, late), code, today, false},
		"by a clock in 1970":    {ca.server(t), code, time.Unix(0, 0), false},
		"by a clock in 2038":    {ca.server(t), code, time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC), false},
		"one below, not shown":  {newAuthority(t, ca).server(t), code, today, true},
		"by a CA that is none":  {none.server(t), enrol.NewCode(none.cert.Raw), today, true},
		"only a register's use": {ca.server(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), code, today, false},
	} {
		o := &office{}
		_, err := Enrol(t.Context(), secure(t, o, c.cert), c.code, csrOf(t), c.wall)
		if err == nil || Reason(err) != terminal.LineUntrusted || errors.Is(err, ErrOtherCA) != c.other {
			t.Errorf("%s: %v", name, err)
		}
		if o.path != "" || o.secret != "" {
			t.Errorf("%s: it was asked %q", name, o.path)
		}
	}
	old := func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }
	if _, err := Enrol(t.Context(), secure(t, &office{}, ca.server(t), old), code, csrOf(t), today); err == nil || Reason(err) != terminal.LineProtocol {
		t.Errorf("an older TLS: %v", err)
	}
}

// What a backend may answer that is none of the contract's.
func TestI8AnswersThatAreNotTaken(t *testing.T) {
	ca := newAuthority(t, nil)
	good := func(cas string) any { return enrol.Renewed{Certificate: "c", CA: cas} }
	other := newAuthority(t, nil).pem()
	leaf := ca.server(t)
	for name, c := range map[string]struct {
		answer any
		want   terminal.LineReason
	}{
		"no JSON":             {"<html>", terminal.LineProtocol},
		"another shape":       {`{"certificate":1}`, terminal.LineProtocol},
		"nothing":             {"", terminal.LineProtocol},
		"far too long":        {`"` + strings.Repeat("x", enrol.MaxBody) + `"`, terminal.LineProtocol},
		"no CAs":              {good(""), terminal.LineProtocol},
		"CAs not its own":     {good(other), terminal.LineProtocol},
		"CAs that are none":   {good(pemOf(leaf)), terminal.LineProtocol},
		"another place":       {http.RedirectHandler("https://127.0.0.1:1/", http.StatusTemporaryRedirect).ServeHTTP, terminal.LineProtocol},
		"spent":               {refusing(403, enrol.SpentCode).(http.HandlerFunc), terminal.LineRefused},
		"busy":                {refusing(503, enrol.TooMany).(http.HandlerFunc), terminal.LineClosed},
		"hangs up":            {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), terminal.LineClosed},
		"both, the old first": {good(ca.pem() + other), ""},
	} {
		if f, ok := c.answer.(func(http.ResponseWriter, *http.Request)); ok {
			c.answer = http.HandlerFunc(f)
		}
		o := &office{answer: c.answer}
		trust := Trust{ca.register(t, newKey(t)), []*x509.Certificate{ca.cert}}
		address := secure(t, o, ca.server(t))
		_, renewing := Renew(t.Context(), address, trust, csrOf(t), Times{Wall: today})
		_, enrolling := Enrol(t.Context(), address, enrol.NewCode(ca.cert.Raw), csrOf(t), today)
		for what, err := range map[string]error{"renewal": renewing, "enrolment": enrolling} {
			if (err == nil) != (c.want == "") || err != nil && Reason(err) != c.want {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}

func TestI8NobodyThereIsUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	code := enrol.NewCode([]byte("a CA"))
	if _, err := Enrol(t.Context(), "wss://"+listener.Addr().String()+"/v1/link", code, csrOf(t), today); err == nil || Reason(err) != terminal.LineUnreachable {
		t.Errorf("nobody: %v", err)
	}
	plain := listen(t, func(c net.Conn) { c.Read(make([]byte, 1000)); io.WriteString(c, "220 mail\r\n") })
	if _, err := Enrol(t.Context(), strings.Replace(plain, "http", "wss", 1)+"/v1/link", code, csrOf(t), today); err == nil || Reason(err) != terminal.LineProtocol {
		t.Errorf("no TLS: %v", err)
	}
}

func TestRenewShowsTheCertificateInUse(t *testing.T) {
	ca := newAuthority(t, nil)
	own := ca.register(t, newKey(t))
	o := &office{answer: enrol.Renewed{Certificate: "c", CA: ca.pem()}}
	answer, err := Renew(t.Context(), secure(t, o, ca.server(t)), Trust{own, []*x509.Certificate{ca.cert}}, csrOf(t), Times{Wall: time.Unix(0, 0), Told: today})
	if err != nil || answer != o.answer.(enrol.Renewed) || o.path != "POST /v1/renew" || len(o.shown) != 1 || !bytes.Equal(o.shown[0].Raw, own.Certificate[0]) {
		t.Errorf("%+v, %v; asked %s with %d certificates", answer, err, o.path, len(o.shown))
	}
	stranger := newAuthority(t, nil)
	o.path = ""
	if _, err := Renew(t.Context(), secure(t, o, stranger.server(t)), Trust{own, []*x509.Certificate{ca.cert}}, csrOf(t), Times{Wall: today}); err == nil || Reason(err) != terminal.LineUntrusted || o.path != "" {
		t.Errorf("another backend: %v, asked %q", err, o.path)
	}
}
