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

// acked is an acknowledgement that waits for the store.
type acked struct {
	ack     wire.Ack
	item    *queued
	greeted terminal.Incarnation // whose grants it tells
	rest    []*queued            // all items of a payment whose advice may be rejected
}

// acked takes the backend's acknowledgement of what an item tells. Those that
// come while the store is at work are settled together.
func (r *Register) acked(a wire.Ack) {
	if a.Status != wire.StatusAccepted && a.Status != wire.StatusRejected {
		return // a word of a later release: as if none had come
	}
	q := r.outbox.acknowledgedBy(a)
	if q == nil || q.acked {
		return // told twice
	}
	if a.Status == wire.StatusRejected && q.kind != OutAdvice && q.kind != OutRefund && q.place == placeParked {
		return
	}
	q.acked = true
	r.acks = append(r.acks, acked{ack: a, item: q, greeted: r.greeted})
}

// settleAcks makes it durable what acknowledgements say, and lets their items go.
func (r *Register) settleAcks() {
	if r.working || len(r.acks) == 0 {
		return
	}
	n := min(len(r.acks), together)
	if r.acksSingly > 0 {
		n = 1
		r.acksSingly--
	}
	some := r.acks[:n:n]
	r.acks = r.acks[n:]
	now, inc, sale, o, session := r.now(), r.cfg.Incarnation, r.sale, r.outbox, r.session
	for i, a := range some {
		if a.ack.Status == wire.StatusRejected {
			some[i].rest = slices.Clone(o.of[a.item.payment])
		}
	}
	var done settlement
	r.decide(r.scopeOfAcks(some), func(u Usage) (Changes, error) {
		done = settleAll(u, some, sale, inc, now)
		return done.changes(), nil
	}, func(err error) {
		switch {
		case r.outbox != o:
		case err != nil:
			r.notSettled(some, err)
		default:
			r.carryOn(some, done, session)
		}
	})
}

// scopeOfAcks is what their settlement needs to see: the payments, and the
// counters of those that give something back.
func (r *Register) scopeOfAcks(some []acked) Scope {
	var s Scope
	for _, a := range some {
		s.Payments = append(s.Payments, a.item.payment)
		if a.item.kind == OutReversal || a.item.kind == OutVoid {
			s.Counters = append(s.Counters, scopeOf(r.unresolved[a.item.payment]).Counters...)
		}
	}
	return s
}

// notSettled lets acknowledgements that the store refused together be tried one
// by one. One that it refuses alone is dropped: its item goes again in time, and
// is acknowledged again.
func (r *Register) notSettled(some []acked, err error) {
	if len(some) > 1 {
		r.acks = append(slices.Clone(some), r.acks...)
		r.acksSingly = len(some)
		return
	}
	some[0].item.acked = false
	r.cfg.Log.Warn("an acknowledgement changed nothing", "payment", some[0].ack.Payment, "of", some[0].ack.Of, "error", err)
}

// settlement is what acknowledgements make of their payments.
type settlement struct {
	batch
	done   []*queued // of which nothing is left to settle
	parked []poison
	failed []poison
}

// settleAll is what acknowledgements make of their payments, one after the other.
// An item of which nothing is left to settle goes too: of a payment that is not
// known here, or is past it already.
func settleAll(u Usage, some []acked, sale *terminal.Sale, inc terminal.Incarnation, now terminal.Millis) settlement {
	s := settlement{batch: batch{from: u.Head.Size}}
	for _, a := range some {
		if a.ack.Status == wire.StatusRejected && a.item.kind != OutAdvice && a.item.kind != OutRefund {
			s.parked = append(s.parked, poison{a.item, errors.New("the backend refused it: " + a.ack.Reason)})
			s.all.Parked = append(s.all.Parked, a.item.id)
			continue
		}
		p, known := u.Payments[a.item.payment]
		c, err := Changes{}, errNothing
		if known {
			c, err = acknowledge(p, u, a.item.kind, a.ack, inc, now)
		}
		switch {
		case errors.Is(err, errNothing):
			s.all.Done = append(s.all.Done, a.item.id)
		case err != nil:
			s.failed = append(s.failed, poison{a.item, err})
			continue
		default:
			s.settle(u, a, c, sale)
		}
		s.done = append(s.done, a.item)
	}
	return s
}

// settle takes one payment's changes, and shows them to what follows.
func (s *settlement) settle(u Usage, a acked, c Changes, sale *terminal.Sale) {
	after := c.Payments[0]
	c.Done = []int64{a.item.id}
	if after.State == terminal.Rejected {
		// Nothing was charged: a void or refund of it has nothing left to undo.
		// Its sale is not opened to be paid again: the next customer may be at
		// the till already, and must not be charged for it. Where the goods are
		// still here, the POS puts the sale anew.
		for _, q := range a.rest {
			c.Done, s.done = append(c.Done, q.id), append(s.done, q)
		}
		c.Sale = closedWith(sale, after)
	}
	u.Payments[after.ID] = after
	for _, n := range c.Counters {
		u.Counters[n.Key] = n
	}
	s.add(c)
}

// carryOn follows a settlement that is durable.
func (r *Register) carryOn(some []acked, s settlement, session int64) {
	for _, q := range s.done {
		r.outbox.done(q)
	}
	r.parked(s.parked, session)
	for _, f := range s.failed {
		f.item.acked = false
		r.cfg.Log.Warn("an acknowledgement changed nothing", "payment", f.item.payment, "of", f.item.kind, "error", f.why)
	}
	r.keepSteps(s.steps)
	for _, step := range s.steps {
		if step.payment.State == terminal.Rejected {
			r.rejected(step)
		}
	}
	var grants []wire.Grant
	for _, a := range some {
		if a.greeted == r.greeted {
			grants = append(grants, a.ack.Grants...)
		}
	}
	r.mergeGrants(grants)
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
func (r *Register) rejected(s step) {
	p := s.payment
	if closedWith(r.sale, p) != nil {
		r.sale, r.current, r.notice = nil, nil, nil
		r.tellView(EventSale)
	}
	r.tellAt(EventVerdict, p, s.journal)
	if r.payer.id == p.ID {
		r.payer.beep.say(framing.Bad) // the goods are still here
	}
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
