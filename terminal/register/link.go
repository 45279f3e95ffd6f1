package register

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

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
		m    wire.Message
		days []terminal.BusinessDay
	}
	k, err := ask(ctx, r, func(answer func(known, *Error)) {
		h := &wire.Hello{
			Register: string(r.cfg.Identity.Register), Store: string(r.cfg.Identity.Store), Software: Software,
			Versions: r.versions(), Roles: r.roles.Version, Quarantine: r.quarantine,
		}
		r.greeted = r.cfg.Incarnation
		m := wire.Message{Type: wire.TypeHello, ID: newID(), Incarnation: string(r.cfg.Incarnation), Journal: wireHead(r.head), Hello: h}
		answer(known{m, r.openWindows()}, nil)
	})
	for _, day := range k.days {
		counters, err := r.cfg.Store.Counters(ctx, terminal.Incarnation(k.m.Incarnation), day)
		if err != nil {
			return k.m, err
		}
		for _, c := range counters {
			k.m.Hello.Counters = append(k.m.Hello.Counters, wireCounter(c))
		}
	}
	return k.m, err
}

// versions gives those of the rules that are held.
func (r *Register) versions() wire.Versions {
	v := wire.Versions{Denials: r.texts.denials}
	if r.policy != nil {
		v.Policy = r.policy.Version
	}
	if r.freeze != nil {
		v.Freeze = r.freeze.Version
	}
	return v
}

func wireHead(h journal.Head) *wire.Head {
	if h.Size == 0 {
		h.Root, _ = tlog.TreeHash(0, nil)
	}
	return &wire.Head{Size: h.Size, Root: h.Hex()}
}

// send puts a message on the line with this register's envelope, and the present
// incarnation where the message names no other; false where the line is down and
// nothing left. What may not go yet waits for its turn.
func (r *Register) send(m wire.Message) bool {
	if r.session == 0 {
		return false
	}
	if r.admission.wanted && m.Type != wire.TypeCheckpoint {
		return r.admission.hold(m)
	}
	return r.cfg.Backend.Send(r.addressed(m))
}

func (r *Register) addressed(m wire.Message) wire.Message {
	m.Session, m.Journal = r.session, wireHead(r.head)
	if m.Incarnation == "" {
		m.Incarnation = string(r.cfg.Incarnation)
	}
	return m
}

// LinkUp says that a welcome came: the line is up, the session is open.
func (r *Register) LinkUp(ctx context.Context, w wire.Welcome) {
	came := r.cfg.Clock.Boot()
	r.post(ctx, event{at: true, run: func() {
		r.session, r.scolded = w.Session, 0
		r.time.begin(terminal.Millis(w.Time), came)
		r.renewed = false
		r.checkpoints, r.upload, r.coming = checkpoints{}, upload{}, nil
		r.unheard()
		r.admission.wanted = w.Challenge != nil
		r.doubtWelcome(w)
		r.outbox.renew() // each session tries again what was refused
		now := r.cfg.Clock.Boot()
		for _, wait := range r.waits {
			wait.queryAt = now
		}
		r.onLine(func(l *line, now time.Duration) { silence, _ := r.Pace(); l.came(now, silence) })
		r.tellView(EventLink) // a session of its own, also where none was seen to end
		r.accept(event{lost: r.cfg.Backend.Redial, run: func() {
			r.takeRules(w.Roles, w.Policy, w.Freeze, "", func() { r.welcomed(w) })
		}})
	}})
}

// odd is from how far off the machine's clock on the backend's time is worth a
// line in the log: whoever is right, a person should look.
const odd = time.Hour

// doubtWelcome tells the log of what a welcome should not say, and head office that
// its backend may have been put back to an older state. It is taken all the same:
// such a backend must be able to go on, and the machine's own clock is evidence
// only. What waits for a proof may never be heard, so that session does not count
// before.
func (r *Register) doubtWelcome(w wire.Welcome) {
	before := r.latest
	if !r.admission.wanted {
		r.latest = w.Session
	}
	if w.Session <= before {
		r.cfg.Log.Error("the backend's session numbers went back: tell head office, which may have put it back to an older state", "session", w.Session, "before", before)
		r.report("session.older", fmt.Sprintf("session %d follows session %d: this backend was put back to an older state, and what it acknowledged since is not told again", w.Session, before), "")
	}
	if off := time.UnixMilli(w.Time).Sub(r.cfg.Clock.Wall()); off.Abs() > odd {
		r.cfg.Log.Warn("the backend's time is not this machine's: check the machine's date, and tell head office if it is right", "backend", time.UnixMilli(w.Time).UTC(), "ahead_by", off.String())
	}
}

