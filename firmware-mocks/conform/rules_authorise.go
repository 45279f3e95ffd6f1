package conform

import (
	"sync"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var authoriseRules = []Rule{
	{"authorise.amount", "An approval charges what was asked, and says so.", anAnswer, func(p *play) {
		t, payment := p.join(p.a()), newID()
		a := t.bought(payment, p.fresh(), 1160)
		p.want(a.Amount == 1160, "asked for 1160 yen the backend says that it charged %d", a.Amount)
		t.charged(payment, 1160)
	}},
	{"authorise.once", "An authorise that comes twice is decided once and answered alike.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		first := t.approved(m)
		m.ID = ""
		p.alike(first, t.answer(m))
		t.charged(m.Authorise.Payment, price)
	}},
	{"authorise.once-raced", "An authorise that comes twice at once is decided once.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		one := t.tell(m)
		two := t.tell(m)
		p.alike(answerOf(t.await(m.Type, one)), answerOf(t.await(m.Type, two)))
		t.charged(m.Authorise.Payment, price)
	}},
	{"authorise.declined-once", "A decline is the answer ever after, also when it would be approved by now.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		m.Authorise.NotAfter = p.now().Add(-time.Minute).UnixMilli()
		t.declined(m, "")
		again := t.buy(m.Authorise.Payment, m.Authorise.Code, price)
		t.declined(again, "")
		t.outcome(m.Authorise.Payment, wire.OutcomeDeclined)
	}},
	{"authorise.other-content", "The payment's id alone is the key: the same id with another amount gets the first answer.", thePromises, func(p *play) {
		t, payment := p.join(p.a()), newID()
		first := t.approved(t.buy(payment, p.fresh(), price))
		p.alike(first, t.answer(t.buy(payment, p.fresh(), 2*price)))
		t.charged(payment, price)
	}},
	{"authorise.sessions", "An authorise that comes again in the next session gets the same answer.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		first := t.approved(m)
		t = t.rejoin()
		m.ID, m.Session = "", 0
		p.alike(first, t.answer(m))
		t.charged(m.Authorise.Payment, price)
	}},
	{"authorise.restart", "What was decided before a restart is answered alike after it.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		first, dead := t.approved(m), newID()
		t.accepted(t.reverse(dead))
		p.restart()
		t = t.rejoin()
		m.ID, m.Session = "", 0
		p.alike(first, t.answer(m))
		p.want(t.answer(t.buy(dead, p.fresh(), price)).Outcome == wire.OutcomeReversed || p.over(), "a reversal from before the restart is forgotten")
		t.declined(t.buy(newID(), m.Authorise.Code, price), string(terminal.CodeReplayed))
	}},
	{"authorise.late", "An authorise past its not_after is declined with authorise.late.", anAuthorise, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		m.Authorise.NotAfter = p.now().Add(-time.Minute).UnixMilli()
		t.declined(m, string(terminal.AuthoriseTooLate))
		t.notCharged(m.Authorise.Payment)
	}},
	{"authorise.funds", "An amount that is not on the account is declined with backend.declined.", thePromises, func(p *play) {
		p.need(p.k.cfg.Admin != "", "an admin API")
		t, poor := p.join(p.a()), p.customer()
		p.fund(poor.Account(), price-1)
		t.declined(t.buy(newID(), p.show(poor), price), string(terminal.BackendDeclined))
	}},
	{"authorise.account", "An approval shows at most four characters of the account, and its key is as the document says.", anAnswer, func(p *play) {
		t, who := p.join(p.a()), p.customer()
		a := t.approved(t.buy(newID(), p.show(who), price))
		p.want(len(lettersOf(a.Account)) <= 4, "the answer shows %d characters of the account", len(lettersOf(a.Account)))
		p.want(p.over() || a.Key == string(terminal.NewAccountKey(p.k.issuer.Name, who.Account())), "account_key is not of this issuer and pseudonym")
		p.want(a.Issuer == p.k.issuer.Name, "the answer names the issuer %q", a.Issuer)
	}},
	{"authorise.unknown-kind", "A kind or an issuer that the backend does not know is declined with backend.declined.", theCodes, func(p *play) {
		t := p.join(p.a())
		for _, of := range [][2]string{{"novelty", p.k.issuer.Name}, {"digits", "conform-no-wallet"}} {
			m := t.buy(newID(), "1234567890123456", price)
			m.Authorise.Kind, m.Authorise.Issuer = of[0], of[1]
			t.declined(m, string(terminal.BackendDeclined))
			t.notCharged(m.Authorise.Payment)
		}
	}},
	{"authorise.stopped", "A stopped account is declined with account.denied, and the registers are told by denials.", theWord, stopped},
	{"authorise.new-device", "A new device buys no more high-resale goods in a sale than device.new_units_online: device.new.", anAuthorise, func(p *play) {
		p.need(p.k.policy.Device.NewFor > time.Hour, "a policy with a device.new_for above an hour")
		c := p.cap("a cap of a store on high-resale goods", func(c terminal.Cap) bool {
			return c.Scope == terminal.ScopeStore && !c.OfflineOnly && p.k.policy.HighResale[c.Category]
		})
		t, line := p.join(p.a()), wire.Line{Category: string(c.Category), Yen: price, Units: p.k.policy.Device.NewUnitsOnline + 1}
		t.declined(t.buy(newID(), p.show(p.customerWith(time.Minute, ceilings)), price, line), string(terminal.DeviceNew))
	}},
	{"answer.no-amount", "A declined or reversed answer tells no amount: nothing is charged.", anAnswer, func(p *play) {
		t, undone := p.join(p.a()), newID()
		no := t.declined(t.buy(newID(), "SK1:0", price), "")
		t.approved(t.buy(undone, p.fresh(), price))
		t.accepted(t.reverse(undone))
		back := t.outcome(undone, wire.OutcomeReversed)
		p.want(no.Amount == 0 && back.Amount == 0, "a decline tells of %d yen, a reversal of %d", no.Amount, back.Amount)
	}},
	{"query.not-seen", "The query of an id that was not seen is answered not-seen and leaves nothing behind.", aQuery, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.outcome(payment, wire.OutcomeNotSeen)
		t.outcome(payment, wire.OutcomeNotSeen)
		t.approved(t.buy(payment, p.fresh(), price))
	}},
	{"query.tells", "A query tells what became of a payment, as its answer did.", aQuery, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		p.alike(t.approved(m), t.outcome(m.Authorise.Payment, wire.OutcomeApproved))
		m = t.buy(newID(), "SK1:0", price)
		p.alike(t.declined(m, ""), t.outcome(m.Authorise.Payment, wire.OutcomeDeclined))
		t.outcome(m.Authorise.Payment, wire.OutcomeDeclined)
	}},
	{"payment.others", "A message about another register's payment is refused and changes nothing.", thePromises, func(p *play) {
		a, b := p.join(p.a()), p.join(p.b())
		payment := a.paid(price)
		for _, m := range []wire.Message{b.query(payment), b.reverse(payment), b.void(payment, newID()), b.refund(payment, newID(), 1)} {
			b.refused(m, wire.CodeRefused)
		}
		a.charged(payment, price)
	}},
}

