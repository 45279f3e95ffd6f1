package register_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// backlog sells n rice balls with the line down, each to another account.
func (w *world) backlog(n int) []terminal.PaymentID {
	w.t.Helper()
	w.down()
	var ids []terminal.PaymentID
	for i := range n {
		w.sells(terminal.SaleRef(fmt.Sprint("backlog-", i)), riceBall)
		id := w.pays(fmt.Sprint("backlog-account-", i))
		_, err := w.reg.HandOver(w.t.Context(), id)
		w.must(err)
		ids = append(ids, id)
	}
	return ids
}

// poisons spoil the first item of a stopped register's ledger.
var poisons = map[string]string{
	"unknown kind":     "INSERT INTO outbox_kind (name) VALUES ('parcel'); UPDATE outbox SET kind = 'parcel' WHERE id = (SELECT min(id) FROM outbox)",
	"no JSON":          "UPDATE outbox SET body = x'7b' WHERE id = (SELECT min(id) FROM outbox)",
	"no body":          "UPDATE outbox SET body = x'' WHERE id = (SELECT min(id) FROM outbox)",
	"out of range":     `UPDATE outbox SET body = CAST('{"payment":"1"}' AS BLOB) WHERE id = (SELECT min(id) FROM outbox)`,
	"too large a body": `UPDATE outbox SET body = CAST(replace(CAST(body AS TEXT), '"evidence":"', '"evidence":"' || replace(hex(zeroblob(600000)), '0', 'A')) AS BLOB) WHERE id = (SELECT min(id) FROM outbox)`,
}

// I1 I8: what can never be sent is parked and shown, holds nothing up, stays over
// restarts, and is tried again by hand.
func TestI1I8PoisonedItemsHoldNothingUp(t *testing.T) {
	for name, spoil := range poisons {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ids := w.backlog(5)
				w.stop()
				w.spoil(spoil)
				w.start()
				for range 2 {
					w.up("")
					if v := w.reg.View(); v.Parked != 1 {
						t.Fatalf("%d are parked", v.Parked)
					}
					told := map[string]bool{}
					for _, m := range w.line.take(wire.TypeAdvice) {
						told[m.Advice.Payment] = true
					}
					if len(told) != 4 || told[string(ids[0])] {
						t.Fatalf("%d of 4 good advices went", len(told))
					}
					w.restart()
				}
				w.up("")
				for _, id := range ids[1:] {
					w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
				}
				if v := w.reg.View(); v.Outbox != 1 || v.Parked != 1 || v.Unresolved != 1 {
					t.Fatalf("%+v", v)
				}
				_, err := w.reg.Resolve(t.Context(), ids[0], false)
				w.must(err)
				w.after(time.Second)
				if v := w.reg.View(); v.Parked != 1 {
					t.Fatalf("tried by hand: %d are parked", v.Parked)
				}
			})
		})
	}
}

// spoil changes a stopped register's ledger behind its back.
func (w *world) spoil(statements string) {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.dir, "ledger.db")+"?_foreign_keys=0")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(statements)
	w.must(err)
}

// I8: an item of a payment that is gone is told all the same, and ends with its
// acknowledgement.
func TestI8ItemOfAPaymentThatIsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ids := w.backlog(2)
		w.stop()
		w.spoil("DELETE FROM tally; DELETE FROM seen; DELETE FROM payment WHERE id = '" + string(ids[0]) + "'")
		w.start()
		w.up("")
		if n := len(w.line.take(wire.TypeAdvice)); n != 2 {
			t.Fatalf("%d advices", n)
		}
		for _, id := range ids {
			w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		}
		if v := w.reg.View(); v.Outbox != 0 || v.Unresolved != 0 {
			t.Fatalf("%+v", v)
		}
	})
}

// I1: what the store refuses together it is asked one by one: the payment of a
// later release that takes no step holds up itself alone, and both ways.
func TestI1OneThatTheStoreRefusesHoldsUpItselfAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ids := w.backlog(6)
		var bad terminal.PaymentID = ids[2]
		fails := func(c register.Changes) bool {
			return slices.ContainsFunc(c.Payments, func(p terminal.Payment) bool { return p.ID == bad })
		}
		w.disk.refuse(fails)
		w.up("")
		w.after(2 * resend)
		told := map[string]bool{}
		for _, m := range w.line.take(wire.TypeAdvice) {
			told[m.Advice.Payment] = true
		}
		if len(told) != 5 || told[string(bad)] {
			t.Fatalf("%d of 5 good advices went: %v", len(told), told)
		}
		w.disk.refuse(nil)
		w.after(2 * resend)
		w.disk.refuse(fails)
		w.ackAll(wire.TypeAdvice, ids...)
		if v := w.reg.View(); v.Outbox != 1 || v.Unresolved != 1 {
			t.Fatalf("%+v", v)
		}
		w.disk.refuse(nil)
		w.after(2 * resend)
		w.ackAll(wire.TypeAdvice, bad)
		if v := w.reg.View(); v.Outbox != 0 || v.Unresolved != 0 {
			t.Fatalf("%+v", v)
		}
	})
}

