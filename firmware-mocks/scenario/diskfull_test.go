package scenario

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/firmware-mocks/disk"
	"sekisho/terminal"
)

// failingDisk lets every sekishod that this test starts from here on write to a
// disk that can fail.
func failingDisk(t *testing.T) *disk.Disk {
	t.Helper()
	scratch, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := disk.Make(t.Context(), scratch, filepath.Dir(scratch), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for _, setting := range d.Environ() {
		name, value, _ := strings.Cut(setting, "=")
		t.Setenv(name, value)
	}
	return d
}

// TestI2I8DiskFullAndBack: while there is no room nothing is approved and the
// till says why; once there is, the same process goes on, and nothing that was
// told before is lost.
func TestI2I8DiskFullAndBack(t *testing.T) {
	d := failingDisk(t)
	w := newWorld(t, DemoRules())
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Ready(ctx))
	customer, err := w.NewCustomer(ctx, "hana", longAgo, wellOff)
	must(err)
	show := func() {
		t.Helper()
		code, err := customer.Phone.Pass()
		must(err)
		must(w.ShowText(ctx, code))
	}
	approved := func(ref terminal.SaleRef) terminal.PaymentID {
		t.Helper()
		s, err := w.Till.Await(ctx, func(s State) bool {
			return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome == terminal.OutcomeApproved
		})
		must(err)
		return s.Verdict.Payment
	}
	must(w.Till.Put(ctx, "before", times(1, lunch)))
	show()
	first := approved("before")
	must(w.Till.HandOver(ctx, first))
	must(w.Till.Put(ctx, "meanwhile", times(1, lunch)))
	process := w.Process()

	must(d.Fill())
	show()
	s, err := w.Till.Await(ctx, func(s State) bool { return s.Storage == "failed" })
	must(err)
	if s.Verdict != nil || s.Sale == nil || s.Sale.State != terminal.SaleReady {
		t.Errorf("with a full disk: %+v", s)
	}
	var p *Problem
	if err := w.Till.Cancel(ctx, "meanwhile"); !errors.As(err, &p) || p.Code != "storage" {
		t.Errorf("a cancel with a full disk: %v", err)
	}
	if failed, err := d.Mend(); err != nil || failed == 0 {
		t.Fatalf("the disk never was full (%d, %v)", failed, err)
	}
	_, err = w.Till.Await(ctx, func(s State) bool { return s.Storage == "ok" }) // though nobody sells
	must(err)
	show()
	second := approved("meanwhile")
	s, err = w.Till.State(ctx)
	must(err)
	if s.Storage != "ok" || w.Process() != process {
		t.Errorf("room again: storage %q, process %d after %d", s.Storage, w.Process(), process)
	}
	must(w.Till.HandOver(ctx, second))
	must(w.Settled(ctx))
	w.KillDaemon()
	must(w.StartDaemon(ctx))
	wantTwoApproved(t, w, first, second)
}

// wantTwoApproved holds two payments that were told against both ledgers.
func wantTwoApproved(t *testing.T, w *World, ids ...terminal.PaymentID) {
	t.Helper()
	register, err := registerLedger(t.Context(), w.LedgerFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if !register[string(id)].state.Approval() {
			t.Errorf("I2: payment %s was told approved, the ledger says %q", id, register[string(id)].state)
		}
	}
	different, err := Differences(t.Context(), register, w.Backend().Ledger())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range different {
		t.Errorf("I1: %v", d)
	}
}

// TestI8SecondDaemonOnOneDataFolder: the second sekishod ends and says why, the
// first goes on.
func TestI8SecondDaemonOnOneDataFolder(t *testing.T) {
	w := newWorld(t, DemoRules())
	text, err := os.ReadFile(w.path("sekishod.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"run":  "another process uses this data folder", // another run folder, the same data
		"data": "another sekishod uses it",              // another data folder, the same run
	} {
		other := filepath.Join(w.path(), "second-"+setting)
		if setting == "data" {
			copyKeys(t, w.path("register", "keys"), filepath.Join(other, "keys"))
		}
		var lines []string
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, setting+" =") {
				line = setting + " = \"" + other + "\"\n"
			}
			lines = append(lines, line)
		}
		config := w.path("second.toml")
		if err := os.WriteFile(config, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		second, err := startDaemon(t.Context(), binary, config, w.log, "--insecure-dev")
		if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), want) {
			t.Errorf("a second daemon with its own %s folder: %v, want %q", setting, err, want)
		}
		if err == nil {
			second.kill()
		}
	}
	if s, err := w.Till.State(t.Context()); err != nil || s.Storage != "ok" {
		t.Errorf("the first: %+v, %v", s, err)
	}
}

func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range list {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(text)
	}
	if err := writeAll(to, files); err != nil {
		t.Fatal(err)
	}
}
