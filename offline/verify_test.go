package offline

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// everyTable makes a folder whose ledger has content in each table.
func everyTable(t *testing.T) string {
	t.Helper()
	dir := released(t, "release-001")
	s := openAt(t, dir, Options{})
	p := terminal.Payment{
		ID: "p1", Number: 36, State: terminal.ApprovedOffline, Offline: true, Amount: 720, Sale: "pos-1/99", Account: "feedfacecafebeef", Seen: "k1", Masked: "…4711",
		Incarnation: "i1", Created: 5, Decided: 5, Counts: []terminal.Count{{Cap: "hourly", Amount: terminal.Amount{Yen: 580, Units: 1}}},
	}
	doubt, mark := "ledger.older", terminal.Millis(1)
	put(t, s, register.Changes{
		Payments: []terminal.Payment{p}, Seen: &register.SeenCode{Key: "k1", Payment: "p1", Keep: 9}, Mark: &mark, Quarantine: &doubt,
		Roles: &register.NoteCopy{Version: 1, Note: "roles"}, Policy: &register.PolicyCopy{Version: 8, Note: "policy 8\n"},
		Entries: []journal.Draft{
			journal.OfPayment(p, "i1"), {Entry: journal.Entry{Type: journal.TypePolicy, Policy: 8}},
			{Entry: journal.Entry{Type: journal.TypeQuarantine, Reason: terminal.Reason(doubt)}},
		},
	})
	apart := p
	apart.ID, apart.Seen, apart.Counts = "p9", "", nil
	apart.State, apart.Bearer, apart.Reason = terminal.Rejected, "store", terminal.AccountDenied
	was := journal.OfPayment(apart, "i1")
	was.Entry.Bearer = "" // as a release before wrote it
	apart.SetAside = 6
	got := put(t, s, register.Changes{
		Payments: []terminal.Payment{apart}, Entries: []journal.Draft{was, journal.OfMark(apart, "i1", 6, journal.MarkSetAside, "")},
		Outbox: []register.OutboxItem{{Kind: register.OutVoid, Payment: "p9", Body: []byte("{")}},
	})
	put(t, s, register.Changes{Aside: []int64{got.Outbox[0].ID}})
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestI6OneValueChangedInEachTable: VerifyAll finds it, or Open does already. It
// is done with SQL, as somebody would who has the disk, with every trigger out of
// the way.
func TestI6OneValueChangedInEachTable(t *testing.T) {
	const one = " WHERE payment = 'p1'"
	changes := map[string][]string{
		"meta": {"UPDATE meta SET value = 7 WHERE key = 'policy'", "UPDATE meta SET value = 99 WHERE key = 'min_reader'", "UPDATE meta SET value = 1 WHERE key = 'pruned'", "DELETE FROM meta WHERE key = 'mark'"},
		"payment": {
			"UPDATE payment SET amount = 721 WHERE id = 'p1'", "UPDATE payment SET state = 'settled' WHERE id = 'p1'",
			"UPDATE payment SET account = '' WHERE id = 'p1'", "UPDATE payment SET incarnation = 'i2' WHERE id = 'p1'",
			"UPDATE payment SET bars = 1 WHERE id = 'p1'", "UPDATE payment SET created = 4 WHERE id = 'p1'",
			"UPDATE payment SET amount = 721, body = json_set(body, '$.amount', 721) WHERE id = 'p1'",
			"UPDATE payment SET body = replace(body, '4711', '4712') WHERE id = 'p1'",
			`UPDATE payment SET body = json_set(body, '$.handed_over', 'cashier') WHERE id = 'p1'`,
			`UPDATE payment SET body = replace(body, '"counts"', '"countz"') WHERE id = 'p1'`,
			`UPDATE payment SET voided = 1, body = json_set(body, '$.void', json('{"id":"v","at":1,"acknowledged":true}')), unresolved = 1 WHERE id = 'p1'`,
			`UPDATE payment SET body = json_set(body, '$.set_aside', 6), unresolved = 0 WHERE id = 'p1'`, `UPDATE payment SET body = json_remove(body, '$.set_aside') WHERE id = 'p9'`,
			`UPDATE payment SET body = json_set(body, '$.reason', 'x') WHERE id = 'p9'`,
			"UPDATE payment SET id = 'p2' WHERE id = 'p1'", "DELETE FROM payment WHERE id = 'p1'",
			"INSERT INTO payment SELECT NULL, 'p2', number, state, sale, account, amount, offline, approved, voided, bars, unresolved, created, decided, json_set(body, '$.id', 'p2'), incarnation FROM payment WHERE id = 'p1'",
		},
		"tally":      {"UPDATE tally SET yen = 579" + one, "UPDATE tally SET counting = 0" + one, "UPDATE tally SET created = 4" + one, "UPDATE tally SET account = ''" + one, "DELETE FROM tally"},
		"counter":    {"UPDATE counter SET used_yen = used_yen - 19140 / 2", "UPDATE counter SET released_units = 31", "UPDATE counter SET day = '2026-04-01'", "DELETE FROM counter"},
		"seen":       {"UPDATE seen SET key = 'k2' WHERE key = 'k1'", "UPDATE seen SET payment = 'p3' WHERE key = 'k1'"},
		"outbox":     {"UPDATE outbox SET payment = 'p3'", "UPDATE outbox SET kind = 'x'"},
		"sale":       {"UPDATE sale SET ref = 'pos-1/30'", "UPDATE sale SET payment = ''", "UPDATE sale SET body = json_set(body, '$.state', 'open')"},
		"quarantine": {"DELETE FROM quarantine", "UPDATE quarantine SET reason = 'x'"},
		"journal": {
			"UPDATE journal SET leaf = CAST(replace(leaf, '720', '721') AS BLOB) WHERE seq = 36", "UPDATE journal SET private = CAST(replace(private, '4711', '4712') AS BLOB) WHERE seq = 36",
			"UPDATE journal SET salt = zeroblob(32) WHERE seq = 36", "DELETE FROM journal WHERE seq = 3", "UPDATE journal SET seq = 99 WHERE seq = 38",
		},
		"hash":          {"UPDATE hash SET hash = zeroblob(32) WHERE idx = 1", "DELETE FROM hash WHERE idx = 4", "UPDATE hash SET idx = 999 WHERE idx = 3"},
		"payment_state": {"DELETE FROM payment_state WHERE name = 'sent'"},
		"sale_state":    {"DELETE FROM sale_state WHERE name = 'paid'"},
		"outbox_kind":   {"DELETE FROM outbox_kind WHERE name = 'advice'"},
		"age":           {}, // by what is pruned: the backend has it by then
		"aside":         {"DELETE FROM aside", "UPDATE aside SET payment = 'p3'"},
		"note":          {}, // a signed text, which is checked whenever it is used
	}
	whole := everyTable(t)
	for _, table := range tablesOf(t, whole) {
		texts, named := changes[table]
		if !named {
			t.Errorf("nothing is said of table %s", table)
		}
		for _, text := range texts {
			t.Run(table+"/"+text, func(t *testing.T) {
				dir := t.TempDir()
				must(t, copyFolder(whole, dir))
				edit(t, filepath.Join(dir, ledgerFile), append(withoutTriggers(t, dir), "PRAGMA ignore_check_constraints = 1", text)...)
				if err := startAndVerify(t, dir); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
					t.Errorf("not found: %v", err)
				}
			})
		}
	}
}

func startAndVerify(t *testing.T, dir string) error {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Verify(t.Context())
}

func tablesOf(t *testing.T, dir string) []string {
	t.Helper()
	return schemaNames(t, dir, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
}

func withoutTriggers(t *testing.T, dir string) []string {
	t.Helper()
	return schemaNames(t, dir, "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'")
}

func schemaNames(t *testing.T, dir, query string) []string {
	t.Helper()
	db := sql.OpenDB(connector{dsn: "file:" + filepath.Join(dir, ledgerFile) + "?mode=ro"})
	defer db.Close()
	names, err := texts(t.Context(), db, query)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", strings.Join(names, " "), err)
	}
	return names
}
