package offline

import (
	"context"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/register"
)

// position is where the ledger stands after its last commit, as the writer
// keeps it in memory.
type position struct {
	commits int64 // raised by every transaction
	policy  int64 // the highest version ever in force
	pruned  int64 // the first journal entry that is still here
	clean   bool  // ended cleanly and not written since
	tree    tree
}

// prepareLedger looks before it touches, makes the ledger where there is none,
// and brings it to this release's schema.
func (s *Store) prepareLedger(ctx context.Context) error {
	steps, err := migrations("ledger")
	if err != nil {
		return err
	}
	path := s.folder.file(ledgerFile)
	if s.folder.has(ledgerFile) {
		if err := inspect(ctx, path, int64(len(steps))); err != nil {
			return err
		}
	} else if s.folder.has(ledgerFile + logSuffix) {
		return fmt.Errorf("%w: %s is missing, its log is there", ErrDamaged, ledgerFile)
	}
	if _, err := s.folder.create(ledgerFile); err != nil {
		return err
	}
	if err := rewriteLog(path); err != nil { // the process before may have died of a failed sync
		return err
	}
	writer, err := openWriter(ctx, path, s.options)
	if err != nil {
		return err
	}
	if err := migrate(ctx, writer, steps); err != nil {
		writer.Close()
		return fmt.Errorf("%s: %w", ledgerFile, err)
	}
	return writer.Close()
}

// openLedger opens the ledger, which must exist, and reads where it stands.
// What an unclean end left in the log is checked and settled before it counts.
func (s *Store) openLedger(ctx context.Context) error {
	if err := s.openWriterAt(ctx); err != nil {
		return err
	}
	if !s.at.clean {
		if err := quickCheck(ctx, s.ledger); err != nil {
			return fmt.Errorf("%s: %w", ledgerFile, err)
		}
		if err := s.settle(ctx); err != nil {
			return fmt.Errorf("%s: after an unclean end: %w", ledgerFile, err)
		}
	}
	return s.startReading(ctx)
}

