package register_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

func refundID() terminal.RefundID { return terminal.RefundID(uuid.Must(uuid.NewV7()).String()) }

// handedOver sells a rice ball of 150 yen, online, and hands it over.
func handedOver(w *world) terminal.PaymentID {
	w.t.Helper()
	w.sells(terminal.SaleRef("sale "+refundID()), riceBall)
	id := w.pays("account-1")
	w.answer(id, wire.OutcomeApproved)
	_, err := w.reg.HandOver(w.t.Context(), id)
	w.must(err)
	synctest.Wait()
	return id
}

func (w *world) refunds(id terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen) {
	w.t.Helper()
	_, err := w.reg.Refund(w.t.Context(), id, refund, amount)
	w.must(err)
	synctest.Wait()
}

func (w *world) ackRefund(id terminal.PaymentID, refund terminal.RefundID, s wire.Status) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeAck, Ack: &wire.Ack{
		Payment: string(id), Of: wire.TypeRefund, Op: string(refund), Status: s, Time: time.Now().UnixMilli(),
	}})
}

// wantRefunds checks the states of a payment's refunds, in the order in which
// they were asked for.
func (w *world) wantRefunds(id terminal.PaymentID, want ...terminal.RefundState) {
	w.t.Helper()
	var got []terminal.RefundState
	for _, f := range w.payment(id).Refunds {
		got = append(got, f.State)
	}
	if !slices.Equal(got, want) {
		w.t.Fatalf("refunds are %q, want %q", got, want)
	}
}

func (w *world) wantCode(err error, want register.Code) {
	w.t.Helper()
	if e, ok := errors.AsType[*register.Error](err); !ok || e.Code != want || e.Text == "" {
		w.t.Fatalf("got %v, want %s", err, want)
	}
}

func (w *world) wantAgreed() {
	w.t.Helper()
	if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 || v.Parked != 0 {
		w.t.Fatalf("%d unresolved, %d in the outbox, %d parked", v.Unresolved, v.Outbox, v.Parked)
	}
}

// I1: a refund goes once under its own id, however often it is asked for and
// acknowledged, and gives no quota back.
func TestI1RefundInParts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 20))
		w.sells("s1", packs(2)...)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.HandOver(t.Context(), id)
		w.must(err)
		used := w.counter("tobacco-day")
		first, second := refundID(), refundID()
		w.refunds(id, first, 1000)
		for range 3 {
			w.refunds(id, first, 1000)
		}
		w.refunds(id, second, 160)
		if sent := w.line.take(wire.TypeRefund); len(sent) != 1 || sent[0].Refund.ID != string(first) || sent[0].Refund.Amount != 1000 || sent[0].Refund.Payment != string(id) {
			t.Fatalf("sent %+v", sent)
		}
		for range 3 {
			w.ackRefund(id, first, wire.StatusAccepted)
		}
		if sent := w.line.take(wire.TypeRefund); len(sent) != 1 || sent[0].Refund.ID != string(second) {
			t.Fatalf("sent %+v", sent)
		}
		w.ackRefund(id, second, wire.StatusAccepted)
		w.wantRefunds(id, terminal.RefundDone, terminal.RefundDone)
		w.wantAgreed()
		if after := w.counter("tobacco-day"); after != used {
			t.Fatalf("the refund changed the quota from %+v to %+v", used, after)
		}
		var marks []string
		for _, e := range w.leaves() {
			if e.Refund != "" {
				marks = append(marks, e.Mark)
			}
		}
		if want := []string{journal.MarkRefund, journal.MarkRefund, journal.MarkRefunded, journal.MarkRefunded}; !slices.Equal(marks, want) {
			t.Fatalf("journalled %q", marks)
		}
	})
}

// Acknowledgements may come in any order: of a refund that was sent in an
// earlier session, after that of a later one.
func TestI1RefundsAcknowledgedInAnyOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		first, second := refundID(), refundID()
		w.refunds(id, first, 50)
		w.refunds(id, second, 100)
		w.ackRefund(id, second, wire.StatusRejected)
		w.wantRefunds(id, terminal.RefundAsked, terminal.RefundRefused)
		w.ackRefund(id, refundID(), wire.StatusAccepted) // of nobody's
		w.wantRefunds(id, terminal.RefundAsked, terminal.RefundRefused)
		w.ackRefund(id, first, wire.StatusAccepted)
		w.wantRefunds(id, terminal.RefundDone, terminal.RefundRefused)
		if why := w.payment(id).Refunds[1].Reason; why != terminal.RefundDenied {
			t.Fatalf("refused for %q", why)
		}
		w.wantAgreed()
		w.refunds(id, refundID(), 100) // what was refused can be asked for again
	})
}

