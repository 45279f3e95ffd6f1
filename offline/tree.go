package offline

import (
	"fmt"
	"maps"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
)

// tree is the journal's Merkle tree as far as the writer needs it: its head and
// the roots of its whole subtrees, by stored index. These, at most 63, are all
// that appending and the next root ask for, so that the file is not read.
type tree struct {
	head  journal.Head
	roots map[int64]tlog.Hash
}

// treeOf reads the tree of the given size from its stored hashes.
func treeOf(size int64, stored tlog.HashReader) (tree, error) {
	t := tree{roots: map[int64]tlog.Hash{}}
	head, err := journal.HeadOf(size, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes, err := stored.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		for i, idx := range indexes {
			t.roots[idx] = hashes[i]
		}
		return hashes, nil
	}))
	t.head = head
	return t, err
}

// growing is a tree to which leaves are being appended.
type growing struct {
	size  int64
	known map[int64]tlog.Hash
}

func (t tree) grow() *growing {
	return &growing{size: t.head.Size, known: maps.Clone(t.roots)}
}

// append gives the hashes to store for the next leaf, and the index of the
// first of them.
func (g *growing) append(leaf []byte) (first int64, hashes []tlog.Hash, err error) {
	return g.appendHash(tlog.RecordHash(leaf))
}

// appendHash is append for a leaf of which only the hash is known.
func (g *growing) appendHash(leaf tlog.Hash) (first int64, hashes []tlog.Hash, err error) {
	hashes, err = tlog.StoredHashesForRecordHash(g.size, leaf, g)
	if err != nil {
		return 0, nil, err
	}
	first = g.nextHash()
	for i, h := range hashes {
		g.known[first+int64(i)] = h
	}
	g.size++
	return first, hashes, nil
}

// nextHash is where the hash of the next leaf is stored.
func (g *growing) nextHash() int64 { return tlog.StoredHashIndex(0, g.size) }

// tree gives the grown tree, with only what the next growth needs.
func (g *growing) tree() (tree, error) { return treeOf(g.size, g) }

// ReadHashes gives hashes from memory.
func (g *growing) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, idx := range indexes {
		h, ok := g.known[idx]
		if !ok {
			return nil, fmt.Errorf("offline: hash %d is not in memory", idx)
		}
		hashes[i] = h
	}
	return hashes, nil
}
