package registers

import (
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var payRules = []rule{
	{"authorise.code", "An authorise carries the code as it was presented, its kind and its issuer.", theCodes, authoriseCode},
	{"authorise.sale", "An authorise tells amount and sale, and of the goods the watched ones, one line a category.", anAuthorise, authoriseSale},
	{"authorise.common", "An authorise names business day, window, versions, clock, contact and currency, and an entry of its journal.", payments, authoriseCommon},
	{"authorise.not-after", "An authorise ends after times.answer.", anAuthorise, authoriseNotAfter},
	{"authorise.ids", "Each payment has an id of its own.", thePromises, authoriseIDs},
	{"authorise.once", "An authorise is never sent again: in the next session the payment is queried.", thePromises, authoriseOnce},
	{"authorise.killed", "After a kill -9 a payment that was asked for is queried by the same id, never asked for again.", thePromises, authoriseKilled},
	{"code.once", "A code that has paid is sent for no other payment.", theCodes, codeOnce},
	{"answer.approved", "An approval of what was asked is an approval at the till, with its approval code.", anAnswer, answerApproved},
	{"answer.declined", "A decline is a decline at the till, with its reason.", anAnswer, answerDeclined},
	{"answer.twice", "An answer that comes twice is one.", thePromises, answerTwice},
	{"answer.outcome", "An outcome that the register does not know is no approval.", thePromises, answerOutcome},
	{"answer.amount", "An approval of another amount is no approval.", anAnswer, answerAmount},
	{"answer.other-payment", "The answer for another payment approves nothing.", anAnswer, answerOtherPayment},
	{"answer.old-session", "An answer of an older session approves nothing.", theSessions, answerOldSession},
}

func authoriseCode(p *play) {
	l := p.begin()
	s := p.sell(lunch)
	a := l.want(wire.TypeAuthorise).Authorise
	p.want(a.Code == s.code, "the code is not the one that was presented")
	p.want(a.Kind == "pass" && a.Issuer == scenario.Issuer, "kind %q and issuer %q of a pass of %s", a.Kind, a.Issuer, scenario.Issuer)
}

func authoriseSale(p *play) {
	l := p.begin()
	s := p.sell(lunch, packs(1), packs(2))
	a := l.want(wire.TypeAuthorise).Authorise
	p.want(a.Amount == s.total, "the amount is %d, the sale's total %d", a.Amount, s.total)
	p.want(a.Sale.Ref == string(s.ref), "the sale is %q, not %q", a.Sale.Ref, s.ref)
	p.want(a.Sale.Hash == a.SaleHash, "sale_hash is not the hash of the sale")
	want := wire.Line{Category: tobacco, Yen: 3 * int64(pack.Price), Units: 3}
	p.want(len(a.Sale.Lines) == 1 && a.Sale.Lines[0] == want, "the lines are %+v, not %+v", a.Sale.Lines, want)
}

func authoriseCommon(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	c := m.Authorise.Common
	p.want(c.BusinessDay == c.Window && len(c.Window) == len(time.DateOnly), "business day %q and window %q", c.BusinessDay, c.Window)
	p.want(c.Versions.Policy == p.rules.Version && c.Versions.Freeze == 0 && c.Versions.Denials == 1, "versions are %+v", c.Versions)
	p.want(c.Clock == wire.ClockAuthenticated, "the clock is %q with the line up", c.Clock)
	p.want(c.ContactAge >= 0 && c.ContactAge < patience.Milliseconds(), "the backend was heard %d ms ago", c.ContactAge)
	p.want(c.JournalIndex < m.Journal.Size, "the journal of %d entries has none at %d", m.Journal.Size, c.JournalIndex)
}

func authoriseNotAfter(p *play) {
	l := p.begin()
	before := now()
	m := l.asked(lunch)
	after := m.at.UnixMilli()
	ends, answer := m.Authorise.NotAfter, p.rules.Answer.Milliseconds()
	// The register's time is the backend's of the welcome, and what passed since it
	// was read: it is behind the kit's.
	p.want(ends >= before+answer-patience.Milliseconds() && ends <= after+answer+1000, "not_after is %d ms after the authorise came, with times.answer %d ms", ends-after, answer)
}

func authoriseIDs(p *play) {
	l := p.begin()
	one := l.paid(lunch)
	p.handOver(one.Payment)
	two := l.paid(lunch)
	p.want(one.Payment != two.Payment, "two payments have one id")
}

func authoriseOnce(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	next := l.again()
	q := next.want(wire.TypeQuery)
	p.want(q.Query.Payment == m.Authorise.Payment, "the query is of another payment")
	next.approve(q, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
	for _, m := range next.all() {
		p.want(m.Type != wire.TypeAuthorise, "the authorise was sent again")
	}
}

func authoriseKilled(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	p.restart(false)
	next := p.link()
	next.greet(nil)
	for !p.over() {
		got, there := next.next("query")
		p.want(there, "the link ended, and no query came")
		p.want(got.Type != wire.TypeAuthorise, "an authorise came after the start")
		if got.Type == wire.TypeQuery {
			p.want(got.Query.Payment == m.Authorise.Payment, "the query is of another payment")
			return
		}
		if got.Type == wire.TypeReversal { // or it is given up at once
			p.want(got.Reversal.Payment == m.Authorise.Payment, "the reversal is of another payment")
			return
		}
	}
}

func codeOnce(p *play) {
	l := p.begin()
	code := p.pass(p.customer())
	p.sellTo(code, lunch)
	m := l.want(wire.TypeAuthorise)
	l.approve(m, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
	p.handOver(m.Authorise.Payment)
	s := p.sellTo(code, lunch)
	p.notTaken(s)
	p.cancel(s)
	l.works()
	n := 0
	for _, m := range l.all() {
		if m.Type == wire.TypeAuthorise && m.Authorise.Code == code {
			n++
		}
	}
	p.want(n == 1, "the code was sent %d times", n)
}

func answerApproved(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.approve(m, m.Authorise)
	v := p.becomes(m.Authorise.Payment, terminal.Approved)
	p.want(v.Approval == "KIT001", "the till shows the approval code %q", v.Approval)
}

func answerDeclined(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.answer(m, &wire.Answer{Payment: m.Authorise.Payment, Outcome: wire.OutcomeDeclined, Reason: string(terminal.AccountDenied)})
	v := p.becomes(m.Authorise.Payment, terminal.Declined)
	p.want(v.Reason == terminal.AccountDenied, "the till shows the reason %q", v.Reason)
}

func answerTwice(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.approve(m, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
	l.answer(m, &wire.Answer{Payment: m.Authorise.Payment, Outcome: wire.OutcomeDeclined, Reason: "backend.declined"})
	p.handOver(m.Authorise.Payment)
	l.works()
	p.is(m.Authorise.Payment, terminal.Approved)
}

// notApproved answers with something that is no approval, and wants the payment to
// stay undecided.
func notApproved(change func(l *link, a *wire.Answer)) func(*play) {
	return func(p *play) {
		l := p.begin()
		m := l.asked(lunch)
		a := p.approval(m.Authorise)
		change(l, a)
		l.answer(m, a)
		p.asksStill(l, m)
	}
}

func answerOutcome(p *play) {
	notApproved(func(_ *link, a *wire.Answer) { a.Outcome = "approved-in-part" })(p)
}

func answerAmount(p *play) {
	notApproved(func(_ *link, a *wire.Answer) { a.Amount-- })(p)
}

func answerOtherPayment(p *play) {
	notApproved(func(_ *link, a *wire.Answer) { a.Payment = newID() })(p)
}

func answerOldSession(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	next := l.again()
	next.want(wire.TypeQuery)
	a := p.approval(m.Authorise)
	next.write(wire.Message{Type: wire.TypeAnswer, ID: "k-old", Re: m.ID, Session: l.session, Answer: a})
	e := next.want(wire.TypeError)
	p.want(e.Error.Code == wire.CodeSession, "the register answered with error %s, not session", e.Error.Code)
	p.asksStill(next, m)
}
