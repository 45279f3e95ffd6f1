package register

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// The upload: the journal's leaves go to the backend in order, one message at a
// time, and never in the way of a payment. Nothing of it is kept here: where it
// stands the backend says with each welcome and acknowledgement.
const (
	// uploadMost bytes of leaves, a third more in base64, are the most of one message:
	// a line of 1 Mbit/s sends it in less than a second, which is how long an
	// authorise may have to wait behind it. A session begins with uploadFirst.
	uploadMost  = 64 << 10
	uploadFirst = 8 << 10
	uploadLeast = 1 << 10
	// A message that was acknowledged within uploadQuick is followed by one of twice
	// the size, and one that took longer than uploadSlow by one of half: the upload
	// must not make a line slow that is well but narrow (see line).
	uploadQuick = 250 * time.Millisecond
	uploadSlow  = time.Second
	// uploadLeaves are the most of one message. The wire allows 1,000; these fill
	// uploadMost as a rule, and are all that is read for it.
	uploadLeaves = 250
	// uploadAgain is how long a message waits for its acknowledgement: many times
	// what a slow line takes, since what is on its way need not be sent again.
	uploadAgain = 30 * time.Second
	// uploadRest is how long a backend is left alone that took none of what was
	// sent.
	uploadRest = time.Minute
)

// upload is how far the journal's leaves are with the backend, in this session.
type upload struct {
	off     bool          // the backend takes none
	next    int64         // how many it has, from the first on
	whole   journal.Head  // a checkpoint that it keeps and has all leaves of
	due     time.Duration // not before, on the boot clock
	reading bool          // leaves are being read beside the loop
	message string        // the id of the message on its way; "" for none
	sent    time.Duration // when it left, on the boot clock
	most    int           // bytes of leaves in the next one
	point   journal.Head  // the checkpoint that was kept when it left
	lagged  bool          // it was said in the log that the backend takes none of them
}

// begin goes on from what a welcome says.
func (u *upload) begin(uploaded int64, kept journal.Head) {
	u.next, u.most = uploaded, uploadFirst
	u.has(kept)
}

// paced fits the next message to how long the line took for one.
func (u *upload) paced(took time.Duration) {
	switch {
	case took <= uploadQuick:
		u.most = min(2*u.most, uploadMost)
	case took > uploadSlow:
		u.most = max(u.most/2, uploadLeast)
	}
}

// has notes that the backend has all leaves of a checkpoint, where it does.
func (u *upload) has(point journal.Head) {
	if u.next >= point.Size && point.Size > u.whole.Size {
		u.whole = point
	}
}

// quiet says whether nobody waits for the line or the disk: no payment is being
// decided, and nothing that was decided has yet to be told for the first time.
func (r *Register) quiet() bool {
	return !r.working && len(r.waits) == 0 && r.outbox.due+len(r.acks) == 0
}

// sendLeaves sends the next leaves where there are some that may go: those of the
// checkpoint that the backend keeps, by an incarnation that it believes.
func (r *Register) sendLeaves() {
	u, c := &r.upload, r.checkpoints
	now := r.cfg.Clock.Boot()
	if r.session == 0 || r.stopping || u.off || u.reading || now < u.due {
		return
	}
	// After a release the backend begins anew, below what is still kept here.
	from := max(u.next, r.pruning.first)
	if c.kept == nil || c.asked != nil || from >= c.kept.Size || !r.quiet() {
		return
	}
	if u.message != "" {
		u.paced(now - u.sent) // it has not been acknowledged in all that time
	}
	u.reading, u.message = true, ""
	point, session, most := *c.kept, r.session, u.most
	type read struct {
		body *wire.Entries
		err  error
	}
	aside(r, func(ctx context.Context) read {
		body, err := r.leaves(ctx, from, point.Size, most)
		return read{body, err}
	}, func(l read) {
		if r.session != session {
			return // the next session begins anew
		}
		u := &r.upload
		u.reading = false
		if l.err != nil {
			r.cfg.Log.Error("the journal's leaves could not be read to be sent up; trying again in a minute", "from", from, "error", l.err)
			u.due = r.cfg.Clock.Boot() + uploadRest
			return
		}
		if !r.quiet() {
			return // they are read again once nobody waits
		}
		id := newID()
		if !r.send(wire.Message{Type: wire.TypeJournal, ID: id, Entries: l.body}) {
			u.due = r.cfg.Clock.Boot() + retrySend
			return
		}
		u.message, u.point, u.sent = id, point, r.cfg.Clock.Boot()
		u.due = u.sent + uploadAgain
	})
}