const resend = 5*time.Second + 10*time.Millisecond

// ackAll brings acknowledgements in one breath, while the store is at work on the
// first.
func (w *world) ackAll(of wire.Type, ids ...terminal.PaymentID) {
	w.t.Helper()
	for _, id := range ids {
		w.reg.Received(w.t.Context(), wire.Message{Version: wire.Version, ID: "b", Type: wire.TypeAck, Ack: &wire.Ack{
			Payment: string(id), Of: of, Status: wire.StatusAccepted, Time: time.Now().UnixMilli(),
		}})
	}
	w.after(time.Millisecond)
}

// A backlog goes up in few transactions, each payment with its own entries, and
// each event names its payment's entry.
func TestABacklogGoesInBatches(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const n = 100
		ids := w.backlog(n)
		before := w.disk.changed.Load()
		first := len(w.leaves())
		// Whatever the machine's speed, all comes while the store is at work on the first.
		w.disk.fault(func() error { <-time.After(time.Millisecond); return nil }, nil)
		w.up("")
		for w.after(time.Second); len(w.line.take(wire.TypeAdvice)) > 0; w.after(time.Second) {
			w.ackAll(wire.TypeAdvice, ids...)
		}
		if v := w.reg.View(); v.Outbox != 0 || v.Unresolved != 0 {
			t.Fatalf("%+v", v)
		}
		if used := w.disk.changed.Load() - before; used > 10 {
			t.Errorf("%d transactions for %d advices", used, n)
		}
		states := map[terminal.PaymentID]string{}
		for _, e := range w.leaves()[first:] {
			states[e.Payment] += string(e.State) + " "
		}
		for _, id := range ids {
			if states[id] != "advised settled " {
				t.Errorf("payment %s: %q", id, states[id])
			}
		}
		w.wantEventsNameTheirEntries()
	})
}

// wantEventsNameTheirEntries checks that the journal index of an event is that of
// an entry of its payment, in its state.
func (w *world) wantEventsNameTheirEntries() {
	w.t.Helper()
	leaves := w.leaves()
	w.shown.mu.Lock()
	defer w.shown.mu.Unlock()
	for _, e := range w.shown.events {
		v, ok := e.Data.(terminal.Verdict)
		if !ok || e.Type != register.EventPayment {
			continue
		}
		if l := leaves[e.Journal]; l.Payment != v.Payment || l.State != v.State {
			w.t.Errorf("the event of %s %s names entry %d, of %s %s", v.Payment, v.State, e.Journal, l.Payment, l.State)
		}
	}
}

// A reversal goes at once, also while as many advices as may be are on the line,
// and before those that wait.
func TestI1ReversalsGoBeforeAdvices(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ids := w.backlog(70)
		w.up("")
		first := len(w.line.take(wire.TypeAdvice))
		w.sells("s2", riceBall)
		id := w.pays("account-2")
		_, err := w.reg.CancelSale(t.Context(), "s2")
		w.must(err)
		if got := w.sent(wire.TypeReversal); got.Reversal.Payment != string(id) {
			t.Fatalf("%v", got)
		}
		if n := len(w.line.take(wire.TypeAdvice)); first != 64 || n != 0 {
			t.Fatalf("%d advices, and %d more while none was acknowledged", first, n)
		}
		w.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
		w.ackAll(wire.TypeAdvice, ids[:64]...)
		if n := len(w.line.take(wire.TypeAdvice)); n != 6 {
			t.Fatalf("%d more advices", n)
		}
	})
}

