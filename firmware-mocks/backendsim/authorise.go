package backendsim

import (
	"encoding/json"
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
	return t.known(c, a.Payment)
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
	if p.reason, err = t.mayPay(c, who, a); err != nil || p.reason != "" {
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
func (t *tx) mayPay(c caller, who payer, a *wire.Authorise) (terminal.Reason, error) {
	at, err := t.usedAt(who, a.Payment)
	if err != nil || at != "" {
		return reasonIf(at != "", terminal.CodeReplayed), err
	}
	denied, err := t.denied(who, c.ms())
	if err != nil {
		return "", err
	}
	balance, stopped, err := t.account(who)
	switch {
	case err != nil:
		return "", err
	case denied.at != 0 || (stopped != 0 && stopped <= c.ms()):
		return terminal.AccountDenied, nil
	case balance < a.Amount:
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
	outcome, charged := wire.OutcomeDeclined, int64(0)
	if p.state == Approved {
		outcome, charged = wire.OutcomeApproved, p.amount
	}
	var err error
	if p.answer, err = toJSON(wire.Answer{
		Payment: p.id, Outcome: outcome, Amount: charged, Reason: string(p.reason), Approval: p.approval,
		Issuer: p.issuer, Account: p.masked, Key: string(p.account),
	}); err != nil {
		return err
	}
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

// known gives the answer for a payment that was decided before, always the
// same but for the time, the totals and the account's limits, which are today's:
// they only help when they are new. It gives nil where the id was not seen.
func (t *tx) known(c caller, id string) (*wire.Answer, error) {
	p, err := t.payment(c, id)
	if err != nil {
		return nil, err
	}
	answer := wire.Answer{Payment: id}
	switch {
	case p == nil:
		dead, err := t.buried(id)
		if err != nil || !dead {
			return nil, err
		}
		answer.Outcome = wire.OutcomeReversed
	case p.state == AdvisedAccepted || p.state == AdvisedRejected:
		answer = adviceAnswer(*p)
	case p.state == Reversed || p.state == Voided:
		answer.Outcome = wire.OutcomeReversed
	default:
		if err := json.Unmarshal([]byte(p.answer), &answer); err != nil {
			return nil, err
		}
	}
	if p != nil && p.account != "" {
		if answer.Limits, err = t.limits(p.account); err != nil {
			return nil, err
		}
	}
	answer.Time = c.ms()
	answer.Grants, err = t.totals(c)
	return &answer, err
}

// limits gives what is allowed to an account offline, nil where nobody said.
func (t *tx) limits(account terminal.AccountKey) (*wire.Limits, error) {
	var told wire.Limits
	err := t.row("SELECT limit_yen, limit_count FROM account WHERE key = ?", account).Scan(&told.Yen, &told.Count)
	if err != nil || told.Yen < 0 {
		return nil, err
	}
	return &told, nil
}

// adviceAnswer tells of a payment that came as an advice.
func adviceAnswer(p payment) wire.Answer {
	a := wire.Answer{Payment: p.id, Outcome: wire.OutcomeApproved, Amount: p.amount, Issuer: p.issuer, Account: p.masked, Key: string(p.account)}
	if p.state == AdvisedRejected {
		a.Outcome, a.Amount, a.Reason = wire.OutcomeDeclined, 0, string(p.reason)
	}
	return a
}
