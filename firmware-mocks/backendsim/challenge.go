package backendsim

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/wire"
)

// challenge is what an unproved incarnation was asked for at its hello: a leaf
// below the last checkpoint. It ends with the session.
type challenge struct {
	index int64
	point tree
}

// challenge asks an unproved incarnation for a leaf, chosen anew at each hello.
// Without a checkpoint there is nothing that it could be held against.
func (t *tx) challenge(c *caller, last *tree, w *wire.Welcome) error {
	unproved, err := t.unproved(*c)
	if err != nil || !unproved {
		return err
	}
	if last == nil || last.size == 0 {
		return t.prove(*c)
	}
	c.asked = &challenge{index: t.pick(last.size), point: *last}
	w.Challenge = &c.asked.index
	return nil
}

// met says whether a checkpoint shows the leaf that was asked for, in the tree of
// the checkpoint that welcome named.
func (q *challenge) met(m *wire.Checkpoint) bool {
	var leaf tlog.Hash
	proof, ok := hashesOf(m.Leaf.Proof)
	if q == nil || !ok || m.Leaf.Index != q.index || m.From != q.point.size {
		return false
	}
	if n, err := hex.Decode(leaf[:], []byte(m.Leaf.Hash)); err != nil || n != tlog.HashSize {
		return false
	}
	return tlog.CheckRecord(proof, q.point.size, q.point.root, q.index, leaf) == nil
}

// unproved says whether the session's incarnation has yet to show that it has
// the journal and not the register's key alone.
func (t *tx) unproved(c caller) (bool, error) {
	return t.has("SELECT 1 FROM unproved WHERE register = ? AND incarnation = ?", c.register, c.incarnation)
}

func (t *tx) prove(c caller) error {
	return t.exec("DELETE FROM unproved WHERE register = ? AND incarnation = ?", c.register, c.incarnation)
}

// pickLeaf gives a number below n that nobody can guess.
func pickLeaf(n int64) int64 {
	index, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return index.Int64()
}
