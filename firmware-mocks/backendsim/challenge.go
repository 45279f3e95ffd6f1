package backendsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// challenge is what a newcomer was asked for at its hello: a leaf below the last
// checkpoint. It ends with the link.
type challenge struct {
	index int64
	point tree
}

// What a newcomer is told that does not prove itself. The second is no refusal: a
// register answers that with a quarantine, and here it may be its own link from
// before that still seems to live.
var (
	errUnproved = refuse(wire.CodeSession, "prove first that this incarnation has the journal: nothing is heard before the checkpoint with the leaf that welcome asked for")
	errBeside   = refuse(wire.CodeTrouble, "this register lives on another link, and a hello that has not its journal does not take its place; try again later")
	errNoProof  = refuse(wire.CodeRefused, "this does not show the leaf that welcome asked for, and the register lives on another link")
	errProofDue = refuse(wire.CodeSession, "the checkpoint with the leaf that welcome asked for did not come in time")
)

// impostor is what head office is told of a newcomer without the journal.
const impostor = "no proof of the journal: an impostor, or this register lost it"

// toProve gives the checkpoint that a new incarnation is held against. There is
// nothing to prove for one that is known, and without a checkpoint.
func (t *tx) toProve(c caller) (*tree, error) {
	known, err := t.has("SELECT 1 FROM incarnation WHERE register = ? AND id = ?", c.register, c.incarnation)
	if known || err != nil {
		return nil, err
	}
	last, err := t.lastCheckpoint(c.register)
	if err != nil || last == nil || last.size == 0 {
		return nil, err
	}
	return last, nil
}

// challenge asks a newcomer for a leaf, chosen anew at each hello. Its number is
// kept, so that nobody else is told it; until the leaf is shown that is all.
func (t *tx) challenge(c *caller, last tree, w *wire.Welcome) error {
	var err error
	if c.session, err = t.nextSession(*c); err != nil {
		return err
	}
	if err := t.exec(`INSERT INTO newcomer (register, session) VALUES (?1, ?2)
		ON CONFLICT DO UPDATE SET session = ?2`, c.register, c.session); err != nil {
		return err
	}
	c.asked = &challenge{index: t.pick(last.size), point: last}
	return t.standing(*c, &last, w)
}

// same has a hello that came twice on one link answered alike: the register meets
// the challenge of whichever welcome it sees first.
func (c caller) same(was *caller, w *wire.Welcome) caller {
	if c.asked == nil || was == nil || was.asked == nil || was.incarnation != c.incarnation {
		return c
	}
	w.Session, w.Challenge, w.Checkpoint = was.session, &was.asked.index, was.asked.point.head()
	return *was
}

// proof takes what a newcomer says: the checkpoint that he was asked for opens his
// session, and nothing else is heard. Where it shows no leaf he is refused if the
// register lives beside him; if not, it may have lost its journal, and he is let
// in to be in doubt.
func (l *ledger) proof(t *tx, c *caller, m wire.Message, beside bool) (*wire.Ack, error) {
	if m.Checkpoint == nil || m.Checkpoint.Leaf == nil {
		return nil, errUnproved
	}
	last, err := t.lastCheckpoint(c.register)
	if err != nil {
		return nil, err
	}
	if last == nil || *last != c.asked.point {
		return nil, errStalePoint // it was asked by one that is not the last any more
	}
	new, why, err := t.weigh(*c, m.Checkpoint)
	if err != nil {
		return nil, err
	}
	if why == "" && !c.asked.met(m.Checkpoint) {
		why = DoubtCheckpoint
	}
	if why != "" && beside {
		return nil, errNoProof
	}
	if why != "" {
		if err := t.unproved(*c); err != nil {
			return nil, err
		}
	}
	c.asked, c.proved = nil, why == ""
	return l.enter(t, c, m, new, why)
}

