package registers

import (
	"crypto/hpke"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var offlineRules = []rule{
	{"offline.advice", "What was approved without the line is told with an advice once the line is up, under the same payment id.", anAdvice, offlineAdvice},
	{"offline.no-authorise", "What was approved without the line is never asked for with authorise.", theLink, offlineNoAuthorise},
	{"advice.content", "An advice tells amount, kind, issuer, sale and when it was created.", anAdvice, adviceContent},
	{"advice.evidence", "The evidence opens with the backend's key, for that payment only, and is the pass that was presented.", theCodes, adviceEvidence},
	{"advice.acknowledged", "An advice that was accepted is told no more.", thePromises, adviceAcknowledged},
	{"advice.session", "An advice that was not acknowledged goes again in the next session, the same to the last field of the payment.", thePromises, adviceSession},
	{"advice.resent", "An advice that was not acknowledged goes again in the same session.", thePromises, adviceResent},
	{"advice.rejected", "A rejected advice ends it: the till shows the payment as rejected, and it is told no more.", anAdvice, adviceRejected},
	{"advice.once-code", "A pass that paid without the line pays no other payment.", theCodes, adviceOnceCode},
	{"advice.old-incarnation", "After a boot an advice names the incarnation that sold.", theCaps, adviceOldIncarnation},
	{"advice.killed", "A kill -9 after an approval without the line loses no advice.", thePromises, adviceKilled},
}

// sold is a payment that was approved with the line down, and the link after it.
func (p *play) sold() (sale, string, *link) {
	p.begin().down()
	s, payment := p.offline(lunch)
	l := p.link()
	l.greet(nil)
	return s, payment, l
}

// advised waits for the advice of a payment.
func (l *link) advised(payment string) received {
	m := l.want(wire.TypeAdvice)
	l.p.want(m.Advice.Payment == payment, "the advice is of another payment")
	return m
}

func offlineAdvice(p *play) {
	_, payment, l := p.sold()
	l.accept(l.advised(payment))
	p.becomes(payment, terminal.Settled)
}

func offlineNoAuthorise(p *play) {
	_, payment, l := p.sold()
	l.accept(l.advised(payment))
	p.becomes(payment, terminal.Settled)
	p.handOver(payment)
	l.works()
	p.want(l.counted(wire.TypeAuthorise) == 1, "a payment was asked for that was approved without the line")
}

func adviceContent(p *play) {
	before := now()
	s, payment, l := p.sold()
	a := l.advised(payment).Advice
	p.want(a.Amount == s.total, "the amount is %d, the sale's total %d", a.Amount, s.total)
	p.want(a.Kind == "pass" && a.Issuer == scenario.Issuer, "kind %q and issuer %q", a.Kind, a.Issuer)
	p.want(a.Sale.Ref == string(s.ref) && a.Sale.Hash == a.SaleHash, "the sale is %q, not %q, or its hash is another", a.Sale.Ref, s.ref)
	// The register's time is behind the kit's: see authoriseNotAfter.
	p.want(a.Created > before-patience.Milliseconds() && a.Created <= now()+1000, "created is %d ms from now", a.Created-now())
	p.want(a.NotAfter == 0, "an advice has an end")
	p.want(a.Versions.Policy == p.rules.Version, "the versions are %+v", a.Versions)
}

func adviceEvidence(p *play) {
	s, payment, l := p.sold()
	a := l.advised(payment).Advice
	sealed := unbase64(a.Evidence)
	open := func(payment string) (string, error) {
		code, err := hpke.Open(p.k.keys.Backend, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("sekisho.evidence.v1\n"+payment), sealed)
		return string(code), err
	}
	code, err := open(payment)
	p.want(err == nil, "the evidence does not open with the backend's key")
	p.want(code == s.code, "the evidence is not the pass that was presented")
	_, err = open(newID())
	p.want(err != nil, "the evidence opens for another payment too")
}

func adviceAcknowledged(p *play) {
	_, payment, l := p.sold()
	l.accept(l.advised(payment))
	p.becomes(payment, terminal.Settled)
	p.handOver(payment)
	next := l.again()
	p.ready()
	next.works()
	p.none(next, wire.TypeAdvice)
}

func adviceSession(p *play) {
	_, payment, l := p.sold()
	one := l.advised(payment).Advice
	next := l.again()
	two := next.advised(payment).Advice
	same := *two
	same.Clock, same.ContactAge, same.Counters, same.Versions = one.Clock, one.ContactAge, one.Counters, one.Versions
	p.want(string(text(same)) == string(text(*one)), "the advice that was sent again is another")
	next.accept(received{Message: wire.Message{Type: wire.TypeAdvice, Advice: two}})
	p.becomes(payment, terminal.Settled)
}

func adviceResent(p *play) {
	_, payment, l := p.sold()
	one := l.advised(payment)
	two := l.advised(payment)
	p.want(one.ID != two.ID, "the advice that was sent again has the id of the first")
	l.accept(two)
	p.becomes(payment, terminal.Settled)
}

func adviceRejected(p *play) {
	_, payment, l := p.sold()
	m := l.advised(payment)
	p.handOver(payment)
	l.ack(m, wire.StatusRejected, string(terminal.AccountDenied))
	p.becomes(payment, terminal.Rejected)
	next := l.again()
	p.ready()
	next.works()
	p.none(next, wire.TypeAdvice)
	p.is(payment, terminal.Rejected)
}

func adviceOnceCode(p *play) {
	s, payment, l := p.sold()
	l.accept(l.advised(payment))
	p.becomes(payment, terminal.Settled)
	p.handOver(payment)
	again := p.sellTo(s.code, lunch)
	p.notTaken(again)
	p.cancel(again)
	l.works()
	for _, m := range l.all() {
		p.want(m.Authorise == nil || m.Authorise.Code != s.code, "the pass was sent for another payment")
	}
}

// notTaken waits until the till says that a code pays nothing.
func (p *play) notTaken(s sale) {
	p.till(func(st scenario.State) bool {
		return st.Notice != nil || st.Verdict != nil && st.Verdict.Sale == s.ref && st.Verdict.Outcome == terminal.OutcomeDeclined
	}, "that the code is not taken")
}

func adviceOldIncarnation(p *play) {
	l := p.begin()
	old := l.hello.Incarnation
	l.down()
	_, payment := p.offline(lunch)
	p.restart(true)
	next := p.link()
	next.greet(nil)
	p.want(next.hello.Incarnation != old, "the incarnation is the one from before the boot")
	m := next.advised(payment)
	p.want(m.Incarnation == old, "the advice names the incarnation %q: %q sold", m.Incarnation, old)
}

func adviceKilled(p *play) {
	p.begin().down()
	_, payment := p.offline(lunch)
	p.restart(false)
	l := p.link()
	l.greet(nil)
	l.accept(l.advised(payment))
	p.becomes(payment, terminal.Settled)
}
