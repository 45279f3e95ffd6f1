package conform

import (
	"fmt"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var capRules = []Rule{
	{"caps.need", "An approval grants the whole need: the total grows by it.", theCaps, func(p *play) {
		c := p.roomy(2)
		t, line := p.join(p.a()), portion(c, 2)
		before := t.counter(string(c.ID), p.today()).Granted
		a := t.bought(newID(), p.fresh(), price, line)
		want := plus(before, count(c, price, []wire.Line{line}))
		p.want(p.over() || atLeast(p.total(a.Grants, string(c.ID)), want), "the total is %v after an approval that needed %v beside %v", p.total(a.Grants, string(c.ID)), count(c, price, []wire.Line{line}), before)
	}},
	{"caps.counted", "The backend counts the lines itself: a need below them is not approved.", theCaps, func(p *play) {
		c := p.roomy(2)
		if p.over() {
			return
		}
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price, portion(c, 2))
		m.Authorise.Spends = nil
		t.declined(m, "")
		m = t.buy(newID(), p.fresh(), price, portion(c, 2))
		m.Authorise.Spends[0].Need = wire.Amount{Yen: m.Authorise.Spends[0].Need.Yen / 2, Units: m.Authorise.Spends[0].Need.Units / 2}
		t.declined(m, "")
	}},
	{"caps.reserved", "What a register never held it cannot spend as reserved: not approved.", theCaps, func(p *play) {
		c := p.roomy(40)
		if p.over() {
			return
		}
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price, portion(c, 40))
		s := &m.Authorise.Spends[0]
		s.Reserved, s.Need = s.Need, wire.Amount{}
		t.declined(m, "")
	}},
	{"caps.named", "A cap that is named twice, is offline-only, or is not in the policy: declined with allotment.missing.", theCaps, badlyNamed},
	{"caps.own-incarnation", "An authorise of another incarnation than the session's gets error refused, and changes nothing.", theCaps, func(p *play) {
		old := p.join(p.a())
		t, payment := p.join(p.a()), newID()
		m := t.buy(payment, p.fresh(), price, portion(p.roomy(1), 1))
		m.Incarnation = old.incarnation
		t.refused(m, wire.CodeRefused)
		t.outcome(payment, wire.OutcomeNotSeen)
	}},
	{"caps.limit", "A need beyond the limit is declined with cap.store.", theCaps, func(p *play) {
		c := p.roomy(1)
		t := p.join(p.a())
		t.declined(needing(t.buy(newID(), p.fresh(), price, portion(c, 1)), c, 101), string(terminal.CapStore))
	}},
	{"caps.all-or-nothing", "Where one of a sale's caps has no room nothing is granted of the others.", theCaps, allOrNothing},
	{"caps.raced", "Two registers that race never get more than the limit, all approvals summed.", theCaps, capRaced},
	{"caps.store", "Another store's cap is its own.", theCaps, func(p *play) {
		c := p.roomy(55)
		a, away := p.join(p.a()), p.join(p.c())
		line := portion(c, 55)
		p.want(!p.over() && a.freed(line), "the store's cap has no room for the rule")
		payment := newID()
		away.bought(payment, p.fresh(), price, line)
		away.undo(payment, line)
	}},
	{"caps.window", "A window that is not today's is declined with clock.", theCaps, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price, portion(p.roomy(1), 1))
		m.Authorise.Window = "2020-01-01"
		for i := range m.Authorise.Spends {
			m.Authorise.Spends[i].Window = "2020-01-01"
		}
		t.declined(m, string(terminal.ClockDoubt))
	}},
	{"caps.grow", "Totals never fall within an incarnation: not after a reversal, a void, or a new session.", theCaps, totalsGrow},
	{"caps.merge", "Counters are merged by maximum: smaller ones that come late do no harm.", theCaps, countersMerge},
	{"caps.incarnation", "Totals are the session's incarnation's: what a retired one was granted is not named again.", theCaps, func(p *play) {
		c := p.roomy(3)
		old := p.join(p.a())
		old.bought(newID(), p.fresh(), price, portion(c, 3))
		had := old.counter(string(c.ID), p.today()).Granted
		now := p.total(p.dial(p.a()).hello().Grants, string(c.ID))
		p.want(p.over() || !atLeast(now, had), "a new incarnation is told %v, which the retired one had", now)
	}},
	{"caps.reserve", "Unasked, a register is granted no more than the policy's share of a cap.", theCaps, reserve},
	{"caps.offline-only", "An offline-only cap is granted to a register once a window: its next incarnation gets none of it.", theCaps, offlineOnce},
	{"caps.account", "A cap on an account is summed over all registers: beyond it cap.account.", theCaps, accountCap},
	{"caps.account-undone", "A reversal gives an account's cap back, a refund does not.", theCaps, accountUndone},
	{"grants.back", "What is given back at a clean stop is accepted, and free for the store at once.", theCaps, func(p *play) {
		c := p.roomy(55)
		a, line := p.join(p.a()), portion(c, 55)
		p.want(!p.over() && a.freed(line), "what was given back is not free for the same register")
		b, payment := p.join(p.b()), newID()
		b.bought(payment, p.fresh(), price, line)
		b.undo(payment, line)
	}},
	{"grants.back-twice", "What is given back may be told twice.", backGrants, func(p *play) {
		t := p.join(p.a())
		a := t.giveBack()
		p.want(a.Status == wire.StatusAccepted, "giving back was acknowledged %s %s", a.Status, a.Reason)
		t.accepted(t.returned())
	}},
	{"grants.beyond", "A returned beyond what was held is rejected with allotment.missing and not believed.", theCaps, beyond},
	{"grants.stopped", "After it gave back an incarnation is granted nothing unasked before its next hello.", theCaps, func(p *play) {
		c := p.roomy(1)
		t := p.join(p.a())
		t.giveBack()
		had := t.counter(string(c.ID), p.today()).Granted
		t.paid(price)
		a := t.accepted(t.reverse(newID()))
		p.want(p.over() || p.total(a.Grants, string(c.ID)) == had, "an incarnation that gave back was told %v, up from %v", p.total(a.Grants, string(c.ID)), had)
	}},
	{"grants.back-own", "Only the session's own incarnation gives back: a retired one's is refused.", backGrants, func(p *play) {
		old := p.join(p.a())
		t := p.join(p.a())
		m := old.returned()
		m.Incarnation = old.incarnation
		if len(m.Grants.Counters) == 0 {
			m.Grants.Counters = []wire.Counter{{Cap: string(p.roomy(1).ID), Window: p.today()}}
		}
		t.refused(m, wire.CodeRefused)
	}},
}

