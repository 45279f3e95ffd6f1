package register

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// Software names this release to the backend.
const Software = "sekishod/0.1"

// Hello gives the first message of a link. It may be called from any goroutine.
func (r *Register) Hello(ctx context.Context) (wire.Message, error) {
	type known struct {
		m   wire.Message
		day terminal.BusinessDay
	}
	k, err := ask(ctx, r, func(answer func(known, *Error)) {
		h := &wire.Hello{Register: string(r.cfg.Identity.Register), Store: string(r.cfg.Identity.Store), Software: Software}
		out := known{m: wire.Message{Type: wire.TypeHello, ID: newID(), Incarnation: string(r.cfg.Incarnation), Journal: wireHead(r.head), Hello: h}}
		if r.policy != nil {
			h.Versions.Policy, out.day = r.policy.Version, r.policy.Business.Day(r.time.now())
		}
		answer(out, nil)
	})
	if err != nil || k.day == "" {
		return k.m, err
	}
	counters, err := r.cfg.Store.Counters(ctx, r.cfg.Incarnation, k.day)
	if err != nil {
		return k.m, err
	}
	for _, c := range counters {
		k.m.Hello.Counters = append(k.m.Hello.Counters, wireCounter(c))
	}
	return k.m, nil
}

func wireHead(h journal.Head) *wire.Head {
	if h.Size == 0 {
		h.Root, _ = tlog.TreeHash(0, nil)
	}
	return &wire.Head{Size: h.Size, Root: h.Hex()}
}

// send puts a message on the line with this register's envelope, and the present
// incarnation where the message names no other; false where the line is down and
// nothing left.
func (r *Register) send(m wire.Message) bool {
	if r.session == 0 {
		return false
	}
	m.Session, m.Journal = r.session, wireHead(r.head)
	if m.Incarnation == "" {
		m.Incarnation = string(r.cfg.Incarnation)
	}
	return r.cfg.Backend.Send(m)
}

// LinkUp says that a welcome came: the line is up, the session is open.
func (r *Register) LinkUp(ctx context.Context, w wire.Welcome) {
	came := r.cfg.Clock.Boot()
	r.post(ctx, event{at: true, run: func() {
		r.session = w.Session
		r.time.tell(terminal.Millis(w.Time), came)
		clear(r.inFlight)
		for n := range r.outbox {
			r.outbox[n].Parked = false // each session tries again what was refused
		}
		now := r.cfg.Clock.Boot()
		for _, wait := range r.waits {
			wait.queryAt = now
		}
		r.tellView(EventLink)
		r.accept(event{run: func() {
			r.takePolicy(w.Policy, func() { r.mergeGrants(w.Grants) })
		}})
	}})
}

// LinkDown says that the line is known to be down: from now on the offline rules
// decide.
func (r *Register) LinkDown(ctx context.Context) {
	r.post(ctx, event{at: true, run: func() {
		if r.session == 0 {
			return
		}
		r.session = 0
		r.tellView(EventLink)
	}})
}

// Received takes a message of the present session.
func (r *Register) Received(ctx context.Context, m wire.Message) {
	came := r.cfg.Clock.Boot()
	r.post(ctx, event{run: func() {
		r.time.hear(came)
		switch m.Type {
		case wire.TypeAnswer:
			r.time.tell(terminal.Millis(m.Answer.Time), came)
			r.answered(*m.Answer)
		case wire.TypeAck:
			r.time.tell(terminal.Millis(m.Ack.Time), came)
			r.acked(*m.Ack)
		case wire.TypeGrants:
			r.mergeGrants(m.Grants.Grants)
		case wire.TypePolicy:
			r.takePolicy(m.Policy.Note, nil)
		case wire.TypeError:
			r.refusedByBackend(m.Re, m.Error)
		}
	}})
}

// takePolicy puts a newer policy in force. One that does not verify, or is not
// newer, changes nothing.
func (r *Register) takePolicy(text string, then func()) {
	if then == nil {
		then = func() {}
	}
	if text == "" {
		then()
		return
	}
	p, err := r.cfg.Roles.OpenPolicy(text, r.cfg.Identity.Class)
	if err != nil {
		r.cfg.Log.Error("the backend sent a policy that cannot be taken; the one before stays in force", "error", err)
		then()
		return
	}
	if p.Version < r.floor || r.policy != nil && p.Version <= r.policy.Version {
		then()
		return
	}
	now, inc := r.now(), r.cfg.Incarnation
	r.decide(Scope{}, func(Usage) (Changes, error) {
		return Changes{
			Policy:  &PolicyCopy{Version: p.Version, Note: text},
			Entries: []journal.Draft{{Entry: journal.Entry{Type: journal.TypePolicy, Time: now, Incarnation: inc, Policy: p.Version}}},
		}, nil
	}, func(err error) {
		if err != nil {
			r.cfg.Log.Error("a newer policy could not be kept; the one before stays in force", "error", err)
		} else {
			r.policy, r.floor, r.texts.policy = p, p.Version, text
			r.tellView(EventPolicy)
		}
		then()
	})
}

// mergeGrants takes new totals into the counters of this incarnation.
func (r *Register) mergeGrants(grants []wire.Grant) {
	if len(grants) == 0 || r.working {
		return
	}
	totals := map[terminal.CounterKey]terminal.Amount{} // a message may name a cap twice
	for _, g := range grants {
		k := terminal.CounterKey{Cap: terminal.CapID(g.Cap), Window: terminal.BusinessDay(g.Window), Incarnation: r.cfg.Incarnation}
		totals[k] = totals[k].Max(terminal.Amount(g.Total))
	}
	r.decide(Scope{Counters: slices.Collect(maps.Keys(totals))}, func(u Usage) (Changes, error) {
		var c Changes
		for k, total := range totals {
			before := u.counter(k)
			if after := before.Grant(total); after != before {
				c.Counters = append(c.Counters, after)
			}
		}
		if len(c.Counters) == 0 {
			return c, errNothing
		}
		return c, nil
	}, func(err error) {
		if err == nil {
			r.tellView(EventCaps)
		}
	})
}
