package scanner_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// witness is a unit that remembers what it read. The till side asks it while the
// simulator runs it.
type witness struct {
	unit.Unit
	noticed func() // something happened

	mu    sync.Mutex
	reads []unit.Read
	fates int // reads that were given up or cut short
}

func (w *witness) PowerOn(now time.Duration, out *unit.Out) {
	w.with(out, func() {
		if n := len(w.reads); n > 0 {
			w.reads[n-1].Cut = true
			w.fates++
		}
		w.Unit.PowerOn(now, out)
	})
}

func (w *witness) Hear(now time.Duration, p []byte, out *unit.Out) {
	w.with(out, func() { w.Unit.Hear(now, p, out) })
}

func (w *witness) See(now time.Duration, s unit.Symbol, out *unit.Out) (read bool) {
	w.with(out, func() {
		if read = w.Unit.See(now, s, out); read {
			w.reads = append(w.reads, unit.Read{Symbol: s})
		}
	})
	return read
}

func (w *witness) Tick(now time.Duration, out *unit.Out) {
	w.with(out, func() { w.Unit.Tick(now, out) })
}

func (w *witness) Due() (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Unit.Due()
}

// with has the unit do something, and sees whether it gave up its read.
func (w *witness) with(out *unit.Out, do func()) {
	w.mu.Lock()
	before := len(out.Deeds)
	do()
	if n := len(w.reads); n > 0 && slices.Contains(out.Deeds[before:], unit.Lost) {
		w.reads[n-1].Lost = true
		w.fates++
	}
	w.mu.Unlock()
	w.noticed()
}

// desk is one till on a pty with its unit, and what both noticed.
type desk struct {
	*witness
	sim    *scannersim.Scanner
	random *rand.Rand
	change chan struct{} // holds one: something happened

	mu        sync.Mutex
	connected bool
	heard     []string
	dropped   int
	thinking  []func(framing.Answer) // scans that were told to wait
}

// on takes an event of the till's port. One scan in three is thought about.
func (d *desk) on(e scanner.Event) {
	d.mu.Lock()
	switch e.Kind {
	case scanner.Connected, scanner.Disconnected:
		d.connected = e.Kind == scanner.Connected
	case scanner.Dropped:
		if e.Reason != scanner.ReasonFresh { // of which no cashier is told
			d.dropped++
		}
		e.Reply(framing.Bad)
	case scanner.Scanned:
		d.heard = append(d.heard, e.Frame.Text)
		if len(d.heard)%3 == 0 {
			e.Reply(framing.Wait)
			d.thinking = append(d.thinking, e.Reply)
		} else {
			e.Reply(framing.Good)
		}
	}
	d.mu.Unlock()
	d.tell()
}

func (d *desk) tell() {
	select {
	case d.change <- struct{}{}:
	default:
	}
}

// until waits until something is so, and no longer than patience; false if it is
// not. Whatever happens meanwhile ends the till's thoughts.
func (d *desk) until(so func() bool, patience time.Duration) bool {
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		d.mu.Lock()
		thinking := d.thinking
		d.thinking = nil
		is := so()
		d.mu.Unlock()
		for _, reply := range thinking {
			reply(framing.Good)
		}
		if is {
			return true
		}
		select {
		case <-d.change:
		case <-end.C:
			return false
		}
	}
}

// outcomes counts what can have become of scans. The caller holds d.mu.
func (d *desk) outcomes() int {
	d.witness.mu.Lock()
	defer d.witness.mu.Unlock()
	return len(d.heard) + d.dropped + d.fates
}

// How long things may take on a pty. A unit's own patience ends after some seconds,
// a frame may be late by three, and a driver repeats what was lost within five.
const (
	ownPatience = 12 * time.Second
	lookAgain   = 300 * time.Millisecond
)

// present holds a picture before the unit until it is read or the time is over,
// and waits for what becomes of it.
func (d *desk) present(ctx context.Context, picture image.Image) error {
	for end := time.Now().Add(ownPatience); time.Now().Before(end); {
		before := 0
		d.until(func() bool { before = d.outcomes(); return d.connected }, ownPatience)
		switch err := d.sim.Show(ctx, picture); {
		case errors.Is(err, scannersim.ErrBlind):
			d.until(func() bool { return false }, lookAgain)
		case err == nil, errors.Is(err, scannersim.ErrUnplugged):
			d.until(func() bool { return d.outcomes() > before || err != nil }, ownPatience)
			return nil
		default:
			return err
		}
	}
	return nil
}

// verdict judges what happened, once the unit waits for nothing and, with a checked
// protocol, whatever is missing was told.
func (d *desk) verdict(checked bool) (t unit.Tally) {
	judge := func() bool {
		d.witness.mu.Lock()
		defer d.witness.mu.Unlock()
		_, waits := d.Unit.Due()
		t = unit.Judge(d.reads, d.heard, d.dropped)
		return !waits && (!checked || t.Missing <= t.Dropped)
	}
	d.until(judge, ownPatience)
	return t
}

