package backendsim

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// shown is a register's certificate that is good.
type shown struct {
	name   enrol.Name
	serial string // hex
	key    ed25519.PublicKey
	leaf   *x509.Certificate
}

// refusal is why a dial or a request is turned away.
type refusal struct {
	status int
	code   enrol.Reason
	detail string        // for people
	wait   time.Duration // where status is 429 or 503
}

// Error implements error.
func (r *refusal) Error() string { return r.detail }

func (r *refusal) write(w http.ResponseWriter) {
	if r.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(r.wait.Seconds()))))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(r.status)
	// The caller has gone: nobody to tell.
	_ = json.NewEncoder(w).Encode(enrol.Problem{Title: http.StatusText(r.status), Status: r.status, Detail: r.detail, Code: r.code})
}

// reply answers a request: with a refusal as it is, with another error as this
// side's trouble, of which only the log hears more.
func (b *Backend) reply(w http.ResponseWriter, answer any, err error) {
	if err != nil {
		var told *refusal
		if !errors.As(err, &told) {
			b.log.Warn("a request was not handled", "error", err)
			told = &refusal{status: http.StatusServiceUnavailable, code: enrol.TooMany, detail: "the backend could not do this now; try again", wait: time.Second}
		}
		told.write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the caller has gone: nobody to tell
}

var errPlain = &refusal{status: http.StatusUnauthorized, code: enrol.NoCert, detail: "only this machine is served without TLS"}

func foreign(detail string) error {
	return &refusal{status: http.StatusForbidden, code: enrol.Foreign, detail: detail}
}

func revoked(detail string) error {
	return &refusal{status: http.StatusForbidden, code: enrol.Revoked, detail: detail}
}

// shown says whose certificate a request came with. Without TLS it is nobody's,
// nil, for callers on this machine.
func (b *Backend) shown(r *http.Request) (*shown, error) {
	if r.TLS == nil {
		if !loopback(r) {
			return nil, errPlain
		}
		return nil, nil
	}
	if len(r.TLS.PeerCertificates) == 0 {
		return nil, &refusal{status: http.StatusUnauthorized, code: enrol.NoCert, detail: "show the certificate that this register got when it was enrolled"}
	}
	s, err := b.ours(r.TLS.PeerCertificates[0])
	if err != nil {
		return nil, err
	}
	err = b.ledger.view(r.Context(), func(t *tx) error { return t.good(s) })
	if err == nil && b.past(s) {
		err = revoked("the certificate is past its end; enrol the register again")
	}
	if err != nil {
		return nil, err
	}
	wait := b.dials.over(s.name.Register, b.now())
	if wait > 0 {
		return nil, &refusal{status: http.StatusTooManyRequests, code: enrol.TooMany, detail: "this register dials too often", wait: wait}
	}
	b.dials.count(s.name.Register, b.now())
	return s, nil
}

// ours verifies a certificate up to this backend's CAs, whatever the date: that
// it is past is told apart.
func (b *Backend) ours(leaf *x509.Certificate) (*shown, error) {
	at := b.now()
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	roots := x509.NewCertPool()
	for _, a := range b.authorities() {
		roots.AddCert(a.cert)
	}
	opts := x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf.Verify(opts); err != nil {
		return nil, foreign("this certificate is not of this backend")
	}
	name, err := enrol.ParseName(leaf.URIs)
	if err != nil {
		return nil, foreign("this certificate names no register")
	}
	key, _ := leaf.PublicKey.(ed25519.PublicKey) // as issue made it
	return &shown{name: name, serial: serialOf(leaf), key: key, leaf: leaf}, nil
}

func (b *Backend) past(s *shown) bool { return b.now().After(s.leaf.NotAfter) }

func serialOf(c *x509.Certificate) string { return fmt.Sprintf("%032x", c.SerialNumber) }

// good fails for a certificate that this ledger does not know, or that was
// revoked.
func (t *tx) good(s *shown) error {
	var register, store string
	var at int64
	err := t.row("SELECT register, store, revoked FROM certificate WHERE serial = ?", s.serial).Scan(&register, &store, &at)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && (enrol.Name{Store: store, Register: register}) != s.name:
		return foreign("this register is not known here; enrol it")
	case err != nil:
		return err
	case at != 0:
		return revoked("the certificate was revoked; enrol the register again")
	}
	return nil
}

// errNoLonger ends a link whose certificate was revoked, or ended, between dial and
// hello. A refusal would be taken as a doubt in the register's records, for head office to
// release; so it is told to come again, and its dial is answered with the reason.
var errNoLonger = refuse(wire.CodeTrouble, "the certificate is no longer good; dial again and be told why")

func (l *link) stillGood(t *tx) error {
	if l.shown == nil {
		return nil
	}
	err := t.good(l.shown)
	if err == nil {
		_, err = l.b.ours(l.shown.leaf) // its CA may have been dropped
	}
	if err == nil && l.b.past(l.shown) {
		return errNoLonger
	}
	if _, refused := errors.AsType[*refusal](err); refused {
		return errNoLonger
	}
	return err
}

// clockLook is how long the end of a certificate is left to a timer: that stands
// still while the machine sleeps, and does not hear of a clock that was set.
const clockLook = time.Minute

// lasts ends the link when its certificate ends. The register renewed it long
// before, and comes back at once with the new one.
func (l *link) lasts() {
	for !l.b.past(l.shown) {
		left := l.shown.leaf.NotAfter.Sub(l.b.now()) + time.Millisecond
		timer := time.NewTimer(min(left, clockLook))
		select {
		case <-l.ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	l.stop()
}

// Revoke ends a register's certificates, its link at once, and the one-time codes
// that are out for it: who has one of them would be that register again. Its
// payments, checkpoints and caps stay; it must be enrolled again.
func (b *Backend) Revoke(ctx context.Context, register terminal.RegisterID) error {
	err := b.ledger.change(ctx, func(t *tx) error {
		there, err := t.has("SELECT 1 FROM certificate WHERE register = ?1 AND revoked = 0 UNION ALL SELECT 1 FROM code WHERE register = ?1", string(register))
		if err != nil || !there {
			return errors.Join(err, errIf(!there, fmt.Sprintf("register %q has neither a certificate nor a code that could be revoked", register)))
		}
		return errors.Join(t.revoke(string(register), b.now()), t.exec("DELETE FROM code WHERE register = ?", string(register)))
	})
	if err == nil {
		b.hangUp(func(l *link) bool { return l.shown != nil && l.shown.name.Register == string(register) })
	}
	return err
}

// revoke ends a register's certificates and the codes that got them.
func (t *tx) revoke(register string, now time.Time) error {
	if err := t.exec("UPDATE certificate SET revoked = ? WHERE register = ? AND revoked = 0", now.UnixMilli(), register); err != nil {
		return err
	}
	return t.exec("DELETE FROM code WHERE register = ? AND serial != ''", register)
}

// quiet has the HTTP server's complaints about its callers logged as what they
// are: nothing to act on.
func quiet(to *slog.Logger) *log.Logger { return slog.NewLogLogger(to.Handler(), slog.LevelDebug) }
