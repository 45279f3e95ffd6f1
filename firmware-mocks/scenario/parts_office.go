package scenario

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// stricter is what head office adds to the policy in the afternoon.
const stricter = `
# A maker of cartridges: what it brings out next is watched before it is listed.
[[maker]]
prefix = "` + maker + `"
category = "e-cigarette"
units = 1

[[cap]]
id = "e-cigarette-half-hour"
scope = "register"
window = "rolling"
over = "30m"
category = "e-cigarette"
yen = 14000

[[cap]]
id = "tobacco-register-day"
scope = "register"
window = "day"
category = "tobacco"
units = 6

[[cap]]
id = "account-hour"
scope = "account"
window = "rolling"
over = "1h"
yen = 5500
`

// newRules: head office has more to sell, and adds caps over time.
func (s *Shift) newRules(ctx context.Context) error {
	s.say("a POS that tells only totals")
	s.said[terminal.GoodsNotListed] = true
	ref := s.w.NextRef()
	err := s.w.Till.PutTotal(ctx, ref, lunch.Price)
	var p *Problem
	if !errors.As(err, &p) || p.Code != string(terminal.GoodsNotListed) {
		s.bad = append(s.bad, wrong("a total without goods: got %v, must be %s", err, terminal.GoodsNotListed))
	}
	if err := s.w.Till.Cancel(ctx, ref); err != nil && !errors.As(err, &p) { // there may be no sale to cancel
		return err
	}
	s.say("head office has such totals count as tobacco, and adds caps on the register's hour and day, and on each account")
	rules := s.w.setup.Rules
	rules.Version, rules.TobaccoDay, rules.Also = s.w.policy.Version+1, rules.TobaccoDay*4, stricter
	rules.Unitemised = "tobacco"
	if err := s.w.Publish(ctx, rules); err != nil {
		return err
	}
	return s.play(ctx, step{name: "something for 720 yen, a unit of tobacco", total: 720, code: s.newcomer("kota", longAgo), want: approved})
}

// stoppedWallet: head office stops an issuer of passes, and lifts it.
func (s *Shift) stoppedWallet(ctx context.Context) error {
	akira, err := s.w.NewCustomer(ctx, "akira", longAgo, wellOff)
	if err != nil {
		return err
	}
	s.say("head office stops a wallet, then lifts it with the policy's keys")
	if err := s.w.Freeze(ctx, 4, fmt.Sprintf("issuers = [%q]\n", Issuer), []string{Issuer}, s.w.keys.Freeze); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "lunch on the wallet that is stopped", lines: times(1, lunch), code: passOf(akira), want: refused(terminal.Frozen)},
		step{name: "lunch on another wallet", lines: times(1, lunch), code: s.digitsOf(akira), want: approved},
	); err != nil {
		return err
	}
	if err := s.w.Freeze(ctx, 5, "", nil, s.w.keys.Policy[0], s.w.keys.Policy[1]); err != nil {
		return err
	}
	return s.play(ctx, step{name: "one pack, nothing is stopped any more", lines: times(1, pack), code: passOf(akira), want: approved})
}

