package scenario

import (
	"os"
	"path/filepath"
	"testing"

	"sekisho/terminal"
)

// copyLedger copies the files of a ledger that nobody has open.
func copyLedger(t *testing.T, from, to string) {
	t.Helper()
	old, err := filepath.Glob(to + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range old {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(from + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no ledger at %s: %v", from, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+file[len(from):], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// An older ledger is put back while the machine runs: the register sells online
// only, and is whole again once head office has released it (I3, I6, I8).
func TestI8AnOlderLedgerPutBackIsReleasedByHeadOffice(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	lunchFor := func(name string, want Want) step {
		return step{name: "lunch for " + name, lines: times(1, lunch), code: s.newcomer(name, longAgo), want: want}
	}
	must(w.Ready(ctx))
	must(s.play(ctx, lunchFor("ken", approved)))
	must(w.StopDaemon(ctx))
	kept := filepath.Join(t.TempDir(), "ledger.db")
	copyLedger(t, w.LedgerFile(), kept)
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	must(s.play(ctx, lunchFor("mei", approved)))
	must(w.StopDaemon(ctx))

	copyLedger(t, kept, w.LedgerFile())
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	state, err := w.Till.State(ctx)
	must(err)
	if state.Quarantine == "" {
		t.Fatal("an older ledger was put back, and the register does not say so")
	}
	one := step{name: "one pack", lines: times(1, pack), code: s.newcomer("yuto", longAgo), want: approved}
	must(s.all(ctx, lunchFor("ren", approved), one))
	must(w.CutLine(ctx))
	must(s.play(ctx, lunchFor("eri", refused(terminal.Quarantined))))
	must(w.MendLine(ctx))

	doubted := func() string {
		rows, err := w.backend.Ledger().Registers(ctx)
		must(err)
		return rows[0].Doubt
	}
	if doubted() == "" {
		t.Error("the backend does not doubt the register")
	}
	must(w.backend.Release(ctx, registerID))
	fresh, err := w.Till.Await(ctx, func(st State) bool { return st.Quarantine == "" && st.Link.Up })
	must(err)
	if fresh.Incarnation == state.Incarnation || doubted() != "" {
		t.Errorf("after the release the incarnation is %s, was %s; the doubt is %q", fresh.Incarnation, state.Incarnation, doubted())
	}
	must(w.CutLine(ctx))
	must(s.play(ctx, lunchFor("mio", approvedOffline)))
	must(w.MendLine(ctx))
	must(w.Settled(ctx))
	for _, err := range append(s.bad, OverCap(ctx, w.backend.Ledger())...) {
		t.Error(err)
	}
	points, err := w.backend.Ledger().Checkpoints(ctx, registerID)
	must(err)
	if len(points) == 0 {
		t.Error("no checkpoint was ever kept")
	}
}
