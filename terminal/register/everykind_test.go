package register_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// kind is one kind of transaction. before brings a world to where it can be
// done; do does it, or tries again; done says whether it is done.
type kind struct {
	name   string
	before func(w *world) (do func(), done func() bool)
}

const longBound = 100 * 24 * time.Hour

// kinds are those of every day: a new one is a row. The rest are rareKinds.
var kinds = []kind{
	{"a sale is put", func(w *world) (func(), func() bool) {
		return w.putting("s1", riceBall), w.saleIs("s1", terminal.SaleReady)
	}},
	{"a sale is cancelled", func(w *world) (func(), func() bool) {
		w.sells("s1", riceBall)
		return w.asking(func(ctx context.Context) error { _, err := w.reg.CancelSale(ctx, "s1"); return err }),
			func() bool { return w.reg.View().Sale == nil }
	}},
	{"a refusal on the spot", func(w *world) (func(), func() bool) {
		w.sells("s1", packs(16)...)
		code := w.passOf("account-1", longBound)
		return func() { w.scan(code) }, w.verdictIs(terminal.Refused)
	}},
	{"an authorise goes out", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.sells("s1", packs(3)...)
		code := w.passOf("account-1", longBound)
		return func() { w.scan(code) }, w.verdictIs(terminal.Sent, terminal.Unknown)
	}},
	{"an approval with a grant", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.sells("s1", packs(3)...)
		id := w.pays("account-1")
		return w.answering(id, wire.OutcomeApproved, w.units("tobacco-day", 3)), w.stateIs(id, terminal.Approved)
	}},
	{"a decline", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.sells("s1", packs(2)...)
		id := w.pays("account-1")
		return w.answering(id, wire.OutcomeDeclined), w.stateIs(id, terminal.Declined)
	}},
	{"an undecided payment is given up", func(w *world) (func(), func() bool) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		return w.asking(func(ctx context.Context) error { _, err := w.reg.CancelSale(ctx, "s1"); return err }),
			func() bool { return w.payment(id).State == terminal.Reversing && w.reg.View().Sale == nil }
	}},
	{"a reversal is acknowledged", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.sells("s1", packs(2)...)
		id := w.pays("account-1")
		_, err := w.reg.CancelSale(w.t.Context(), "s1")
		w.must(err)
		return w.acking(id, wire.TypeReversal), w.stateIs(id, terminal.Reversed)
	}},
	{"an approval offline", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2), w.units("tobacco-offline", 2))
		w.down()
		w.sells("s1", packs(1)...)
		code := w.passOf("account-1", longBound)
		return func() { w.scan(code) }, w.verdictIs(terminal.ApprovedOffline)
	}},
	{"an advice goes out", func(w *world) (func(), func() bool) {
		id := w.offlineSale()
		return func() { w.up("") }, w.stateIs(id, terminal.Advised)
	}},
	{"an advice is acknowledged", func(w *world) (func(), func() bool) {
		id := w.offlineSale()
		w.up("")
		return w.acking(id, wire.TypeAdvice), w.stateIs(id, terminal.Settled)
	}},
	{"an advice is rejected", func(w *world) (func(), func() bool) {
		id := w.offlineSale()
		w.up("")
		return func() { w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied) }, w.stateIs(id, terminal.Rejected)
	}},
	{"goods are handed over", func(w *world) (func(), func() bool) {
		id := w.approved()
		return w.asking(func(ctx context.Context) error { _, err := w.reg.HandOver(ctx, id); return err }),
			func() bool { return w.payment(id).HandedOver == terminal.ByCashier }
	}},
	{"the next sale hands over", func(w *world) (func(), func() bool) {
		id := w.approved()
		return w.putting("s2", riceBall), func() bool {
			return w.payment(id).HandedOver == terminal.ByNextSale && w.saleIs("s2", terminal.SaleReady)()
		}
	}},
	{"a void", func(w *world) (func(), func() bool) {
		id := w.approved()
		return w.asking(func(ctx context.Context) error { _, err := w.reg.Void(ctx, id); return err }),
			func() bool { return w.payment(id).Voided() }
	}},
	{"a void is acknowledged", func(w *world) (func(), func() bool) {
		id := w.approved()
		_, err := w.reg.Void(w.t.Context(), id)
		w.must(err)
		return w.acking(id, wire.TypeVoid), func() bool { return w.payment(id).Void.Acknowledged }
	}},
	{"a refund", func(w *world) (func(), func() bool) {
		id, refund := w.sold(), refundID()
		return w.asking(func(ctx context.Context) error { _, err := w.reg.Refund(ctx, id, refund, 50); return err }),
			func() bool { return w.payment(id).Refunded() == 50 }
	}},
	{"a refund is acknowledged", func(w *world) (func(), func() bool) {
		id, refund := w.sold(), refundID()
		w.refunds(id, refund, 50)
		return func() { w.ackRefund(id, refund, wire.StatusAccepted) }, func() bool { return w.payment(id).Refunds[0].State == terminal.RefundDone }
	}},
	{"an old payment is erased", func(w *world) (func(), func() bool) {
		id := w.sold()
		w.welcomed(func(m *wire.Welcome) { m.Time += (register.KeepPrivate + time.Hour).Milliseconds() })
		return w.asking(func(ctx context.Context) error { return w.reg.Erase(ctx, id) }), func() bool { return w.payment(id).Account == "" }
	}},
	{"grants", func(w *world) (func(), func() bool) {
		return func() { w.grant(w.units("tobacco-day", 2)) }, func() bool { return w.counter("tobacco-day").Granted.Units == 2 }
	}},
	{"a policy", func(w *world) (func(), func() bool) {
		note := w.policy(2)
		return func() { w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: note}}) },
			func() bool { return w.reg.View().Policy.Version == 2 }
	}},
	{"a freeze", func(w *world) (func(), func() bool) {
		note, err := policy.SignFreeze(fmt.Sprintf("version = 1\nrealm = %q\ncategories = [\"tobacco\"]\n", realm), keys().freezer)
		w.must(err)
		return func() { w.receive(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: note}}) },
			func() bool { return w.kept().Freeze.Version == 1 && len(w.reg.View().Frozen) == 1 }
	}},
	{"denials", func(w *world) (func(), func() bool) {
		add := base64.StdEncoding.EncodeToString([]byte{1, 2, 3, 4, 5, 6, 7, 8, 0x7f, 0, 0, 0})
		return func() {
				w.receive(wire.Message{Type: wire.TypeDenials, Denials: &wire.Denials{From: 1, To: 2, Part: 1, Parts: 1, Add: add}})
			},
			func() bool {
				rules, err := w.reg.Rules(w.t.Context())
				w.must(err)
				return rules.Denials == 2
			}
	}},
	{"a quarantine", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		return func() { w.welcomed(func(m *wire.Welcome) { m.Quarantine = "over-spent" }) }, func() bool { return w.kept().Quarantine != "" && w.reg.View().Quarantine != "" }
	}},
	{"a clean stop", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		return w.asking(w.reg.Stop), func() bool { return w.counter("tobacco-day").Returned.Units == 2 }
	}},
}

