package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// saleTime bounds one sale of the storm: the longest is an unknown that is given
// up, on a busy machine (I8).
const saleTime = 30 * time.Second

// seller is the cashier and the customers of the storm. Its methods are called
// by one goroutine at a time, but for saw and listen.
type seller struct {
	w      *World
	away   *atomic.Bool // the register was killed: what fails now is no fault
	moment func(string) // told of what happens
	last   string       // the code that was shown last
	nth    int          // customers so far
	news   []*Customer  // whom the backend knows, and the till does not yet
	digits []string     // which the backend knows
	known  []*Customer

	baskets map[terminal.SaleRef]string
	codes   map[terminal.PaymentID]string // that were shown for it
	handed  []terminal.Verdict
	voided  []terminal.PaymentID
	refunds map[terminal.RefundID]bool // whether the till said that it was asked for
	waiting terminal.PaymentID         // told approved, and nothing done about it yet
	refused int                        // deeds that the till turned down, such as a void that came too late

	mu   sync.Mutex
	told map[terminal.PaymentID][]terminal.State // in order, each once in a row
	whys map[terminal.Reason]int                 // that the till gave, by payment and state
}

func newSeller(w *World, away *atomic.Bool, moment func(string)) *seller {
	return &seller{
		w: w, away: away, moment: moment, baskets: map[terminal.SaleRef]string{}, codes: map[terminal.PaymentID]string{},
		refunds: map[terminal.RefundID]bool{}, told: map[terminal.PaymentID][]terminal.State{}, whys: map[terminal.Reason]int{},
	}
}

// listen writes down what the till tells of payments, until it ends.
func (s *seller) listen(ctx context.Context, ready chan<- struct{}) {
	for n := 0; ctx.Err() == nil && !s.away.Load(); n++ {
		events, err := s.w.Till.watch(ctx)
		if n == 0 {
			close(ready)
		}
		if err != nil {
			return
		}
		for err == nil { // a listener that is too slow is cut off, and comes back
			var e event
			if e, err = events.next(); err == nil {
				s.saw(e)
			}
		}
		events.close()
	}
}

func (s *seller) saw(e event) {
	var v terminal.Verdict
	if e.kind != "payment" && e.kind != "verdict" || json.Unmarshal(e.data, &v) != nil {
		return
	}
	s.mu.Lock()
	all := s.told[v.Payment]
	fresh := len(all) == 0 || all[len(all)-1] != v.State
	if fresh {
		s.told[v.Payment] = append(all, v.State)
		if v.Reason != "" {
			s.whys[v.Reason]++
		}
	}
	s.mu.Unlock()
	if fresh {
		s.moment(string(v.State))
	}
}

// turnedDown counts a deed that the till refused with a reason: that is its right
// where something else came first. Any other error is given back.
func (s *seller) turnedDown(err error) error {
	if p, ok := errors.AsType[*Problem](err); ok && p.Status < 500 {
		s.refused++
		return nil
	}
	return err
}

// tidy does what a cashier does who finds the till with a sale on it.
func (s *seller) tidy(ctx context.Context, giveUp bool, then string) error {
	st, err := s.w.Till.Await(ctx, func(st State) bool {
		return st.Scanner == "connected" && (st.Sale == nil || st.Sale.State != terminal.SalePaying || giveUp)
	})
	if err != nil || st.Sale == nil {
		return err
	}
	if st.Sale.State == terminal.SalePaid && st.Verdict != nil {
		return s.finish(ctx, *st.Verdict, then)
	}
	return s.turnedDown(s.w.Till.Cancel(ctx, st.Sale.Ref))
}

// finish is what becomes of an approval.
func (s *seller) finish(ctx context.Context, v terminal.Verdict, then string) error {
	switch then {
	case "walk":
		s.waiting = "" // the next sale marks it
		return nil
	case "void":
		s.waiting = ""
		err := s.w.Till.Void(ctx, v.Payment)
		if err == nil {
			s.voided = append(s.voided, v.Payment)
		}
		return s.turnedDown(err)
	}
	s.waiting = ""
	err := s.w.Till.HandOver(ctx, v.Payment)
	if err == nil {
		s.handed = append(s.handed, v)
	}
	return s.turnedDown(err)
}

// sell plays one sale to its end. leave is called where an approval shall stay
// on the screen until the till is killed.
func (s *seller) sell(ctx context.Context, do sale, leave func(context.Context)) error {
	ctx, cancel := context.WithTimeout(ctx, saleTime)
	defer cancel()
	if err := s.tidy(ctx, do.GiveUp, do.Then); err != nil {
		return fmt.Errorf("the sale before: %w", err)
	}
	ref := s.w.NextRef()
	s.baskets[ref] = do.Goods
	s.moment(atBegin)
	if err := s.w.Till.Put(ctx, ref, baskets[do.Goods]); err != nil {
		return s.turnedDown(fmt.Errorf("put: %w", err))
	}
	v, err := s.pay(ctx, ref, do)
	if err == nil && v != nil && v.Outcome == terminal.OutcomeDeclined && do.Retry {
		do.Code = "pass"
		v, err = s.pay(ctx, ref, do)
	}
	if err != nil {
		return err
	}
	if v == nil || v.Outcome != terminal.OutcomeApproved {
		return s.turnedDown(s.w.Till.Cancel(ctx, ref))
	}
	s.waiting = v.Payment
	if do.Then == "leave" {
		leave(ctx)
	}
	return s.refund(ctx, do, s.finish(ctx, *v, do.Then))
}

