package scenario

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"sekisho/firmware-mocks/disk"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/terminal"
)

// beepingWorld is a store whose unit makes no sound but the till's, a Honeywell
// in host acknowledgement, and whose register writes to a disk that can fail.
func beepingWorld(t *testing.T) (*World, *disk.Disk) {
	t.Helper()
	d := failingDisk(t)
	rules := DemoRules()
	rules.Answer, rules.GiveUp = 5*time.Second, 10*time.Second
	w, _ := worldWith(t, Setup{Rules: rules, Model: "honeywell", Programs: []string{"host-ack"}})
	must(t, w.Ready(t.Context()))
	return w, d
}

// verdictBeep waits for the first beep after so many deeds.
func (w *World) verdictBeep(ctx context.Context, from int) (beep unit.Deed, err error) {
	err = w.Scanner().Await(ctx, func(deeds []unit.Deed) bool {
		for _, d := range deeds[from:] {
			if d == unit.BeepGood || d == unit.BeepBad {
				beep = d
				return true
			}
		}
		return false
	})
	return beep, err
}

// A good beep is a promise: whoever kills the till the moment it sounds finds the
// approval on the screen when the till is back, and in both ledgers, with the line
// up or down and a disk that fails now and then. An error beep promises nothing,
// and is followed by a kill as well.
//
// BEEPS sets how many rounds (12), SEED the order of things.
func TestI2KilledAtTheGoodBeep(t *testing.T) {
	rounds := intFrom(t, "BEEPS", 12)
	seed := intFrom(t, "SEED", int(time.Now().UnixNano()&0xffffffff))
	t.Logf("SEED=%d BEEPS=%d", seed, rounds)
	w, d := beepingWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*30*time.Second)
	defer cancel()
	c := &cashier{w: w, chance: rand.New(rand.NewPCG(uint64(seed), 2))}
	good, failed := 0, int64(0)
	for range rounds {
		must(t, c.tidy(ctx))
		beep, ref := c.beeped(t, ctx, d)
		w.KillDaemon()
		n, err := d.Mend()
		must(t, err)
		failed += n
		w.Backend().Clear("")
		must(t, w.StartDaemon(ctx))
		if beep == unit.BeepGood {
			good++
			c.promised(t, ctx, ref)
		}
		must(t, w.Ready(ctx))
	}
	c.finish(t, ctx)
	c.checkLedgers(t, ctx)
	t.Logf("%d kills, %d of them at a good beep; %d writes and syncs failed", rounds, good, failed)
	if good == 0 || rounds >= 30 && (good < rounds/4 || failed == 0) {
		t.Error("too little happened for the kills to mean anything")
	}
}

// beeped sells lunch, in one round of three without the line, in one of two with a
// disk that fails on the way, and gives the beep that comes of it.
func (c *cashier) beeped(t *testing.T, ctx context.Context, d *disk.Disk) (unit.Deed, terminal.SaleRef) {
	t.Helper()
	code, err := c.code(ctx)
	must(t, err)
	if c.chance.IntN(3) == 0 {
		must(t, c.w.CutLine(ctx))
	}
	ref, before := c.w.NextRef(), len(c.w.Scanner().Deeds())
	must(t, c.w.Till.Put(ctx, ref, times(1, lunch)))
	if c.chance.IntN(2) == 0 {
		ways := []disk.How{disk.Once, disk.FullOnce, disk.Half, disk.FromHere, disk.NextSync}
		must(t, d.Fail(1+c.chance.Int64N(20), ways[c.chance.IntN(len(ways))]))
	}
	must(t, c.w.ShowText(ctx, code))
	beep, err := c.w.verdictBeep(ctx, before)
	must(t, err)
	return beep, ref
}

// promised demands that a sale whose approval was heard is on the screen as paid.
func (c *cashier) promised(t *testing.T, ctx context.Context, ref terminal.SaleRef) {
	t.Helper()
	s, err := c.w.Till.State(ctx)
	must(t, err)
	if s.Verdict == nil || s.Verdict.Sale != ref || s.Verdict.Outcome != terminal.OutcomeApproved {
		t.Fatalf("I2: %s was heard as paid, and is not on the screen after the kill: %+v", ref, s.Verdict)
	}
	c.approved = append(c.approved, s.Verdict.Payment)
}

// As long as a sync of a payment takes there is nothing to hear; whichever sync it
// is, the good beep comes when all are through.
func TestI2ASlowDiskDelaysTheGoodBeep(t *testing.T) {
	w, d := beepingWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	syncs := int64(0)
	for sellSlowly(t, ctx, w, d, syncs+1) {
		syncs++
	}
	if syncs < 2 {
		t.Errorf("a payment has %d syncs: there must be one before it is sent and one for the approval", syncs)
	}
}

// sellSlowly sells lunch while one of the payment's syncs takes until the till says
// that its disk is slow, and tells whether there was such a sync.
func sellSlowly(t *testing.T, ctx context.Context, w *World, d *disk.Disk, sync int64) (hung bool) {
	t.Helper()
	c, err := w.NewCustomer(ctx, fmt.Sprintf("slow%d", sync), longAgo, wellOff)
	must(t, err)
	code, err := c.Phone.Pass()
	must(t, err)
	must(t, w.Settled(ctx))
	ref, before := w.NextRef(), len(w.Scanner().Deeds())
	must(t, w.Till.Put(ctx, ref, times(1, lunch)))
	must(t, d.Fail(sync, disk.Hang))
	must(t, w.ShowText(ctx, code))
	paid := func(s State) bool {
		return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome == terminal.OutcomeApproved
	}
	s, err := w.Till.Await(ctx, func(s State) bool { return s.Storage == "slow" || paid(s) })
	must(t, err)
	hung = !paid(s)
	if heard := w.Scanner().Deeds()[before:]; hung && slices.Contains(heard, unit.BeepGood) {
		t.Errorf("I2: sync %d is not through, and the unit did %q", sync, heard)
	}
	_, err = d.Mend()
	must(t, err)
	s, err = w.Till.Await(ctx, paid)
	must(t, err)
	if beep, err := w.verdictBeep(ctx, before); err != nil || beep != unit.BeepGood {
		t.Errorf("sync %d: the payment is approved, and the unit did %q (%v)", sync, beep, err)
	}
	must(t, w.Till.HandOver(ctx, s.Verdict.Payment))
	return hung
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
