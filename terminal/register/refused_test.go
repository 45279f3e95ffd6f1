package register_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// refusedWith brings an error of the backend in place of an answer to a message.
func (w *world) refusedWith(code wire.ErrorCode, re string) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeError, Re: re, Error: &wire.Error{Code: code, Text: "test"}})
}

// sent gives the one message of a type on the line.
func (w *world) sent(kind wire.Type) wire.Message {
	w.t.Helper()
	synctest.Wait()
	list := w.line.take(kind)
	if len(list) != 1 {
		w.t.Fatalf("%d messages %q on the line, want 1", len(list), kind)
	}
	return list[0]
}

// putsOut are the ways to an item in the outbox. Each gives its payment.
var putsOut = map[wire.Type]func(*world) terminal.PaymentID{
	wire.TypeVoid: func(w *world) terminal.PaymentID {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.Void(w.t.Context(), id)
		w.must(err)
		return id
	},
	wire.TypeReversal: func(w *world) terminal.PaymentID {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		_, err := w.reg.CancelSale(w.t.Context(), "s1")
		w.must(err)
		return id
	},
	wire.TypeAdvice: func(w *world) terminal.PaymentID { return offlineApproval(w, "account-1") },
}

// I8: what the backend refuses is not said again in this session, whatever it
// was; the next session tries once more.
func TestI8RefusedMessageIsParkedAtOnce(t *testing.T) {
	for kind, putOut := range putsOut {
		for _, code := range []wire.ErrorCode{wire.CodeRefused, wire.CodeBody, wire.CodeType, wire.CodeSyntax, wire.CodeVersion, "of a later release"} {
			t.Run(string(kind)+" "+string(code), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					id := putOut(w)
					state := w.payment(id).State
					w.refusedWith(code, w.sent(kind).ID)
					w.after(10 * time.Minute)
					if v := w.reg.View(); v.Parked != 1 || v.Outbox != 1 || len(w.line.take(kind)) != 0 {
						t.Fatalf("said again, or not parked: %+v", v)
					}
					w.wantState(id, state, w.payment(id).Reason)
					w.restart()
					if v := w.reg.View(); v.Parked != 1 {
						t.Fatalf("after a restart %d are parked", v.Parked)
					}
					w.up("")
					w.sent(kind)
					w.ack(id, kind, wire.StatusAccepted, "")
					if v := w.reg.View(); v.Parked != 0 || v.Outbox != 0 || v.Unresolved != 0 {
						t.Fatalf("taken at last: %+v", v)
					}
				})
			})
		}
	}
}

// I8: a backend in trouble, or one that knows a newer session, is told again.
func TestI8TroubleParksNothing(t *testing.T) {
	for kind, putOut := range putsOut {
		for _, code := range []wire.ErrorCode{wire.CodeTrouble, wire.CodeSession} {
			t.Run(string(kind)+" "+string(code), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					id := putOut(w)
					for range 3 {
						w.refusedWith(code, w.sent(kind).ID)
						if v := w.reg.View(); v.Parked != 0 {
							t.Fatalf("%d are parked", v.Parked)
						}
						w.after(5*time.Second + 10*time.Millisecond)
					}
					w.sent(kind)
					w.ack(id, kind, wire.StatusAccepted, "")
					if v := w.reg.View(); v.Outbox != 0 {
						t.Fatalf("%+v", v)
					}
				})
			})
		}
	}
}

// An error parks what it is about and nothing else: not another item, not one
// that the line had no room for, not the one of a message long acknowledged.
func TestI8ErrorParksNothingElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var ids []terminal.PaymentID
		var messages []wire.Message
		for _, ref := range []terminal.SaleRef{"s1", "s2"} {
			w.sells(ref, riceBall)
			id := w.pays("account-" + string(ref))
			w.answer(id, wire.OutcomeApproved)
			_, err := w.reg.Void(t.Context(), id)
			w.must(err)
			ids, messages = append(ids, id), append(messages, w.sent(wire.TypeVoid))
		}
		w.refusedWith(wire.CodeRefused, "nothing that was said")
		if v := w.reg.View(); v.Parked != 0 {
			t.Fatalf("%d are parked", v.Parked)
		}
		w.refusedWith(wire.CodeRefused, messages[1].ID)
		w.refusedWith(wire.CodeRefused, messages[1].ID)
		w.after(6 * time.Second)
		if m := w.sent(wire.TypeVoid); m.Void.Payment != string(ids[0]) || w.reg.View().Parked != 1 {
			t.Fatalf("the wrong item is parked: %v goes on", m.Void.Payment)
		}
		w.ack(ids[0], wire.TypeVoid, wire.StatusAccepted, "")

		w.line.fill(true)
		w.sells("s3", riceBall)
		w.pays("account-3") // does not leave, and so is given up
		w.refusedWith(wire.CodeSyntax, "")
		if v := w.reg.View(); v.Parked != 1 || v.Outbox != 2 {
			t.Fatalf("an error about nothing: %d of %d are parked", v.Parked, v.Outbox)
		}
		w.line.fill(false)
		w.after(2 * time.Second)
		w.sent(wire.TypeReversal)
	})
}

// I4: an error in place of an answer decides no payment: it is asked about, and
// given up in time.
func TestI4ErrorDecidesNoPayment(t *testing.T) {
	for _, code := range []wire.ErrorCode{wire.CodeRefused, wire.CodeBody, wire.CodeTrouble, wire.CodeSession} {
		for _, approved := range []bool{false, true} {
			t.Run(string(code), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.sells("s1", packs(2)...)
					id := w.pays("account-1")
					w.refusedWith(code, w.sent(wire.TypeAuthorise).ID)
					w.wantState(id, terminal.Sent, "")
					w.after(5*time.Second + 10*time.Millisecond)
					w.wantState(id, terminal.Unknown, terminal.BackendSilent)
					w.refusedWith(code, w.sent(wire.TypeQuery).ID)
					w.wantState(id, terminal.Unknown, terminal.BackendSilent)
					if v := w.reg.View(); v.Verdict.Outcome != terminal.OutcomeUnknown || v.Sale.State != terminal.SalePaying || v.Outbox != 0 {
						t.Fatalf("%+v", v.Verdict)
					}
					if approved { // it had been charged all the same
						w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 2)} })
						w.wantState(id, terminal.Approved, "")
						return
					}
					w.after(40 * time.Second)
					w.wantState(id, terminal.Reversing, terminal.BackendSilent)
					w.sent(wire.TypeReversal)
				})
			})
		}
	}
}
