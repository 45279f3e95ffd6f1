package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sekisho": func() {
		if dir := os.Getenv("BY_ID"); dir != "" {
			byID = dir
		}
		main()
	}})
}

// TestScripts runs every command as a person would, on a ledger that the real
// store made and, where a script starts one, beside a register that runs.
func TestScripts(t *testing.T) {
	defer goleak.VerifyNone(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"till": cmdTill, "daemon": cmdDaemon, "checkpoint": cmdCheckpoint, "edit": cmdEdit, "exitcode": cmdExit, "prune": cmdPrune,
			"unit": cmdUnit, "try": cmdTry, "hold": cmdHold, "does": cmdDoes, "ends": cmdEnds,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// cmdExit is "exitcode N COMMAND ARG...": runs it, and wants that exit code.
func cmdExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode N COMMAND ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = trimExit(err.Error())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// cmdEdit is "edit FILE OLD NEW": changes the only place in a file.
func cmdEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	changed, ok := replaceOnce(text, args[1], args[2])
	if !ok {
		ts.Fatalf("%q is not once in %s", args[1], args[0])
	}
	ts.Check(os.WriteFile(path, []byte(changed), 0o600))
}

// The page for the people who use it names every command.
func TestEveryCommandIsInTheManual(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Runnable() && !strings.Contains(string(page), c.CommandPath()) {
			t.Errorf("docs/operations.md does not name %q", c.CommandPath())
		}
		if c.Short == "" {
			t.Errorf("%q says nothing of itself", c.CommandPath())
		}
		for _, below := range c.Commands() {
			walk(below)
		}
	}
	walk(new(staff).command())
}
