package scenario

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// binary is sekishod, built with the race detector.
var binary string

func TestMain(m *testing.M) {
	if address := os.Getenv(toxiproxyAt); address != "" {
		serveToxiproxy(address)
		return
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sekishod")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "sekishod")
	build := exec.Command("go", "build", "-race", "-o", binary, "sekisho/cmd/sekishod")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "sekishod does not build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// testTime is how long a test may take: far more than any does, for a machine may
// be ten times slower than it is with nothing else to do, and a line that broke
// twice is dialled again seconds later.
const testTime = 4 * time.Minute

// shiftIn gives a shift in a world of the test's own, the time for it, and what
// ends the test with the shift's console where a step fails.
func shiftIn(t *testing.T, w *World) (context.Context, *Shift, func(error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	var out bytes.Buffer
	return ctx, newShift(w, &out), func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
}
