package backendsim

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Uploaded is what is here of one register's journal, since its last release.
type Uploaded struct {
	Register string `json:"register"`
	Epoch    int64  `json:"epoch"`   // grows with each release
	Leaves   int64  `json:"leaves"`  // from the first on
	Through  int64  `json:"through"` // size of the largest checkpoint whose leaves are all here
	Signed   int64  `json:"signed"`  // size of the last checkpoint
}

// Leaf is one leaf of a journal as it was uploaded.
type Leaf struct {
	Index int64  `json:"index"`
	Leaf  []byte `json:"leaf"` // base64 in JSON; see docs/journal.md
}

// ErrForked is Verify's: leaves that were uploaded are not those that a checkpoint
// was signed over.
var ErrForked = errors.New("backendsim: the uploaded leaves are not those of a checkpoint")

// Uploads tells of every register that ever said hello.
func (r Ledger) Uploads(ctx context.Context) ([]Uploaded, error) {
	return list(ctx, r.l, func(u *Uploaded) []any { return []any{&u.Register, &u.Epoch, &u.Leaves, &u.Through, &u.Signed} },
		`SELECT r.id, r.epoch, ifnull(u.size, 0),
			(SELECT ifnull(max(size), 0) FROM checkpoint k WHERE k.register = r.id AND k.epoch = r.epoch AND k.size <= ifnull(u.size, 0)),
			(SELECT ifnull(max(size), 0) FROM checkpoint k WHERE k.register = r.id AND k.epoch = r.epoch)
		FROM register r LEFT JOIN upload u ON u.register = r.id AND u.epoch = r.epoch ORDER BY r.id`)
}

// Journal gives at most limit leaves of a register's journal from an index on,
// as they were uploaded since its last release.
func (r Ledger) Journal(ctx context.Context, register string, from int64, limit int) ([]Leaf, error) {
	leaves := []Leaf{}
	err := r.l.view(ctx, func(t *tx) error {
		u, err := t.uploadOf(register)
		if err != nil {
			return err
		}
		return u.each(from, min(u.size, from+int64(max(limit, 0))), func(l Leaf) error {
			leaves = append(leaves, l)
			return nil
		})
	})
	return leaves, err
}

// Verify reads all that was uploaded of a register's journal since its last
// release and holds it against every checkpoint that is kept, from the leaves'
// bytes alone. The error is ErrForked where one has another root.
func (r Ledger) Verify(ctx context.Context, register string) (Uploaded, error) {
	found := Uploaded{Register: register}
	err := r.l.view(ctx, func(t *tx) error {
		u, err := t.uploadOf(register)
		if err != nil {
			return err
		}
		found.Epoch = u.epoch
		points, err := u.points()
		if err != nil {
			return err
		}
		if n := len(points); n > 0 {
			found.Signed = points[n-1].size
		}
		return found.verify(u, points)
	})
	return found, err
}

func (f *Uploaded) verify(u *upload, points []tree) error {
	var all rootOf
	held := func() error {
		for ; len(points) > 0 && points[0].size == f.Leaves; points = points[1:] {
			if all.root() != points[0].root {
				return fmt.Errorf("%w: that of size %d", ErrForked, points[0].size)
			}
			f.Through = points[0].size
		}
		return nil
	}
	if err := held(); err != nil {
		return err
	}
	return u.each(0, u.size, func(l Leaf) error {
		if l.Index != f.Leaves {
			return fmt.Errorf("%w: leaf %d is missing", ErrForked, f.Leaves)
		}
		all.add(l.Leaf)
		f.Leaves++
		return held()
	})
}

// points gives the epoch's checkpoints by size.
func (u *upload) points() ([]tree, error) {
	var points []tree
	err := u.t.each(func(scan func(...any) error) error {
		p, err := readTree(scan)
		points = append(points, p)
		return err
	}, "SELECT size, root FROM checkpoint WHERE register = ? AND epoch = ? ORDER BY size", u.register, u.epoch)
	return points, err
}

// each gives the leaves from one index to another, in order, each from the epoch
// that it lies in.
func (u *upload) each(from, to int64, take func(Leaf) error) error {
	for i := len(u.spans) - 1; i >= 0; i-- {
		s, end := u.spans[i], to
		if i > 0 {
			end = min(to, u.spans[i-1].first)
		}
		err := u.t.each(func(scan func(...any) error) error {
			var l Leaf
			if err := scan(&l.Index, &l.Leaf); err != nil {
				return err
			}
			return take(l)
		}, "SELECT place, leaf FROM upload_leaf WHERE register = ? AND epoch = ? AND place >= ? AND place < ? ORDER BY place",
			u.register, s.epoch, max(from, s.first), end)
		if err != nil {
			return err
		}
	}
	return nil
}

// rootOf makes a tree's root from its leaves, as docs/protocol.md says and by no
// code that made the hashes beside them: the roots of the whole trees that make
// it up, the largest first.
type rootOf struct {
	size  int64
	whole [][sha256.Size]byte
}

func (r *rootOf) add(leaf []byte) {
	r.whole = append(r.whole, sha256.Sum256(append([]byte{0}, leaf...)))
	r.size++
	for n := r.size; n%2 == 0; n /= 2 {
		last := len(r.whole) - 1
		r.whole = append(r.whole[:last-1], nodeOf(r.whole[last-1], r.whole[last]))
	}
}

func (r *rootOf) root() [sha256.Size]byte {
	if r.size == 0 {
		return sha256.Sum256(nil)
	}
	root := r.whole[len(r.whole)-1]
	for i := len(r.whole) - 2; i >= 0; i-- {
		root = nodeOf(r.whole[i], root)
	}
	return root
}

func nodeOf(left, right [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
