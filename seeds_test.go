package sekisho_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fuzzTarget finds the name of a fuzz target in a test file.
var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(`)

// TestFuzzSeeds fails for a fuzz target without seeds in its folder: it would
// start from nothing and find nothing, and be green.
func TestFuzzSeeds(t *testing.T) {
	targets := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range fuzzTarget.FindAllSubmatch(source, -1) {
			targets++
			folder := filepath.Join(filepath.Dir(path), "testdata", "fuzz", string(found[1]))
			if seeds, err := os.ReadDir(folder); err != nil || len(seeds) == 0 {
				t.Errorf("%s has no seeds in %s (%v)", found[1], folder, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if targets == 0 {
		t.Error("no fuzz target found: the search is broken")
	}
}
