package register

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// takings is what a sale takes: summed once for a decision, however many caps
// there are.
type takings struct {
	goods    map[terminal.Category]terminal.Amount // gross, by category; "" for all goods
	spends   []terminal.Spend                      // of store caps, all of it as need
	countees []countee
}

// countee is a register's or an account's cap over time of which a sale takes
// something.
type countee struct {
	cap   terminal.Cap
	want  terminal.Amount
	tally Tally // whose sum the want is added to
}

// weighed gives the facts with what the sale takes by the policy.
func (f facts) weighed() facts {
	f.takes = takings{}
	if f.policy == nil {
		return f
	}
	f.takes.goods = goods(f.sale, f.policy)
	for _, c := range f.policy.Caps {
		want := c.Counted(f.takes.goods[c.Category])
		switch {
		case want.Zero(), c.Window == terminal.PerSale, c.OfflineOnly && f.linkUp:
		case c.Scope == terminal.ScopeStore:
			f.takes.spends = append(f.takes.spends, terminal.Spend{Cap: c.ID, Window: f.day, Need: want})
		default:
			f.takes.countees = append(f.takes.countees, countee{cap: c, want: want, tally: f.tally(c)})
		}
	}
	return f
}

// goods sums a sale by category. One of which only the total is known is what
// the policy says.
func goods(s terminal.Sale, p *policy.Policy) map[terminal.Category]terminal.Amount {
	sums := s.Gross()
	if len(s.Lines) == 0 && p.Goods.Unitemised != "" {
		sums[p.Goods.Unitemised] = sums[""]
	}
	return sums
}

func (f facts) tally(c terminal.Cap) Tally {
	t := Tally{Cap: c.ID, Since: terminal.MillisOf(f.since(c))}
	if c.Scope == terminal.ScopeAccount {
		t.Account = f.code.account
	}
	return t
}

// since gives where the window of a cap began. What was made then counts, and
// whatever is dated later.
func (f facts) since(c terminal.Cap) time.Time {
	switch c.Window {
	case terminal.PerHour:
		return f.policy.Business.HourStart(f.reckoned())
	case terminal.PerDay:
		return f.policy.Business.Start(f.reckoned())
	case terminal.Rolling:
		return f.reckoned().Add(-c.Span)
	}
	return time.UnixMilli(0) // of a later release: all that ever was counts
}

// reckoned is the time from which windows look back. The wall clock is evidence
// only: where it alone tells the time, windows are those of the last authenticated
// time, so that no clock set forward empties one.
func (f facts) reckoned() time.Time {
	if last := f.mark.Time(); f.clock != wire.ClockAuthenticated && last.Before(f.now) {
		return last
	}
	return f.now
}

// tallies gives the sums that the rules will ask for. An account's cap is the
// backend's to keep while the line is up.
func (f facts) tallies() []Tally {
	var out []Tally
	for _, c := range f.takes.countees {
		if c.cap.Scope == terminal.ScopeRegister || !f.linkUp {
			out = append(out, c.tally)
		}
	}
	return out
}

// within says whether the sale fits into every cap over time of a scope.
func (f facts) within(scope terminal.Scope, u Usage) bool {
	for _, c := range f.takes.countees {
		if c.cap.Scope == scope && !u.Tallies[c.tally].Plus(c.want).Within(c.cap.Limit) {
			return false
		}
	}
	return true
}

// counts is what the payment is to be counted with.
func (f facts) counts() []terminal.Count {
	var out []terminal.Count
	for _, c := range f.takes.countees {
		out = append(out, terminal.Count{Cap: c.cap.ID, Amount: c.want})
	}
	return out
}

// reserve takes what is held of each store cap and notes the rest as need. A
// register whose rights are in doubt holds nothing.
func (f facts) reserve(u Usage) decision {
	d := decision{state: terminal.Sent, counts: f.counts()}
	for _, s := range f.takes.spends {
		c := u.counter(keyOf(s, f.incarnation))
		if f.quarantine == "" {
			s.Reserved = s.Need.Min(c.Held().Max(terminal.Amount{}))
		}
		s.Need = s.Need.Minus(s.Reserved)
		c, _ = c.Use(s.Reserved)
		d.spends = append(d.spends, s)
		d.counters = append(d.counters, c)
	}
	return d
}

// spendHeld approves only from what is held of every store cap.
func (f facts) spendHeld(u Usage) decision {
	d := decision{state: terminal.ApprovedOffline, counts: f.counts()}
	for _, s := range f.takes.spends {
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
