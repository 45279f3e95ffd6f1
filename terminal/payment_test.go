package terminal_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sekisho/terminal"
)

// The design's line of states, word for word: `refused` on the spot,
// `sent → approved | declined | unknown`, `unknown → approved | declined |
// reversing`, `reversing → reversed`, offline `approved-offline → advised` (sent)
// `→ settled` (acknowledged) `| rejected`; online `approved` is final.
var design = map[terminal.State]string{
	"":                 "refused sent approved-offline",
	"refused":          "",
	"sent":             "approved declined unknown",
	"approved":         "",
	"declined":         "",
	"unknown":          "approved declined reversing",
	"reversing":        "reversed",
	"reversed":         "",
	"approved-offline": "advised",
	"advised":          "settled rejected",
	"settled":          "",
	"rejected":         "",
}

func TestMoveFollowsTheDesignsArrowsAndNoOthers(t *testing.T) {
	targets := append(slices.Collect(maps.Keys(design)), "refunded") // of a later release
	for from, arrows := range design {
		for _, to := range targets {
			before := terminal.Payment{ID: "p", State: from, Reason: "busy", Decided: 1, Amount: 720, Approval: "A1"}
			after, err := before.Move(to, terminal.CapStore, 2)
			if !slices.Contains(strings.Fields(arrows), string(to)) {
				wrong, ok := errors.AsType[*terminal.ErrTransition](err)
				if !ok || wrong.From != from || wrong.To != to || wrong.Error() == "" || !reflect.DeepEqual(after, before) {
					t.Errorf("%q to %q: got %v and state %q", from, to, err, after.State)
				}
				continue
			}
			want := before
			want.State, want.Reason, want.Decided = to, terminal.CapStore, 2
			if err != nil || !reflect.DeepEqual(after, want) {
				t.Errorf("%q to %q: got %+v, %v", from, to, after, err)
			}
		}
	}
	if _, err := (terminal.Payment{State: "refunded"}).Move(terminal.Reversed, "", 2); err == nil {
		t.Error("a state of a later release has an arrow")
	}
}

// What each state means, in a table of its own: for the register (final), the
// goods (approval), the sale (undecided) and the cashier (outcome).
func TestStatesMeanOneThingEach(t *testing.T) {
	for _, c := range []struct {
		state                             terminal.State
		known, final, approval, undecided bool
		outcome                           terminal.Outcome
	}{
		{"refused", true, true, false, false, "declined"},
		{"sent", true, false, false, true, "unknown"},
		{"approved", true, true, true, false, "approved"},
		{"declined", true, true, false, false, "declined"},
		{"unknown", true, false, false, true, "unknown"},
		{"reversing", true, false, false, false, "declined"}, // the decision is durable: not paid
		{"reversed", true, true, false, false, "declined"},
		{"approved-offline", true, false, true, false, "approved"},
		{"advised", true, false, true, false, "approved"},
		{"settled", true, true, true, false, "approved"},
		{"rejected", true, true, false, false, "declined"}, // the customer is not charged: goods that are still here stay
		{"", false, false, false, false, "unknown"},
		{"refunded", false, false, false, false, "unknown"}, // of a later release: never approved, never forgotten
		{"Approved", false, false, false, false, "unknown"},
	} {
		s := c.state
		if s.Known() != c.known || s.Final() != c.final || s.Approval() != c.approval || s.Undecided() != c.undecided || terminal.OutcomeOf(s) != c.outcome {
			t.Errorf("%q: known %v, final %v, approval %v, undecided %v, outcome %v", s, s.Known(), s.Final(), s.Approval(), s.Undecided(), terminal.OutcomeOf(s))
		}
	}
}

// I8: from every state there is a way to a final one.
func TestI8EveryStateHasAWayOut(t *testing.T) {
	for from := range design {
		reached, todo := map[terminal.State]bool{}, []terminal.State{from}
		for len(todo) > 0 {
			s := todo[0]
			todo = todo[1:]
			if reached[s] {
				continue
			}
			reached[s] = true
			for to := range design {
				if _, err := (terminal.Payment{State: s}).Move(to, "", 1); err == nil {
					todo = append(todo, to)
				}
			}
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(reached)), terminal.State.Final) {
			t.Errorf("%q never ends", from)
		}
	}
}

