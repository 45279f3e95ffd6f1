package register

import (
	"errors"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// defaultGive is how long an unknown is asked about where no policy is left to
// say: the design's 45 seconds.
const defaultGive = 45 * time.Second

// restore takes over what the store holds, at start and after the ledger had to
// be reopened, and writes that it did. A payment found "sent" may or may not
// have reached the backend: it is unknown.
func (r *Register) restore(s Snapshot) {
	r.head, r.sale, r.current = s.Head, s.Sale, s.Current
	r.outbox, r.acks, r.acksSingly = newOutbox(s.Outbox), nil, 0
	r.time.mark, r.pruning.first = s.Mark, s.Pruned
	clear(r.unresolved)
	clear(r.waits)
	r.restoreRules(s)
	s.Denials = DenialsCopy{} // megabytes, which what follows would hold
	r.restoreDoubt(s)
	for _, p := range s.Unresolved {
		r.keep(p)
	}
	now, inc := r.now(), r.cfg.Incarnation
	var start batch
	r.decide(Scope{}, func(u Usage) (Changes, error) {
		start = batch{from: u.Head.Size, all: started(inc, now)}
		for _, p := range s.Unresolved {
			if p.State != terminal.Sent {
				continue
			}
			p, err := p.Move(terminal.Unknown, terminal.BackendSilent, now)
			if err != nil {
				return Changes{}, err
			}
			start.add(moved(p, inc))
		}
		return start.changes(), nil
	}, func(err error) {
		if err != nil {
			r.cfg.Log.Error("the start could not be journalled yet; it is tried again", "error", err)
			if errors.Is(err, ErrNotStored) { // a ledger that was reopened has a start of its own
				r.owe(startOwed, started(inc, now), func() {})
			}
			return
		}
		r.paidUp(startOwed)
		r.keepSteps(start.steps)
		for _, s := range start.steps {
			r.tellAt(EventVerdict, s.payment, s.journal)
		}
	})
}

// startOwed names a start that is not stored yet. Its payments are not part of it:
// each becomes unknown in its time.
const startOwed = "start"

// started is what a start writes.
func started(inc terminal.Incarnation, now terminal.Millis) Changes {
	return Changes{Entries: []journal.Draft{{Entry: journal.Entry{Type: journal.TypeStart, Time: now, Incarnation: inc}}}}
}

// keep mirrors a payment that has just been made durable.
func (r *Register) keep(p terminal.Payment) {
	if r.current != nil && r.current.ID == p.ID {
		r.current = &p
	}
	if !p.Unresolved() {
		delete(r.unresolved, p.ID)
		delete(r.waits, p.ID)
		return
	}
	r.unresolved[p.ID] = p
	switch {
	case !p.State.Undecided():
		delete(r.waits, p.ID)
	case r.waits[p.ID] == nil:
		r.waits[p.ID] = r.newWait(p)
	}
}

// wait says, on the boot clock, what is due for a payment that is not decided.
type wait struct {
	unknownAt time.Duration // "sent" becomes unknown
	queryAt   time.Duration // ask again
	giveAt    time.Duration // give up and reverse
	asked     int64         // the session over which it was sent, until it is known whether the answer came in time
}

// newWait counts from now for a payment just sent; for one found at start, what
// has passed since it was made is taken off, as far as the clock can be trusted.
func (r *Register) newWait(p terminal.Payment) *wait {
	answer, give := time.Duration(0), defaultGive
	if r.policy != nil {
		answer, give = r.policy.Times.Answer, r.policy.Times.Give
	}
	passed := min(max(0, time.Duration(r.now()-p.Created)*time.Millisecond), give)
	now := r.cfg.Clock.Boot()
	return &wait{unknownAt: now + max(0, answer-passed), queryAt: now, giveAt: now + give - passed}
}
