package offline

import (
	"context"
	"errors"
	"fmt"
)

var errOther = errors.New("the ledger is older than the one that was open")

// lookUp finds out what became of the transaction whose commit gave cause; nil
// where it was stored.
func (s *Store) lookUp(ctx context.Context, cause error) error {
	s.log.Error("a commit failed; the ledger is opened again to see what was stored", "error", cause)
	before := s.at.commits
	if err := s.reopen(ctx); err != nil {
		s.doubt = fmt.Errorf("%w; reopening: %w", cause, err)
		s.log.Error("the ledger cannot be opened again", "error", err)
		return inDoubt(s.doubt)
	}
	if s.at.commits == before {
		return notStored(cause)
	}
	return nil
}

// Reopen is register.Store's.
func (s *Store) Reopen(ctx context.Context) error {
	var err error
	if begun := s.do(ctx, func() { err = s.reopen(context.WithoutCancel(ctx)) }); begun != nil {
		return fmt.Errorf("offline: reopen: %w", begun)
	}
	if err != nil {
		s.log.Error("the ledger cannot be opened again", "error", err)
		return inDoubt(err)
	}
	return nil
}

// reopen closes the ledger, makes its log durable and opens it again, so that
// SQLite recovers from what the log really holds. What is found beyond the last
// commit known was in doubt: it is settled before it counts. On an error the
// ledger stays closed, and the last position known is kept.
func (s *Store) reopen(ctx context.Context) error {
	known := s.at
	s.closeLedger() // its error would tell of the connection that is given up
	err := rewriteLog(s.folder.file(ledgerFile))
	if err == nil {
		err = s.openWriterAt(ctx)
	}
	if err == nil {
		err = s.compare(ctx, known)
	}
	if err == nil {
		err = s.startReading(ctx)
	}
	s.doubt = err
	if err != nil {
		s.closeLedger()
		s.at = known
	}
	return err
}

func (s *Store) compare(ctx context.Context, known position) error {
	switch {
	case s.at.commits < known.commits:
		return fmt.Errorf("%w: it has %d commits, there were %d", errOther, s.at.commits, known.commits)
	case s.at.commits > known.commits:
		return s.settle(ctx)
	}
	return nil
}
