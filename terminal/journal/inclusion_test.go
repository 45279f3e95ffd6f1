package journal_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"sekisho/terminal/journal"
)

// path checks an audit path as RFC 6962, 2.1.1, describes it: from the leaf up,
// with the sibling of each tree that it is in.
func path(hash [32]byte, index, size int64, proof [][32]byte) ([32]byte, [][32]byte) {
	if size == 1 {
		return hash, proof
	}
	k := int64(1)
	for 2*k < size {
		k *= 2
	}
	node := func(left, right [32]byte) [32]byte {
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
	if index < k {
		left, rest := path(hash, index, k, proof)
		return node(left, rest[0]), rest[1:]
	}
	right, rest := path(hash, index-k, size-k, proof)
	return node(rest[0], right), rest[1:]
}

// I6: every leaf of every tree is proved, and none that the tree does not have.
func TestI6InclusionProvesALeaf(t *testing.T) {
	var stored hashes
	var leaves [][]byte
	for size := int64(1); size <= 40; size++ {
		leaf := fmt.Appendf(nil, "leaf %d", size-1)
		added, err := journal.Append(size-1, leaf, stored)
		if err != nil {
			t.Fatal(err)
		}
		stored, leaves = append(stored, added...), append(leaves, leaf)
		for index := range size {
			got, proof, err := journal.Inclusion(index, size, stored)
			if err != nil || got != sha256.Sum256(append([]byte{0}, leaves[index]...)) {
				t.Fatalf("leaf %d of %d: %x, %v", index, size, got, err)
			}
			var hashes [][32]byte
			for _, h := range proof {
				hashes = append(hashes, h)
			}
			hashes = append(hashes, [32]byte{}) // so that a short proof is seen and does not panic
			if top, rest := path(got, index, size, hashes); top != root(leaves) || len(rest) != 1 {
				t.Fatalf("leaf %d of %d: the path of %d hashes proves nothing", index, size, len(proof))
			}
		}
	}
	for _, index := range []int64{-1, 40, 41} {
		if _, _, err := journal.Inclusion(index, 40, stored); err == nil {
			t.Errorf("leaf %d of 40 was proved", index)
		}
	}
	if _, _, err := journal.Inclusion(0, 40, stored[:20]); err == nil {
		t.Error("proved without the hashes")
	}
}
