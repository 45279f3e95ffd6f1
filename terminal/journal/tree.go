package journal

import (
	"encoding/hex"

	"golang.org/x/mod/sumdb/tlog"
)

// Head is the size and the root of the tree over the leaves.
type Head struct {
	Size int64
	Root tlog.Hash
}

// Hex gives the root as 64 hex digits. The root of the empty tree is the
// SHA-256 of nothing (RFC 6962, 2.1).
func (h Head) Hex() string { return hex.EncodeToString(h.Root[:]) }

// Short gives the root's first 16 hex digits, as a receipt carries them.
func (h Head) Short() string { return h.Hex()[:16] }

// Append gives the hashes to be stored for a leaf that is appended to a tree of
// the given size; they follow those stored so far, see tlog.StoredHashIndex.
func Append(size int64, leaf []byte, stored tlog.HashReader) ([]tlog.Hash, error) {
	return tlog.StoredHashes(size, leaf, stored)
}

// HeadOf gives the head of the tree of the given size.
func HeadOf(size int64, stored tlog.HashReader) (Head, error) {
	root, err := tlog.TreeHash(size, stored)
	return Head{Size: size, Root: root}, err
}