// enter opens a newcomer's session, and takes what its hello told.
func (l *ledger) enter(t *tx, c *caller, m wire.Message, new tree, why string) (*wire.Ack, error) {
	if err := t.openSession(c, c.session); err != nil {
		return nil, err
	}
	if err := t.head(*c, *m.Journal); err != nil {
		return nil, err
	}
	if err := t.merge(*c, c.incarnation, c.hello.Counters); err != nil {
		return nil, err
	}
	ack := wire.Ack{Of: wire.TypeCheckpoint, Status: wire.StatusAccepted}
	if why != "" {
		ack.Status, ack.Reason = wire.StatusRejected, string(terminal.Quarantined)
		if err := t.doubt(c.register, why); err != nil {
			return nil, err
		}
	} else if err := t.keepCheckpoint(*c, m.Checkpoint, new); err != nil {
		return nil, err
	}
	if err := t.topUp(*c, nil); err != nil {
		return nil, err
	}
	return t.ack(*c, ack)
}

// met says whether a checkpoint shows the leaf that was asked for, in the tree of
// the checkpoint that welcome named.
func (q *challenge) met(m *wire.Checkpoint) bool {
	var leaf tlog.Hash
	proof, ok := hashesOf(m.Leaf.Proof)
	if !ok || m.Leaf.Index != q.index || m.From != q.point.size {
		return false
	}
	if n, err := hex.Decode(leaf[:], []byte(m.Leaf.Hash)); err != nil || n != tlog.HashSize {
		return false
	}
	return tlog.CheckRecord(proof, q.point.size, q.point.root, q.index, leaf) == nil
}

// unproved notes that an incarnation is let in without a proof: in doubt.
func (t *tx) unproved(c caller) error {
	return t.exec("INSERT OR IGNORE INTO unproved (register, incarnation) VALUES (?, ?)", c.register, c.incarnation)
}

func (t *tx) isUnproved(c caller) (bool, error) {
	return t.has("SELECT 1 FROM unproved WHERE register = ? AND incarnation = ?", c.register, c.incarnation)
}

// due ends a newcomer's link whose proof does not come.
func (l *link) due() {
	timer := time.NewTimer(l.b.deadlines.proof)
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
		return
	case <-timer.C:
	}
	l.overdue()
}

// overdue ends the link of who is still a newcomer. Head office is not told of one
// that proved itself on another link meanwhile: this line was only slow, or dead.
func (l *link) overdue() {
	c := l.who()
	if c == nil || c.asked == nil {
		return
	}
	l.send(l.failure("", errProofDue))
	if !l.provedSince(*c) {
		l.unmasked(wire.TypeHello, c.register)
	}
	l.stop()
}

// provedSince says whether an incarnation that was new has shown its journal by now.
func (l *link) provedSince(c caller) (proved bool) {
	ctx, cancel := context.WithTimeout(l.b.ctx, workTimeout)
	defer cancel()
	err := l.b.ledger.view(ctx, func(t *tx) (err error) {
		proved, err = t.has(`SELECT 1 FROM incarnation i WHERE register = ?1 AND id = ?2
			AND NOT EXISTS (SELECT 1 FROM unproved u WHERE u.register = i.register AND u.incarnation = i.id)`, c.register, c.incarnation)
		return err
	})
	if err != nil {
		l.b.log.Warn("whether somebody proved to be a register was not found out", "register", c.register, "error", err)
	}
	return proved
}

// newcomer says whether the link's register has still to prove itself.
func (l *link) newcomer() bool {
	c := l.who()
	return c != nil && c.asked != nil
}

// unmasked tells head office of a newcomer without the journal.
func (l *link) unmasked(of wire.Type, register string) {
	ctx, cancel := context.WithTimeout(l.b.ctx, workTimeout)
	defer cancel()
	c := caller{register: register, now: l.b.now()}
	err := l.b.ledger.change(ctx, func(t *tx) error {
		if err := t.exec(`INSERT INTO newcomer (register, session, failed, last) VALUES (?1, 0, 1, ?2)
			ON CONFLICT DO UPDATE SET failed = failed + 1, last = ?2`, register, c.ms()); err != nil {
			return err
		}
		return t.event(c, of, "", impostor)
	})
	if err != nil {
		l.b.log.Warn("that somebody could not prove to be a register was not kept", "register", register, "error", err)
	}
}

// pickLeaf gives a number below n that nobody can guess.
func pickLeaf(n int64) int64 {
	index, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return index.Int64()
}
