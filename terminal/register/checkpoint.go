package register

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// checkpointEvery is how often the journal's head is signed and sent while it
// grows: what was written since can be rewritten unseen by whoever has the disk
// and the register's key.
const checkpointEvery = time.Minute

// checkpoints is how far the backend can vouch for the journal's past.
type checkpoints struct {
	kept    *journal.Head // the last one that the backend has; nil before it was compared with the journal
	due     time.Duration // not before, on the boot clock
	asked   *int64        // the leaf that the backend wants proved, until it took the proof; nil for none
	making  bool          // one is being made beside the loop
	message string        // the id under which the latest went
	sent    journal.Head
}

// compareKept checks what the backend has against the journal: a journal that is
// shorter, or has another root at that size, is not the one that was told (I6).
// Checkpoints and leaves go up once it was found in order, and only then a
// challenge is met: to a backend that knows another journal nothing is proved.
func (r *Register) compareKept(w wire.Welcome) {
	r.checkpoints, r.upload = checkpoints{}, upload{}
	told := w.Checkpoint
	if w.Uploaded > r.head.Size {
		r.finds(LedgerOlder)
		return
	}
	if told == nil || told.Size == 0 {
		r.goUp(journal.Head{}, w)
		return
	}
	root, err := hex.DecodeString(told.Root)
	if err != nil || len(root) != tlog.HashSize {
		return // the wire has checked it
	}
	kept := journal.Head{Size: told.Size, Root: tlog.Hash(root)}
	if kept.Size > r.head.Size {
		r.finds(LedgerOlder)
		return
	}
	session := r.session
	type found struct {
		own journal.Head
		err error
	}
	aside(r, func(ctx context.Context) found {
		own, err := journal.HeadOf(kept.Size, r.stored(ctx))
		return found{own, err}
	}, func(f found) {
		switch {
		case r.session != session:
		case f.err != nil:
			r.cfg.Log.Error("the journal could not be compared with the backend's checkpoint", "error", f.err)
		case f.own != kept:
			r.finds(LedgerForked)
		default:
			r.goUp(kept, w)
		}
	})
}

// goUp lets checkpoints and leaves go up from what the backend has.
func (r *Register) goUp(kept journal.Head, w wire.Welcome) {
	r.checkpoints.kept, r.checkpoints.asked = &kept, w.Challenge
	r.upload.begin(w.Uploaded, kept)
}

// wanted says whether the backend is to hear more than it keeps.
func (c *checkpoints) wanted(head journal.Head) bool {
	return c.kept != nil && (head.Size > c.kept.Size || c.asked != nil)
}

// sendCheckpoint makes and sends a checkpoint where one is due; now says that it
// does not wait for its minute. It reports whether one is on its way.
func (r *Register) sendCheckpoint(now bool) bool {
	c := &r.checkpoints
	if r.cfg.Signer == nil || r.session == 0 || c.making || !c.wanted(r.head) {
		return false
	}
	if !now && r.cfg.Clock.Boot() < c.due {
		return false
	}
	c.making, c.due = true, r.cfg.Clock.Boot()+checkpointEvery
	if c.asked != nil {
		c.due = r.cfg.Clock.Boot() + resendAfter // all else waits for it
	}
	from, to, asked, session := c.kept.Size, r.head, c.asked, r.session
	type made struct {
		body *wire.Checkpoint
		err  error
	}
	aside(r, func(ctx context.Context) made {
		body, err := r.signedHead(ctx, from, to)
		if err == nil && asked != nil {
			body.Leaf, err = r.provedLeaf(ctx, *asked, from)
		}
		return made{body, err}
	}, func(m made) {
		if r.session != session {
			return // the next session begins anew
		}
		r.checkpoints.making = false
		if r.farewell != nil && r.head.Size > to.Size && r.sendCheckpoint(true) {
			return // the last one takes its place
		}
		if m.err != nil {
			r.cfg.Log.Error("a checkpoint could not be made; it is tried again", "error", m.err)
			r.farewell.told(farewellCheckpoint)
			return
		}
		id := newID()
		if !r.send(wire.Message{Type: wire.TypeCheckpoint, ID: id, Checkpoint: m.body}) {
			r.farewell.told(farewellCheckpoint)
			return
		}
		r.checkpoints.message, r.checkpoints.sent = id, to
	})
	return true
}

// signedHead signs a head with the proof that it extends the tree of size from.
func (r *Register) signedHead(ctx context.Context, from int64, to journal.Head) (*wire.Checkpoint, error) {
	proof, err := journal.Consistency(from, to.Size, r.stored(ctx))
	if err != nil {
		return nil, err
	}
	origin := journal.Origin(r.cfg.Identity.Store, r.cfg.Identity.Register)
	text, err := journal.Checkpoint(origin, to, r.cfg.Signer)
	return &wire.Checkpoint{Note: text, From: from, Proof: hexes(proof)}, err
}

// provedLeaf shows that a leaf stands in the tree of the given size.
func (r *Register) provedLeaf(ctx context.Context, index, size int64) (*wire.LeafProof, error) {
	leaf, proof, err := journal.Inclusion(index, size, r.stored(ctx))
	return &wire.LeafProof{Index: index, Hash: hex.EncodeToString(leaf[:]), Proof: hexes(proof)}, err
}

func hexes(hashes []tlog.Hash) []string {
	list := make([]string, len(hashes))
	for i, h := range hashes {
		list[i] = hex.EncodeToString(h[:])
	}
	return list
}

// checkpointAcked takes the backend's word on the latest checkpoint. A rejected
// one does not extend what it has: it holds this register in doubt.
func (r *Register) checkpointAcked(re string, a wire.Ack) {
	c := &r.checkpoints
	if re == "" || re != c.message {
		return
	}
	c.message = ""
	switch a.Status {
	case wire.StatusAccepted:
		kept := c.sent // the next one takes its place there
		c.kept = &kept
		if c.asked != nil {
			c.asked, c.due = nil, r.cfg.Clock.Boot()+checkpointEvery
			r.proved()
		}
	case wire.StatusRejected:
		c.kept = nil
		r.cfg.Log.Error("the backend does not take this journal's checkpoint", "reason", a.Reason)
		r.doubt(InDoubt, errors.New(a.Reason))
	}
	r.farewell.told(farewellCheckpoint)
}
