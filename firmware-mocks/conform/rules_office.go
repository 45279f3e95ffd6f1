package conform

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// officeRules are about what a backend does on head office's word.
var officeRules = []Rule{
	{"freeze.pushed", "A freeze is brought to every register that is linked, signed as head office signed it.", theWord, func(p *play) {
		tills := []*till{p.join(p.a()), p.join(p.b()), p.join(p.c())}
		defer p.thaw()
		version := p.freeze([]string{p.watched().Category}, nil)
		for _, t := range tills {
			t.hearsFreeze(version, false)
		}
	}},
	{"freeze.goods", "A sale with frozen goods is declined with frozen; others go on.", theWord, func(p *play) {
		t, line := p.join(p.a()), p.watched()
		defer p.thaw()
		p.freeze([]string{line.Category}, nil)
		t.declined(t.buy(newID(), p.fresh(), price, line), string(terminal.Frozen))
		t.paid(price)
	}},
	{"freeze.issuer", "A code of a frozen issuer is declined with frozen, and pays again once that is lifted.", theWord, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		defer p.thaw()
		p.freeze(nil, []string{p.k.issuer.Name})
		t.declined(t.buy(newID(), code, price), string(terminal.Frozen))
		p.thaw()
		t.approved(t.buy(newID(), code, price))
	}},
	{"freeze.lifted", "A freeze that stops less is brought to every register that is linked, and the goods are sold again.", theWord, func(p *play) {
		t, line := p.join(p.a()), p.watched()
		defer p.thaw()
		version := p.freeze([]string{line.Category}, nil)
		t.hearsFreeze(version, false)
		p.thaw()
		t.hearsFreeze(version+1, true)
		t.bought(newID(), p.fresh(), price, line)
	}},
	{"freeze.welcome", "The welcome brings the freeze to a register with an older one, and not to one that has it.", aWelcome, func(p *play) {
		defer p.thaw()
		version := p.freeze([]string{p.watched().Category}, nil)
		t := p.dial(p.a())
		w := t.hello()
		p.want(w.Freeze != "" || p.over(), "a register without the freeze got none")
		if !p.over() {
			t.fits(w.Freeze, version, false)
		}
		t = t.again()
		m := t.greeting()
		m.Hello.Versions.Freeze = version
		p.want(t.helloAs(m).Freeze == "" || p.over(), "a register that holds the freeze in force got it again")
	}},
	{"freeze.restart", "A freeze lasts over a restart of the backend.", theWord, func(p *play) {
		p.need(p.k.cfg.Restart != nil, "a way to restart the backend")
		t, line := p.join(p.a()), p.watched()
		defer p.thaw()
		p.freeze([]string{line.Category}, nil)
		p.restart()
		t = t.again()
		p.want(t.hello().Freeze != "" || p.over(), "after a restart the welcome brings no freeze")
		t.declined(t.buy(newID(), p.fresh(), price, line), string(terminal.Frozen))
	}},
	{"freeze.advice", "An advice from before a freeze stands; one from after it is rejected with frozen, and the store bears it where its register held the freeze.", anAdvice, frozenAdvice},
	{"policy.pushed", "A newer policy is brought to every register that is linked, and by the next welcome to the others.", theWord, newerPolicy},
	{"policy.advice", "An advice names the policy that it was decided by: one of before the newest is no reason to reject it.", anAdvice, func(p *play) {
		t := p.join(p.a())
		m := t.advise(newID(), p.fresh(), price)
		t.under(p.renew())
		t.accepted(m)
	}},
	{"advice.older-policy", "An advice is held against the limits of the policy that it names, whether the next allows less or more.", anAdvice, olderPolicy},
	{"policy.stale", "Past the policy's good_until high-resale goods are declined with policy.stale; others go on.", theKeys, func(p *play) {
		c := p.cap("a store's cap of the day on high-resale goods", func(c terminal.Cap) bool { return storeDay(c) && p.k.policy.HighResale[c.Category] })
		t := p.join(p.a())
		defer p.restore()
		t.under(p.stale())
		t.declined(t.buy(newID(), p.fresh(), price, portion(c, 1)), string(terminal.PolicyStale))
		t.paid(price)
	}},
	{"advice.policy-stale", "High-resale goods that were sold past the good_until of the policy that the advice names are rejected with policy.stale.", anAdvice, stalePolicy},
	{"caps.lowered", "Lowering a limit binds what is not yet granted: no more is granted, and what was is sold.", theCaps, loweredCap},
	{"roles.welcome", "The welcome brings the roles to a register with older ones, and not to one that has them.", aWelcome, func(p *play) {
		p.need(p.k.roles != nil, "roles at the backend")
		p.want(p.dial(p.a()).hello().Roles != "", "a register without roles got none")
		t := p.dial(p.a())
		m := t.greeting()
		if !p.over() {
			m.Hello.Roles = p.k.roles.Version
		}
		p.want(t.helloAs(m).Roles == "", "a register that holds the roles in force got them again")
	}},
	{"roles.pushed", "Newer roles are brought to every register that is linked, and by the next welcome to the others.", theWord, newerRoles},
	{"roles.successors", "After changes of the root key the welcome brings every note that leads to the roles in force from those that the register holds.", theWord, rolesOfOtherRoots},
	{"denials.advice", "An advice from after its account was denied is rejected with account.denied, and the store bears it where its register held the denials.", anAdvice, deniedAdvice},
	{"denials.pushed", "An account that is denied is told to every register that is linked, and declined with account.denied.", theWord, func(p *play) {
		tills, who := []*till{p.join(p.a()), p.join(p.c())}, p.customer()
		before := held(tills)
		p.order("deny", p.k.issuer.Name, who.Account())
		for i, t := range tills {
			p.want(t.denied(before[i], who.Account()).added || p.over(), "the denials that came do not add the account")
		}
		tills[0].declined(tills[0].buy(newID(), p.show(who), price), string(terminal.AccountDenied))
	}},
	{"denials.removed", "An account that is denied no more is told to every register that is linked, and pays again.", theWord, func(p *play) {
		tills, who := []*till{p.join(p.a()), p.join(p.c())}, p.customer()
		before := held(tills)
		p.order("deny", p.k.issuer.Name, who.Account())
		for i, t := range tills {
			before[i] = t.denied(before[i], who.Account()).to
		}
		p.order("allow", p.k.issuer.Name, who.Account())
		for i, t := range tills {
			p.want(t.denied(before[i], who.Account()).removed || p.over(), "the denials that came do not take the account out")
		}
		tills[0].approved(tills[0].buy(newID(), p.show(who), price))
	}},
	{"certificate.revoked", "Where head office revokes a register its link ends, and dials and renewals are refused: 403, certificate.revoked.", theRefusals, func(p *play) {
		p.secured()
		p.operated()
		t := p.join(p.spoil())
		p.handIn(t)
		p.order("revoke", t.m.ID)
		t.closed()
		p.turnedOut(t.m)
	}},
	{"enrol.anew", "Enrolment of a register that was enrolled before takes over: its link ends, the certificate from before is revoked, payments and checkpoints stay.", theEnrolment, enrolledAnew},
}

