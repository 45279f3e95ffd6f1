package scenario

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// inDoubt waits until register and backend both doubt the register for a reason,
// and wants the technician to read it.
func inDoubt(t *testing.T, ctx context.Context, w *World, why string) {
	t.Helper()
	st, err := w.Till.Await(ctx, func(st State) bool { return st.Quarantine != "" && doubtAt(t, w.backend) != "" })
	if err != nil {
		t.Fatalf("register or backend do not come to know: %v", err)
	}
	if st.Quarantine != why || doubtAt(t, w.backend) != why {
		t.Fatalf("the register says %q, the backend %q, want %q", st.Quarantine, doubtAt(t, w.backend), why)
	}
	if code, out := sekisho(t, w, "doctor"); code != 2 || !strings.Contains(out, "("+why+")") {
		t.Errorf("doctor: exit status %d, and it does not say %s:\n%s", code, why, out)
	}
}

// doubtAt is why the backend doubts the register, "" where it does not.
func doubtAt(t *testing.T, b *backendsim.Backend) string {
	t.Helper()
	rows, err := b.Standings(t.Context())
	if err != nil || len(rows) != 1 {
		t.Fatalf("%d registers, %v", len(rows), err)
	}
	return rows[0].Doubt
}

// onlineOnly sells a register's goods that is in doubt: with the line everything,
// without it nothing.
func (s *Shift) onlineOnly(ctx context.Context, who string) error {
	if err := s.w.Ready(ctx); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "one pack, with the line", lines: times(1, pack), code: s.newcomer(who+"a", longAgo), want: approved},
		step{name: "lunch, with the line", lines: times(1, lunch), code: s.newcomer(who+"bb", longAgo), want: approved},
	); err != nil {
		return err
	}
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	if err := s.play(ctx, step{name: "lunch without the line", lines: times(1, lunch), code: s.newcomer(who+"ccc", longAgo), want: refused(terminal.Quarantined)}); err != nil {
		return err
	}
	return s.w.MendLine(ctx)
}

// released has head office end the quarantine: the register goes on by itself as
// another incarnation, and sells without the line again.
func (s *Shift) released(ctx context.Context, who string) error {
	before, err := s.w.Till.State(ctx)
	if err != nil {
		return err
	}
	if err := s.w.backend.Release(ctx, registerID); err != nil {
		return err
	}
	after, err := s.w.Till.Await(ctx, func(st State) bool { return st.Quarantine == "" && st.Link.Up })
	if err != nil {
		return fmt.Errorf("the release does not lead out: %w", err)
	}
	if after.Incarnation == before.Incarnation {
		return wrong("released as the incarnation that was in doubt")
	}
	return s.soldWithoutTheLine(ctx, who)
}

// soldWithoutTheLine: lunch is sold offline, and the backend takes it. (Of watched
// goods nothing is left to grant: what an incarnation in doubt held is burnt.)
func (s *Shift) soldWithoutTheLine(ctx context.Context, who string) error {
	if err := s.w.CutLine(ctx); err != nil {
		return err
	}
	if err := s.play(ctx, step{name: "lunch without the line", lines: times(1, lunch), code: s.newcomer(who+"dddd", longAgo), want: approvedOffline}); err != nil {
		return err
	}
	if err := s.w.MendLine(ctx); err != nil {
		return err
	}
	return s.w.Settled(ctx)
}

// wantRight ends a test: whatever came out as it must not is told.
func (s *Shift) wantRight(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, err := range append(s.bad, OverCap(ctx, s.w.backend.Ledger())...) {
		t.Error(err)
	}
}

