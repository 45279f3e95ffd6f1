package backendsim

import (
	"math"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// unlimited is a limit that is none; a measure without a limit is not counted.
const unlimited = math.MaxInt64

// amount is yen and units in this package's own arithmetic. Every value from
// the wire is at most 2^53, so sums of a business day stay far below 2^63.
type amount struct{ yen, units int64 }

func fromWire(a wire.Amount) amount { return amount{a.Yen, a.Units} }
func (a amount) wire() wire.Amount  { return wire.Amount{Yen: a.yen, Units: a.units} }

func (a amount) add(b amount) amount { return amount{a.yen + b.yen, a.units + b.units} }
func (a amount) sub(b amount) amount { return amount{a.yen - b.yen, a.units - b.units} }

// least and most work measure by measure.
func (a amount) least(b amount) amount { return amount{min(a.yen, b.yen), min(a.units, b.units)} }
func (a amount) most(b amount) amount  { return amount{max(a.yen, b.yen), max(a.units, b.units)} }

// fits says whether neither measure is above b's.
func (a amount) fits(b amount) bool { return a.yen <= b.yen && a.units <= b.units }

// limited keeps the measures that limit bounds.
func (a amount) limited(limit amount) amount {
	if limit.yen == unlimited {
		a.yen = 0
	}
	if limit.units == unlimited {
		a.units = 0
	}
	return a
}

// percent gives n percent, rounded down, of the measures that are limited.
func (a amount) percent(n int64) amount {
	a = a.limited(a)
	return amount{a.yen/100*n + a.yen%100*n/100, a.units/100*n + a.units%100*n/100}
}

// split gives an even share, rounded down, of the measures that are limited.
func (a amount) split(n int64) amount {
	a = a.limited(a)
	return amount{a.yen / n, a.units / n}
}

func limitOf(c terminal.Cap) amount { return amount{c.Limit.Yen, c.Limit.Units} }

// storeCaps gives the policy's store caps, with or without the offline ones.
func storeCaps(p *policy.Policy, offline bool) []terminal.Cap {
	var caps []terminal.Cap
	for _, c := range p.Caps {
		if c.Scope == terminal.ScopeStore && (offline || !c.OfflineOnly) {
			caps = append(caps, c)
		}
	}
	return caps
}

// counts gives what a payment must take of a cap, by the backend's own count of
// the lines. Lines are of watched goods only, so for a cap on all goods the
// amount paid stands in for the rest of the basket.
func counts(c terminal.Cap, sale wire.Sale, paid int64) amount {
	var sum amount
	for _, l := range sale.Lines {
		if c.Category == "" || string(c.Category) == l.Category {
			sum = sum.add(amount{l.Yen, l.Units})
		}
	}
	if c.Category == "" {
		sum.yen = max(sum.yen, paid)
	}
	return sum.limited(limitOf(c))
}