// watched is one of some goods that a store's cap is on.
func (p *play) watched() wire.Line {
	c := p.cap("a store's cap of the day on a category", storeDay)
	return wire.Line{Category: string(c.Category), Yen: price, Units: 1}
}

// frozenAdvice goes by the backend's own clock.
func frozenAdvice(p *play) {
	t := p.join(p.a())
	then := func() int64 { p.pause(); return t.outcome(newID(), wire.OutcomeNotSeen).Time }
	advice := func(created, freeze int64) wire.Message {
		m := t.advise(newID(), p.fresh(), price)
		m.Advice.Created, m.Advice.Versions.Freeze = created, freeze
		return m
	}
	before := advice(then(), p.k.stopped.Version)
	p.pause()
	defer p.thaw()
	version := p.freeze(nil, []string{p.k.issuer.Name})
	unknown, known := advice(then(), version-1), advice(then(), version)
	t.accepted(before)
	a := t.rejected(unknown, string(terminal.Frozen))
	p.want(a.Bearer == "operator", "the register did not hold the freeze, and yet the bearer is %q", a.Bearer)
	t.atStores(known, string(terminal.Frozen))
}

// newerPolicy leaves the newer policy in force: the rules after it go by that.
func newerPolicy(p *play) {
	tills := []*till{p.join(p.a()), p.join(p.c())}
	before := p.k.policy.Version
	next := p.renew()
	for _, t := range tills {
		t.under(next)
	}
	late := p.dial(p.b())
	m := late.greeting()
	m.Hello.Versions.Policy = before
	w := late.helloAs(m)
	p.want(w.Policy != "" || p.over(), "a register with the policy from before got no newer one with the welcome")
	tills[0].paid(price)
}

