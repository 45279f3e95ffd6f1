package offline

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

func put(t *testing.T, s *Store, c register.Changes) register.Receipt {
	t.Helper()
	got, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func limitOf(t *testing.T, s *Store, account terminal.AccountKey) *register.AccountLimit {
	t.Helper()
	var l *register.AccountLimit
	_, err := s.Decide(t.Context(), register.Scope{Account: account}, func(u register.Usage) (register.Changes, error) {
		l = u.Account.Limit
		return register.Changes{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestFailingCacheFailsNoMoney: with a cache that takes nothing a sale is sold,
// a lowered limit holds, and a policy says that it was not stored.
func TestFailingCacheFailsNoMoney(t *testing.T) {
	var log bytes.Buffer
	s := openAt(t, t.TempDir(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	put(t, s, register.Changes{
		Limit:   &register.AccountLimit{Account: "a1", Yen: 9000},
		Denials: &register.DenialsCopy{Version: 1, Reset: true, Bodies: [][]byte{[]byte("one")}},
	})
	readOnly := func(on string) {
		if _, err := s.cache.ExecContext(t.Context(), "PRAGMA query_only = "+on); err != nil {
			t.Fatal(err)
		}
	}
	readOnly("1")
	p := terminal.Payment{ID: "p1", State: terminal.Approved}
	put(t, s, register.Changes{
		Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, "i1")},
		Limit: &register.AccountLimit{Account: "a1", Yen: 10}, Denials: &register.DenialsCopy{Version: 2, Bodies: [][]byte{[]byte("two")}},
	})
	if _, err := s.Payment(t.Context(), "p1"); err != nil {
		t.Error(err)
	}
	if l := limitOf(t, s, "a1"); l == nil || l.Yen != 10 {
		t.Errorf("limit is %+v, want the lowered one", l)
	}
	_, err := s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) {
		return register.Changes{Policy: &register.PolicyCopy{Version: 1, Note: "note"}}, nil
	})
	if !errors.Is(err, register.ErrNotStored) {
		t.Errorf("policy: %v, want ErrNotStored", err)
	}
	readOnly("0")
	// The change to version 2 is missing: version 3 must not be kept without it.
	put(t, s, register.Changes{Denials: &register.DenialsCopy{Version: 3, Bodies: [][]byte{[]byte("three")}}})
	if snap, err := s.Load(t.Context()); err != nil || snap.Denials.Version != 1 || len(snap.Denials.Bodies) != 1 {
		t.Errorf("denials are %+v: %v", snap.Denials, err)
	}
	put(t, s, register.Changes{
		Limit: &register.AccountLimit{Account: "a1", Yen: 20}, Denials: &register.DenialsCopy{Version: 4, Reset: true},
	})
	if l := limitOf(t, s, "a1"); l == nil || l.Yen != 20 || len(s.limits) != 0 {
		t.Errorf("limit is %+v, in memory %v", l, s.limits)
	}
	if snap, err := s.Load(t.Context()); err != nil || snap.Denials.Version != 4 || len(snap.Denials.Bodies) != 0 {
		t.Errorf("denials are %+v: %v", snap.Denials, err)
	}
	if said := log.String(); strings.Count(said, "limit") != 1 || strings.Count(said, "denied accounts") != 1 || strings.Contains(said, "a1") {
		t.Errorf("logged %s", said)
	}
}

// TestDamagedCacheSaysNothing: neither limits nor denials from a cache that
// cannot be read, and sales go on.
func TestDamagedCacheSaysNothing(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	put(t, s, register.Changes{Limit: &register.AccountLimit{Account: "a1", Yen: 9000}, Denials: &register.DenialsCopy{Version: 1, Reset: true}})
	for _, table := range []string{"account_limit", "denials"} {
		if _, err := s.cache.ExecContext(t.Context(), "DROP TABLE "+table); err != nil {
			t.Fatal(err)
		}
	}
	if l := limitOf(t, s, "a1"); l != nil {
		t.Errorf("limit is %+v", l)
	}
	if snap, err := s.Load(t.Context()); err != nil || snap.Denials.Version != 0 {
		t.Errorf("denials are %+v: %v", snap.Denials, err)
	}
	mustSell(t, s)
}

// TestI7ErasedIsGoneFromTheFiles looks for the person in the bytes on the disk.
func TestI7ErasedIsGoneFromTheFiles(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	p := terminal.Payment{ID: "p1", State: terminal.Approved, Masked: "…4711", Account: "feedfacecafebeef", Seen: "seen-by-p1", Counts: []terminal.Count{{Cap: "c"}}}
	put(t, s, register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, "i1")}})
	for range 50 { // pages are filled and split around it
		mustSell(t, s)
	}
	put(t, s, register.Changes{Erase: []int64{0}})
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{ledgerFile, ledgerFile + logSuffix} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, person := range []string{p.Masked, "feedfacecafebeef", "seen-by-p1"} {
			if bytes.Contains(b, []byte(person)) {
				t.Errorf("%s still holds %s", name, person)
			}
		}
	}
}

// TestSeenCodesAreForgottenBitByBit: those whose time is over, and no other,
// some with each mark of the clock.
func TestSeenCodesAreForgottenBitByBit(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{})
	put(t, s, register.Changes{Payments: []terminal.Payment{{ID: "p", State: terminal.Approved}}})
	const over, kept = seenBatch + 20, 5
	for i := range terminal.Millis(over + kept) {
		put(t, s, register.Changes{Seen: &register.SeenCode{Key: terminal.SeenKey(paymentID(int64(i))), Payment: "p", Keep: i}})
	}
	for _, want := range []int{over + kept - seenBatch, kept, kept} {
		at := terminal.Millis(over)
		put(t, s, register.Changes{Mark: &at})
		var left, first int
		if err := s.readers.QueryRowContext(t.Context(), "SELECT count(*), min(keep) FROM seen").Scan(&left, &first); err != nil || left != want || first != over+kept-want {
			t.Errorf("%d codes left, the first of %d; want %d: %v", left, first, want, err)
		}
	}
}
