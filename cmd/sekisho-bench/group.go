package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"sekisho/offline"
	"sekisho/terminal/register"
)

const (
	groupCallers = 8
	groupEach    = 500 // decisions of each caller: the 99th percentile of 4,000 has 40 above it
	// groupGoal is the longest that all but one decision in a hundred may take,
	// eight at once: two or three syncs of a good disk.
	groupGoal = 10 * time.Millisecond
)

// groupFigure measures the 99th percentile of approvals that eight callers store
// at once in one ledger.
func groupFigure() (fmt.Stringer, error) {
	dir, err := os.MkdirTemp("", "sekisho-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	store, err := offline.Open(context.Background(), dir, offline.Options{})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	times, err := atOnce(store)
	if err != nil {
		return nil, err
	}
	slices.Sort(times)
	return figure{"decide-8-p99", times[len(times)*99/100], "goal", groupGoal, 1}, nil
}

// atOnce gives the time of each decision of each caller.
func atOnce(store register.Store) ([]time.Duration, error) {
	times, errs := make([]time.Duration, groupCallers*groupEach), make([]error, groupCallers)
	var callers sync.WaitGroup
	for c := range groupCallers {
		callers.Go(func() {
			for i := range groupEach {
				n := int64(c*groupEach + i)
				began := time.Now()
				if errs[c] = approve(store, n); errs[c] != nil {
					return
				}
				times[n] = time.Since(began)
			}
		})
	}
	callers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return times, nil
}