func TestMarksOnAnApproval(t *testing.T) {
	asked, done := &terminal.Void{ID: "v"}, &terminal.Void{ID: "v", Acknowledged: true}
	for _, c := range []struct {
		name                      string
		p                         terminal.Payment
		holds, voided, unresolved bool
	}{
		{"an approval waits for its goods", terminal.Payment{State: "approved"}, true, false, false},
		{"handed over", terminal.Payment{State: "approved", HandedOver: terminal.ByCashier}, false, false, false},
		{"handed over by the next sale", terminal.Payment{State: "approved", HandedOver: terminal.ByNextSale}, false, false, false},
		{"a void is asked for", terminal.Payment{State: "approved", Void: asked}, false, true, true},
		{"a void is acknowledged", terminal.Payment{State: "approved", Void: done}, false, true, false},
		{"offline, the advice is waiting", terminal.Payment{State: "approved-offline"}, true, false, true},
		{"offline, gone and not settled", terminal.Payment{State: "advised", HandedOver: terminal.ByCashier}, false, false, true},
		{"offline, settled", terminal.Payment{State: "settled"}, true, false, false},
		{"offline, settled, void under way", terminal.Payment{State: "settled", Void: asked}, false, true, true},
		{"rejected afterwards", terminal.Payment{State: "rejected"}, false, false, false},
		{"sent", terminal.Payment{State: "sent"}, false, false, true},
		{"unknown", terminal.Payment{State: "unknown"}, false, false, true},
		{"reversing", terminal.Payment{State: "reversing"}, false, false, true},
		{"reversed", terminal.Payment{State: "reversed"}, false, false, false},
		{"refused", terminal.Payment{State: "refused"}, false, false, false},
		{"declined", terminal.Payment{State: "declined"}, false, false, false},
		{"of a later release", terminal.Payment{State: "refunded"}, false, false, true},
	} {
		if c.p.Holds() != c.holds || c.p.Voided() != c.voided || c.p.Unresolved() != c.unresolved {
			t.Errorf("%s: holds %v, voided %v, unresolved %v", c.name, c.p.Holds(), c.p.Voided(), c.p.Unresolved())
		}
	}
}

// I3: what may have been sold counts, whatever the line did; only a decline and an
// acknowledged reversal or void give a cap back.
func TestI3WhichPaymentsCount(t *testing.T) {
	for state := range design {
		free := state == terminal.Refused || state == terminal.Declined || state == terminal.Reversed
		if got := (terminal.Payment{State: state}).Counting(); got == free {
			t.Errorf("%q: counts %v", state, got)
		}
	}
	for _, c := range []struct {
		name string
		p    terminal.Payment
		want bool
	}{
		{"a void is asked for", terminal.Payment{State: terminal.Settled, Void: &terminal.Void{}}, true},
		{"a void is acknowledged", terminal.Payment{State: terminal.Settled, Void: &terminal.Void{Acknowledged: true}}, false},
		{"all of it refunded", terminal.Payment{State: terminal.Approved, Amount: 9, Refunds: []terminal.Refund{{Amount: 9, State: terminal.RefundDone}}}, true},
	} {
		if got := c.p.Counting(); got != c.want {
			t.Errorf("%s: counts %v", c.name, got)
		}
	}
}

// I4: what is asked for is as good as gone until the backend refused it.
func TestI4RefundsSumUpUntilTheyAreRefused(t *testing.T) {
	p := terminal.Payment{State: terminal.Approved, Refunds: []terminal.Refund{
		{Amount: 1, State: terminal.RefundAsked}, {Amount: 20, State: terminal.RefundDone}, {Amount: 300, State: terminal.RefundRefused},
	}}
	if got := p.Refunded(); got != 21 {
		t.Errorf("got %v", got)
	}
	if !p.Unresolved() {
		t.Error("a refund that is asked for is resolved")
	}
	if p.Refunds = p.Refunds[1:]; p.Unresolved() {
		t.Error("refunds with an answer are unresolved")
	}
}

func TestWantIsReservedAndNeed(t *testing.T) {
	s := terminal.Spend{Reserved: amount(580, 1), Need: amount(1160, 2)}
	if got := s.Want(); got != amount(1740, 3) {
		t.Errorf("got %v", got)
	}
}

// I5: only a refusal of the account itself bars it, not the store's cap, the
// time or the code.
func TestI5WhatBarsAnAccount(t *testing.T) {
	about := map[terminal.Reason]bool{terminal.BackendDeclined: true, terminal.AccountDenied: true, terminal.CapAccount: true}
	for _, r := range terminal.Reasons() {
		for _, c := range []struct {
			state terminal.State
			bars  bool
		}{{terminal.Declined, about[r]}, {terminal.Rejected, about[r]}, {terminal.Refused, false}, {terminal.Reversed, false}, {terminal.Approved, false}} {
			if got := (terminal.Payment{State: c.state, Reason: r}).BarsAccount(); got != c.bars {
				t.Errorf("%s %s: bars %v", c.state, r, got)
			}
		}
	}
}
