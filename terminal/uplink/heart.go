package uplink

import (
	"strconv"
	"sync"
	"time"
)

// heart measures the line by its pings. Each carries a number, so that a late
// pong counts for its own ping and not for the latest.
type heart struct {
	mu   sync.Mutex
	last uint64
	sent map[uint64]time.Time // those that wait for their pong
}

// beat gives the payload of the ping that is sent now, and the ages of those that
// have waited since the one before it: a pong of theirs that still comes says
// nothing more. An age is at least what lies between two pings.
func (h *heart) beat(now time.Time, every time.Duration) (payload []byte, unanswered []time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, at := range h.sent {
		// A ping that was kept back by a full line may be followed at once by the next.
		if age := now.Sub(at); age >= every/2 {
			unanswered = append(unanswered, max(age, every))
			delete(h.sent, n)
		}
	}
	if h.sent == nil {
		h.sent = map[uint64]time.Time{}
	}
	h.last++
	h.sent[h.last] = now
	return strconv.AppendUint(nil, h.last, 10), unanswered
}

// pong gives how long the answer to a ping took; false where it is none of them.
func (h *heart) pong(payload string, now time.Time) (time.Duration, bool) {
	n, err := strconv.ParseUint(payload, 10, 64)
	if err != nil {
		return 0, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	at, waits := h.sent[n]
	delete(h.sent, n)
	return now.Sub(at), waits
}
