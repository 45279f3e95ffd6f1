package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

const (
	// snapshotLimit is how long a till may take to have the whole set: within the
	// minute in which a register starts its day.
	snapshotLimit = time.Minute
	// snapshotPayLimit is what a customer may wait who pays meanwhile.
	snapshotPayLimit = 2 * time.Second
	// deniedReadyLimit is a start to ready that reads the set from the cache.
	deniedReadyLimit = time.Second
	// deniedMemoryLimit is a register's promise and, beside it, the set twice:
	// while one is applied the old one serves.
	deniedMemoryLimit = residentLimit + 2*deniedAccounts*deniedEntry
	snapshotAfter     = 5 * time.Minute
)

// deniedSnapshot brings 1,500,000 denied accounts to the real daemon over the
// real link, and measures: from the welcome to the whole set in force, the slowest
// payment meanwhile, the memory after, and a start to ready with the set from the
// cache, with the memory after that.
func deniedSnapshot() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), snapshotAfter)
	defer cancel()
	w, end, err := daemonWorld(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	whole, slowest, err := bringDenials(ctx, w)
	if err != nil {
		return nil, err
	}
	memory, err := rested(ctx, w)
	if err != nil {
		return nil, err
	}
	ready, err := restarts(ctx, w)
	if err != nil {
		return nil, err
	}
	restarted, err := rested(ctx, w)
	if err != nil {
		return nil, err
	}
	if n, err := w.Till.Denied(ctx); err != nil || n < deniedAccounts {
		return nil, fmt.Errorf("after a restart %d accounts are denied: %w", n, err)
	}
	return figures{
		figure{"denials-snapshot-in-force", whole, "promise", snapshotLimit, 1},
		figure{"slowest-payment-meanwhile", slowest, "promise", snapshotPayLimit, 1},
		bytesFigure{"memory-with-denials", memory, "promise", deniedMemoryLimit, 1},
		bytesFigure{"memory-with-denials-restarted", restarted, "promise", deniedMemoryLimit, 1},
		figure{"start-to-ready-with-denials", ready, "promise", deniedReadyLimit, 1},
	}, nil
}

// bringDenials denies the accounts while the daemon is down, and sells from its
// start until it has them all. So many in one breath are the bench's alone: the
// start spares the back-off of a line that a busy backend left.
func bringDenials(ctx context.Context, w *scenario.World) (whole, slowest time.Duration, err error) {
	customer, err := w.NewCustomer(ctx, "regular", 365*24*time.Hour, walletsim.Ceilings{Yen: 10_000, Count: 10})
	if err != nil {
		return 0, 0, err
	}
	all, until := make([]backendsim.Denial, deniedAccounts), time.Now().Add(100*24*time.Hour)
	for i := range all {
		var id [8]byte
		rand.Read(id[:])
		all[i] = backendsim.Denial{Account: terminal.AccountKey(hex.EncodeToString(id[:])), Until: until}
	}
	if err := errors.Join(w.StopDaemon(ctx), w.Backend().Deny(ctx, all...)); err != nil {
		return 0, 0, err
	}
	if err := errors.Join(w.StartDaemon(ctx), w.Ready(ctx)); err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for n := 0; n < deniedAccounts; {
		took, err := lunch(ctx, w, customer)
		if err != nil {
			return 0, 0, err
		}
		slowest = max(slowest, took)
		if n, err = w.Till.Denied(ctx); err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), slowest, nil
}

// rested gives a process's memory two seconds on, when the register has handed
// back what the set took on its way.
func rested(ctx context.Context, w *scenario.World) (float64, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(2 * time.Second):
		return resident(w.Process())
	}
}

// lunch sells one, and gives the time from the code to the approval.
func lunch(ctx context.Context, w *scenario.World, customer *scenario.Customer) (time.Duration, error) {
	code, err := customer.Phone.Pass()
	if err != nil {
		return 0, err
	}
	ref := w.NextRef()
	if err := w.Till.Put(ctx, ref, []terminal.Line{meal}); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := w.ShowText(ctx, code); err != nil {
		return 0, err
	}
	s, err := w.Till.Await(ctx, func(s scenario.State) bool {
		return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome == terminal.OutcomeApproved
	})
	if err != nil {
		return 0, err
	}
	return time.Since(began), w.Till.HandOver(ctx, s.Verdict.Payment)
}
