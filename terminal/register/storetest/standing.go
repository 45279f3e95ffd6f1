package storetest

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// testMark moves the clock's mark forward and back, and looks whether codes are
// kept for as long as they must.
func testMark(t *testing.T, open Open) {
	s, place := fresh(t, open)
	check(t, "mark of a new store", loaded(t, s).Mark, 0)
	decide(t, s, register.Scope{}, register.Changes{
		Payments: []terminal.Payment{payment("p1", terminal.Sent)},
		Seen:     &register.SeenCode{Key: "k", Payment: "p1", Keep: noon},
	})
	for _, at := range []terminal.Millis{noon - 5, noon, noon - 9, noon} {
		decide(t, s, register.Scope{}, register.Changes{Mark: &at})
		check(t, "mark", loaded(t, s).Mark, at)
		if _, u := decide(t, s, register.Scope{Seen: "k"}, register.Changes{}); !u.Seen {
			t.Errorf("at %d a code is forgotten that is to be kept until %d", at, noon)
		}
	}
	s.Close()
	s = open(t, place)
	defer s.Close()
	check(t, "mark after opening again", loaded(t, s).Mark, noon)
}

func testNotes(t *testing.T, open Open) {
	s, place := fresh(t, open)
	note := func(v int64, text string) *register.NoteCopy { return &register.NoteCopy{Version: v, Note: text} }
	decide(t, s, register.Scope{}, register.Changes{Roles: note(1, "roles 1\n")})
	decide(t, s, register.Scope{}, register.Changes{Freeze: note(4, "freeze 4\n"), Roles: note(2, "roles 2\n")})
	decide(t, s, register.Scope{}, register.Changes{Freeze: note(4, "freeze 4, signed again\n")})
	refuses(t, s, "older roles", register.Changes{Roles: note(1, "roles 1\n")})
	refuses(t, s, "older freeze", register.Changes{Freeze: note(3, "freeze 3\n")})
	refuses(t, s, "no version", register.Changes{Freeze: note(0, "freeze 0\n")})
	refuses(t, s, "newer freeze beside older roles", register.Changes{Freeze: note(9, "freeze 9\n"), Roles: note(1, "roles 1\n")})
	s.Close()
	s = open(t, place)
	defer s.Close()
	snap := loaded(t, s)
	check(t, "roles", snap.Roles, *note(2, "roles 2\n"))
	check(t, "freeze", snap.Freeze, *note(4, "freeze 4, signed again\n"))
}

func testQuarantine(t *testing.T, open Open) {
	s, place := fresh(t, open)
	for _, reason := range []string{"", "ledger.older", "ledger.forked", ""} {
		decide(t, s, register.Scope{}, register.Changes{Quarantine: &reason})
		check(t, "quarantine", loaded(t, s).Quarantine, reason)
		s.Close()
		s = open(t, place)
		check(t, "quarantine after opening again", loaded(t, s).Quarantine, reason)
	}
	s.Close()
}

// testLimit: what the backend told last counts.
func testLimit(t *testing.T, open Open) {
	s, place := fresh(t, open)
	limit := func(account terminal.AccountKey) *register.AccountLimit {
		_, u := decide(t, s, register.Scope{Account: account}, register.Changes{})
		return u.Account.Limit
	}
	if got := limit("a1"); got != nil {
		t.Errorf("a limit from nowhere: %+v", got)
	}
	for i, yen := range []terminal.Yen{3000, 0, 5000} {
		want := &register.AccountLimit{Account: "a1", Yen: yen, Count: int64(i), Told: noon + terminal.Millis(i)}
		decide(t, s, register.Scope{}, register.Changes{Limit: want})
		check(t, "limit", limit("a1"), want)
	}
	if got := limit("a2"); got != nil {
		t.Errorf("another account's limit: %+v", got)
	}
	want := limit("a1")
	s.Close()
	s = open(t, place)
	defer s.Close()
	check(t, "limit after opening again", limit("a1"), want)
}

