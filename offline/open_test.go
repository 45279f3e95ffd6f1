package offline

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/terminal/register"
)

// edit runs statements in a file of the folder, as nobody should.
func edit(t *testing.T, path string, statements ...string) {
	t.Helper()
	db := sql.OpenDB(connector{dsn: "file:" + path + "?mode=rw"})
	defer db.Close()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := checkpoint(t.Context(), db); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// soldAndClosed makes a folder with some sales and a policy.
func soldAndClosed(t *testing.T, sales int) string {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	for range sales {
		mustSell(t, s)
	}
	putPolicy(t, s, 1, "note\n")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func putPolicy(t *testing.T, s *Store, version int64, note string) {
	t.Helper()
	_, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) {
		return register.Changes{Policy: &register.PolicyCopy{Version: version, Note: note}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestI2EveryWriterWaitsForTheDisk reads the pragmas from the connections
// themselves, after opening and after reopening.
func TestI2EveryWriterWaitsForTheDisk(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for range 2 {
		for _, db := range []*sql.DB{s.ledger, s.cache} {
			for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} {
				var got string
				if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s is %s, want %s: %v", pragma, got, want, err)
				}
			}
		}
		if err := s.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestI2RefusesToStartWithoutFull(t *testing.T) {
	for _, level := range []string{"NORMAL", "OFF"} {
		s, err := Open(t.Context(), t.TempDir(), Options{synchronous: level})
		if !errors.Is(err, ErrNotDurable) {
			t.Errorf("synchronous=%s: %v, want ErrNotDurable", level, err)
		}
		if err == nil {
			s.Close()
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	mustSell(t, s)
	for _, text := range []string{"DELETE FROM journal", "PRAGMA query_only = 0; DELETE FROM journal"} {
		if _, err := s.readers.ExecContext(t.Context(), text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	isSold(t, s, 0, true)
}

func TestI8SecondProcessIsToldToGoElsewhere(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second: %v, want ErrLocked", err)
	}
	mustSell(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	isSold(t, openAt(t, dir, Options{}), 0, true)
}

func TestI7OnlyTheOwnerReadsTheFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data of till 1?%41#")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ledgerFile, cacheFile} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := openAt(t, dir, Options{})
	mustSell(t, s)
	putPolicy(t, s, 1, "note")
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v: %v", path, info.Mode().Perm(), want, err)
		}
		return nil
	})
	if err != nil || files != 6 { // ledger and cache, each with log and shared memory
		t.Errorf("%d files: %v", files, err)
	}
}

func TestSharedFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrShared) {
		t.Errorf("error is %v, want ErrShared", err)
	}
}

// TestLaterReleasesFileIsLeftAlone: what a later release marked as not for this
// one keeps every byte; what it did not mark is opened.
func TestLaterReleasesFileIsLeftAlone(t *testing.T) {
	for _, name := range []string{ledgerFile, cacheFile} {
		dir := soldAndClosed(t, 2)
		path := filepath.Join(dir, name)
		edit(t, path, "UPDATE meta SET value = 99 WHERE key = 'schema'", "CREATE TABLE later (x INTEGER) STRICT")
		s := openAt(t, dir, Options{})
		mustSell(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		edit(t, path, "UPDATE meta SET value = 99 WHERE key = 'min_reader'")
		before := contents(t, path)
		if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want ErrNewer", name, err)
		}
		if !bytes.Equal(contents(t, path), before) {
			t.Errorf("%s was changed", name)
		}
	}
}

// TestI8DamagedLedgerStopsAndStays damages the ledger in several ways.
func TestI8DamagedLedgerStopsAndStays(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"not a database": func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("not a ledger\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another's database": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			edit(t, path, "CREATE TABLE recipe (name TEXT)")
		},
		"an entry gone": func(t *testing.T, path string) {
			edit(t, path, "DROP TRIGGER journal_keeps_the_rest", "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
		},
		"the last entry changed": func(t *testing.T, path string) {
			edit(t, path, "DROP TRIGGER journal_never_changes", "UPDATE journal SET leaf = CAST(leaf || ' ' AS BLOB) WHERE seq = (SELECT max(seq) FROM journal)")
		},
		"a hash gone": func(t *testing.T, path string) {
			edit(t, path, "DROP TRIGGER hash_never_goes", "DELETE FROM hash WHERE idx = 4")
		},
		"a value that cannot be, after an unclean end": func(t *testing.T, path string) {
			edit(t, path, "PRAGMA ignore_check_constraints = 1", "UPDATE payment SET amount = -1", "UPDATE meta SET value = 0 WHERE key = 'clean'")
		},
		"the file gone and its log not": func(t *testing.T, path string) {
			if err := os.Rename(path, path+logSuffix); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := soldAndClosed(t, 4)
			path := filepath.Join(dir, ledgerFile)
			damage(t, path)
			if name == "the file gone and its log not" {
				path += logSuffix
			}
			before := contents(t, path)
			if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), keepIt) {
				t.Fatalf("Open: %v, want ErrDamaged and what to do", err)
			}
			if !bytes.Equal(contents(t, path), before) {
				t.Error("the damaged ledger was changed")
			}
		})
	}
}

