package scenario

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// staffProgram is sekisho, built once for the tests in which people need it.
var staffProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "sekisho")
	out, err := exec.Command("go", "build", "-race", "-o", path, "sekisho/cmd/sekisho").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("sekisho does not build: %w\n%s", err, out)
	}
	return path, err
})

// newSecureWorld is newWorld with a register that enrols, and a line with TLS.
func newSecureWorld(t *testing.T, rules Rules) *World {
	t.Helper()
	enrols, err := staffProgram()
	if err != nil {
		t.Fatal(err)
	}
	w, _ := worldWith(t, Setup{Rules: rules, Enrols: enrols})
	return w
}

// sekisho runs the staff's command on the world's register, and gives its exit
// status and all that it said.
func sekisho(t *testing.T, w *World, args ...string) (int, string) {
	t.Helper()
	program, err := staffProgram()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--config", w.path("sekishod.toml")}, args...)
	if w.daemon != nil {
		page, err := url.Parse(w.daemon.page)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "--listen", page.Host)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	out, _ := cmd.CombinedOutput() // its status says more
	return cmd.ProcessState.ExitCode(), string(out)
}
