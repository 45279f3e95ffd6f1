package register_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// keeper is what a backend does with checkpoints: it takes one that its register
// signed and that extends the last.
type keeper struct {
	w    *world
	kept journal.Head
}

// takes acknowledges the checkpoints that were sent, and gives how many.
func (k *keeper) takes() int {
	k.w.t.Helper()
	sent := k.w.line.take(wire.TypeCheckpoint)
	for _, m := range sent {
		k.keeps(m)
	}
	return len(sent)
}

// keeps takes and acknowledges one checkpoint.
func (k *keeper) keeps(m wire.Message) {
	k.w.t.Helper()
	verifier, err := journal.NewVerifier(journal.Origin("s1", "r1"), registerKey.Public().(ed25519.PublicKey))
	k.w.must(err)
	head, err := journal.OpenCheckpoint(m.Checkpoint.Note, journal.Origin("s1", "r1"), verifier)
	k.w.must(err)
	if m.Checkpoint.From != k.kept.Size {
		k.w.t.Fatalf("it extends %d, kept is %d", m.Checkpoint.From, k.kept.Size)
	}
	var proof []tlog.Hash
	for _, h := range m.Checkpoint.Proof {
		raw, err := hex.DecodeString(h)
		k.w.must(err)
		proof = append(proof, tlog.Hash(raw))
	}
	k.w.must(journal.Extends(k.kept, head, proof))
	k.kept = head
	k.w.ackCheckpoint(m, wire.StatusAccepted)
}

func (w *world) ackCheckpoint(m wire.Message, s wire.Status) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeCheckpoint, Status: s, Time: time.Now().UnixMilli()}})
}

// sizeNow is the journal's, with its head.
func (w *world) headNow() journal.Head {
	w.t.Helper()
	s, err := w.disk.Load(w.t.Context())
	w.must(err)
	return s.Head
}

func (w *world) welcomed(change func(*wire.Welcome)) {
	w.t.Helper()
	w.session++
	w.line.set(true)
	welcome := wire.Welcome{Session: w.session, Time: time.Now().UnixMilli()}
	change(&welcome)
	w.reg.LinkUp(w.t.Context(), welcome)
	w.after(time.Millisecond)
}

func headOnWire(h journal.Head) *wire.Head { return &wire.Head{Size: h.Size, Root: h.Hex()} }

// I6: the head goes up signed at the start of a session, then once a minute while
// the journal grows, each time with the proof that it extends the one before.
func TestI6CheckpointsGoUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		k := &keeper{w: w}
		if n := k.takes(); n != 1 || k.kept != w.headNow() {
			t.Fatalf("%d checkpoints at the start of the session, the last of %d", n, k.kept.Size)
		}
		w.after(time.Hour)
		if n := k.takes(); n != 0 {
			t.Fatalf("%d checkpoints of a journal that did not grow", n)
		}
		handedOver(w)
		if n := k.takes(); n != 1 {
			t.Fatalf("%d checkpoints of a journal that grew", n)
		}
		for range 3 {
			handedOver(w)
			handedOver(w)
			if n := k.takes(); n != 0 {
				t.Fatalf("%d checkpoints within a minute", n)
			}
			w.after(time.Minute)
			if n := k.takes(); n != 1 || k.kept != w.headNow() {
				t.Fatalf("%d checkpoints after a minute", n)
			}
		}
	})
}

// One that is not acknowledged is made anew from the one that was, and a new
// session begins from what the backend says it has.
func TestI6CheckpointsGoOnFromWhatTheBackendHas(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		k := &keeper{w: w}
		k.takes()
		handedOver(w)
		w.after(time.Minute)
		w.line.take(wire.TypeCheckpoint) // lost
		handedOver(w)
		w.after(time.Minute)
		if n := k.takes(); n != 1 || k.kept != w.headNow() {
			t.Fatalf("%d checkpoints", n)
		}
		old := k.kept
		handedOver(w)
		w.down()
		w.welcomed(func(m *wire.Welcome) { m.Checkpoint = headOnWire(old) })
		if n := k.takes(); n != 1 || k.kept != w.headNow() || w.reg.View().Quarantine != "" {
			t.Fatalf("%d checkpoints: %+v", n, w.reg.View())
		}
		w.down()
		w.welcomed(func(m *wire.Welcome) { m.Checkpoint = headOnWire(k.kept) })
		if n := k.takes(); n != 0 {
			t.Fatalf("%d checkpoints of what the backend has", n)
		}
	})
}

// I6: the last act of a clean stop is a checkpoint that the backend has.
func TestI6StopEndsWithACheckpoint(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		k := &keeper{w: w}
		k.takes()
		w.grant(w.units("tobacco-day", 2))
		handedOver(w)
		k.takes()
		ended := w.stops()
		w.ackGrants(w.line.take(wire.TypeGrants)[0])
		w.wantStopping(ended)
		if n := k.takes(); n != 1 || k.kept != w.headNow() {
			t.Fatalf("%d checkpoints, the last of %d", n, k.kept.Size)
		}
		w.wantStopped(ended)
	})
}

// I6: a backend that has more of this journal than is here, or another past of
// it, has seen what was taken away or changed.
func TestI6TheBackendsCheckpointFindsAChangedPast(t *testing.T) {
	for name, c := range map[string]struct {
		told func(journal.Head) journal.Head
		want string
	}{
		"older":              {func(h journal.Head) journal.Head { h.Size++; return h }, register.LedgerOlder},
		"forked here":        {func(h journal.Head) journal.Head { h.Root[0]++; return h }, register.LedgerForked},
		"forked long before": {func(h journal.Head) journal.Head { return journal.Head{Size: 1, Root: h.Root} }, register.LedgerForked},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				handedOver(w)
				w.line.take(wire.TypeCheckpoint)
				w.down()
				w.welcomed(func(m *wire.Welcome) { m.Checkpoint = headOnWire(c.told(w.headNow())) })
				if v := w.reg.View(); v.Quarantine != c.want {
					t.Fatalf("quarantine %q", v.Quarantine)
				}
				if n := len(w.line.take(wire.TypeCheckpoint)); n != 0 {
					t.Errorf("%d checkpoints of a journal in doubt", n)
				}
				if w.line.redials != 1 {
					t.Errorf("%d other sessions to tell it in, want 1", w.line.redials)
				}
				w.down()
				w.welcomed(func(m *wire.Welcome) { m.Checkpoint, m.Quarantine = headOnWire(c.told(w.headNow())), c.want })
				if w.line.redials != 1 {
					t.Error("the backend knows, and is told again and again")
				}
			})
		})
	}
}
