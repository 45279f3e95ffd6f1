package conform

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// machine is a register with its journal, which goes on from rule to rule.
type machine struct {
	Register
	tree
	kept     int64     // size of the last checkpoint that the backend keeps
	enrolled *enrolled // nil without TLS
}

// tree is a journal's hash tree (RFC 6962, section 2.1) with its leaves.
type tree struct {
	leaves [][]byte
	hashes []tlog.Hash // as tlog.StoredHashIndex orders them
}

// ReadHashes implements tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("conform: there is no hash %d", at)
		}
		out[i] = t.hashes[at]
	}
	return out, nil
}

func (t *tree) size() int64 { return int64(len(t.leaves)) }

// grow appends a leaf; the words only make it differ from every other.
func (t *tree) grow(words string) {
	leaf := fmt.Appendf(nil, `{"seq":%d,"type":"conform","v":1,"words":%q}`, len(t.leaves), words)
	more, err := tlog.StoredHashes(t.size(), leaf, t)
	if err != nil { // every hash that it asks for is there
		return
	}
	t.leaves, t.hashes = append(t.leaves, leaf), append(t.hashes, more...)
}

// copy gives a tree that grows apart from t.
func (t *tree) copy() tree {
	return tree{append([][]byte(nil), t.leaves...), append([]tlog.Hash(nil), t.hashes...)}
}

// root gives the root at a size.
func (t *tree) root(size int64) tlog.Hash {
	h, err := tlog.TreeHash(size, t)
	if err != nil {
		return tlog.Hash{}
	}
	return h
}

func (t *tree) head() *wire.Head {
	r := t.root(t.size())
	return &wire.Head{Size: t.size(), Root: hex.EncodeToString(r[:])}
}

// proof shows that the tree extends its own state of size from.
func (t *tree) proof(from int64) []string {
	if from == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(t.size(), from, t)
	if err != nil {
		return nil
	}
	return inHex(proof)
}

// audit shows that a leaf stands in the tree of a size.
func (t *tree) audit(index, size int64) *wire.LeafProof {
	path, err := tlog.ProveRecord(size, index, t)
	if err != nil {
		return nil
	}
	h := tlog.RecordHash(t.leaves[index])
	return &wire.LeafProof{Index: index, Hash: hex.EncodeToString(h[:]), Proof: inHex(path)}
}

func inHex(list []tlog.Hash) []string {
	out := []string{}
	for _, h := range list {
		out = append(out, hex.EncodeToString(h[:]))
	}
	return out
}

func (m *machine) origin() string {
	return journal.Origin(terminal.StoreID(m.Store), terminal.RegisterID(m.ID))
}

// sign gives the checkpoint of a tree by the machine's key, "" where it has none.
func (m *machine) sign(t *tree) string {
	if m.Key == nil {
		return ""
	}
	signer, err := journal.NewSigner(m.origin(), m.Key)
	if err != nil {
		return ""
	}
	note, err := journal.Checkpoint(m.origin(), journal.Head{Size: t.size(), Root: t.root(t.size())}, signer)
	if err != nil {
		return ""
	}
	return note
}
