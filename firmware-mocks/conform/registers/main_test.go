package registers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"sekisho/firmware-mocks/conform"
)

// programs is where the register's are, built as they are shipped: the race
// detector watches the kit, and the register in its own tests.
var programs string

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "registers")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs = dir
	build := exec.Command("go", "build", "-o", dir+"/", "sekisho/cmd/sekishod", "sekisho/cmd/sekisho")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the programs do not build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func open(t *testing.T) *Kit {
	t.Helper()
	k, err := Open(Config{Sekishod: filepath.Join(programs, "sekishod"), Sekisho: filepath.Join(programs, "sekisho"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestTheRegisterConforms plays every rule against this product's own register,
// over TLS.
func TestTheRegisterConforms(t *testing.T) {
	tried := 0
	open(t).Run(t.Context(), "", func(r conform.Result) {
		tried++
		if r.Status != conform.Holds {
			t.Error(r)
		}
	})
	if want := len(Rules()); tried != want {
		t.Errorf("%d of %d rules were tried", tried, want)
	}
}
