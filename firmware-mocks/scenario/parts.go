package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// pass makes a new customer, bound so long ago, and a pass of theirs.
func (s *Shift) pass(ctx context.Context, name string, boundFor time.Duration, c walletsim.Ceilings) (string, *Customer, error) {
	customer, err := s.w.NewCustomer(ctx, name, boundFor, c)
	if err != nil {
		return "", nil, err
	}
	text, err := customer.Phone.Pass()
	return text, customer, err
}

// morning: ordinary customers, and codes that are no payment.
func (s *Shift) morning(ctx context.Context) error {
	s.say("the line is up")
	aiko, _, err := s.pass(ctx, "aiko", longAgo, wellOff)
	if err != nil {
		return err
	}
	kenji, customer, err := s.pass(ctx, "kenji", longAgo, wellOff)
	if err != nil {
		return err
	}
	digits := customer.Phone.Digits(walletsim.PayPay)
	if err := s.w.backend.RegisterDigits(ctx, digits, "paypay", customer.Phone.Account()); err != nil {
		return err
	}
	if err := s.w.backend.SetAccount(ctx, "paypay", customer.Phone.Account(), 50_000); err != nil {
		return err
	}
	forged, err := s.forgedPass()
	if err != nil {
		return err
	}
	old, err := s.oldPass()
	if err != nil {
		return err
	}
	return s.all(ctx,
		step{name: "lunch for 720 yen", lines: times(1, lunch), code: aiko, want: approved},
		step{name: "two packs of cigarettes", lines: times(2, pack), code: kenji, want: approved},
		step{name: "the same pass again", lines: times(1, lunch), code: kenji, want: refused(terminal.CodeReplayed)},
		step{name: "lunch with another wallet's digits", lines: times(1, lunch), code: digits, want: approved},
		step{name: "a shop's code instead of the customer's", lines: times(1, lunch), code: walletsim.MerchantCode("CORNER SHOP"), want: refused(terminal.CodeMerchant)},
		step{name: "a pass that another issuer signed", lines: times(1, lunch), code: forged, want: refused(terminal.CodeForged)},
		step{name: "a pass of ten minutes ago", lines: times(1, lunch), code: old, want: refused(terminal.CodeExpired)},
	)
}

// forgedPass is signed by a key that the policy does not name.
func (s *Shift) forgedPass() (string, error) {
	issuer := s.w.issuer()
	issuer.Key = forgersKey
	phone, err := walletsim.NewPhone(issuer, walletsim.Owner{Account: "forged-00000001", BoundAt: time.Now().Add(-longAgo), Ceilings: wellOff}, 0, time.Now)
	if err != nil {
		return "", err
	}
	return phone.Pass()
}

// oldPass was made ten minutes ago.
func (s *Shift) oldPass() (string, error) {
	then := func() time.Time { return time.Now().Add(-10 * time.Minute) }
	phone, err := walletsim.NewPhone(s.w.issuer(), walletsim.Owner{Account: "slow-00000001", BoundAt: time.Now().Add(-longAgo), Ceilings: wellOff}, 0, then)
	if err != nil {
		return "", err
	}
	return phone.Pass()
}

// thieves: what was tried in July 2019.
func (s *Shift) thieves(ctx context.Context) error {
	taro, customer, err := s.pass(ctx, "taro", longAgo, wellOff)
	if err != nil {
		return err
	}
	second, err := customer.Phone.Pass()
	if err != nil {
		return err
	}
	third, err := customer.Phone.Pass()
	if err != nil {
		return err
	}
	stolen, _, err := s.pass(ctx, "stolen", anHour, wellOff)
	if err != nil {
		return err
	}
	dear := pack
	dear.Price = 500
	early, _, err := s.pass(ctx, "ryo", longAgo, wellOff)
	if err != nil {
		return err
	}
	noRight := &backendsim.Fault{Kind: backendsim.Withhold, Count: 1}
	return s.all(ctx,
		step{name: "five packs, the answer brings no right to sell them", lines: times(5, pack), code: early, fault: noRight, want: reversed(terminal.AllotmentMissing)},
		step{name: "cartridges for 200,000 yen", lines: times(40, cartridge), code: taro, want: refused(terminal.CapRegister)},
		step{name: "cigarettes for 100,000 yen", lines: times(200, dear), code: second, want: refused(terminal.CapRegister)},
		step{name: "five packs, phone bound long ago", lines: times(5, pack), code: third, want: approved},
		step{name: "five packs, stolen account, phone bound an hour ago", lines: times(5, pack), code: stolen, want: refused(terminal.DeviceNew)},
	)
}

// soldOut: five packs again and again, each from another account, until the
// store's cap refuses. 42 packs are the cap and 7 are sold, so 7 times.
func (s *Shift) soldOut(ctx context.Context) error {
	sold, left := int64(7), (s.w.setup.Rules.TobaccoDay-7)/5
	for n := range left + 1 {
		code, _, err := s.pass(ctx, fmt.Sprintf("smoker%d", n+1), longAgo, wellOff)
		if err != nil {
			return err
		}
		want := approved
		if n == left {
			want = declined(terminal.CapStore)
		}
		if err := s.play(ctx, step{name: fmt.Sprintf("five packs, account %d, %d sold today", n+1, sold), lines: times(5, pack), code: code, want: want}); err != nil {
			return err
		}
		sold += 5
	}
	return nil
}

