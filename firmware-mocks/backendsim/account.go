package backendsim

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// accountSale is what a payment takes of the caps on an account.
type accountSale struct {
	sale     wire.Sale
	paid, at int64
	// register whose payments up to at count; "" for all there are, of all
	// registers: a time that a register told may lie ahead.
	register string
	slack    time.Duration // by which a register's clock may differ from this one
}

// overAccount says whether a payment would pass a cap on its account: with all
// that the account bought at any register in the cap's time and that was not
// undone. A refund undoes nothing.
func (t *tx) overAccount(c caller, who payer, s accountSale) (bool, error) {
	for _, limit := range accountCaps(c.rules) {
		want := counts(limit, s.sale, s.paid)
		if want == (amount{}) {
			continue
		}
		var had amount
		err := t.row(`SELECT ifnull(sum(k.yen), 0), ifnull(sum(k.units), 0) FROM account_count k JOIN payment p ON p.id = k.payment
			WHERE k.account = +?1 AND k.cap = +?2 AND p.created >= ?3 AND (?5 = '' OR p.created <= ?4 AND p.register = +?5) AND p.state IN `+soldStates,
			who.account, limit.ID, s.at-(limit.Span-s.slack).Milliseconds(), s.at, s.register).Scan(&had.yen, &had.units)
		if err != nil {
			return false, err
		}
		if most := limitOf(limit); !want.fits(most) || !had.add(want).fits(most) {
			return true, nil
		}
	}
	return false, nil
}

// countAccount keeps what a payment takes of the caps on its account. One that is
// above a cap by itself fills it, and counts no more than that: whatever a register
// says was sold, the sums of an account stay far below 2^63.
func (t *tx) countAccount(c caller, p payment, sale wire.Sale) error {
	for _, limit := range accountCaps(c.rules) {
		want := counts(limit, sale, p.amount).least(limitOf(limit))
		if want == (amount{}) {
			continue
		}
		if err := t.exec("INSERT INTO account_count (payment, account, cap, yen, units) VALUES (?, ?, ?, ?, ?)",
			p.id, p.account, limit.ID, want.yen, want.units); err != nil {
			return err
		}
	}
	return nil
}

func accountCaps(r *rules) []terminal.Cap {
	var caps []terminal.Cap
	for _, c := range r.policy.Caps {
		if c.Scope == terminal.ScopeAccount {
			caps = append(caps, c)
		}
	}
	return caps
}
