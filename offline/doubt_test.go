package offline

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mattn/go-sqlite3"

	"sekisho/terminal/register"
)

func openAt(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// mustSell sells, and checks that the sale is there with the head that an
// untouched store would have.
func mustSell(t *testing.T, s *Store) int64 {
	t.Helper()
	n, err := sell(t.Context(), s)
	if err != nil {
		t.Fatalf("sell: %v", err)
	}
	isSold(t, s, n, true)
	return n
}

func isSold(t *testing.T, s *Store, n int64, want bool) {
	t.Helper()
	_, err := s.Payment(t.Context(), paymentID(n))
	if (err == nil) != want || (err != nil && !errors.Is(err, register.ErrNotFound)) {
		t.Fatalf("sale %d is there: %t (%v), want %t", n, err == nil, err, want)
	}
	snap, err := s.Load(t.Context())
	if err != nil || (snap.Head.Size > n) != want {
		t.Fatalf("journal has %d entries (%v), sale %d is there: want %t", snap.Head.Size, err, n, want)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var errDisk = sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}

// failAfter commits and then reports a failed fsync; failBefore reports it
// without having committed.
func failAfter(tx *sql.Tx) error  { return errors.Join(tx.Commit(), errDisk) }
func failBefore(tx *sql.Tx) error { return errors.Join(tx.Rollback(), errDisk) }

// TestI1FailedCommitIsLookedUp: what a failing commit did is read from the
// file, and the store goes on by itself.
func TestI1FailedCommitIsLookedUp(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(*sql.Tx) error
		stored bool
	}{
		"committed all the same": {failAfter, true},
		"not committed":          {failBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openAt(t, dir, Options{})
			for range 3 {
				mustSell(t, s)
				s.commit = c.fail
				n, err := sell(t.Context(), s)
				s.commit = (*sql.Tx).Commit
				if c.stored && err != nil {
					t.Fatalf("sell: %v, want none: it is there", err)
				}
				if !c.stored && (!errors.Is(err, register.ErrNotStored) || !errors.Is(err, error(errDisk)) || errors.Is(err, register.ErrInDoubt)) {
					t.Fatalf("sell: %v, want ErrNotStored with its cause", err)
				}
				isSold(t, s, n, c.stored)
			}
			last := mustSell(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			isSold(t, openAt(t, dir, Options{}), last, true)
		})
	}
}

// TestI1DoubtLastsUntilReopen: while the ledger cannot be opened nothing is
// decided and nothing read; Reopen says what became of the sale.
func TestI1DoubtLastsUntilReopen(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(*sql.Tx) error
		stored bool
	}{
		"committed all the same": {failAfter, true},
		"not committed":          {failBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openAt(t, dir, Options{})
			mustSell(t, s)
			ledger, away := filepath.Join(dir, ledgerFile), filepath.Join(dir, "away")
			s.commit = func(tx *sql.Tx) error {
				return errors.Join(c.fail(tx), os.Rename(ledger, away))
			}
			n, err := sell(t.Context(), s)
			s.commit = (*sql.Tx).Commit
			if !errors.Is(err, register.ErrInDoubt) || errors.Is(err, register.ErrNotStored) {
				t.Fatalf("sell: %v, want ErrInDoubt", err)
			}
			if _, err := sell(t.Context(), s); !errors.Is(err, register.ErrInDoubt) {
				t.Errorf("sell in doubt: %v, want ErrInDoubt", err)
			}
			if _, err := s.Load(t.Context()); !errors.Is(err, register.ErrInDoubt) {
				t.Errorf("Load in doubt: %v, want ErrInDoubt", err)
			}
			if _, err := s.Payment(t.Context(), paymentID(0)); !errors.Is(err, register.ErrInDoubt) {
				t.Errorf("Payment in doubt: %v, want ErrInDoubt", err)
			}
			if err := s.Reopen(t.Context()); !errors.Is(err, register.ErrInDoubt) {
				t.Errorf("Reopen without the file: %v, want ErrInDoubt", err)
			}
			if _, err := os.Stat(ledger); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("an empty ledger was made: %v", err)
			}
			if err := os.Rename(away, ledger); err != nil {
				t.Fatal(err)
			}
			if err := s.Reopen(t.Context()); err != nil {
				t.Fatalf("Reopen: %v", err)
			}
			isSold(t, s, n, c.stored)
			mustSell(t, s)
		})
	}
}