// badlyNamed adds a spend to those that the lines take: each is one of no such cap,
// or one too many.
func badlyNamed(p *play) {
	c := p.roomy(1)
	t := p.join(p.a())
	wrong := []string{string(c.ID), "conform-none"}
	for _, o := range p.k.policy.Caps {
		if o.Scope == terminal.ScopeStore && o.OfflineOnly {
			wrong = append(wrong, string(o.ID))
		}
	}
	for _, id := range wrong {
		if p.over() {
			return
		}
		m := t.buy(newID(), p.fresh(), price, portion(c, 1))
		m.Authorise.Spends = append(m.Authorise.Spends, wire.Spend{Cap: id, Window: p.today(), Need: m.Authorise.Spends[0].Need})
		t.declined(m, string(terminal.AllotmentMissing))
	}
}

func plus(a, b wire.Amount) wire.Amount {
	return wire.Amount{Yen: a.Yen + b.Yen, Units: a.Units + b.Units}
}
func atLeast(a, b wire.Amount) bool { return a.Yen >= b.Yen && a.Units >= b.Units }

// roomy is a store cap of the day of which one account may buy so many hundredths.
func (p *play) roomy(percent int64) terminal.Cap {
	return p.cap(fmt.Sprintf("a store's cap of the day of which one account may buy %d %%", percent), func(c terminal.Cap) bool {
		return storeDay(c) && p.allowed(portion(c, percent))
	})
}

// allowed says whether the caps on accounts let one account buy goods.
func (p *play) allowed(line wire.Line) bool {
	for _, c := range p.k.policy.Caps {
		if c.Scope == terminal.ScopeAccount && !atLeast(limitOf(c), count(c, price, []wire.Line{line})) {
			return false
		}
	}
	return true
}

// limitOf gives a cap's limit; what it does not limit is 0, as count has it.
func limitOf(c terminal.Cap) wire.Amount {
	measure := func(limit int64) int64 {
		if limit == terminal.Unlimited {
			return 0
		}
		return limit
	}
	return wire.Amount{Yen: measure(int64(c.Limit.Yen)), Units: measure(int64(c.Limit.Units))}
}

// cap finds the policy's first cap that is so; the rule needs it.
func (p *play) cap(what string, is func(terminal.Cap) bool) terminal.Cap {
	for _, c := range p.k.policy.Caps {
		if is(c) {
			return c
		}
	}
	p.need(false, "a policy with "+what)
	return terminal.Cap{Category: "none", Limit: terminal.Amount{Yen: 1, Units: 1}}
}

