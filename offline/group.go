package offline

import (
	"context"
	"database/sql"

	"sekisho/terminal/register"
)

// groupSize is how many decisions share a commit at most, so that the first of
// them does not wait for ever: each takes well below a millisecond.
const groupSize = 64

// waiting is a decision on its way through the writer.
type waiting struct {
	ctx    context.Context
	scope  register.Scope
	decide func(register.Usage) (register.Changes, error)

	receipt  register.Receipt
	err      error
	answered chan struct{}
}

// answer ends the wait. With an error the receipt says nothing but where the
// journal stands.
func (w *waiting) answer(err error) {
	w.err = err
	close(w.answered)
}

// group is one transaction, shared by the decisions that waited for the writer.
// Each sees what those before it changed, and fails alone; none is answered by
// what they changed before the commit.
type group struct {
	s       *Store
	tx      *sql.Tx
	at      position // where the ledger will stand
	changed bool
	logged  int        // about how many pages it adds to the log
	members []*waiting // to be answered after the commit
	own     []error    // beside them: decide's own errors
}

// commitGroup carries out first and those that wait behind it.
func (s *Store) commitGroup(first *waiting) {
	if s.doubt != nil {
		first.answer(inDoubt(s.doubt))
		return
	}
	ctx := context.WithoutCancel(first.ctx)
	tx, err := s.ledger.BeginTx(ctx, nil)
	if err != nil {
		first.answer(s.abandon(ctx, nil, err))
		return
	}
	g := &group{s: s, tx: tx, at: s.at}
	w := first
	for n := 1; w != nil; n++ {
		if err := g.take(w); err != nil {
			g.fail(s.abandon(ctx, g.tx, err))
			return
		}
		w = nil
		if n < groupSize {
			select {
			case w = <-s.decisions:
			default:
			}
		}
	}
	g.finish(ctx)
}

// take runs one decision. An error says that the whole transaction is lost; w is
// then a member.
func (g *group) take(w *waiting) error {
	if err := w.ctx.Err(); err != nil {
		w.answer(notStored(err))
		return nil
	}
	ctx := context.WithoutCancel(w.ctx)
	usage, err := load(ctx, g.tx, g.at, w.scope)
	if err != nil {
		return g.refuse(w, err)
	}
	usage.Account.Limit = g.s.cachedLimit(ctx, w.scope.Account)
	changes, own, err := g.s.call(w.decide, usage)
	if err != nil {
		return g.refuse(w, err)
	}
	if own != nil || empty(changes) {
		w.receipt = register.Receipt{Head: g.at.tree.head}
		g.join(w, own)
		return nil
	}
	return g.store(ctx, w, changes)
}

// store writes changes: in a savepoint where others have changed something
// before it. Where none has, which is the rule at a till, a savepoint would only
// copy each page that is changed.
func (g *group) store(ctx context.Context, w *waiting, changes register.Changes) error {
	shared := g.changed
	if shared {
		if _, err := g.tx.ExecContext(ctx, "SAVEPOINT decision"); err != nil {
			return g.lose(w, err)
		}
	}
	next, added, err := g.s.apply(ctx, g.tx, g.at, changes)
	if err != nil {
		if gone := g.takeBack(ctx, shared); gone != nil {
			return g.lose(w, err)
		}
		return g.refuse(w, err)
	}
	if shared {
		if _, err := g.tx.ExecContext(ctx, "RELEASE decision"); err != nil {
			return g.lose(w, err)
		}
	}
	g.at, g.changed = next, true
	g.logged += logged(changes)
	w.receipt = register.Receipt{Head: next.tree.head, Outbox: added}
	g.join(w, nil)
	return nil
}

// takeBack undoes what one decision wrote, and no other's. SQLite ends the whole
// transaction after some errors: then there is no savepoint to go back to, and
// the error says that all is lost.
func (g *group) takeBack(ctx context.Context, shared bool) error {
	if shared {
		if _, err := g.tx.ExecContext(ctx, "ROLLBACK TO decision"); err != nil {
			return err
		}
		_, err := g.tx.ExecContext(ctx, "RELEASE decision")
		return err
	}
	g.tx.Rollback() // SQLite may have done so itself; whether it is done shows now
	tx, err := g.s.ledger.BeginTx(ctx, nil)
	g.tx = tx
	return err
}

// refuse answers one decision, unless the disk failed under all.
func (g *group) refuse(w *waiting, err error) error {
	if broken(err) {
		return g.lose(w, err)
	}
	w.answer(notStored(err))
	return nil
}

func (g *group) lose(w *waiting, err error) error {
	g.join(w, nil)
	return err
}

func (g *group) join(w *waiting, own error) {
	g.members, g.own = append(g.members, w), append(g.own, own)
}

// finish commits, or looks up what became of the commit, and answers.
func (g *group) finish(ctx context.Context) {
	if !g.changed {
		g.s.undo(ctx, g.tx, nil)
		g.succeed()
		return
	}
	if err := g.seal(ctx); err != nil {
		g.fail(g.s.abandon(ctx, g.tx, err))
		return
	}
	if err := g.s.commit(g.tx); err != nil {
		if err := g.s.lookUp(ctx, err); err != nil {
			g.fail(err)
			return
		}
	} else {
		g.s.at = g.at
	}
	g.succeed()
}

// seal makes the transaction one that can be looked up.
func (g *group) seal(ctx context.Context) error {
	if g.s.at.clean {
		if err := setMeta(ctx, g.tx, "clean", 0); err != nil {
			return err
		}
	}
	g.at.commits++
	g.at.clean = false
	return count(ctx, g.tx)
}

func (g *group) succeed() {
	g.s.untidy += g.logged
	for i, w := range g.members {
		w.answer(g.own[i])
	}
}

// fail answers all alike: who decided against, did so by what others changed,
// perhaps, and that is gone.
func (g *group) fail(err error) {
	for _, w := range g.members {
		w.receipt = register.Receipt{}
		w.answer(err)
	}
}
