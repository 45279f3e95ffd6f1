package backendsim

import (
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// I3: what a register gives back is free for others, so that no word of its own
// makes more of it than it was granted: not that it released what it never used,
// and not that it never used what it was charged with here.
func TestI3ALyingReturnFreesNothing(t *testing.T) {
	two := wire.Amount{Yen: 1200, Units: 2}
	held2 := wire.Amount{Yen: 3000, Units: 2}
	sold := func(w *world, r *till) {
		m := w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 1200, tobacco(2), held("tobacco-day", 1200, 2))
		outcome(t, r.ask(m), wire.OutcomeApproved, "")
	}
	for _, c := range []struct {
		name string
		sell bool
		lie  func(granted wire.Amount) wire.Counter
	}{
		{"released what was never used", false, func(wire.Amount) wire.Counter {
			return counted(wire.Amount{}, held2, wire.Amount{Yen: 6000, Units: 4})
		}},
		{"released more than was used", false, func(wire.Amount) wire.Counter {
			return counted(two, wire.Amount{Yen: 1201, Units: 3}, wire.Amount{Yen: 3001, Units: 3})
		}},
		{"gave back what was sold", true, func(granted wire.Amount) wire.Counter {
			return counted(wire.Amount{}, wire.Amount{}, granted)
		}},
		{"released what was sold", true, func(granted wire.Amount) wire.Counter {
			return counted(two, two, granted)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := running(t)
			r := w.till("r1", "i1")
			if c.sell {
				sold(w, r)
			}
			before := w.capNow("tobacco-day")
			granted := wire.Amount(before.Granted)
			acked(t, r.ask(giveUp(c.lie(granted))), wire.StatusRejected, "allotment.missing", "")
			if got := w.capNow("tobacco-day"); got.Returned != (terminal.Amount{}) {
				t.Errorf("the row went from %+v to %+v", before, got)
			}
		})
	}
}
