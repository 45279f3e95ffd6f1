package backendsim

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/wire"
)

// entries are the leaves from one index to another.
func (l *ledgerOf) entries(from, to int64) wire.Message {
	e := wire.Entries{From: from}
	for _, leaf := range l.leaves[from:to] {
		e.Leaves = append(e.Leaves, base64.StdEncoding.EncodeToString(leaf))
	}
	return wire.Message{Type: wire.TypeJournal, Entries: &e}
}

// proving is the checkpoint that answers a welcome's challenge.
func (l *ledgerOf) proving(w wire.Welcome) wire.Message {
	l.t.Helper()
	if w.Challenge == nil {
		l.t.Fatalf("the welcome asks for no leaf: %+v", w)
	}
	m := l.point(w.Checkpoint.Size)
	m.Checkpoint.Leaf = l.leaf(w.Checkpoint.Size, *w.Challenge)
	return m
}

func (l *ledgerOf) leaf(size, index int64) *wire.LeafProof {
	l.t.Helper()
	path, err := tlog.ProveRecord(size, index, l)
	must(l.t, err)
	hash := tlog.RecordHash(l.leaves[index])
	proof := &wire.LeafProof{Index: index, Hash: hex.EncodeToString(hash[:])}
	for _, h := range path {
		proof.Proof = append(proof.Proof, hex.EncodeToString(h[:]))
	}
	return proof
}

// has checks how much of a journal an acknowledgement says is here.
func has(t *testing.T, m wire.Message, want int64) {
	t.Helper()
	acked(t, m, wire.StatusAccepted, "", "")
	if m.Ack.Of != wire.TypeJournal || m.Ack.Payment != "" || m.Ack.Size != want {
		t.Fatalf("the ack is %+v, want one of journal with %d leaves", *m.Ack, want)
	}
}

// uploaded gives what was uploaded of r1 as Verify finds it, and checks that it
// is the journal's.
func (w *world) uploaded(l *ledgerOf) Uploaded {
	w.t.Helper()
	ctx := context.Background()
	found, err := w.b.Ledger().Verify(ctx, "r1")
	must(w.t, err)
	all, err := w.b.Ledger().Uploads(ctx)
	must(w.t, err)
	if len(all) != 1 || all[0] != found {
		w.t.Errorf("the list says %+v, the leaves %+v", all, found)
	}
	leaves, err := w.b.Ledger().Journal(ctx, "r1", 0, 1000)
	must(w.t, err)
	if int64(len(leaves)) != found.Leaves {
		w.t.Errorf("%d leaves are read of %d", len(leaves), found.Leaves)
	}
	for i, leaf := range leaves {
		if leaf.Index != int64(i) || string(leaf.Leaf) != string(l.leaves[i]) {
			w.t.Errorf("leaf %d reads %q", leaf.Index, leaf.Leaf)
		}
	}
	return found
}

func TestI6LeavesAreTakenInOrderAndOnce(t *testing.T) {
	w, l, r := enrolled(t)
	l.grow(9, "leaf")
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(0, 3)), 3)
	has(t, r.ask(l.entries(4, 6)), 3) // a gap
	for range 2 {
		has(t, r.ask(l.entries(2, 6)), 6)
	}
	has(t, r.ask(l.entries(1, 3)), 6) // all of it is here
	if got, want := w.uploaded(l), (Uploaded{Register: "r1", Leaves: 6, Signed: 9}); got != want {
		t.Errorf("uploaded is %+v, want %+v", got, want)
	}
	if got := w.till("r1", "i1").welcome.Uploaded; got != 6 {
		t.Errorf("the welcome says %d leaves", got)
	}
	some, err := w.b.Ledger().Journal(context.Background(), "r1", 2, 3)
	must(t, err)
	if len(some) != 3 || some[0].Index != 2 || string(some[2].Leaf) != "leaf 4" {
		t.Errorf("read are %+v", some)
	}
}

