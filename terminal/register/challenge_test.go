package register_test

import (
	"encoding/hex"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// challenges opens a session in which the backend asks for a leaf.
func (a *archive) challenges(index int64) {
	a.w.t.Helper()
	a.welcomes(func(m *wire.Welcome) { m.Challenge = &index })
}

// I6: an incarnation that is new to the backend proves at once that it has the
// journal, also where that is no longer than the backend knows, and until the
// proof was taken; leaves wait for it.
func TestI6AChallengeIsMet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		handedOver(w)
		w.after(time.Minute)
		a.takes()
		asked := a.kept
		for _, index := range []int64{0, 2, asked.Size - 1} {
			a.leaves = nil
			a.challenges(index)
			for range 2 {
				sent := w.line.take(wire.TypeCheckpoint)
				if len(sent) != 1 || sent[0].Checkpoint.Leaf == nil {
					t.Fatalf("answered with %d checkpoints", len(sent))
				}
				c := sent[0].Checkpoint
				var proof tlog.RecordProof
				for _, h := range c.Leaf.Proof {
					raw, err := hex.DecodeString(h)
					w.must(err)
					proof = append(proof, tlog.Hash(raw))
				}
				raw, err := hex.DecodeString(c.Leaf.Hash)
				w.must(err)
				if c.From != asked.Size || c.Leaf.Index != index || tlog.CheckRecord(proof, asked.Size, asked.Root, index, tlog.Hash(raw)) != nil {
					t.Fatalf("leaf %d of %d is not proved by %+v", index, asked.Size, c)
				}
				if _, came := a.took(); came {
					t.Fatal("leaves of an incarnation that is not proved")
				}
				w.after(5 * time.Second) // the acknowledgement was lost
			}
			sent := w.line.take(wire.TypeCheckpoint)
			w.ackCheckpoint(sent[0], wire.StatusAccepted)
			if _, came := a.took(); !came {
				t.Fatal("no leaves after the proof was taken")
			}
			w.after(10 * time.Minute)
			if n := len(w.line.take(wire.TypeCheckpoint)); n != 0 {
				t.Fatalf("%d checkpoints after the proof was taken", n)
			}
		}
	})
}

// I6: nothing is proved to a backend that knows another journal.
func TestI6AChallengeOfAnotherJournalIsNotMet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.takes()
		a.kept.Root[0]++
		a.challenges(0)
		if n := len(w.line.take(wire.TypeCheckpoint)); n != 0 {
			t.Fatalf("%d checkpoints", n)
		}
		w.wantQuarantine(register.LedgerForked)
	})
}
