package register_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// wantToldAfterKept holds every word to the cashier against the disk: no state
// is told before the store has it (I2).
func (w *world) wantToldAfterKept() {
	w.t.Helper()
	w.shown.mu.Lock()
	defer w.shown.mu.Unlock()
	kept, told := map[string]bool{}, 0
	for _, line := range w.shown.order {
		var what, id, state string
		fmt.Sscan(line, &what, &id, &state)
		switch {
		case what == "kept":
			kept[id+state] = true
		case what == "beep":
		case !kept[id+state]:
			w.t.Fatalf("%s is told before it is on the disk: %q", id, w.shown.order)
		default:
			told++
		}
	}
	if told == 0 {
		w.t.Fatal("nothing was told")
	}
}

func TestI2ToldAfterKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.answer(w.pays("account-1"), wire.OutcomeApproved)
		w.sells("s2", riceBall)
		w.answer(w.pays("account-2"), wire.OutcomeDeclined)
		w.scan("not a payment")
		w.down()
		w.pays("account-3")
		w.up("")
		w.wantToldAfterKept()
	})
}

// The disk has taken nothing yet: neither the view nor an event tells of an
// approval, and nothing has left on the line.
func TestI2NothingShowsWhileTheDiskWorks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.scan(w.passOf("account-1", 100*24*time.Hour))
		if v := w.reg.View(); v.Verdict != nil || v.Sale.State != terminal.SaleReady || len(w.line.take(wire.TypeAuthorise)) != 0 {
			t.Fatalf("something shows or left before the disk has it: %+v", v)
		}
		hold <- struct{}{}
		synctest.Wait()
		id := w.current()
		w.answer(id, wire.OutcomeApproved)
		if v := w.reg.View(); v.Verdict.Outcome != terminal.OutcomeUnknown || v.Sale.State != terminal.SalePaying {
			t.Fatalf("the approval shows before the disk has it: %+v", v.Verdict)
		}
		w.disk.fault(nil, nil)
		close(hold)
		synctest.Wait()
		if v := w.reg.View(); v.Verdict.Outcome != terminal.OutcomeApproved || v.Sale.State != terminal.SalePaid {
			t.Fatalf("the approval does not show: %+v", v.Verdict)
		}
		w.wantToldAfterKept()
	})
}

// An approval is on the screen, across restarts, until it is handed over.
func TestI2ApprovalStaysUntilHandedOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		for range 2 {
			w.restart()
			if v := w.reg.View(); v.Verdict == nil || v.Verdict.Payment != id || v.Verdict.Outcome != terminal.OutcomeApproved || v.Sale.State != terminal.SalePaid {
				t.Fatalf("after a restart: %+v", v.Verdict)
			}
		}
		for range 2 { // twice changes nothing
			v, err := w.reg.HandOver(t.Context(), id)
			if err != nil || v.HandedOver != terminal.ByCashier {
				t.Fatalf("%+v, %v", v, err)
			}
		}
		if v := w.reg.View(); v.Sale != nil || v.Verdict != nil {
			t.Fatalf("still on the screen: %+v", v)
		}
		_, err := w.reg.Void(t.Context(), id)
		wantCode(t, err, register.CodePaymentTooLate)
		w.restart()
		if v := w.reg.View(); v.Sale != nil {
			t.Fatal("back on the screen after a restart")
		}
	})
}

// The first act on another sale hands the approval over, in the same commit.
func TestI2NextSaleHandsOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		w.restart()
		w.sells("s2", riceBall)
		if p := w.payment(id); p.HandedOver != terminal.ByNextSale {
			t.Fatalf("handed over by %q", p.HandedOver)
		}
		last := w.leaves()[len(w.leaves())-1]
		if last.Mark != journal.MarkHandedOver || last.By != "next-sale" || last.Payment != id {
			t.Fatalf("the journal ends with %+v", last)
		}
		_, err := w.reg.Void(t.Context(), id)
		wantCode(t, err, register.CodePaymentTooLate)
	})
}