// approved sells two packs online.
func (w *world) approved() terminal.PaymentID {
	w.t.Helper()
	w.grant(w.units("tobacco-day", 2))
	w.sells("s1", packs(2)...)
	id := w.pays("account-1")
	w.answer(id, wire.OutcomeApproved)
	w.wantState(id, terminal.Approved, "")
	return id
}

// sold is a payment whose goods left.
func (w *world) sold() terminal.PaymentID {
	w.t.Helper()
	id := w.approved()
	_, err := w.reg.HandOver(w.t.Context(), id)
	w.must(err)
	return id
}

// kept is what the ledger has, whatever the register goes by.
func (w *world) kept() register.Snapshot {
	w.t.Helper()
	s, err := w.disk.Load(w.t.Context())
	w.must(err)
	return s
}

// offlineSale sells a pack with the line down.
func (w *world) offlineSale() terminal.PaymentID {
	w.t.Helper()
	w.grant(w.units("tobacco-day", 2), w.units("tobacco-offline", 2))
	w.down()
	w.sells("s1", packs(1)...)
	id := w.pays("account-1")
	w.wantState(id, terminal.ApprovedOffline, "")
	return id
}

// asking asks the desk; what it says does not count, what stands in the end does.
func (w *world) asking(question func(context.Context) error) func() {
	return func() {
		ctx, cancel := w.soon()
		defer cancel()
		_ = question(ctx)
	}
}

func (w *world) putting(ref terminal.SaleRef, lines ...terminal.Line) func() {
	s := terminal.Sale{Ref: ref, Lines: lines}
	for _, l := range lines {
		s.Total += l.Price * terminal.Yen(l.Quantity)
	}
	return w.asking(func(ctx context.Context) error { _, err := w.reg.PutSale(ctx, s, true); return err })
}

// answering brings the same answer as often as it is asked to.
func (w *world) answering(id terminal.PaymentID, o wire.Outcome, grants ...wire.Grant) func() {
	amount := int64(w.payment(id).Amount)
	return func() {
		w.receive(wire.Message{Type: wire.TypeAnswer, Answer: &wire.Answer{
			Payment: string(id), Outcome: o, Amount: amount, Approval: "A1", Reason: reasonOf(o), Time: time.Now().UnixMilli(), Grants: grants,
		}})
	}
}

func reasonOf(o wire.Outcome) string {
	if o == wire.OutcomeDeclined {
		return string(terminal.BackendDeclined)
	}
	return ""
}

func (w *world) acking(id terminal.PaymentID, of wire.Type) func() {
	return func() { w.ack(id, of, wire.StatusAccepted, "") }
}

func (w *world) stateIs(id terminal.PaymentID, want terminal.State) func() bool {
	return func() bool { return w.payment(id).State == want }
}

func (w *world) saleIs(ref terminal.SaleRef, want terminal.SaleState) func() bool {
	return func() bool {
		s := w.reg.View().Sale
		return s != nil && s.Ref == ref && s.State == want
	}
}

// verdictIs says whether the screen shows one of some states.
func (w *world) verdictIs(want ...terminal.State) func() bool {
	return func() bool {
		v := w.reg.View().Verdict
		for _, s := range want {
			if v != nil && v.State == s {
				return true
			}
		}
		return false
	}
}