// pay shows a code and waits until it is known what came of it; nil where the
// till took none.
func (s *seller) pay(ctx context.Context, ref terminal.SaleRef, do sale) (*terminal.Verdict, error) {
	text, err := s.code(do)
	if err != nil {
		return nil, err
	}
	before, err := s.w.Till.State(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.w.ShowText(ctx, text); err != nil {
		return nil, fmt.Errorf("the code was not read: %w", err)
	}
	st, err := s.w.Till.Await(ctx, func(st State) bool {
		return fresh(st, before, ref) && st.Verdict.State != terminal.Sent || st.Notice != nil
	})
	if err != nil {
		return nil, err
	}
	if st.Storage != "ok" || st.Notice != nil && st.Notice.Reason == terminal.Storage {
		return nil, wrong("the till says that it cannot keep its records, and its disk is well: %+v", st)
	}
	if !fresh(st, before, ref) {
		return nil, nil
	}
	s.codes[st.Verdict.Payment] = text
	if st.Verdict.Outcome == terminal.OutcomeUnknown && do.GiveUp {
		if err := s.turnedDown(s.w.Till.Cancel(ctx, ref)); err != nil {
			return nil, err
		}
	}
	id := st.Verdict.Payment
	st, err = s.w.Till.Await(ctx, func(st State) bool {
		return st.Verdict == nil || st.Verdict.Payment != id || st.Verdict.Outcome != terminal.OutcomeUnknown
	})
	if err != nil || st.Sale == nil || st.Verdict == nil || st.Verdict.Payment != id {
		return nil, err
	}
	return st.Verdict, nil
}

// fresh says whether there is a verdict on the sale that was not there before.
func fresh(st, before State, ref terminal.SaleRef) bool {
	return st.Verdict != nil && st.Verdict.Sale == ref && (before.Verdict == nil || before.Verdict.Payment != st.Verdict.Payment)
}

// refund gives a part of an earlier payment back.
func (s *seller) refund(ctx context.Context, do sale, err error) error {
	if err != nil || do.Refund == 0 || len(s.handed) == 0 {
		return err
	}
	v := s.handed[(do.Refund*7+len(s.handed))%len(s.handed)]
	id := terminal.RefundID(newRefund())
	s.refunds[id] = false
	err = s.w.Till.Refund(ctx, v.Payment, id, max(1, v.Amount*terminal.Yen(do.Refund)/100))
	s.refunds[id] = err == nil
	return s.turnedDown(err)
}

// code is what the customer holds before the scanner.
func (s *seller) code(do sale) (string, error) {
	switch {
	case do.Code == "again" && s.last != "":
		return s.last, nil
	case do.Code == "digits" && len(s.digits) > 0:
		s.last, s.digits = s.digits[0], s.digits[1:]
		return s.last, nil
	case do.Code == "friend" && len(s.known) > 0:
		return s.pass(s.known[s.nth%len(s.known)])
	case len(s.news) == 0:
		return "", errors.New("no customer is left for this round")
	}
	c := s.news[0]
	s.news = s.news[1:]
	s.known = append(s.known, c)
	return s.pass(c)
}

func (s *seller) pass(c *Customer) (text string, err error) {
	s.last, err = c.Phone.Pass()
	return s.last, err
}

// invite makes the customers of a round known to the backend: it may be away
// when they come.
func (s *seller) invite(ctx context.Context, b *remote, sales []sale) error {
	s.news, s.digits = nil, nil
	for range 2 * len(sales) { // each sale may take a second code
		s.nth++
		bound := longAgo
		if d := sales[len(s.news)%len(sales)].Bound; d != 0 {
			bound = d
		}
		c, err := s.w.newCustomer(fmt.Sprintf("person%d", s.nth), bound, wellOff)
		if err != nil {
			return err
		}
		if err := b.account(ctx, Issuer, c.Phone.Account()); err != nil {
			return err
		}
		s.news = append(s.news, c)
	}
	for i, do := range sales {
		if do.Code != "digits" {
			continue
		}
		phone := s.news[i].Phone
		digits := phone.Digits(walletsim.PayPay)
		err := b.account(ctx, "paypay", phone.Account())
		if err == nil {
			err = b.post(ctx, "digits", map[string]any{"issuer": "paypay", "account": phone.Account(), "code": digits})
		}
		if err != nil {
			return err
		}
		s.digits = append(s.digits, digits)
	}
	return nil
}
