package journal

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The vectors are made by docs/vectors/journal.py, which shares no code with
// this package. The tests read its committed output and run no Python.
const vectorFile = "../../docs/vectors/journal.json"

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type vectorSet struct {
	Entries []struct {
		Entry    Entry
		Leaf     hexBytes
		LeafHash hexBytes `json:"leaf_hash"`
		Private  *struct {
			Fields Private
			Salt   hexBytes
			Bytes  hexBytes
			Hash   string
		}
	}
	Roots    []string
	Exports  []Export
	NoLeaves map[string]string `json:"no_leaves"`
}

func vectors(t *testing.T) vectorSet {
	t.Helper()
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var set vectorSet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Entries) < 8 || len(set.Roots) != len(set.Entries)+1 || len(set.NoLeaves) == 0 {
		t.Fatal("there are too few vectors")
	}
	return set
}

func TestI6AnEntryGivesTheLeafOfTheDocument(t *testing.T) {
	for i, v := range vectors(t).Entries {
		leaf, err := v.Entry.Leaf()
		if err != nil || string(leaf) != string(v.Leaf) {
			t.Errorf("entry %d: the leaf is\n%s\nwant\n%s\n%v", i, leaf, v.Leaf, err)
		}
		got, err := Parse(v.Leaf)
		if err != nil || !reflect.DeepEqual(got, v.Entry) {
			t.Errorf("entry %d: read as %+v, %v", i, got, err)
		}
	}
}

func TestI6APrivatePartGivesTheHashOfTheDocument(t *testing.T) {
	sealed := 0
	for i, v := range vectors(t).Entries {
		if v.Private == nil {
			continue
		}
		sealed++
		private, hash, err := v.Private.Fields.Seal([SaltSize]byte(v.Private.Salt))
		if err != nil || string(private) != string(v.Private.Bytes) || hash != v.Private.Hash || hash != v.Entry.Private {
			t.Errorf("entry %d: sealed as %s with hash %s, want %s with %s, %v", i, private, hash, v.Private.Bytes, v.Private.Hash, err)
		}
		other := [SaltSize]byte(v.Private.Salt)
		other[0] ^= 1
		if HashPrivate(other, v.Private.Bytes) == v.Private.Hash {
			t.Errorf("entry %d: the salt does not count", i)
		}
	}
	if sealed == 0 {
		t.Error("no vector has a private part")
	}
}

func TestI6TheTreeHasTheRootsOfTheDocument(t *testing.T) {
	set := vectors(t)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for n := 0; ; n++ {
		head, err := HeadOf(int64(n), reader)
		if err != nil || head.Hex() != set.Roots[n] || head.Short() != set.Roots[n][:16] {
			t.Errorf("the root at size %d is %s, want %s, %v", n, head.Hex(), set.Roots[n], err)
		}
		if n == len(set.Entries) {
			return
		}
		v := set.Entries[n]
		if got := tlog.RecordHash(v.Leaf); hex.EncodeToString(got[:]) != hex.EncodeToString(v.LeafHash) {
			t.Errorf("the hash of leaf %d is %x, want %x", n, got, v.LeafHash)
		}
		more, err := Append(int64(n), v.Leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
}

func TestI6BytesThatAreNoLeafAreRefused(t *testing.T) {
	for name, text := range vectors(t).NoLeaves {
		if e, err := Parse([]byte(text)); !errors.Is(err, ErrLeaf) {
			t.Errorf("%s: read as %+v, %v", name, e, err)
		}
	}
}
