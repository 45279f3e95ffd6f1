package unit_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// fuzzed are the models by the numbers that the seeds have for them.
var fuzzed = []string{"raw", "honeywell", "newland", "datalogic", "denso", "opticon", "zebra-ssi"}

// FuzzHear lets a unit hear anything, whole and in the pieces that cuts names,
// and read a code between. The bits of programs choose what is programmed into
// it; which is the model, as fuzzed counts them.
//
// I8: it never falls silent for ever, never waits on the same tick, and keeps no
// more of what it hears than a command is long.
func FuzzHear(f *testing.F) {
	f.Fuzz(func(t *testing.T, which, programs uint8, line, cuts []byte) {
		model := fuzzed[int(which)%len(fuzzed)]
		whole, pieces := listener(t, model, programs), listener(t, model, programs)
		for range 20 {
			whole.take(line)
			rest := line
			for _, cut := range cuts {
				n := min(int(cut), len(rest))
				pieces.take(rest[:n])
				rest = rest[n:]
			}
			pieces.take(rest)
			same := slices.Equal(whole.out.Line, pieces.out.Line) && slices.Equal(whole.out.Deeds, pieces.out.Deeds)
			if !same {
				t.Fatalf("%s: whole %q %q, in pieces %q %q", model, whole.out.Line, whole.out.Deeds, pieces.out.Line, pieces.out.Deeds)
			}
			whole.look(t, len(line))
			pieces.look(t, len(line))
		}
		if kept := len(fmt.Sprint(whole.u)); kept > 1<<16 {
			t.Fatalf("%s: it keeps %d characters", model, kept)
		}
	})
}

// ear is a unit that is made to listen.
type ear struct {
	u   unit.Unit
	now time.Duration
	out unit.Out
}

// listener makes a unit, programmed and with power.
func listener(t *testing.T, model string, programs uint8) *ear {
	t.Helper()
	u, err := unit.New(model)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := u.(unit.Programmable); ok {
		for i, name := range p.Programs() {
			if programs>>i&1 == 1 && !p.Program(name) {
				t.Fatalf("%s has no program %q", model, name)
			}
		}
	}
	e := &ear{u: u}
	u.PowerOn(0, &e.out)
	return e
}

func (e *ear) take(p []byte) { e.u.Hear(e.now, p, &e.out) }

// look shows a code, lets a minute pass and bounds what came of it all.
func (e *ear) look(t *testing.T, heard int) {
	t.Helper()
	e.u.See(e.now, unit.Symbol{Identifier: "]E0", Data: jan}, &e.out)
	if said := len(e.out.Line); said > 1<<14+256*heard {
		t.Fatalf("%T: it said %d bytes after %d", e.u, said, heard)
	}
	e.now += time.Minute
	for ticks := 0; ; ticks++ {
		at, waits := e.u.Due()
		if !waits || at > e.now {
			break
		}
		if ticks > 100 {
			t.Fatalf("%T: still due at %v after %d ticks", e.u, at, ticks)
		}
		e.u.Tick(max(at, 0), &e.out)
	}
	e.out.Reset()
}

// I8: whatever a command begins with, one that never ends is not kept.
func TestNoUnitKeepsMoreThanACommand(t *testing.T) {
	for _, m := range unit.Models() {
		for _, start := range []string{"", "\x16M\r", "\x1B", "\x7E\x010000@", "\x02", "\xFF", "\x13"} {
			e := listener(t, m.Name, 0xFF)
			e.take([]byte(start))
			for _, flood := range []string{
				strings.Repeat("A", 40_000),
				strings.Repeat("\x1B7", 100_000),   // each is a place in a chain
				strings.Repeat("\x16M\r?!", 2_000), // with answers that XOFF keeps back
			} {
				e.take([]byte(flood))
				if kept := len(fmt.Sprint(e.u)); kept > 1<<16 {
					t.Errorf("%s keeps %d characters after %q", m.Name, kept, start)
				}
			}
		}
	}
}

func TestSeedsAreThere(t *testing.T) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzHear")
	if err != nil || len(seeds) < len(unit.Models()) {
		t.Fatalf("%d seeds for FuzzHear: %v", len(seeds), err)
	}
	for _, m := range unit.Models() {
		if !slices.Contains(fuzzed, m.Name) {
			t.Errorf("%s is not fuzzed: give it a number, and a seed", m.Name)
		}
	}
}
