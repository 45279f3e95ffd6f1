package backendsim

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// offlineWindow is the rolling time of the limits of an account offline.
const offlineWindow = 24 * time.Hour

// withinOffline holds the payment against the pass's own ceilings and the
// policy's. Where the ceilings have shrunk they are rounded up here: the
// register may round as it likes.
func (t *tx) withinOffline(c caller, who payer, m wire.Message) (objection, error) {
	a, rules := m.Advice, c.rules.policy
	if why := wary(rules, who, a.Sale, time.UnixMilli(a.Created), 0); why != "" {
		return byStore(why), nil
	}
	var yen, count int64
	err := t.row(`SELECT ifnull(sum(amount), 0), count(*) FROM payment WHERE register = +? AND account = +? AND state = 'advised-accepted'
		AND created > ? AND created <= ?`, c.register, who.account, a.Created-offlineWindow.Milliseconds(), a.Created).Scan(&yen, &count)
	if err != nil {
		return objection{}, err
	}
	share := ageing(rules.Offline, a.ContactAge)
	shrunk := func(ceiling int64) int64 { return ceiling/1000*share + (ceiling%1000*share+999)/1000 }
	if a.Amount > shrunk(int64(rules.Offline.Floor)) ||
		yen+a.Amount > shrunk(min(int64(rules.Offline.AccountYen), who.pass.OfflineYen)) ||
		count+1 > min(rules.Offline.AccountCount, who.pass.OfflineCount) {
		return byStore(terminal.OfflineLimit), nil
	}
	return t.withinBoot(c, m)
}

// unheard says whether a register had not heard the backend since its boot.
func unheard(a *wire.Advice) bool { return a.Clock != wire.ClockAuthenticated }

// tooFresh says whether a register tells a shorter time since it heard the backend
// than can be. It is shown to head office and rejects nothing: the goods have left
// by the customer's own word, and what the backend knows of its links may be less
// than what was. After a boot the age is by the register's wall clock and its own
// mark, which goes on without the line: it says nothing of the links.
func tooFresh(c caller, a *wire.Advice) bool {
	return !unheard(a) && a.ContactAge >= 0 && a.ContactAge < c.leastAge
}

// withinBoot holds what was sold between a boot and the backend's first word
// against what may be: ordinary goods, up to one sum for all accounts together.
func (t *tx) withinBoot(c caller, m wire.Message) (objection, error) {
	a, rules := m.Advice, c.rules.policy
	if !unheard(a) {
		return objection{}, nil
	}
	var yen int64
	err := t.row(`SELECT ifnull(sum(p.amount), 0) FROM payment p JOIN unheard u ON u.payment = p.id
		WHERE p.register = +? AND p.incarnation = +? AND p.state = 'advised-accepted'`, c.register, m.Incarnation).Scan(&yen)
	over := len(highResale(rules, a.Sale)) > 0 || yen+a.Amount > int64(rules.Offline.BootYen)
	return objectionIf(over, byStore(terminal.OfflineLimit)), err
}

// ageing gives the share of the ceilings, in thousandths, that is left after so
// many milliseconds without the backend: all for FullFor, nothing from
// NothingAfter on, a straight line between. Nothing is left either where the
// register did not know how long (-1).
func ageing(o policy.OfflineRules, age int64) int64 {
	full, nothing := o.FullFor.Milliseconds(), o.NothingAfter.Milliseconds()
	switch {
	case age < 0, age >= nothing:
		return 0
	case age <= full:
		return 1000
	}
	return ((nothing-age)*1000 + nothing - full - 1) / (nothing - full)
}
