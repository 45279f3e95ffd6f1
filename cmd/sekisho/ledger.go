package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// batch is how many leaves are read at once: some hundred kilobytes.
const batch = 500

// ledger is the register's ledger, open for reading while the daemon writes.
type ledger interface {
	register.Reader
	Close() error
}

// withLedger lends the ledger to use.
func (s *staff) withLedger(ctx context.Context, use func(ledger) error) error {
	l, err := openLedger(ctx, s.cfg.Data)
	if err != nil {
		return person(fmt.Errorf("the ledger in %s cannot be read: %w", s.cfg.Data, err))
	}
	return errors.Join(use(l), l.Close())
}

// size gives how many entries the journal has, those that were pruned included.
func size(ctx context.Context, l ledger) (int64, error) {
	_, n, err := l.Span(ctx)
	return n, err
}

// each goes through the entries that are kept, from index from on, until there
// are no more or visit says that it has enough. It gives the index to go on from.
// Some may be pruned meanwhile.
func each(ctx context.Context, l ledger, from int64, visit func(register.Leaf) error) (int64, error) {
	for {
		leaves, err := l.Entries(ctx, from, batch)
		var gone *register.PrunedError
		if errors.As(err, &gone) {
			from = gone.First
			continue
		}
		if err != nil || len(leaves) == 0 {
			return from, err
		}
		for _, leaf := range leaves {
			if err := visit(leaf); err != nil {
				return from, err
			}
			from = leaf.Seq + 1
		}
	}
}

// stored gives the journal's stored hashes.
func stored(ctx context.Context, l ledger) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return l.Hashes(ctx, indexes) })
}

// paymentOf reads one payment; the sentence says what to do about one that is
// not there.
func paymentOf(ctx context.Context, l ledger, id terminal.PaymentID) (terminal.Payment, error) {
	p, err := l.Payment(ctx, id)
	if errors.Is(err, register.ErrNotFound) {
		return p, fmt.Errorf("this register has no payment %q: take the id from sekisho logs, or look at the store's other registers", id)
	}
	return p, err
}

// head gives the head of the journal's first size entries, by its stored hashes.
func head(ctx context.Context, l ledger, size int64) (journal.Head, error) {
	return journal.HeadOf(size, stored(ctx, l))
}

// openLedger opens the ledger in a data folder for reading alone.
func openLedger(ctx context.Context, dir string) (ledger, error) {
	return offline.OpenReader(ctx, dir)
}

// paymentsSince gives the payments that have an entry from a time on, in the
// order of their first such entry.
func paymentsSince(ctx context.Context, l ledger, from terminal.Millis) ([]terminal.PaymentID, error) {
	var ids []terminal.PaymentID
	known := map[terminal.PaymentID]bool{}
	_, err := each(ctx, l, 0, func(leaf register.Leaf) error {
		var e journal.Entry
		if err := json.Unmarshal(leaf.Bytes, &e); err != nil {
			return fmt.Errorf("entry %d cannot be read: run sekisho verify", leaf.Seq)
		}
		if e.Payment != "" && e.Time >= from && !known[e.Payment] {
			known[e.Payment] = true
			ids = append(ids, e.Payment)
		}
		return nil
	})
	return ids, err
}
