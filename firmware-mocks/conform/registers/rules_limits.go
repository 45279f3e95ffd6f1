package registers

import (
	"encoding/hex"
	"fmt"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// limitRules are about what a register must not sell by itself.
var limitRules = []rule{
	{"offline.floor", "A sum above offline.floor is not approved without the line, one below it is.", theKeys, offlineFloor},
	{"offline.count", "Without the line an account pays no more often than offline.account_count.", theKeys, offlineCount},
	{"offline.limits", "What the backend last told of an account bounds what it pays without the line.", anAnswer, offlineLimits},
	{"offline.barred", "An account that the backend declined pays nothing without the line.", theKeys, offlineBarred},
	{"offline.allotment", "Without the line watched goods are sold from what is held of every cap, and no more; the advice names it as reserved.", theCaps, offlineAllotment},
	{"offline.boot", "After a boot, before the backend was heard, high-resale goods are not sold, others up to offline.boot_yen; the advice says that its clock is the wall's.", theKeys, offlineBoot},
	{"offline.digits", "A wallet's digits go up as such, with the wallet's id, and are not approved without the line.", theCodes, offlineDigits},
	{"offline.frozen", "What is frozen is not sold without the line either.", theWord, offlineFrozen},
	{"link.bad", "On a line that breaks again and again a payment is decided without the backend first, and told; what that refuses is asked for, and no payment both ways.", theLink, linkBad},
	{"query.one-code", "While a payment is not known its sale is paid by no other code.", thePromises, queryOneCode},
}

// refusedBySelf wants a sale to be refused by the register itself, and gives it up.
func (p *play) refusedBySelf(s sale) {
	v := p.verdict(s, terminal.Refused)
	p.want(v.Reason != "", "the till refused without a reason")
	p.cancel(s)
}

// approvedBySelf wants a sale to be approved by the register itself.
func (p *play) approvedBySelf(s sale) string {
	payment := string(p.verdict(s, terminal.ApprovedOffline).Payment)
	p.handOver(payment)
	return payment
}

func offlineFloor(p *play) {
	p.begin().down()
	much := lunch
	p.act(func() { much.Quantity = 8 }) // 5,760 yen, of a floor of 5,000
	p.refusedBySelf(p.sell(much))
	p.approvedBySelf(p.sell(lunch))
}

func offlineCount(p *play) {
	const most = 3 // the policy's offline.account_count
	p.begin().down()
	phone := p.customer()
	for range most {
		p.approvedBySelf(p.sellTo(p.pass(phone), lunch))
	}
	who := p.customer()
	p.act(func() { who = phone })
	p.refusedBySelf(p.sellTo(p.pass(who), lunch))
}

// answered has the backend answer for an account, and gives a phone to go on with: of
// that account.
func (p *play) answered(l *link, a wire.Answer, state terminal.State) *walletsim.Phone {
	phone, who := p.customer(), p.customer()
	p.act(func() { who = phone })
	if p.over() {
		return phone
	}
	s := p.sellTo(p.pass(phone), lunch)
	m := l.want(wire.TypeAuthorise)
	a.Payment, a.Issuer, a.Key = m.Authorise.Payment, scenario.Issuer, hex.EncodeToString(accountID(phone))
	l.answer(m, &a)
	p.becomes(m.Authorise.Payment, state)
	if state == terminal.Approved {
		p.handOver(m.Authorise.Payment)
	} else {
		p.cancel(s)
	}
	return who
}

func offlineLimits(p *play) {
	l := p.begin()
	who := p.answered(l, wire.Answer{Outcome: wire.OutcomeApproved, Amount: int64(lunch.Price), Approval: "KIT001", Limits: &wire.Limits{Yen: 100, Count: 1}}, terminal.Approved)
	l.down()
	p.refusedBySelf(p.sellTo(p.pass(who), lunch))
}

func offlineBarred(p *play) {
	l := p.begin()
	who := p.answered(l, wire.Answer{Outcome: wire.OutcomeDeclined, Reason: string(terminal.BackendDeclined)}, terminal.Declined)
	l.down()
	p.refusedBySelf(p.sellTo(p.pass(who), lunch))
}

// tobaccoOffline is the demo's offline-only cap on tobacco.
const tobaccoOffline = "tobacco-offline"

// stock grants packs of both caps of a store on tobacco.
func (l *link) stock(units int64) {
	offline := l.p.total(units)
	offline.Cap = tobaccoOffline
	l.write(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: []wire.Grant{l.p.total(units), offline}}})
}

