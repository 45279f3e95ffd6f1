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

// reads is the read-only side, for a Store and for a Reader: lend gives the
// connections that cannot write.
type reads struct {
	lend func(use func(*sql.DB) error) error
}

// Payment is register.Reader's.
func (r reads) Payment(ctx context.Context, id terminal.PaymentID) (terminal.Payment, error) {
	var found *terminal.Payment
	err := r.lend(func(db *sql.DB) (err error) {
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
func (r reads) Entries(ctx context.Context, from int64, limit int) ([]register.Leaf, error) {
	var leaves []register.Leaf
	err := r.lend(func(db *sql.DB) (err error) {
		if leaves, err = entries(ctx, db, from, limit); err == nil {
			leaves, err = notPruned(ctx, db, from, leaves)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: entries: %w", err)
	}
	return leaves, nil
}

func entries(ctx context.Context, q querier, from int64, limit int) ([]register.Leaf, error) {
	return collect(ctx, q, "SELECT seq, leaf, private, salt FROM journal WHERE seq >= ? ORDER BY seq LIMIT ?", []any{from, max(0, limit)}, scanLeaf)
}

func scanLeaf(rows *sql.Rows) (l register.Leaf, err error) {
	return l, rows.Scan(&l.Seq, &l.Bytes, &l.Private, &l.Salt)
}

// Counters is register.Reader's.
func (r reads) Counters(ctx context.Context, inc terminal.Incarnation, day terminal.BusinessDay) ([]terminal.Counter, error) {
	var found []terminal.Counter
	err := r.lend(func(db *sql.DB) (err error) {
		found, err = counters(ctx, db, "WHERE incarnation = ? AND day = ? ORDER BY cap", inc, day)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: counters: %w", err)
	}
	return found, nil
}

// Hashes is register.Reader's.
func (r reads) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	err := r.lend(func(db *sql.DB) error {
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
func (r reads) Unresolved(ctx context.Context) ([]terminal.Payment, error) {
	var found []terminal.Payment
	err := r.lend(func(db *sql.DB) (err error) {
		found, err = payments(ctx, db, "WHERE unresolved = 1 ORDER BY row")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: unresolved: %w", err)
	}
	return found, nil
}

// Rejected is register.Reader's.
func (r reads) Rejected(ctx context.Context, since terminal.Millis) ([]terminal.Payment, error) {
	var found []terminal.Payment
	err := r.lend(func(db *sql.DB) (err error) {
		found, err = payments(ctx, db, "WHERE state = 'rejected' AND decided >= ? ORDER BY decided DESC, row DESC", since)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: rejected: %w", err)
	}
	return found, nil
}

// Aside is register.Reader's.
func (r reads) Aside(ctx context.Context) ([]register.OutboxItem, error) {
	var found []register.OutboxItem
	err := r.lend(func(db *sql.DB) (err error) {
		found, err = collect(ctx, db, "SELECT id, kind, payment, body FROM aside ORDER BY id", nil, func(rows *sql.Rows) (o register.OutboxItem, err error) {
			return o, rows.Scan(&o.ID, &o.Kind, &o.Payment, &o.Body)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: aside: %w", err)
	}
	return found, nil
}

// leafPayment is the payment that a leaf names, written as the index has it.
const leafPayment = "CASE WHEN json_valid(CAST(leaf AS TEXT)) THEN CAST(leaf AS TEXT) ->> 'payment' END"

// CaseEntries is register.Reader's.
func (r reads) CaseEntries(ctx context.Context, id terminal.PaymentID) ([]register.Leaf, error) {
	var leaves []register.Leaf
	err := r.lend(func(db *sql.DB) (err error) {
		leaves, err = caseEntries(ctx, db, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("offline: case: %w", err)
	}
	return leaves, nil
}

func caseEntries(ctx context.Context, q querier, id terminal.PaymentID) ([]register.Leaf, error) {
	return collect(ctx, q, "SELECT seq, leaf, private, salt FROM journal WHERE "+leafPayment+" = ? ORDER BY seq", []any{id}, scanLeaf)
}
