package register_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	faulty "sekisho/firmware-mocks/disk"
	"sekisho/offline"
	"sekisho/terminal"
)

// TestI1I2I3I8FaultAtEveryWriteAndSync carries out each kind of transaction on a
// disk that fails its first write or sync, then another time its second, and so
// on until none is left to fail: with an error, with no room, with half of a
// write, or for good until the disk is mended. After each:
//
//   - I8: the till goes on without a restart, and a retry works;
//   - I1, I3, I4: then all stands as if there had been no fault: payments,
//     counters, outbox, sale and screen;
//   - I2: no approval that was told is lost, also across a restart;
//   - I6: the journal's tree is whole.
//
// It runs itself again under the disk (LD_PRELOAD). FAULTS=all tries every way
// of failing at every position, else they take turns.
func TestI1I2I3I8FaultAtEveryWriteAndSync(t *testing.T) {
	d, err := faulty.Inside()
	if err != nil {
		t.Fatal(err)
	}
	if d == nil {
		underDisk(t)
		return
	}
	defer d.Close()
	faults := 0
	for i, k := range slices.Concat(kinds, rareKinds) {
		t.Run(k.name, func(t *testing.T) { faults += k.fails(t, d, i) })
	}
	t.Logf("%d kinds of transactions, %d faults", len(kinds)+len(rareKinds), faults)
}

// underDisk runs this test in a process of its own whose files are on a disk
// that can fail.
func underDisk(t *testing.T) {
	t.Helper()
	out, err := faulty.Again(t.Context(), t.TempDir(), t.Name())
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(lines[max(0, len(lines)-100):], "\n"))
	}
	for _, line := range lines {
		if strings.Contains(line, "kinds of transactions") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// fails runs the kind with a fault at every position, and gives how many there
// were. Without one first: that is how all must stand in the end.
func (k kind) fails(t *testing.T, d *faulty.Disk, turn int) int {
	ways := []faulty.How{faulty.Once, faulty.FullOnce, faulty.Half, faulty.FromHere}
	want, _ := k.once(t, d, 0, faulty.Once, "")
	faults := 0
	for n := int64(1); ; n++ {
		hit := 0
		for i, how := range ways {
			if os.Getenv("FAULTS") != "all" && i != (int(n)+turn)%len(ways) {
				continue
			}
			if _, failed := k.once(t, d, n, how, want); failed > 0 {
				hit++
			}
		}
		if hit == 0 {
			break
		}
		faults += hit
	}
	if want == "" || faults < 5 {
		t.Errorf("only %d faults: the disk is not the one that is written to", faults)
	}
	return faults
}

// once plays the kind in a world of its own with the n-th write or sync failing,
// 0 for none, and gives how all stands in the end.
func (k kind) once(t *testing.T, d *faulty.Disk, n int64, how faulty.How, want string) (stands string, failed int64) {
	t.Helper()
	bare(t, func(t *testing.T, w *world) {
		defer func() {
			if t.Failed() {
				t.Logf("position %d, way %d", n, how)
			}
		}()
		w.start()
		w.up(w.policy(1))
		do, done := k.before(w)
		if done() {
			t.Fatal("it is done before it was begun")
		}
		w.must(d.Fail(n, how))
		do()
		w.after(2500 * time.Millisecond) // with FromHere the ledger is opened in vain, again and again
		var err error
		failed, err = d.Mend()
		w.must(err)
		w.after(1500 * time.Millisecond) // the ledger is tried every second
		if v := w.reg.View(); w.stop != nil && v.Storage != "ok" {
			t.Errorf("I8: the disk works again, and storage is %q until somebody sells", v.Storage)
		}
		for tries := 0; !done(); tries++ {
			if tries == 3 {
				t.Fatalf("I8: not done by a retry on a disk that works: %+v", w.reg.View())
			}
			do()
			w.after(100 * time.Millisecond)
		}
		stands = w.stands()
		told := w.shown.told()
		w.down()
		w.restart()
		w.keptItsWord(told)
		if again := w.lasting(); !strings.HasSuffix(stands, again) {
			t.Errorf("after a restart\n%s, before\n%s", again, stands)
		}
		w.must(w.disk.Store.(*offline.Store).Verify(t.Context()))
		if want != "" && stands != want {
			t.Errorf("after the fault\n%s, without one\n%s", stands, want)
		}
	})
	return stands, failed
}

// stands tells how all stands, without ids and times: what two runs of the same
// must agree on.
func (w *world) stands() string {
	w.t.Helper()
	synctest.Wait()
	v := w.reg.View()
	if v.Storage != "ok" {
		w.t.Errorf("storage is %q", v.Storage)
	}
	return fmt.Sprintf("policy %d, %d parked\n%s", v.Policy.Version, v.Parked, w.lasting())
}

// lasting is the part of it that a restart keeps.
func (w *world) lasting() string {
	w.t.Helper()
	v := w.reg.View()
	var text strings.Builder
	kept := w.kept()
	fmt.Fprintf(&text, "unresolved %d, outbox %d, frozen %v, quarantine %q, stored %q, roles %d, freeze %d\n",
		v.Unresolved, v.Outbox, v.Frozen, v.Quarantine, kept.Quarantine, kept.Roles.Version, kept.Freeze.Version)
	if v.Sale != nil {
		fmt.Fprintf(&text, "sale %s %d %s\n", v.Sale.Ref, v.Sale.Revision, v.Sale.State)
	}
	ids := map[terminal.PaymentID]bool{}
	for _, e := range w.leaves() {
		if e.Payment != "" {
			ids[e.Payment] = true
		}
	}
	var rows []string
	for id := range ids {
		p := w.payment(id)
		state, why := p.State, p.Reason
		if p.State.Undecided() { // which of the two is a question of time alone
			state, why = "undecided", ""
		}
		rows = append(rows, fmt.Sprintf("payment %s %s %s handed %q voided %t refunds %d counts %v spends %v account %q",
			p.Sale, state, why, p.HandedOver, p.Voided(), p.Refunded(), p.Counts, p.Spends, p.Account))
	}
	list, err := w.disk.Counters(w.t.Context(), w.inc, v.BusinessDay)
	w.must(err)
	for _, c := range list {
		rows = append(rows, fmt.Sprintf("cap %s granted %v used %v released %v returned %v", c.Key.Cap, c.Granted, c.Used, c.Released, c.Returned))
		if c.Held().Negative() {
			w.t.Errorf("I3: %s holds less than nothing: %+v", c.Key.Cap, c)
		}
	}
	slices.Sort(rows)
	text.WriteString(strings.Join(rows, "\n"))
	return text.String()
}

// told gives every state that POS and page were told of.
func (s *shown) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.order), func(line string) bool { return !strings.HasPrefix(line, "told ") })
}

// keptItsWord holds what was told against the ledger (I2).
func (w *world) keptItsWord(told []string) {
	w.t.Helper()
	reached := map[string]bool{}
	for _, e := range w.leaves() {
		reached[fmt.Sprintf("told %s %s", e.Payment, e.State)] = true
	}
	for _, line := range told {
		if !reached[line] {
			w.t.Errorf("I2: %s, and the ledger does not know", line)
		}
	}
}

// soon bounds a question to a till whose disk may be away.
func (w *world) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.t.Context(), 2*time.Second)
}
