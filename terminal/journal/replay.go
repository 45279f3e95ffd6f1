package journal

import "golang.org/x/mod/sumdb/tlog"

// Replay makes the tree anew from the leaves alone, one after the other, and
// trusts no stored hash. The zero Replay is the empty tree.
type Replay struct {
	size  int64
	whole []tlog.Hash // roots of the whole subtrees, the largest first: one for each bit of size
}

// Add appends the next leaf.
func (r *Replay) Add(leaf []byte) { r.AddHash(tlog.RecordHash(leaf)) }

// AddHash is Add for a leaf that is not kept any more, by its stored hash.
func (r *Replay) AddHash(h tlog.Hash) {
	for n := r.size; n&1 == 1; n >>= 1 { // two subtrees of one size are one of the next
		last := len(r.whole) - 1
		h = tlog.NodeHash(r.whole[last], h)
		r.whole = r.whole[:last]
	}
	r.whole = append(r.whole, h)
	r.size++
}

// Head gives the head of what was added.
func (r *Replay) Head() Head {
	if r.size == 0 {
		return empty
	}
	last := len(r.whole) - 1
	root := r.whole[last]
	for i := last - 1; i >= 0; i-- {
		root = tlog.NodeHash(r.whole[i], root)
	}
	return Head{Size: r.size, Root: root}
}
