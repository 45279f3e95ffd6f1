package offline

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// settleUp has the backend acknowledge what was left when the power went before,
// and prunes it: entries of a payment that is not resolved must stay.
func (s seller) settleUp() error {
	snap, err := s.s.Load(context.Background())
	if err != nil {
		return err
	}
	for _, p := range snap.Unresolved {
		if err := s.step(&p, agree); err != nil {
			return err
		}
	}
	return s.prune()
}

// prune tells of the journal as the backend has it from here on, and then deletes
// of it what may go.
func (s seller) prune() error {
	for {
		snap, err := s.s.Load(context.Background())
		if err != nil {
			if err := s.recover(err); err != nil {
				return err
			}
			continue
		}
		if err := s.disk.Told(fmt.Sprintf("kept %d %s", snap.Head.Size, snap.Head.Hex())); err != nil {
			return err
		}
		to := snap.Head.Size
		for _, p := range snap.Unresolved {
			to = min(to, p.Number)
		}
		if to <= snap.Pruned {
			return nil
		}
		_, err = s.s.Decide(context.Background(), register.Scope{}, func(register.Usage) (register.Changes, error) {
			return register.Changes{Prune: to, Entries: []journal.Draft{journal.OfPruning(to, snap.Head, cutInc, 1)}}, nil
		})
		if err == nil {
			return s.disk.Told(fmt.Sprintf("pruned %d", to))
		}
		if err := s.recover(err); err != nil {
			return err
		}
	}
}

// wantPruned checks that the backend had what is gone, that the journal is still the
// one that the backend has, and that the last entry which tells of it tells of all.
func wantPruned(t *testing.T, s *Store, snap register.Snapshot, lines []string) {
	t.Helper()
	root := func(size int64) string {
		head, err := journal.HeadOf(size, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return s.Hashes(t.Context(), at) }))
		must(t, err)
		return head.Hex()
	}
	var has int64
	for _, line := range lines {
		var what, kept string
		var size int64
		if fmt.Sscan(line, &what, &size, &kept); what != "kept" {
			continue
		}
		has = max(has, size)
		if size <= snap.Head.Size && root(size) != kept {
			t.Errorf("the first %d entries are not those that the backend has", size)
		}
	}
	if snap.Pruned > has {
		t.Errorf("the journal begins with entry %d, and the backend has %d", snap.Pruned, has)
	}
	var told int64
	leaves, err := s.Entries(t.Context(), snap.Pruned, int(snap.Head.Size))
	must(t, err)
	for _, l := range leaves {
		if e, err := journal.Parse(l.Bytes); err == nil && e.Type == journal.TypePruned {
			if told = e.First; e.Root != root(e.Size) {
				t.Errorf("entry %d tells of another checkpoint of %d entries", e.Seq, e.Size)
			}
		}
	}
	if told != snap.Pruned {
		t.Errorf("the journal begins with entry %d, and an entry tells of %d", snap.Pruned, told)
	}
}