// leaves gives the message of the leaves from one index to below another, or of
// the first of them, up to so many bytes, and one at least.
func (r *Register) leaves(ctx context.Context, from, to int64, most int) (*wire.Entries, error) {
	list, err := r.cfg.Store.Entries(ctx, from, int(min(uploadLeaves, to-from)))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Seq != from {
		return nil, fmt.Errorf("entry %d: %w", from, ErrNotFound)
	}
	body, size := &wire.Entries{From: from}, 0
	for _, l := range list {
		if size += len(l.Bytes); size > most && len(body.Leaves) > 0 {
			break
		}
		body.Leaves = append(body.Leaves, base64.StdEncoding.EncodeToString(l.Bytes))
	}
	return body, nil
}

// leavesAcked takes the backend's word on the leaves on their way. It says how
// many it has: from there the upload goes on, and where that is no further than
// before only after a rest.
func (r *Register) leavesAcked(re string, a wire.Ack) {
	u := &r.upload
	if re == "" || re != u.message {
		return // told twice, or later than it was waited for
	}
	switch {
	case a.Status == wire.StatusRejected:
		u.off, u.message = true, ""
		r.cfg.Log.Error("the backend has other leaves of this journal, or another root", "reason", a.Reason)
		r.doubt(LedgerForked, nil)
		return
	case a.Status != wire.StatusAccepted:
		return // a word of a later release: as if none had come
	case a.Size > r.head.Size:
		u.off, u.message = true, ""
		r.finds(LedgerOlder)
		return
	}
	before := u.next
	u.paced(r.cfg.Clock.Boot() - u.sent)
	u.message, u.next, u.due = "", a.Size, 0
	if u.next < u.whole.Size {
		u.whole = journal.Head{} // it has lost some since: nothing here goes by its older word
	}
	u.has(u.point)
	if u.next < r.pruning.first {
		r.leavesMissing(re)
		return
	}
	if u.next > before {
		return
	}
	u.due = r.cfg.Clock.Boot() + uploadRest
	if !u.lagged {
		u.lagged = true
		r.cfg.Log.Warn("the backend took none of the journal's leaves; they are sent again each minute", "sent_from", before, "it_has", u.next)
	}
}

// leavesMissing ends the session's upload where the backend lacks entries that are
// not kept here any more: nothing that is sent fills the gap. It lost them, or they
// went here in another way than by the prune, which head office must hear of (I6).
func (r *Register) leavesMissing(re string) {
	has, first := r.upload.next, r.pruning.first
	r.upload.off = true
	r.cfg.Log.Error("the backend lacks entries of the journal that are not kept here any more: tell head office", "it_has", has, "journal_begins_with", first)
	r.report("journal.gap", fmt.Sprintf("the journal begins with entry %d here, and those from %d on are not with the backend", first, has), re)
}

// leavesRefused takes an error in place of their acknowledgement: this backend
// does not take the journal, and is left alone until the next session.
func (r *Register) leavesRefused(message string, code wire.ErrorCode) {
	if u := &r.upload; message != "" && message == u.message {
		u.off, u.message = true, ""
		r.cfg.Log.Warn("the backend does not take the journal's leaves in this session: nothing is pruned either", "code", code)
	}
}
