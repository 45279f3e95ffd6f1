package offline

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"sekisho/terminal/register/storetest"
)

// TestMain runs this binary as the child of the kill test or of the power cuts
// where it is asked to; otherwise it runs the tests, and looks for goroutines
// that nobody ended.
func TestMain(m *testing.M) {
	if text := os.Getenv(cutChild); text != "" {
		if err := beCut(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	if dir := os.Getenv(childDir); dir != "" {
		if err := beKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func TestStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t testing.TB, place string) storetest.Store {
		s, err := Open(t.Context(), place, Options{})
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		return s
	})
}
