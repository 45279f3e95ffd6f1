package register

import (
	"context"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// ackTime is how long a clean stop waits for the backend: the time of an answer.
const ackTime = 5 * time.Second

// farewell is what a clean stop still waits to be acknowledged. A nil farewell
// waits for nothing.
type farewell struct {
	grants string // the id of the message that gives back
	waits  map[string]bool
	done   chan struct{}
}

// What a farewell waits for.
const (
	farewellGrants     = "grants"
	farewellCheckpoint = "checkpoint"
)

// told notes that something was acknowledged, or never will be.
func (f *farewell) told(what string) {
	if f == nil || !f.waits[what] {
		return
	}
	if delete(f.waits, what); len(f.waits) == 0 {
		close(f.done)
	}
}

// answered notes that the backend took, or refused, what was given back.
func (f *farewell) answered(re string) {
	if f != nil && re == f.grants {
		f.told(farewellGrants)
	}
}

// abandon notes that nothing more will be acknowledged.
func (f *farewell) abandon() {
	f.told(farewellGrants)
	f.told(farewellCheckpoint)
}

// Stop ends selling and, with the line up, gives back what is held of every
// store cap, so that a nightly restart burns no quota. It waits for the backend's
// acknowledgement and for that of a last checkpoint, at most ackTime. For the
// journal's leaves it does not wait: a day's may take minutes on a slow line, the
// checkpoint vouches for them, and the next session sends them. Run goes on:
// end it afterwards. A kill meanwhile loses quota and nothing else. A payment that
// is not decided keeps what it reserved. The error says that the stop could not
// be kept; the register may be ended all the same.
func (r *Register) Stop(ctx context.Context) error {
	type open struct {
		days []terminal.BusinessDay
		inc  terminal.Incarnation
	}
	now, err := ask(ctx, r, func(answer func(open, *Error)) {
		r.stopping = true
		r.tellView(EventCaps)
		answer(open{r.openWindows(), r.cfg.Incarnation}, nil)
	})
	if err != nil {
		return err
	}
	var held []terminal.CounterKey
	for _, day := range now.days {
		counters, err := r.cfg.Store.Counters(ctx, now.inc, day)
		if err != nil {
			return storageError(err)
		}
		for _, c := range counters {
			held = append(held, c.Key)
		}
	}
	done, err := ask(ctx, r, func(answer func(<-chan struct{}, *Error)) { r.giveBack(held, answer) })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	select {
	case <-done:
	case <-r.ended:
	case <-ctx.Done():
		r.cfg.Log.Warn("the backend did not acknowledge the stop in time: what was held is told with the next hello")
	}
	return nil
}

// openWindows gives the business days of which quota can still be spent: today's,
// and the next one's where grants for it came already.
func (r *Register) openWindows() []terminal.BusinessDay {
	if r.policy == nil {
		return nil
	}
	now := r.time.now()
	today, next := r.policy.Business.Day(now), r.policy.Business.Day(now.Add(24*time.Hour))
	if today == next {
		return []terminal.BusinessDay{today}
	}
	return []terminal.BusinessDay{today, next}
}

// giveBack makes it durable that nothing is held any more and tells the backend.
// Without the line, or with its rights in doubt, the register only notes the
// stop: what it holds is still there at the next start, or burnt with a reboot.
func (r *Register) giveBack(held []terminal.CounterKey, answer func(<-chan struct{}, *Error)) {
	now, inc := r.now(), r.cfg.Incarnation
	if r.session == 0 || r.quarantine != "" || r.admission.wanted { // before it is proved it was granted nothing
		held = nil
	}
	var back []terminal.Counter
	r.decide(Scope{Counters: held}, func(u Usage) (Changes, error) {
		for _, k := range held {
			c := u.counter(k)
			if rest := c.Held().Max(terminal.Amount{}); !rest.Zero() {
				c.Returned = c.Returned.Plus(rest)
				back = append(back, c)
			}
		}
		return Changes{Counters: back, Entries: []journal.Draft{{Entry: journal.Entry{Type: journal.TypeStop, Time: now, Incarnation: inc}}}}, nil
	}, func(err error) {
		if err != nil {
			answer(nil, storageError(err))
			return
		}
		r.farewell = &farewell{waits: map[string]bool{}, done: make(chan struct{})}
		r.sayFarewell(back)
		answer(r.farewell.done, nil)
	})
}

// sayFarewell sends what was given back and a last checkpoint.
func (r *Register) sayFarewell(back []terminal.Counter) {
	f := r.farewell
	if len(back) > 0 {
		m := wire.Message{Type: wire.TypeGrants, ID: newID(), Grants: &wire.Grants{Grants: []wire.Grant{}}}
		for _, c := range back {
			m.Grants.Counters = append(m.Grants.Counters, wireCounter(c))
		}
		if r.send(m) {
			f.grants, f.waits[farewellGrants] = m.ID, true
		}
	}
	if r.checkpoints.making || r.sendCheckpoint(true) {
		f.waits[farewellCheckpoint] = true
	}
	if len(f.waits) == 0 {
		close(f.done)
	}
}