// lostAnswer: the backend charges, and its answer is lost; then a request is
// lost and the cashier gives up; then a customer leaves without the goods.
func (s *Shift) lostAnswer(ctx context.Context) error {
	var codes []string
	for _, name := range []string{"yuki", "nobu", "saki"} {
		code, _, err := s.pass(ctx, name, longAgo, wellOff)
		if err != nil {
			return err
		}
		codes = append(codes, code)
	}
	s.say("an answer is lost on the way, then a request")
	return s.all(ctx,
		step{
			name: "lunch, the answer lost", lines: times(1, lunch), code: codes[0],
			fault: &backendsim.Fault{Kind: backendsim.DropAfter, Count: 1}, via: terminal.Unknown, want: approved,
		},
		step{
			name: "lunch, the request lost, the cashier gives up", lines: times(1, lunch), code: codes[1],
			fault: &backendsim.Fault{Kind: backendsim.DropBefore, Count: 1}, via: terminal.Unknown, quit: true, want: reversed(terminal.Cancelled),
		},
		step{name: "lunch, and the customer leaves without it", lines: times(1, lunch), code: codes[2], void: true, want: approved},
	)
}

// staleRules: past its date a policy sells no high-resale goods.
func (s *Shift) staleRules(ctx context.Context) error {
	cartridges, _, err := s.pass(ctx, "mika", longAgo, wellOff)
	if err != nil {
		return err
	}
	meal, _, err := s.pass(ctx, "goro", longAgo, wellOff)
	if err != nil {
		return err
	}
	rules := s.w.setup.Rules
	s.say("head office's rules are past their date")
	rules.Version, rules.GoodFor = 2, -time.Hour
	if err := s.w.Publish(ctx, rules); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "one cartridge", lines: times(1, cartridge), code: cartridges, want: refused(terminal.PolicyStale)},
		step{name: "lunch", lines: times(1, lunch), code: meal, want: approved},
	); err != nil {
		return err
	}
	s.say("head office sends new ones")
	rules.Version, rules.GoodFor = 3, s.w.setup.Rules.GoodFor
	return s.w.Publish(ctx, rules)
}

// offline: the line is cut.
func (s *Shift) offline(ctx context.Context) error {
	barred, broke, err := s.pass(ctx, "broke", longAgo, wellOff)
	if err != nil {
		return err
	}
	if err := s.w.backend.SetAccount(ctx, Issuer, broke.Phone.Account(), 0); err != nil {
		return err
	}
	if err := s.play(ctx, step{name: "lunch, nothing on the account", lines: times(1, lunch), code: barred, want: declined(terminal.BackendDeclined)}); err != nil {
		return err
	}
	s.say("the line is cut")
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	steps, err := s.offlineSteps(ctx, broke)
	if err != nil {
		return err
	}
	return s.all(ctx, steps...)
}

func (s *Shift) offlineSteps(ctx context.Context, broke *Customer) ([]step, error) {
	var codes []string
	for _, c := range []struct {
		name     string
		bound    time.Duration
		ceilings walletsim.Ceilings
		passes   int
	}{{"hana", longAgo, wellOff, 4}, {"poor", longAgo, oneLunch, 2}, {"once", longAgo, onlyOnce, 2}, {"newcomer", anHour, wellOff, 2}} {
		customer, err := s.w.NewCustomer(ctx, c.name, c.bound, c.ceilings)
		if err != nil {
			return nil, err
		}
		for range c.passes {
			text, err := customer.Phone.Pass()
			if err != nil {
				return nil, err
			}
			codes = append(codes, text)
		}
	}
	again, err := broke.Phone.Pass()
	if err != nil {
		return nil, err
	}
	return []step{
		{name: "lunch on a pass", lines: times(1, lunch), code: codes[0], want: approvedOffline},
		{name: "the same pass again", lines: times(1, lunch), code: codes[0], want: refused(terminal.CodeReplayed)},
		{name: "a wallet's digits", lines: times(1, lunch), code: broke.Phone.Digits(walletsim.PayPay), want: refused(terminal.CodeUnknownOff)},
		{name: "three packs, more than the offline allowance", lines: times(3, pack), code: codes[1], want: refused(terminal.CapOffline)},
		{name: "one pack, and the store holds none any more", lines: times(1, pack), code: codes[2], want: refused(terminal.CapStore)},
		{name: "a party tray for 6,000 yen", lines: times(1, feast), code: codes[3], want: refused(terminal.OfflineLimit)},
		{name: "lunch, account with 1,000 yen a day offline", lines: times(1, lunch), code: codes[4], want: approvedOffline},
		{name: "the same account's second lunch", lines: times(1, lunch), code: codes[5], want: refused(terminal.OfflineLimit)},
		{name: "lunch, account with one payment a day offline", lines: times(1, lunch), code: codes[6], want: approvedOffline},
		{name: "the same account's second lunch", lines: times(1, lunch), code: codes[7], want: refused(terminal.OfflineLimit)},
		{name: "one cartridge on a phone bound an hour ago", lines: times(1, cartridge), code: codes[8], want: refused(terminal.DeviceNew)},
		{name: "lunch on a phone bound an hour ago", lines: times(1, lunch), code: codes[9], want: approvedOffline},
		{name: "lunch, account that the backend declined", lines: times(1, lunch), code: again, want: refused(terminal.BackendDeclined)},
	}, nil
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
	for i, r := range s.Results {
		if r.Want.State == terminal.ApprovedOffline {
			s.Results[i].Want.State = terminal.Settled
		}
	}
	return s.compare(ctx)
}

// reboot: the register comes up without the line, and does not know the time.
func (s *Shift) reboot(ctx context.Context) error {
	code, _, err := s.pass(ctx, "emi", longAgo, wellOff)
	if err != nil {
		return err
	}
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
	return s.play(ctx, step{name: "one cartridge, before the line is back", lines: times(1, cartridge), code: code, want: refused(terminal.ClockDoubt)})
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
	return s.compare(ctx)
}
