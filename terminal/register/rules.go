package register

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// facts is all that a rule sees besides the usage: nothing here is read twice,
// so that one decision has one time, one policy and one line.
type facts struct {
	policy      *policy.Policy // nil before the first one came
	now         time.Time
	clock       string // wire.ClockAuthenticated or wire.ClockWall
	day         terminal.BusinessDay
	linkUp      bool
	contactAge  time.Duration // since the backend was last heard; below zero: never
	incarnation terminal.Incarnation
	sale        terminal.Sale
	code        presented
}

// decision is what the rules make of the facts.
type decision struct {
	state    terminal.State // Refused, Sent or ApprovedOffline
	reason   terminal.Reason
	spends   []terminal.Spend
	counters []terminal.Counter // after the debit
}

// judge applies every rule in order. The first that says no gives the reason.
func judge(f facts, u Usage) decision {
	if why := refuse(f, u); why != "" {
		return decision{state: terminal.Refused, reason: why}
	}
	if f.linkUp {
		return reserve(f, u)
	}
	if why := refuseOffline(f, u); why != "" {
		return decision{state: terminal.Refused, reason: why}
	}
	return spendHeld(f, u)
}

// refuse holds whether the line is up or not.
func refuse(f facts, u Usage) terminal.Reason {
	switch {
	case f.policy == nil:
		return terminal.PolicyMissing
	case u.Taken != nil:
		return terminal.SaleTaken
	case f.code.reason != "":
		return f.code.reason
	}
	for _, rule := range []func(facts, Usage) terminal.Reason{fresh, unseen, inForce, surelyTimed, perSale, boundLongAgo} {
		if why := rule(f, u); why != "" {
			return why
		}
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

// perSale: the register's own caps, on each sale.
func perSale(f facts, _ Usage) terminal.Reason {
	for _, c := range f.policy.Caps {
		if c.Scope == terminal.ScopeRegister && !f.sale.Gross(c.Category).Within(c.Limit) {
			return terminal.CapRegister
		}
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
	for c, high := range f.policy.HighResale {
		if high {
			sum = sum.Plus(f.sale.Gross(c))
		}
	}
	return sum
}

// refuseOffline holds while the line is down.
func refuseOffline(f facts, u Usage) terminal.Reason {
	switch {
	case f.code.pass == nil:
		return terminal.CodeUnknownOff
	case u.Account.Declined:
		return terminal.BackendDeclined
	case f.beyondCeiling(u):
		return terminal.OfflineLimit
	}
	return ""
}

// beyondCeiling: the least of the pass's own ceilings, the policy's for an
// account and its floor limit for one payment, all shrunk by the age of the last
// contact.
func (f facts) beyondCeiling(u Usage) bool {
	o := f.policy.Offline
	share := o.Ageing(f.contactAge)
	if f.contactAge < 0 {
		share = 0
	}
	yen := min(int64(o.AccountYen), f.code.pass.OfflineYen) * share / 1000
	// Rounded up: one payment is one until nothing is left.
	count := (min(o.AccountCount, f.code.pass.OfflineCount)*share + 999) / 1000
	floor := int64(o.Floor) * share / 1000
	return int64(f.sale.Total) > floor ||
		int64(u.Account.OfflineYen)+int64(f.sale.Total) > yen ||
		u.Account.OfflineCount+1 > count
}

// storeCaps gives what the sale takes of each store cap that counts now:
// offline-only caps only while the line is down.
func (f facts) storeCaps() []terminal.Spend {
	var out []terminal.Spend
	for _, c := range f.policy.Caps {
		if c.Scope != terminal.ScopeStore || (c.OfflineOnly && f.linkUp) {
			continue
		}
		if want := c.Counted(f.sale.Gross(c.Category)); !want.Zero() {
			out = append(out, terminal.Spend{Cap: c.ID, Window: f.day, Need: want})
		}
	}
	return out
}

// reserve takes what is held of each store cap and notes the rest as need.
func reserve(f facts, u Usage) decision {
	d := decision{state: terminal.Sent}
	for _, s := range f.storeCaps() {
		c := u.counter(keyOf(s, f.incarnation))
		s.Reserved = s.Need.Min(c.Held().Max(terminal.Amount{}))
		s.Need = s.Need.Minus(s.Reserved)
		c, _ = c.Use(s.Reserved)
		d.spends = append(d.spends, s)
		d.counters = append(d.counters, c)
	}
	return d
}

// spendHeld approves only from what is held of every store cap.
func spendHeld(f facts, u Usage) decision {
	d := decision{state: terminal.ApprovedOffline}
	for _, s := range f.storeCaps() {
		c, ok := u.counter(keyOf(s, f.incarnation)).Use(s.Need)
		if !ok {
			return decision{state: terminal.Refused, reason: f.spent(s.Cap)}
		}
		s.Reserved, s.Need = s.Need, terminal.Amount{}
		d.spends = append(d.spends, s)
		d.counters = append(d.counters, c)
	}
	return d
}

// spent tells the offline allowance from the store's cap.
func (f facts) spent(id terminal.CapID) terminal.Reason {
	if c, ok := f.policy.Cap(id); ok && c.OfflineOnly {
		return terminal.CapOffline
	}
	return terminal.CapStore
}

func keyOf(s terminal.Spend, inc terminal.Incarnation) terminal.CounterKey {
	return terminal.CounterKey{Cap: s.Cap, Window: s.Window, Incarnation: inc}
}

// counter gives the counter of a key, empty where it was never used.
func (u Usage) counter(k terminal.CounterKey) terminal.Counter {
	c := u.Counters[k]
	c.Key = k
	return c
}
