package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

const (
	longAgo = 400 * 24 * time.Hour
	anHour  = time.Hour
)

// What issuers let accounts spend offline in 24 hours.
var (
	wellOff  = walletsim.Ceilings{Yen: 100_000, Count: 50} // above the policy's own
	oneLunch = walletsim.Ceilings{Yen: 1_000, Count: 50}
	onlyOnce = walletsim.Ceilings{Yen: 100_000, Count: 1}
)

// newcomer is a pass of a customer who was not here before.
func (s *Shift) newcomer(name string, boundFor time.Duration) code {
	return func(ctx context.Context) (string, error) {
		c, err := s.w.NewCustomer(ctx, name, boundFor, wellOff)
		if err != nil {
			return "", err
		}
		return c.Phone.Pass()
	}
}

// passOf is the next pass of a customer.
func passOf(c *Customer) code {
	return func(context.Context) (string, error) { return c.Phone.Pass() }
}

// shown is a code that stays the same.
func shown(text string) code {
	return func(context.Context) (string, error) { return text, nil }
}

// digitsOf is a code of another wallet of the customer's.
func (s *Shift) digitsOf(c *Customer) code {
	return func(ctx context.Context) (string, error) {
		text := c.Phone.Digits(walletsim.PayPay)
		if err := s.w.backend.RegisterDigits(ctx, text, "paypay", c.Phone.Account()); err != nil {
			return "", err
		}
		return text, s.w.backend.SetAccount(ctx, "paypay", c.Phone.Account(), 50_000)
	}
}

// forged is signed by a key that the policy does not name.
func (s *Shift) forged(context.Context) (string, error) {
	issuer := s.w.issuer()
	issuer.Key = forgersKey
	return passFrom(issuer, time.Now)
}

// old was made ten minutes ago.
func (s *Shift) old(context.Context) (string, error) {
	return passFrom(s.w.issuer(), func() time.Time { return time.Now().Add(-10 * time.Minute) })
}

func passFrom(issuer walletsim.Issuer, now func() time.Time) (string, error) {
	owner := walletsim.Owner{Account: "somebody-00000001", BoundAt: time.Now().Add(-longAgo), Ceilings: wellOff}
	phone, err := walletsim.NewPhone(issuer, owner, 0, now)
	if err != nil {
		return "", err
	}
	return phone.Pass()
}

// morning: ordinary customers, and codes that are no payment.
func (s *Shift) morning(ctx context.Context) error {
	s.say("the line is up")
	kenji, err := s.w.NewCustomer(ctx, "kenji", longAgo, wellOff)
	if err != nil {
		return err
	}
	twice, err := kenji.Phone.Pass()
	if err != nil {
		return err
	}
	return s.all(ctx,
		step{name: "lunch for 720 yen", lines: times(1, lunch), code: s.newcomer("aiko", longAgo), want: approved, putAgain: true},
		step{name: "two packs of cigarettes", lines: times(2, pack), code: shown(twice), want: approved},
		step{name: "the same pass again", lines: times(1, lunch), code: shown(twice), want: refused(terminal.CodeReplayed)},
		step{name: "lunch with another wallet's digits", lines: times(1, lunch), code: s.digitsOf(kenji), want: approved},
		step{name: "a shop's code instead of the customer's", lines: times(1, lunch), code: shown(walletsim.MerchantCode("CORNER SHOP")), want: notice(terminal.CodeMerchant)},
		step{name: "a web address instead of a code", lines: times(1, lunch), code: shown("https://example.com/coupon"), want: notice(terminal.CodeNotPayment)},
		step{name: "a pass that another issuer signed", lines: times(1, lunch), code: s.forged, want: refused(terminal.CodeForged)},
		step{name: "a pass of ten minutes ago", lines: times(1, lunch), code: s.old, want: refused(terminal.CodeExpired)},
	)
}

