package storetest

import (
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// numbered is a payment whose first entry has the given index.
func numbered(id terminal.PaymentID, state terminal.State, number int64) terminal.Payment {
	p := payment(id, state)
	p.Number = number
	return p
}

// wantFirst checks where the journal begins.
func wantFirst(t *testing.T, s Store, want int64, head journal.Head) {
	t.Helper()
	first, size, err := s.Span(ctx(t))
	if err != nil || first != want || size != head.Size || loaded(t, s).Pruned != want {
		t.Fatalf("from %d (%d at start) to %d, %v; want from %d to %d", first, loaded(t, s).Pruned, size, err, want, head.Size)
	}
	for from := range want {
		var gone *register.PrunedError
		if leaves, err := s.Entries(ctx(t), from, 3); !errors.As(err, &gone) || gone.First != want {
			t.Fatalf("entry %d: %d leaves, %v; want that the journal begins with %d", from, len(leaves), err, want)
		}
	}
	leaves, err := s.Entries(ctx(t), want, 1000)
	if err != nil || int64(len(leaves)) != size-want || (len(leaves) > 0 && leaves[0].Seq != want) {
		t.Fatalf("%d leaves from %d on, %v", len(leaves), want, err)
	}
	check(t, "head", loaded(t, s).Head, head)
}

// testPrune takes the first entries away and looks that everything else is as it
// was: hashes, head, what comes after, and what was erased.
func testPrune(t *testing.T, open Open) {
	s, place := fresh(t, open)
	a, b := numbered("p1", terminal.Settled, 0), numbered("p2", terminal.Unknown, 4)
	decide(t, s, register.Scope{}, register.Changes{
		Payments: []terminal.Payment{a, b},
		Entries:  []journal.Draft{entry(a), entry(a), entry(a), entry(a), entry(b), entry(a), entry(a)},
	})
	wantFirst(t, s, 0, loaded(t, s).Head)
	leaves, head := leavesOf(t, s), loaded(t, s).Head
	refuses(t, s, "entries of a payment that is not resolved", register.Changes{Prune: 5})
	for _, to := range []int64{3, 3, 2, 4, -1} {
		decide(t, s, register.Scope{}, register.Changes{Prune: to})
	}
	wantFirst(t, s, 4, head)
	refuses(t, s, "later entries than those of a payment that is not resolved", register.Changes{Prune: 6})
	b.State = terminal.Reversed
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{b}, Entries: []journal.Draft{entry(b)}})
	head = loaded(t, s).Head
	refuses(t, s, "the last entry", register.Changes{Prune: 8})
	refuses(t, s, "more than there is", register.Changes{Prune: 9})
	decide(t, s, register.Scope{}, register.Changes{Prune: 6})
	wantFirst(t, s, 6, head)
	kept, err := s.CaseEntries(ctx(t), "p1")
	if err != nil || len(kept) != 1 || kept[0].Seq != 6 || string(kept[0].Bytes) != string(leaves[6]) {
		t.Errorf("the case has %+v, %v", kept, err)
	}
	a.Account, a.Masked, a.Seen = "", "", ""
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{a}, Erase: []int64{0, 5, 6}})
	s.Close()
	s = open(t, place)
	defer s.Close()
	wantFirst(t, s, 6, head)
	last, err := s.Entries(ctx(t), 6, 2)
	if err != nil || last[0].Private != nil || last[1].Private == nil {
		t.Errorf("erased: %+v, %v", last, err)
	}
	leaves = append(leaves, last[1].Bytes)
	for i, leaf := range leaves {
		if got, err := s.Hashes(ctx(t), []int64{tlog.StoredHashIndex(0, int64(i))}); err != nil || got[0] != tlog.RecordHash(leaf) {
			t.Fatalf("hash of leaf %d: %v, %v", i, got, err)
		}
	}
	got, _ := decide(t, s, register.Scope{}, register.Changes{Entries: []journal.Draft{entry(b)}, Prune: 8})
	added, err := s.Entries(ctx(t), 8, 1)
	if err != nil || got.Head.Size != 9 || [32]byte(got.Head.Root) != root(append(leaves, added[0].Bytes)) {
		t.Errorf("the next entry gives %+v, %v", got.Head, err)
	}
	wantFirst(t, s, 8, got.Head)
}

// testAged: how long the journal was is known to a day, by the mark alone.
func testAged(t *testing.T, open Open) {
	const hour = terminal.Millis(3_600_000)
	s, place := fresh(t, open)
	p := numbered("p1", terminal.Settled, 0)
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{entry(p)}})
	at := func(hours terminal.Millis, entries int) {
		t.Helper()
		mark := noon + hours*hour
		c := register.Changes{Mark: &mark}
		for range entries {
			c.Entries = append(c.Entries, entry(p))
		}
		decide(t, s, register.Scope{}, c)
	}
	aged := func(before, now terminal.Millis, least, most int64) {
		t.Helper()
		got, err := s.Aged(ctx(t), noon+before*hour, noon+now*hour)
		if err != nil || got < least || got > most {
			t.Errorf("%d entries were there %d hours after noon, %v; want %d to %d", got, before, err, least, most)
		}
	}
	aged(1000, 1000, 0, 0)
	for day := range terminal.Millis(5) {
		at(24*day, 2) // before: 1, 3, 5, 7, 9
		at(24*day+12, 0)
	}
	aged(0, 200, 0, 0)
	aged(49, 200, 3, 5)  // at 48 hours there were five
	aged(48, 200, 1, 5)  // what was there before, not at that time
	aged(200, 200, 9, 9) // a day late at most
	at(24*900, 1)        // a clock that is wrong for a while
	at(24*5, 1)
	aged(24*5+1, 24*6, 12, 12)
	at(-24*900, 1) // and wrong the other way
	at(24*6, 1)
	aged(-24*899, 24*6, 0, 1)
	aged(49, 24*6, 3, 7) // it costs a day of knowledge
	decide(t, s, register.Scope{}, register.Changes{Prune: 4})
	s.Close()
	s = open(t, place)
	defer s.Close()
	aged(49, 24*6, 3, 7) // it costs a day of knowledge
}
