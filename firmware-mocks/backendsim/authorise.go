package backendsim

import (
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// authorise decides a payment once. forced declines it whatever it is.
func (l *ledger) authorise(t *tx, c caller, m wire.Message, forced terminal.Reason) (*wire.Answer, error) {
	a := m.Authorise
	if m.Incarnation != c.incarnation {
		return nil, refuse(wire.CodeRefused, "authorise comes from the session's incarnation only")
	}
	if answer, err := t.known(c, a.Payment); answer != nil || err != nil {
		return answer, err
	}
	p, granted, err := l.decide(t, c, a, forced)
	if err != nil {
		return nil, err
	}
	if err := t.settle(c, p, a, granted); err != nil {
		return nil, err
	}
	if err := t.topUp(c, granted); err != nil {
		return nil, err
	}
	return t.tell(c, p)
}

// decide says what becomes of a payment that was never seen, and what it needs
// granted; it changes nothing but the accounts first seen.
func (l *ledger) decide(t *tx, c caller, a *wire.Authorise, forced terminal.Reason) (payment, map[terminal.CapID]amount, error) {
	p := payment{
		id: a.Payment, register: c.register, store: c.store, incarnation: c.incarnation,
		state: Declined, amount: a.Amount, reason: forced, created: c.ms(), decided: c.ms(),
	}
	if p.reason == "" && c.ms() > a.NotAfter {
		p.reason = terminal.AuthoriseTooLate
	}
	if p.reason != "" {
		return p, nil, nil
	}
	who, why, err := l.who(t, c, a.Kind, a.Code)
	if err != nil || why != "" {
		p.reason = why
		return p, nil, err
	}
	p.issuer, p.masked, p.account, p.hash = who.issuer, who.masked, who.account, who.hash
	its, err := t.account(who)
	if err != nil {
		return p, nil, err
	}
	p.limits = its.limits()
	if p.reason, err = t.mayPay(c, who, its, a); err != nil || p.reason != "" {
		return p, nil, err
	}
	if p.reason, err = t.barred(c, who, a); err != nil || p.reason != "" {
		return p, nil, err
	}
	granted, why, err := t.need(c, a)
	if err != nil || why != "" {
		p.reason = why
		return p, nil, err
	}
	p.state, p.approval = Approved, approvalCode()
	return p, granted, nil
}

// mayPay checks code and account.
func (t *tx) mayPay(c caller, who payer, its account, a *wire.Authorise) (terminal.Reason, error) {
	at, err := t.usedAt(who, a.Payment)
	if err != nil || at != "" {
		return reasonIf(at != "", terminal.CodeReplayed), err
	}
	denied, err := t.denied(who, c.ms())
	if err != nil {
		return "", err
	}
	switch {
	case denied.at != 0 || (its.stopped != 0 && its.stopped <= c.ms()):
		return terminal.AccountDenied, nil
	case its.balance < a.Amount:
		return terminal.BackendDeclined, nil
	}
	return "", nil
}

func reasonIf(yes bool, r terminal.Reason) terminal.Reason {
	if yes {
		return r
	}
	return ""
}

// need checks the spends and gives what is to be granted of each cap: all of
// it, or a reason and nothing.
func (t *tx) need(c caller, a *wire.Authorise) (map[terminal.CapID]amount, terminal.Reason, error) {
	days := c.windows()
	for _, s := range a.Spends {
		if !slices.Contains(days[:], s.Window) {
			return nil, terminal.ClockDoubt, nil
		}
	}
	anyDay := func(string) bool { return true }
	if !fitting(storeCaps(c.rules.policy, false), a.Spends, a.Sale, a.Amount, anyDay) {
		return nil, terminal.AllotmentMissing, nil // the till's mistake, not the customer's
	}
	granted := map[terminal.CapID]amount{}
	for _, s := range a.Spends {
		over, err := t.overspent(c, c.incarnation, s, soldStates)
		if err != nil || over {
			return nil, terminal.AllotmentMissing, err
		}
		limit, _ := c.rules.cap(s.Cap)
		row, err := t.capRow(c, limit, s.Window)
		if err != nil {
			return nil, "", err
		}
		need := fromWire(s.Need).limited(row.limit)
		if !need.fits(row.free()) {
			return nil, terminal.CapStore, nil
		}
		granted[limit.ID] = need
	}
	return granted, "", nil
}

// settle writes what was decided: payment, grants, spends and charge.
func (t *tx) settle(c caller, p payment, a *wire.Authorise, granted map[terminal.CapID]amount) error {
	if err := t.insert(p); err != nil {
		return err
	}
	if p.state != Approved {
		return nil
	}
	for _, s := range a.Spends {
		if err := t.grant(c, terminal.CapID(s.Cap), s.Window, granted[terminal.CapID(s.Cap)]); err != nil {
			return err
		}
	}
	if err := t.spend(c, c.incarnation, p.id, a.Spends); err != nil {
		return err
	}
	if err := t.countAccount(c, p, a.Sale); err != nil {
		return err
	}
	return t.pay(p, string(wire.TypeAuthorise), c.ms())
}

// barred asks head office's stops, the rules for high-resale goods and the caps on
// the account.
func (t *tx) barred(c caller, who payer, a *wire.Authorise) (terminal.Reason, error) {
	stops, err := t.stops(c.ms())
	if err != nil {
		return "", err
	}
	if stops.cover(who.issuer, a.Sale) {
		return terminal.Frozen, nil
	}
	if why := wary(c.rules.policy, who, a.Sale, c.now, c.rules.policy.Device.NewUnitsOnline); why != "" {
		return why, nil
	}
	over, err := t.overAccount(c, who, accountSale{sale: a.Sale, paid: a.Amount, at: c.ms()})
	return reasonIf(over, terminal.CapAccount), err
}

// known gives the answer for a payment that was decided before, nil where the id
// was not seen.
func (t *tx) known(c caller, id string) (*wire.Answer, error) {
	p, err := t.payment(c, id)
	if p == nil || err != nil {
		return nil, err
	}
	if p.account != "" {
		var its account
		err = t.row("SELECT "+accountColumns+" FROM account WHERE key = ?", p.account).Scan(its.fields()...)
		p.limits = its.limits()
	}
	if err != nil {
		return nil, err
	}
	return t.tell(c, *p)
}

// tell gives the answer for a payment, always the same but for the time, the totals
// and the account's limits, which are today's: they only help when they are new.
func (t *tx) tell(c caller, p payment) (*wire.Answer, error) {
	var err error
	answer := p.answer()
	answer.Limits, answer.Time = p.limits, c.ms()
	answer.Grants, err = t.totals(c)
	return &answer, err
}

// answer says what became of a payment. What was undone has neither amount nor
// account.
func (p payment) answer() wire.Answer {
	a := wire.Answer{Payment: p.id, Outcome: wire.OutcomeReversed}
	switch p.state {
	case Approved, AdvisedAccepted:
		a.Outcome, a.Amount, a.Approval = wire.OutcomeApproved, p.amount, p.approval
	case Declined, AdvisedRejected:
		a.Outcome, a.Reason = wire.OutcomeDeclined, string(p.reason)
	default:
		return a
	}
	a.Issuer, a.Account, a.Key = p.issuer, p.masked, string(p.account)
	return a
}
