package register

import (
	"context"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// KeepEntries is how long a journal entry is kept at least, also where the backend
// has it: a question about the same week of the year before, a month late, is
// still answered at the till, and by then every time in which a charge can be
// disputed is over. The books that the law wants longer are the operator's, made
// of what was uploaded.
const KeepEntries = 400 * 24 * time.Hour

const (
	// pruneBatch is how many entries go in one transaction: a few milliseconds of
	// the disk, behind which a payment may have to wait.
	pruneBatch = 500
	// pruneRest lies between two of them: a year that could not be pruned goes in
	// some hours.
	pruneRest = time.Second
	// pruneEvery is how often it is looked for entries that are old enough: their
	// age is known to a day.
	pruneEvery = time.Hour
)

// pruning is the deletion of old entries. How far it has come is in the ledger.
type pruning struct {
	first   int64         // entry that is kept
	told    int64         // an entry of this run tells that those before this one go
	due     time.Duration // not before, on the boot clock
	looking bool          // what is old enough is being read beside the loop
}

// mayPrune says whether entries may go: those below a checkpoint that the backend
// said in this session to have with all its leaves, at a register that nobody
// doubts, while nobody waits. How old they are the backend's time says, or the
// machine's clock where that says less.
func (r *Register) mayPrune() bool {
	return r.session != 0 && !r.stopping && r.quarantine == "" && !r.upload.off && r.upload.whole.Size > r.pruning.first &&
		r.time.quality() == wire.ClockAuthenticated && r.quiet()
}

// prune looks for entries that may go.
func (r *Register) prune() {
	p := &r.pruning
	now := r.cfg.Clock.Boot()
	if p.looking || now < p.due || !r.mayPrune() {
		return
	}
	p.looking, p.due = true, now+pruneEvery
	// The wall clock is evidence: where it says less, the backend's may have jumped,
	// and what is deleted does not come back.
	told := min(r.now(), terminal.MillisOf(r.cfg.Clock.Wall()))
	before := told - terminal.Millis(KeepEntries.Milliseconds())
	type found struct {
		old int64
		err error
	}
	aside(r, func(ctx context.Context) found {
		old, err := r.cfg.Store.Aged(ctx, before, told)
		return found{old, err}
	}, func(f found) {
		r.pruning.looking = false
		if f.err != nil {
			r.cfg.Log.Error("how old the journal's entries are could not be read; trying again in an hour", "error", f.err)
			return
		}
		if end := r.prunable(f.old); end > r.pruning.first && r.mayPrune() {
			r.pruneTowards(end)
		}
	})
}

// prunable gives the index below which entries may go now, of the first old ones.
func (r *Register) prunable(old int64) int64 {
	to := min(old, r.upload.whole.Size, r.head.Size-1)
	for _, p := range r.unresolved {
		to = min(to, p.Number)
	}
	return to
}

// pruneTowards deletes the next entries below end. The first transaction of a pass
// tells in the journal how far the whole pass goes, and only what goes further is
// told again: a year that could not be pruned is one entry, not thousands. Where the
// pass breaks off, more is kept than was told.
func (r *Register) pruneTowards(end int64) {
	to, told := min(end, r.pruning.first+pruneBatch), r.pruning.told
	c := Changes{Prune: to}
	if to > told {
		told = end
		c.Entries = []journal.Draft{journal.OfPruning(end, r.upload.whole, r.cfg.Incarnation, r.now())}
	}
	r.decide(Scope{}, func(Usage) (Changes, error) { return c, nil }, func(err error) {
		if err != nil {
			return // finish has logged it; it is looked at again in an hour
		}
		r.pruning.first, r.pruning.told, r.pruning.due = to, told, r.cfg.Clock.Boot()+pruneRest
	})
}
