package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"sekisho/terminal/register"
)

// Decide is register.Store's. ctx counts until the decision begins; from there
// on it runs to its end.
func (s *Store) Decide(ctx context.Context, scope register.Scope, decide func(register.Usage) (register.Changes, error)) (register.Receipt, error) {
	w := &waiting{ctx: ctx, scope: scope, decide: decide, answered: make(chan struct{})}
	select {
	case <-s.quit:
		return register.Receipt{}, notStored(ErrClosed)
	default:
	}
	select {
	case s.decisions <- w:
		<-w.answered
		return w.receipt, w.err
	case <-ctx.Done():
		return register.Receipt{}, notStored(ctx.Err())
	case <-s.quit:
		return register.Receipt{}, notStored(ErrClosed)
	}
}

// empty says whether there is nothing to store, and so no disk to wait for.
func empty(c register.Changes) bool {
	return len(c.Payments) == 0 && len(c.Counters) == 0 && c.Seen == nil && c.Sale == nil && len(c.Outbox) == 0 &&
		len(c.Done) == 0 && len(c.Parked) == 0 && len(c.Aside) == 0 && c.Policy == nil && len(c.Entries) == 0 &&
		c.Mark == nil && c.Roles == nil && c.Freeze == nil && c.Limit == nil && c.Denials == nil && c.Quarantine == nil && len(c.Erase) == 0 && c.Prune == 0
}

var errPanic = errors.New("the decision broke off: see the log")

// call runs decide. own is decide's error; err says that it panicked, which
// must not end the writer.
func (s *Store) call(decide func(register.Usage) (register.Changes, error), usage register.Usage) (c register.Changes, own, err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		// Only the runtime's own panics are printed: another's value may hold
		// what must not be in a log.
		what := fmt.Sprintf("%T", r)
		if e, ok := r.(runtime.Error); ok {
			what = e.Error()
		}
		s.log.Error("a decision panicked; nothing was stored", "panic", what, "stack", string(debug.Stack()))
		own, err = nil, errPanic
	}()
	c, own = decide(usage)
	return c, own, nil
}

// abandon ends a transaction that has not come to its commit, and says that
// nothing was stored.
func (s *Store) abandon(ctx context.Context, tx *sql.Tx, cause error) error {
	s.undo(ctx, tx, cause)
	return notStored(cause)
}

// undo rolls back. SQLite has done so itself after some errors, and then has
// nothing to roll back; so the connection is asked. Where it cannot be trusted
// the files are opened again.
func (s *Store) undo(ctx context.Context, tx *sql.Tx, cause error) {
	if tx != nil {
		tx.Rollback()
	}
	if !broken(cause) && idle(ctx, s.ledger) {
		return
	}
	if err := s.reopen(ctx); err != nil {
		s.doubt = err
		s.log.Error("the ledger cannot be opened again", "error", err)
	}
}

// idle says whether the writer's connection is outside any transaction.
func idle(ctx context.Context, writer *sql.DB) bool {
	conn, err := writer.Conn(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	idle := false
	err = conn.Raw(func(c any) error {
		auto, ok := c.(interface{ AutoCommit() bool })
		idle = ok && auto.AutoCommit()
		return nil
	})
	return err == nil && idle
}