func TestRefundsThatAreNoRefunds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		ask := func(payment terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen, want register.Code) {
			t.Helper()
			before := w.leaves()
			_, err := w.reg.Refund(t.Context(), payment, refund, amount)
			w.wantCode(err, want)
			if len(w.leaves()) != len(before) {
				t.Fatal("it was journalled")
			}
		}
		first := refundID()
		w.refunds(id, first, 100)
		ask(id, first, 99, register.CodeRefundInvalid)
		ask(id, refundID(), 51, register.CodeRefundInvalid)
		ask(id, refundID(), 0, register.CodeRefundInvalid)
		ask(id, refundID(), -1, register.CodeRefundInvalid)
		ask(id, refundID(), 1<<62, register.CodeRefundInvalid)
		ask("01890000-0000-7000-8000-000000000000", refundID(), 1, register.CodePaymentUnknown)
		for _, bad := range []terminal.RefundID{"", "r1", "01890000-0000-4000-8000-000000000000", "01890000-0000-7000-c000-000000000000", "{01890000-0000-7000-8000-000000000000}", "01890000-0000-7000-8000-00000000000A"} {
			ask(id, bad, 1, register.CodeRefundInvalid)
		}
		w.sells("held", riceBall)
		held := w.pays("account-2")
		ask(held, refundID(), 1, register.CodeRefundInvalid) // not decided
		w.answer(held, wire.OutcomeApproved)
		ask(held, refundID(), 1, register.CodeRefundInvalid) // still here
		_, err := w.reg.Void(t.Context(), held)
		w.must(err)
		ask(held, refundID(), 1, register.CodeRefundInvalid)
		w.refunds(id, refundID(), 50) // what is left
	})
}

// A restart, and a reboot, with refunds on their way: they go again, under the
// incarnation that sold.
func TestI1RefundSurvivesAReboot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		w.down()
		refund := refundID()
		w.refunds(id, refund, 150)
		w.wantRefunds(id, terminal.RefundAsked)
		w.restart()
		w.stop()
		w.inc, w.anchor.Incarnation = inc2, inc2
		w.start()
		if v := w.reg.View(); v.Unresolved != 1 || v.Outbox != 1 {
			t.Fatalf("%+v", v)
		}
		w.up("")
		if sent := w.line.take(wire.TypeRefund); len(sent) != 1 || sent[0].Refund.ID != string(refund) || sent[0].Incarnation != string(inc1) {
			t.Fatalf("sent %+v", sent)
		}
		w.ackRefund(id, refund, wire.StatusAccepted)
		w.wantRefunds(id, terminal.RefundDone)
		w.wantAgreed()
	})
}

// I1: a refund never overtakes its advice, also a parked one; and where the
// advice is rejected nothing was charged, so that nothing is given back.
func TestI1RefundBehindItsParkedAdvice(t *testing.T) {
	for name, accepted := range map[string]bool{"taken in the end": true, "rejected in the end": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				id := offlineApproval(w, "account-1")
				_, err := w.reg.HandOver(t.Context(), id)
				w.must(err)
				advice := w.line.take(wire.TypeAdvice)
				w.receive(wire.Message{Type: wire.TypeError, Re: advice[0].ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "no"}})
				refund := refundID()
				w.refunds(id, refund, 150)
				w.after(time.Minute)
				if n := len(w.line.take(wire.TypeRefund)); n != 0 || w.reg.View().Parked != 1 {
					t.Fatalf("%d refunds overtook the advice", n)
				}
				w.down()
				w.up("")
				if accepted {
					w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
					w.ackRefund(id, refund, wire.StatusAccepted)
					w.wantRefunds(id, terminal.RefundDone)
				} else {
					w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied)
					w.wantRefunds(id, terminal.RefundRefused)
					w.after(time.Minute)
					if n := len(w.line.take(wire.TypeRefund)); n != 0 {
						t.Fatalf("%d refunds of what was never charged", n)
					}
				}
				w.wantAgreed()
				w.restart()
				w.wantAgreed()
			})
		})
	}
}

// I8: an item that no message can carry, out of a ledger that was salvaged, is
// parked and shown, and holds up no other payment's.
func TestI8ItemThatNoMessageCarriesIsParked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := offlineApproval(w, "account-1")
		good := w.line.take(wire.TypeAdvice)
		w.ack(first, wire.TypeAdvice, wire.StatusAccepted, "")
		w.stop()
		advice := *good[0].Advice
		advice.Evidence = "*" // no base64
		body, err := json.Marshal(advice)
		w.must(err)
		w.seed(func(register.Usage) (register.Changes, error) {
			return register.Changes{Outbox: []register.OutboxItem{{Kind: register.OutAdvice, Payment: first, Body: body}}}, nil
		})
		w.start()
		w.up("")
		if v := w.reg.View(); v.Parked != 1 || len(w.line.take(wire.TypeAdvice)) != 0 {
			t.Fatalf("%d parked", v.Parked)
		}
	})
}

// I8: an item that tells what register and backend agree on already, out of a
// ledger that was salvaged, goes with its acknowledgement.
func TestI8ItemThatIsPastEnds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		advice := w.line.take(wire.TypeAdvice)
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.wantAgreed()
		w.stop()
		body, err := json.Marshal(advice[0].Advice)
		w.must(err)
		w.seed(func(register.Usage) (register.Changes, error) {
			return register.Changes{Outbox: []register.OutboxItem{{Kind: register.OutAdvice, Payment: id, Body: body}}}, nil
		})
		w.start()
		w.up("")
		if n := len(w.line.take(wire.TypeAdvice)); n != 1 {
			t.Fatalf("%d advices", n)
		}
		before := w.payment(id)
		w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied)
		w.wantAgreed()
		if after := w.payment(id); !reflect.DeepEqual(after, before) {
			t.Fatalf("the payment became %+v", after)
		}
	})
}
