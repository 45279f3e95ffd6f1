package register

import (
	"context"
	"errors"

	"sekisho/terminal"
)

// registerHoldings gives what of each of this register's own caps over time was
// used in its present window. Nothing is held of them, and how much is left is
// the limit, which nobody at the till is told.
func registerHoldings(f facts, used map[Tally]terminal.Amount) []Holding {
	var out []Holding
	for _, c := range f.policy.Caps {
		if c.Scope == terminal.ScopeRegister && c.Window != terminal.PerSale {
			h := newHolding(c, f.day)
			h.Used = used[f.tally(c)]
			out = append(out, h)
		}
	}
	return out
}

// ownCaps asks the ledger for registerHoldings.
func (r *Register) ownCaps(ctx context.Context) ([]Holding, error) {
	return ask(ctx, r, func(answer func([]Holding, *Error)) {
		if r.policy == nil {
			answer(nil, nil)
			return
		}
		f := r.moment()
		var scope Scope
		for _, c := range f.policy.Caps {
			if c.Scope == terminal.ScopeRegister && c.Window != terminal.PerSale {
				scope.Tallies = append(scope.Tallies, f.tally(c))
			}
		}
		if len(scope.Tallies) == 0 {
			answer(nil, nil)
			return
		}
		var out []Holding
		r.decide(scope, func(u Usage) (Changes, error) {
			out = registerHoldings(f, u.Tallies)
			return Changes{}, errNothing
		}, func(err error) {
			if !errors.Is(err, errNothing) {
				answer(nil, storageError(err))
				return
			}
			answer(out, nil)
		})
	})
}

// newHolding names a cap.
func newHolding(c terminal.Cap, day terminal.BusinessDay) Holding {
	h := Holding{Cap: c.ID, Scope: c.Scope, Per: c.Window, Category: c.Category, Window: day, OfflineOnly: c.OfflineOnly, Counts: []string{}}
	if c.Limit.Yen != terminal.Unlimited {
		h.Counts = append(h.Counts, "yen")
	}
	if c.Limit.Units != terminal.Unlimited {
		h.Counts = append(h.Counts, "units")
	}
	return h
}
