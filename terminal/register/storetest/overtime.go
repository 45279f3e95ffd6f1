package storetest

import (
	"fmt"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// counted is a payment that takes of two caps that count over time.
func counted(id terminal.PaymentID, state terminal.State) terminal.Payment {
	p := payment(id, state)
	p.Counts = []terminal.Count{{Cap: "hourly", Amount: amount(580, 1)}, {Cap: "rolling", Amount: amount(580, 0)}}
	return p
}

func tallied(t tb, s register.Store, asked ...register.Tally) map[register.Tally]terminal.Amount {
	t.Helper()
	_, u := decide(t, s, register.Scope{Tallies: asked}, register.Changes{})
	return u.Tallies
}

// testTallies follows one payment of each fate beside one that stays.
func testTallies(t *testing.T, open Open) {
	s, place := fresh(t, open)
	all := register.Tally{Cap: "hourly", Since: noon}
	mine := register.Tally{Cap: "rolling", Account: "a1", Since: noon}
	late := register.Tally{Cap: "hourly", Since: noon + 1}
	other := register.Tally{Cap: "rolling", Account: "a2", Since: noon}
	check(t, "sums of nothing", len(tallied(t, s, all, mine)), 2)

	stays := counted("stays", terminal.Settled)
	for i, c := range []struct {
		change func(*terminal.Payment)
		counts bool
	}{
		{func(p *terminal.Payment) { p.State = terminal.Sent }, true},
		{func(p *terminal.Payment) { p.State = terminal.Unknown }, true},
		{func(p *terminal.Payment) { p.State = terminal.Approved }, true},
		{func(p *terminal.Payment) { p.State = terminal.ApprovedOffline }, true},
		{func(p *terminal.Payment) { p.State = terminal.Reversing }, true},
		{func(p *terminal.Payment) { p.State = terminal.Rejected }, true}, // its goods may have left
		{func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v"} }, true},
		{func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v", Acknowledged: true} }, false},
		{func(p *terminal.Payment) { p.State = terminal.Declined }, false},
		{func(p *terminal.Payment) { p.State = terminal.Reversed }, false},
		{func(p *terminal.Payment) { p.State = terminal.Refused }, false},
		{func(p *terminal.Payment) {
			p.Refunds = []terminal.Refund{{ID: "r", Amount: p.Amount, State: terminal.RefundDone}}
		}, true},
		{func(p *terminal.Payment) { p.Created = noon - 1 }, false},
		{func(p *terminal.Payment) { p.Counts = nil }, false},
	} {
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{stays, counted("moves", terminal.Approved)}})
		p := counted("moves", terminal.Approved)
		c.change(&p)
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
		n := int64(1)
		if c.counts {
			n = 2
		}
		got := tallied(t, s, all, mine, late, other)
		for tally, want := range map[register.Tally]terminal.Amount{all: amount(580*n, n), mine: amount(580*n, 0), late: {}, other: {}} {
			check(t, fmt.Sprintf("case %d, %+v", i, tally), got[tally], want)
		}
	}
	before := tallied(t, s, all, mine)
	s.Close()
	s = open(t, place)
	defer s.Close()
	after := tallied(t, s, all, mine)
	check(t, "after opening again", []terminal.Amount{after[all], after[mine]}, []terminal.Amount{before[all], before[mine]})

	ended := counted("two steps", terminal.Approved)
	ended.Void = &terminal.Void{ID: "v", Acknowledged: true}
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{counted(ended.ID, terminal.Approved), ended}})
	check(t, "after two steps in one decision", tallied(t, s, all)[all], after[all])

	twice := counted("twice", terminal.Approved)
	twice.Counts = append(twice.Counts, twice.Counts[0])
	refuses(t, s, "one cap counted twice", register.Changes{Payments: []terminal.Payment{twice}})
	below := counted("below", terminal.Approved)
	below.Counts[0].Amount = amount(-1, 0)
	refuses(t, s, "less than nothing counted", register.Changes{Payments: []terminal.Payment{below}})
	check(t, "after what was refused", tallied(t, s, all)[all], after[all])
}

// testBoot sums what one incarnation approved offline.
func testBoot(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	want := terminal.Yen(0)
	for i, c := range []struct {
		state  terminal.State
		change func(*terminal.Payment)
		counts bool
	}{
		{terminal.ApprovedOffline, func(*terminal.Payment) {}, true},
		{terminal.Settled, func(p *terminal.Payment) { p.Account = "a2" }, true},
		{terminal.Rejected, func(*terminal.Payment) {}, true},
		{terminal.Approved, func(p *terminal.Payment) { p.Offline = false }, false},
		{terminal.Refused, func(*terminal.Payment) {}, false},
		{terminal.Settled, func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v"} }, true}, // the backend does not know
		{terminal.Settled, func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v", Acknowledged: true} }, false},
		{terminal.Advised, func(p *terminal.Payment) { p.Void, p.SetAside = &terminal.Void{ID: "v"}, noon }, true}, // and never will
		{terminal.Settled, func(p *terminal.Payment) { p.Incarnation = "another boot" }, false},
	} {
		p := payment(terminal.PaymentID(fmt.Sprint("p", i)), c.state)
		p.Offline = true
		c.change(&p)
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
		if c.counts {
			want += p.Amount
		}
		_, u := decide(t, s, register.Scope{Boot: true, Incarnation: incarnation}, register.Changes{})
		check(t, fmt.Sprintf("case %d", i), u.BootYen, want)
	}
	if _, u := decide(t, s, register.Scope{Incarnation: incarnation}, register.Changes{}); u.BootYen != 0 {
		t.Errorf("%d yen that nobody asked for", u.BootYen)
	}
}
