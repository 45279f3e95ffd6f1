package offline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"sekisho/firmware-mocks/disk"
)

// TestI2PowerCut sells on a recorded disk, several sellers at a time, kills the
// process and cuts the power at a random moment of what was recorded: only what
// was synced by then is sure to be there, and of the rest any sectors. In one
// round of four a write or a sync fails as well. Then:
//
//   - I2: every payment that was acknowledged before the cut is there, in the
//     state that was acknowledged or a later one;
//   - no payment is half there: entry, outbox item, code seen and counter agree;
//   - I3: no counter is below zero, none counts what no payment took;
//   - I6: the journal's tree is whole, no policy went back; of the entries nothing
//     is gone that the backend did not have, and an entry tells of what is.
//
// Each round goes on from where the one before was cut, opened meanwhile or not.
// ROUNDS sets how many (5; make power-cut has its own), SEED the order of things.
func TestI2PowerCut(t *testing.T) { newCuts(t).play(t) }

// TestI2PowerCutAfterAFailedSync has a sync fail in every round, and lose what it
// was to write, though whoever reads it back still finds it: what is recovered
// from such a log must not reach the ledger before the log is durable.
func TestI2PowerCutAfterAFailedSync(t *testing.T) {
	c := newCuts(t)
	c.syncsFail = true
	c.play(t)
}

func (c *cuts) play(t *testing.T) {
	rounds := numberFrom(t, "ROUNDS", 5)
	for round := range rounds {
		if c.round(t, false); t.Failed() {
			t.Fatalf("round %d of SEED=%d", round, c.seed)
		}
	}
	t.Logf("%d power cuts with SEED=%d: %d acknowledgements held, %d prunings among them, none lost: with 95 %% confidence fewer than 3 in %d cuts (%.2g %%) lose one",
		rounds, c.seed, c.held, c.pruned, rounds, 300/float64(rounds))
}

// TestPowerCutIsSeen is the control: with synchronous=NORMAL, which does not wait
// for the disk at each commit, cuts must lose payments. A harness that sees none
// lost sees nothing.
func TestPowerCutIsSeen(t *testing.T) {
	const most = 30 // each loses something nine times in ten
	c := newCuts(t)
	for round := range most {
		if lost := c.round(t, true); lost > 0 {
			t.Logf("control: synchronous=NORMAL lost %d acknowledged changes in cut %d (SEED=%d)", lost, round+1, c.seed)
			return
		}
	}
	t.Errorf("%d cuts without waiting for the disk lost nothing: the harness is blind (SEED=%d)", most, c.seed)
}

func numberFrom(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a whole number above zero, not %q", name, text)
	}
	return n
}

// cuts is a ledger that goes from one power cut to the next.
type cuts struct {
	seed   int
	chance *rand.Rand
	disk   *disk.Disk
	work   string // where the child sells, on the recorded disk
	before string // what lies there when a round begins
	rounds int
	told   []string // what was acknowledged and survived
	held   int      // acknowledgements that were looked for and found
	pruned int      // prunings among what was told

	syncsFail bool // in every round
}

func newCuts(t *testing.T) *cuts {
	t.Helper()
	seed := numberFrom(t, "SEED", int(time.Now().UnixNano()&0xffffffff))
	scratch, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(scratch, "work")
	d, err := disk.Make(t.Context(), scratch, work, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return &cuts{seed: seed, chance: rand.New(rand.NewPCG(uint64(seed), 2)), disk: d, work: work, before: filepath.Join(scratch, "none")}
}

// round sells, cuts and checks. With normal it only counts what was lost.
func (c *cuts) round(t *testing.T, normal bool) (lost int) {
	t.Helper()
	c.rounds++
	scratch := filepath.Join(filepath.Dir(c.work), fmt.Sprint("cut", c.rounds))
	if normal || c.chance.IntN(8) == 0 {
		c.before, c.told = filepath.Join(scratch, "none"), nil
	}
	must(t, os.RemoveAll(c.work), copyFolder(c.before, c.work), c.disk.Forget())
	_, err := c.disk.Mend()
	must(t, err)
	c.sellAndDie(t, normal)
	record, err := c.disk.Recorded()
	must(t, err)
	from := 0
	if normal { // nothing is lost before something was told
		from = record.First()
	}
	moment := from + c.chance.IntN(record.Len()-from+1)
	image, opened := filepath.Join(scratch, "image"), filepath.Join(scratch, "opened")
	must(t, record.Cut(moment, c.before, image, c.chance), copyFolder(image, opened))
	fresh := record.Told(moment)
	for _, line := range fresh {
		if firstWord(line) == "pruned" {
			c.pruned++
		}
	}
	told := append(c.told, fresh...)
	lost, held := lookThrough(t, opened, told, normal)
	c.told, c.held = told, c.held+held
	must(t, os.RemoveAll(filepath.Join(filepath.Dir(c.work), fmt.Sprint("cut", c.rounds-1))))
	c.before = opened
	if c.chance.IntN(2) == 0 {
		c.before = image // the next one recovers on the recorded disk, and is cut perhaps on the way
	}
	return lost
}

// job is what the child is to do.
type job struct {
	Dir    string
	Run    int // makes the ids of its payments
	Normal bool
	Fail   int64 // this operation fails; 0 for none
	How    disk.How
}

// cutChild names the environment variable that makes this binary the child: its
// value is a job.
const cutChild = "SEKISHO_OFFLINE_CUT"

// sellAndDie runs the child until it has acknowledged something and a random
// time has passed, and kills it.
func (c *cuts) sellAndDie(t *testing.T, normal bool) {
	t.Helper()
	j := job{Dir: c.work, Run: c.rounds, Normal: normal}
	if !normal && (c.syncsFail || c.chance.IntN(4) == 0) {
		j.Fail, j.How = 1+c.chance.Int64N(400), disk.Once+disk.How(c.chance.IntN(5))
	}
	if c.syncsFail {
		j.How = disk.NextSync
	}
	text, err := json.Marshal(j)
	must(t, err)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(append(os.Environ(), c.disk.Environ()...), cutChild+"="+string(text))
	var complaint bytes.Buffer
	child.Stderr = &complaint
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	if lines := bufio.NewScanner(out); lines.Scan() {
		// The moment itself is what is random here; nothing is waited for.
		timer := time.AfterFunc(time.Duration(c.chance.IntN(60_000))*time.Microsecond, func() { child.Process.Kill() })
		defer timer.Stop()
		for lines.Scan() {
		}
	}
	err = child.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the child was not killed while selling (SEED=%d): %v %s", c.seed, err, complaint.String())
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// copyFolder copies the files of a folder into a new one; one that is not there
// is empty.
func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	list, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		return err
	}
	for _, path := range list {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
