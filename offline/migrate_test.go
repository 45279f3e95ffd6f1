package offline

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// released unpacks the files that a release wrote: 33 payments in every state,
// their entries, codes, outbox, a counter, a sale and a policy.
func released(t *testing.T, release string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{ledgerFile, cacheFile} {
		packed, err := os.Open(filepath.Join("testdata", release, name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer packed.Close()
		plain, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// rows gives every row of a table, by the columns that the first release knew.
func rows(t *testing.T, path, table, columns string) string {
	t.Helper()
	db := sql.OpenDB(connector{dsn: "file:" + path + "?mode=ro"})
	defer db.Close()
	var text string
	err := db.QueryRowContext(t.Context(), "SELECT json_group_array(json_array("+columns+") ORDER BY 1) FROM "+table).Scan(&text)
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	return text
}

// firstColumns is the schema of the first release.
var firstColumns = map[string]string{
	"payment": "row, id, number, state, sale, account, amount, offline, approved, voided, bars, unresolved, created, decided, body",
	"counter": counterColumns, "seen": "key, payment, keep", "outbox": "id, kind, payment, hex(body), parked",
	"sale": "only, ref, state, payment, body", "journal": "seq, hex(leaf), hex(private), hex(salt)", "hash": "idx, hex(hash)",
}

func TestFirstReleasesLedgerIsBroughtHere(t *testing.T) {
	dir := released(t, "release-001")
	path := filepath.Join(dir, ledgerFile)
	before := map[string]string{}
	for table, columns := range firstColumns {
		before[table] = rows(t, path, table, columns)
		if len(before[table]) < 100 {
			t.Fatalf("%s is almost empty: %s", table, before[table])
		}
	}
	s := openAt(t, dir, Options{})
	snap, err := s.Load(t.Context())
	if err != nil || snap.Head.Size != 36 || snap.PolicyVersion != 7 || snap.PolicyNote != "policy 7\n" || snap.Sale == nil || snap.Denials.Version != 0 {
		t.Errorf("%+v, %v", snap, err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	const inc, id = terminal.Incarnation("00112233445566778899aabbccddeeff"), terminal.PaymentID("0198c0de-0000-7000-8000-000000000002")
	scope := register.Scope{Boot: true, Incarnation: inc}
	_, err = s.Decide(t.Context(), scope, func(u register.Usage) (register.Changes, error) {
		// Numbers 7 to 10 of each eleven were approved offline; 9 was voided.
		if want := terminal.Yen(107 + 108 + 110 + 118 + 119 + 120 + 121 + 129 + 130 + 131 + 132); u.BootYen != want {
			t.Errorf("%d yen of this boot, want %d", u.BootYen, want)
		}
		return register.Changes{}, nil
	})
	if err != nil {
		t.Error(err)
	}
	if leaves, err := s.CaseEntries(t.Context(), id); err != nil || len(leaves) != 2 {
		t.Errorf("the case of %s has %d entries: %v", id, len(leaves), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for table, columns := range firstColumns {
		if after := rows(t, path, table, columns); after != before[table] {
			t.Errorf("%s:\n got %s\nwant %s", table, after, before[table])
		}
	}
}

// TestFirstReleaseKeepsAwayFromThisLedger: it would sell in spite of a freeze or
// a quarantine. What it can do without harm is read the cache.
func TestFirstReleaseKeepsAwayFromThisLedger(t *testing.T) {
	dir := soldAndClosed(t, 2)
	path := filepath.Join(dir, ledgerFile)
	before := contents(t, path)
	if err := inspect(t.Context(), path, 1); !errors.Is(err, ErrNewer) {
		t.Errorf("ledger: %v, want ErrNewer", err)
	}
	if !bytes.Equal(contents(t, path), before) {
		t.Error("the ledger was changed")
	}
	if err := inspect(t.Context(), filepath.Join(dir, cacheFile), 1); err != nil {
		t.Errorf("cache: %v", err)
	}
}

// TestI8PowerCutWhileAFileIsMade leaves a file half written beside the rollback
// journal that undoes it, as a cut before the switch to WAL does.
func TestI8PowerCutWhileAFileIsMade(t *testing.T) {
	for _, name := range []string{ledgerFile, cacheFile} {
		making, cut := filepath.Join(t.TempDir(), name), t.TempDir()
		db := sql.OpenDB(connector{dsn: "file:" + making})
		defer db.Close()
		db.SetMaxOpenConns(1)
		// A cache of one page, so that the journal is synced and pages are written
		// before the end.
		for _, text := range []string{"PRAGMA cache_size = 1", "BEGIN", "CREATE TABLE half (x)", "INSERT INTO half SELECT randomblob(50000)", "INSERT INTO half SELECT x FROM half"} {
			if _, err := db.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		for _, suffix := range []string{"", "-journal"} {
			if err := os.WriteFile(filepath.Join(cut, name+suffix), contents(t, making+suffix), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := inspectable(t, filepath.Join(cut, name)); !interrupted(err) {
			t.Fatalf("%s: %v: the case is not what it should be", name, err)
		}
		mustSell(t, openAt(t, cut, Options{}))
	}
}

// inspectable looks at a file as inspect does.
func inspectable(t *testing.T, path string) error {
	db := sql.OpenDB(connector{dsn: "file:" + path + "?mode=ro"})
	defer db.Close()
	_, _, err := schemaOf(t.Context(), db)
	return err
}

// TestMigrationsOnlyAdd: an older release goes on reading what a later one
// wrote.
func TestMigrationsOnlyAdd(t *testing.T) {
	for _, kind := range []string{"ledger", "cache"} {
		steps, err := migrations(kind)
		if err != nil || len(steps) == 0 {
			t.Fatalf("%s: %d migrations, %v", kind, len(steps), err)
		}
		for i, text := range steps {
			for _, word := range []string{"DROP ", "RENAME ", "DELETE FROM"} {
				if strings.Contains(strings.ToUpper(text), word) {
					t.Errorf("%s %d has %s", kind, i+1, word)
				}
			}
		}
	}
}

// TestQueriesReadTheirIndexOnly: a sum costs the rows of its window, a case its
// entries, however long the ledger is.
func TestQueriesReadTheirIndexOnly(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	for query, want := range map[string]string{
		sumOfCap:     "SEARCH tally USING COVERING INDEX tally_register (cap=? AND created>?)",
		sumOfAccount: "SEARCH tally USING COVERING INDEX tally_account (cap=? AND account=? AND created>?)",
		sumOfBoot:    "SEARCH payment USING INDEX payment_boot (incarnation=?)",
		"SELECT seq FROM journal WHERE " + leafPayment + " = ? ORDER BY seq": "SEARCH journal USING COVERING INDEX journal_payment (<expr>=?)",
		isBarred: "SEARCH payment USING COVERING INDEX payment_bars (account=? AND decided>?)",
		forget:   "SEARCH seen USING COVERING INDEX seen_keep (keep<?)",
	} {
		plan, err := collect(t.Context(), s.readers, "EXPLAIN QUERY PLAN "+query, make([]any, strings.Count(query, "?")), func(rows *sql.Rows) (detail string, err error) {
			var skip int
			return detail, rows.Scan(&skip, &skip, &skip, &detail)
		})
		all := strings.ReplaceAll(strings.Join(plan, "\n"), "SCAN CONSTANT ROW", "")
		if err != nil || !strings.Contains(all, want) || strings.Contains(all, "SCAN") {
			t.Errorf("%s:\n%s\nwant %s: %v", query, all, want, err)
		}
	}
}
