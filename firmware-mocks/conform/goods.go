package conform

import (
	"strings"
	"time"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// price is what the kit pays where the amount does not matter, in yen.
const price = 100

// boundLongAgo is when the phones of ordinary customers were bound.
const boundLongAgo = 400 * 24 * time.Hour

// ceilings of the kit's customers are above any policy's.
var ceilings = walletsim.Ceilings{Yen: 1_000_000, Count: 1000}

// somebody is an account that was never seen before.
func (p *play) somebody() walletsim.Owner {
	return walletsim.Owner{
		Account: "conform-" + strings.ReplaceAll(newID(), "-", "")[12:], BoundAt: p.now().Add(-boundLongAgo), Ceilings: ceilings,
	}
}

// customer is a phone of an account that was never seen before. Its pseudonym
// begins with "conform-": the backend has money on such accounts, or the admin
// API puts it there.
func (p *play) customer() *walletsim.Phone { return p.phone(p.wallet(), p.somebody(), p.now) }

func (p *play) customerWith(bound time.Duration, most walletsim.Ceilings) *walletsim.Phone {
	owner := p.somebody()
	owner.BoundAt, owner.Ceilings = p.now().Add(-bound), most
	return p.phone(p.wallet(), owner, p.now)
}

func (p *play) wallet() walletsim.Issuer {
	i := p.k.issuer
	return walletsim.Issuer{Name: i.Name, KeyID: i.KeyID, Audience: p.k.policy.Realm, Key: p.k.cfg.Wallet}
}

func (p *play) phone(issuer walletsim.Issuer, owner walletsim.Owner, now func() time.Time) *walletsim.Phone {
	phone, err := walletsim.NewPhone(issuer, owner, 0, now)
	if err != nil {
		p.fail("the kit made no phone: %w", err)
	}
	p.fund(owner.Account, funds)
	return phone
}

// show is a phone's next pass.
func (p *play) show(phone *walletsim.Phone) string {
	if p.over() {
		return ""
	}
	text, err := phone.Pass()
	if err != nil {
		p.fail("the kit made no pass: %w", err)
	}
	return text
}

// fresh is a pass of somebody who was not here before.
func (p *play) fresh() string { return p.show(p.customer()) }

// shownAt is a pass that was made a while ago.
func (p *play) shownAt(ago time.Duration) string {
	then := func() time.Time { return p.now().Add(-ago) }
	return p.show(p.phone(p.wallet(), p.somebody(), then))
}

// saleHash stands for the hash of a frozen sale.
var saleHash = strings.Repeat("c", 64)

// notAfter is how long the kit's requests hold.
const notAfter = 30 * time.Second

func (t *till) common(payment string) wire.Common {
	return wire.Common{
		Payment: payment, JournalIndex: t.m.size(), BusinessDay: t.p.today(), Window: t.p.today(), SaleHash: saleHash,
		Clock: wire.ClockAuthenticated, Currency: wire.Currency, Versions: wire.Versions{Policy: t.p.k.policy.Version},
		Counters: t.told(),
	}
}

// buy asks for a payment by a pass: of ordinary goods, or of watched ones in
// lines, all of which is asked for as need.
func (t *till) buy(payment, code string, yen int64, lines ...wire.Line) wire.Message {
	c := t.common(payment)
	c.NotAfter = t.p.now().Add(notAfter).UnixMilli()
	spends := t.p.spends(yen, lines, false)
	for i := range spends {
		spends[i].Need, spends[i].Reserved = spends[i].Reserved, wire.Amount{}
	}
	return wire.Message{Type: wire.TypeAuthorise, Authorise: &wire.Authorise{
		Common: c, Amount: yen, Kind: "pass", Issuer: t.p.k.issuer.Name, Code: code, Sale: sale(lines), Spends: spends,
	}}
}

// bought asks, wants an approval, and counts what it took of the caps.
func (t *till) bought(payment, code string, yen int64, lines ...wire.Line) wire.Answer {
	m := t.buy(payment, code, yen, lines...)
	a := t.approved(m)
	if !t.p.over() {
		for _, s := range m.Authorise.Spends {
			t.use(s.Cap, s.Need)
		}
	}
	return a
}

// use and release count in the till's own counters.
func (t *till) use(id string, a wire.Amount) {
	c := t.counter(id, t.p.today())
	c.Used = wire.Amount{Yen: c.Used.Yen + a.Yen, Units: c.Used.Units + a.Units}
}

func (t *till) release(id string, a wire.Amount) {
	c := t.counter(id, t.p.today())
	c.Released = wire.Amount{Yen: c.Released.Yen + a.Yen, Units: c.Released.Units + a.Units}
}

// paid is a payment of ordinary goods that was approved.
func (t *till) paid(yen int64) string {
	payment := newID()
	t.bought(payment, t.p.fresh(), yen)
	return payment
}

func sale(lines []wire.Line) wire.Sale {
	return wire.Sale{Ref: "conform-" + newID(), Revision: 1, Hash: saleHash, Lines: lines}
}

// spends counts what a sale takes of each store cap, as reserved.
func (p *play) spends(paid int64, lines []wire.Line, offline bool) []wire.Spend {
	list := []wire.Spend{}
	for _, c := range p.k.policy.Caps {
		if c.Scope != terminal.ScopeStore || (c.OfflineOnly && !offline) {
			continue
		}
		if a := count(c, paid, lines); a != (wire.Amount{}) {
			list = append(list, wire.Spend{Cap: string(c.ID), Window: p.today(), Reserved: a})
		}
	}
	return list
}

// count is docs/protocol.md, "Caps", "Counted".
func count(c terminal.Cap, paid int64, lines []wire.Line) wire.Amount {
	var sum wire.Amount
	for _, l := range lines {
		if c.Category == "" || string(c.Category) == l.Category {
			sum.Yen, sum.Units = sum.Yen+l.Yen, sum.Units+l.Units
		}
	}
	if c.Category == "" {
		sum.Yen = max(sum.Yen, paid)
	}
	if c.Limit.Yen == terminal.Unlimited {
		sum.Yen = 0
	}
	if c.Limit.Units == terminal.Unlimited {
		sum.Units = 0
	}
	return sum
}

func (t *till) query(payment string) wire.Message {
	return wire.Message{Type: wire.TypeQuery, Query: &wire.Query{Common: t.common(payment)}}
}

func (t *till) reverse(payment string) wire.Message {
	return wire.Message{Type: wire.TypeReversal, Reversal: &wire.Reversal{Common: t.common(payment), Why: "timeout"}}
}

func (t *till) void(payment, id string) wire.Message {
	return wire.Message{Type: wire.TypeVoid, Void: &wire.Void{Common: t.common(payment), ID: id}}
}

func (t *till) refund(payment, id string, yen int64) wire.Message {
	return wire.Message{Type: wire.TypeRefund, Refund: &wire.Refund{Common: t.common(payment), ID: id, Amount: yen}}
}

// advise tells of a payment that was approved offline just now.
func (t *till) advise(payment, code string, yen int64, lines ...wire.Line) wire.Message {
	t.p.need(t.p.k.cfg.Backend != nil, "the backend's key for evidence")
	if t.p.over() {
		return wire.Message{Type: wire.TypeAdvice, Advice: &wire.Advice{}}
	}
	c := t.common(payment)
	return wire.Message{Type: wire.TypeAdvice, Advice: &wire.Advice{
		Common: c, Amount: yen, Kind: "pass", Issuer: t.p.k.issuer.Name, Sale: sale(lines), Spends: t.p.spends(yen, lines, true),
		Created: t.p.now().UnixMilli(), Evidence: t.p.seal(payment, code),
	}}
}

func (p *play) seal(payment, code string) string {
	evidence, err := wire.SealEvidence(p.k.cfg.Backend, payment, code)
	if err != nil {
		p.fail("the kit sealed no evidence: %w", err)
	}
	return evidence
}

// charged wants that just so much was charged for a payment: that much can be
// given back, and no yen more.
func (t *till) charged(payment string, yen int64) {
	t.rejected(t.refund(payment, newID(), yen+1), string(terminal.RefundDenied))
	t.accepted(t.refund(payment, newID(), yen))
	t.rejected(t.refund(payment, newID(), 1), string(terminal.RefundDenied))
}

// notCharged wants that nothing can be given back.
func (t *till) notCharged(payment string) {
	t.rejected(t.refund(payment, newID(), 1), string(terminal.RefundDenied))
}

// giveBack tells all that the incarnation holds as returned. What the backend did
// not take is not.
func (t *till) giveBack() wire.Ack {
	before := map[counterKey]wire.Amount{}
	for k, c := range t.counters {
		if k.window == t.p.today() {
			h := t.held(k.id)
			before[k] = c.Returned
			c.Returned = wire.Amount{Yen: c.Returned.Yen + max(0, h.Yen), Units: c.Returned.Units + max(0, h.Units)}
		}
	}
	a := t.ack(t.returned())
	if a.Status != wire.StatusAccepted {
		for k, amount := range before {
			t.counters[k].Returned = amount
		}
	}
	return a
}

// returned is the message of a clean stop.
func (t *till) returned() wire.Message {
	return wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Counters: t.told()}}
}
