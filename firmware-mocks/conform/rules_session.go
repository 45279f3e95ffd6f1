package conform

import (
	"strings"
	"time"

	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

var sessionRules = []Rule{
	{"hello.first", "A message before hello gets error session, and changes nothing.", theErrors, func(p *play) {
		t, payment := p.dial(p.a()), newID()
		m := t.buy(payment, p.fresh(), price)
		m.Session = 1
		t.refused(m, wire.CodeSession)
		t.hello()
		t.outcome(payment, wire.OutcomeNotSeen)
	}},
	{"session.grows", "Each hello of a register gets a higher session number.", theSessions, func(p *play) {
		t := p.join(p.a())
		for range 3 {
			next := t.rejoin()
			p.want(next.session > t.session, "session %d follows session %d", next.session, t.session)
			t = next
		}
	}},
	{"session.old", "A message of an older session gets error session, and changes nothing.", theSessions, func(p *play) {
		old := p.join(p.a())
		t, payment := old.rejoin(), newID()
		m := t.buy(payment, p.fresh(), price)
		m.Session = old.session
		t.refused(m, wire.CodeSession)
		t.outcome(payment, wire.OutcomeNotSeen)
	}},
	{"session.older", "What an older link says after a newer hello changes nothing: it gets error session, or the link has ended.", theSessions, func(p *play) {
		old := p.join(p.a())
		payment, other := old.paid(price), newID()
		t := old.rejoin()
		old.late(old.void(payment, newID()))
		old.late(old.buy(other, p.fresh(), price))
		t.outcome(payment, wire.OutcomeApproved)
		t.outcome(other, wire.OutcomeNotSeen)
	}},
	{"session.future", "A message of a session that was never opened gets error session.", theSessions, func(p *play) {
		t := p.join(p.a())
		m := t.query(newID())
		m.Session = t.session + 1
		t.refused(m, wire.CodeSession)
	}},
	{"session.restart", "The session number grows across a restart of the backend.", theSessions, func(p *play) {
		t := p.join(p.a())
		p.restart()
		next := t.rejoin()
		p.want(next.session > t.session, "session %d follows session %d across a restart", next.session, t.session)
	}},
	{"hello.other-store", "A hello that names another store than the register's is refused.", theSessions, func(p *play) {
		p.join(p.a())
		t := p.dial(p.a())
		m := t.greeting()
		m.Hello.Store = p.c().Store
		t.refused(m, wire.CodeRefused)
	}},
	{"hello.shorter", "A hello whose journal is shorter than this incarnation's was is refused.", theSessions, func(p *play) {
		t := p.join(p.a())
		before := t.m.copy()
		t.outcome(newID(), wire.OutcomeNotSeen)
		next := t.again()
		m := next.greeting()
		m.Journal = before.head()
		next.refused(m, wire.CodeRefused)
	}},
	{"journal.other-root", "A journal of the same size with another root is refused.", theSessions, func(p *play) {
		t := p.join(p.a())
		m := t.query(newID())
		m.Journal = t.m.head()
		t.tell(m)
		other := *m.Journal
		other.Root = strings.Repeat("d", 64)
		m.Journal, m.ID = &other, ""
		t.refused(m, wire.CodeRefused)
	}},
	{"journal.overtaken", "A smaller journal in a later message means nothing: messages may overtake each other.", theSessions, func(p *play) {
		t, payment := p.join(p.a()), newID()
		early := t.m.head()
		t.outcome(newID(), wire.OutcomeNotSeen)
		m := t.buy(payment, p.fresh(), price)
		m.Journal = early
		t.approved(m)
	}},
	{"welcome.policy", "The welcome brings the policy to a register with an older one, and not to one that has it.", aWelcome, func(p *play) {
		p.want(p.dial(p.a()).hello().Policy != "", "a register without a policy got none")
		t := p.dial(p.a())
		m := t.greeting()
		m.Hello.Versions.Policy = p.k.policy.Version
		p.want(t.helloAs(m).Policy == "", "a register that holds the policy in force got it again")
	}},
	{"welcome.note", "What the welcome brings as policy is a signed note of a policy.", theWord, func(p *play) {
		text, ok := policy.Text(p.dial(p.a()).hello().Policy)
		p.want(ok, "it is no signed note")
		_, err := policy.Parse(text)
		p.want(err == nil, "it is no policy: %v", err)
	}},
	{"welcome.denials", "Denials follow the first welcome, a whole set from version 0, its parts in order.", aWelcome, denials},
	{"time.now", "The time told is the backend's clock at the moment of sending, and never runs back.", theTime, times},
	{"time.again", "An answer that is given again has the time of now.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		first := t.approved(m)
		p.pause()
		m.ID = ""
		second := t.approved(m)
		p.want(p.over() || second.Time > first.Time, "the answer given again has the first one's time")
	}},
}

// restart ends the backend and starts it again.
func (p *play) restart() {
	p.need(p.k.cfg.Restart != nil, "a way to restart the backend")
	if p.over() {
		return
	}
	if err := p.k.cfg.Restart(p.ctx); err != nil {
		p.fail("the backend was not restarted: %w", err)
	}
	for _, t := range p.tills {
		t.conn.Close()
		t.ended = true
	}
	p.back()
}

// back waits until the backend can be dialled again.
func (p *play) back() {
	for end := time.Now().Add(backTime); !p.over(); p.pause() {
		conn, _, err := p.handshakeBy(p.a().showing(), wire.Subprotocol)
		if err == nil {
			conn.Close()
			return
		}
		p.want(time.Now().Before(end), "the backend did not come back in %v: %v", backTime, err)
	}
}

// backTime is how long a backend may take to start.
const backTime = 30 * time.Second

// pause lets a backend's clock go on by more than its tick of a millisecond.
func (p *play) pause() {
	select {
	case <-time.After(20 * time.Millisecond):
	case <-p.ctx.Done():
	}
}

func denials(p *play) {
	t := p.dial(p.a())
	t.hello()
	d := t.pushed(wire.TypeDenials)
	if d.Denials == nil {
		return
	}
	first := *d.Denials
	p.want(first.From == 0 && first.Part == 1, "the first denials are part %d from version %d, not part 1 from 0", first.Part, first.From)
	for n := 2; n <= first.Parts && !p.over(); n++ {
		if d = t.pushed(wire.TypeDenials); d.Denials != nil {
			p.want(d.Denials.Part == n && d.Denials.To == first.To && d.Denials.From == 0 && d.Denials.Parts == first.Parts, "part %d of the denials is out of order", n)
		}
	}
}

// clocks is how far the kit's clock and the backend's may differ: passes hold for
// five minutes with the line up.
const clocks = 5 * time.Minute

func times(p *play) {
	t := p.dial(p.a())
	last := t.hello().Time
	for range 3 {
		p.pause()
		asked := time.Now()
		at := t.outcome(newID(), wire.OutcomeNotSeen).Time
		p.want(at >= last, "the time told runs back")
		if off := time.UnixMilli(at).Sub(asked).Abs(); !p.over() {
			p.want(off < clocks, "the time told is %v away from the kit's clock", off.Round(time.Second))
		}
		p.want(p.over() || at-last < clocks.Milliseconds(), "the time told jumps")
		last = at
	}
	p.want(t.accepted(t.reverse(newID())).Time >= last, "an acknowledgement's time runs back")
}
