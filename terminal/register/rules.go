package register

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// facts is all that a rule sees besides the usage: nothing here is read twice,
// so that one decision has one time, one policy and one line.
type facts struct {
	policy      *policy.Policy // nil before the first one came
	freeze      *policy.Freeze // nil where nothing was ever frozen
	denials     *denials.Set   // nil before the first set came
	quarantine  string         // why this register's rights are in doubt; "" where they are not
	now         time.Time
	mark        terminal.Millis // the highest authenticated time known
	clock       string          // wire.ClockAuthenticated or wire.ClockWall: not heard since boot
	day         terminal.BusinessDay
	linkUp      bool          // the backend is asked
	stands      bool          // it could be: the line is at least not down
	contactAge  time.Duration // since the backend was last heard; below zero: not known
	incarnation terminal.Incarnation
	sale        terminal.Sale
	code        presented
	takes       takings // what the sale takes of categories and caps: see weighed
}

// decision is what the rules make of the facts.
type decision struct {
	state    terminal.State // Refused, Sent or ApprovedOffline
	reason   terminal.Reason
	spends   []terminal.Spend
	counts   []terminal.Count
	counters []terminal.Counter // after the debit
}

// judge decides by the line: up, the backend is asked; down, the offline rules
// decide. Over a bad line they decide first, so that nobody waits for it who need
// not; what they refuse is asked of the backend all the same: digits, an EMV code,
// more than the limits without the line. The facts are weighed.
func judge(f facts, u Usage) decision {
	d := f.judge(u)
	if d.state == terminal.Refused && f.stands && !f.linkUp {
		f.linkUp = true
		d = f.weighed().judge(u)
	}
	return d
}

// judge applies every rule in order. The first that says no gives the reason,
// and nothing is taken of any cap.
func (f facts) judge(u Usage) decision {
	if why := refuse(f, u); why != "" {
		return decision{state: terminal.Refused, reason: why}
	}
	if f.linkUp {
		return f.reserve(u)
	}
	if why := refuseOffline(f, u); why != "" {
		return decision{state: terminal.Refused, reason: why}
	}
	return f.spendHeld(u)
}

// always are the rules that hold whether the line is up or not.
var always = []func(facts, Usage) terminal.Reason{
	notFrozen, itemised, timed, fresh, unseen, notDenied, inForce, surelyTimed, perSale, overTime, boundLongAgo,
}

func refuse(f facts, u Usage) terminal.Reason {
	switch {
	case f.policy == nil:
		return terminal.PolicyMissing
	case u.Taken != nil:
		return terminal.SaleTaken
	case f.code.reason != "":
		return f.code.reason
	}
	for _, rule := range always {
		if why := rule(f, u); why != "" {
			return why
		}
	}
	return ""
}

// notFrozen: head office stopped everything, the code's issuer, or goods of the
// sale.
func notFrozen(f facts, _ Usage) terminal.Reason {
	if f.freeze == nil {
		return ""
	}
	if f.freeze.All || f.freeze.Issuers[f.code.issuer] {
		return terminal.Frozen
	}
	for c := range f.takes.goods {
		if f.freeze.Categories[c] {
			return terminal.Frozen
		}
	}
	return ""
}

// itemised: what is sold is known, where the policy wants it.
func itemised(f facts, _ Usage) terminal.Reason {
	if len(f.sale.Lines) == 0 && f.policy.Goods.Refuse {
		return terminal.GoodsNotListed
	}
	return ""
}

// timed: a wall clock that nobody vouches for, and that reads less than what the
// backend once told, is wrong.
func timed(f facts, _ Usage) terminal.Reason {
	if f.clock != wire.ClockAuthenticated && terminal.MillisOf(f.now) < f.mark {
		return terminal.ClockDoubt
	}
	return ""
}

// fresh: a pass is used within its life, and within that of its credential.
func fresh(f facts, _ Usage) terminal.Reason {
	if f.code.pass == nil {
		return ""
	}
	if err := f.code.pass.Fresh(f.now, f.policy.Pass.Life, f.policy.Pass.Tolerance); err != nil {
		return passReason(err)
	}
	return ""
}

// unseen: a code is presented once.
func unseen(_ facts, u Usage) terminal.Reason {
	if u.Seen {
		return terminal.CodeReplayed
	}
	return ""
}

// notDenied: neither the owner nor the issuer stopped the account or its
// credential. Only a pass tells which account it is; for other codes the backend
// knows.
func notDenied(f facts, _ Usage) terminal.Reason {
	if f.denials == nil || f.code.pass == nil {
		return ""
	}
	if f.denials.Has(f.code.account, f.now) || f.denials.Void(f.code.issuer, f.code.pass.Issued) {
		return terminal.AccountDenied
	}
	return ""
}

// inForce: past its date a policy sells no high-resale goods.
func inForce(f facts, _ Usage) terminal.Reason {
	if f.now.After(f.policy.GoodUntil) && !f.highResale().Zero() {
		return terminal.PolicyStale
	}
	return ""
}

// surelyTimed: before the backend has told the time after a boot, no high-resale
// goods.
func surelyTimed(f facts, _ Usage) terminal.Reason {
	if f.clock != wire.ClockAuthenticated && !f.highResale().Zero() {
		return terminal.ClockDoubt
	}
	return ""
}

// perSale: the register's own caps on each sale.
func perSale(f facts, _ Usage) terminal.Reason {
	for _, c := range f.policy.Caps {
		if c.Scope == terminal.ScopeRegister && c.Window == terminal.PerSale && !f.takes.goods[c.Category].Within(c.Limit) {
			return terminal.CapRegister
		}
	}
	return ""
}

// overTime: the register's own caps on an hour, a day or the time just past.
func overTime(f facts, u Usage) terminal.Reason {
	if !f.within(terminal.ScopeRegister, u) {
		return terminal.CapRegister
	}
	return ""
}

// boundLongAgo: a device bound a short time ago buys few high-resale goods, and
// none without the line. Only a pass tells when it was bound; for other codes
// the backend knows.
func boundLongAgo(f facts, _ Usage) terminal.Reason {
	if f.code.pass == nil || f.now.Sub(f.code.pass.BoundAt) >= f.policy.Device.NewFor {
		return ""
	}
	allowed := int64(0)
	if f.linkUp {
		allowed = f.policy.Device.NewUnitsOnline
	}
	if f.highResale().Units > allowed {
		return terminal.DeviceNew
	}
	return ""
}

// highResale sums what the sale holds of categories that thieves buy.
func (f facts) highResale() terminal.Amount {
	var sum terminal.Amount
	for c, a := range f.takes.goods {
		if f.policy.HighResale[c] {
			sum = sum.Plus(a)
		}
	}
	return sum
}