// Leaves may be here before the checkpoint or after it: the tree is held against
// each root as soon as both are.
func TestI6TheTreeOfAllLeavesHasTheCheckpointsRoot(t *testing.T) {
	w, l, r := enrolled(t)
	has(t, r.ask(l.entries(0, 5)), 5)
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	l.grow(7, "leaf")
	acked(t, r.ask(l.point(5)), wire.StatusAccepted, "", "")
	l.grow(12, "leaf")
	acked(t, r.ask(l.point(7)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(5, 12)), 12)
	if got, want := w.uploaded(l), (Uploaded{Register: "r1", Leaves: 12, Through: 12, Signed: 12}); got != want {
		t.Errorf("uploaded is %+v, want %+v", got, want)
	}
	if w.doubt("r1") != "" {
		t.Errorf("the doubt is %q", w.doubt("r1"))
	}
}

func TestI6LeavesThatAreNotTheCheckpointsPutTheRegisterInDoubt(t *testing.T) {
	forged := func(l *ledgerOf) *ledgerOf {
		other := l.fork(2)
		other.grow(5, "forged")
		return other
	}
	for _, c := range []struct {
		name string
		do   func(*till, *ledgerOf) wire.Message
		size int64 // of what is here then
	}{
		{"leaves of another past", func(r *till, l *ledgerOf) wire.Message {
			r.ask(l.point(0))
			return r.ask(forged(l).entries(0, 5))
		}, 0},
		{"the last of them", func(r *till, l *ledgerOf) wire.Message {
			r.ask(l.point(0))
			has(r.w.t.(*testing.T), r.ask(l.entries(0, 4)), 4)
			return r.ask(forged(l).entries(4, 5))
		}, 4},
		{"beyond an older checkpoint", func(r *till, l *ledgerOf) wire.Message {
			r.ask(l.point(0))
			l.grow(7, "leaf")
			r.ask(l.point(5))
			has(r.w.t.(*testing.T), r.ask(l.entries(0, 4)), 4)
			other := forged(l)
			other.grow(9, "leaf")
			return r.ask(other.entries(4, 9))
		}, 4},
		{"one that comes again as another", func(r *till, l *ledgerOf) wire.Message {
			has(r.w.t.(*testing.T), r.ask(l.entries(0, 4)), 4)
			return r.ask(forged(l).entries(3, 5))
		}, 4},
		{"a checkpoint of others than are here", func(r *till, l *ledgerOf) wire.Message {
			has(r.w.t.(*testing.T), r.ask(forged(l).entries(0, 5)), 5)
			return r.ask(l.point(0))
		}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l, r := enrolled(t)
			reply := c.do(r, l)
			acked(t, reply, wire.StatusRejected, "register.quarantine", "")
			if reply.Ack.Of == wire.TypeJournal && reply.Ack.Size != c.size {
				t.Errorf("the ack says %d leaves, want %d", reply.Ack.Size, c.size)
			}
			r.closed()
			again := w.till("r1", "i1")
			if again.welcome.Quarantine != DoubtForked || again.welcome.Uploaded != c.size {
				t.Errorf("the welcome says %q and %d leaves", again.welcome.Quarantine, again.welcome.Uploaded)
			}
			must(t, w.b.Release(context.Background(), "r1"))
			again.closed()
			after := w.till("r1", "i1")
			if after.welcome.Released != "i1" || after.welcome.Quarantine != "" || after.welcome.Uploaded != 0 || after.welcome.Checkpoint != nil {
				t.Errorf("after the release the welcome is %+v", after.welcome)
			}
			has(t, after.ask(l.entries(0, 5)), 5) // it begins anew
		})
	}
}