// copyOf makes another machine of a copy of the register's data folder, keys and
// all, with a scanner and a run folder of its own. It does not run yet.
func copyOf(t *testing.T, w *World) *World {
	t.Helper()
	c := &World{setup: w.setup, keys: w.keys, note: w.note, policy: w.policy, backend: w.backend, address: w.address, log: w.log, sales: 1000}
	c.setup.Dir = t.TempDir()
	if out, err := exec.Command("cp", "-a", w.path("register"), c.setup.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Mkdir(c.path("dev"), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.scanner, err = c.openScanner(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.backend = nil // it is the other's
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("the copy did not close in good order: %v", err)
		}
	})
	if err := c.configure(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Two machines run on one register's data folder and keys: both come to know,
// neither sells without the line, and once the copy is switched off head office's
// word leads out (I3, I6, I8).
func TestI3ACopyOfARegisterIsFoundOut(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(s.soldWithoutTheLine(ctx, "ken"))
	c := copyOf(t, w) // as it runs
	copied := newShift(c, s.out)

	must(copied.startAgain(ctx))
	inDoubt(t, ctx, w, backendsim.DoubtCloned)
	inDoubt(t, ctx, c, backendsim.DoubtCloned)
	must(w.StopDaemon(ctx))
	must(c.Ready(ctx))
	must(copied.play(ctx, step{name: "one pack at the copy, with the line", lines: times(1, pack), code: copied.newcomer("mei", longAgo), want: approved}))
	must(c.StopDaemon(ctx))
	must(s.startAgain(ctx))
	must(s.onlineOnly(ctx, "aoi"))
	must(s.released(ctx, "ren"))
	s.wantRight(t, ctx)
}

// A ledger whose counters were raised by hand sells more of a cap offline than
// was granted: the backend takes no more than that, and says why (I3, I6).
func TestI3MoreSoldThanGrantedIsFoundOut(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(s.play(ctx, step{name: "one pack", lines: times(1, pack), code: s.newcomer("ken", longAgo), want: approved}))
	must(w.Settled(ctx))
	w.KillDaemon()
	raiseGrants(t, w.LedgerFile())
	must(w.backend.Set(backendsim.Fault{Kind: backendsim.GoAway}))
	must(s.startAgain(ctx))
	must(s.play(ctx, step{name: "eight packs, of four at most", lines: times(8, pack), code: s.newcomer("mei", longAgo), want: approvedOffline}))
	must(w.MendLine(ctx))
	inDoubt(t, ctx, w, backendsim.DoubtOverspent)
	must(w.Settled(ctx))
	v, err := w.Till.Payment(ctx, s.Results[len(s.Results)-1].Verdict.Payment)
	must(err)
	if v.State != terminal.Rejected {
		t.Errorf("the advice over what was granted is %s", v.State)
	}
	if _, out := sekisho(t, w, "payments", "--rejected"); !strings.Contains(out, string(v.Payment)) || !strings.Contains(out, "store") {
		t.Errorf("the payment is not named with who bears it:\n%s", out)
	}
	must(s.onlineOnly(ctx, "aoi"))
	must(s.released(ctx, "ren"))
	for _, err := range s.bad { // the cap was passed, as it can be by changed software
		t.Error(err)
	}
}

// raiseGrants gives the register of a ledger that nobody has open what nobody
// granted.
func raiseGrants(t *testing.T, file string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	done, err := db.ExecContext(t.Context(), "UPDATE counter SET granted_yen = granted_yen + 60000, granted_units = granted_units + 30")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := done.RowsAffected(); n == 0 {
		t.Fatal("the ledger holds no counters")
	}
}

// A ledger that was put back grows another past, without the line and longer than
// the one that the backend knows: no comparing of sizes finds that out, the
// checkpoints do (I6).
func TestI6AnotherPastIsFoundOut(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	kept := lastWeek(t, ctx, s)
	points, err := w.backend.Ledger().Checkpoints(ctx, registerID)
	must(err)
	note := filepath.Join(t.TempDir(), "checkpoint.note")
	must(os.WriteFile(note, []byte(points[len(points)-1].Note), 0o600))

	copyLedger(t, kept, w.LedgerFile())
	must(w.ForgetBoot())
	must(w.backend.Set(backendsim.Fault{Kind: backendsim.GoAway}))
	must(s.startAgain(ctx))
	for n := 0; journalSize(t, w) <= points[len(points)-1].Size; n++ {
		must(s.play(ctx, step{name: "a pack that is refused", lines: times(1, pack), code: s.newcomer(strings.Repeat("x", n+1), longAgo), want: refused(terminal.ClockDoubt)}))
	}
	must(w.MendLine(ctx))
	inDoubt(t, ctx, w, backendsim.DoubtForked)
	if code, out := sekisho(t, w, "verify", "--checkpoint", note); code != 1 {
		t.Errorf("verify with head office's checkpoint: exit status %d:\n%s", code, out)
	}
	must(s.onlineOnly(ctx, "mei"))
	must(s.released(ctx, "ren"))
	s.wantRight(t, ctx)
}

// journalSize is how many entries the register's journal has.
func journalSize(t *testing.T, w *World) (n int64) {
	t.Helper()
	if err := eachRow(t.Context(), w.LedgerFile(), "SELECT max(seq) + 1 FROM journal", func(rows *sql.Rows) error { return rows.Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}
