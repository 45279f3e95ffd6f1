package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// tampered is a ledger of which somebody changed what is read.
type tampered struct {
	ledger
	leaf func(register.Leaf) (register.Leaf, bool) // false: it is gone
	hash func(tlog.Hash) tlog.Hash
}

func (x tampered) Entries(ctx context.Context, from int64, limit int) ([]register.Leaf, error) {
	list, err := x.ledger.Entries(ctx, from, limit+1)
	var out []register.Leaf
	for _, l := range list {
		if l, there := x.leaf(l); there && len(out) < limit {
			out = append(out, l)
		}
	}
	return out, err
}

func (x tampered) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	list, err := x.ledger.Hashes(ctx, indexes)
	for i := range list {
		list[i] = x.hash(list[i])
	}
	return list, err
}

func TestI6VerifyNamesTheEntryThatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	store, err := offline.Open(t.Context(), dir, offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, c := range history(1160, noon) {
		if _, err := store.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	l, err := openLedger(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	same := func(l register.Leaf) (register.Leaf, bool) { return l, true }
	on := func(seq int64, change func(*register.Leaf)) func(register.Leaf) (register.Leaf, bool) {
		return func(l register.Leaf) (register.Leaf, bool) {
			if l.Seq == seq {
				change(&l)
			}
			return l, true
		}
	}
	for _, c := range []struct {
		name string
		leaf func(register.Leaf) (register.Leaf, bool)
		hash byte
		want string
	}{
		{"nothing changed", same, 0, ""},
		{"another amount", on(2, func(l *register.Leaf) { l.Bytes = bytes.Replace(l.Bytes, []byte("1160"), []byte("1161"), 1) }), 0, "stored hashes are not"},
		{"not canonical", on(2, func(l *register.Leaf) { l.Bytes = append(l.Bytes, ' ') }), 0, "entry 2 is not what the register wrote"},
		{"another place", on(2, func(l *register.Leaf) { l.Bytes = bytes.Replace(l.Bytes, []byte(`"seq":2`), []byte(`"seq":4`), 1) }), 0, "entry 2 is not what the register wrote"},
		{"another account", on(4, func(l *register.Leaf) { l.Private = bytes.Replace(l.Private, []byte("0f1e"), []byte("0f1f"), 1) }), 0, "entry 4 has another private part"},
		{"another salt", on(4, func(l *register.Leaf) { l.Salt = append([]byte{l.Salt[0] ^ 1}, l.Salt[1:]...) }), 0, "entry 4 has another private part"},
		{"a salt that is cut short", on(4, func(l *register.Leaf) { l.Salt = l.Salt[1:] }), 0, "entry 4 has another private part"},
		{"a private part where there was none", on(3, func(l *register.Leaf) { l.Private, l.Salt = []byte("{}"), make([]byte, 32) }), 0, "entry 3 has another private part"},
		{"a private part that was only deleted", on(4, func(l *register.Leaf) { l.Private, l.Salt = nil, nil }), 0, "entry 4 has lost its private part"},
		{"an entry that is gone", func(l register.Leaf) (register.Leaf, bool) { return l, l.Seq != 3 }, 0, "entry 3 is missing"},
		{"other hashes", same, 1, "stored hashes are not"},
	} {
		var out bytes.Buffer
		s := &staff{out: &out}
		err := s.verifyLedger(t.Context(), tampered{l, c.leaf, func(h tlog.Hash) tlog.Hash { h[5] ^= c.hash; return h }}, nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if (c.want == "") != strings.Contains(out.String(), "journal: 7 entries") {
			t.Errorf("%s: said %q", c.name, out.String())
		}
	}
}

// Who deletes whose money it was is found out; what the register erased is not
// held against it.
func TestI6WhatIsErasedIsToldInTheJournal(t *testing.T) {
	dir := t.TempDir()
	store, err := offline.Open(t.Context(), dir, offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	erasure := register.Changes{Erase: []int64{4}, Entries: []journal.Draft{journal.OfErasure(refused, before, noon+1)}}
	for _, c := range append(history(1160, noon), erasure) {
		if _, err := store.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	l, err := openLedger(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	verify := func(gone int64) error {
		leaf := func(l register.Leaf) (register.Leaf, bool) {
			if l.Seq == gone {
				l.Private, l.Salt = nil, nil
			}
			return l, true
		}
		return (&staff{out: new(bytes.Buffer)}).verifyLedger(t.Context(), tampered{l, leaf, func(h tlog.Hash) tlog.Hash { return h }}, nil)
	}
	if err := verify(4); err != nil {
		t.Errorf("erased by the register: %v", err)
	}
	if err := verify(2); err == nil || !strings.Contains(err.Error(), "entry 2 has lost its private part") {
		t.Errorf("deleted by hand, of another payment: %v", err)
	}
	// The register erases while the journal is read: the entry comes after its end.
	if err := erased(t.Context(), l, map[terminal.PaymentID]int64{refused: 4}); err != nil {
		t.Errorf("erased meanwhile: %v", err)
	}
}

// What the backend's checkpoint says of a journal, one entry at a time.
func TestI6TheCheckpointIsHeldAgainstTheSameSize(t *testing.T) {
	s := &staff{out: new(bytes.Buffer)}
	a, b := journal.Head{Size: 3, Root: tlog.Hash{1}}, journal.Head{Size: 3, Root: tlog.Hash{2}}
	for _, c := range []struct {
		name string
		told *checkpointed
		then journal.Head
		end  int64
		want string
	}{
		{"none", nil, journal.Head{}, 3, ""},
		{"the same", &checkpointed{"o", a}, a, 3, ""},
		{"grown since", &checkpointed{"o", a}, a, 9, ""},
		{"another root", &checkpointed{"o", a}, b, 9, "its past was changed"},
		{"shorter", &checkpointed{"o", a}, journal.Head{}, 2, "entries were taken away"},
	} {
		if err := s.compare(c.told, c.then, c.end); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