// thieves: what was tried in July 2019, and what a backend might do to help.
func (s *Shift) thieves(ctx context.Context) error {
	taro, err := s.w.NewCustomer(ctx, "taro", longAgo, wellOff)
	if err != nil {
		return err
	}
	noRight := []backendsim.Fault{{Kind: backendsim.Withhold, Count: 1}}
	cartonAndMore := append(times(1, carton), times(6, pack)...)
	return s.all(ctx,
		step{name: "cartridges for 200,000 yen", lines: times(40, cartridge), code: passOf(taro), want: refused(terminal.CapRegister)},
		step{name: "cigarettes for 100,000 yen", lines: times(200, priceOf(pack, 500)), code: passOf(taro), want: refused(terminal.CapRegister)},
		step{name: "a carton and six packs: sixteen packs", lines: cartonAndMore, code: passOf(taro), want: refused(terminal.CapRegister)},
		step{name: "three packs of a dear brand for 12,000 yen", lines: times(3, dear), code: passOf(taro), want: refused(terminal.CapRegister)},
		step{name: "five packs, phone bound long ago", lines: times(5, pack), code: passOf(taro), want: approved},
		step{name: "five packs, stolen account, phone bound an hour ago", lines: times(5, pack), code: s.newcomer("stolen", anHour), want: refused(terminal.DeviceNew)},
		step{name: "one cartridge, phone bound an hour ago", lines: times(1, cartridge), code: s.newcomer("newphone", anHour), want: approved},
		step{name: "five packs, the answer brings no right to sell them", lines: times(5, pack), code: s.newcomer("ryo", longAgo), faults: noRight, want: reversed(terminal.AllotmentMissing)},
	)
}

// soldOut: five packs again and again, each from another account, until the
// store's cap refuses. 42 packs are the cap and 7 are sold, so 7 times.
func (s *Shift) soldOut(ctx context.Context) error {
	const before, each = 7, 5
	limit := s.w.setup.Rules.TobaccoDay
	for n, sold := 1, int64(before); ; n, sold = n+1, sold+each {
		st := step{
			name:  fmt.Sprintf("five packs, account %d, %d sold today", n, sold),
			lines: times(each, pack), code: s.newcomer(fmt.Sprintf("smoker%d", n), longAgo), want: approved,
		}
		if sold+each > limit {
			st.want = declined(terminal.CapStore)
			return s.play(ctx, st)
		}
		if err := s.play(ctx, st); err != nil {
			return err
		}
	}
}

// badLine: answers and requests get lost, an answer is wrong, the cashier waits
// or gives up, and a customer leaves without the goods.
func (s *Shift) badLine(ctx context.Context) error {
	once := func(k backendsim.FaultKind) []backendsim.Fault { return []backendsim.Fault{{Kind: k, Count: 1}} }
	impatient, err := s.w.NewCustomer(ctx, "impatient", longAgo, wellOff)
	if err != nil {
		return err
	}
	// The first four answers to "what became of it?" are lost too: a second and
	// more, in which another code can be shown.
	lost := append(once(backendsim.DropAfter), backendsim.Fault{Kind: backendsim.DropAfter, Type: wire.TypeQuery, Count: 4})
	late := []backendsim.Fault{{Kind: backendsim.Delay, Count: 1, Delay: s.w.setup.Rules.Answer + s.w.setup.Rules.GiveUp/3}}
	s.say("messages are lost on the way")
	return s.spaced(ctx,
		step{
			name: "lunch, the answer lost, another code shown meanwhile", lines: times(1, lunch), code: s.newcomer("yuki", longAgo),
			faults: lost, via: terminal.Unknown, second: s.digitsOf(impatient), want: approved,
		},
		step{
			name: "lunch, the request lost, the cashier gives up", lines: times(1, lunch), code: s.newcomer("nobu", longAgo),
			faults: once(backendsim.DropBefore), via: terminal.Unknown, quit: true, want: reversed(terminal.Cancelled),
		},
		step{
			name: "lunch, the request lost, given up after a time", lines: times(1, lunch), code: s.newcomer("rika", longAgo),
			faults: once(backendsim.DropBefore), via: terminal.Unknown, want: reversed(terminal.BackendSilent),
		},
		step{
			name: "lunch, the request on its way for longer than it may", lines: times(1, lunch), code: s.newcomer("late", longAgo),
			faults: late, via: terminal.Unknown, want: declined(terminal.AuthoriseTooLate),
		},
		step{
			name: "lunch, approved for another amount, asked again", lines: times(1, lunch), code: s.newcomer("jun", longAgo),
			faults: once(backendsim.Misprice), via: terminal.Unknown, want: approved,
		},
		step{name: "lunch, and the customer leaves without it", lines: times(1, lunch), code: s.newcomer("saki", longAgo), void: true, want: approved},
	)
}

