package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// How the outbox uses the line.
const (
	window      = 64              // items on the line at once
	urgentRoom  = 16              // reversals and voids beyond it, so that they never wait for advices
	otherRoom   = 16              // advices and refunds that go whatever number of those is not acknowledged
	together    = 64              // items or acknowledgements that share a transaction: a customer waits for one
	resendAfter = 5 * time.Second // without an acknowledgement an item goes again
	retrySend   = time.Second     // the line's queue was full, or the disk took nothing: try again
)

func reversalItem(p terminal.Payment) (OutboxItem, error) {
	why := map[terminal.Reason]string{terminal.Cancelled: "cancelled", terminal.AllotmentMissing: "allotment"}[p.Reason]
	if why == "" {
		why = "timeout"
	}
	body, err := json.Marshal(wire.Reversal{Common: common(p, wire.ClockWall, -1, nil), Why: why})
	return OutboxItem{Kind: OutReversal, Payment: p.ID, Body: body}, err
}

func voidItem(p terminal.Payment) (OutboxItem, error) {
	body, err := json.Marshal(wire.Void{Common: common(p, wire.ClockWall, -1, nil), ID: string(p.Void.ID)})
	return OutboxItem{Kind: OutVoid, Payment: p.ID, Body: body}, err
}

// message makes the message of an item, with what is only known now. It names
// the incarnation that made the payment, whose rights the payment spent: the
// present one may be another.
func (r *Register) message(i OutboxItem, inc terminal.Incarnation) (wire.Message, error) {
	m := wire.Message{ID: newID(), Incarnation: string(inc)}
	var err error
	var c *wire.Common
	switch i.Kind {
	case OutReversal:
		m.Type, m.Reversal = wire.TypeReversal, &wire.Reversal{}
		err, c = json.Unmarshal(i.Body, m.Reversal), &m.Reversal.Common
	case OutVoid:
		m.Type, m.Void = wire.TypeVoid, &wire.Void{}
		err, c = json.Unmarshal(i.Body, m.Void), &m.Void.Common
	case OutRefund:
		m.Type, m.Refund = wire.TypeRefund, &wire.Refund{}
		err, c = json.Unmarshal(i.Body, m.Refund), &m.Refund.Common
	case OutAdvice:
		// An advice keeps the clock and contact of its decision.
		m.Type, m.Advice = wire.TypeAdvice, &wire.Advice{}
		return m, json.Unmarshal(i.Body, m.Advice)
	default:
		return m, fmt.Errorf("outbox item %d is of kind %q, which this release does not know", i.ID, i.Kind)
	}
	c.Clock, c.ContactAge = r.time.quality(), contactMillis(r.time.age())
	return m, err
}

var errTooLarge = errors.New("the item is larger than a message may be")

// envelope is more than what a message has beside its body, in bytes.
const envelope = 4096

// sendable makes the message of an item, or says why it can never be sent: what
// the wire does not take would be dropped there, or end the line, and be sent
// again for ever. A salvaged ledger may hold such an item.
func (r *Register) sendable(i OutboxItem, inc terminal.Incarnation) (wire.Message, error) {
	if len(i.Body) > wire.MaxMessage-envelope {
		return wire.Message{}, errTooLarge
	}
	m, err := r.message(i, inc)
	if err != nil {
		return m, err
	}
	m = r.addressed(m)
	return m, m.Check()
}

// maxScolded is of how many errors in a session the log is told: a backend may
// send them without end.
const maxScolded = 100

// refusedByBackend takes an error in place of an answer. Saying the same again
// would not help: an outbox item is parked. A payment that was to be authorised
// stays not known, and is asked about.
func (r *Register) refusedByBackend(message string, why *wire.Error) {
	if r.scolded++; r.scolded <= maxScolded {
		r.cfg.Log.Warn("the backend refused a message", "code", why.Code, "re", message)
	}
	if why.Code != wire.CodeTrouble && r.admission.refused(message, r.checkpoints.message) {
		r.cfg.Backend.Redial() // another hello brings another challenge
	}
	if why.Code == wire.CodeSession || why.Code == wire.CodeTrouble {
		return // it is said again, with another session or later
	}
	if message == "" {
		return // about nothing that it could read; an item that never left has no message either
	}
	r.farewell.answered(message)
	if message == r.checkpoints.message {
		r.farewell.told(farewellCheckpoint)
	}
	r.leavesRefused(message, why.Code)
	if q := r.outbox.byID[message]; q != nil {
		r.park([]poison{{q, why}})
	}
}

