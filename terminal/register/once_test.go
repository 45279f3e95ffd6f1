package register_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// The answer is lost: unknown after Times.Answer, asked about every Times.Query,
// and approved once, however often the answer then comes.
func TestI1LostAnswerIsAskedAbout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.after(5*time.Second - 2*time.Millisecond)
		w.wantState(id, terminal.Sent, "")
		if n := len(w.line.take(wire.TypeQuery)); n != 0 {
			t.Fatalf("%d queries before the answer is late", n)
		}
		w.after(4 * time.Millisecond)
		w.wantState(id, terminal.Unknown, terminal.BackendSilent)
		w.after(9 * time.Second)
		if n := len(w.line.take(wire.TypeQuery)); n != 4 {
			t.Fatalf("%d queries in 9 s, want one at once and one every 3 s", n)
		}
		for range 3 {
			w.answer(id, wire.OutcomeApproved)
		}
		w.wantState(id, terminal.Approved, "")
		w.after(time.Minute)
		if n := len(w.line.take(wire.TypeAuthorise)); n != 1 {
			t.Fatalf("the authorise was sent %d times", n)
		}
		if q, r := w.line.take(wire.TypeQuery), w.line.take(wire.TypeReversal); len(q)+len(r) != 0 {
			t.Fatalf("after the approval %d queries and %d reversals", len(q), len(r))
		}
	})
}

// What decides nothing: the payment stays unknown and is asked about.
func TestI4NoAnswerDecidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		outcome wire.Outcome
		change  func(*wire.Answer)
	}{
		"not seen":                 {wire.OutcomeNotSeen, func(*wire.Answer) {}},
		"a word of a later time":   {"approved-partly", func(*wire.Answer) {}},
		"approval of a yen more":   {wire.OutcomeApproved, func(a *wire.Answer) { a.Amount++ }},
		"approval of a yen less":   {wire.OutcomeApproved, func(a *wire.Answer) { a.Amount-- }},
		"approval of other's sale": {wire.OutcomeApproved, func(a *wire.Answer) { a.Payment = "01890000-0000-7000-8000-000000000000" }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				id := w.pays("account-1")
				w.answer(id, c.outcome, c.change)
				w.wantState(id, terminal.Sent, "")
				w.after(6 * time.Second)
				w.answer(id, c.outcome, c.change)
				w.wantState(id, terminal.Unknown, terminal.BackendSilent)
				if v := w.reg.View().Verdict; v.Outcome != terminal.OutcomeUnknown {
					t.Fatalf("the cashier is told %q", v.Outcome)
				}
				w.line.take(wire.TypeQuery)
				w.after(3 * time.Second)
				if len(w.line.take(wire.TypeQuery)) != 1 {
					t.Fatal("it is not asked about any more")
				}
			})
		})
	}
}

// Nobody answers for Times.Give: the reversal is durable before "not paid" is
// told, a late approval never surfaces, and the sale can be paid again.
func TestI4GivenUpIsReversed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		first := w.pays("account-1")
		w.after(44 * time.Second)
		w.wantState(first, terminal.Unknown, terminal.BackendSilent)
		w.after(2 * time.Second)
		w.wantState(first, terminal.Reversing, terminal.BackendSilent)
		if m := w.line.take(wire.TypeReversal); len(m) != 1 || m[0].Reversal.Payment != string(first) || m[0].Reversal.Why != "timeout" {
			t.Fatalf("reversals: %v", m)
		}
		w.answer(first, wire.OutcomeApproved)
		w.wantState(first, terminal.Reversing, terminal.BackendSilent)
		if v := w.reg.View().Verdict; v.Outcome != terminal.OutcomeDeclined {
			t.Fatalf("after the late approval the cashier is told %q", v.Outcome)
		}
		second := w.pays("account-2")
		w.answer(second, wire.OutcomeApproved)
		w.ack(first, wire.TypeReversal, wire.StatusAccepted, "")
		w.wantState(first, terminal.Reversed, terminal.BackendSilent)
		w.wantState(second, terminal.Approved, "")
		w.answer(first, wire.OutcomeApproved)
		w.wantState(first, terminal.Reversed, terminal.BackendSilent)
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 || v.Verdict.Payment != second {
			t.Fatalf("left over: %+v", v)
		}
		w.wantToldAfterKept()
	})
}

// The cashier gives up while nothing is known.
func TestI4CancelWhileUnknown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.after(6 * time.Second)
		s, err := w.reg.CancelSale(t.Context(), "s1")
		w.must(err)
		synctest.Wait()
		if s.State != terminal.SaleClosed || w.reg.View().Sale != nil {
			t.Fatalf("the sale is %q, the view has %v", s.State, w.reg.View().Sale)
		}
		w.wantState(id, terminal.Reversing, terminal.Cancelled)
		w.answer(id, wire.OutcomeApproved)
		w.wantState(id, terminal.Reversing, terminal.Cancelled)
		if m := w.line.take(wire.TypeReversal); len(m) != 1 || m[0].Reversal.Why != "cancelled" {
			t.Fatalf("reversals: %v", m)
		}
		w.sells("s1", riceBall) // paid in cash after all, and put again: another attempt is free
		w.wantToldAfterKept()
	})
}

// The approval comes while the cashier presses Cancel: she is told that the sale
// is paid, not that the disk failed.
func TestI4CancelMeetsApproval(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.answer(id, wire.OutcomeApproved) // stops in front of the disk
		cancelled := make(chan error, 1)
		go func() {
			_, err := w.reg.CancelSale(t.Context(), "s1")
			cancelled <- err
		}()
		synctest.Wait()
		w.disk.fault(nil, nil)
		close(hold)
		wantCode(t, <-cancelled, register.CodeSaleFrozen)
		w.wantState(id, terminal.Approved, "")
		if v := w.reg.View().Verdict; v == nil || v.Outcome != terminal.OutcomeApproved {
			t.Fatalf("the approval is not on the screen: %+v", v)
		}
	})
}

