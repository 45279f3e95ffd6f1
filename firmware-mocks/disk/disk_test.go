package disk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// The record says what is synced; the seeds must bring about both ends of what
// is not.
func TestACutKeepsWhatWasSyncedAndNotMore(t *testing.T) {
	old, newer, late := bytes.Repeat([]byte{'o'}, 2*sector), bytes.Repeat([]byte{'n'}, sector), bytes.Repeat([]byte{'l'}, sector)
	write := func(at int64, data []byte) entry { return entry{wrote, "f", at, data} }
	r := Record{entries: []entry{
		{what: created, name: "f"}, write(0, old),
		{what: syncBegan, name: "f", at: 1}, write(sector, newer), {what: synced, name: "f", at: 1},
		{what: syncBegan, name: "", at: 2}, {what: synced, name: "", at: 2},
		{what: told, name: "old is there"},
		{what: syncBegan, name: "f", at: 3}, {what: syncLost, name: "f", at: 3},
		write(2*sector, late), {what: syncBegan, name: "f", at: 4}, {what: synced, name: "f", at: 4},
	}}
	if r.First() != 8 || len(r.Told(7)) != 0 || len(r.Told(8)) != 1 {
		t.Fatalf("told at %d: %q", r.First(), r.Told(r.Len()))
	}
	seen := map[string]int{}
	for seed := range uint64(200) {
		got := cutAt(t, r, r.Len(), seed)
		if len(got) != 3*sector || !bytes.Equal(got[:sector], old[:sector]) || !bytes.Equal(got[2*sector:], late) {
			t.Fatalf("seed %d: what was synced is not there", seed)
		}
		seen[string(got[sector:sector+1])]++
	}
	if seen["o"] == 0 || seen["n"] == 0 || len(seen) != 2 {
		t.Errorf("a sync that failed on a sector leaves it new or old: %v", seen)
	}
}

func TestACutLosesAndTearsWhatWasNotSynced(t *testing.T) {
	r := Record{entries: []entry{{what: created, name: "f"}, {wrote, "f", 100, bytes.Repeat([]byte{'x'}, 8*sector)}}}
	var none, whole, torn int
	for seed := range uint64(200) {
		switch got := cutAt(t, r, 2, seed); {
		case got == nil:
			none++
		case bytes.Count(got, []byte{'x'}) == 8*sector:
			whole++
		default:
			torn++
		}
	}
	if none == 0 || whole == 0 || torn == 0 {
		t.Errorf("%d times nothing, %d whole, %d torn", none, whole, torn)
	}
	if a, b := cutAt(t, r, 2, 5), cutAt(t, r, 2, 5); !bytes.Equal(a, b) {
		t.Error("one seed, two cuts")
	}
}

// cutAt gives the file f after a cut, nil where it is not there.
func cutAt(t *testing.T, r Record, moment int, seed uint64) []byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), fmt.Sprint(seed))
	if err := r.Cut(moment, "", dir, rand.New(rand.NewPCG(seed, 0))); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "f"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return b
}