func storeDay(c terminal.Cap) bool {
	return c.Scope == terminal.ScopeStore && !c.OfflineOnly && c.Category != ""
}

// portion is goods that take so many hundredths of a cap, each measure rounded
// up.
func portion(c terminal.Cap, percent int64) wire.Line {
	part := func(limit int64) int64 {
		if limit == terminal.Unlimited {
			return 1
		}
		return limit/100*percent + (limit%100*percent+99)/100
	}
	return wire.Line{Category: string(c.Category), Yen: part(int64(c.Limit.Yen)), Units: part(int64(c.Limit.Units))}
}

// undo voids a payment of watched goods and gives back what it took.
func (t *till) undo(payment string, line wire.Line) {
	t.accepted(t.void(payment, newID()))
	t.releaseAll(line)
	if t.p.over() {
		return
	}
	a := t.giveBack()
	t.p.want(a.Status == wire.StatusAccepted, "giving back was acknowledged %s %s", a.Status, a.Reason)
}

// releaseAll counts what goods took of the store's caps as released.
func (t *till) releaseAll(line wire.Line) {
	for _, s := range t.p.spends(price, []wire.Line{line}, false) {
		t.release(s.Cap, s.Reserved)
	}
}

// freed takes a part of the cap, undoes it, gives all back, and says whether the
// part can be had again.
func (t *till) freed(line wire.Line) bool {
	for range 2 {
		payment := newID()
		t.bought(payment, t.p.fresh(), price, line)
		t.undo(payment, line)
	}
	return !t.p.over()
}

func allOrNothing(p *play) {
	c := p.roomy(10)
	other := p.cap("store's caps of the day on two categories", func(o terminal.Cap) bool { return storeDay(o) && o.Category != c.Category })
	t := p.join(p.a())
	had := t.counter(string(c.ID), p.today()).Granted
	part := portion(c, 10)
	a := t.declined(needing(t.buy(newID(), p.fresh(), price, part, portion(other, 1)), other, 101), "")
	now := p.total(a.Grants, string(c.ID))
	p.want(p.over() || !atLeast(now, plus(had, count(c, price, []wire.Line{part}))), "a declined payment was granted %v of %s, up from %v", now, c.ID, had)
	p.want(a.Reason == string(terminal.CapStore) || a.Reason == string(terminal.CapAccount) || p.over(), "a need beyond the limit was declined with %s", a.Reason)
}

// capRaced has two registers ask for tenths of a cap at once, more than there
// are.
func capRaced(p *play) {
	const each, percent = 8, 10
	c := p.roomy(percent)
	line := portion(c, percent)
	tills := [2]*till{p.join(p.a()), p.join(p.b())}
	asked := [2][]wire.Message{}
	for i, t := range tills {
		for range each {
			asked[i] = append(asked[i], t.buy(newID(), p.fresh(), price, line))
		}
	}
	tills[0].room(asked[0][0])
	if p.over() {
		return
	}
	var ids [2][]string
	for n := range each {
		for i, t := range tills {
			ids[i] = append(ids[i], t.tell(asked[i][n]))
		}
	}
	approved := [2][]string{}
	for i, t := range tills {
		for n, id := range ids[i] {
			if a := answerOf(t.await(wire.TypeAuthorise, id)); a.Outcome == wire.OutcomeApproved {
				approved[i] = append(approved[i], asked[i][n].Authorise.Payment)
				for _, s := range asked[i][n].Authorise.Spends {
					t.use(s.Cap, s.Need)
				}
			}
		}
	}
	n := len(approved[0]) + len(approved[1])
	p.want(p.over() || n*percent <= 100, "%d payments of %d %% of a cap each were approved", n, percent)
	p.want(p.over() || n > 0, "not one of %d payments of %d %% of a cap was approved", 2*each, percent)
	for i, t := range tills {
		for _, payment := range approved[i] {
			t.undo(payment, line)
		}
	}
}

func totalsGrow(p *play) {
	c := p.roomy(1)
	t := p.join(p.a())
	var last wire.Amount
	grows := func(when string, list []wire.Grant) {
		now := p.total(list, string(c.ID))
		p.want(p.over() || atLeast(now, last), "the total fell from %v to %v after %s", last, now, when)
		last = now
	}
	one, two := newID(), newID()
	grows("an approval", t.bought(one, p.fresh(), price, portion(c, 1)).Grants)
	grows("another", t.bought(two, p.fresh(), price, portion(c, 1)).Grants)
	grows("a reversal", t.accepted(t.reverse(one)).Grants)
	grows("a void", t.accepted(t.void(two, newID())).Grants)
	next := t.again()
	grows("a new session", next.hello().Grants)
}

