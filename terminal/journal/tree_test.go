package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
)

// hashes is a store of the tree's hashes in memory.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(h)) {
			return nil, fmt.Errorf("hash %d was never stored", index)
		}
		out[i] = h[index]
	}
	return out, nil
}

// root is the Merkle tree hash as RFC 6962, 2.1, writes it down.
func root(leaves [][]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1 // the largest power of two below the number of leaves
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := root(leaves[:k]), root(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func TestI6TheTreeIsRFC6962s(t *testing.T) {
	var stored hashes
	var leaves [][]byte
	for size := range int64(130) { // past two powers of two
		for old := range size + 1 { // every head of the past can be had again
			head, err := journal.HeadOf(old, stored)
			if want := root(leaves[:old]); err != nil || head.Size != old || head.Root != want {
				t.Fatalf("size %d of %d: got %v, %v, want %x", old, size, head, err, want)
			}
		}
		leaf := fmt.Appendf(nil, "leaf %d", size)
		added, err := journal.Append(size, leaf, stored)
		if err != nil || tlog.StoredHashIndex(0, size) != int64(len(stored)) {
			t.Fatalf("leaf %d: %v, stored %d", size, err, len(stored))
		}
		stored, leaves = append(stored, added...), append(leaves, leaf)
	}
}

func TestI6AnotherLeafOrOrderIsAnotherRoot(t *testing.T) {
	build := func(leaves ...string) journal.Head {
		var stored hashes
		for i, leaf := range leaves {
			added, err := journal.Append(int64(i), []byte(leaf), stored)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, added...)
		}
		head, err := journal.HeadOf(int64(len(leaves)), stored)
		if err != nil {
			t.Fatal(err)
		}
		return head
	}
	seen := map[string]bool{}
	for _, leaves := range [][]string{{}, {""}, {"a"}, {"a", "b"}, {"b", "a"}, {"ab"}, {"a", "b", "c"}, {"a", "b", "b"}} {
		head := build(leaves...)
		if seen[head.Hex()] {
			t.Errorf("%q has the root of another journal", leaves)
		}
		seen[head.Hex()] = true
	}
}

// The empty tree's root is the SHA-256 of nothing (FIPS 180-4's example for the
// empty message).
func TestHeadPrintsItsRoot(t *testing.T) {
	head, err := journal.HeadOf(0, hashes{})
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err != nil || head.Hex() != empty || head.Short() != empty[:16] {
		t.Errorf("got %s, %s, %v", head.Hex(), head.Short(), err)
	}
	if raw, err := hex.DecodeString(head.Short()); err != nil || len(raw) != 8 {
		t.Errorf("got %x, %v", raw, err)
	}
}

func TestTreeTellsThatTheStoreFailed(t *testing.T) {
	broken := errors.New("the disk is gone")
	store := tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, broken })
	if _, err := journal.Append(3, []byte("leaf"), store); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := journal.HeadOf(3, store); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
