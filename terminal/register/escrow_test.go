package register

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// escrow is a register's counters of one cap beside a backend that grants, with
// a line that loses, doubles and reorders.
type escrow struct {
	facts   facts
	usage   Usage
	granted int64         // by the backend, for good
	limit   int64         // the store's cap
	line    []wire.Answer // answers on their way; they may come never, twice, in any order
	totals  []int64       // grant messages, likewise
	open    []terminal.Payment
	sold    map[terminal.PaymentID]int64 // units of what the cashier may hand over
}

func (e *escrow) key() terminal.CounterKey {
	return terminal.CounterKey{Cap: "tobacco-day", Window: e.facts.day, Incarnation: e.facts.incarnation}
}

// store applies changes as a store does: a counter never shrinks nor goes below
// nothing.
func (e *escrow) store(t *rapid.T, list []terminal.Counter) {
	for _, c := range list {
		before := e.usage.counter(c.Key)
		if !before.Granted.Within(c.Granted) || !before.Used.Within(c.Used) || !before.Released.Within(c.Released) {
			t.Fatalf("a counter shrinks: %+v after %+v", c, before)
		}
		e.usage.Counters[c.Key] = c
	}
}

func (e *escrow) check(t *rapid.T) {
	for _, c := range e.usage.Counters {
		if h := c.Held(); h.Units < 0 || h.Yen < 0 {
			t.Fatalf("held %+v of %+v", h, c)
		}
	}
	c := e.usage.counter(e.key())
	if c.Used.Units-c.Released.Units > c.Granted.Units || c.Granted.Units > e.granted || e.granted > e.limit {
		t.Fatalf("used %d, released %d, granted %d of %d made by the backend, cap %d", c.Used.Units, c.Released.Units, c.Granted.Units, e.granted, e.limit)
	}
	sum := int64(0)
	for _, n := range e.sold {
		sum += n
	}
	if sum > e.limit {
		t.Fatalf("%d units sold, cap %d", sum, e.limit)
	}
}

// sell decides a payment; online the backend sees it or not.
func (e *escrow) sell(t *rapid.T, number int, online bool) {
	f := e.facts
	f.linkUp, f.sale = online, saleOf("tobacco", rapid.Int64Range(1, 6).Draw(t, "units"), 10)
	d := judge(f.weighed(), e.usage)
	if d.state == terminal.Refused {
		return
	}
	e.store(t, d.counters)
	p := terminal.Payment{
		ID: terminal.PaymentID(fmt.Sprint(number)), State: d.state, Amount: f.sale.Total,
		Spends: d.spends, Incarnation: f.incarnation, Day: f.day, SaleHash: f.sale.Hash(),
	}
	if !online {
		e.sold[p.ID] = f.sale.Gross()["tobacco"].Units
		return
	}
	e.open = append(e.open, p)
	if rapid.Bool().Draw(t, "the authorise arrives") {
		e.decide(p)
	}
}

// decide is the backend's: the whole need and the approval, or neither.
func (e *escrow) decide(p terminal.Payment) {
	a := wire.Answer{Payment: string(p.ID), Outcome: wire.OutcomeDeclined, Amount: int64(p.Amount)}
	if need := p.Spends[0].Need.Units; e.granted+need <= e.limit {
		e.granted += need
		a.Outcome = wire.OutcomeApproved
		a.Grants = []wire.Grant{{Cap: "tobacco-day", Window: string(p.Day), Total: wire.Amount{Units: e.granted}}}
	}
	e.line = append(e.line, a)
}

// hear takes any answer that was ever on the line.
func (e *escrow) hear(t *rapid.T) {
	if len(e.line) == 0 {
		return
	}
	a := rapid.SampledFrom(e.line).Draw(t, "answer")
	for i, p := range e.open {
		if string(p.ID) != a.Payment {
			continue
		}
		c, err := settle(p, e.usage, a, e.facts.incarnation, 1)
		if err != nil {
			return
		}
		if !p.State.Undecided() {
			t.Fatalf("an answer moved a payment that is %q to %q", p.State, c.Payments[0].State)
		}
		e.store(t, c.Counters)
		e.open[i] = c.Payments[0]
		if c.Payments[0].State == terminal.Approved {
			e.sold[p.ID] = p.Spends[0].Want().Units
		}
	}
}

// giveUp decides a reversal, and then or later its acknowledgement comes.
func (e *escrow) giveUp(t *rapid.T) {
	if len(e.open) == 0 {
		return
	}
	i := rapid.IntRange(0, len(e.open)-1).Draw(t, "payment")
	switch p := e.open[i]; {
	case p.State.Undecided():
		c, err := giveUp(p, terminal.Cancelled, e.facts.incarnation, 1)
		if err != nil {
			t.Fatal(err)
		}
		e.open[i] = c.Payments[0]
	case p.State == terminal.Reversing:
		c, err := acknowledge(p, e.usage, OutReversal, wire.Ack{Status: wire.StatusAccepted}, e.facts.incarnation, 1)
		if err != nil {
			t.Fatal(err)
		}
		e.store(t, c.Counters)
		e.open[i] = c.Payments[0]
	case p.State == terminal.Approved && p.Void == nil:
		p.Void = &terminal.Void{ID: "v"}
		delete(e.sold, p.ID)
		e.open[i] = p
	case p.State == terminal.Approved:
		if c, err := acknowledge(p, e.usage, OutVoid, wire.Ack{Status: wire.StatusAccepted}, e.facts.incarnation, 1); err == nil {
			e.store(t, c.Counters)
			e.open[i] = c.Payments[0]
		}
	}
}

// Whatever is lost, doubled and reordered: held is never below zero, and what is
// used and not released never above what the backend granted. The seed is
// printed with a failure.
func TestI3EscrowUnderAnyHistory(t *testing.T) {
	base, _ := ruled(t)
	rapid.Check(t, func(t *rapid.T) {
		e := &escrow{facts: base, limit: 30, usage: Usage{Counters: map[terminal.CounterKey]terminal.Counter{}}, sold: map[terminal.PaymentID]int64{}}
		e.usage.holds("tobacco-offline", 1000, 0) // not this cap's question
		e.facts.code.pass.OfflineCount = 1000
		number := 0
		t.Repeat(map[string]func(*rapid.T){
			"":                func(t *rapid.T) { e.check(t) },
			"sell online":     func(t *rapid.T) { number++; e.sell(t, number, true) },
			"sell offline":    func(t *rapid.T) { number++; e.sell(t, number, false) },
			"answer arrives":  func(t *rapid.T) { e.hear(t) },
			"give up or undo": func(t *rapid.T) { e.giveUp(t) },
			"backend reserves": func(t *rapid.T) {
				e.granted = min(e.limit, e.granted+rapid.Int64Range(0, 3).Draw(t, "reserve"))
				e.totals = append(e.totals, e.granted)
			},
			"grant arrives": func(t *rapid.T) {
				if len(e.totals) > 0 {
					total := rapid.SampledFrom(e.totals).Draw(t, "total")
					e.store(t, []terminal.Counter{e.usage.counter(e.key()).Grant(terminal.Amount{Units: total})})
				}
			},
		})
	})
}
