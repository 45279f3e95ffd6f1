package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sekisho/terminal/register"
)

// The signed notes whose text the ledger keeps.
const (
	noteRoles  = "roles"
	noteFreeze = "freeze"
)

// putStanding writes by what the register stands: the mark of its clock, roles,
// freeze and quarantine.
func putStanding(ctx context.Context, tx *sql.Tx, c register.Changes) error {
	if c.Mark != nil {
		if err := setMeta(ctx, tx, "mark", int64(*c.Mark)); err != nil {
			return err
		}
		if err := forgetSeen(ctx, tx, *c.Mark); err != nil {
			return err
		}
	}
	if err := putNote(ctx, tx, noteRoles, c.Roles); err != nil {
		return err
	}
	if err := putNote(ctx, tx, noteFreeze, c.Freeze); err != nil {
		return err
	}
	return putQuarantine(ctx, tx, c.Quarantine)
}

func putNote(ctx context.Context, tx *sql.Tx, kind string, n *register.NoteCopy) error {
	if n == nil {
		return nil
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO note (kind, version, text) VALUES (?, ?, ?)
		ON CONFLICT (kind) DO UPDATE SET version = excluded.version, text = excluded.text WHERE version <= excluded.version`,
		kind, n.Version, n.Note)
	if err != nil {
		return err
	}
	if rows, err := done.RowsAffected(); err != nil || rows == 0 {
		return refused("%s version %d is older than the one in force", kind, n.Version)
	}
	return nil
}

func putQuarantine(ctx context.Context, tx *sql.Tx, reason *string) error {
	if reason == nil {
		return nil
	}
	if *reason == "" {
		_, err := tx.ExecContext(ctx, "DELETE FROM quarantine")
		return err
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO quarantine (only, reason) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET reason = excluded.reason", *reason)
	return err
}

// standing reads what putStanding wrote.
func standing(ctx context.Context, q querier, snap *register.Snapshot) error {
	if err := q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'mark'").Scan(&snap.Mark); err != nil {
		return fmt.Errorf("%w: meta mark: %w", ErrDamaged, err)
	}
	for kind, into := range map[string]*register.NoteCopy{noteRoles: &snap.Roles, noteFreeze: &snap.Freeze} {
		err := q.QueryRowContext(ctx, "SELECT version, text FROM note WHERE kind = ?", kind).Scan(&into.Version, &into.Note)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	err := q.QueryRowContext(ctx, "SELECT reason FROM quarantine").Scan(&snap.Quarantine)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