// Somebody who writes in the backend's file is found out by the leaves alone.
func TestI6TheOperatorFindsALeafThatWasChangedHere(t *testing.T) {
	w, l, r := enrolled(t)
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(0, 5)), 5)
	w.uploaded(l)
	ctx := context.Background()
	for _, change := range []string{"UPDATE upload_leaf SET leaf = x'00' WHERE place = 3", "DELETE FROM upload_leaf WHERE place = 3"} {
		must(t, w.b.ledger.change(ctx, func(t *tx) error { return t.exec(change) }))
		if _, err := w.b.Ledger().Verify(ctx, "r1"); !errors.Is(err, ErrForked) {
			t.Errorf("after %q the journal is found %v", change, err)
		}
	}
	if _, err := w.b.Ledger().Verify(ctx, "r9"); err == nil {
		t.Error("a register that never said hello has a journal")
	}
}

// released brings a register with seven leaves here through a quarantine.
func released(t *testing.T) (*world, *ledgerOf, *till) {
	w, l, r := enrolled(t)
	l.grow(7, "leaf")
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(0, 7)), 7)
	ctx := context.Background()
	must(t, w.b.Quarantine(ctx, "r1", "backend"))
	must(t, w.b.Release(ctx, "r1"))
	r.closed()
	size := int64(200)
	w.sizes["r1i2"] = &size
	return w, l, w.till("r1", "i2")
}

// A register that deleted its oldest leaves goes on with the first that it has.
func TestI6AfterAReleaseTheDeletedPrefixIsTakenFromBefore(t *testing.T) {
	w, l, r := released(t)
	if r.welcome.Uploaded != 0 || r.welcome.Challenge != nil {
		t.Errorf("the welcome is %+v", r.welcome)
	}
	l.grow(10, "leaf")
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(8, 10)), 0) // leaf 7 is nowhere
	has(t, r.ask(l.entries(4, 8)), 8)
	has(t, r.ask(l.entries(0, 6)), 8) // those from before are here as well
	has(t, r.ask(l.entries(8, 10)), 10)
	if got, want := w.uploaded(l), (Uploaded{Register: "r1", Epoch: 1, Leaves: 10, Through: 10, Signed: 10}); got != want {
		t.Errorf("uploaded is %+v, want %+v", got, want)
	}
	// And once more, from a leaf that lies two releases back.
	ctx := context.Background()
	must(t, w.b.Quarantine(ctx, "r1", "backend"))
	must(t, w.b.Release(ctx, "r1"))
	r.closed()
	again := w.till("r1", "i3")
	l.grow(11, "leaf")
	has(t, again.ask(l.entries(3, 11)), 11)
	acked(t, again.ask(l.point(0)), wire.StatusAccepted, "", "")
	if got, want := w.uploaded(l), (Uploaded{Register: "r1", Epoch: 2, Leaves: 11, Through: 11, Signed: 11}); got != want {
		t.Errorf("uploaded is %+v, want %+v", got, want)
	}
	acked(t, again.ask(l.fork(3).entries(2, 3)), wire.StatusAccepted, "", "")
	other := l.fork(2)
	other.grow(3, "forged")
	acked(t, again.ask(other.entries(2, 3)), wire.StatusRejected, "register.quarantine", "")
}

// What was uploaded before the release need not be this journal's: then it is no
// part of it, which is no new doubt, and the register keeps what it has.
func TestI8APrefixOfAnotherPastIsAGapAndNoDoubt(t *testing.T) {
	for _, leavesFirst := range []bool{false, true} {
		w, l, r := released(t)
		other := l.fork(2)
		other.grow(9, "another past")
		if leavesFirst {
			has(t, r.ask(other.entries(4, 9)), 9)
		}
		acked(t, r.ask(other.point(0)), wire.StatusAccepted, "", "")
		has(t, r.ask(other.entries(4, 9)), 0)
		has(t, r.ask(other.entries(5, 9)), 0) // and it is not tried again
		if w.doubt("r1") != "" {
			t.Errorf("the doubt is %q", w.doubt("r1"))
		}
		has(t, r.ask(other.entries(0, 9)), 9) // should it have all of them
		if got, want := w.uploaded(other), (Uploaded{Register: "r1", Epoch: 1, Leaves: 9, Through: 9, Signed: 9}); got != want {
			t.Errorf("uploaded is %+v, want %+v", got, want)
		}
	}
}
