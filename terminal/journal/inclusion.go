package journal

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Inclusion gives the hash of the leaf at index and its audit path in the tree of
// the given size (RFC 6962, 2.1.1): who can make it has the tree and not its head
// alone. The error says that the leaf is not below size, or that stored lacks a
// hash.
func Inclusion(index, size int64, stored tlog.HashReader) (tlog.Hash, []tlog.Hash, error) {
	if index < 0 || index >= size {
		return tlog.Hash{}, nil, fmt.Errorf("journal: leaf %d is not in the tree of size %d", index, size)
	}
	leaf, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return tlog.Hash{}, nil, fmt.Errorf("journal: leaf %d: %w", index, err)
	}
	proof, err := tlog.ProveRecord(size, index, stored)
	if err != nil {
		return tlog.Hash{}, nil, fmt.Errorf("journal: no proof of leaf %d: %w", index, err)
	}
	return leaf[0], proof, nil
}
