package unit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/scanner/framing"
)

// shifts is how many shifts a family works. Each is told by its number alone.
const shifts = 10_000

// register is a till with a family's driver. It takes every scan: now and then
// it thinks about one, with the unit held, and then says good.
type register struct {
	driver  framing.Driver
	out     framing.Out
	random  *rand.Rand
	heard   []string // texts of frames, in order
	dropped int
	think   time.Duration // when it says good, 0 if it thinks of nothing
}

func (r *register) Plugged(now time.Duration) []byte {
	r.driver.Start(now, &r.out)
	return r.take(now)
}

func (r *register) Hear(now time.Duration, p []byte) []byte {
	r.driver.Feed(now, p, &r.out)
	return r.take(now)
}

func (r *register) Quiet(now time.Duration) []byte {
	r.driver.Tick(now, &r.out)
	if r.think != 0 && now >= r.think {
		r.think = 0
		r.driver.Answer(now, framing.Good, &r.out)
	}
	return r.take(now)
}

func (r *register) Unplugged(time.Duration) { r.think = 0 }

// take reads what the driver made of the line, and gives what it wants said.
func (r *register) take(now time.Duration) []byte {
	for i := 0; i < len(r.out.Got); i++ {
		switch got := r.out.Got[i]; got.Kind {
		case framing.GotFrame:
			r.heard = append(r.heard, got.Frame.Text)
			r.verdict(now)
		case framing.GotDrop:
			r.dropped++
		}
	}
	send := append([]byte(nil), r.out.Send...)
	r.out.Reset()
	return send
}

// verdict answers a scan, at once or after some thought.
func (r *register) verdict(now time.Duration) {
	if r.random.IntN(3) > 0 {
		r.driver.Answer(now, framing.Good, &r.out)
		return
	}
	r.driver.Answer(now, framing.Wait, &r.out)
	r.think = now + time.Duration(r.random.IntN(1500))*time.Millisecond + 1
}

// outfit is a family's driver, and a unit as a store has set it up for it.
type outfit struct {
	family  framing.Family
	name    string
	longest int // characters of its longest code
	checked bool
	one     int // read in how many the till of a checked family may throw away
	unit    func() unit.Unit
}

// outfits are those of all families. A Zebra is set to packets for good. The
// packets of an older one's long reads have no numbers, so that more of them are
// thrown away.
func outfits(t *testing.T) []outfit {
	t.Helper()
	packets := bytes(t, `07 C6 04 08 FF EE 01 FD 39`)
	zebra := func(settings unit.ZebraSettings) func() unit.Unit {
		return func() unit.Unit {
			z := unit.NewZebra(settings)
			z.Hear(0, packets, new(unit.Out))
			return z
		}
	}
	var all []outfit
	for _, family := range framing.Families() {
		if family == "zebra-ssi" {
			all = append(all,
				outfit{family, "zebra-ssi, older", 450, true, 20, zebra(unit.ZebraSettings{})},
				outfit{family, "zebra-ssi, newer", 450, true, 80, zebra(unit.ZebraSettings{Newer: true})})
			continue
		}
		if _, err := unit.New(string(family)); err != nil {
			t.Fatal(err)
		}
		all = append(all, outfit{family, string(family), 450, false, 0, func() unit.Unit {
			u, _ := unit.New(string(family))
			return u
		}})
	}
	return all
}

// shift works one shift.
func (o outfit) shift(seed uint64, faults ...unit.Fault) unit.Tally {
	random := rand.New(rand.NewPCG(seed, 1))
	till := &register{driver: framing.New(o.family), random: random}
	line := unit.NewLine(o.unit(), till, unit.NewFaults(seed, 6, faults...))
	line.Run(15 * time.Second)
	shown := 2 + random.IntN(4)
	for n := range shown {
		present(line, o.symbol(random, seed, n))
		settle(line)
		line.Run(time.Duration(random.IntN(500)) * time.Millisecond)
	}
	line.Run(6 * time.Second) // for what the driver still has to say
	got := unit.Judge(line.Reads(), till.heard, till.dropped)
	got.Shown = shown
	return got
}

// symbol is one that no other shift has: goods, and now and then a long code.
func (o outfit) symbol(random *rand.Rand, seed uint64, n int) unit.Symbol {
	number := seed*100 + uint64(n)
	if random.IntN(4) == 0 {
		text := fmt.Sprintf("SK1:%020d:", number)
		return unit.Symbol{Identifier: "]Q1", Data: text + strings.Repeat("Z", 1+random.IntN(o.longest-len(text)))}
	}
	return unit.Symbol{Identifier: "]E0", Data: fmt.Sprintf("49%011d", number)}
}

// present holds a symbol before the eye until it is read, for ten seconds at the
// most.
func present(line *unit.Line, s unit.Symbol) {
	for range 20 {
		if line.Show(s) {
			return
		}
		line.Run(500 * time.Millisecond)
	}
}

// settle waits until nothing is on its way, for twenty seconds at the most.
func settle(line *unit.Line) {
	for range 100 {
		line.Run(200 * time.Millisecond)
		if line.Settled() {
			return
		}
	}
}

// work works many shifts and calls each for every one of them.
func (o outfit) work(t *testing.T, n uint64, each func(seed uint64, got unit.Tally), faults ...unit.Fault) unit.Tally {
	t.Helper()
	var all unit.Tally
	for seed := range n {
		got := o.shift(seed, faults...)
		all.Add(got)
		each(seed, got)
	}
	t.Logf("%s: %d shifts, %+v", o.name, n, all)
	return all
}

// harmless faults change no byte, and keep none longer than a driver waits for
// an answer. Where no driver has to answer a code, Delay is one of them.
var harmless = []unit.Fault{unit.Split, unit.Merge, unit.Double}

// Whatever is late or in pieces comes once, for every family.
func TestShiftsOnASoundLine(t *testing.T) {
	for _, o := range outfits(t) {
		t.Run(o.name, func(t *testing.T) {
			faults := harmless
			if !o.checked {
				faults = append(slices.Clone(faults), unit.Delay)
			}
			all := o.work(t, 500, func(seed uint64, got unit.Tally) {
				if got.Missing+got.Doubled+got.Invented+got.Refused > 0 || got.Heard != got.Read {
					t.Errorf("shift %d: %+v", seed, got)
				}
			}, faults...)
			if all.Read < all.Shown {
				t.Errorf("%d of %d symbols were read", all.Read, all.Shown)
			}
		})
	}
}

// With a checked protocol each scan arrives once, or somebody is told to scan
// again: by the unit, which gave the read up with a beep, or by the till, whose
// driver said that it threw something away. None is doubled, none invented, and
// what is thrown away is little. For the other families what cannot be detected
// is counted and printed: the register has to make sure that it never pays.
func TestShiftsWithAllFaults(t *testing.T) {
	for _, o := range outfits(t) {
		t.Run(o.name, func(t *testing.T) {
			all := o.work(t, shifts, func(seed uint64, got unit.Tally) {
				if o.checked && (got.Missing > got.Dropped || got.Doubled+got.Invented > 0) {
					t.Errorf("shift %d: %+v", seed, got)
				}
			}, unit.AllFaults()...)
			if all.Heard < all.Read*3/4 || all.Heard > all.Read {
				t.Errorf("%d reads made %d frames", all.Read, all.Heard)
			}
			if o.checked && all.Missing*o.one > all.Read {
				t.Errorf("%d of %d reads were thrown away by the till", all.Missing, all.Read)
			}
		})
	}
}
