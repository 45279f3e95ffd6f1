package register

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// history is a register's rules and its clock over a ledger in memory that keeps
// the store's contract, beside a backend that makes rights. Its books are kept
// apart: see bought.
type history struct {
	policy   *policy.Policy
	freeze   *policy.Freeze
	denials  *denials.Set
	truth    time.Time     // what the time really is
	booted   time.Time     // in truth
	wrong    time.Duration // by which the wall clock is
	time     timekeeper
	inc      terminal.Incarnation
	up       bool
	number   int
	payments []terminal.Payment
	index    map[terminal.PaymentID]int
	changed  bool // since the books were checked
	counters map[terminal.CounterKey]terminal.Counter
	seen     map[terminal.SeenKey]bool
	limits   map[terminal.AccountKey]AccountLimit

	made map[terminal.CounterKey]terminal.Amount // rights ever made, by cap and window; no incarnation in the key
	told map[terminal.CounterKey]terminal.Amount // those of one incarnation

	books []bought
}

func newHistory(p *policy.Policy) *history {
	h := &history{
		policy: p, denials: new(denials.Set), truth: rulesNow, index: map[terminal.PaymentID]int{},
		counters: map[terminal.CounterKey]terminal.Counter{}, seen: map[terminal.SeenKey]bool{},
		limits: map[terminal.AccountKey]AccountLimit{},
		made:   map[terminal.CounterKey]terminal.Amount{}, told: map[terminal.CounterKey]terminal.Amount{},
	}
	h.reboots(0)
	return h
}

func (h *history) Boot() time.Duration { return h.truth.Sub(h.booted) }
func (h *history) Wall() time.Time     { return h.truth.Add(h.wrong) }

// reboots gives the register a new incarnation and a boot clock from nothing.
func (h *history) reboots(wrong time.Duration) {
	h.number++
	h.booted, h.wrong, h.up, h.inc = h.truth, wrong, false, terminal.Incarnation(fmt.Sprint("i", h.number))
	mark := h.time.mark
	h.time = newTimekeeper(h)
	h.time.mark = mark
}

// killed and started: the anchor brings the time back.
func (h *history) killed() {
	anchor, mark := h.time.anchor(), h.time.mark
	h.up, h.time = false, newTimekeeper(h)
	h.time.restore(anchor)
	h.time.mark = mark
}

// load is the store's: what a scope names, summed from the payments.
func (h *history) load(s Scope) Usage {
	u := Usage{Counters: h.counters, Seen: h.seen[s.Seen], Tallies: map[Tally]terminal.Amount{}}
	for i, p := range h.payments {
		if p.Sale == s.Sale && (p.State.Undecided() || p.State.Approval() && !p.Voided()) {
			u.Taken = &h.payments[i]
		}
		if p.Account == s.Account && p.BarsAccount() && p.Decided >= s.Barred {
			u.Account.Declined = true
		}
		if p.Offline && !p.Voided() {
			if p.Account == s.Account && p.Created >= s.Since {
				u.Account.OfflineYen += p.Amount
				u.Account.OfflineCount++
			}
			if s.Boot && p.Incarnation == s.Incarnation {
				u.BootYen += p.Amount
			}
		}
		for _, t := range s.Tallies {
			for _, c := range p.Counts {
				if p.Counting() && c.Cap == t.Cap && p.Created >= t.Since && (t.Account == "" || t.Account == p.Account) {
					u.Tallies[t] = u.Tallies[t].Plus(c.Amount)
				}
			}
		}
	}
	if l, ok := h.limits[s.Account]; ok {
		u.Account.Limit = &l
	}
	return u
}

// store keeps changes, and the mark that goes along.
func (h *history) store(t *rapid.T, c Changes) {
	for _, n := range c.Counters {
		before := h.counters[n.Key]
		if held := n.Held(); held.Negative() || !before.Granted.Within(n.Granted) || !before.Used.Within(n.Used) || !before.Released.Within(n.Released) {
			t.Fatalf("a counter shrinks or holds less than nothing: %+v after %+v", n, before)
		}
		h.counters[n.Key] = n
	}
	for _, p := range c.Payments {
		h.changed = true
		if i, stored := h.index[p.ID]; stored {
			h.payments[i] = p
			continue
		}
		h.index[p.ID] = len(h.payments)
		h.payments = append(h.payments, p)
	}
	if m := h.time.remember(); m != nil {
		h.time.mark = *m
	}
}

// buys is a customer at the till: a basket, a code.
func (h *history) buys(t *rapid.T) {
	h.number++
	now := h.time.now()
	b := drawBasket(t, h.policy)
	account := rapid.SampledFrom([]terminal.AccountKey{"00000000000000aa", "00000000000000bb", "00000000000000cc", "00000000000000dd"}).Draw(t, "account")
	bound := rapid.SampledFrom([]time.Duration{1000 * time.Hour, 1000 * time.Hour, 1000 * time.Hour, time.Hour}).Draw(t, "bound")
	f := facts{
		policy: h.policy, freeze: h.freeze, denials: h.denials, now: now, mark: h.time.mark, clock: h.time.quality(),
		day: h.policy.Business.Day(now), linkUp: h.up, contactAge: h.time.age(), incarnation: h.inc, sale: b.sale(h.number),
		code: presented{
			kind: terminal.CodePass, issuer: "wallet", account: account, seen: terminal.SeenKey(fmt.Sprint(rapid.IntRange(0, 500).Draw(t, "code"))),
			pass: &pass.Pass{IssuedAt: now, Credential: pass.Credential{
				Issued: now.Add(-time.Hour), BoundAt: now.Add(-bound), Expires: now.Add(time.Hour), OfflineYen: 6000, OfflineCount: 5,
			}},
		},
	}
	if rapid.IntRange(0, 5).Draw(t, "digits") == 0 {
		f.code.kind, f.code.pass, f.code.account = terminal.CodeDigits, nil, ""
	}
	f = f.weighed()
	replayed := h.seen[f.code.seen]
	d := judge(f, h.load(f.scope()))
	p, err := terminal.Payment{
		ID: terminal.PaymentID(fmt.Sprint("p", h.number)), Sale: f.sale.Ref, Amount: f.sale.Total, Account: f.code.account,
		Incarnation: h.inc, Day: f.day, Created: terminal.MillisOf(now), Spends: d.spends, Counts: d.counts,
		Offline: d.state == terminal.ApprovedOffline,
	}.Move(d.state, d.reason, terminal.MillisOf(now))
	if err != nil {
		t.Fatal(err)
	}
	if d.state != terminal.Refused {
		h.enter(t, p, b, f, replayed)
		h.seen[f.code.seen] = true
	}
	h.store(t, Changes{Payments: []terminal.Payment{p}, Counters: d.counters})
}