func (s *Store) openWriterAt(ctx context.Context) error {
	writer, err := openWriter(ctx, s.folder.file(ledgerFile), s.options)
	if err != nil {
		return err
	}
	s.ledger = writer
	// No commit pays for copying the log: tidy does it, once all are answered.
	if _, err := writer.ExecContext(ctx, "PRAGMA wal_autocheckpoint = 0"); err != nil {
		return fmt.Errorf("%s: %w", ledgerFile, opened(err))
	}
	err = inView(ctx, writer, func(tx *sql.Tx) (err error) {
		s.at, err = readPosition(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", ledgerFile, opened(err))
	}
	return nil
}

func (s *Store) startReading(ctx context.Context) error {
	readers, err := openReaders(ctx, s.folder.file(ledgerFile))
	if err != nil {
		return fmt.Errorf("%s: %w", ledgerFile, err)
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	s.readers = readers
	return nil
}

// settle makes what recovery found in the log durable without trusting it to be
// on the disk already: the checkpoint writes it anew into the file, and the
// commit that follows begins the log afresh, so that no later recovery can meet
// the old one.
func (s *Store) settle(ctx context.Context) error {
	if err := checkpoint(ctx, s.ledger); err != nil {
		return err
	}
	if err := bump(ctx, s.ledger, 0); err != nil {
		return err
	}
	s.at.commits++
	s.at.clean = false
	return nil
}

// tidyAfter is after about how many pages the log is copied into the file: 16 MB,
// which a start after a power cut reads in some milliseconds, and for which who
// comes next waits no longer than for a few commits.
const tidyAfter = 4000

// logged is about how many pages a decision adds to the log: each commit writes
// the ends of the tables and indexes anew, and payments and entries fill others.
func logged(c register.Changes) int { return 12 + max(len(c.Payments), len(c.Entries)) }

// tidy copies the log into the file, as far as readers allow, so that the log
// begins afresh. After one that failed the files are opened again: SQLite
// remembers how far it has copied, and what a failed sync lost of an earlier
// part it would not copy again.
func (s *Store) tidy() {
	if s.doubt != nil || s.untidy < tidyAfter {
		return
	}
	s.untidy = 0
	ctx := context.Background()
	if _, err := s.ledger.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		s.log.Warn("the ledger's log could not be copied into the ledger", "error", err)
		if err := s.reopen(ctx); err != nil {
			s.log.Error("the ledger cannot be opened again", "error", err)
		}
	}
}

// bump commits nothing but the number of commits and the clean mark.
func bump(ctx context.Context, writer *sql.DB, clean int64) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := count(ctx, tx); err != nil {
		return err
	}
	if err := setMeta(ctx, tx, "clean", clean); err != nil {
		return err
	}
	return tx.Commit()
}

func count(ctx context.Context, tx *sql.Tx) error {
	// One is a parameter so that the driver keeps the compiled statement.
	_, err := tx.ExecContext(ctx, "UPDATE meta SET value = value + ? WHERE key = 'commits'", 1)
	return err
}

func setMeta(ctx context.Context, tx *sql.Tx, key string, value int64) error {
	_, err := tx.ExecContext(ctx, "UPDATE meta SET value = ? WHERE key = ?", value, key)
	return err
}

func readPosition(ctx context.Context, tx *sql.Tx) (p position, err error) {
	for key, into := range map[string]any{"commits": &p.commits, "policy": &p.policy, "pruned": &p.pruned, "clean": &p.clean} {
		if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(into); err != nil {
			return position{}, fmt.Errorf("%w: meta %s: %w", ErrDamaged, key, err)
		}
	}
	if p.tree, err = readTree(ctx, tx); err != nil {
		return p, err
	}
	var first int64
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(min(seq), 0) FROM journal").Scan(&first); err != nil {
		return p, opened(err)
	}
	if first != p.pruned {
		return p, fmt.Errorf("%w: the journal begins with entry %d, and %d were pruned", ErrDamaged, first, p.pruned)
	}
	return p, nil
}

// readTree gives the tree as the hashes have it, after a look at whether they
// fit the last entry.
func readTree(ctx context.Context, tx *sql.Tx) (tree, error) {
	var hashes, size int64
	err := tx.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(idx) + 1, 0) FROM hash),
		(SELECT coalesce(max(seq) + 1, 0) FROM journal)`).Scan(&hashes, &size)
	if err != nil {
		return tree{}, opened(err)
	}
	if tlog.StoredHashCount(size) != hashes {
		return tree{}, fmt.Errorf("%w: %d journal entries, %d hashes", ErrDamaged, size, hashes)
	}
	t, err := treeOf(size, storedHashes(ctx, tx))
	if err != nil || size == 0 {
		return t, err
	}
	var leaf []byte
	if err := tx.QueryRowContext(ctx, "SELECT leaf FROM journal WHERE seq = ?", size-1).Scan(&leaf); err != nil {
		return tree{}, opened(err)
	}
	kept, err := storedHashes(ctx, tx)([]int64{tlog.StoredHashIndex(0, size-1)})
	if err != nil {
		return tree{}, err
	}
	if kept[0] != tlog.RecordHash(leaf) {
		return tree{}, fmt.Errorf("%w: the last journal entry, %d, is not the one that was hashed", ErrDamaged, size-1)
	}
	return t, nil
}

// storedHashes reads hashes of the tree from the ledger.
func storedHashes(ctx context.Context, tx *sql.Tx) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, idx := range indexes {
			var b []byte
			if err := tx.QueryRowContext(ctx, "SELECT hash FROM hash WHERE idx = ?", idx).Scan(&b); err != nil {
				return nil, fmt.Errorf("%w: hash %d: %w", ErrDamaged, idx, err)
			}
			copy(hashes[i][:], b)
		}
		return hashes, nil
	}
}
