package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// Load is register.Store's.
func (s *Store) Load(ctx context.Context) (register.Snapshot, error) {
	var snap register.Snapshot
	var err error
	begun := s.do(ctx, func() {
		if s.doubt != nil {
			err = inDoubt(s.doubt)
			return
		}
		if snap, err = s.snapshot(ctx); err != nil {
			err = fmt.Errorf("offline: load: %w", opened(err))
		}
	})
	if begun != nil {
		return register.Snapshot{}, fmt.Errorf("offline: load: %w", begun)
	}
	return snap, err
}

// snapshot runs on the writer's goroutine, so that nothing changes meanwhile.
func (s *Store) snapshot(ctx context.Context) (register.Snapshot, error) {
	snap := register.Snapshot{Head: s.at.tree.head, PolicyVersion: s.at.policy}
	var err error
	if snap.Sale, err = findSale(ctx, s.ledger); err != nil {
		return snap, err
	}
	if snap.Sale != nil {
		if snap.Current, err = findPayment(ctx, s.ledger, snap.Sale.Payment); err != nil {
			return snap, err
		}
	}
	if snap.Unresolved, err = payments(ctx, s.ledger, "WHERE unresolved = 1 ORDER BY row"); err != nil {
		return snap, err
	}
	if snap.Outbox, err = outbox(ctx, s.ledger, "ORDER BY id"); err != nil {
		return snap, err
	}
	if err := standing(ctx, s.ledger, &snap); err != nil {
		return snap, err
	}
	snap.Denials = s.cachedDenials(ctx)
	snap.PolicyNote, err = s.cachedPolicy(ctx, s.at.policy)
	return snap, err
}

// Payment is register.Reader's.
func (s *Store) Payment(ctx context.Context, id terminal.PaymentID) (terminal.Payment, error) {
	var found *terminal.Payment
	err := s.read(func(db *sql.DB) (err error) {
		found, err = findPayment(ctx, db, id)
		return err
	})
	if err != nil {
		return terminal.Payment{}, fmt.Errorf("offline: payment: %w", err)
	}
	if found == nil {
		return terminal.Payment{}, fmt.Errorf("offline: payment %s: %w", id, register.ErrNotFound)
	}
	return *found, nil
}

// Entries is register.Reader's.
func (s *Store) Entries(ctx context.Context, from int64, limit int) ([]register.Leaf, error) {
	var leaves []register.Leaf
	err := s.read(func(db *sql.DB) (err error) {
		leaves, err = entries(ctx, db, from, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: entries: %w", err)
	}
	return leaves, nil
}

func entries(ctx context.Context, q querier, from int64, limit int) ([]register.Leaf, error) {
	return collect(ctx, q, "SELECT seq, leaf, private, salt FROM journal WHERE seq >= ? ORDER BY seq LIMIT ?", []any{from, max(0, limit)},
		func(rows *sql.Rows) (l register.Leaf, err error) {
			return l, rows.Scan(&l.Seq, &l.Bytes, &l.Private, &l.Salt)
		})
}

// Counters is register.Reader's.
func (s *Store) Counters(ctx context.Context, inc terminal.Incarnation, day terminal.BusinessDay) ([]terminal.Counter, error) {
	var found []terminal.Counter
	err := s.read(func(db *sql.DB) (err error) {
		found, err = counters(ctx, db, "WHERE incarnation = ? AND day = ? ORDER BY cap", inc, day)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: counters: %w", err)
	}
	return found, nil
}

// Hashes is register.Reader's.
func (s *Store) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	err := s.read(func(db *sql.DB) error {
		for i, idx := range indexes {
			var raw []byte
			err := db.QueryRowContext(ctx, "SELECT hash FROM hash WHERE idx = ?", idx).Scan(&raw)
			if errors.Is(err, sql.ErrNoRows) {
				return register.ErrNotFound
			}
			if err != nil {
				return err
			}
			copy(found[i][:], raw)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offline: hashes: %w", err)
	}
	return found, nil
}

// Unresolved is register.Reader's.
func (s *Store) Unresolved(ctx context.Context) ([]terminal.Payment, error) {
	var found []terminal.Payment
	err := s.read(func(db *sql.DB) (err error) {
		found, err = payments(ctx, db, "WHERE unresolved = 1 ORDER BY row")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: unresolved: %w", err)
	}
	return found, nil
}

// leafPayment is the payment that a leaf names, written as the index has it.
const leafPayment = "CASE WHEN json_valid(CAST(leaf AS TEXT)) THEN CAST(leaf AS TEXT) ->> 'payment' END"

// CaseEntries is register.Reader's.
func (s *Store) CaseEntries(ctx context.Context, id terminal.PaymentID) ([]register.Leaf, error) {
	var leaves []register.Leaf
	err := s.read(func(db *sql.DB) (err error) {
		leaves, err = collect(ctx, db, "SELECT seq, leaf, private, salt FROM journal WHERE "+leafPayment+" = ? ORDER BY seq", []any{id},
			func(rows *sql.Rows) (l register.Leaf, err error) {
				return l, rows.Scan(&l.Seq, &l.Bytes, &l.Private, &l.Salt)
			})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: case: %w", err)
	}
	return leaves, nil
}

// read lends the readers' pool, which is not exchanged meanwhile.
func (s *Store) read(use func(*sql.DB) error) error {
	s.reading.RLock()
	defer s.reading.RUnlock()
	if s.readers != nil {
		return use(s.readers)
	}
	select {
	case <-s.quit:
		return ErrClosed
	default:
		return register.ErrInDoubt
	}
}