// TestI1DoubtIsSettledBeforeItCounts: what recovery found in the log is copied
// into the ledger and the log begun afresh before the sale is acknowledged.
func TestI1DoubtIsSettledBeforeItCounts(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	for range 50 { // a log of many pages
		mustSell(t, s)
	}
	log := filepath.Join(dir, ledgerFile+logSuffix)
	before, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	atCommit := int64(0)
	s.commit = func(tx *sql.Tx) error {
		err := failAfter(tx)
		if info, e := os.Stat(log); e == nil {
			atCommit = info.Size()
		}
		return err
	}
	if _, err := sell(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	if atCommit < before.Size() || after.Size() >= atCommit {
		t.Errorf("log had %d bytes, %d at the commit, %d after: it was not begun afresh", before.Size(), atCommit, after.Size())
	}
}

// TestOlderLedgerPutBackIsNoAnswer: a lookup in a ledger that is older than the
// one that was open settles nothing.
func TestOlderLedgerPutBackIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, ledgerFile))
	if err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{})
	mustSell(t, s)
	s.commit = func(tx *sql.Tx) error {
		path := filepath.Join(dir, ledgerFile)
		return errors.Join(failAfter(tx), os.Remove(path), os.Remove(path+logSuffix), os.WriteFile(path, old, 0o600))
	}
	if _, err := sell(t.Context(), s); !errors.Is(err, register.ErrInDoubt) {
		t.Fatalf("sell: %v, want ErrInDoubt", err)
	}
}

// TestUntrustedConnectionIsGivenUp: after the disk failed a statement, or where
// a transaction could not be ended, the files are opened again.
func TestUntrustedConnectionIsGivenUp(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	mustSell(t, s)
	for name, spoil := range map[string]func(context.Context) error{
		"disk": func(ctx context.Context) error { s.undo(ctx, nil, errDisk); return nil },
		"transaction": func(ctx context.Context) error {
			_, err := s.ledger.ExecContext(ctx, "BEGIN")
			s.undo(ctx, nil, nil)
			return err
		},
	} {
		before := s.ledger
		var err error
		if begun := s.do(t.Context(), func() { err = spoil(context.Background()) }); begun != nil || err != nil {
			t.Fatal(begun, err)
		}
		if s.ledger == before || s.ledger == nil {
			t.Errorf("%s: the connection was kept", name)
		}
		mustSell(t, s)
	}
}

// TestDiskFullStoresNothingAndRecovers: SQLite itself says that the disk is
// full, since its page limit is reached.
func TestDiskFullStoresNothingAndRecovers(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	mustSell(t, s)
	limit(t, s, 1) // SQLite makes it the present size
	var n int64
	var err error
	for err == nil { // the pages there are fill up
		n, err = sell(t.Context(), s)
	}
	for range 3 {
		n, err = sell(t.Context(), s)
		var full sqlite3.Error
		if !errors.Is(err, register.ErrNotStored) || !errors.As(err, &full) || full.Code != sqlite3.ErrFull {
			t.Fatalf("sell: %v, want ErrNotStored by SQLITE_FULL", err)
		}
		isSold(t, s, n, false)
	}
	limit(t, s, 1<<30)
	if again := mustSell(t, s); again != n {
		t.Errorf("the next sale is %d, want %d", again, n)
	}
}

func limit(t *testing.T, s *Store, pages int) {
	t.Helper()
	var err error
	if begun := s.do(t.Context(), func() {
		_, err = s.ledger.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	}); begun != nil || err != nil {
		t.Fatal(begun, err)
	}
}

// TestFailedWriteAtCommitStoresNothingAndRecovers makes the kernel refuse to
// let the log grow, so that the very commit fails.
func TestFailedWriteAtCommitStoresNothingAndRecovers(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	for range 20 { // the log outgrows the file of 32 KiB that SQLite makes beside it
		mustSell(t, s)
	}
	log, err := os.Stat(filepath.Join(dir, ledgerFile+logSuffix))
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	tight := syscall.Rlimit{Cur: uint64(log.Size()) + 100, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &tight); err != nil {
		t.Fatal(err)
	}
	failed, reached := 0, false
	s.commit = func(tx *sql.Tx) error {
		reached = true
		return tx.Commit()
	}
	var n int64
	for range 3 {
		n, err = sell(t.Context(), s)
		var disk sqlite3.Error
		if errors.Is(err, register.ErrNotStored) && errors.As(err, &disk) && disk.Code == sqlite3.ErrIoErr {
			failed++
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if failed != 3 || !reached {
		t.Fatalf("%d of 3 failed with ErrNotStored (commit reached: %t): %v", failed, reached, err)
	}
	isSold(t, s, n, false)
	if again := mustSell(t, s); again != n {
		t.Errorf("the next sale is %d, want %d", again, n)
	}
}

// TestI7PanicsWordsStayOutOfTheLog: a panic's own words are not logged.
func TestI7PanicsWordsStayOutOfTheLog(t *testing.T) {
	var log bytes.Buffer
	s := openAt(t, t.TempDir(), Options{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	_, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) {
		panic("code 2812345678901234")
	})
	if !errors.Is(err, register.ErrNotStored) {
		t.Fatalf("error is %v, want ErrNotStored", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log.Bytes(), []byte("panicked")) || bytes.Contains(log.Bytes(), []byte("28123")) {
		t.Errorf("log: %s", log.String())
	}
	if bytes.Contains([]byte(err.Error()), []byte("28123")) {
		t.Errorf("error: %v", err)
	}
}
