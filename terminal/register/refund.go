package register

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// maxRefunds bounds in how many parts a payment is given back: more than any
// sale has articles brought back one by one.
const maxRefunds = 100

// Refund gives back a part of a payment, or all of it, after the goods left.
func (r *Register) Refund(ctx context.Context, id terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen) (terminal.Verdict, error) {
	if parsed, err := uuid.Parse(string(refund)); err != nil || parsed.Version() != 7 || parsed.Variant() != uuid.RFC4122 || parsed.String() != string(refund) {
		return terminal.Verdict{}, refundInvalid("a refund's id is a UUID of version 7 in lower case, made anew for each refund")
	}
	return r.mark(ctx, id, func(p terminal.Payment, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
		if err := refundable(p, refund, amount); err != nil {
			return Changes{}, err
		}
		asked := terminal.Refund{ID: refund, Amount: amount, At: now, State: terminal.RefundAsked}
		p.Refunds = append(slices.Clone(p.Refunds), asked)
		item, err := refundItem(p, asked)
		return Changes{
			Payments: []terminal.Payment{p}, Outbox: []OutboxItem{item},
			Entries: []journal.Draft{journal.OfRefund(p, asked, inc, now, journal.MarkRefund)},
		}, err
	})
}

func refundInvalid(text string) *Error { return &Error{Code: CodeRefundInvalid, Text: text} }

// refundable says why a refund cannot be asked for; errNothing where it was
// asked for already, nil where it can.
func refundable(p terminal.Payment, id terminal.RefundID, amount terminal.Yen) error {
	for _, f := range p.Refunds {
		if f.ID != id {
			continue
		}
		if f.Amount != amount {
			return refundInvalid("there is a refund with this id over another amount: take a new id for another refund")
		}
		return errNothing
	}
	switch {
	case p.SetAside != 0:
		return refundInvalid("head office settles this payment by hand: ask it to give the money back")
	case p.Holds():
		return refundInvalid("the goods were not handed over: void the payment")
	case !p.State.Approval() || p.Voided():
		return refundInvalid("nothing was paid with this payment, so that there is nothing to give back")
	case amount < 1 || amount > p.Amount-p.Refunded():
		return refundInvalid("the amount must be above zero and at most what has not been given back yet")
	case len(p.Refunds) >= maxRefunds:
		return refundInvalid("this payment was given back in too many parts: give the rest back in cash")
	}
	return nil
}

func refundItem(p terminal.Payment, f terminal.Refund) (OutboxItem, error) {
	body, err := json.Marshal(wire.Refund{Common: common(p, wire.ClockWall, -1, nil), ID: string(f.ID), Amount: int64(f.Amount)})
	return OutboxItem{Kind: OutRefund, Payment: p.ID, Body: body}, err
}

// refundOf gives the id of the refund that an item asks for; "" where it cannot
// be read.
func refundOf(i OutboxItem) terminal.RefundID {
	var body wire.Refund
	if json.Unmarshal(i.Body, &body) != nil {
		return ""
	}
	return terminal.RefundID(body.ID)
}

// acknowledgeRefund is what the backend's word makes of a refund. It gives no
// quota back: goods that came back are not counted as not sold.
func acknowledgeRefund(p terminal.Payment, a wire.Ack, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	id := terminal.RefundID(a.Op)
	asked := func(f terminal.Refund) bool { return f.ID == id && f.State == terminal.RefundAsked }
	if !slices.ContainsFunc(p.Refunds, asked) {
		return Changes{}, errNothing
	}
	state, why := terminal.RefundDone, terminal.Reason("")
	if a.Status == wire.StatusRejected {
		state, why = terminal.RefundRefused, terminal.RefundDenied
	}
	after, draft := endRefund(p, id, state, why, inc, now)
	return Changes{Payments: []terminal.Payment{after}, Entries: []journal.Draft{draft}}, nil
}

// endRefund gives the payment with one refund done or refused, and its entry.
func endRefund(p terminal.Payment, id terminal.RefundID, to terminal.RefundState, why terminal.Reason, inc terminal.Incarnation, now terminal.Millis) (terminal.Payment, journal.Draft) {
	p.Refunds = slices.Clone(p.Refunds)
	n := slices.IndexFunc(p.Refunds, func(f terminal.Refund) bool { return f.ID == id })
	p.Refunds[n].State, p.Refunds[n].Reason = to, why
	mark := journal.MarkRefunded
	if to == terminal.RefundRefused {
		mark = journal.MarkRefundRefused
	}
	return p, journal.OfRefund(p, p.Refunds[n], inc, now, mark)
}