// The process is killed between the commit and the bytes: what is found "sent"
// is unknown, asked about, and never sent again.
func TestI1FoundSentIsUnknown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.line.take(wire.TypeAuthorise)
		w.restart()
		w.wantState(id, terminal.Unknown, terminal.BackendSilent)
		if v := w.reg.View(); v.Sale == nil || v.Sale.State != terminal.SalePaying || v.Verdict.Outcome != terminal.OutcomeUnknown {
			t.Fatalf("after the restart: %+v", v)
		}
		w.up("")
		if m := w.line.take(wire.TypeQuery); len(m) != 1 || m[0].Query.Payment != string(id) {
			t.Fatalf("queries: %v", m)
		}
		w.after(30 * time.Second)
		if m := w.line.take(wire.TypeAuthorise); len(m) != 0 {
			t.Fatal("the authorise was sent again")
		}
		w.answer(id, wire.OutcomeApproved)
		w.wantState(id, terminal.Approved, "")
	})
}

// The same, but the machine was off for longer than an unknown is asked about.
func TestI8FoundSentLongAgoIsReversed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.stop()
		w.after(10 * time.Minute)
		w.start()
		w.wantState(id, terminal.Reversing, terminal.BackendSilent)
		w.up("")
		if m := w.line.take(wire.TypeReversal); len(m) != 1 {
			t.Fatalf("reversals: %v", m)
		}
	})
}

// Nothing left the till: the payment is reversed at once, not asked about.
func TestI4NotSentIsReversedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.line.set(false) // the link's own loop knows before the register
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.wantState(id, terminal.Reversing, terminal.BackendSilent)
		if s := w.reg.View().Sale; s.State != terminal.SaleReady {
			t.Fatalf("the sale is %q", s.State)
		}
		w.down()
		w.up("")
		if m := w.line.take(wire.TypeReversal); len(m) != 1 {
			t.Fatalf("reversals: %v", m)
		}
	})
}

// Answers and acknowledgements in any order, twice: one outcome.
func TestI1DoubledAndReordered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.ack(id, wire.TypeReversal, wire.StatusAccepted, "") // of nothing that was asked
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		w.wantState(id, terminal.Sent, "")
		w.answer(id, wire.OutcomeNotSeen)
		w.answer(id, wire.OutcomeApproved)
		w.answer(id, wire.OutcomeDeclined)
		w.answer(id, wire.OutcomeReversed)
		w.wantState(id, terminal.Approved, "")
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		synctest.Wait()
		for range 2 {
			w.ack(id, wire.TypeVoid, "later", "") // a word of a later time: as if none came
		}
		if p := w.payment(id); p.Void.Acknowledged {
			t.Fatal("an unknown status acknowledged the void")
		}
		for range 2 {
			w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		}
		marks := 0
		for _, e := range w.leaves() {
			if e.Mark == "voided" {
				marks++
			}
		}
		if p := w.payment(id); !p.Void.Acknowledged || marks != 1 {
			t.Fatalf("acknowledged %v, journalled %d times", p.Void.Acknowledged, marks)
		}
	})
}

// A code is presented once, also after the payment was given up.
func TestI1CodeIsSeenOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, code := range []string{w.passOf("account-1", 100*24*time.Hour), digits} {
			w.sells("s1", riceBall)
			w.scan(code)
			first := w.current()
			w.answer(first, wire.OutcomeDeclined)
			w.scan(code)
			second := w.current()
			if first == second {
				t.Fatal("no second payment")
			}
			w.wantState(second, terminal.Refused, terminal.CodeReplayed)
		}
	})
}

// The first message of a payment says when it is over, for which window it counts
// and what it is about.
func TestAuthoriseSaysWhatItIsAbout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(60 * time.Second)
		w.after(30 * time.Second)
		w.sells("s1", packs(1)...)
		id := w.pays("account-1")
		p, m := w.payment(id), w.line.take(wire.TypeAuthorise)[0]
		if p.NotAfter != p.Created+5000 || p.Created != terminal.MillisOf(time.Now()) {
			t.Fatalf("created %v, not after %v", p.Created, p.NotAfter)
		}
		a := *m.Authorise
		if m.Session != w.session || m.Incarnation != string(inc1) || m.Journal.Size != int64(len(w.leaves())) {
			t.Fatalf("envelope %+v", m)
		}
		want := wire.Common{
			Payment: string(id), JournalIndex: p.Number, BusinessDay: string(w.day()), Window: string(w.day()),
			NotAfter: int64(p.NotAfter), SaleHash: w.reg.View().Sale.Hash(), Versions: wire.Versions{Policy: 1, Denials: 1},
			Clock: wire.ClockAuthenticated, ContactAge: 0, Currency: "JPY", Counters: a.Counters,
		}
		if !reflect.DeepEqual(a.Common, want) {
			t.Fatalf("%+v, want %+v", a.Common, want)
		}
		if a.Amount != 580 || a.Kind != "pass" || a.Issuer != "wallet" || a.Sale.Ref != "s1" || a.Sale.Hash != want.SaleHash ||
			len(a.Sale.Lines) != 1 || a.Sale.Lines[0] != (wire.Line{Category: "tobacco", Yen: 580, Units: 1}) {
			t.Fatalf("%+v", a.Sale)
		}
	})
}

func wantCode(t *testing.T, err error, want register.Code) {
	t.Helper()
	var e *register.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Fatalf("%v, want code %q", err, want)
	}
}