// answers is the backend's word on a payment: all that it needs, or a decline.
func (h *history) answers(t *rapid.T) {
	p := h.pick(t, func(p terminal.Payment) bool { return p.State.Undecided() })
	if p == nil {
		return
	}
	a := wire.Answer{Payment: string(p.ID), Outcome: wire.OutcomeApproved, Amount: int64(p.Amount)}
	if rapid.IntRange(0, 3).Draw(t, "declined") == 0 || !h.makes(p) {
		a.Outcome, a.Reason = wire.OutcomeDeclined, string(rapid.SampledFrom([]terminal.Reason{terminal.BackendDeclined, terminal.CapStore}).Draw(t, "why"))
	}
	for _, s := range p.Spends {
		k := keyOf(s, p.Incarnation)
		a.Grants = append(a.Grants, wire.Grant{Cap: string(s.Cap), Window: string(s.Window), Total: wire.Amount(h.told[k])})
	}
	if c, err := settle(*p, h.load(scopeOf(*p)), a, h.inc, terminal.MillisOf(h.time.now())); err == nil {
		h.store(t, c)
	}
}

// makes is the backend granting a payment's whole need, or nothing of it.
func (h *history) makes(p *terminal.Payment) bool {
	for _, s := range p.Spends {
		c, _ := h.policy.Cap(s.Cap)
		if !h.made[keyOf(s, "")].Plus(s.Need).Within(c.Limit) {
			return false
		}
	}
	for _, s := range p.Spends {
		h.grant(keyOf(s, p.Incarnation), s.Need)
	}
	return true
}

func (h *history) grant(k terminal.CounterKey, a terminal.Amount) {
	h.told[k] = h.told[k].Plus(a)
	k.Incarnation = ""
	h.made[k] = h.made[k].Plus(a)
}

// reserves is the backend filling a register's allotment.
func (h *history) reserves(t *rapid.T) {
	if !h.up {
		return
	}
	for _, c := range h.policy.Caps {
		if c.Scope != terminal.ScopeStore {
			continue
		}
		k := terminal.CounterKey{Cap: c.ID, Window: h.policy.Business.Day(h.time.now())}
		left := c.Counted(c.Limit.Minus(h.made[k]))
		k.Incarnation = h.inc
		part := rapid.Int64Range(0, 100).Draw(t, "part")
		h.grant(k, terminal.Amount{Yen: left.Yen * part / 100, Units: left.Units * part / 100})
		counter := h.counters[k]
		counter.Key = k
		h.store(t, Changes{Counters: []terminal.Counter{counter.Grant(h.told[k])}})
	}
}

// goesOn takes a payment one step further: given up, acknowledged, voided,
// refunded.
func (h *history) goesOn(t *rapid.T) {
	p := h.pick(t, func(p terminal.Payment) bool { return p.State != terminal.Refused })
	if p == nil {
		return
	}
	now := terminal.MillisOf(h.time.now())
	u, yes := h.load(scopeOf(*p)), wire.Ack{Status: wire.StatusAccepted}
	var c Changes
	err := errNothing
	switch {
	case p.State.Undecided():
		c, err = giveUp(*p, terminal.Cancelled, h.inc, now)
	case p.State == terminal.Reversing:
		c, err = acknowledge(*p, u, OutReversal, yes, h.inc, now)
	case p.State == terminal.ApprovedOffline:
		next, e := p.Move(terminal.Advised, "", now)
		c, err = moved(next, h.inc), e
	case p.State == terminal.Advised:
		yes.Status = rapid.SampledFrom([]wire.Status{wire.StatusAccepted, wire.StatusRejected}).Draw(t, "advice")
		c, err = acknowledge(*p, u, OutAdvice, yes, h.inc, now)
	case p.Holds() && rapid.Bool().Draw(t, "void"):
		next := *p
		next.Void = &terminal.Void{ID: "v", At: now}
		c, err = Changes{Payments: []terminal.Payment{next}}, nil
	case p.Holds():
		next := *p
		next.HandedOver = terminal.ByCashier
		next.Refunds = []terminal.Refund{{ID: "r", Amount: p.Amount, State: terminal.RefundDone}}
		c, err = Changes{Payments: []terminal.Payment{next}}, nil
	case p.Voided():
		c, err = acknowledge(*p, u, OutVoid, yes, h.inc, now)
	}
	if err == nil {
		h.store(t, c)
	}
}

// pick draws a payment of a kind; nil where there is none.
func (h *history) pick(t *rapid.T, of func(terminal.Payment) bool) *terminal.Payment {
	var found []terminal.Payment
	for _, p := range h.payments {
		if of(p) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	p := rapid.SampledFrom(found).Draw(t, "payment")
	return &p
}
