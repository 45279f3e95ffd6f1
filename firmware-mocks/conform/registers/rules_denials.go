package registers

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var denialRules = []rule{
	{"denials.stop", "A denied account pays nothing, and is not asked for.", theWord, denialsStop},
	{"denials.offline", "A denied account pays nothing without the line either.", theWord, denialsOffline},
	{"denials.order", "A part out of order drops the collection.", someDenials, denialsOrder},
	{"denials.parts", "Parts count once the last is there, all of them.", someDenials, denialsParts},
	{"denials.gap", "A delta counts only for a register that holds just its version.", someDenials, denialsGap},
	{"denials.removed", "An account that is removed pays again.", someDenials, denialsRemoved},
	{"denials.whole", "A whole new set is in place of all that the register held.", someDenials, denialsWhole},
	{"denials.boot", "A denial outlasts a boot.", theWord, denialsBoot},
	{"denials.issued-before", "Credentials from before an issuer's time are void; the time only moves forward.", someDenials, denialsBefore},
}

// deny tells of denied accounts, in one message.
func (l *link) deny(from, to int64, phones ...*walletsim.Phone) {
	l.denials(wire.Denials{From: from, To: to, Part: 1, Parts: 1, Add: records(phones...)})
}

func (l *link) denials(d wire.Denials) {
	l.write(wire.Message{Type: wire.TypeDenials, Denials: &d})
}

// records writes accounts as denials name them.
func records(phones ...*walletsim.Phone) string {
	var all []byte
	for _, phone := range phones {
		all = append(all, accountID(phone)...)
		all = binary.BigEndian.AppendUint32(all, uint32(time.Now().Add(2*day).Unix()/60))
	}
	return base64.StdEncoding.EncodeToString(all)
}

func accountID(phone *walletsim.Phone) []byte {
	sum := sha256.Sum256([]byte(scenario.Issuer + "\n" + phone.Account()))
	return sum[:8]
}

// holds waits until the till denies so many accounts.
func (p *play) holds(n int) {
	var denied int
	var last error
	p.awaited(func(scenario.State) bool {
		denied, last = p.world.Till.Denied(p.ctx)
		return last == nil && denied == n
	}, fmt.Sprintf("%d denied accounts", n), func(scenario.State) string { return fmt.Sprintf("%d", denied) })
}

// denied begins with an account that the till denies.
func (p *play) denied() (*link, *walletsim.Phone) {
	l := p.begin()
	phone := p.customer()
	l.deny(1, 2, phone)
	p.holds(1)
	return l, phone
}

func denialsStop(p *play) {
	l, phone := p.denied()
	p.stopped(l, terminal.AccountDenied, p.sellTo(p.pass(phone), lunch))
	l.inForce(wire.Versions{Policy: 1, Denials: 2})
}

func denialsOffline(p *play) {
	l, phone := p.denied()
	l.down()
	s := p.sellTo(p.pass(phone), lunch)
	v := p.verdict(s, terminal.Refused)
	p.want(v.Reason == terminal.AccountDenied, "the till refused with %q", v.Reason)
}

func denialsOrder(p *play) {
	l := p.begin()
	phone := p.customer()
	l.denials(wire.Denials{From: 1, To: 2, Part: 1, Parts: 3, Add: records(phone)})
	l.denials(wire.Denials{From: 1, To: 2, Part: 3, Parts: 3})
	l.denials(wire.Denials{From: 1, To: 2, Part: 2, Parts: 3})
	l.denials(wire.Denials{From: 1, To: 2, Part: 3, Parts: 3})
	p.notDenied(l, phone)
}

// notDenied wants an account not to be denied, and the next hello, which the
// register may say by itself, to name the version from before.
func (p *play) notDenied(l *link, phone *walletsim.Phone) {
	next := l.again()
	p.want(next.hello.Hello.Versions.Denials == 1, "hello names denials %d, not 1", next.hello.Hello.Versions.Denials)
	p.ready()
	p.sellTo(p.pass(phone), lunch)
	m := next.want(wire.TypeAuthorise)
	p.want(m.Authorise.Versions.Denials == 1, "denials %d are in force, not 1", m.Authorise.Versions.Denials)
}

func denialsParts(p *play) {
	l := p.begin()
	one, two := p.customer(), p.customer()
	l.denials(wire.Denials{From: 1, To: 2, Part: 1, Parts: 2, Add: records(one)})
	m := l.paid(lunch)
	p.want(m.Versions.Denials == 1, "a part of a change counted")
	p.handOver(m.Payment)
	l.denials(wire.Denials{From: 1, To: 2, Part: 2, Parts: 2, Add: records(two)})
	p.holds(2)
	for _, phone := range []*walletsim.Phone{one, two} {
		p.stopped(l, terminal.AccountDenied, p.sellTo(p.pass(phone), lunch))
	}
}

func denialsGap(p *play) {
	l := p.begin()
	phone := p.customer()
	l.deny(5, 6, phone)
	p.notDenied(l, phone)
}

func denialsRemoved(p *play) {
	l, phone := p.denied()
	l.denials(wire.Denials{From: 2, To: 3, Part: 1, Parts: 1, Remove: base64.StdEncoding.EncodeToString(accountID(phone))})
	p.holds(0)
	s := p.sellTo(p.pass(phone), lunch)
	m := l.want(wire.TypeAuthorise)
	p.want(m.Authorise.Code == s.code, "the code is another")
}

func denialsWhole(p *play) {
	l := p.begin()
	one, two, three := p.customer(), p.customer(), p.customer()
	l.deny(1, 2, one, two)
	p.holds(2)
	l.deny(0, 3, three)
	p.holds(1)
	p.stopped(l, terminal.AccountDenied, p.sellTo(p.pass(three), lunch))
	s := p.sellTo(p.pass(one), lunch)
	m := l.want(wire.TypeAuthorise)
	p.want(m.Authorise.Code == s.code, "the code is another")
}

func denialsBoot(p *play) {
	l, phone := p.denied()
	// A denial rules before it is kept. What was refused by it is kept after it.
	p.stopped(l, terminal.AccountDenied, p.sellTo(p.pass(phone), lunch))
	p.restart(true)
	l = p.open()
	p.want(l.hello.Hello.Versions.Denials == 2, "hello after a boot names denials %d, not 2", l.hello.Hello.Versions.Denials)
	p.stopped(l, terminal.AccountDenied, p.sellTo(p.pass(phone), lunch))
}

// denialsBefore voids what was issued before tomorrow, then before yesterday: the
// time only moves forward.
func denialsBefore(p *play) {
	l := p.begin()
	phone := p.customer()
	for to, at := range []int64{now() + day.Milliseconds(), now() - day.Milliseconds()} {
		l.denials(wire.Denials{From: int64(to) + 1, To: int64(to) + 2, Part: 1, Parts: 1, Before: map[string]int64{scenario.Issuer: at}})
		s := p.sellTo(p.pass(phone), lunch)
		v := p.verdict(s, terminal.Refused)
		p.want(v.Reason != "", "the till gives no reason")
		p.cancel(s)
	}
	p.none(l, wire.TypeAuthorise)
}
