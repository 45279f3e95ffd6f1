package backendsim

import (
	"encoding/json"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Bearer says who pays for a rejected advice; it is never the customer.
type Bearer string

// The bearers. The store bears what its register should have refused by
// itself, the operator what no register could have known.
const (
	BearerStore    Bearer = "store"
	BearerOperator Bearer = "operator"
)

// objection is why an advice is rejected; the zero objection is none.
type objection struct {
	reason terminal.Reason
	bearer Bearer
}

func byStore(r terminal.Reason) objection { return objection{r, BearerStore} }

// advice checks again what a register approved offline, once.
func (l *ledger) advice(t *tx, c caller, m wire.Message, open opener) (*wire.Ack, error) {
	a := m.Advice
	before, err := t.payment(c, a.Payment)
	switch {
	case err != nil:
		return nil, err
	case before != nil && before.offline:
		return t.ack(c, before.ack())
	case before != nil: // it was decided online: no register of ours advises it
		return t.ack(c, wire.Ack{
			Payment: a.Payment, Of: wire.TypeAdvice, Status: wire.StatusRejected, Reason: string(terminal.BackendDeclined), Bearer: string(BearerStore),
		})
	}
	p, err := l.adviseOnce(t, c, m, open)
	if err != nil {
		return nil, err
	}
	if err := t.topUp(c, nil); err != nil {
		return nil, err
	}
	return t.ack(c, p.ack())
}

// ack is what an advice was answered, and is again: whatever became of
// the payment since, the reason for which it was rejected stays with it.
func (p payment) ack() wire.Ack {
	ack := wire.Ack{Payment: p.id, Of: wire.TypeAdvice, Status: wire.StatusAccepted}
	if p.reason != "" {
		ack.Status, ack.Reason, ack.Bearer = wire.StatusRejected, string(p.reason), p.bearer
	}
	return ack
}

// opener opens an advice's evidence.
type opener func(payment, evidence string) (string, error)

func (l *ledger) adviseOnce(t *tx, c caller, m wire.Message, open opener) (p payment, err error) {
	a := m.Advice
	p = payment{
		id: a.Payment, register: c.register, store: c.store, incarnation: m.Incarnation,
		state: AdvisedAccepted, offline: true, amount: a.Amount, created: a.Created, decided: c.ms(),
	}
	who, against, err := l.judge(t, c, m, open)
	if err != nil {
		return p, err
	}
	if against, err = t.beyondRights(c, m, against); err != nil {
		return p, err
	}
	p.issuer, p.masked, p.account, p.hash = who.issuer, who.masked, who.account, who.hash
	if against != (objection{}) {
		p.state, p.reason, p.bearer = AdvisedRejected, against.reason, string(against.bearer)
	}
	if err := t.insert(p); err != nil {
		return p, err
	}
	if err := t.spend(c, m.Incarnation, p.id, once(a.Spends)); err != nil {
		return p, err
	}
	if unheard(a) {
		if err := t.exec("INSERT INTO unheard (payment) VALUES (?)", p.id); err != nil {
			return p, err
		}
	}
	if tooFresh(c, a) {
		if err := t.exec("INSERT INTO age (payment, told, least) VALUES (?, ?, ?)", p.id, a.ContactAge, c.leastAge); err != nil {
			return p, err
		}
	}
	if err := t.countAccount(c, p, a.Sale); err != nil { // of a rejected one too: its goods have left
		return p, err
	}
	if p.state != AdvisedAccepted {
		return p, nil
	}
	return p, t.pay(p, string(wire.TypeAdvice), c.ms())
}

// once drops spends of a cap and window that were named before; such an advice
// is rejected, and still what it says was sold is kept.
func once(spends []wire.Spend) []wire.Spend {
	var out []wire.Spend
	seen := map[[2]string]bool{}
	for _, s := range spends {
		if k := [2]string{s.Cap, s.Window}; !seen[k] {
			seen[k] = true
			out = append(out, s)
		}
	}
	return out
}

// judge asks everything that an advice can fail by.
func (l *ledger) judge(t *tx, c caller, m wire.Message, open opener) (payer, objection, error) {
	a, rules := m.Advice, c.rules.at(m.Advice.Versions.Policy)
	text, err := open(a.Payment, a.Evidence)
	if err != nil || terminal.CodeKind(a.Kind) != terminal.CodePass {
		return payer{}, byStore(terminal.CodeForged), nil
	}
	at := time.UnixMilli(a.Created)
	who, why := l.readPass(rules, text, at, rules.policy.Pass.Life)
	if why != "" {
		return payer{}, byStore(why), nil
	}
	if a.Versions.Policy < 1 || a.Versions.Policy > rules.policy.Version {
		return who, byStore(terminal.PolicyMissing), nil
	}
	if at.After(c.now.Add(windowSlack)) {
		return who, byStore(terminal.ClockDoubt), nil
	}
	then := c
	then.rules = rules
	for _, check := range []func() (objection, error){
		func() (objection, error) { return t.stillOpen(c, who, a) },
		func() (objection, error) { return t.notStopped(who, a) },
		func() (objection, error) { return t.withinOffline(then, who, m) },
		func() (objection, error) { return t.withinAccount(then, who, a) },
		func() (objection, error) { return t.withinAllotment(then, m) },
	} {
		if against, err := check(); err != nil || against != (objection{}) {
			return who, against, err
		}
	}
	return who, objection{}, nil
}

// stillOpen asks whether the pass has paid already, and whether the account was
// stopped or denied when it paid: before, the payment stands. The operator bears
// what the register could not know, the store what it had been told.
func (t *tx) stillOpen(c caller, who payer, a *wire.Advice) (objection, error) {
	at, err := t.usedAt(who, a.Payment)
	if err != nil || at != "" {
		return objectionIf(at != "", objection{terminal.CodeReplayed, bearerOf(at == c.register)}), err
	}
	denied, err := t.denied(who, a.Created)
	if err != nil || denied.at != 0 {
		return objectionIf(denied.at != 0, objection{terminal.AccountDenied, bearerOf(a.Versions.Denials >= denied.version)}), err
	}
	its, err := t.account(who)
	return objectionIf(its.stopped != 0 && a.Created >= its.stopped, objection{terminal.AccountDenied, BearerOperator}), err
}

// notStopped asks whether head office had stopped these goods or this issuer
// when the payment was approved.
func (t *tx) notStopped(who payer, a *wire.Advice) (objection, error) {
	then, err := t.stops(a.Created)
	if err != nil {
		return objection{}, err
	}
	knew, err := t.stopsOf(a.Versions.Freeze)
	told := knew.cover(who.issuer, a.Sale)
	return objectionIf(told || then.cover(who.issuer, a.Sale), objection{terminal.Frozen, bearerOf(told)}), err
}

func bearerOf(told bool) Bearer {
	if told {
		return BearerStore
	}
	return BearerOperator
}

func objectionIf(yes bool, o objection) objection {
	if yes {
		return o
	}
	return objection{}
}

// withinAccount holds the payment against the register's own tally of the
// account: offline a register may sell one allowance, whatever others sold.
func (t *tx) withinAccount(c caller, who payer, a *wire.Advice) (objection, error) {
	over, err := t.overAccount(c, who, accountSale{a.Sale, a.Amount, a.Created, c.register, windowSlack})
	return objectionIf(over, byStore(terminal.CapAccount)), err
}

// withinAllotment checks that the register sold from what it held, of every cap
// that the goods fall under. Which caps a policy had that is not known here any
// more cannot be said: there the spends that the advice names are checked.
func (t *tx) withinAllotment(c caller, m wire.Message) (objection, error) {
	a := m.Advice
	inWindow := func(day string) bool { return day == a.Window }
	if c.rules.known(a.Versions.Policy) && !fitting(storeCaps(c.rules.policy, true), a.Spends, a.Sale, a.Amount, inWindow) {
		return byStore(terminal.AllotmentMissing), nil
	}
	for _, s := range a.Spends {
		over, err := t.overspent(c, m.Incarnation, s, soldStates)
		if err != nil {
			return objection{}, err
		}
		if over || s.Need != (wire.Amount{}) {
			return byStore(terminal.AllotmentMissing), nil
		}
	}
	return objection{}, nil
}

// beyondRights puts a register in doubt that sold more offline than it was ever
// granted, whatever else is against the advice, and adds it to what is.
func (t *tx) beyondRights(c caller, m wire.Message, against objection) (objection, error) {
	for _, s := range m.Advice.Spends {
		over, err := t.overspent(c, m.Incarnation, s, offlineStates)
		if err != nil {
			return against, err
		}
		if !over {
			continue
		}
		if against == (objection{}) {
			against = byStore(terminal.AllotmentMissing)
		}
		return against, t.doubt(c.register, DoubtOverspent)
	}
	return against, nil
}

// ack completes an acknowledgement with today's time and totals.
func (t *tx) ack(c caller, a wire.Ack) (*wire.Ack, error) {
	var err error
	a.Time = c.ms()
	a.Grants, err = t.totals(c)
	return &a, err
}

// again gives an acknowledgement that was given before.
func (t *tx) again(c caller, kept string) (*wire.Ack, error) {
	var a wire.Ack
	if err := json.Unmarshal([]byte(kept), &a); err != nil {
		return nil, err
	}
	return t.ack(c, a)
}
