package register

import (
	"maps"
	"slices"
	"time"
)

// owed is what head office said and the disk did not take, by what it is. What
// only closes, such as a freeze, rules already; all of it is stored, and the
// backend need not say it again, as soon as the disk takes something. While the
// disk takes nothing it is tried also where nothing is owed: whoever waits for it
// must not wait for the next sale.
type owed struct {
	list map[string]debt
	due  time.Duration // when the disk is tried next, on the boot clock
}

type debt struct {
	changes Changes
	use     func() // once it is stored
}

// owe keeps what could not be stored; a later one takes its place.
func (r *Register) owe(what string, c Changes, use func()) {
	if r.owed.list == nil {
		r.owed.list = map[string]debt{}
	}
	r.owed.list[what] = debt{c, use}
	r.tryDiskLater()
}

// tryDiskLater sets when the disk is tried next.
func (r *Register) tryDiskLater() { r.owed.due = r.cfg.Clock.Boot() + reopenEvery }

// paidUp forgets what is owed: it was stored, or something newer was.
func (r *Register) paidUp(what string) { delete(r.owed.list, what) }

// triesDisk says whether something is to be written as soon as the disk takes it.
func (r *Register) triesDisk() bool { return len(r.owed.list) > 0 || r.storage == storageFailed }

// payOwed tries to store one thing that is owed; where nothing is, the time as it
// is stored already, which says whether the disk takes anything again.
func (r *Register) payOwed() {
	if r.working || !r.triesDisk() || r.cfg.Clock.Boot() < r.owed.due {
		return
	}
	r.tryDiskLater()
	if len(r.owed.list) == 0 {
		mark := r.time.mark
		r.decide(Scope{}, func(Usage) (Changes, error) { return Changes{Mark: &mark}, nil }, func(error) {})
		return
	}
	what := slices.Min(slices.Collect(maps.Keys(r.owed.list)))
	d := r.owed.list[what]
	r.decide(Scope{}, func(Usage) (Changes, error) { return d.changes, nil }, func(err error) {
		if err != nil {
			return
		}
		r.paidUp(what)
		d.use()
		r.tellView(EventPolicy)
	})
}
