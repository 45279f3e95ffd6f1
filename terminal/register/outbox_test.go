package register_test

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// offlineApproval sells a rice ball with the line down, and brings the line back.
func offlineApproval(w *world, account string) terminal.PaymentID {
	w.t.Helper()
	w.down()
	w.sells(terminal.SaleRef("sale of "+account), riceBall)
	id := w.pays(account)
	w.wantState(id, terminal.ApprovedOffline, "")
	w.up("")
	w.wantState(id, terminal.Advised, "")
	return id
}

// I1: an advice that the backend rejects while the approval is on the screen
// closes its sale: the next customer's code never pays for it. Where the goods
// are still here the POS puts the sale anew, and another payment pays it.
func TestI1RejectedWhileOnTheScreen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		sale := w.reg.View().Sale
		w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied)
		w.wantState(id, terminal.Rejected, terminal.AccountDenied)
		if v := w.reg.View(); v.Sale != nil || v.Verdict != nil {
			t.Fatalf("the screen still shows %+v, sale %+v", v.Verdict, v.Sale)
		}
		if _, err := w.reg.HandOver(t.Context(), id); err == nil {
			t.Error("what was not paid could be handed over")
		}
		w.scan(w.passOf("account-2", 100*24*time.Hour))
		w.wantNotice(terminal.SaleNotReady)
		w.restart()
		if v := w.reg.View(); v.Sale != nil {
			t.Fatalf("after a restart: sale %+v", v.Sale)
		}
		w.up("")
		w.sells(sale.Ref, riceBall)
		second := w.pays("account-2")
		w.answer(second, wire.OutcomeApproved)
		w.wantState(second, terminal.Approved, "")
	})
}

// I1: a void never overtakes its advice, also where the advice is parked: the
// backend would refuse to undo what it has not seen, and charge it afterwards.
func TestI1VoidNeverOvertakesItsParkedAdvice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		advice := w.line.take(wire.TypeAdvice)
		w.receive(wire.Message{Type: wire.TypeError, Re: advice[0].ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "no"}})
		if v := w.reg.View(); v.Parked != 1 {
			t.Fatalf("the advice is not parked: %+v", v)
		}
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		w.after(time.Minute)
		if n := len(w.line.take(wire.TypeVoid)); n != 0 {
			t.Fatalf("%d voids overtook the advice", n)
		}
		w.down()
		w.up("")
		if n := len(w.line.take(wire.TypeAdvice)); n != 1 {
			t.Fatalf("the next session tried %d advices", n)
		}
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		if n := len(w.line.take(wire.TypeVoid)); n != 1 {
			t.Fatalf("%d voids after the advice was taken", n)
		}
		w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 {
			t.Fatalf("%+v", v)
		}
	})
}

// I8: a void of an approval whose advice is then rejected has nothing left to
// undo, and ends with it.
func TestI8VoidOfARejectedAdviceEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		if n := len(w.line.take(wire.TypeVoid)); n != 0 {
			t.Errorf("%d voids went before their advice was acknowledged", n)
		}
		w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied)
		w.after(time.Minute)
		if n := len(w.line.take(wire.TypeVoid)); n != 0 {
			t.Errorf("%d voids of what was never charged", n)
		}
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 {
			t.Errorf("%d unresolved, %d in the outbox", v.Unresolved, v.Outbox)
		}
		w.restart()
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 {
			t.Errorf("after a restart: %d unresolved, %d in the outbox", v.Unresolved, v.Outbox)
		}
	})
}

// I8: what the backend refused is parked, and tried again with each session,
// until it is taken.
func TestI8ParkedItemIsTriedAgainWithTheNextSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		w.ack(id, wire.TypeVoid, wire.StatusRejected, "")
		for range 3 {
			w.line.take(wire.TypeVoid)
			w.down()
			w.up("")
			if n := len(w.line.take(wire.TypeVoid)); n != 1 {
				t.Fatalf("a new session sent %d voids, must send 1", n)
			}
			w.ack(id, wire.TypeVoid, wire.StatusRejected, "")
			w.after(time.Minute)
			if v := w.reg.View(); v.Parked != 1 || len(w.line.take(wire.TypeVoid)) != 0 {
				t.Fatalf("refused again: %+v", v)
			}
		}
		w.down()
		w.up("")
		w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		if v := w.reg.View(); v.Parked != 0 || v.Outbox != 0 || v.Unresolved != 0 {
			t.Fatalf("taken at last: %+v", v)
		}
	})
}

// I3: after a reboot, what an earlier incarnation sold is told under its name,
// so that the backend counts it against the rights that paid for it.
func TestI3MessagesNameTheIncarnationThatSold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.wantState(id, terminal.ApprovedOffline, "")
		w.stop()
		w.inc, w.anchor.Incarnation = inc2, inc2
		w.start()
		w.up("")
		sent := w.line.take(wire.TypeAdvice)
		if len(sent) != 1 || sent[0].Incarnation != string(inc1) {
			t.Fatalf("advices: %v", sent)
		}
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.sells("s2", riceBall)
		w.pays("account-2")
		if asked := w.line.take(wire.TypeAuthorise); len(asked) != 1 || asked[0].Incarnation != string(inc2) {
			t.Fatalf("authorises: %v", asked)
		}
	})
}

// A line that was up was heard: hours without a word do not shrink the offline
// ceilings.
func TestI5AQuietLineIsNoOldContact(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(12 * time.Hour)
		w.down()
		w.sells("s1", riceBall)
		w.wantState(w.pays("account-1"), terminal.ApprovedOffline, "")
	})
}

// I8: voids that the backend never acknowledges, however many they are, keep
// neither an advice from going up nor the journal.
func TestI8VoidsWithoutAnEndHoldUpNoAdvice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 100 {
			w.sells(terminal.SaleRef(fmt.Sprint("s", i)), riceBall)
			id := w.pays(fmt.Sprint("account-", i))
			w.answer(id, wire.OutcomeApproved)
			_, err := w.reg.Void(t.Context(), id)
			w.must(err)
		}
		w.after(time.Minute)
		w.down()
		w.sells("last", riceBall)
		id := w.pays("account-last")
		w.wantState(id, terminal.ApprovedOffline, "")
		w.line.take(wire.TypeVoid)
		w.up("")
		w.after(3 * resend)
		if voids := len(w.line.take(wire.TypeVoid)); voids < 200 {
			t.Errorf("%d voids went in three rounds, all 100 must go each time", voids)
		}
		w.wantState(id, terminal.Advised, "")
		if n := len(w.line.take(wire.TypeAdvice)); n == 0 {
			t.Error("no advice went beside the voids")
		}
		journal := &archive{keeper: keeper{w: w}}
		journal.takes()
		w.after(resend)
		if _, came := journal.took(); !came {
			t.Error("no leaves went beside the voids")
		}
	})
}
