package journal

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// storedOf gives the stored hashes of a tree over leaves.
func storedOf(t *testing.T, leaves [][]byte) tlog.HashReader {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = stored[n]
		}
		return out, nil
	})
	for i, leaf := range leaves {
		more, err := Append(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	return reader
}

func (set vectorSet) leaves() [][]byte {
	var out [][]byte
	for _, v := range set.Entries {
		out = append(out, v.Leaf)
	}
	return out
}

func TestI6ReplayGivesEveryRootOfTheDocument(t *testing.T) {
	set := vectors(t)
	var r Replay
	for size := 0; ; size++ {
		if head := r.Head(); head.Size != int64(size) || head.Hex() != set.Roots[size] {
			t.Errorf("size %d: %d, %s, want %s", size, head.Size, head.Hex(), set.Roots[size])
		}
		if size == len(set.Entries) {
			return
		}
		r.Add(set.Entries[size].Leaf)
	}
}

// Past several powers of two, against the stored hashes.
func TestI6ReplayAndTheStoredHashesAgree(t *testing.T) {
	var leaves [][]byte
	for i := range 300 {
		leaves = append(leaves, []byte{byte(i), byte(i >> 8)})
	}
	stored := storedOf(t, leaves)
	var r Replay
	for i, leaf := range leaves {
		r.Add(leaf)
		if want, err := HeadOf(int64(i)+1, stored); err != nil || r.Head() != want {
			t.Fatalf("after %d leaves: %v, want %v, %v", i+1, r.Head(), want, err)
		}
	}
}

const vectorOrigin = "sekisho/store-0001/r1"

func TestI6AnExportIsProvedAsTheDocumentSays(t *testing.T) {
	set := vectors(t)
	stored := storedOf(t, set.leaves())
	for i, want := range set.Exports {
		got := want
		got.Entries = slices.Clone(want.Entries)
		for j := range got.Entries {
			got.Entries[j].Proof = nil
		}
		if err := got.Prove(stored); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("export %d: %+v, %v, want %+v", i, got, err, want)
		}
		root, err := hex.DecodeString(set.Roots[want.Size])
		if err != nil {
			t.Fatal(err)
		}
		shown, err := want.Verify(vectorOrigin, Head{Size: want.Size, Root: tlog.Hash(root)})
		if err != nil || len(shown) != len(want.Entries) || len(shown) == 0 {
			t.Fatalf("export %d: %d entries shown, %v", i, len(shown), err)
		}
		for _, s := range shown {
			v := set.Entries[s.Entry.Seq]
			if !reflect.DeepEqual(s.Entry, v.Entry) || (s.Private == nil) != (v.Private == nil) || s.Private != nil && *s.Private != v.Private.Fields {
				t.Errorf("export %d: shown %+v, %+v", i, s.Entry, s.Private)
			}
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseExport(text); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("export %d: read back as %+v, %v", i, back, err)
		}
	}
}

// The first entries of a journal are exported like all others.
func TestI6AnExportOfTheFirstEntriesIsProved(t *testing.T) {
	var leaves [][]byte
	e := Export{Version: ExportVersion, Origin: vectorOrigin, Payment: "p"}
	for seq := range int64(3) {
		leaf, err := Entry{Seq: seq, Type: TypePayment, Payment: "p"}.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
		e.Entries = append(e.Entries, Exhibit{Leaf: string(leaf)})
	}
	stored := storedOf(t, leaves)
	head, err := HeadOf(3, stored)
	if err != nil {
		t.Fatal(err)
	}
	e.Size, e.Root = head.Size, head.Root
	if err := e.Prove(stored); err != nil {
		t.Fatal(err)
	}
	if shown, err := e.Verify(vectorOrigin, head); err != nil || len(shown) != 3 {
		t.Errorf("%d shown, %v", len(shown), err)
	}
}

