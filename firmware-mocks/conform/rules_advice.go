package conform

import (
	"time"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var adviceRules = []Rule{
	{"advice.accepted", "An advice within the rules is accepted and charged.", anAdvice, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.accepted(t.advise(payment, p.fresh(), price))
		t.charged(payment, price)
	}},
	{"advice.once", "An advice that comes again, in the next session too, is acknowledged alike and charged once.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price)
		t.accepted(m)
		m.ID = ""
		t.accepted(m)
		t = t.rejoin()
		m.Session = 0
		t.accepted(m)
		t.charged(m.Advice.Payment, price)
	}},
	{"advice.rejected-once", "A rejected advice is rejected ever after, with the same reason and bearer.", thePromises, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.shownAt(time.Hour), price)
		first := t.rejected(m, "")
		m.ID = ""
		second := t.rejected(m, first.Reason)
		p.want(first.Bearer == second.Bearer, "the bearer was %s, then %s", first.Bearer, second.Bearer)
	}},
	{"advice.query", "A query tells of an accepted advice as approved, of a rejected one as declined.", aQuery, func(p *play) {
		t := p.join(p.a())
		good, bad := newID(), newID()
		t.accepted(t.advise(good, p.fresh(), price))
		t.rejected(t.advise(bad, p.shownAt(time.Hour), price), "")
		t.outcome(good, wire.OutcomeApproved)
		t.outcome(bad, wire.OutcomeDeclined)
	}},
	{"advice.other-payment", "Evidence that was sealed for another payment is rejected, and the store bears it.", anAdvice, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price)
		other := t.advise(newID(), p.fresh(), price)
		m.Advice.Evidence = other.Advice.Evidence
		t.atStores(m, string(terminal.CodeForged))
	}},
	{"advice.forged", "Evidence that is no pass is rejected with code.forged.", anAdvice, func(p *play) {
		t := p.join(p.a())
		t.atStores(t.advise(newID(), "SK1:0", price), string(terminal.CodeForged))
	}},
	{"advice.expired", "A pass past its life at created is rejected with code.expired.", anAdvice, func(p *play) {
		life := p.k.policy.Pass.Life + p.k.policy.Pass.Tolerance
		t := p.join(p.a())
		t.atStores(t.advise(newID(), p.shownAt(life+time.Minute), price), string(terminal.CodeExpired))
	}},
	{"advice.then", "A pass counts at created, not at arrival: an advice may come late.", anAdvice, func(p *play) {
		const late = time.Hour
		t := p.join(p.a())
		m := t.advise(newID(), p.shownAt(late), price)
		m.Advice.Created = p.now().Add(-late).UnixMilli()
		t.accepted(m)
	}},
	{"advice.second-use", "A pass that has paid already, online or by an advice, is rejected with code.replayed.", anAdvice, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		t.approved(t.buy(newID(), code, price))
		t.atStores(t.advise(newID(), code, price), string(terminal.CodeReplayed))
		code = p.fresh()
		t.accepted(t.advise(newID(), code, price))
		t.atStores(t.advise(newID(), code, price), string(terminal.CodeReplayed))
	}},
	{"advice.second-use-elsewhere", "A pass that has paid at another register is rejected with code.replayed, and the operator bears it.", anAdvice, func(p *play) {
		a, b, code := p.join(p.a()), p.join(p.b()), p.fresh()
		a.approved(a.buy(newID(), code, price))
		m := b.advise(newID(), code, price)
		ack := b.rejected(m, string(terminal.CodeReplayed))
		p.want(ack.Bearer == "operator", "the register could not know, and yet the bearer is %q", ack.Bearer)
		b.notCharged(m.Advice.Payment)
	}},
	{"advice.ahead", "An advice that is dated far ahead of the backend's clock is rejected.", anAdvice, func(p *play) {
		const ahead = time.Hour
		t := p.join(p.a())
		m := t.advise(newID(), p.shownAt(-ahead), price)
		m.Advice.Created = p.now().Add(ahead).UnixMilli()
		t.atStores(m, "")
	}},
	{"advice.uses-up", "A pass that paid by an advice pays nothing online: code.replayed.", theCodes, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		t.accepted(t.advise(newID(), code, price))
		t.declined(t.buy(newID(), code, price), string(terminal.CodeReplayed))
	}},
	{"advice.floor", "More than the policy's offline floor is rejected with offline.limit.", anAdvice, func(p *play) {
		t := p.join(p.a())
		t.atStores(t.advise(newID(), p.fresh(), int64(p.k.policy.Offline.Floor)+1), string(terminal.OfflineLimit))
	}},
	{"advice.count", "More payments of an account than the policy allows offline are rejected with offline.limit.", anAdvice, func(p *play) {
		const most = 20
		n := p.k.policy.Offline.AccountCount
		p.need(n > 0 && n <= most, "a policy with an offline.account_count of 1 to 20")
		t, who := p.join(p.a()), p.customer()
		for range min(n, most) {
			t.accepted(t.advise(newID(), p.show(who), price))
		}
		t.atStores(t.advise(newID(), p.show(who), price), string(terminal.OfflineLimit))
	}},
	{"advice.ceiling", "The credential's own ceiling holds where it is lower: offline.limit.", anAdvice, ownCeiling},
	{"advice.aged", "The ceilings shrink with contact_age, to nothing at nothing_after: offline.limit.", anAdvice, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price)
		m.Advice.ContactAge = p.k.policy.Offline.NothingAfter.Milliseconds()
		t.atStores(m, string(terminal.OfflineLimit))
	}},
	{"advice.age-unknown", "Nothing is left of the ceilings where contact_age is -1: offline.limit.", anAdvice, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price)
		m.Advice.ContactAge = -1
		t.atStores(m, string(terminal.OfflineLimit))
	}},
	{"advice.boot", "What one boot sold by the wall clock comes to no more than offline.boot_yen, all accounts together: offline.limit.", anAdvice, afterBoot},
	{"advice.boot-goods", "High-resale goods that were sold by the wall clock are rejected with offline.limit.", anAdvice, func(p *play) {
		t, line := p.stocked()
		p.need(p.k.policy.HighResale[terminal.Category(line.Category)], "an offline_only cap on high-resale goods")
		m := t.advise(newID(), p.fresh(), price, line)
		m.Advice.Clock = wire.ClockWall
		t.atStores(m, string(terminal.OfflineLimit))
	}},
	{"advice.new-device", "A device bound a short time ago buys no high-resale goods offline: device.new.", anAdvice, newDevice},
	{"advice.uncounted", "An advice whose spends leave out a cap that its lines fall under is rejected.", anAdvice, func(p *play) {
		c := p.offlineGoods()
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price, portion(c, 1))
		m.Advice.Spends = nil
		t.atStores(m, "")
	}},
	{"advice.account-cap", "An advice beyond a cap on the account, by what its own register sold, is rejected with cap.account.", anAdvice, accountOffline},
	{"advice.asked", "An advice of a payment that came as an authorise, or was reversed, is rejected and changes nothing.", aReversal, func(p *play) {
		t, payment, dead := p.join(p.a()), newID(), newID()
		t.approved(t.buy(payment, p.fresh(), price))
		t.rejected(t.advise(payment, p.fresh(), price), string(terminal.BackendDeclined))
		t.outcome(payment, wire.OutcomeApproved)
		t.charged(payment, price)
		t.accepted(t.reverse(dead))
		t.rejected(t.advise(dead, p.fresh(), price), string(terminal.BackendDeclined))
		t.outcome(dead, wire.OutcomeReversed)
		t.notCharged(dead)
	}},
	{"advice.policy-missing", "An advice that names no policy, or one that is not known, is rejected with policy.missing.", theReasons, func(p *play) {
		t := p.join(p.a())
		for _, version := range []int64{0, p.k.policy.Version + 1000} {
			m := t.advise(newID(), p.fresh(), price)
			m.Advice.Versions.Policy = version
			t.atStores(m, string(terminal.PolicyMissing))
		}
	}},
	{"advice.allotment", "An advice that sold from what its incarnation was granted is accepted.", anAdvice, func(p *play) {
		t, line := p.stocked()
		t.sold(line)
	}},
	{"advice.old-incarnation", "A late advice of a retired incarnation is counted where the rights were.", theCaps, func(p *play) {
		old, line := p.stocked()
		m := old.advise(newID(), p.fresh(), price, line)
		t := p.join(old.m)
		m.Incarnation = old.incarnation
		for _, s := range m.Advice.Spends {
			old.use(s.Cap, s.Reserved)
		}
		m.Advice.Counters = old.told()
		t.accepted(m)
	}},
	{"advice.reversal", "The reversal of a payment that came as an advice is rejected: its goods have left.", aReversal, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.accepted(t.advise(payment, p.fresh(), price))
		t.rejected(t.reverse(payment), "")
		t.charged(payment, price)
	}},
	{"advice.void", "An advised payment may be voided, and nothing of it is charged then.", aVoid, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.accepted(t.advise(payment, p.fresh(), price))
		t.accepted(t.void(payment, newID()))
		t.notCharged(payment)
	}},
	{"advice.below-zero", "An advice within the rules is charged, if need be below what is on the account.", anAdvice, func(p *play) {
		p.need(p.k.cfg.Admin != "", "an admin API")
		t, poor := p.join(p.a()), p.customer()
		p.fund(poor.Account(), price-1)
		t.accepted(t.advise(newID(), p.show(poor), price))
	}},
	{"advice.stopped", "An advice from before its account was stopped stands; one from after is rejected with account.denied.", anAdvice, func(p *play) {
		t, who := p.join(p.a()), p.customer()
		before := t.advise(newID(), p.show(who), price)
		p.pause()
		p.admin("/admin/accounts/stop", map[string]any{"issuer": p.k.issuer.Name, "account": who.Account()})
		p.pause()
		after := t.advise(newID(), p.show(who), price)
		t.accepted(before)
		a := t.rejected(after, string(terminal.AccountDenied))
		p.want(a.Bearer == "operator", "the register did not hold the denials, and yet the bearer is %q", a.Bearer)
	}},
}

