package terminal

import (
	"cmp"
	"slices"
)

// Loss is what one bearer pays, on one business day, for approvals that were
// given without the line and did not hold.
type Loss struct {
	Day    BusinessDay
	Bearer string // "" where the backend named nobody
	Yen    Yen
}

// Losses sums the rejected payments of a list by the business day of the sale and
// by bearer, in this order.
func Losses(list []Payment) []Loss {
	var out []Loss
	for _, p := range list {
		if p.State != Rejected {
			continue
		}
		l := Loss{Day: p.Day, Bearer: p.Bearer, Yen: p.Amount}
		i, there := slices.BinarySearchFunc(out, l, func(a, b Loss) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Bearer, b.Bearer))
		})
		if !there {
			out = slices.Insert(out, i, l)
			continue
		}
		out[i].Yen += l.Yen
	}
	return out
}
