package register

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// The outbox: what was decided here and must be told. Reading it removes
// nothing, only an acknowledgement does; the backend dedupes.
const (
	window      = 16              // items on the line at once
	resendAfter = 5 * time.Second // without an acknowledgement an item goes again
	retrySend   = time.Second     // the line's queue was full: try again
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
func (r *Register) message(i OutboxItem) (wire.Message, error) {
	m := wire.Message{ID: newID(), Incarnation: string(r.unresolved[i.Payment].Incarnation)}
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

// flight is an outbox item on its way.
type flight struct {
	again   time.Duration // when to send it again, on the boot clock
	message string        // the id under which it went
}

// refusedByBackend takes an error in place of an answer. Saying the same again
// would not help: an outbox item is parked. A payment that was to be authorised
// stays not known, and is asked about.
func (r *Register) refusedByBackend(message string, why *wire.Error) {
	r.cfg.Log.Warn("the backend refused a message", "code", why.Code, "re", message)
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
	for _, i := range r.outbox {
		if f, sent := r.inFlight[i.ID]; sent && f.message == message && !i.Parked {
			r.park(i, why)
			return
		}
	}
}

// pump sends what may go now: reversals and voids first, never two items of one
// payment at once, at most window on the line.
func (r *Register) pump() {
	if r.session == 0 || r.working {
		return
	}
	now := r.cfg.Clock.Boot()
	for _, i := range r.sendable(now) {
		if p, ok := r.unresolved[i.Payment]; ok && i.Kind == OutAdvice && p.State == terminal.ApprovedOffline {
			r.markAdvised(p)
			return
		}
		m, err := r.message(i)
		if err == nil {
			// What the wire does not take would be dropped there and sent again
			// for ever: a salvaged ledger may hold such an item.
			_, err = wire.Encode(r.addressed(m))
		}
		if err != nil {
			r.park(i, err)
			return
		}
		if !r.send(m) {
			r.inFlight[i.ID] = flight{again: now + retrySend}
			return
		}
		r.inFlight[i.ID] = flight{again: now + resendAfter, message: m.ID}
	}
}

// sendable gives the items that may go now: those that were never sent first, so
// that items which the backend does not acknowledge hold up no others.
func (r *Register) sendable(now time.Duration) []OutboxItem {
	taken := map[terminal.PaymentID]bool{}
	flying := 0
	var first, rest []OutboxItem
	for _, i := range r.outbox {
		if taken[i.Payment] {
			continue
		}
		// A parked item still holds up its payment's later ones: a void must
		// never overtake its advice.
		if taken[i.Payment] = true; i.Parked {
			continue
		}
		switch f, sent := r.inFlight[i.ID]; {
		case sent && now < f.again:
			flying++
		case i.Kind == OutAdvice, i.Kind == OutRefund:
			rest = append(rest, i)
		default:
			first = append(first, i)
		}
	}
	longestAgo := func(a, b OutboxItem) int { return cmp.Compare(r.inFlight[a.ID].again, r.inFlight[b.ID].again) }
	slices.SortStableFunc(first, longestAgo)
	slices.SortStableFunc(rest, longestAgo)
	all := append(first, rest...)
	return all[:min(len(all), max(0, window-flying))]
}

// markAdvised makes it durable that the advice leaves, before it does.
func (r *Register) markAdvised(p terminal.Payment) {
	r.step(p.ID, terminal.Advised, "", func(after terminal.Payment, err error) {
		if err != nil {
			r.pauseOutbox(p.ID)
			return
		}
		r.keep(after)
		r.tell(EventPayment, after)
	})
}

// pauseOutbox lets a payment's items wait after the disk refused a step of it.
func (r *Register) pauseOutbox(id terminal.PaymentID) {
	for _, i := range r.outbox {
		if i.Payment == id {
			r.inFlight[i.ID] = flight{again: r.cfg.Clock.Boot() + resendAfter}
		}
	}
}

// park keeps an item that can never be sent, or that the backend cannot take,
// and lets the rest go on.
func (r *Register) park(i OutboxItem, why error) {
	r.cfg.Log.Error("an item of the outbox is parked: tell head office", "item", i.ID, "kind", i.Kind, "payment", i.Payment, "error", why)
	session := r.session
	r.decide(Scope{}, func(Usage) (Changes, error) {
		return Changes{Parked: []int64{i.ID}}, nil
	}, func(err error) {
		if err != nil {
			r.pauseOutbox(i.Payment)
			return
		}
		if r.session != session {
			return // a new session came meanwhile, and tries it again
		}
		for n := range r.outbox {
			if r.outbox[n].ID == i.ID {
				r.outbox[n].Parked = true
			}
		}
	})
}