// atStores wants an advice rejected at the store's cost, nothing charged.
func (t *till) atStores(m wire.Message, reason string) {
	a := t.rejected(m, reason)
	t.p.want(a.Bearer == "store", "a rejected advice is borne by %q, not by the store", a.Bearer)
	t.p.want(a.Reason != "", "a rejected advice has no reason")
	t.notCharged(m.Advice.Payment)
}

func ownCeiling(p *play) {
	p.need(p.k.policy.Offline.AccountCount > 1, "a policy with an offline.account_count above 1")
	t := p.join(p.a())
	who := p.customerWith(boundLongAgo, walletsim.Ceilings{Yen: ceilings.Yen, Count: 1})
	t.accepted(t.advise(newID(), p.show(who), price))
	t.atStores(t.advise(newID(), p.show(who), price), string(terminal.OfflineLimit))
}

// afterBoot sells to one customer after another until the boot's sum is used up.
func afterBoot(p *play) {
	const most = 20
	o := p.k.policy.Offline
	each, boot := int64(min(o.Floor, o.AccountYen)), int64(o.BootYen)
	p.need(each > 0 && boot >= each && boot < most*each, "a policy with an offline.boot_yen above the floor, of less than 20 payments")
	if p.over() {
		return
	}
	t := p.join(p.a())
	byWall := func() wire.Message {
		m := t.advise(newID(), p.fresh(), each)
		m.Advice.Clock = wire.ClockWall
		return m
	}
	for sum := each; sum <= boot; sum += each {
		t.accepted(byWall())
	}
	t.atStores(byWall(), string(terminal.OfflineLimit))
}

