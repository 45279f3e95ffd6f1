package backendsim

import (
	"database/sql"
	"errors"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// onlineLife is how long a code may be shown with the line up: longer than
// offline, because the single use is checked here.
const onlineLife = 5 * time.Minute

// payer is who pays, as the code itself says.
type payer struct {
	issuer, masked string
	account        terminal.AccountKey
	hash           string     // of the code, for its single use
	pass           *pass.Pass // nil for digits
	read           *account   // with the digits; nil for a pass, whose account may be seen for the first time
}

// account is what is known of one beside its names.
type account struct {
	balance, stopped     int64
	limitYen, limitCount int64
}

const accountColumns = "balance, stopped_at, limit_yen, limit_count"

func (a *account) fields() []any {
	return []any{&a.balance, &a.stopped, &a.limitYen, &a.limitCount}
}

// limits gives what is allowed to the account offline, nil where nobody said.
func (a account) limits() *wire.Limits {
	if a.limitYen < 0 {
		return nil
	}
	return &wire.Limits{Yen: a.limitYen, Count: a.limitCount}
}

func (r *rules) trust() pass.Trust {
	keys := map[string]pass.IssuerKey{}
	for _, i := range r.policy.Issuers {
		keys[i.KeyID] = pass.IssuerKey{Issuer: i.Name, Key: i.Key}
	}
	return pass.Trust{Audience: r.policy.Realm, Keys: keys}
}

// readPass verifies a pass and its life at a time.
func (l *ledger) readPass(r *rules, text string, at time.Time, life time.Duration) (payer, terminal.Reason) {
	p, err := pass.Verify(text, r.trust())
	if err == nil {
		err = p.Fresh(at, life, r.policy.Pass.Tolerance)
	}
	if err != nil {
		return payer{}, reasonOf(err)
	}
	return payer{
		issuer: p.Issuer, masked: p.Masked(), account: terminal.NewAccountKey(p.Issuer, p.Account),
		hash: l.hash("pass", p.Identity()), pass: p,
	}, ""
}

func reasonOf(err error) terminal.Reason {
	switch pass.CodeOf(err) {
	case pass.Expired, pass.CredentialExpired, pass.FromFuture:
		return terminal.CodeExpired
	}
	return terminal.CodeForged
}

// who reads the code of an authorise. The kinds that this backend cannot check
// are declined.
func (l *ledger) who(t *tx, c caller, kind, code string) (payer, terminal.Reason, error) {
	switch terminal.CodeKind(kind) {
	case terminal.CodePass:
		p, why := l.readPass(c.rules, code, c.now, onlineLife)
		return p, why, nil
	case terminal.CodeDigits:
		return l.readDigits(t, c, code)
	}
	return payer{}, terminal.BackendDeclined, nil
}

func (l *ledger) readDigits(t *tx, c caller, code string) (payer, terminal.Reason, error) {
	p := payer{hash: l.hash("digits", []byte(code))}
	var made int64
	var a account
	err := t.row("SELECT a.key, a.issuer, a.masked, w.made, "+accountColumns+" FROM wallet_code w JOIN account a ON a.key = w.account WHERE w.hash = +?",
		p.hash).Scan(append([]any{&p.account, &p.issuer, &p.masked, &made}, a.fields()...)...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return payer{}, terminal.BackendDeclined, nil
	case err != nil:
		return payer{}, "", err
	case c.ms()-made > onlineLife.Milliseconds():
		return payer{}, terminal.CodeExpired, nil
	}
	p.read = &a
	return p, "", nil
}

// firstBalance is what an account has that no one put money on: this backend
// plays the wallets' part too, and an account is made when it is first seen.
const firstBalance = 1_000_000

func (t *tx) account(p payer) (a account, err error) {
	if p.read != nil {
		return *p.read, nil
	}
	var ends int64
	if p.pass != nil {
		ends = p.pass.Expires.UnixMilli()
	}
	err = t.row(`INSERT INTO account (key, issuer, masked, balance, ends) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT DO UPDATE SET ends = max(ends, ?5) RETURNING `+accountColumns,
		p.account, p.issuer, p.masked, firstBalance, ends).Scan(a.fields()...)
	return a, err
}

// usedAt gives the register at which the code has paid another payment, "" where
// it has paid none.
func (t *tx) usedAt(p payer, payment string) (string, error) {
	var other, register string
	err := t.row("SELECT payment FROM code_used WHERE hash = ? AND payment != ?", p.hash, payment).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	err = t.row("SELECT register FROM payment WHERE id = ?", other).Scan(&register)
	return register, err
}

// charge moves money once and says why.
func (t *tx) charge(p payment, kind ChargeKind, why string, yen int64, at int64) error {
	sign := int64(-1)
	if kind == Credit {
		sign = 1
	}
	if err := t.exec("UPDATE account SET balance = balance + ? WHERE key = ?", sign*yen, p.account); err != nil {
		return err
	}
	return t.exec("INSERT INTO charge (payment, account, kind, why, amount, at) VALUES (?, ?, ?, ?, ?, ?)",
		p.id, p.account, kind, why, yen, at)
}

// pay charges a payment for the first time and uses its code up for ever, a
// reversal included: who is unsure shows a fresh code.
func (t *tx) pay(p payment, why string, at int64) error {
	if err := t.exec("INSERT INTO code_used (hash, payment) VALUES (?, ?)", p.hash, p.id); err != nil {
		return err
	}
	return t.charge(p, Charge, why, p.amount, at)
}

// wary gives why a pass may not buy the high-resale goods of a sale at a time: the
// policy is past its end, or its device was bound a short time ago and there are
// more units than new ones may have. For other codes the issuer answers.
func wary(p *policy.Policy, who payer, sale wire.Sale, at time.Time, units int64) terminal.Reason {
	goods := highResale(p, sale)
	var sum int64
	for _, l := range goods {
		sum += l.Units
	}
	switch {
	case len(goods) == 0:
		return ""
	case who.pass != nil && at.Sub(who.pass.BoundAt) < p.Device.NewFor && (units == 0 || sum > units):
		return terminal.DeviceNew
	case at.After(p.GoodUntil):
		return terminal.PolicyStale
	}
	return ""
}

// highResale gives the lines of goods that thieves buy.
func highResale(p *policy.Policy, sale wire.Sale) []wire.Line {
	var goods []wire.Line
	for _, l := range sale.Lines {
		if p.HighResale[terminal.Category(l.Category)] {
			goods = append(goods, l)
		}
	}
	return goods
}
