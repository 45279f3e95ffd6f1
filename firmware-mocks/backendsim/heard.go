package backendsim

import (
	"context"
	"slices"
	"sync"
	"time"

	"sekisho/terminal"
)

// heard is when each register was heard since the backend began. It is kept in
// memory alone: of the time before it began a backend says nothing, since it may
// have been put back from a backup in which the last links are not.
type heard struct {
	began time.Time

	mu sync.Mutex
	of map[string][]stretch
}

// stretch is a time in which a register was heard at least every windowSlack, in
// milliseconds of the backend's clock, from the earliest to the latest that it
// showed: it may have been set meanwhile.
type stretch struct {
	from, to int64
	last     time.Time // for its monotonic clock
}

// maxStretches is how many are kept of one register. Where there are more the gap
// between the two oldest is forgotten, as if it had been heard in it.
const maxStretches = 32

// note notes that a register is heard now.
func (h *heard) note(register string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.of[register]
	if n := len(all); n == 0 || now.Sub(all[n-1].last) > windowSlack {
		all = append(all, stretch{from: now.UnixMilli(), to: now.UnixMilli()})
	}
	if len(all) > maxStretches {
		all[1].from = all[0].from
		all = slices.Delete(all, 0, 1)
	}
	s := &all[len(all)-1]
	s.from, s.to, s.last = min(s.from, now.UnixMilli()), max(s.to, now.UnixMilli()), now
	if h.of == nil {
		h.of = map[string][]stretch{}
	}
	h.of[register] = all
}

// least gives the least time, in milliseconds, that a register which tells the
// truth can say at a moment since it heard the backend last. What the two clocks
// may differ by, and what a message may take, is taken off.
func (h *heard) least(register string, at int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	slack, last := windowSlack.Milliseconds(), h.began.UnixMilli()
	for _, s := range h.of[register] {
		if s.from-slack <= at {
			last = max(last, s.to)
		}
	}
	return max(0, at-last-slack)
}

// Age is an advice whose register says that it had heard the backend a shorter time
// ago than can be. The ceilings of what it may sell offline shrink with that time.
type Age struct {
	Payment  string          `json:"payment"`
	Store    string          `json:"store"`
	Register string          `json:"register"`
	Amount   int64           `json:"amount"` // yen
	State    State           `json:"state"`
	Created  terminal.Millis `json:"created"`
	Told     int64           `json:"told"`  // milliseconds since the last contact, as it told
	Least    int64           `json:"least"` // as this backend knows
}

// Ages gives those advices, oldest first.
func (r Ledger) Ages(ctx context.Context) ([]Age, error) {
	return list(ctx, r.l, func(a *Age) []any {
		return []any{&a.Payment, &a.Store, &a.Register, &a.Amount, &a.State, &a.Created, &a.Told, &a.Least}
	}, `SELECT p.id, p.store, p.register, p.amount, p.state, p.created, a.told, a.least
		FROM age a JOIN payment p ON p.id = a.payment ORDER BY p.decided, p.id`)
}