// accountOffline sells more of some goods than a cap lets one account buy, from
// what the register holds.
func accountOffline(p *play) {
	c := p.cap("a cap on accounts on the goods of an offline_only cap", func(c terminal.Cap) bool {
		return c.Scope == terminal.ScopeAccount && c.Category == p.offlineGoods().Category
	})
	line := portion(c, 105)
	line.Yen = min(line.Yen, price)
	p.need(!atLeast(limitOf(c), count(c, price, []wire.Line{line})), "a cap on accounts that counts units")
	t := p.stock()
	for _, s := range p.spends(price, []wire.Line{line}, true) {
		if !p.over() {
			p.need(atLeast(t.held(s.Cap), s.Reserved), "a reserve of every cap on "+line.Category+" above a cap on accounts")
		}
	}
	m := t.advise(newID(), p.fresh(), price, line)
	t.atStores(m, string(terminal.CapAccount))
	t.left(m)
}

// offlineGoods is a cap on goods that are sold offline from an allotment.
func (p *play) offlineGoods() terminal.Cap {
	return p.cap("an offline_only cap of a store on a category", func(c terminal.Cap) bool {
		return c.Scope == terminal.ScopeStore && c.OfflineOnly && c.Category != ""
	})
}

// stocked is a till that holds enough of every cap on some goods to sell one
// portion of them offline.
func (p *play) stocked() (*till, wire.Line) {
	c := p.offlineGoods()
	line := portion(c, 1)
	line.Yen, line.Units = min(line.Yen, price), 1
	t := p.stock()
	for _, s := range p.spends(price, []wire.Line{line}, true) {
		if !p.over() {
			p.need(atLeast(t.held(s.Cap), s.Reserved), "a reserve of every cap on "+line.Category+" (reserve.register_percent)")
		}
	}
	return t, line
}

// sold advises goods from what is held.
func (t *till) sold(line wire.Line) {
	m := t.advise(newID(), t.p.fresh(), price, line)
	for _, s := range m.Advice.Spends {
		t.use(s.Cap, s.Reserved)
	}
	m.Advice.Counters = t.told()
	t.accepted(m)
}

func newDevice(p *play) {
	p.need(p.k.policy.Device.NewFor > time.Hour, "a policy with a device.new_for above an hour")
	t, line := p.stocked()
	p.need(p.k.policy.HighResale[terminal.Category(line.Category)], "an offline_only cap on high-resale goods")
	m := t.advise(newID(), p.show(p.customerWith(time.Minute, ceilings)), price, line)
	t.atStores(m, string(terminal.DeviceNew))
}