// pump lets go what may go now: it is read from the store, and of an advice that
// goes for the first time it is made durable that it leaves, before it does.
func (r *Register) pump() {
	if r.session == 0 || r.working || r.admission.wanted {
		return
	}
	o := r.outbox
	batch := o.take(r.cfg.Clock.Boot(), together)
	if len(batch) == 0 {
		return
	}
	if slices.IndexFunc(batch, func(q *queued) bool { return q.held == nil }) < 0 {
		r.letGo(batch, remembered(batch))
		return
	}
	var scope Scope
	for _, q := range batch {
		scope.Items, scope.Payments = append(scope.Items, q.id), append(scope.Payments, q.payment)
	}
	now, inc := r.now(), r.cfg.Incarnation
	var going leaving
	r.decide(scope, func(u Usage) (Changes, error) {
		going = leave(u, inc, now)
		if len(going.steps) == 0 {
			return Changes{}, errNothing
		}
		return going.changes(), nil
	}, func(err error) {
		switch {
		case r.outbox != o:
		case err != nil && !errors.Is(err, errNothing):
			r.notRead(batch)
		default:
			r.letGo(batch, going)
		}
	})
}

// notRead waits a moment after the disk refused a step of what was to go. What it
// refuses together it may take one by one: an item that it never takes must hold
// up no others.
func (r *Register) notRead(batch []*queued) {
	o, now := r.outbox, r.cfg.Clock.Boot()
	o.notTill = now + retrySend
	if len(batch) > 1 {
		o.putBack(batch)
		o.singly = len(batch)
		return
	}
	if batch[0].place == placeTaken {
		o.sent(batch[0], "", now)
	}
}

// step is a payment as a transaction made it, and the index of the last entry
// that tells of it.
type step struct {
	payment terminal.Payment
	journal int64
}

// letGo sends what was read.
func (r *Register) letGo(batch []*queued, going leaving) {
	r.keepSteps(going.steps)
	now := r.cfg.Clock.Boot()
	var bad []poison
	for n, q := range batch {
		i, there := going.items[q.id]
		if !there {
			r.outbox.done(q) // nothing is left to tell
			continue
		}
		if q.place != placeTaken {
			continue // another session came meanwhile: it goes in its turn
		}
		m, err := r.sendable(i, going.incs[q.payment])
		if why := going.stuck[q.payment]; why != nil {
			err = why
		}
		if err != nil {
			bad = append(bad, poison{q, err})
			continue
		}
		if !r.send(m) {
			going.remember(batch[n:])
			r.outbox.putBack(batch[n:])
			r.outbox.notTill = now + retrySend
			break
		}
		r.outbox.sent(q, m.ID, now)
	}
	r.park(bad)
}

// keepSteps mirrors payments that have just been made durable, and tells of them.
func (r *Register) keepSteps(steps []step) {
	for _, s := range steps {
		r.keep(s.payment)
	}
	for _, s := range steps {
		r.tellAt(EventPayment, s.payment, s.journal)
	}
}

// batch collects the changes of several payments for one transaction.
type batch struct {
	from  int64 // the first entry's index
	all   Changes
	steps []step
}

// add takes the changes of one payment's step.
func (b *batch) add(c Changes) {
	b.all.Payments = append(b.all.Payments, c.Payments...)
	b.all.Counters = append(b.all.Counters, c.Counters...)
	b.all.Entries = append(b.all.Entries, c.Entries...)
	b.all.Done = append(b.all.Done, c.Done...)
	if c.Sale != nil {
		b.all.Sale = c.Sale
	}
	b.steps = append(b.steps, step{c.Payments[0], b.from + int64(len(b.all.Entries)) - 1})
}

func (b *batch) changes() Changes { return b.all }

// poison is an item that can never be sent, or that the backend cannot take.
type poison struct {
	item *queued
	why  error
}

// park keeps what can never be sent, or what the backend cannot take, and lets
// the rest go on.
func (r *Register) park(bad []poison) {
	if len(bad) == 0 {
		return
	}
	var ids []int64
	for _, b := range bad {
		r.cfg.Log.Error("an item of the outbox is parked: tell head office", "item", b.item.id, "kind", b.item.kind, "payment", b.item.payment, "error", b.why)
		ids = append(ids, b.item.id)
	}
	o, session := r.outbox, r.session
	r.decide(Scope{}, func(Usage) (Changes, error) { return Changes{Parked: ids}, nil }, func(err error) {
		switch {
		case r.outbox != o:
		case err == nil:
			r.parked(bad, session)
		default:
			r.notParked(bad)
		}
	})
}

// parked sets items aside whose parking is durable, unless a new session came
// meanwhile, which tries them again.
func (r *Register) parked(bad []poison, session int64) {
	for _, b := range bad {
		b.item.acked = false
		if r.session == session {
			r.outbox.park(b.item, b.why)
		}
	}
}

// notParked lets items that the disk did not park come again in time.
func (r *Register) notParked(bad []poison) {
	for _, b := range bad {
		if b.item.place == placeTaken {
			r.outbox.sent(b.item, "", r.cfg.Clock.Boot())
		}
	}
}
