package scenario

import (
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// lastWeek plays a week at the till: what its ledger was at first lies in kept
// then, and the backend has checkpoints from the end. The till is stopped.
func lastWeek(t *testing.T, ctx context.Context, s *Shift) (kept string) {
	t.Helper()
	w := s.w
	lunchFor := func(name string) step {
		return step{name: "lunch for " + name, lines: times(1, lunch), code: s.newcomer(name, longAgo), want: approved}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.Ready(ctx))
	must(s.play(ctx, lunchFor("ken")))
	must(w.StopDaemon(ctx))
	kept = filepath.Join(t.TempDir(), "ledger.db")
	copyLedger(t, w.LedgerFile(), kept)
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	must(s.all(ctx, lunchFor("mei"), lunchFor("aoi")))
	must(w.StopDaemon(ctx)) // its last checkpoint is acknowledged
	return kept
}

// A ledger from last week is put back, and the machine is rebooted, so that
// nothing on it knows better: the backend's checkpoint does (I3, I6). The register
// sells online only, until head office releases it (I8).
func TestI6LastWeeksLedgerAfterARebootIsFoundOut(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	kept := lastWeek(t, ctx, s)
	points, err := w.backend.Ledger().Checkpoints(ctx, registerID)
	must(err)
	if len(points) == 0 {
		t.Fatal("the backend keeps no checkpoint")
	}

	copyLedger(t, kept, w.LedgerFile())
	must(w.ForgetBoot())
	must(s.startAgain(ctx))
	doubted, err := w.Till.Await(ctx, func(st State) bool { return st.Quarantine != "" })
	must(err)
	must(w.Ready(ctx))
	must(s.all(ctx,
		step{name: "one pack", lines: times(1, pack), code: s.newcomer("yuto", longAgo), want: approved},
		step{name: "lunch for ren", lines: times(1, lunch), code: s.newcomer("ren", longAgo), want: approved},
	))
	must(w.CutLine(ctx))
	must(s.play(ctx, step{name: "lunch for eri", lines: times(1, lunch), code: s.newcomer("eri", longAgo), want: refused(terminal.Quarantined)}))
	must(w.MendLine(ctx))
	must(w.Ready(ctx))

	must(w.backend.Release(ctx, registerID))
	fresh, err := w.Till.Await(ctx, func(st State) bool { return st.Quarantine == "" && st.Link.Up })
	must(err)
	if fresh.Incarnation == doubted.Incarnation {
		t.Error("released as the incarnation that was in doubt")
	}
	must(w.CutLine(ctx))
	must(s.play(ctx, step{name: "lunch for mio", lines: times(1, lunch), code: s.newcomer("mio", longAgo), want: approvedOffline}))
	must(w.MendLine(ctx))
	must(w.Settled(ctx))
	for _, err := range append(s.bad, OverCap(ctx, w.backend.Ledger())...) {
		t.Error(err)
	}
}

// The same without the line: nobody can know, so that the small floor of a boot
// is all there is, and nothing of high resale is sold (I3, I5).
func TestI3LastWeeksLedgerWithoutTheLineSellsTheBootFloor(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	kept := lastWeek(t, ctx, s)
	copyLedger(t, kept, w.LedgerFile())
	must(w.ForgetBoot())
	must(w.backend.Set(backendsim.Fault{Kind: backendsim.GoAway}))
	must(s.startAgain(ctx))
	must(s.all(ctx,
		step{name: "one pack", lines: times(1, pack), code: s.newcomer("yuto", longAgo), want: refused(terminal.ClockDoubt)},
		step{name: "one cartridge", lines: times(1, cartridge), code: s.newcomer("emi", longAgo), want: refused(terminal.ClockDoubt)},
		step{name: "lunch", lines: times(1, lunch), code: s.newcomer("ayumi", longAgo), want: approvedOffline},
		step{name: "a second one", lines: times(1, lunch), code: s.newcomer("daisuke", longAgo), want: approvedOffline},
		step{name: "a third one, beyond the floor of 1,500 yen", lines: times(1, lunch), code: s.newcomer("fumiko", longAgo), want: refused(terminal.OfflineLimit)},
	))
	must(w.MendLine(ctx))
	_, err := w.Till.Await(ctx, func(st State) bool { return st.Quarantine != "" }) // with the line it is found out
	must(err)
	must(w.Settled(ctx))
	for _, err := range append(s.bad, OverCap(ctx, w.backend.Ledger())...) {
		t.Error(err)
	}
}

// Ledgers of other releases under the real daemon: an older one's is brought
// here, a newer one's stays as it is, byte for byte, and a person is called
// (exit status 2); so are keys that cannot be read.
func TestI8OtherReleasesLedgersAndUnreadableKeys(t *testing.T) {
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
	must(w.StopDaemon(ctx))
	own := filepath.Join(t.TempDir(), "ledger.db")
	copyLedger(t, w.LedgerFile(), own)

	db, err := sql.Open("sqlite3", "file:"+w.LedgerFile())
	must(err)
	_, err = db.ExecContext(ctx, "UPDATE meta SET value = 1000 WHERE key IN ('schema', 'min_reader')")
	must(err)
	must(db.Close())
	before := ledgerBytes(t, w.LedgerFile())
	wantPerson(t, w, "later release")
	if ledgerBytes(t, w.LedgerFile()) != before {
		t.Error("a later release's ledger was touched")
	}

	copyLedger(t, own, w.LedgerFile())
	key := w.path("register", "keys", "store.key")
	must(os.Rename(key, key+".away"))
	must(os.Mkdir(key, 0o700)) // also root cannot read it
	wantPerson(t, w, "keys/store.key")
	must(os.Remove(key))
	must(os.Rename(key+".away", key))

	unpack(t, filepath.Join("..", "..", "offline", "testdata", "release-001", "ledger.db.gz"), w.LedgerFile())
	must(w.ForgetBoot())
	must(w.StartDaemon(ctx))
	s, err := w.Till.Await(ctx, func(s State) bool { return s.Link.Up })
	must(err)
	if s.Storage != "ok" || s.Sale == nil || s.Unresolved == 0 || s.Outbox == 0 {
		t.Errorf("over an older release's ledger: %+v", s)
	}
	w.KillDaemon() // what that ledger has to tell was made up: the backend takes none of it
	rows, err := registerLedger(ctx, w.LedgerFile())
	must(err)
	if len(rows) != 33 {
		t.Errorf("%d payments of an older release, want 33", len(rows))
	}
}

// wantPerson starts sekishod and wants it to end at once with status 2 and a
// sentence.
func wantPerson(t *testing.T, w *World, sentence string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "--insecure-dev", "--config", w.path("sekishod.toml")).CombinedOutput()
	ended, _ := err.(*exec.ExitError)
	if ended == nil || ended.ExitCode() != 2 || !strings.Contains(string(out), sentence) {
		t.Errorf("%v, want exit status 2 and %q:\n%s", err, sentence, out)
	}
}

// ledgerBytes gives what lies in a ledger and its log; the shared memory beside
// them is any reader's.
func ledgerBytes(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b) + string(log)
}

// unpack puts a packed ledger in the place of another.
func unpack(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(made, b, 0o600); err != nil {
		t.Fatal(err)
	}
	copyLedger(t, made, to)
}
