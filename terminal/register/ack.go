package register

import (
	"errors"
	"slices"

	"sekisho/scanner/framing"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// outKinds says of which kind an outbox item is that a message acknowledges.
var outKinds = map[wire.Type]OutboxKind{
	wire.TypeReversal: OutReversal, wire.TypeAdvice: OutAdvice, wire.TypeVoid: OutVoid, wire.TypeRefund: OutRefund,
}

// acknowledged takes an acknowledgement of any kind; re is the message that it
// answers.
func (r *Register) acknowledged(re string, a wire.Ack) {
	switch a.Of {
	case wire.TypeCheckpoint:
		r.checkpointAcked(re, a)
	case wire.TypeJournal:
		r.leavesAcked(re, a)
	case wire.TypeGrants:
		r.farewell.answered(re)
	default:
		r.acked(a)
	}
}

// acked takes the backend's acknowledgement of what an item tells.
func (r *Register) acked(a wire.Ack) {
	if a.Status != wire.StatusAccepted && a.Status != wire.StatusRejected {
		return // a word of a later release: as if none had come
	}
	n := slices.IndexFunc(r.outbox, func(i OutboxItem) bool { return i.acknowledgedBy(a) })
	if n < 0 {
		return // told twice
	}
	item := r.outbox[n]
	if a.Status == wire.StatusRejected && item.Kind != OutAdvice && item.Kind != OutRefund {
		if !item.Parked {
			r.park(item, errors.New("the backend refused it: "+a.Reason))
		}
		return
	}
	r.settleItem(item, a)
}

// acknowledgedBy says whether an acknowledgement is this item's. A payment has
// one reversal, advice or void at most, and refunds by their own ids.
func (i OutboxItem) acknowledgedBy(a wire.Ack) bool {
	return i.Kind == outKinds[a.Of] && i.Payment == terminal.PaymentID(a.Payment) &&
		(i.Kind != OutRefund || refundOf(i) == terminal.RefundID(a.Op))
}

// settleItem makes it durable what an acknowledgement says about an item, and
// lets the item go. An item of which nothing is left to settle goes too: of a
// payment that is not known here, or is past it already.
func (r *Register) settleItem(item OutboxItem, a wire.Ack) {
	now, inc, sale := r.now(), r.cfg.Incarnation, r.sale
	scope := scopeOf(r.unresolved[item.Payment])
	scope.Payment, scope.Outbox = item.Payment, item.Payment
	var after *terminal.Payment
	done := []int64{item.ID}
	r.decide(scope, func(u Usage) (Changes, error) {
		if u.Payment == nil {
			return Changes{Done: done}, nil
		}
		c, err := acknowledge(*u.Payment, u, item.Kind, a, inc, now)
		if errors.Is(err, errNothing) {
			return Changes{Done: done}, nil
		}
		if err != nil {
			return c, err
		}
		after = &c.Payments[0]
		if after.State == terminal.Rejected {
			// Nothing was charged: a void or refund of it has nothing left to undo.
			// Its sale is not opened to be paid again: the next customer may be at
			// the till already, and must not be charged for it. Where the goods are
			// still here, the POS puts the sale anew.
			done, c.Sale = itemIDs(u.Outbox), closedWith(sale, *after)
		}
		c.Done = done
		return c, nil
	}, func(err error) {
		if err != nil {
			r.cfg.Log.Warn("an acknowledgement changed nothing", "payment", a.Payment, "of", a.Of, "error", err)
			return
		}
		r.drop(done)
		if after != nil {
			r.keep(*after)
			r.tell(EventPayment, *after)
			if after.State == terminal.Rejected {
				r.rejected(*after)
			}
		}
		r.mergeGrants(a.Grants)
	})
}

// drop forgets items that are done.
func (r *Register) drop(done []int64) {
	r.outbox = slices.DeleteFunc(r.outbox, func(i OutboxItem) bool { return slices.Contains(done, i.ID) })
	for _, id := range done {
		delete(r.inFlight, id)
	}
}

// closedWith gives the register's sale closed where the payment is its own; nil
// where it is of another sale.
func closedWith(s *terminal.Sale, p terminal.Payment) *terminal.Sale {
	if s == nil || s.Payment != p.ID {
		return nil
	}
	closed := *s
	closed.State = terminal.SaleClosed
	return &closed
}

// rejected tells the cashier and the POS that an approval did not hold.
func (r *Register) rejected(p terminal.Payment) {
	if closedWith(r.sale, p) != nil {
		r.sale, r.current, r.notice = nil, nil, nil
		r.tellView(EventSale)
	}
	r.tell(EventVerdict, p)
	if r.payer.id == p.ID {
		r.payer.beep.say(framing.Bad) // the goods are still here
	}
}

func itemIDs(items []OutboxItem) []int64 {
	var ids []int64
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

// acknowledge is what an acknowledgement makes of a payment; errNothing where it
// is past it already.
func acknowledge(p terminal.Payment, u Usage, kind OutboxKind, a wire.Ack, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	switch kind {
	case OutReversal:
		if p.State == terminal.Reversed {
			return Changes{}, errNothing
		}
		after, err := p.Move(terminal.Reversed, p.Reason, now)
		c := moved(after, inc)
		c.Counters = release(p, u, reservedOf)
		return c, err
	case OutAdvice:
		if p.State == terminal.Settled || p.State == terminal.Rejected {
			return Changes{}, errNothing
		}
		return acknowledgeAdvice(p, a, inc, now)
	case OutRefund:
		return acknowledgeRefund(p, a, inc, now)
	}
	if p.Void == nil || p.Void.Acknowledged {
		return Changes{}, errNothing
	}
	void := *p.Void
	void.Acknowledged = true
	p.Void = &void
	return Changes{
		Payments: []terminal.Payment{p}, Counters: release(p, u, wholeOf),
		Entries: []journal.Draft{journal.OfMark(p, inc, now, journal.MarkVoided, "")},
	}, nil
}

// acknowledgeAdvice settles or rejects. A rejected payment was never charged, so
// that a void of it is done, and a refund has nothing to give back.
func acknowledgeAdvice(p terminal.Payment, a wire.Ack, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	if a.Status == wire.StatusAccepted {
		after, err := p.Move(terminal.Settled, "", now)
		return moved(after, inc), err
	}
	after, err := p.Move(terminal.Rejected, rejection(a), now)
	after.Bearer = a.Bearer
	c := Changes{Entries: []journal.Draft{journal.OfPayment(after, inc)}}
	if after.Void != nil {
		after.Void = &terminal.Void{ID: after.Void.ID, At: after.Void.At, Acknowledged: true}
		c.Entries = append(c.Entries, journal.OfMark(after, inc, now, journal.MarkVoided, ""))
	}
	for _, f := range after.Refunds {
		if f.State == terminal.RefundAsked {
			var draft journal.Draft
			after, draft = endRefund(after, f.ID, terminal.RefundRefused, terminal.AdviceRejected, inc, now)
			c.Entries = append(c.Entries, draft)
		}
	}
	c.Payments = []terminal.Payment{after}
	return c, err
}

func rejection(a wire.Ack) terminal.Reason {
	if why := terminal.Reason(a.Reason); why.Known() {
		return why
	}
	return terminal.AdviceRejected
}
