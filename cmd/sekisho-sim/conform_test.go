package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformHasTheOperatorsCommandActForHeadOffice by what the command's exit
// status says, and by the one of docs/examples.
func TestConformHasTheOperatorsCommandActForHeadOffice(t *testing.T) {
	dir := t.TempDir()
	a := runAlone(t, dir, "--insecure-dev", "--dials", "1000")
	sim, err := exec.LookPath("sekisho-sim")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("../../docs/examples/operator.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ operator, want string }{
		{fmt.Sprintf("%q %q %q", script, filepath.Dir(sim), dir), "ok           freeze.issuer"},
		{"exit 77; :", "(needs an operator's command that does freeze)"},
		{"exit 3; :", "the operator did not do freeze: exit status 3"},
	} {
		out, _ := exec.CommandContext(t.Context(), "sekisho-sim", "conform", "--backend", a.Link, "--insecure-dev",
			"--wallet", filepath.Join(dir, "operator", "wallet.key"), "--admin", a.Admin, "--operator", c.operator,
			"--only", "freeze.issuer").Output() // a rule that fails or is not tried is an exit status other than 0
		if !strings.Contains(string(out), c.want) {
			t.Errorf("with --operator %q it does not say %q:\n%s", c.operator, c.want, out)
		}
	}
}