// Whatever somebody changes in an export, it proves nothing any more.
func TestI6AChangedExportProvesNothing(t *testing.T) {
	set := vectors(t)
	good := set.Exports[0]
	head := Head{Size: good.Size, Root: good.Root}
	for name, change := range map[string]func(e *Export){
		"an amount":                     func(e *Export) { e.Entries[0].Leaf = strings.Replace(e.Entries[0].Leaf, "1160", "1161", 1) },
		"a place":                       func(e *Export) { e.Entries[0].Leaf = strings.Replace(e.Entries[0].Leaf, `"seq":2`, `"seq":3`, 1) },
		"no leaf":                       func(e *Export) { e.Entries[0].Leaf += " " },
		"an account":                    func(e *Export) { e.Entries[0].Private = strings.Replace(e.Entries[0].Private, "0f1e", "0f1f", 1) },
		"a salt":                        func(e *Export) { e.Entries[0].Salt = strings.Repeat("0", 64) },
		"a short salt":                  func(e *Export) { e.Entries[0].Salt = e.Entries[0].Salt[2:] },
		"no salt":                       func(e *Export) { e.Entries[0].Salt = "" },
		"a private part from elsewhere": func(e *Export) { e.Entries[3].Private, e.Entries[3].Salt = e.Entries[0].Private, e.Entries[0].Salt },
		"a proof":                       func(e *Export) { e.Entries[1].Proof[0][0] ^= 1 },
		"a proof too short":             func(e *Export) { e.Entries[1].Proof = e.Entries[1].Proof[1:] },
		"no proof":                      func(e *Export) { e.Entries[1].Proof = nil },
		"another root":                  func(e *Export) { e.Root[0] ^= 1 },
		"no entries":                    func(e *Export) { e.Entries = nil },
		"another register":              func(e *Export) { e.Origin = "sekisho/store-0001/r2" },
		"another payment":               func(e *Export) { e.Payment = set.Exports[2].Payment },
		"an entry twice":                func(e *Export) { e.Entries[1] = e.Entries[0] },
		"another order":                 func(e *Export) { slices.Reverse(e.Entries) },
		"an entry of another payment": func(e *Export) {
			other := set.Entries[6]
			more := Export{Size: e.Size, Entries: []Exhibit{{Leaf: string(other.Leaf)}}}
			if err := more.Prove(storedOf(t, set.leaves())); err != nil {
				t.Fatal(err)
			}
			e.Entries = append(e.Entries, more.Entries...)
		},
	} {
		changed := copyOf(t, good)
		change(&changed)
		if shown, err := changed.Verify(vectorOrigin, head); !errors.Is(err, ErrExport) || shown != nil {
			t.Errorf("%s: %v, %v", name, shown, err)
		}
	}
	if _, err := copyOf(t, good).Verify(vectorOrigin, Head{Size: good.Size - 1, Root: good.Root}); !errors.Is(err, ErrOtherTree) || errors.Is(err, ErrExport) {
		t.Errorf("a checkpoint of another size: %v", err)
	}
}

// copyOf goes through the export's JSON: nothing is shared.
func copyOf(t *testing.T, e Export) Export {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ParseExport(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestI8WhatIsNoExportIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", "null", `{"v":2}`, `{"v":1,"colour":"red"}`, `{"v":1,"root":"AA=="}`, `{"v":1,"entries":[{"proof":["?"]}]}`} {
		if e, err := ParseExport([]byte(text)); !errors.Is(err, ErrExport) {
			t.Errorf("%s: %+v, %v", text, e, err)
		}
	}
	good, err := json.Marshal(vectors(t).Exports[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"{}", string(good), `"and 90,000 yen more"`, "]"} {
		if _, err := ParseExport([]byte(string(good) + "\n" + more)); !errors.Is(err, ErrExport) {
			t.Errorf("%.20s after it: %v", more, err)
		}
	}
	if _, err := ParseExport(append(good, "\n \n"...)); err != nil {
		t.Errorf("blank lines after it: %v", err)
	}
}

// An erased private part leaves every proof valid.
func TestI6AnErasedEntryIsStillProved(t *testing.T) {
	e := copyOf(t, vectors(t).Exports[0])
	for i := range e.Entries {
		e.Entries[i].Private, e.Entries[i].Salt = "", ""
	}
	shown, err := e.Verify(vectorOrigin, Head{Size: e.Size, Root: e.Root})
	if err != nil || slices.ContainsFunc(shown, func(s Shown) bool { return s.Private != nil }) {
		t.Errorf("%v, %v", shown, err)
	}
}

// FuzzExport feeds what somebody could send to whoever checks an export. It must
// not panic, and what it takes must be in the tree of the document.
func FuzzExport(f *testing.F) {
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseExport(text)
		if err != nil {
			return
		}
		set := vectors(t)
		root, err := hex.DecodeString(set.Roots[len(set.Entries)])
		if err != nil {
			t.Fatal(err)
		}
		shown, err := e.Verify(vectorOrigin, Head{Size: int64(len(set.Entries)), Root: tlog.Hash(root)})
		if err != nil && !errors.Is(err, ErrExport) && !errors.Is(err, ErrOtherTree) {
			t.Fatal(err)
		}
		for _, s := range shown {
			if !reflect.DeepEqual(s.Entry, set.Entries[s.Entry.Seq].Entry) {
				t.Fatalf("entry %d was never written: %+v", s.Entry.Seq, s.Entry)
			}
		}
	})
}