// overTime: caps of the register and of an account, and what a void gives back.
func (s *Shift) overTime(ctx context.Context) error {
	nana, err := s.w.NewCustomer(ctx, "nana", longAgo, wellOff)
	if err != nil {
		return err
	}
	one := func(name, who string, want Want) step {
		return step{name: name, lines: times(1, cartridge), code: s.newcomer(who, longAgo), want: want}
	}
	undone := one("a cartridge that is given back at once", "pump", approved)
	undone.void = true
	for _, st := range []step{
		one("a cartridge, 5,000 of 14,000 yen in half an hour", "ichi", approved),
		undone, undone, undone, // each gives back what it took
		one("a second cartridge", "nii", approved),
		one("a third, beyond the register's half hour", "san", refused(terminal.CapRegister)),
		{name: "eleven of a new article of a watched maker", lines: times(11, novelty), code: passOf(nana), want: refused(terminal.CapRegister)},
		{name: "four packs, the last of the register's six a day", lines: times(4, pack), code: s.newcomer("sora", longAgo), want: approved},
		{name: "one pack more", lines: times(1, pack), code: s.newcomer("riku", longAgo), want: refused(terminal.CapRegister)},
		{name: "a tray for 4,900 yen, undone", lines: times(1, platter), code: passOf(nana), want: approved, void: true},
		{name: "the same account again: the void gave it back", lines: times(1, platter), code: passOf(nana), want: approved},
		{name: "its lunch, beyond 5,500 yen in an hour", lines: times(1, lunch), code: passOf(nana), want: declined(terminal.CapAccount)},
	} {
		if err := s.play(ctx, st); err != nil {
			return err
		}
		if st.void { // given back once the backend has said so
			if err := s.w.Settled(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// refunds: in parts, at most the whole, and no quota comes back with it.
func (s *Shift) refunds(ctx context.Context) error {
	s.say("money is given back")
	st := step{name: "a lunch that is given back", lines: times(1, lunch), code: s.newcomer("yui", longAgo), want: approved}
	if err := s.play(ctx, st); err != nil {
		return err
	}
	s.said[terminal.RefundDenied] = true
	id := s.Results[len(s.Results)-1].Verdict.Payment
	for _, yen := range []terminal.Yen{300, lunch.Price - 301} {
		if err := s.w.Till.Refund(ctx, id, newRefundID(), yen); err != nil {
			return err
		}
	}
	err := s.w.Till.Refund(ctx, id, newRefundID(), 2)
	var p *Problem
	if !errors.As(err, &p) || p.Code != "refund.invalid" {
		s.bad = append(s.bad, wrong("2 yen of the last 1: got %v, must be refund.invalid", err))
	}
	if err := s.w.Settled(ctx); err != nil {
		return err
	}
	if err := s.w.backend.Set(backendsim.Fault{Kind: backendsim.Refuse, Type: "refund", Count: 1}); err != nil {
		return err
	}
	if err := s.w.Till.Refund(ctx, id, newRefundID(), 1); err != nil {
		return err
	}
	if err := s.w.Settled(ctx); err != nil {
		return err
	}
	v, err := s.w.Till.Payment(ctx, id)
	if err != nil {
		return err
	}
	if n := len(v.Refunds); n != 3 || v.Refunds[0].State != terminal.RefundDone || v.Refunds[1].State != terminal.RefundDone || v.Refunds[2].Reason != terminal.RefundDenied {
		s.bad = append(s.bad, wrong("the refunds are %+v, must be two done and one refused", v.Refunds))
	}
	return nil
}

func newRefundID() terminal.RefundID { return terminal.RefundID(uuid.Must(uuid.NewV7()).String()) }

// told: what the backend told of accounts while the line was up holds without
// it, and what it could not tell is settled afterwards.
func (s *Shift) told(ctx context.Context) error {
	people := map[string]*Customer{}
	for _, name := range []string{"victim", "careful", "olga", "early", "tardy"} {
		c, err := s.w.NewCustomer(ctx, name, longAgo, wellOff)
		if err != nil {
			return err
		}
		people[name] = c
	}
	if err := s.w.backend.SetLimits(ctx, Issuer, people["careful"].Phone.Account(), 1000, 9); err != nil {
		return err
	}
	s.say("an account is stopped, another gets limits")
	if err := s.w.StopAccount(ctx, people["victim"], 1); err != nil {
		return err
	}
	meal := times(1, lunch)
	if err := s.all(ctx,
		step{name: "lunch on the stopped account", lines: meal, code: passOf(people["victim"]), want: refused(terminal.AccountDenied)},
		step{name: "lunch on the account with limits", lines: meal, code: passOf(people["careful"]), want: approved},
		step{name: "a tray for 4,900 yen", lines: times(1, platter), code: passOf(people["olga"]), want: approved},
	); err != nil {
		return err
	}
	s.say("the line is cut")
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "lunch on the stopped account", lines: meal, code: passOf(people["victim"]), want: refused(terminal.AccountDenied)},
		step{name: "lunch on the account with limits", lines: meal, code: passOf(people["careful"]), want: approvedOffline},
		step{name: "a second one, beyond the 1,000 yen told", lines: meal, code: passOf(people["careful"]), want: refused(terminal.OfflineLimit)},
		step{name: "lunch after the tray, beyond one allowance", lines: meal, code: passOf(people["olga"]), want: refused(terminal.CapAccount)},
		step{name: "lunch, and the account is stopped afterwards", lines: meal, code: passOf(people["early"]), want: approvedOffline},
	); err != nil {
		return err
	}
	for _, name := range []string{"early", "tardy"} {
		if err := s.w.backend.StopAccount(ctx, Issuer, people[name].Phone.Account()); err != nil {
			return err
		}
	}
	return s.play(ctx, step{
		name: "lunch on an account stopped since the line was cut", lines: meal, code: passOf(people["tardy"]),
		want: approvedOffline, later: Want{State: terminal.Rejected, Reason: terminal.AccountDenied},
	})
}

// cleanStop: a stop with the line up gives back what is held, so that the reboot
// after it burns nothing.
func (s *Shift) cleanStop(ctx context.Context) error {
	s.say("the register is stopped in good order, and reboots")
	before, err := s.tobacco(ctx)
	if err != nil {
		return err
	}
	if err := s.w.StopDaemon(ctx); err != nil {
		return err
	}
	stopped, err := s.tobacco(ctx)
	if err != nil {
		return err
	}
	if stopped.Returned.Units <= before.Returned.Units {
		s.bad = append(s.bad, wrong("the stop gave nothing back: %+v", stopped))
	}
	if err := errors.Join(s.w.ForgetBoot(), s.startAgain(ctx)); err != nil {
		return err
	}
	if err := s.w.Ready(ctx); err != nil {
		return err
	}
	after, err := s.tobacco(ctx)
	if err == nil && after.Burned != before.Burned {
		s.bad = append(s.bad, wrong("the reboot burnt quota: %+v was burnt before, %+v is now", before.Burned, after.Burned))
	}
	return err
}

// tobacco reads the backend's row of the store's day.
func (s *Shift) tobacco(ctx context.Context) (backendsim.CapTotal, error) {
	rows, err := s.w.backend.Ledger().Caps(ctx)
	for _, r := range rows {
		if r.Cap == "tobacco-day" {
			return r, err
		}
	}
	return backendsim.CapTotal{}, errors.Join(err, wrong("the backend has no row of the store's tobacco"))
}
