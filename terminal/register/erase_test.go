package register_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// What the law wants erased goes, after KeepPrivate and not before, and every
// leaf and the root stay.
func TestEraseTakesThePrivateParts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		refuse := func(id terminal.PaymentID, want register.Code) {
			t.Helper()
			before := w.leaves()
			w.wantCode(w.reg.Erase(t.Context(), id), want)
			if len(w.leaves()) != len(before) {
				t.Fatal("it was journalled")
			}
		}
		refuse("01890000-0000-7000-8000-000000000000", register.CodePaymentUnknown)
		refuse(id, register.CodeTooYoung)
		w.sells("open", riceBall)
		open := w.pays("account-2")
		w.down()
		w.after(register.KeepPrivate - time.Minute)
		w.up("")
		refuse(id, register.CodeTooYoung)
		w.after(time.Minute)
		refuse(open, register.CodeTooYoung) // given up, and nobody acknowledged it
		kept, err := w.disk.CaseEntries(t.Context(), id)
		w.must(err)
		w.must(w.reg.Erase(t.Context(), id))
		bare, err := w.disk.CaseEntries(t.Context(), id)
		w.must(err)
		if len(bare) != len(kept)+1 {
			t.Fatalf("%d entries after %d", len(bare), len(kept))
		}
		for i, l := range bare {
			if l.Private != nil || l.Salt != nil {
				t.Errorf("entry %d keeps its private part", l.Seq)
			}
			if i < len(kept) && string(l.Bytes) != string(kept[i].Bytes) {
				t.Errorf("leaf %d changed", l.Seq)
			}
		}
		if e, err := journal.Parse(bare[len(bare)-1].Bytes); err != nil || e.Type != journal.TypeErase || e.Payment != id {
			t.Errorf("last entry %+v, %v", e, err)
		}
		if p := w.payment(id); p.Masked != "" || p.Account != "" || p.Seen != "" || p.Amount != 150 {
			t.Errorf("the payment is %+v", p)
		}
		before := len(w.leaves())
		w.must(w.reg.Erase(t.Context(), id))
		if len(w.leaves()) != before {
			t.Error("what was erased was erased again")
		}
	})
}

// A clock that nobody vouches for says nothing about how old a payment is.
func TestEraseWaitsForTheBackendsTime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		w.stop()
		w.inc, w.anchor = inc2, register.Anchor{}
		w.after(register.KeepPrivate)
		w.start()
		w.wantCode(w.reg.Erase(t.Context(), id), register.CodeTooYoung)
		w.up("")
		w.must(w.reg.Erase(t.Context(), id))
	})
}

func TestResolve(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ask := func(id terminal.PaymentID, reverse bool) (terminal.Verdict, error) {
			defer synctest.Wait()
			return w.reg.Resolve(t.Context(), id, reverse)
		}
		_, err := ask("01890000-0000-7000-8000-000000000000", false)
		w.wantCode(err, register.CodePaymentUnknown)
		done := handedOver(w)
		_, err = ask(done, true)
		w.wantCode(err, register.CodeNothingToDo)

		// An unknown is asked about at once, and reversed where somebody says so.
		w.sells("s1", riceBall)
		id := w.pays("account-2")
		w.after(6 * time.Second)
		w.line.take(wire.TypeQuery)
		v, err := ask(id, false)
		w.must(err)
		if v.Outcome != terminal.OutcomeUnknown || len(w.line.take(wire.TypeQuery)) != 1 {
			t.Fatalf("asked again: %+v", v)
		}
		v, err = ask(id, true)
		w.must(err)
		if v.State != terminal.Reversing || v.Outcome != terminal.OutcomeDeclined || v.Reason != terminal.Cancelled {
			t.Fatalf("reversed: %+v", v)
		}
		if n := len(w.line.take(wire.TypeReversal)); n != 1 {
			t.Fatalf("%d reversals", n)
		}
		_, err = ask(id, true) // the same again tells again
		w.must(err)
		if n := len(w.line.take(wire.TypeReversal)); n != 1 {
			t.Fatalf("%d reversals", n)
		}
		w.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
		w.wantAgreed()
	})
}

// I8: what the backend parked is sent again when somebody asks; an approval is
// never reversed that way.
func TestI8ResolveSendsAParkedItemAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		advice := w.line.take(wire.TypeAdvice)
		w.receive(wire.Message{Type: wire.TypeError, Re: advice[0].ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "no"}})
		if w.reg.View().Parked != 1 {
			t.Fatal("it is not parked")
		}
		_, err := w.reg.Resolve(t.Context(), id, true)
		w.wantCode(err, register.CodeNothingToDo)
		w.wantState(id, terminal.Advised, "")
		_, err = w.reg.Resolve(t.Context(), id, false)
		w.must(err)
		synctest.Wait()
		if n := len(w.line.take(wire.TypeAdvice)); n != 1 {
			t.Fatalf("%d advices", n)
		}
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.wantAgreed()
	})
}
