package registers

import (
	"time"

	"github.com/google/uuid"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var unknownRules = []rule{
	{"query.every", "Without an answer the payment is queried every times.query, by the same id.", theKeys, queryEveryTime},
	{"query.not-seen", "not-seen is no decline: the payment stays undecided, and the answer to a later query counts.", aQuery, queryNotSeen},
	{"query.declined", "A query's answer declines a payment.", aQuery, queryDeclined},
	{"query.late-answer", "The answer to the authorise counts after times.answer too, as long as nothing was given up.", thePromises, queryLateAnswer},
	{"reversal.give-up", "After times.give_up without an answer the payment is reversed, why timeout.", theKeys, reversalGiveUp},
	{"reversal.cancelled", "A cashier's cancel of a payment that is not known reverses it, why cancelled.", aReversal, reversalCancelled},
	{"reversal.resent", "A reversal is sent again, of the same payment, until it is acknowledged.", theSessions, reversalResent},
	{"reversal.session", "A reversal that was not acknowledged goes again in the next session, and not in the one after.", theSessions, reversalSession},
	{"reversal.status", "An acknowledgement with a status that the register does not know counts as none.", thePromises, reversalStatus},
	{"reversal.final", "Once a reversal is decided a late approval approves nothing.", thePromises, reversalFinal},
	{"reversal.need", "An approval whose grants do not cover the need is reversed, why allotment.", theCaps, reversalNeed},
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func queryEveryTime(p *play) {
	const more = 6
	l := p.begin()
	m := l.asked(lunch)
	var at []time.Time
	for range 1 + more {
		q := l.want(wire.TypeQuery)
		p.want(q.Query.Payment == m.Authorise.Payment, "a query is of another payment")
		at = append(at, q.at)
	}
	p.want(l.counted(wire.TypeAuthorise) == 1, "the authorise came %d times", l.counted(wire.TypeAuthorise))
	if p.over() {
		return
	}
	first, all := at[0].Sub(m.at), at[more].Sub(at[0])
	p.want(first > p.rules.Answer/4 && first < p.rules.Answer+late, "the first query came %v after the authorise, with times.answer %v", first, p.rules.Answer)
	p.want(all > queryEvery && all < more*queryEvery+late, "%d more queries took %v, with times.query %v", more, all, queryEvery)
}

func queryNotSeen(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	for range 2 {
		q := l.want(wire.TypeQuery)
		l.answer(q, &wire.Answer{Payment: m.Authorise.Payment, Outcome: wire.OutcomeNotSeen})
	}
	q := l.want(wire.TypeQuery)
	p.is(m.Authorise.Payment, terminal.Unknown)
	l.approve(q, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
}

func queryDeclined(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	q := l.want(wire.TypeQuery)
	l.answer(q, &wire.Answer{Payment: m.Authorise.Payment, Outcome: wire.OutcomeDeclined, Reason: "backend.declined"})
	p.becomes(m.Authorise.Payment, terminal.Declined)
}

func queryLateAnswer(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.want(wire.TypeQuery)
	l.approve(m, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
}

// reversed waits for the reversal of a payment.
func (l *link) reversed(payment, why string) received {
	m := l.want(wire.TypeReversal)
	l.p.want(m.Reversal.Payment == payment, "the reversal is of another payment")
	l.p.want(m.Reversal.Why == why, "the reversal says why %q, not %q", m.Reversal.Why, why)
	return m
}

func reversalGiveUp(p *play) {
	p.rules.GiveUp = 4 * time.Second
	l := p.begin()
	m := l.asked(lunch)
	r := l.reversed(m.Authorise.Payment, "timeout")
	took := r.at.Sub(m.at)
	p.want(took > p.rules.GiveUp/4 && took < p.rules.GiveUp+2*late, "the reversal came %v after the authorise, with times.give_up %v", took, p.rules.GiveUp)
	l.accept(r)
	p.becomes(m.Authorise.Payment, terminal.Reversed)
}

// givenUp is a payment that was cancelled while it was not known, and its
// reversal.
func (l *link) givenUp() (*wire.Authorise, received) {
	s := l.p.sell(lunch)
	m := l.want(wire.TypeAuthorise)
	l.want(wire.TypeQuery)
	l.p.cancel(s)
	return m.Authorise, l.reversed(m.Authorise.Payment, "cancelled")
}

func reversalCancelled(p *play) {
	l := p.begin()
	a, r := l.givenUp()
	l.accept(r)
	p.becomes(a.Payment, terminal.Reversed)
	l.works()
}

func reversalResent(p *play) {
	l := p.begin()
	a, one := l.givenUp()
	two := l.reversed(a.Payment, "cancelled")
	p.want(one.ID != two.ID, "the reversal that was sent again has the id of the first")
	p.is(a.Payment, terminal.Reversing)
	l.accept(two)
	p.becomes(a.Payment, terminal.Reversed)
}

func reversalSession(p *play) {
	l := p.begin()
	a, _ := l.givenUp()
	next := l.again()
	next.accept(next.reversed(a.Payment, "cancelled"))
	p.becomes(a.Payment, terminal.Reversed)
	last := next.again()
	p.ready()
	last.works()
	p.none(last, wire.TypeReversal)
}

// none wants that no message of a type came on a link.
func (p *play) none(l *link, kind wire.Type) {
	p.want(l.counted(kind) == 0, "%s came, which was acknowledged before", kind)
}

// counted is how many messages of a type came.
func (l *link) counted(kind wire.Type) (n int) {
	for _, m := range l.all() {
		if m.Type == kind {
			n++
		}
	}
	return n
}

func reversalStatus(p *play) {
	l := p.begin()
	a, r := l.givenUp()
	l.ack(r, "accepted-in-part", "")
	l.reversed(a.Payment, "cancelled")
	p.is(a.Payment, terminal.Reversing)
}

func reversalFinal(p *play) {
	l := p.begin()
	a, r := l.givenUp()
	l.answer(r, p.approval(a))
	l.accept(r)
	p.becomes(a.Payment, terminal.Reversed)
	l.works()
	p.is(a.Payment, terminal.Reversed)
}

func reversalNeed(p *play) {
	l := p.begin()
	m := l.asked(packs(1))
	a := p.approval(m.Authorise)
	a.Grants = []wire.Grant{}
	l.answer(m, a)
	l.accept(l.reversed(m.Authorise.Payment, "allotment"))
	p.becomes(m.Authorise.Payment, terminal.Reversed)
}