// spaced plays steps whose answers are lost or late, with others between them: two
// such among five payments and the register calls the line bad, and decides by
// itself.
func (s *Shift) spaced(ctx context.Context, steps ...step) error {
	for i, st := range steps {
		if err := s.play(ctx, st); err != nil {
			return err
		}
		if i == len(steps)-1 {
			return nil
		}
		quick, err := s.w.NewCustomer(ctx, fmt.Sprintf("between-%d", i), longAgo, wellOff)
		if err != nil {
			return err
		}
		for range 4 { // digits, which the scanner brings faster than a pass
			if err := s.play(ctx, step{name: "lunch, nothing lost", lines: times(1, lunch), code: s.digitsOf(quick), want: approved}); err != nil {
				return err
			}
		}
	}
	return nil
}

// staleRules: past its date a policy sells no high-resale goods, and an older
// one never comes back.
func (s *Shift) staleRules(ctx context.Context) error {
	rules := s.w.setup.Rules
	s.say("head office's rules are past their date")
	rules.Version, rules.GoodFor = 2, -time.Hour
	if err := s.w.Publish(ctx, rules); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "one cartridge", lines: times(1, cartridge), code: s.newcomer("mika", longAgo), want: refused(terminal.PolicyStale)},
		step{name: "lunch", lines: times(1, lunch), code: s.newcomer("goro", longAgo), want: approved},
	); err != nil {
		return err
	}
	s.say("head office sends new ones, then somebody the first ones again")
	rules.Version, rules.GoodFor = 3, s.w.setup.Rules.GoodFor
	if err := s.w.Publish(ctx, rules); err != nil {
		return err
	}
	if err := s.w.PushOld(); err != nil {
		return err
	}
	// The answer to this comes after the old rules on the same line.
	if err := s.play(ctx, step{name: "lunch", lines: times(1, lunch), code: s.newcomer("toru", longAgo), want: approved}); err != nil {
		return err
	}
	state, err := s.w.Till.State(ctx)
	if err == nil && state.Policy.Version != rules.Version {
		s.bad = append(s.bad, wrong("policy %d is in force, must be %d", state.Policy.Version, rules.Version))
	}
	s.w.PushNew()
	return err
}

// offline: the line is cut.
func (s *Shift) offline(ctx context.Context) error {
	broke, err := s.w.NewCustomer(ctx, "broke", longAgo, wellOff)
	if err != nil {
		return err
	}
	if err := s.w.backend.SetAccount(ctx, Issuer, broke.Phone.Account(), 0); err != nil {
		return err
	}
	if err := s.play(ctx, step{name: "lunch, nothing on the account", lines: times(1, lunch), code: passOf(broke), want: declined(terminal.BackendDeclined)}); err != nil {
		return err
	}
	s.say("the line is cut")
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	if err := s.refusedOffline(ctx, broke); err != nil {
		return err
	}
	return s.ceilings(ctx)
}

// refusedOffline: lunch is sold, and what cannot be checked is not.
func (s *Shift) refusedOffline(ctx context.Context, broke *Customer) error {
	hana, err := s.w.NewCustomer(ctx, "hana", longAgo, wellOff)
	if err != nil {
		return err
	}
	first, err := hana.Phone.Pass()
	if err != nil {
		return err
	}
	return s.all(ctx,
		step{name: "lunch on a pass", lines: times(1, lunch), code: shown(first), want: approvedOffline, putAgain: true},
		step{name: "the same pass again", lines: times(1, lunch), code: shown(first), want: refused(terminal.CodeReplayed)},
		step{name: "a wallet's digits", lines: times(1, lunch), code: s.digitsOf(hana), want: refused(terminal.CodeUnknownOff)},
		step{name: "three packs, more than the offline allowance", lines: times(3, pack), code: passOf(hana), want: refused(terminal.CapOffline)},
		step{name: "one pack, and the store holds none any more", lines: times(1, pack), code: passOf(hana), want: refused(terminal.CapStore)},
		step{name: "one cartridge on a phone bound an hour ago", lines: times(1, cartridge), code: s.newcomer("fresh", anHour), want: refused(terminal.DeviceNew)},
		step{name: "lunch on a phone bound an hour ago", lines: times(1, lunch), code: s.newcomer("fresher", anHour), want: approvedOffline},
		step{name: "lunch, account that the backend declined", lines: times(1, lunch), code: passOf(broke), want: refused(terminal.BackendDeclined)},
	)
}