// alike wants two answers that differ in nothing but what is of the moment.
func (p *play) alike(a, b wire.Answer) {
	p.want(a.Outcome == b.Outcome && a.Amount == b.Amount && a.Approval == b.Approval && a.Reason == b.Reason && a.Payment == b.Payment,
		"the second answer is %s of %d yen %s %s, the first was %s of %d yen %s %s",
		b.Outcome, b.Amount, b.Approval, b.Reason, a.Outcome, a.Amount, a.Approval, a.Reason)
}

func answerOf(m wire.Message) wire.Answer {
	if m.Answer == nil {
		return wire.Answer{}
	}
	return *m.Answer
}

// lettersOf drops the sign that stands for what is not shown.
func lettersOf(masked string) []rune {
	var out []rune
	for _, r := range masked {
		if r != '…' && r != '*' {
			out = append(out, r)
		}
	}
	return out
}

func stopped(p *play) {
	t, who := p.join(p.a()), p.customer()
	t.approved(t.buy(newID(), p.show(who), price))
	p.admin("/admin/accounts/stop", map[string]any{"issuer": p.k.issuer.Name, "account": who.Account()})
	t.declined(t.buy(newID(), p.show(who), price), string(terminal.AccountDenied))
	t.find("denials with the account", func(m wire.Message) bool { return m.Denials != nil && m.Denials.Add != "" })
}

// raced runs two deeds at once; each has a till of its own.
func raced(one, two func()) {
	var both sync.WaitGroup
	both.Go(one)
	both.Go(two)
	both.Wait()
}
