package offline

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// prunedAndClosed makes a ledger of twelve sales of which the first entries are
// pruned, with a mark on a payment whose own entry is gone, and gives its head.
func prunedAndClosed(t *testing.T) (string, journal.Head) {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	for range 12 {
		mustSell(t, s)
	}
	p, err := s.Payment(t.Context(), paymentID(2))
	if err != nil {
		t.Fatal(err)
	}
	p.HandedOver = terminal.ByCashier
	put(t, s, register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfMark(p, "i1", 2, journal.MarkHandedOver, "cashier")}})
	whole, err := s.VerifyAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, register.Changes{Prune: 7})
	left, err := s.VerifyAll(t.Context())
	if err != nil || left != whole {
		t.Fatalf("%+v before, %+v after it was pruned: %v", whole, left, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, whole
}

// TestI6VerifyProvesWhatIsLeft changes one thing in a ledger that was pruned: of
// what is left all is found, of what is gone each hash that does not follow.
func TestI6VerifyProvesWhatIsLeft(t *testing.T) {
	const drop = "DROP TRIGGER hash_never_changes; DROP TRIGGER hash_never_goes; DROP TRIGGER journal_never_changes; DROP TRIGGER journal_keeps_the_rest; DROP TRIGGER pruned_never_goes_back"
	dir, _ := prunedAndClosed(t)
	whole := contents(t, filepath.Join(dir, ledgerFile))
	for name, text := range map[string]string{
		"nothing":                           "SELECT 1",
		"the hash of a leaf that is gone":   "UPDATE hash SET hash = zeroblob(32) WHERE idx = 0",
		"a hash above what is gone":         "UPDATE hash SET hash = zeroblob(32) WHERE idx = 2",
		"a hash that is gone":               "DELETE FROM hash WHERE idx = 3",
		"a leaf that is left":               `UPDATE journal SET leaf = CAST(replace(leaf, '"amount":720', '"amount":721') AS BLOB) WHERE seq = 9`,
		"the first entry that is left":      "DELETE FROM journal WHERE seq = 7",
		"a later one":                       "DELETE FROM journal WHERE seq = 9",
		"all but the last":                  "DELETE FROM journal WHERE seq < 12",
		"where it begins":                   "UPDATE meta SET value = 6 WHERE key = 'pruned'",
		"where it begins, further":          "UPDATE meta SET value = 8 WHERE key = 'pruned'",
		"a mark that the payment has not":   "UPDATE payment SET body = json_remove(body, '$.handed_over') WHERE id = 'p2'",
		"a payment's state and its entry's": "UPDATE payment SET state = 'settled', body = json_set(body, '$.state', 'settled') WHERE id = 'p9'",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), ledgerFile)
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			edit(t, path, drop, text)
			s, err := Open(t.Context(), filepath.Dir(path), Options{})
			if err == nil {
				err = s.Verify(t.Context())
				s.Close()
			}
			if name == "nothing" && err != nil || name != "nothing" && !errors.Is(err, ErrDamaged) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestI6OnlyThePrefixGoes: not even who writes SQL takes an entry out of the
// middle, or brings back that one was pruned, without taking a trigger away.
func TestI6OnlyThePrefixGoes(t *testing.T) {
	dir, _ := prunedAndClosed(t)
	db := sql.OpenDB(connector{dsn: "file:" + filepath.Join(dir, ledgerFile) + "?mode=rw"})
	defer db.Close()
	for _, text := range []string{"DELETE FROM journal WHERE seq = 7", "DELETE FROM journal", "UPDATE meta SET value = 6 WHERE key = 'pruned'"} {
		if _, err := db.ExecContext(t.Context(), text); err == nil {
			t.Errorf("%s was done", text)
		}
	}
}

// TestReleaseBeforeReadsALedgerUntilItIsPruned: it would take the entry that tells of
// it for damaged, since it does not know its keys.
func TestReleaseBeforeReadsALedgerUntilItIsPruned(t *testing.T) {
	const before, this = 4, 5
	path := filepath.Join(soldAndClosed(t, 3), ledgerFile)
	if err := inspect(t.Context(), path, before); err != nil {
		t.Errorf("not pruned: %v", err)
	}
	dir, _ := prunedAndClosed(t)
	path = filepath.Join(dir, ledgerFile)
	whole := contents(t, path)
	if err := inspect(t.Context(), path, before); !errors.Is(err, ErrNewer) || !bytes.Equal(contents(t, path), whole) {
		t.Errorf("pruned: %v", err)
	}
	if err := inspect(t.Context(), path, this); err != nil {
		t.Error(err)
	}
}

// TestPruneWhoseCommitFails is there whole or not at all, and the journal grows on
// after either.
func TestPruneWhoseCommitFails(t *testing.T) {
	for name, c := range map[string]struct {
		commit func(*sql.Tx) error
		first  int64
	}{"committed all the same": {failAfter, 5}, "not committed": {failBefore, 0}} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, t.TempDir(), Options{})
			for range 9 {
				mustSell(t, s)
			}
			s.commit = c.commit
			_, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) { return register.Changes{Prune: 5}, nil })
			s.commit = (*sql.Tx).Commit
			if (err == nil) != (c.first > 0) || err != nil && !errors.Is(err, register.ErrNotStored) {
				t.Fatalf("error is %v", err)
			}
			snap, err := s.Load(t.Context())
			if err != nil || snap.Pruned != c.first || snap.Head.Size != 9 {
				t.Fatalf("from %d to %d, %v", snap.Pruned, snap.Head.Size, err)
			}
			mustSell(t, s)
			if err := s.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestI6APrunedJournalIsProvedByItsHashes: an old entry's place can still be
// shown by who has the entry.
func TestI6APrunedJournalIsProvedByItsHashes(t *testing.T) {
	dir, head := prunedAndClosed(t)
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stored := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return r.Hashes(t.Context(), at) })
	for seq := range head.Size {
		leaf, proof, err := journal.Inclusion(seq, head.Size, stored)
		if err != nil || tlog.CheckRecord(proof, head.Size, head.Root, seq, leaf) != nil {
			t.Fatalf("entry %d: %v", seq, err)
		}
	}
	if first, size, err := r.Span(t.Context()); err != nil || first != 7 || size != head.Size {
		t.Errorf("from %d to %d, %v", first, size, err)
	}
}
