package registers

import (
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var capRules = []rule{
	{"caps.need", "What the register does not hold of a cap an authorise names as its need.", theCaps, capsNeed},
	{"caps.reserved", "What it holds it names as reserved, and reserved and need come to the lines.", theCaps, capsReserved},
	{"caps.counters", "Counters tell the totals after the message's own debit.", payments, capsCounters},
	{"caps.decline", "A decline releases what was reserved.", theCaps, capsDecline},
	{"caps.reversal", "A reversal releases once it is acknowledged, and not before.", theCaps, capsReversal},
	{"caps.refund", "A refund gives no quota back.", theCaps, capsRefund},
	{"grants.merge", "Totals are merged by maximum: a lower one that comes late changes nothing.", theCaps, grantsMerge},
	{"grants.twice", "Totals that come twice count once.", theCaps, grantsTwice},
	{"grants.unknown", "A cap that the policy does not have, and a window that is not open, change nothing.", theCaps, grantsUnknown},
	{"grants.back", "At a clean stop the register returns what it holds.", backGrants, grantsBack},
	{"incarnation.killed", "A process that was killed comes back as the same incarnation.", theCaps, incarnationKilled},
	{"incarnation.boot", "After a boot the incarnation is a new one, and holds nothing.", theCaps, incarnationBoot},
}

// grant tells totals of the day's tobacco.
func (l *link) grant(units int64) {
	l.write(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: []wire.Grant{l.p.total(units)}}})
}

func (p *play) total(units int64) wire.Grant {
	return wire.Grant{Cap: tobaccoDay, Window: p.today(), Total: wire.Amount{Units: units}}
}

// today is the business day of the policy.
func (p *play) today() string {
	_, parsed, err := scenario.PolicyNote(p.k.keys, p.rules, time.Now())
	if err != nil {
		p.fail("the kit made no policy: %w", err)
		return ""
	}
	return string(parsed.Business.Day(time.Now()))
}

// spend is what an authorise takes of the day's tobacco.
func (p *play) spend(list []wire.Spend) wire.Spend {
	for _, s := range list {
		if s.Cap == tobaccoDay {
			return s
		}
	}
	p.fail("no spend names the cap %s", tobaccoDay)
	return wire.Spend{}
}

func (p *play) counter(list []wire.Counter) wire.Counter {
	for _, c := range list {
		if c.Cap == tobaccoDay && c.Window == p.today() {
			return c
		}
	}
	p.fail("no counter names the cap %s of today", tobaccoDay)
	return wire.Counter{}
}

// takes wants that an authorise takes so many of the day's packs.
func (l *link) takes(n, reserved, need int64) received {
	m := l.asked(packs(n))
	s := l.p.spend(m.Authorise.Spends)
	l.p.want(s.Reserved.Units == reserved && s.Need.Units == need, "%d packs take %d as reserved and %d as need, not %d and %d", n, s.Reserved.Units, s.Need.Units, reserved, need)
	l.p.want(s.Window == l.p.today(), "the window is %q, not %q", s.Window, l.p.today())
	return m
}

// approveTo approves with a total of the day's packs.
func (l *link) approveTo(m received, total int64) {
	a := l.p.approval(m.Authorise)
	a.Grants = []wire.Grant{l.p.total(total)}
	l.answer(m, a)
	l.p.becomes(m.Authorise.Payment, terminal.Approved)
	l.p.handOver(m.Authorise.Payment)
}

func capsNeed(p *play) {
	p.begin().takes(2, 0, 2)
}

func capsReserved(p *play) {
	l := p.begin()
	l.grant(1)
	m := l.takes(3, 1, 2)
	l.approveTo(m, 4)
	l.takes(2, 1, 1)
}

func capsCounters(p *play) {
	l := p.begin()
	l.grant(5)
	m := l.takes(2, 2, 0)
	c := p.counter(m.Authorise.Counters)
	p.want(c.Granted.Units == 5 && c.Used.Units == 2, "the counter says granted %d and used %d after 2 of 5 packs", c.Granted.Units, c.Used.Units)
	l.approveTo(m, 5)
	next := l.again()
	c = p.counter(next.hello.Hello.Counters)
	p.want(c.Granted.Units == 5 && c.Used.Units == 2, "hello says granted %d and used %d after 2 of 5 packs", c.Granted.Units, c.Used.Units)
}

