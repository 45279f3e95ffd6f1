package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sekisho/cmd/keys"
	"sekisho/terminal"
	"sekisho/terminal/uplink"
	"sekisho/terminal/wire"
)

const enrolAgain = "ask head office for a one-time code, stop sekishod, and run sekisho enrol, which asks for it; ledger and payments stay"

// plain says whether the backend is one for development.
func (p *patient) plain() bool { return strings.HasPrefix(strings.ToLower(p.cfg.Backend), "ws:") }

// trust reads the certificates.
func (p *patient) trust() (uplink.Trust, error) {
	folder, err := keys.Find(p.cfg.Data)
	if err != nil {
		return uplink.Trust{}, err
	}
	k, err := folder.Load()
	if err != nil {
		return uplink.Trust{}, err
	}
	t, err := folder.Trust(k)
	return uplink.Trust(t), err
}

// certificate looks at the register's own.
func (p *patient) certificate() finding {
	if p.plain() {
		return well("none is used: %s is for development", p.cfg.Backend)
	}
	t, err := p.trust()
	if err != nil {
		return broken(enrolAgain, "%v", err)
	}
	own := t.Certificate.Leaf
	f := certificateFor(own.NotBefore, own.NotAfter, p.bestTime())
	if f.Level == fail && !p.told() {
		f.Remedy = "see first whether the machine's date is right (timedatectl); if it is, " + f.Remedy
	}
	return f
}

// certificateFor judges a certificate's dates.
func certificateFor(from, until, now time.Time) finding {
	date := until.In(storeZone).Format(time.DateOnly)
	left := until.Sub(now)
	switch {
	case left <= 0:
		return broken(enrolAgain, "it was good until %s: the backend takes this register no more", date)
	case now.Before(from):
		return look("set the machine's clock (timedatectl)", "it is good from %s on: the machine's clock is probably wrong", from.In(storeZone).Format(time.DateOnly))
	case uplink.RenewalLate(from, until, now):
		return look("bring the line up: sekishod renews it by itself; if the line is up, see journalctl -u sekishod and tell head office",
			"good until %s only, %d days, and not renewed yet", date, int(left/(24*time.Hour)))
	}
	return well("good until %s, %d days; sekishod renews it by itself", date, int(left/(24*time.Hour)))
}

// told says whether the daemon has the backend's time.
func (p *patient) told() bool { return p.state != nil && p.state.Clock == wire.ClockAuthenticated }

// bestTime is the backend's, where the daemon has it.
func (p *patient) bestTime() time.Time {
	if p.told() {
		return p.state.Time.Time()
	}
	return p.now()
}

// backend dials as sekishod does, and hangs up.
func (p *patient) backend() finding {
	if p.plain() {
		return well("not dialled: %s is for development", p.cfg.Backend)
	}
	t, err := p.trust()
	if err != nil {
		return look("mend the certificate above first", "cannot be dialled without a certificate")
	}
	times := uplink.Times{Wall: p.now()}
	if p.told() {
		times.Told = p.state.Time.Time()
	}
	link, err := uplink.New(uplink.Config{
		URL: p.cfg.Backend, Trust: func() uplink.Trust { return t }, Times: func() uplink.Times { return times },
	})
	if err != nil {
		return broken("put the setting backend into "+p.config, "%v", err)
	}
	if err := link.Probe(p.ctx); err != nil {
		return p.unanswered(err)
	}
	return well("%s takes this register", hostOf(p.cfg.Backend))
}

// unanswered says what a dial that failed means.
func (p *patient) unanswered(err error) finding {
	refused, _ := errors.AsType[*uplink.Refusal](err)
	switch uplink.Reason(err) {
	case terminal.LineUntrusted:
		return broken("see the setting backend and the machine's clock; if both are right, tell head office", "%v", p.untrusted(err, hostOf(p.cfg.Backend)))
	case terminal.LineRefused:
		says := "the backend does not take this register's certificate"
		if refused != nil {
			says = fmt.Sprintf("the backend refuses: %q (%s)", refused.Problem.Detail, refused.Problem.Code)
		}
		return broken(enrolAgain, "%s", says)
	case terminal.LineProtocol:
		return broken("see the setting backend; if it is right, tell head office", "what answers at %s does not speak as a backend does: %v", hostOf(p.cfg.Backend), err)
	case terminal.LineClosed:
		return look("wait some minutes", "the backend is busy, or restarts: %v", err)
	}
	return look("see the router and its line; sekishod tries again by itself", "no answer from %s: %v", hostOf(p.cfg.Backend), err)
}
