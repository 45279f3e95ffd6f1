package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// prunedReader is the lowest schema number that a release must know to read a
// ledger whose journal does not begin with entry 0, or has an entry that tells of
// it: another takes it for damaged.
const prunedReader = 5

// prune deletes all entries below an index, and keeps the last one, with which the
// hashes are compared at each start. What is pruned already stays so.
func prune(ctx context.Context, tx *sql.Tx, next *position, to int64) error {
	if to <= next.pruned {
		return nil
	}
	if to >= next.tree.head.Size {
		return refused("the journal's last entry is not pruned")
	}
	var open sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT min(number) FROM payment WHERE unresolved = 1").Scan(&open); err != nil {
		return err
	}
	if open.Valid && open.Int64 < to {
		return refused("a payment that is not resolved keeps its entries, from %d on", open.Int64)
	}
	if err := setMeta(ctx, tx, "pruned", to); err != nil {
		return err
	}
	next.pruned = to
	for _, statement := range []struct {
		text string
		arg  int64
	}{
		{"UPDATE meta SET value = max(value, ?) WHERE key = 'min_reader'", prunedReader},
		{"DELETE FROM journal WHERE seq < ?", to},
		{"DELETE FROM age WHERE size < ?", to},
	} {
		if _, err := tx.ExecContext(ctx, statement.text, statement.arg); err != nil {
			return err
		}
	}
	return nil
}

// ageEvery is how far the rows of age are apart: a day beside a retention of more
// than a year.
const ageEvery = 24 * time.Hour

// noteAge keeps how long the journal is at a time that the backend told.
func noteAge(ctx context.Context, tx *sql.Tx, at terminal.Millis, size int64) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO age (at, size) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM age WHERE at > ? AND at <= ?)",
		at, size, at-terminal.Millis(ageEvery.Milliseconds()), at)
	return err
}

// Aged is register.Store's. A backend whose clock went back once left rows that
// say too much: the first row after the time in question says better. Rows of the
// future are of a clock that was wrong, and say nothing.
func (s *Store) Aged(ctx context.Context, before, now terminal.Millis) (int64, error) {
	var size int64
	err := s.lend(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT min(
			coalesce((SELECT max(size) FROM age WHERE at < ?), 0),
			coalesce((SELECT min(size) FROM age WHERE at >= ? AND at <= ?), ?))`, before, before, now, int64(math.MaxInt64)).Scan(&size)
	})
	if err != nil {
		return 0, fmt.Errorf("offline: aged: %w", err)
	}
	return size, nil
}

// firstEntry gives the index of the first entry that is still here.
func firstEntry(ctx context.Context, q querier) (first int64, err error) {
	return first, q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'pruned'").Scan(&first)
}

// notPruned gives leaves that were read from an index on, or a
// *register.PrunedError where those at that index are gone. It asks afterwards,
// so that one that is pruned meanwhile is not taken for missing.
func notPruned(ctx context.Context, q querier, from int64, leaves []register.Leaf) ([]register.Leaf, error) {
	if len(leaves) > 0 && leaves[0].Seq == from {
		return leaves, nil
	}
	first, err := firstEntry(ctx, q)
	if err != nil {
		return nil, err
	}
	if from < first {
		return nil, &register.PrunedError{First: first}
	}
	return leaves, nil
}

// Span is register.Reader's.
func (r reads) Span(ctx context.Context) (first, size int64, err error) {
	err = r.lend(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'pruned'),
			(SELECT coalesce(max(seq) + 1, 0) FROM journal)`).Scan(&first, &size)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("offline: span: %w", err)
	}
	return first, size, nil
}

// verifyPruned goes through a part of what was pruned: its leaves are gone, their
// hashes must give those above them.
func verifyPruned(ctx context.Context, tx *sql.Tx, g *growing, first, size int64) error {
	for end := min(first, size, g.size+verifyLeaves); g.size < end; {
		leaf, err := storedHashes(ctx, tx)([]int64{g.nextHash()})
		if err != nil {
			return err
		}
		if err := verifyHashes(ctx, tx, g, leaf[0]); err != nil {
			return err
		}
	}
	return g.forget()
}

// pruned gives where a journal begins of which entries are gone, by the error of
// who asked for them.
func pruned(err error) (first int64, is bool) {
	var gone *register.PrunedError
	if errors.As(err, &gone) {
		return gone.First, true
	}
	return 0, false
}