// testDenials: a whole set takes the place of all, a change follows it; the same
// change again changes nothing, and one that follows from nothing is not kept.
func testDenials(t *testing.T, open Open) {
	s, place := fresh(t, open)
	put := func(version int64, reset bool, bodies ...string) {
		d := register.DenialsCopy{Version: version, Reset: reset}
		for _, b := range bodies {
			d.Bodies = append(d.Bodies, []byte(b))
		}
		decide(t, s, register.Scope{}, register.Changes{Denials: &d})
	}
	holds := func(version int64, bodies ...string) {
		t.Helper()
		got := loaded(t, s).Denials
		if got.Version != version || string(bytes.Join(got.Bodies, []byte("|"))) != joined(bodies) {
			t.Errorf("version %d, %q; want %d, %q", got.Version, got.Bodies, version, bodies)
		}
	}
	holds(0)
	put(3, false, "a change of nothing")
	holds(0)
	put(1, true) // nobody is denied, and that is known
	holds(1)
	put(5, true, "a", "b")
	put(7, false, "c")
	put(7, false, "c")
	put(9, false, "d", "e")
	holds(9, "a", "b", "c", "d", "e")
	put(8, false, "an older change")
	s.Close()
	s = open(t, place)
	defer s.Close()
	holds(9, "a", "b", "c", "d", "e")
	put(2, true, "f") // the backend begins anew
	holds(2, "f")
}

func joined(bodies []string) string {
	var all [][]byte
	for _, b := range bodies {
		all = append(all, []byte(b))
	}
	return string(bytes.Join(all, []byte("|")))
}

// testErase takes the person out of one payment and leaves the other, all
// leaves, the tree and what counts.
func testErase(t *testing.T, open Open) {
	s, place := fresh(t, open)
	old, other := counted("p1", terminal.Settled), counted("p2", terminal.Settled)
	decide(t, s, register.Scope{}, register.Changes{
		Payments: []terminal.Payment{old, other},
		Entries:  []journal.Draft{entry(old), entry(other), journal.OfMark(old, incarnation, noon, journal.MarkHandedOver, "cashier"), entry(old)},
	})
	leaves, head := leavesOf(t, s), loaded(t, s).Head
	all := register.Tally{Cap: "hourly", Since: noon}
	refuses(t, s, "an entry that is not there", register.Changes{Erase: []int64{0, 99}})
	for range 2 { // twice is once
		decide(t, s, register.Scope{}, register.Changes{Erase: []int64{0, 2, 3}})
	}
	s.Close()
	s = open(t, place)
	defer s.Close()
	check(t, "head", loaded(t, s).Head, head)
	checkHead(t, s, head)
	check(t, "leaves", leavesOf(t, s), leaves)
	got, err := s.Entries(ctx(t), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got {
		if erased := l.Private == nil && l.Salt == nil; erased != (l.Seq != 1) {
			t.Errorf("entry %d is erased: %t", l.Seq, erased)
		}
	}
	p, err := s.Payment(ctx(t), "p1")
	if err != nil {
		t.Fatal(err)
	}
	old.Account, old.Masked, old.Seen = "", "", ""
	check(t, "the payment", p, old)
	check(t, "what counts", tallied(t, s, all)[all], amount(2*580, 2))
	if p, err = s.Payment(ctx(t), "p2"); err != nil {
		t.Fatal(err)
	}
	check(t, "the other payment", p, other)
}

// testReader: unresolved payments, the entries of one case, and stored hashes.
func testReader(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	open1, done := payment("p1", terminal.Unknown), payment("p2", terminal.Approved)
	start := journal.Draft{Entry: journal.Entry{Type: journal.TypeStart, Incarnation: incarnation}}
	decide(t, s, register.Scope{}, register.Changes{
		Payments: []terminal.Payment{open1, done}, Entries: []journal.Draft{start, entry(open1), entry(done), entry(open1)},
	})
	unresolved, err := s.Unresolved(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	check(t, "unresolved", unresolved, []terminal.Payment{open1})
	leaves, err := s.CaseEntries(ctx(t), "p1")
	if err != nil || len(leaves) != 2 || leaves[0].Seq != 1 || leaves[1].Seq != 3 || leaves[0].Private == nil {
		t.Errorf("case: %+v, %v", leaves, err)
	}
	for _, id := range []terminal.PaymentID{"", "none"} {
		if leaves, err := s.CaseEntries(ctx(t), id); err != nil || len(leaves) != 0 {
			t.Errorf("case %q: %d entries, %v", id, len(leaves), err)
		}
	}
	size := loaded(t, s).Head.Size
	hashes, err := s.Hashes(ctx(t), []int64{tlog.StoredHashIndex(0, size-1), tlog.StoredHashIndex(2, 0)})
	if err != nil || len(hashes) != 2 || hashes[0] != tlog.RecordHash(leavesOf(t, s)[size-1]) || [32]byte(hashes[1]) != root(leavesOf(t, s)) {
		t.Errorf("hashes: %v, %v", hashes, err)
	}
	if _, err := s.Hashes(ctx(t), []int64{0, tlog.StoredHashCount(size)}); err == nil {
		t.Error("a hash beyond the tree")
	}
}
