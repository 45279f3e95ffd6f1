package pass

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const seedFolder = "testdata/fuzz/FuzzVerify"

// FuzzVerify: any text gets a pass that the vectors' keys have signed, or an
// *Error; never a panic. What verifies must be one of the vectors, since nobody
// else holds the keys.
func FuzzVerify(f *testing.F) {
	set := vectors(f)
	trust := set.trust()
	known := map[string]bool{}
	for _, v := range set.Good {
		known[hex.EncodeToString(v.Identity)] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Verify(text, trust)
		if err != nil {
			if CodeOf(err) == "" || p != nil {
				t.Fatalf("an error without a code, or with a pass: %v", err)
			}
			return
		}
		if !known[hex.EncodeToString(p.Identity())] {
			t.Fatalf("a pass that was never signed: %q", text)
		}
	})
}

// The seeds are the vectors: none missing, none stale, none but these.
func TestFuzzSeedsAreTheVectors(t *testing.T) {
	set := vectors(t)
	want := map[string]string{}
	for _, v := range set.Good {
		want[v.Name] = v.Text
	}
	for _, v := range set.Bad {
		want[v.Name] = v.Text
	}
	files, err := os.ReadDir(seedFolder)
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds in %s: %v", seedFolder, err)
	}
	for name, text := range want {
		raw, err := os.ReadFile(filepath.Join(seedFolder, name))
		if err != nil || string(raw) != "go test fuzz v1\nstring("+strconv.Quote(text)+")\n" {
			t.Errorf("the seed %s is missing or another than the vector: %v", name, err)
		}
	}
}
