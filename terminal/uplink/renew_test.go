package uplink

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal/enrol"
)

func TestRenewalIsDueAtTwoThirds(t *testing.T) {
	c := &x509.Certificate{NotBefore: today, NotAfter: today.Add(90 * day)}
	for chance, want := range map[float64]time.Time{0: today.Add(60 * day), 1: today.Add(60*day + 90*day/24)} {
		if got := RenewAt(c, chance); !got.Equal(want) {
			t.Errorf("chance %v: %v, want %v", chance, got, want)
		}
	}
}

func TestRenewalsBackOff(t *testing.T) {
	for _, c := range []struct {
		left     time.Duration
		failures int
		chance   float64
		want     time.Duration
	}{
		{30 * day, 0, 1, time.Minute}, {30 * day, 1, 0.5, 90 * time.Second}, {30 * day, 5, 1, 32 * time.Minute}, {30 * day, 6, 1, time.Hour},
		{30 * day, 1 << 40, 1, time.Hour}, {30 * day, 3, 0, 4 * time.Minute},
		{time.Hour, 6, 1, 6 * time.Minute}, {10 * time.Second, 0, 1, time.Second}, {0, 9, 1, time.Hour}, {-day, 9, 0, 30 * time.Minute},
	} {
		if got := retryIn(c.left, c.failures, c.chance); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestTheBestTimeIsTaken(t *testing.T) {
	early, late := today.Add(-day), today.Add(day)
	for _, c := range []struct {
		t    Times
		want time.Time
	}{
		{Times{Wall: today}, today}, {Times{Wall: today, Told: early}, today}, {Times{Wall: today, Told: late}, late}, {Times{Wall: today, Told: early, Runs: true}, early},
	} {
		if got := c.t.now(); !got.Equal(c.want) {
			t.Errorf("%+v: %v", c.t, got)
		}
	}
}

// renewing is a renewer in a bubble of virtual time against a real backend over
// TLS, whose clock and the renewer's is the bubble's.
type renewing struct {
	mu    sync.Mutex
	trust Trust
	kept  int
	fails error
	off   time.Duration // of the wall clock
	log   bytes.Buffer
}

func (r *renewing) held() Trust {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trust
}

func (r *renewing) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *renewing) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// life lets days pass for a register whose certificates last 9 days, and gives
// how often the backend was asked.
func life(t *testing.T, days int, answer http.HandlerFunc, with func(r *renewing)) (asked int, r *renewing) {
	t.Helper()
	ca, key := newAuthority(t, nil), newKey(t)
	wide := func(c *x509.Certificate) { c.NotBefore, c.NotAfter = today.Add(-29*365*day), today.Add(100*365*day) }
	begun := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // as every bubble begins
	own := ca.register(t, key, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = begun, begun.Add(9*day) })
	r = &renewing{trust: Trust{own, []*x509.Certificate{ca.cert}}}
	o := &office{answer: enrol.Renewed{Certificate: "c", CA: ca.pem()}}
	address := secure(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked++
		if answer != nil {
			answer(w, q)
			return
		}
		o.ServeHTTP(w, q)
	}), ca.server(t, wide))
	synctest.Test(t, func(t *testing.T) {
		renewer := &Renewer{
			URL: address, Trust: r.held, Times: func() Times { return Times{Wall: time.Now().Add(r.off)} },
			Keep: func(enrol.Renewed) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				if r.fails != nil {
					return r.fails
				}
				r.kept++
				now := time.Now()
				r.trust.Certificate = ca.register(t, key, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now, now.Add(9*day) })
				return nil
			},
			Log: slog.New(slog.NewTextHandler(r, nil)),
		}
		if with != nil {
			with(r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(days)*day)
		defer cancel()
		if err := renewer.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return asked, r
}

// A month with 9 days a certificate: four renewals, and never one too late.
func TestACertificateIsRenewedInTime(t *testing.T) {
	asked, r := life(t, 30, nil, nil)
	if asked != r.kept || asked != 4 {
		t.Errorf("asked %d times, kept %d", asked, r.kept)
	}
	if !r.held().Certificate.Leaf.NotAfter.After(time.Date(2000, 1, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("good until %v", r.held().Certificate.Leaf.NotAfter)
	}
	if early, _ := life(t, 5, nil, nil); early != 0 {
		t.Errorf("asked %d times within two thirds", early)
	}
}

// A backend that refuses is asked again, ever more rarely; past the end the log
// says what to do.
func TestI8ARenewalThatFailsIsTriedAgain(t *testing.T) {
	asked, r := life(t, 7, refusing(403, enrol.Revoked).ServeHTTP, nil)
	// For a day, or nine hours less.
	if log := r.told(); r.kept != 0 || asked < 15 || asked > 60 || !strings.Contains(log, "level=WARN") || !strings.Contains(log, "certificate.revoked") {
		t.Errorf("asked %d times, kept %d: %.1000s", asked, r.kept, log)
	}
	late := func(r *renewing) { r.off = 9 * day }
	if _, r = life(t, 1, refusing(403, enrol.Revoked).ServeHTTP, late); !strings.Contains(r.told(), "past its end") || !strings.Contains(r.told(), "sekisho enrol") {
		t.Errorf("past the end: %.1000s", r.told())
	}
	_, r = life(t, 7, nil, func(r *renewing) { r.fails = errors.New("the disk is full") })
	if r.kept != 0 || !strings.Contains(r.told(), "the disk is full") {
		t.Errorf("kept %d: %.500s", r.kept, r.told())
	}
}

// A backend that asks to be left alone is left alone.
func TestRenewalHeedsRetryAfter(t *testing.T) {
	busy := func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Retry-After", "300")
		refusing(503, enrol.TooMany).ServeHTTP(w, q)
	}
	_, r := life(t, 7, busy, nil)
	waits := regexp.MustCompile(`next_try_in=(\S+)`).FindAllStringSubmatch(r.told(), -1)
	for _, wait := range waits {
		if d, err := time.ParseDuration(wait[1]); err != nil || d < 5*time.Minute {
			t.Errorf("asked again after %s, %v", wait[1], err)
		}
	}
	if len(waits) < 15 {
		t.Errorf("asked %d times in a day", len(waits))
	}
}

// By a clock that is wrong a certificate may be past its end at once: that is no
// loop.
func TestI8AClockInTheFarFutureRenewsOnceAnHour(t *testing.T) {
	asked, r := life(t, 1, nil, func(r *renewing) { r.off = 20 * 365 * day })
	if asked != 24 || r.kept != asked {
		t.Errorf("asked %d times in a day, kept %d", asked, r.kept)
	}
}