func offlineAllotment(p *play) {
	l := p.begin()
	l.stock(2)
	l.down()
	one := p.approvedBySelf(p.sell(packs(1)))
	p.refusedBySelf(p.sell(packs(2)))
	two := p.approvedBySelf(p.sell(packs(1)))
	p.refusedBySelf(p.sell(packs(1)))
	next := p.link()
	next.greet(nil)
	for _, payment := range []string{one, two} {
		m := next.want(wire.TypeAdvice)
		p.want(m.Advice.Payment == payment, "the advice is of another payment")
		for _, id := range []string{tobaccoDay, tobaccoOffline} {
			took := wire.Amount{}
			for _, s := range m.Advice.Spends {
				if s.Cap == id {
					took = s.Reserved
					p.want(s.Need == wire.Amount{}, "the advice needs %d units of %s", s.Need.Units, id)
				}
			}
			p.want(took.Units == 1, "the advice of one pack takes %d units of %s", took.Units, id)
		}
		next.accept(m)
		p.becomes(payment, terminal.Settled)
	}
	p.ready()
	next.takes(1, 0, 1)
}

func offlineBoot(p *play) {
	l := p.begin()
	l.stock(2)
	l.approveTo(l.takes(1, 1, 0), 2)
	p.restart(true)
	p.till(func(s scenario.State) bool { return s.Scanner == "connected" }, "the scanner to be up")
	goods := lunch
	p.act(func() { goods = pack })
	p.refusedBySelf(p.sell(goods))
	const most = 2 // of 720 yen each, of an offline.boot_yen of 1,500
	var sold []string
	for range most {
		sold = append(sold, p.approvedBySelf(p.sell(lunch)))
	}
	p.refusedBySelf(p.sell(lunch))
	next := p.link()
	next.greet(nil)
	for _, payment := range sold {
		m := next.advised(payment)
		p.want(m.Advice.Clock == wire.ClockWall, "the advice says that its clock is %q", m.Advice.Clock)
		next.accept(m)
		p.becomes(payment, terminal.Settled)
	}
}

// digits is a code of the demo's wallet paypay; no two are alike.
func digits() string { return fmt.Sprintf("9000818188%014d", time.Now().UnixNano()%1e14) }

func offlineDigits(p *play) {
	l := p.begin()
	s := p.sellTo(digits(), lunch)
	m := l.want(wire.TypeAuthorise)
	a := m.Authorise
	p.want(a.Kind == "digits" && a.Issuer == "paypay" && a.Code == s.code, "the digits of paypay went up as kind %q of the issuer %q", a.Kind, a.Issuer)
	l.approve(m, a)
	p.becomes(a.Payment, terminal.Approved)
	p.handOver(a.Payment)
	l.down()
	code := p.pass(p.customer())
	p.act(func() { code = digits() })
	p.refusedBySelf(p.sellTo(code, lunch))
}

func offlineFrozen(p *play) {
	l := p.begin()
	l.stock(2)
	p.act(func() {
		l.freeze(2, freezeTobacco, p.k.keys.Freeze)
		p.till(func(s scenario.State) bool { return len(s.Frozen) == 1 }, "the freeze")
	})
	l.down()
	s := p.sell(packs(1))
	v := p.verdict(s, terminal.Refused)
	p.want(v.Reason == terminal.Frozen, "the till refused with %q", v.Reason)
	p.cancel(s)
	p.approvedBySelf(p.sell(lunch))
}

func linkBad(p *play) {
	l := p.begin()
	for range 3 {
		l = l.again()
	}
	p.till(func(s scenario.State) bool { return s.Link.State == terminal.LineBad }, "a line that is bad")
	s := p.sell(lunch)
	m := l.either(wire.TypeAdvice, wire.TypeAuthorise)
	p.want(m.Type == wire.TypeAdvice, "the payment was asked for over a line that broke three times")
	if p.over() {
		return
	}
	l.accept(m)
	p.becomes(m.Advice.Payment, terminal.Settled)
	p.handOver(m.Advice.Payment)
	p.want(m.Advice.Sale.Ref == string(s.ref), "the advice is of another sale")
	l.takes(1, 0, 1)
	for _, other := range l.all() {
		p.want(other.Authorise == nil || other.Authorise.Payment != m.Advice.Payment, "a payment was both told and asked for")
	}
}

func queryOneCode(p *play) {
	l := p.begin()
	s := p.sell(lunch)
	m := l.want(wire.TypeAuthorise)
	l.want(wire.TypeQuery)
	other := p.pass(p.customer())
	p.do("read another code", func() error { return p.world.ShowText(p.ctx, other) })
	p.notTaken(s)
	l.approve(l.want(wire.TypeQuery), m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
	p.want(l.counted(wire.TypeAuthorise) == 1, "the sale of a payment that is not known was asked for by another code")
}