// ceilings: the least of the pass's and the policy's holds.
func (s *Shift) ceilings(ctx context.Context) error {
	people := map[string]*Customer{}
	for name, ceilings := range map[string]walletsim.Ceilings{"poor": oneLunch, "once": onlyOnce, "rich": wellOff, "regular": wellOff} {
		c, err := s.w.NewCustomer(ctx, name, longAgo, ceilings)
		if err != nil {
			return err
		}
		people[name] = c
	}
	meal := times(1, lunch)
	steps := []step{
		{name: "a party tray for 6,000 yen, above the floor limit", lines: times(1, feast), code: passOf(people["rich"]), want: refused(terminal.OfflineLimit)},
		{name: "5,000 yen, the floor limit before it began to shrink", lines: times(1, priceOf(feast, 5000)), code: passOf(people["rich"]), want: refused(terminal.OfflineLimit)},
		{name: "lunch, pass with 1,000 yen a day offline", lines: meal, code: passOf(people["poor"]), want: approvedOffline},
		{name: "the same account's second lunch", lines: meal, code: passOf(people["poor"]), want: refused(terminal.OfflineLimit)},
		{name: "lunch, pass with one payment a day offline", lines: meal, code: passOf(people["once"]), want: approvedOffline},
		{name: "the same account's second lunch", lines: meal, code: passOf(people["once"]), want: refused(terminal.OfflineLimit)},
		{name: "a small tray for 4,900 yen", lines: times(1, platter), code: passOf(people["rich"]), want: approvedOffline},
		{name: "another, within the policy's 10,000 yen", lines: times(1, platter), code: passOf(people["rich"]), want: approvedOffline},
		{name: "lunch, beyond the policy's 10,000 yen", lines: meal, code: passOf(people["rich"]), want: refused(terminal.OfflineLimit)},
	}
	for n := 1; n <= 3; n++ {
		steps = append(steps, step{name: fmt.Sprintf("a regular's lunch, number %d of the policy's three", n), lines: meal, code: passOf(people["regular"]), want: approvedOffline})
	}
	steps = append(steps, step{name: "a regular's fourth lunch", lines: meal, code: passOf(people["regular"]), want: refused(terminal.OfflineLimit)})
	return s.all(ctx, steps...)
}

// backOnline: the backlog goes up.
func (s *Shift) backOnline(ctx context.Context) error {
	s.say("the line is back")
	if err := s.w.MendLine(ctx); err != nil {
		return err
	}
	if err := s.w.Settled(ctx); err != nil {
		return fmt.Errorf("the backlog was not delivered: %w", err)
	}
	s.settle()
	return s.compare(ctx)
}

// settle says that what was approved offline is acknowledged by now.
func (s *Shift) settle() {
	for i, r := range s.Results {
		if r.Want.State != terminal.ApprovedOffline {
			continue
		}
		if s.Results[i].Want = r.Later; r.Later == (Want{}) {
			s.Results[i].Want.State = terminal.Settled
		}
	}
}

// reboot: the register comes up without the line, and does not know the time.
func (s *Shift) reboot(ctx context.Context) error {
	s.say("the line is cut, and the register reboots")
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	if err := errors.Join(s.w.StopDaemon(ctx), s.w.ForgetBoot()); err != nil {
		return err
	}
	if err := s.startAgain(ctx); err != nil {
		return err
	}
	return s.all(ctx,
		step{name: "one cartridge, before the line is back", lines: times(1, cartridge), code: s.newcomer("emi", longAgo), want: refused(terminal.ClockDoubt)},
		step{name: "lunch, from the small floor of a boot", lines: times(1, lunch), code: s.newcomer("ayumi", longAgo), want: approvedOffline},
		step{name: "another customer's lunch", lines: times(1, lunch), code: s.newcomer("daisuke", longAgo), want: approvedOffline},
		step{name: "a third one, beyond the floor of 1,500 yen", lines: times(1, lunch), code: s.newcomer("fumiko", longAgo), want: refused(terminal.OfflineLimit)},
	)
}

// startAgain starts the daemon and waits for its scanner.
func (s *Shift) startAgain(ctx context.Context) error {
	if err := s.w.StartDaemon(ctx); err != nil {
		return err
	}
	_, err := s.w.Till.Await(ctx, func(st State) bool { return st.Scanner == "connected" })
	return err
}

// closing: daemon and backend restart, and both ledgers still say the same.
func (s *Shift) closing(ctx context.Context) error {
	s.say("register and backend restart")
	if err := errors.Join(s.w.StopDaemon(ctx), s.w.CloseBackend()); err != nil {
		return err
	}
	if err := s.w.OpenBackend(ctx); err != nil {
		return err
	}
	if err := s.startAgain(ctx); err != nil {
		return err
	}
	if err := s.w.Ready(ctx); err != nil {
		return err
	}
	if err := s.w.Settled(ctx); err != nil {
		return err
	}
	s.settle()
	return s.compare(ctx)
}