func capsDecline(p *play) {
	l := p.begin()
	l.grant(5)
	m := l.takes(3, 3, 0)
	l.answer(m, &wire.Answer{Payment: m.Authorise.Payment, Outcome: wire.OutcomeDeclined, Reason: "backend.declined"})
	p.becomes(m.Authorise.Payment, terminal.Declined)
	p.cancelled(m)
	next := l.takes(5, 5, 0)
	c := p.counter(next.Authorise.Counters)
	p.want(c.Used.Units == 8 && c.Released.Units == 3, "the counter says used %d and released %d", c.Used.Units, c.Released.Units)
}

// cancelled closes the sale of a payment that was declined or reversed.
func (p *play) cancelled(m received) {
	p.cancel(sale{ref: terminal.SaleRef(m.Authorise.Sale.Ref)})
}

func capsReversal(p *play) {
	l := p.begin()
	l.grant(5)
	m := l.takes(3, 3, 0)
	l.want(wire.TypeQuery)
	p.cancelled(m)
	r := l.reversed(m.Authorise.Payment, "cancelled")
	two := l.takes(3, 2, 1)
	l.accept(r)
	p.becomes(m.Authorise.Payment, terminal.Reversed)
	l.approveTo(two, 6)
	l.takes(3, 3, 0)
}

func capsRefund(p *play) {
	l := p.begin()
	l.grant(5)
	m := l.takes(3, 3, 0)
	l.approveTo(m, 5)
	p.refunded(m.Authorise.Payment, newID(), 500)
	l.accept(l.want(wire.TypeRefund))
	p.settled()
	l.takes(3, 2, 1)
}

func grantsMerge(p *play) {
	l := p.begin()
	l.grant(5)
	l.grant(2)
	l.takes(4, 4, 0)
}

func grantsTwice(p *play) {
	l := p.begin()
	l.grant(2)
	l.grant(2)
	l.takes(4, 2, 2)
}

func grantsUnknown(p *play) {
	l := p.begin()
	l.write(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: []wire.Grant{
		{Cap: "novelty", Window: p.today(), Total: wire.Amount{Units: 5}},
		{Cap: tobaccoDay, Window: "2026-01-05", Total: wire.Amount{Units: 5}},
	}}})
	m := l.takes(2, 0, 2)
	for _, c := range m.Authorise.Counters {
		p.want(c.Cap == tobaccoDay && c.Window == p.today(), "a counter names %s of %s", c.Cap, c.Window)
	}
}

func grantsBack(p *play) {
	l := p.begin()
	l.grant(5)
	l.approveTo(l.takes(2, 2, 0), 5)
	l.byHand(wire.TypeGrants)
	if p.over() {
		return
	}
	p.stopping()
	m := l.want(wire.TypeGrants)
	c := p.counter(m.Grants.Counters)
	p.want(c.Returned.Units == 3, "the register returns %d of the 3 packs that it holds", c.Returned.Units)
	p.want(len(m.Grants.Grants) == 0, "the register grants something")
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeGrants, Status: wire.StatusAccepted, Time: now()}})
	l.ends(p.k.cfg.Patience)
}

func incarnationKilled(p *play) {
	l := p.begin()
	l.grant(5)
	l.approveTo(l.takes(2, 2, 0), 5)
	p.restart(false)
	next := p.link()
	next.greet(nil)
	p.want(next.hello.Incarnation == l.hello.Incarnation, "a process that was killed is another incarnation")
	c := p.counter(next.hello.Hello.Counters)
	p.want(c.Used.Units == 2, "hello says used %d after 2 packs", c.Used.Units)
}

func incarnationBoot(p *play) {
	l := p.begin()
	l.grant(5)
	l.approveTo(l.takes(2, 2, 0), 5)
	p.restart(true)
	next := p.link()
	next.greet(nil)
	p.want(next.hello.Incarnation != l.hello.Incarnation, "the incarnation outlives a boot")
	p.want(len(next.hello.Hello.Counters) == 0, "a new incarnation tells counters: %+v", next.hello.Hello.Counters)
	p.ready()
	next.takes(2, 0, 2)
}
