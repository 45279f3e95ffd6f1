package uplink

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"sekisho/terminal/enrol"
)

// Renewer renews a register's certificate in good time. A session that stands is
// not touched: the link's next dial uses what Keep put to use.
type Renewer struct {
	URL   string
	Trust func() Trust
	Times func() Times
	Keep  func(enrol.Renewed) error // looks at it, keeps it, and puts it to use
	Log   *slog.Logger
}

const (
	lookEvery  = time.Hour   // clocks jump: when it is due is looked at again
	firstRetry = time.Minute // nobody waits; a month is left
	soonest    = time.Second
)

// RenewAt gives when a certificate is to be renewed: at two thirds of its life,
// and by chance, from 0 to 1, up to a 24th of it later, so that a chain that was
// enrolled on one day does not renew within one hour.
func RenewAt(c *x509.Certificate, chance float64) time.Time {
	life := c.NotAfter.Sub(c.NotBefore)
	return c.NotBefore.Add(life*2/3 + time.Duration(float64(life)/24*chance))
}

// lateLeft is how much of its life a certificate has left, as a part of it, when
// it should have been renewed days ago: that is asked for from a third on.
const lateLeft = 4

// RenewalLate says whether a certificate that is good from one moment until
// another should have been renewed days ago.
func RenewalLate(from, until, now time.Time) bool {
	return until.Sub(now) < until.Sub(from)/lateLeft
}

// retryIn gives how long to wait after a renewal that failed: by chance, from 0 to
// 1, between the half and the whole of a bound that doubles from a minute to an
// hour, and is never more than a tenth of what is left.
func retryIn(left time.Duration, failures int, chance float64) time.Duration {
	bound := lookEvery
	if failures < 6 { // a minute doubled six times is above an hour
		bound = firstRetry << failures
	}
	if left > 0 {
		bound = min(bound, left/10)
	}
	return max(soonest, time.Duration(float64(bound)*(1+chance)/2))
}

// Run renews until ctx ends, and returns nil then.
func (r *Renewer) Run(ctx context.Context) error {
	failures, chance := 0, rand.Float64()
	for {
		own := r.Trust().Certificate.Leaf
		now := r.Times().now()
		wait := RenewAt(own, chance).Sub(now)
		if wait <= 0 {
			if err := r.renew(ctx); err == nil {
				failures, chance = 0, rand.Float64()
				own = r.Trust().Certificate.Leaf
				r.Log.Info("the certificate was renewed", "good_until", own.NotAfter)
				if wait = RenewAt(own, chance).Sub(now); wait <= 0 { // by a clock that is wrong
					wait = lookEvery
				}
			} else if ctx.Err() == nil {
				wait = max(asked(err), retryIn(own.NotAfter.Sub(now), failures, rand.Float64()))
				failures++
				r.complain(err, own.NotAfter, now, wait)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(wait, lookEvery)):
		}
	}
}

func (r *Renewer) renew(ctx context.Context) error {
	trust := r.Trust()
	key, ok := trust.Certificate.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		return errors.New("uplink: the register's key is none of Ed25519")
	}
	csr, err := enrol.NewCSR(key)
	if err != nil {
		return err
	}
	answer, err := Renew(ctx, r.URL, trust, csr, r.Times())
	if err != nil {
		return err
	}
	return r.Keep(answer)
}

// complain logs a renewal that failed, and what to do once it is late.
func (r *Renewer) complain(err error, end, now time.Time, wait time.Duration) {
	if !now.Before(end) {
		r.Log.Error("the certificate is past its end, and the backend may refuse it: ask head office for a one-time code, and run sekisho enrol",
			"good_until", end, "error", err, "next_try_in", wait.String())
		return
	}
	r.Log.Warn("the certificate could not be renewed yet", "good_until", end, "error", err, "next_try_in", wait.String())
}
