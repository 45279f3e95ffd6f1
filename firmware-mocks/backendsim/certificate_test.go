package backendsim

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// The server shows its CA too: a register at enrolment knows the CA's hash only.
func TestTheBackendShowsItsCA(t *testing.T) {
	w := guarded(t)
	code, err := w.b.Code(t.Context(), store, "r1", "")
	must(t, err)
	conn, err := tls.Dial("tcp", w.addr, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer conn.Close()
	chain := conn.ConnectionState().PeerCertificates
	if len(chain) != 2 || !code.Fits(chain[1].Raw) {
		t.Fatalf("it shows %d certificates", len(chain))
	}
	pool := x509.NewCertPool()
	pool.AddCert(chain[1])
	for host, good := range map[string]bool{"127.0.0.1": true, "backend.example": true, "other.example": false} {
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: host, CurrentTime: noon}); (err == nil) != good {
			t.Errorf("for %s: %v", host, err)
		}
	}
}

func TestWhoMayNotDialIsToldWhy(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	foreign := newGuarded(t)
	foreign.start()
	defer foreign.stop()
	other := foreign.enrolled("r1")
	stranger := w.enrolled("r2")
	must(t, w.b.ledger.change(t.Context(), func(x *tx) error { return x.exec("DELETE FROM certificate WHERE register = 'r2'") }))
	_, self, err := makeAuthority(noon)
	must(t, err)
	key, err := x509.ParsePKCS8PrivateKey(self)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: newSerial(), NotAfter: noon.Add(time.Hour)}, &x509.Certificate{}, key.(crypto.Signer).Public(), key)
	must(t, err)
	for _, c := range []struct {
		name   string
		shown  *tls.Certificate
		status int
		code   enrol.Reason
	}{
		{"nobody's", nil, http.StatusUnauthorized, enrol.NoCert},
		{"another backend's", other.certificate(), http.StatusForbidden, enrol.Foreign},
		{"signed by itself", &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, http.StatusForbidden, enrol.Foreign},
		{"of a register that is not known", stranger.certificate(), http.StatusForbidden, enrol.Foreign},
	} {
		_, problem := w.link(c.shown)
		turnedAway(t, c.name, problem, c.status, c.code)
		_, problem, _ = m.renew(c.shown)
		turnedAway(t, c.name+", renewing", problem, c.status, c.code)
	}
	front, err := w.trusted(nil).Clone(), error(nil)
	must(t, err)
	front.Certificates = []tls.Certificate{*m.certificate()}
	front.MinVersion, front.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if conn, err := tls.Dial("tcp", w.addr, front); err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
	m.till("i1")
	w.pass(certificateLife + time.Second)
	_, problem := w.link(m.certificate())
	turnedAway(t, "past its end", problem, http.StatusForbidden, enrol.Revoked)
}

func TestHelloIsTheCertificatesRegister(t *testing.T) {
	w := guarded(t)
	one := w.enrolled("r1")
	w.enrolled("r2")
	conn, _ := w.link(one.certificate())
	r := &till{w: w, register: "r2", incarnation: "i1", conn: conn, size: new(int64)}
	refused(t, r.ask(r.hello()), wire.CodeRefused)
	r.register = "r1"
	elsewhere := r.hello()
	elsewhere.Hello.Store = "store-2"
	refused(t, r.ask(elsewhere), wire.CodeRefused)
	if m := r.ask(r.hello()); m.Welcome == nil {
		t.Errorf("its own hello was answered by %+v", m.Error)
	}
	rows, err := w.b.Ledger().Registers(t.Context())
	must(t, err)
	if len(rows) != 1 || rows[0].ID != "r1" || rows[0].Store != store {
		t.Errorf("the registers are %+v", rows)
	}
}

func TestARenewalKeepsTheKeyAndInterruptsNothing(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	r := m.till("i1")
	w.pass(certificateLife * 2 / 3)
	status, problem, got := m.renew(m.certificate())
	if status != http.StatusOK {
		t.Fatalf("the renewal: %d %+v", status, problem)
	}
	if got.CA != w.b.CA() {
		t.Error("the renewal brings other CAs than there are")
	}
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	thief := w.machine("r1")
	_, problem, _ = thief.renew(m.certificate())
	// The certificate's key signs the handshake, the other key the request.
	turnedAway(t, "another key", problem, http.StatusBadRequest, enrol.BadCSR)
	conn, _ := w.link(m.certificate())
	conn.Close()
	m.answer.Certificate = got.Certificate
	w.pass(certificateLife * 2 / 3)
	m.till("i1")
}