// welcomed carries on with a welcome once its rules are in force.
func (r *Register) welcomed(w wire.Welcome) {
	if r.session != w.Session {
		return // another one came meanwhile
	}
	r.heed(w, func() {
		r.compareKept(w)
		r.mergeGrants(w.Grants)
	})
}

// LinkDown says that the line is known to be down, and why: from now on the
// offline rules decide.
func (r *Register) LinkDown(ctx context.Context, why terminal.LineReason) {
	r.post(ctx, event{at: true, run: func() { r.lineIsDown(why) }})
}

// RoundTrip says how long the answer to a ping took, or that it has not come in so
// long.
func (r *Register) RoundTrip(ctx context.Context, took time.Duration) {
	r.post(ctx, event{at: true, run: func() {
		r.onLine(func(l *line, now time.Duration) { l.beat(now, took) })
	}})
}

// Pace gives how fast the line is to be noticed to be down and tried again, as
// the policy in force says. It may be called from any goroutine.
func (r *Register) Pace() (silence, redial time.Duration) {
	v := r.view.Load()
	return v.silence, v.redial
}

func (r *Register) lineIsDown(why terminal.LineReason) {
	if r.session != 0 {
		r.session = 0
		r.farewell.abandon()
		r.unheard()
	}
	r.onLine(func(l *line, now time.Duration) { l.broke(now, why) })
}

// Received takes a message of the present session.
func (r *Register) Received(ctx context.Context, m wire.Message) {
	came := r.cfg.Clock.Boot()
	// An acknowledgement decides nothing at once: it waits with its like.
	atOnce := m.Type == wire.TypeAck && m.Ack.Payment != ""
	r.post(ctx, event{at: atOnce, lost: r.cfg.Backend.Redial, run: func() {
		r.time.hear(came)
		switch m.Type {
		case wire.TypeAnswer:
			r.time.tell(terminal.Millis(m.Answer.Time), came)
			r.answered(*m.Answer)
		case wire.TypeAck:
			r.time.tell(terminal.Millis(m.Ack.Time), came)
			r.acknowledged(m.Re, *m.Ack)
		case wire.TypeGrants:
			r.mergeGrants(m.Grants.Grants)
		case wire.TypePolicy:
			r.takeRules(m.Policy.Roles, m.Policy.Note, "", m.ID, func() {})
		case wire.TypeFreeze:
			r.takeRules("", "", m.Freeze.Note, m.ID, func() {})
		case wire.TypeDenials:
			r.takeDenials(*m.Denials)
		case wire.TypeError:
			r.refusedByBackend(m.Re, m.Error)
		}
	}})
}

// spends says whether the policy has a store's cap of an id.
func (r *Register) spends(id terminal.CapID) bool {
	if r.policy == nil {
		return false
	}
	c, known := r.policy.Cap(id)
	return known && c.Scope == terminal.ScopeStore
}

// mergeGrants takes new totals into the counters of the incarnation to which the
// backend tells them: that of the hello. A quarantine that ends makes another in
// the middle of a session, and what is still on its way is not that one's.
func (r *Register) mergeGrants(grants []wire.Grant) {
	if len(grants) == 0 || r.working {
		return
	}
	totals := map[terminal.CounterKey]terminal.Amount{} // a message may name a cap twice
	open := r.openWindows()
	for _, g := range grants {
		if !r.spends(terminal.CapID(g.Cap)) || !slices.Contains(open, terminal.BusinessDay(g.Window)) {
			continue // nothing can be sold from it, and the ledger would keep it
		}
		k := terminal.CounterKey{Cap: terminal.CapID(g.Cap), Window: terminal.BusinessDay(g.Window), Incarnation: r.greeted}
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