// I8: what can never be sent has a way out by hand: it is kept apart with all that
// waits behind it, the journal says so, and nothing is asked or told about its
// payment any more. Sending it once more or losing it is none.
func TestI1I8PoisonedItemsCanBeSetAside(t *testing.T) {
	for name, spoil := range poisons {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ids := w.backlog(2)
				refund := refundID()
				w.refunds(ids[0], refund, 50)
				w.wantNotAside(ids[0], "before it is parked")
				w.stop()
				w.spoil(spoil)
				w.start()
				w.wantNotAside(ids[0], "before it was tried")
				w.up("")
				if list, err := w.reg.Parked(t.Context()); err != nil || len(list) != 1 || list[0].Payment != ids[0] || list[0].Why == "" || len(list[0].Why) > 300 {
					t.Fatalf("%+v, %v", list, err)
				}
				w.wantNotAside(ids[1], "what is on its way")
				w.disk.refuse(func(c register.Changes) bool { return len(c.Aside) > 0 })
				if err := w.reg.SetAside(t.Context(), ids[0]); codeOf(err) != register.CodeStorage {
					t.Fatalf("a disk that takes nothing: %v", err)
				}
				w.disk.refuse(nil)
				w.must(w.reg.SetAside(t.Context(), ids[0]))
				w.wantNotAside(ids[0], "twice")
				w.ack(ids[1], wire.TypeAdvice, wire.StatusAccepted, "")
				for range 2 {
					if v := w.reg.View(); v.Outbox != 0 || v.Parked != 0 || v.Unresolved != 0 {
						t.Fatalf("%+v", v)
					}
					w.restart()
					w.up("")
					w.after(2 * resend)
					for _, m := range w.line.take(wire.TypeAdvice) {
						t.Fatalf("%s was told", m.Advice.Payment)
					}
				}
				kept, err := w.disk.Aside(t.Context())
				if err != nil || len(kept) != 2 || kept[0].Payment != ids[0] || kept[1].Kind != register.OutRefund {
					t.Fatalf("%+v, %v", kept, err)
				}
				w.wantSetAside(ids[0])
				if _, err := w.reg.Refund(t.Context(), ids[0], refund, 50); err != nil && codeOf(err) != register.CodeRefundInvalid {
					t.Error(err)
				}
				if _, err := w.reg.Refund(t.Context(), ids[0], refundID(), 1); codeOf(err) != register.CodeRefundInvalid {
					t.Errorf("a refund of what head office settles: %v", err)
				}
			})
		})
	}
}

// wantSetAside checks that exactly one entry says so, and what the payment is.
func (w *world) wantSetAside(id terminal.PaymentID) {
	w.t.Helper()
	marks := 0
	for _, e := range w.leaves() {
		if e.Mark == journal.MarkSetAside && e.Payment == id {
			marks++
		}
	}
	if p := w.payment(id); marks != 1 || p.SetAside == 0 || p.Unresolved() || !p.Counting() {
		w.t.Errorf("%d entries, %+v", marks, p)
	}
}

// codeOf gives the code of what the register says; "" for nothing.
func codeOf(err error) register.Code {
	var own *register.Error
	if errors.As(err, &own) {
		return own.Code
	}
	return ""
}

func (w *world) wantNotAside(id terminal.PaymentID, when string) {
	w.t.Helper()
	if err := w.reg.SetAside(w.t.Context(), id); codeOf(err) != register.CodeNotAside {
		w.t.Errorf("%s: %v", when, err)
	}
}

// I2 I8: goods that wait at the till are handed over or given back first; and a
// payment that is gone stands in no way.
func TestI8SettingAsideIsNoVerdict(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.backlog(1)
		w.sells("held", riceBall)
		id := w.pays("held-account")
		w.up("")
		refused := &wire.Error{Code: wire.CodeRefused, Text: strings.Repeat("no ", 150)}
		for _, m := range w.line.take(wire.TypeAdvice) {
			w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: refused})
		}
		if v := w.reg.View(); v.Parked != 2 {
			t.Fatalf("%d are parked", v.Parked)
		}
		w.wantNotAside(id, "the goods are here")
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		w.must(w.reg.SetAside(t.Context(), id))
		w.wantSetAside(id)
		if v := w.reg.View(); v.Outbox != 1 || v.Unresolved != 1 {
			t.Fatalf("%+v", v)
		}
	})
}

// I8: also an item whose payment the ledger lost. That it is gone is seen by
// whoever was answered, however long the picture takes.
func TestI8SettingAsideOfAPaymentThatIsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := w.backlog(1)[0]
		w.stop()
		w.spoil("DELETE FROM tally; DELETE FROM seen; DELETE FROM payment; " + poisons["no JSON"])
		w.start()
		w.up("")
		w.dawdle = time.Millisecond
		w.must(w.reg.SetAside(t.Context(), id))
		if v := w.reg.View(); v.Outbox != 0 || v.Parked != 0 {
			t.Fatalf("%+v", v)
		}
		last := w.leaves()[len(w.leaves())-1]
		if last.Mark != journal.MarkSetAside || last.Payment != id || last.State != "" {
			t.Errorf("%+v", last)
		}
	})
}

// I1: an acknowledgement that comes while an item is set aside, or after it,
// changes nothing that was decided.
func TestI1AnAcknowledgementAfterItWasSetAside(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := w.backlog(1)[0]
		w.up("")
		m := w.sent(wire.TypeAdvice)
		w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "no"}})
		w.must(w.reg.SetAside(t.Context(), id))
		size := len(w.leaves())
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied)
		if len(w.leaves()) != size || w.payment(id).State != terminal.Advised {
			t.Errorf("%+v", w.payment(id))
		}
	})
}