// A link does not outlive the certificate that it was dialled with: a thief with a
// key of last year would stay for as long as his line holds. The register comes
// back with the one that it renewed.
func TestALinkEndsWithItsCertificate(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	w.pass(certificateLife * 2 / 3)
	_, _, got := m.renew(m.certificate())
	w.pass(certificateLife/3 - 20*time.Millisecond)
	r := m.till("i1")
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	silent, _ := w.link(m.certificate())
	w.pass(time.Minute)
	r.closed()
	(&till{w: w, conn: silent}).closed()
	_, problem := w.link(m.certificate())
	turnedAway(t, "past its end", problem, http.StatusForbidden, enrol.Revoked)
	m.answer.Certificate = got.Certificate
	m.till("i1")
}

// The end is the backend's clock's: a timer stands still while a machine sleeps, and
// may be early where the clock was set back.
func TestTheEndOfACertificateIsTheClocks(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			began, set := time.Now(), time.Duration(0)
			var clock sync.Mutex
			b := &Backend{now: func() time.Time { clock.Lock(); defer clock.Unlock(); return time.Now().Add(set) }}
			l := &link{b: b, shown: &shown{leaf: &x509.Certificate{NotAfter: began.Add(2 * time.Hour)}}}
			l.ctx, l.stop = context.WithCancel(t.Context())
			l.work.Go(l.lasts)
			time.Sleep(30 * time.Minute)
			clock.Lock()
			set = ahead
			clock.Unlock()
			time.Sleep(90*time.Minute - ahead - time.Second)
			synctest.Wait()
			if l.ctx.Err() != nil {
				t.Errorf("set by %v: the link ended before its certificate", ahead)
			}
			time.Sleep(clockLook + 2*time.Second)
			synctest.Wait()
			if l.ctx.Err() == nil {
				t.Errorf("set by %v: the link outlives its certificate", ahead)
			}
			l.work.Wait()
		})
	}
}

func TestRevocationEndsTheLinkAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		secret := w.code("r1")
		m := w.machine("r1")
		m.enrol(secret)
		r, other := m.till("i1"), w.enrolled("r2").till("i1")
		out, otherOut := w.code("r1"), w.code("r3")
		must(t, w.b.Revoke(t.Context(), "r1"))
		r.closed()
		_, problem := w.machine("r1").enrol(out)
		turnedAway(t, "a code that is out", problem, http.StatusForbidden, enrol.SpentCode)
		if status, problem := w.machine("r3").enrol(otherOut); status != http.StatusOK {
			t.Errorf("another register's code: %d %+v", status, problem)
		}
		_, problem = w.link(m.certificate())
		turnedAway(t, "a dial", problem, http.StatusForbidden, enrol.Revoked)
		_, problem, _ = m.renew(m.certificate())
		turnedAway(t, "a renewal", problem, http.StatusForbidden, enrol.Revoked)
		_, problem = m.enrol(secret)
		turnedAway(t, "its code", problem, http.StatusForbidden, enrol.SpentCode)
		if err := w.b.Revoke(t.Context(), "r1"); err == nil {
			t.Error("it was revoked twice")
		}
		// No certificate is left, and still a code for it may be in wrong hands.
		out = w.code("r1")
		must(t, w.b.Revoke(t.Context(), "r1"))
		_, problem = w.machine("r1").enrol(out)
		turnedAway(t, "a code that was made after it", problem, http.StatusForbidden, enrol.SpentCode)
		outcome(t, other.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
		if status, problem := m.enrol(w.code("r1")); status != http.StatusOK {
			t.Fatalf("enrolled again: %d %+v", status, problem)
		}
		m.till("i1")
	})
}

