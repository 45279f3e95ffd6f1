package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"sekisho/terminal"
)

// round plays one round. Everything runs again at its end, but winds may have
// left their mark.
func (s *storm) round(ctx context.Context, p plan) error {
	if err := s.prepare(ctx, p); err != nil {
		return fmt.Errorf("before the round: %w", err)
	}
	d := &due{kill: p.Kill, now: make(chan struct{})}
	s.due.Store(d)
	working, stop := context.WithCancel(ctx)
	defer stop()

	var parts sync.WaitGroup
	failed := make(chan error, len(p.Winds)+1)
	for _, w := range p.Winds {
		parts.Go(func() { failed <- s.net.blow(working, w) })
	}
	over := make(chan struct{})
	done := sync.OnceFunc(func() { close(over) })
	parts.Go(func() { failed <- s.strike(ctx, d, over, stop) })
	err := s.sales(working, p, done)
	done()
	parts.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return errors.Join(err, s.revive(ctx, p.Kill.Reboot))
}

// sales sells what the plan says until that is over or the register is killed.
func (s *storm) sales(ctx context.Context, p plan, done func()) error {
	leave := func(ctx context.Context) {
		if p.Kill.Who == "register" || p.Kill.Who == "both" {
			done() // the customer packs the bag; the kill comes first
			<-ctx.Done()
		}
	}
	for n, do := range p.Sales {
		if err := s.seller.sell(ctx, do, leave); err != nil {
			if s.away.Load() {
				return nil
			}
			st, _ := s.w.Till.State(context.WithoutCancel(ctx))
			return fmt.Errorf("I8: sale %d: %w; the till: %+v, verdict %+v", n+1, err, st, st.Verdict)
		}
	}
	return nil
}

// strike kills who is to be killed once it is due, at the latest after the plan's
// time or when the sales are over. stop ends the seller's waiting for a till that has gone.
func (s *storm) strike(ctx context.Context, d *due, over <-chan struct{}, stop func()) error {
	k := d.kill
	if k.Who == "" {
		return nil
	}
	latest := time.NewTimer(k.Latest)
	defer latest.Stop()
	select {
	case <-d.now:
	case <-latest.C:
		s.missed++
	case <-over:
		s.missed++
	case <-ctx.Done():
		return ctx.Err()
	}
	wait(ctx, k.Delay) // the plan's moment is so long after what was seen
	s.kills[k.Who]++
	if k.Who != "backend" {
		s.away.Store(true)
		s.w.KillDaemon()
		stop()
	}
	if k.Who == "register" {
		return nil
	}
	s.backend.end(syscall.SIGKILL)
	wait(ctx, k.Down) // the plan's time without a backend
	return s.backend.start(ctx)
}

// revive starts the register again if it was killed, and looks at its screen.
func (s *storm) revive(ctx context.Context, reboot bool) error {
	if !s.away.Load() {
		return nil
	}
	s.listening.Wait()
	s.due.Store(nil)
	if reboot {
		if err := s.w.ForgetBoot(); err != nil {
			return err
		}
	}
	if err := s.w.StartDaemon(ctx); err != nil {
		return err
	}
	s.away.Store(false)
	s.listen(ctx)
	return s.shown(ctx)
}

// shown: an approval that was told and not handed over is on the screen again
// (I2).
func (s *storm) shown(ctx context.Context) error {
	id := s.seller.waiting
	if id == "" {
		return nil
	}
	st, err := s.w.Till.State(ctx)
	if err == nil && (st.Verdict == nil || st.Verdict.Payment != id || st.Verdict.Outcome != terminal.OutcomeApproved) {
		// An advice that was rejected meanwhile is no approval any more.
		if v, _ := s.w.Till.Payment(ctx, id); v.State != terminal.Rejected {
			err = wrong("I2: payment %s was told approved, and is not on the screen after the kill: %+v", id, st.Verdict)
		}
	}
	return err
}

// prepare sets the backend's faults, does what head office does, and invites the
// customers.
func (s *storm) prepare(ctx context.Context, p plan) error {
	if err := s.backend.clear(ctx, ""); err != nil {
		return err
	}
	if err := s.seller.invite(ctx, s.backend, p.Sales); err != nil {
		return err
	}
	if s.office.frozen { // for one round: what is stopped is not sold
		if err := s.decree(ctx, "freeze"); err != nil {
			return err
		}
	}
	if err := s.decree(ctx, p.Office); err != nil {
		return err
	}
	if p.Fair {
		fair, cancel := context.WithTimeout(ctx, settleTime)
		defer cancel()
		if _, err := s.w.Till.Await(fair, func(st State) bool { return st.Link.State != terminal.LineDown }); err != nil {
			return fmt.Errorf("I8: after %v of fair weather there is no line: %w", settleTime, err)
		}
	}
	for _, f := range p.Faults {
		if err := s.backend.fault(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// decree is what head office does in the round.
func (s *storm) decree(ctx context.Context, what string) error {
	switch what {
	case "policy":
		s.office.rules.Version++
		s.office.rules.TobaccoDay += 4
		s.office.rules.Also = fmt.Sprintf(cartridgeCap, s.office.rules.TobaccoDay*3/4)
		note, err := s.office.policyNote()
		if err != nil {
			return err
		}
		return s.backend.post(ctx, "policy", note)
	case "freeze":
		note, err := s.office.freezeNote()
		if err != nil {
			return err
		}
		return s.backend.post(ctx, "freeze", note)
	case "stop-account":
		if len(s.seller.known) == 0 {
			return nil
		}
		account := s.seller.known[0].Phone.Account()
		s.seller.known = s.seller.known[1:]
		return s.backend.post(ctx, "accounts/stop", map[string]any{"issuer": Issuer, "account": account})
	}
	return nil
}