// TestCleanEndIsMarked: the mark is there after Close, and gone from the first
// sale on.
func TestCleanEndIsMarked(t *testing.T) {
	dir := soldAndClosed(t, 1)
	s := openAt(t, dir, Options{})
	if !s.at.clean {
		t.Error("no mark after a clean end")
	}
	mustSell(t, s)
	var clean bool
	if err := s.readers.QueryRowContext(t.Context(), "SELECT value FROM meta WHERE key = 'clean'").Scan(&clean); err != nil || clean {
		t.Errorf("marked as ended cleanly while it runs: %t, %v", clean, err)
	}
}

// TestCacheIsRebuilt: without its cache a register starts, knows which policy
// was in force, and has not its text.
func TestCacheIsRebuilt(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"gone":    os.Remove,
		"damaged": func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("x"), 8192), 0o600) },
		"half":    func(path string) error { return os.Truncate(path, 5000) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := soldAndClosed(t, 1)
			path := filepath.Join(dir, cacheFile)
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := openAt(t, dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			snap, err := s.Load(t.Context())
			if err != nil || snap.PolicyVersion != 1 || snap.PolicyNote != "" {
				t.Errorf("policy is %d %q, want 1 and no text: %v", snap.PolicyVersion, snap.PolicyNote, err)
			}
			if said := log.String(); strings.Contains(said, "begun afresh") != (name != "gone") || strings.Contains(said, "left as it") {
				t.Errorf("logged %q", said)
			}
			if _, err := os.Stat(path + asideSuffix); (err == nil) != (name != "gone") {
				t.Errorf("moved aside: %v", err)
			}
			putPolicy(t, s, 1, "again")
			if snap, err = s.Load(t.Context()); err != nil || snap.PolicyNote != "again" {
				t.Errorf("policy is %q: %v", snap.PolicyNote, err)
			}
		})
	}
}

// TestI6TextCountsOnlyOnceTheLedgerNamesIt: the text is in the cache before the
// ledger's commit; where that fails the old text is still the one in force.
func TestI6TextCountsOnlyOnceTheLedgerNamesIt(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	putPolicy(t, s, 1, "one")
	cached := ""
	s.commit = func(tx *sql.Tx) error {
		cached, _ = s.cachedPolicy(context.Background(), 2)
		return failBefore(tx)
	}
	_, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) {
		return register.Changes{Policy: &register.PolicyCopy{Version: 2, Note: "two"}}, nil
	})
	s.commit = (*sql.Tx).Commit
	if !errors.Is(err, register.ErrNotStored) || cached != "two" {
		t.Fatalf("error is %v, cache had %q before the commit", err, cached)
	}
	snap, err := s.Load(t.Context())
	if err != nil || snap.PolicyVersion != 1 || snap.PolicyNote != "one" {
		t.Errorf("policy is %d %q: %v", snap.PolicyVersion, snap.PolicyNote, err)
	}
}