// A dial that was let in before a revocation says hello after it. A refusal would
// have the register hold its own records in doubt.
func TestAHelloAfterTheRevocationEndsTheLink(t *testing.T) {
	for name, ends := range map[string]func(*world){
		"revoked": func(w *world) {
			must(t, w.b.ledger.change(t.Context(), func(x *tx) error { return x.revoke("r1", noon) }))
		},
		"of no CA": func(w *world) {
			w.b.mu.Lock()
			defer w.b.mu.Unlock()
			w.b.cas = nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := guarded(t)
			m := w.enrolled("r1")
			conn, _ := w.link(m.certificate())
			r := &till{w: w, register: "r1", incarnation: "i1", conn: conn, size: new(int64)}
			ends(w)
			refused(t, r.ask(r.hello()), wire.CodeTrouble)
			r.closed()
		})
	}
}

// A hello may come in the moment in which the link is ended with its certificate.
func TestAHelloAfterTheCertificatesEndOpensNoSession(t *testing.T) {
	w := guarded(t)
	block, _ := pem.Decode([]byte(w.enrolled("r1").answer.Certificate))
	leaf, err := x509.ParseCertificate(block.Bytes)
	must(t, err)
	who, err := w.b.ours(leaf)
	must(t, err)
	good := func() (err error) {
		must(t, w.b.ledger.change(t.Context(), func(x *tx) error { err = (&link{b: w.b, shown: who}).stillGood(x); return nil }))
		return err
	}
	w.pass(certificateLife)
	must(t, good())
	w.pass(time.Second)
	if err := good(); !errors.Is(err, errNoLonger) {
		t.Errorf("past its end: %v", err)
	}
}

func TestANewCAComesBeforeTheOldOneGoes(t *testing.T) {
	w := guarded(t)
	ctx := t.Context()
	m, deaf := w.enrolled("r1"), w.enrolled("r2")
	for name, err := range map[string]error{"switched to nothing": w.b.SwitchCA(ctx, false), "dropped nothing": w.b.DropCA(ctx)} {
		if err == nil {
			t.Error(name)
		}
	}
	must(t, w.b.AddCA(ctx))
	if err := w.b.AddCA(ctx); err == nil {
		t.Error("two CAs are to follow")
	}
	m.till("i1")
	status, problem, got := m.renew(m.certificate())
	if status != http.StatusOK || strings.Count(got.CA, "BEGIN CERTIFICATE") != 2 || !strings.HasPrefix(got.CA, m.answer.CA) {
		t.Fatalf("the renewal: %d %+v, %d CAs", status, problem, strings.Count(got.CA, "BEGIN"))
	}
	if err := w.b.SwitchCA(ctx, false); err == nil || !strings.Contains(err.Error(), "r2") || strings.Contains(err.Error(), "r1") {
		t.Errorf("with a register that has not heard of it: %v", err)
	}
	unused := w.code("r3")
	must(t, w.b.SwitchCA(ctx, true))
	_, problem = w.machine("r3").enrol(unused)
	turnedAway(t, "a code that names the old CA", problem, http.StatusForbidden, enrol.SpentCode)
	// The server's certificate is the new CA's: who knows only the old one hangs up.
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(deaf.answer.CA))
	if conn, err := tls.Dial("tcp", w.addr, &tls.Config{RootCAs: pool, Time: w.clock}); err == nil {
		conn.Close()
		t.Error("the server's certificate is still the old CA's")
	}
	m.till("i1") // with a certificate that the old CA signed
	late := w.enrolled("r4")
	if !strings.HasPrefix(w.b.CA(), late.answer.CA) {
		t.Error("the CA that signs does not come first")
	}
	if err := w.b.AddCA(ctx); err != nil {
		t.Error(err)
	}
	if err := w.b.SwitchCA(ctx, true); err == nil {
		t.Error("it switched while the old CA is there")
	}
	linked := late.till("i1")
	outlived := m.till("i1")
	must(t, w.b.DropCA(ctx))
	outlived.closed()
	outcome(t, linked.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	_, problem = w.link(m.certificate())
	turnedAway(t, "what the old CA signed", problem, http.StatusForbidden, enrol.Foreign)
	late.till("i1")
}

func TestTheServersCertificateIsRenewed(t *testing.T) {
	w := guarded(t)
	seen := func() *x509.Certificate {
		conn, err := tls.Dial("tcp", w.addr, w.trusted(nil))
		must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	first := seen()
	if !seen().Equal(first) {
		t.Error("every dial sees another certificate")
	}
	w.pass(certificateLife * 2 / 3)
	if again := seen(); again.Equal(first) || again.NotAfter.Sub(noon) < certificateLife {
		t.Error("it was not renewed at two thirds of its life")
	}
}
