package main

import (
	"cmp"
	queue "container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"sekisho/terminal/policy"
	"sekisho/terminal/uplink"
)

// The simulation of a whole chain that comes back after the backend was started
// anew: the registers' own backoff, and a backend that greets one after the other.
const (
	stores = 20_000
	// greets is how many registers a backend greets in a second: TLS with both
	// certificates and a hello. A dial with both certificates costs 1.8 ms of a
	// core in all, about half of it here; two cores then greet some 2,000, and a
	// thousand leave room for the hello's transaction.
	greets = 1_000
	// patience of a dial, as package uplink has it: a register that was not
	// greeted by then hangs up, and what the backend did for it was for nothing.
	dialPatience = 5 * time.Second
)

// arrival is a register's next dial.
type arrival struct {
	at       time.Duration
	failures int
}

// arrivals is a heap, the earliest first.
type arrivals []arrival

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at < a[j].at }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *arrivals) Push(x any) { *a = append(*a, x.(arrival)) }

// Pop implements heap.Interface.
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// comeback is what a simulation found.
type comeback struct {
	away       time.Duration
	peak       int           // dials in the busiest second, refused ones too
	half, last time.Duration // from the moment that the backend was there again
	wasted     int           // greeted too late
}

// String is the figure's line. Nothing is promised of it.
func (c comeback) String() string {
	return fmt.Sprintf("bench: reconnect-%d-after-%.0fs peak=%d/s half-back=%.1f s all-back=%.1f s greeted-in-vain=%d greets=%d/s",
		stores, c.away.Seconds(), c.peak, c.half.Seconds(), c.last.Seconds(), c.wasted, greets)
}

// reconnect plays a restart: every line breaks at once, and for as long as the
// backend is away every dial is refused at once.
func reconnect(away time.Duration, seed uint64) comeback {
	chance := rand.New(rand.NewPCG(seed, seed))
	var waiting arrivals
	for range stores {
		waiting = append(waiting, arrival{at: uplink.Delay(policy.DefaultRedial, uplink.Crowd, chance.Float64()), failures: uplink.Crowd})
	}
	queue.Init(&waiting)
	found := comeback{away: away}
	second := map[time.Duration]int{}
	var back []time.Duration
	free := away // when the backend can greet the next
	for len(waiting) > 0 {
		a := queue.Pop(&waiting).(arrival)
		second[a.at/time.Second]++
		retry := func(at time.Duration) {
			queue.Push(&waiting, arrival{at + uplink.Delay(policy.DefaultRedial, a.failures+1, chance.Float64()), a.failures + 1})
		}
		if a.at < away {
			retry(a.at)
			continue
		}
		free = max(free, a.at) + time.Second/greets
		if free > a.at+dialPatience {
			found.wasted++
			retry(a.at + dialPatience)
			continue
		}
		back = append(back, free-away)
	}
	for _, dials := range second {
		found.peak = max(found.peak, dials)
	}
	slices.SortFunc(back, cmp.Compare)
	found.half, found.last = back[len(back)/2], back[len(back)-1]
	return found
}

// reconnects plays a restart of a moment, and one after an outage.
func reconnects() (fmt.Stringer, error) {
	const seed = 20190701 // any: said here so that the figure can be had again
	return figures{reconnect(2*time.Second, seed), reconnect(10*time.Minute, seed)}, nil
}