// held gives the version of the denials that follow each till's welcome.
func held(tills []*till) []int64 {
	var versions []int64
	for _, t := range tills {
		versions = append(versions, t.denied(0, "").to)
	}
	return versions
}

// denial is what a change of the denials says of one account.
type denial struct {
	to             int64
	added, removed bool
}

// A record of denials has 12 bytes, an id 8.
const (
	recordSize = 12
	idSize     = 8
)

// denied waits for the next change of the denials after a version, to its last
// part. A whole set takes out what it does not have.
func (t *till) denied(after int64, account string) denial {
	id, err := hex.DecodeString(string(terminal.NewAccountKey(t.p.k.issuer.Name, account)))
	if err != nil {
		t.p.fail("the kit made no account key: %w", err)
	}
	var d denial
	for last := false; !last && !t.p.over(); {
		part := t.find("denials", func(m wire.Message) bool { return m.Denials != nil && m.Denials.To > after }).Denials
		if part == nil {
			break
		}
		add, err := base64.StdEncoding.DecodeString(part.Add)
		t.p.want(err == nil, "add of denials is no base64")
		remove, err := base64.StdEncoding.DecodeString(part.Remove)
		t.p.want(err == nil, "remove of denials is no base64")
		d.to, last = part.To, part.Part == part.Parts
		d.added = d.added || among(add, recordSize, id)
		d.removed = d.removed || among(remove, idSize, id) || part.From == 0
	}
	d.removed = d.removed && !d.added
	return d
}

// among says whether one of the records of a size begins with an id.
func among(records []byte, size int, id []byte) bool {
	for ; len(records) >= size; records = records[size:] {
		if bytes.HasPrefix(records, id) {
			return true
		}
	}
	return false
}

// turnedOut wants a register's certificate refused as revoked.
func (p *play) turnedOut(m *machine) {
	if p.over() {
		return
	}
	p.refusedDial(m.showing(), http.StatusForbidden, enrol.Revoked)
	if !p.over() {
		p.refusedRenewal(request(m.Key), m.showing(), http.StatusForbidden, enrol.Revoked)
	}
}

func enrolledAnew(p *play) {
	p.secured()
	p.operated()
	t := p.keyed(p.spoil())
	m, payment := t.m, t.paid(price)
	at := t.point(0)
	code := p.order("code", m.Store, m.ID)
	if p.over() {
		return
	}
	p.handIn(t)
	before := *m
	m.Code = code
	if err := p.enrolOne(m); err != nil {
		p.fail("the register was not enrolled anew: %w", err)
		return
	}
	t.closed()
	p.turnedOut(&before)
	next := p.join(m)
	next.outcome(payment, wire.OutcomeApproved)
	w := next.again().hello()
	p.want(p.over() || w.Checkpoint != nil && w.Checkpoint.Size >= at.Size, "the checkpoint from before the enrolment is not kept")
}