func TestI2SamePutChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		same := func(step string, state terminal.SaleState) {
			t.Helper()
			size := len(w.leaves())
			s, err := w.put("s1", true, riceBall)
			if err != nil || s.Revision != 1 || s.State != state {
				t.Fatalf("%s: %+v, %v", step, s, err)
			}
			if len(w.leaves()) != size {
				t.Fatalf("%s: the journal grew", step)
			}
		}
		same("ready", terminal.SaleReady)
		id := w.pays("account-1")
		same("paying", terminal.SalePaying)
		_, err := w.put("s1", true, riceBall, riceBall)
		wantCode(t, err, register.CodeSaleFrozen)
		_, err = w.put("s2", true, riceBall)
		wantCode(t, err, register.CodeSaleOther)
		// A policy with another watch list comes meanwhile: the same is still the same.
		w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: w.sign(policyText(2, issuerKey(),
			watchPacks+"[[watch]]\ngtin = \"4902777130835\"\ncategory = \"tobacco\"\nunits = 1\n"))}})
		same("paying under another policy", terminal.SalePaying)
		w.answer(id, wire.OutcomeApproved)
		same("paid", terminal.SalePaid)
		_, err = w.put("s1", true, riceBall, riceBall)
		wantCode(t, err, register.CodeSaleFrozen)
		_, err = w.reg.CancelSale(t.Context(), "s1")
		wantCode(t, err, register.CodeSaleFrozen)
		_, err = w.reg.HandOver(t.Context(), id)
		w.must(err)
		_, err = w.put("s1", true, riceBall) // paid, gone and put once more
		wantCode(t, err, register.CodeSaleFrozen)
	})
}

// A sale that is put with ready false while it is ready takes no code.
func TestSaleGoesBackToOpen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		if s, err := w.put("s1", false, riceBall); err != nil || s.State != terminal.SaleOpen || s.Revision != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
		w.scan(digits)
		w.wantNotice(terminal.SaleNotReady)
		if s, err := w.reg.Ready(t.Context(), "s1"); err != nil || s.State != terminal.SaleReady {
			t.Fatalf("%+v, %v", s, err)
		}
		w.scan(digits)
		w.wantNotice("")
		w.wantState(w.current(), terminal.Sent, "")
	})
}

// After a void the sale can be paid again, and the voided one cannot be handed
// over.
func TestI2VoidUndoesAnApproval(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		_, err := w.reg.Void(t.Context(), id)
		wantCode(t, err, register.CodePaymentNotHeld)
		_, err = w.reg.HandOver(t.Context(), id)
		wantCode(t, err, register.CodePaymentNotHeld)
		w.answer(id, wire.OutcomeApproved)
		for range 2 {
			v, err := w.reg.Void(t.Context(), id)
			if err != nil || !v.Voided {
				t.Fatalf("%+v, %v", v, err)
			}
		}
		_, err = w.reg.HandOver(t.Context(), id)
		wantCode(t, err, register.CodePaymentNotHeld)
		if m := w.line.take(wire.TypeVoid); len(m) != 1 {
			t.Fatalf("%d voids were sent", len(m))
		}
		w.restart()
		if v := w.reg.View(); v.Unresolved != 1 || v.Sale != nil {
			t.Fatalf("%+v", v)
		}
		w.up("")
		w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 {
			t.Fatalf("%+v", v)
		}
		w.sells("s1", riceBall)
		w.answer(w.pays("account-1"), wire.OutcomeApproved)
	})
}

// A verdict's number is the journal index of the payment's first entry, and its
// journal size covers the entry that it tells of.
func TestVerdictPointsIntoTheJournal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		v, err := w.reg.Verdict(t.Context(), id)
		w.must(err)
		leaves := w.leaves()
		first := slices.IndexFunc(leaves, func(e journal.Entry) bool { return e.Payment == id })
		last := 0
		for i, e := range leaves {
			if e.Payment == id {
				last = i
			}
		}
		if v.Number != fmt.Sprint(first) || v.Journal.Size <= int64(last) || leaves[last].State != terminal.Approved {
			t.Fatalf("%+v: entries %d to %d", v, first, last)
		}
		_, err = w.reg.Verdict(t.Context(), "01890000-0000-7000-8000-000000000000")
		wantCode(t, err, register.CodePaymentUnknown)
		for _, e := range w.shown.events {
			if told, ok := e.Data.(terminal.Verdict); ok && (e.Journal < 0 || leaves[e.Journal].Payment != told.Payment || leaves[e.Journal].State != told.State) {
				t.Fatalf("event %+v points at %+v", e, leaves[e.Journal])
			}
		}
	})
}