// ptyShift works one shift on a pty: its number tells all but the machine's pace.
func ptyShift(t *testing.T, o outfit, seed uint64) unit.Tally {
	d := &desk{random: rand.New(rand.NewPCG(seed, 4)), change: make(chan struct{}, 1)}
	d.witness = &witness{Unit: o.unit(), noticed: d.tell}
	link := filepath.Join(t.TempDir(), "scanner")
	var err error
	d.sim, err = scannersim.Open(link, scannersim.Options{
		Unit: d.witness, Faults: unit.NewFaults(seed, 6, unit.AllFaults()...), Unpaced: true,
	})
	if err != nil {
		t.Error(err)
		return unit.Tally{}
	}
	defer d.sim.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- scanner.New(scanner.Config{Path: link, Family: o.family}, nil).Run(ctx, d.on) }()
	shown := 2 + d.random.IntN(3)
	for n := range shown {
		picture, err := d.picture(seed, n, o.long)
		if err == nil {
			err = d.present(ctx, picture)
		}
		if err != nil {
			t.Errorf("shift %d: %v", seed, err)
		}
	}
	got := d.verdict(o.checked)
	got.Shown = shown
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("shift %d: Run: %v", seed, err)
	}
	return got
}

// picture is a code that no other shift has: an article, or text that may be long.
func (d *desk) picture(seed uint64, n int, long bool) (image.Image, error) {
	number := seed*100 + uint64(n)
	text := fmt.Sprintf("SK1:%020d", number)
	switch of := d.random.IntN(8); {
	case of < 2:
		return walletsim.EAN(withCheckDigit(fmt.Sprintf("49%010d", number)))
	case of == 2 && long:
		return walletsim.QR(text + strings.Repeat("Z", 300))
	}
	return walletsim.QR(text)
}

// fromEnv reads a number that whoever runs a campaign may set.
func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		t.Fatalf("%s must be a whole number above zero, not %q", name, text)
	}
	return n
}

// outfit is a family, and a unit as a store has set it up for it.
type outfit struct {
	family  framing.Family
	name    string
	checked bool
	long    bool // it is shown codes that fill more than a packet
	unit    func() unit.Unit
}

// outfits are those of all families. A Zebra is set to packets for good, so that
// its reads are checked from the first one on; an older one, whose packets have no
// number, is shown what fits into one of them.
func outfits(t *testing.T) []outfit {
	t.Helper()
	var all []outfit
	for _, family := range framing.Families() {
		made := func(programs ...string) func() unit.Unit {
			return func() unit.Unit {
				u, err := unit.New(string(family))
				for _, name := range programs {
					err = errors.Join(err, unit.Program(u, name))
				}
				if err != nil {
					t.Error(err)
				}
				return u
			}
		}
		packets := func(u unit.Unit) unit.Unit {
			u.Hear(0, []byte("\x07\xC6\x04\x08\xFF\xEE\x01\xFD\x39"), new(unit.Out))
			return u
		}
		if family != framing.FamilyZebraSSI {
			all = append(all, outfit{family, string(family), false, true, made()})
			continue
		}
		all = append(all,
			outfit{family, "zebra-ssi, older", true, false, func() unit.Unit { return packets(made()()) }},
			outfit{family, "zebra-ssi, newer", true, true, func() unit.Unit { return packets(made("newer")()) }})
	}
	return all
}

// Shifts with every fault on real ptys, fifty at once, the outfits in turns. With a
// checked protocol each scan arrives once or somebody is told to scan again; none
// is doubled, none invented. For the other families what cannot be detected is
// counted and printed; TestDamagedCodesOfARawLineDoNotPay shows that it does not
// pay. Ten thousand shifts for each family are worked in virtual time by package
// unit's tests, and judged by the same judge.
//
// SHIFTS sets how many (50), SEED the first one's number.
func TestShiftsOnPtys(t *testing.T) {
	shifts := fromEnv(t, "SHIFTS", 50)
	first := fromEnv(t, "SEED", uint64(time.Now().UnixNano()&0xffffff))
	t.Logf("SEED=%d SHIFTS=%d", first, shifts)
	outfits := outfits(t)
	got := make([]unit.Tally, shifts)
	var all sync.WaitGroup
	tills := make(chan bool, 50) // at once
	for n := range shifts {
		tills <- true
		all.Go(func() {
			got[n] = ptyShift(t, outfits[n%uint64(len(outfits))], first+n)
			<-tills
		})
	}
	all.Wait()
	sums := make([]unit.Tally, len(outfits))
	for n, tally := range got {
		o := outfits[n%len(outfits)]
		sums[n%len(outfits)].Add(tally)
		if o.checked && (tally.Missing > tally.Dropped || tally.Doubled+tally.Invented > 0) {
			t.Errorf("%s, shift %d: %+v", o.name, first+uint64(n), tally)
		}
	}
	for i, o := range outfits {
		t.Logf("%s: %+v", o.name, sums[i])
		if shifts >= 50 && sums[i].Heard < sums[i].Read/2 {
			t.Errorf("%s: %d reads made %d frames", o.name, sums[i].Read, sums[i].Heard)
		}
	}
}