// TestI6VerifySeesEveryChange changes one thing in the middle of the journal,
// where starting does not look.
func TestI6VerifySeesEveryChange(t *testing.T) {
	const drop = "DROP TRIGGER IF EXISTS journal_never_changes; DROP TRIGGER IF EXISTS journal_keeps_the_rest"
	for name, text := range map[string]string{
		"nothing":               "",
		"a byte of a leaf":      `UPDATE journal SET leaf = CAST(replace(leaf, '"amount":720', '"amount":721') AS BLOB) WHERE seq = 3`,
		"two leaves swapped":    "UPDATE journal SET leaf = (SELECT leaf FROM journal j WHERE j.seq = 2) WHERE seq = 3",
		"a leaf gone":           "DELETE FROM journal WHERE seq = 3",
		"a leaf hash":           "DROP TRIGGER hash_never_changes; UPDATE hash SET hash = zeroblob(32) WHERE idx = 0",
		"a hash above":          "DROP TRIGGER hash_never_changes; UPDATE hash SET hash = zeroblob(32) WHERE idx = 2",
		"a private part":        `UPDATE journal SET private = CAST(replace(private, 'a1', 'a2') AS BLOB) WHERE seq = 3`,
		"a private part's salt": "UPDATE journal SET salt = zeroblob(32) WHERE seq = 3",
	} {
		t.Run(name, func(t *testing.T) {
			dir := soldAndClosed(t, 11)
			if text != "" {
				edit(t, filepath.Join(dir, ledgerFile), drop, text)
			}
			err := openAt(t, dir, Options{}).Verify(t.Context())
			if text == "" && err != nil || text != "" && !errors.Is(err, ErrDamaged) {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

// TestI6ErasedPrivatePartStaysProvable: the law may want a private part gone.
func TestI6ErasedPrivatePartStaysProvable(t *testing.T) {
	dir := soldAndClosed(t, 5)
	edit(t, filepath.Join(dir, ledgerFile), "UPDATE journal SET private = NULL, salt = NULL WHERE seq = 2")
	s := openAt(t, dir, Options{})
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	leaves, err := s.Entries(t.Context(), 2, 1)
	if err != nil || len(leaves) != 1 || leaves[0].Private != nil {
		t.Errorf("%+v, %v", leaves, err)
	}
}

// TestSchemaHoldsByItself tries around the code what the code refuses.
func TestSchemaHoldsByItself(t *testing.T) {
	dir := soldAndClosed(t, 2)
	db := sql.OpenDB(connector{dsn: "file:" + filepath.Join(dir, ledgerFile) + "?mode=rw&_foreign_keys=1"})
	defer db.Close()
	const counter = "INSERT INTO counter VALUES ('c', 'd', 'i', %d, 0, %d, 0, %d, 0, 0, 0, 0, 0, 0, 0)"
	if _, err := db.ExecContext(t.Context(), fmt.Sprintf(counter, 10, 4, 1)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"UPDATE payment SET state = 'maybe'",
		"UPDATE payment SET amount = -1",
		"UPDATE payment SET amount = 'many'",
		"UPDATE payment SET body = '{'",
		"UPDATE counter SET used_yen = 3",
		"UPDATE counter SET granted_yen = 9",
		"UPDATE counter SET used_yen = 12",
		"UPDATE counter SET released_yen = 5",
		strings.Replace(fmt.Sprintf(counter, 1, 2, 0), "'c'", "'x'", 1),
		strings.Replace(fmt.Sprintf(counter, -1, 0, 0), "'c'", "'x'", 1),
		"INSERT INTO seen VALUES ('k', 'no payment', 1)",
		"INSERT INTO outbox (kind, payment, body) VALUES ('parcel', 'p0', x'00')",
		"INSERT INTO outbox (kind, payment, body) VALUES ('void', 'no payment', x'00')",
		`INSERT INTO sale VALUES (2, 's', 'open', '', '{}')`,
		`INSERT INTO sale VALUES (1, 's', 'closed', '', '{}')`,
		"UPDATE journal SET leaf = x'00'",
		"INSERT INTO journal VALUES (9, x'00', x'00', NULL)",
		"UPDATE hash SET hash = zeroblob(32)",
		"DELETE FROM hash",
		"INSERT INTO hash VALUES (99, x'00')",
	} {
		if _, err := db.ExecContext(t.Context(), text); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
}