// countersMerge tells what was sold, then less, and gives back what would be left
// if the second word counted.
func countersMerge(p *play) {
	c := p.roomy(2)
	t := p.join(p.a())
	t.bought(newID(), p.fresh(), price, portion(c, 2))
	t.outcome(newID(), wire.OutcomeNotSeen) // which carries the counters
	sold := *t.counter(string(c.ID), p.today())
	late := sold
	late.Used = wire.Amount{}
	m := t.query(newID())
	m.Query.Counters = []wire.Counter{late}
	t.answer(m)
	late.Returned = late.Granted
	t.rejected(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Counters: []wire.Counter{late}}}, string(terminal.AllotmentMissing))
}

func reserve(p *play) {
	t := p.dial(p.b())
	w := t.hello()
	for _, c := range p.k.policy.Caps {
		if c.Scope != terminal.ScopeStore || c.OfflineOnly {
			continue
		}
		share := portion(c, p.k.policy.Reserve.RegisterPercent)
		most := wire.Amount{Yen: share.Yen, Units: share.Units}
		got := p.total(w.Grants, string(c.ID))
		p.want(atLeast(most, got), "a welcome grants %v of %s unasked, where the policy allows %v", got, c.ID, most)
	}
}

// offlineOnce has a register say hello as one incarnation after the other, none of
// which gives back.
func offlineOnce(p *play) {
	c := p.offlineGoods()
	key := counterKey{string(c.ID), p.today()}
	p.dial(p.b()).hello()
	had := p.k.taken(p.b().Store, key)
	for range 3 {
		p.dial(p.b()).hello()
		now := p.k.taken(p.b().Store, key)
		p.want(p.over() || atLeast(had, now), "the store's registers hold %v of the offline-only cap %s after another hello, up from %v", now, c.ID, had)
	}
	p.want(p.over() || atLeast(limitOf(c), count(c, had.Yen, []wire.Line{{Category: string(c.Category), Yen: had.Yen, Units: had.Units}})),
		"the store's registers were granted %v of the offline-only cap %s, whose limit is %v", had, c.ID, limitOf(c))
}

// accountCap finds a category's cap on accounts and buys it up at two registers.
func accountCap(p *play) {
	line := p.onAccounts()
	a, b, who, payment := p.join(p.a()), p.join(p.c()), p.customer(), newID()
	a.bought(payment, p.show(who), price, line)
	b.declined(b.buy(newID(), p.show(who), price, line), string(terminal.CapAccount))
	a.undo(payment, line)
}

func accountUndone(p *play) {
	line := p.onAccounts()
	t, who := p.join(p.a()), p.customer()
	one, two := newID(), newID()
	t.bought(one, p.show(who), price, line)
	t.accepted(t.reverse(one))
	t.releaseAll(line)
	t.giveBack()
	t.bought(two, p.show(who), price, line)
	t.accepted(t.refund(two, newID(), price))
	t.declined(t.buy(newID(), p.show(who), price, line), string(terminal.CapAccount))
}

// onAccounts gives goods that fill more than half of a cap on accounts, and no
// other one.
func (p *play) onAccounts() wire.Line {
	return portion(p.cap("a cap on accounts on a category", func(c terminal.Cap) bool {
		return c.Scope == terminal.ScopeAccount && c.Category != "" && p.allowed(portion(c, 60))
	}), 60)
}

// needing is a payment that asks for so many hundredths of a cap, whatever its
// lines take: a need may be more than they count, and caps on accounts go by lines.
func needing(m wire.Message, c terminal.Cap, percent int64) wire.Message {
	for i, s := range m.Authorise.Spends {
		if s.Cap == string(c.ID) {
			m.Authorise.Spends[i].Need = count(c, price, []wire.Line{portion(c, percent)})
		}
	}
	return m
}

func beyond(p *play) {
	c := p.roomy(2)
	t := p.join(p.a())
	t.bought(newID(), p.fresh(), price, portion(c, 2))
	k := *t.counter(string(c.ID), p.today())
	honest := k
	k.Returned = plus(k.Granted, wire.Amount{Yen: 1, Units: 1})
	k.Returned = count(c, k.Returned.Yen, []wire.Line{{Category: string(c.Category), Yen: k.Returned.Yen, Units: k.Returned.Units}})
	t.rejected(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Counters: []wire.Counter{k}}}, string(terminal.AllotmentMissing))
	// Nor by releasing what was never used: the released makes the returned add up.
	k.Released = plus(k.Used, k.Returned)
	t.rejected(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Counters: []wire.Counter{k}}}, string(terminal.AllotmentMissing))
	t.accepted(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Counters: []wire.Counter{honest}}})
}