// olderPolicy tells of one sum under three policies: the second allows a yen less.
func olderPolicy(p *play) {
	o := p.k.policy.Offline
	sum := int64(min(o.Floor, o.AccountYen))
	p.need(sum > 1, "a policy with an offline.floor")
	t := p.join(p.a())
	defer p.restore()
	first := t.advise(newID(), p.fresh(), sum)
	t.under(p.changed("offline", 0, "floor", sum-1))
	t.accepted(first)
	t.charged(first.Advice.Payment, sum)
	t.atStores(t.advise(newID(), p.fresh(), sum), string(terminal.OfflineLimit))
	second := t.advise(newID(), p.fresh(), sum)
	t.under(p.restore())
	t.atStores(second, string(terminal.OfflineLimit))
	t.accepted(t.advise(newID(), p.fresh(), sum))
}

// stale publishes the policy with a good_until that is past.
func (p *play) stale() *policy.Policy {
	return p.changed("", 0, "good_until", "2020-01-01T00:00:00Z")
}

func stalePolicy(p *play) {
	t, line := p.stocked()
	p.need(p.k.policy.HighResale[terminal.Category(line.Category)], "an offline_only cap on high-resale goods")
	defer p.restore()
	t.under(p.stale())
	m := t.advise(newID(), p.fresh(), price, line)
	t.atStores(m, string(terminal.PolicyStale))
	t.left(m)
}

// left counts the goods of a rejected advice: they have left.
func (t *till) left(m wire.Message) {
	if t.p.over() {
		return
	}
	for _, s := range m.Advice.Spends {
		t.use(s.Cap, s.Reserved)
	}
}

// loweredCap has a payment granted and undone, so that the register holds what it
// took, and then lowers the cap below that.
func loweredCap(p *play) {
	c := p.roomy(2)
	t, payment, line := p.join(p.a()), newID(), portion(c, 2)
	t.bought(payment, p.fresh(), price, line)
	t.accepted(t.void(payment, newID()))
	t.releaseAll(line)
	measure := "units"
	if c.Limit.Units == terminal.Unlimited {
		measure = "yen"
	}
	more, sells := t.buy(newID(), p.fresh(), price, line), t.buy(newID(), p.fresh(), price, line)
	for i, s := range sells.Authorise.Spends {
		sells.Authorise.Spends[i].Reserved, sells.Authorise.Spends[i].Need = s.Need, wire.Amount{}
	}
	defer p.restore()
	t.under(p.changed("cap", p.nth(c), measure, 1))
	a := t.answer(more)
	p.want(a.Outcome == wire.OutcomeDeclined && a.Reason == string(terminal.CapStore), "a need beyond the lowered limit was answered %s %s, not declined cap.store", a.Outcome, a.Reason)
	a = t.answer(sells)
	p.want(a.Outcome == wire.OutcomeApproved, "what was granted before the limit was lowered was answered %s %s, not approved", a.Outcome, a.Reason)
	if p.over() {
		return
	}
	for _, s := range sells.Authorise.Spends {
		t.use(s.Cap, s.Reserved)
	}
}

func deniedAdvice(p *play) {
	t, who := p.join(p.a()), p.customer()
	before := held([]*till{t})
	p.order("deny", p.k.issuer.Name, who.Account())
	now := t.denied(before[0], who.Account())
	p.pause()
	created := t.outcome(newID(), wire.OutcomeNotSeen).Time // by the backend's own clock
	advice := func(denials int64) wire.Message {
		m := t.advise(newID(), p.show(who), price)
		m.Advice.Created, m.Advice.Versions.Denials = created, denials
		return m
	}
	a := t.rejected(advice(before[0]), string(terminal.AccountDenied))
	p.want(a.Bearer == "operator" || p.over(), "the register did not hold the denials, and yet the bearer is %q", a.Bearer)
	t.atStores(advice(now.to), string(terminal.AccountDenied))
}
