package unit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/scanner/framing"
)

// cashier is a till that answers every scan: good, bad or neither, at once or
// after a wait, and now and then good again after bad. While it waits it may
// crash, and comes back with all forgotten.
type cashier struct {
	family  framing.Family
	driver  framing.Driver
	out     framing.Out
	random  *rand.Rand
	answers []framing.Answer // said, in order
	good    time.Duration    // when it last said good
	later   []due
	thinks  bool // for ever
}

// due is an answer, or a crash, at a time.
type due struct {
	at     time.Duration
	answer framing.Answer // 0 is a crash
}

func (c *cashier) Plugged(now time.Duration) []byte {
	c.driver.Start(now, &c.out)
	return c.take(now)
}

func (c *cashier) Hear(now time.Duration, p []byte) []byte {
	c.driver.Feed(now, p, &c.out)
	return c.take(now)
}

func (c *cashier) Quiet(now time.Duration) []byte {
	for len(c.later) > 0 && now >= c.later[0].at {
		next := c.later[0]
		c.later = c.later[1:]
		if next.answer == 0 {
			c.driver, c.later = framing.New(c.family), nil
			c.driver.Start(now, &c.out)
			continue
		}
		c.say(now, next.answer)
	}
	c.driver.Tick(now, &c.out)
	return c.take(now)
}

func (c *cashier) Unplugged(time.Duration) { c.later = nil }

// take answers the scans that the driver made of the line, and gives what is to
// be said.
func (c *cashier) take(now time.Duration) []byte {
	for i := 0; i < len(c.out.Got); i++ {
		if c.out.Got[i].Kind == framing.GotFrame {
			c.decide(now)
		}
	}
	send := slices.Clone(c.out.Send)
	c.out.Reset()
	return send
}

// decide answers a scan, at once or later.
func (c *cashier) decide(now time.Duration) {
	if c.thinks {
		c.say(now, framing.Wait)
		return
	}
	verdict := framing.Good + framing.Answer(c.random.IntN(3))
	if c.random.IntN(2) == 0 {
		c.say(now, verdict)
		return
	}
	c.say(now, framing.Wait)
	end := now + 300*time.Millisecond + time.Duration(c.random.IntN(1500))*time.Millisecond
	switch c.random.IntN(4) {
	case 0:
		c.later = []due{{end, framing.Bad}, {end + 4*time.Second, framing.Good}}
	case 1:
		c.later = []due{{at: end}}
	default:
		c.later = []due{{end, verdict}}
	}
}

func (c *cashier) say(now time.Duration, a framing.Answer) {
	if c.answers = append(c.answers, a); a == framing.Good {
		c.good = now
	}
	c.driver.Answer(now, a, &c.out)
}

// last is the last verdict; that a double read was passed over is none.
func (c *cashier) last() framing.Answer {
	for _, a := range slices.Backward(c.answers) {
		if a != framing.Done {
			return a
		}
	}
	return 0
}

// said counts an answer.
func (c *cashier) said(a framing.Answer) (n int) {
	for _, x := range c.answers {
		if x == a {
			n++
		}
	}
	return n
}

// manner is how a unit goes about verdicts.
type manner struct {
	outfit
	silent bool // once set up it makes no sound at decode
	held   bool // it reads nothing while the till thinks
	told   bool // the till can make it beep
}

// manners are those of all outfits, and of units that are programmed for it.
func manners(t *testing.T) []manner {
	var all []manner
	for _, o := range outfits(t) {
		zebra, newland := o.family == "zebra-ssi", o.family == "newland"
		told := o.family != "raw" && o.family != "honeywell"
		all = append(all, manner{o, zebra || newland, zebra || newland || o.family == "datalogic", told})
	}
	for _, p := range []struct {
		family       framing.Family
		programs     []string
		silent, held bool
	}{
		{"honeywell", []string{"host-ack"}, true, true},
		{"datalogic", []string{"not-on-file-disables"}, false, true},
		{"denso", []string{"stx", "bcc"}, false, false},
	} {
		o := outfit{family: p.family, name: fmt.Sprintf("%s, %s", p.family, p.programs), longest: 450}
		o.unit = func() unit.Unit {
			u, _ := unit.New(string(p.family))
			for _, name := range p.programs {
				u.(unit.Programmable).Program(name)
			}
			return u
		}
		all = append(all, manner{o, p.silent, p.held, true})
	}
	return all
}

// echoes is what people heard and saw of some shifts.
type echoes struct {
	Reads, Good, Bad int // reads of units; answers of tills
	Early            int // reads at which the unit beeped good by itself
	Beeps, Razzes    int // good and bad beeps beside those
	Unmeant          int // good beeps while the till's last word was not good, nor had been soon before
	Blind            int // shifts after which the unit read nothing for two minutes
}

func (e *echoes) add(o echoes) {
	e.Reads += o.Reads
	e.Good += o.Good
	e.Bad += o.Bad
	e.Early += o.Early
	e.Beeps += o.Beeps
	e.Razzes += o.Razzes
	e.Unmeant += o.Unmeant
	e.Blind += o.Blind
}

// soon is how late a beep may be: in it two scans of a till may be answered.
const soon = 500 * time.Millisecond

// overheard is a unit whose good beeps are held against the till's last word.
type overheard struct {
	unit.Unit
	till    *cashier
	unmeant int
}

func (o *overheard) Hear(now time.Duration, p []byte, out *unit.Out) {
	o.Unit.Hear(now, p, out)
	if slices.Contains(out.Deeds, unit.BeepGood) && o.till.last() != framing.Good && now-o.till.good > soon {
		o.unmeant++
	}
}

// shift works one shift with verdicts.
func (m manner) shift(seed uint64, faults ...unit.Fault) echoes {
	random := rand.New(rand.NewPCG(seed, 1))
	till := &cashier{family: m.family, driver: framing.New(m.family), random: random}
	heard := &overheard{Unit: m.unit(), till: till}
	line := unit.NewLine(heard, till, unit.NewFaults(seed, 6, faults...))
	line.Run(5 * time.Second)
	for n := range 2 + random.IntN(4) {
		present(line, m.symbol(random, seed, n))
		settle(line)
		line.Run(time.Duration(random.IntN(6)) * time.Second)
	}
	line.Run(10 * time.Second)
	e := hearken(line, till)
	e.Unmeant = heard.unmeant
	if !reads(line, m.symbol(random, seed, 99)) {
		e.Blind = 1
	}
	return e
}

// reads tells whether a unit reads a symbol within two minutes.
func reads(line *unit.Line, s unit.Symbol) bool {
	for range 240 {
		if line.Show(s) {
			return true
		}
		line.Run(500 * time.Millisecond)
	}
	return false
}

// hearken counts what came of a shift.
func hearken(line *unit.Line, till *cashier) echoes {
	e := echoes{Reads: len(line.Reads()), Good: till.said(framing.Good), Bad: till.said(framing.Bad)}
	for _, r := range line.Reads() {
		if r.Beeped {
			e.Early++
		}
	}
	for _, d := range line.Deeds() {
		switch d {
		case unit.BeepGood:
			e.Beeps++
		case unit.BeepBad:
			e.Razzes++
		}
	}
	e.Beeps -= e.Early
	return e
}

// I2, I8: on a sound line a unit beeps good when the till says good and else never,
// where it can be silent at decode; and after the till has thought, crashed or
// answered it reads again.
func TestI2UnitsBeepGoodWhenTheTillSaysSo(t *testing.T) {
	for _, m := range manners(t) {
		t.Run(m.name, func(t *testing.T) {
			all := m.work(t, 300, func(seed uint64, e echoes) {
				if m.silent && e.Early > 0 || m.told && e.Beeps != e.Good || !m.told && e.Beeps > 0 || e.Unmeant+e.Blind > 0 {
					t.Errorf("shift %d: %+v", seed, e)
				}
			}, harmless...)
			if all.Good == 0 || all.Bad == 0 {
				t.Errorf("%+v", all)
			}
		})
	}
}

// I8: whatever is lost or damaged, no unit stays blind. I2: no damage makes a
// checked one beep good for a scan that is not approved; of the others, to which
// one broken bit may say another command, it is counted and printed.
// SHIFTS=20000 works so many for each.
func TestI8UnitsReadAgainWhateverIsLost(t *testing.T) {
	n := uint64(1_000)
	if text := os.Getenv("SHIFTS"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 32); err != nil {
			t.Fatalf("SHIFTS: %v", err)
		}
	}
	for _, m := range manners(t) {
		t.Run(m.name, func(t *testing.T) {
			m.work(t, n, func(seed uint64, e echoes) {
				if e.Blind > 0 || m.checked && e.Unmeant > 0 {
					t.Errorf("shift %d: %+v", seed, e)
				}
			}, unit.AllFaults()...)
		})
	}
}

// work works many shifts and calls each for every one of them.
func (m manner) work(t *testing.T, n uint64, each func(seed uint64, e echoes), faults ...unit.Fault) (all echoes) {
	t.Helper()
	for seed := range n {
		e := m.shift(seed, faults...)
		all.add(e)
		each(seed, e)
	}
	t.Logf("%d shifts, %+v", n, all)
	return all
}

// I8: while the till thinks a unit that can be held reads nothing, and a till that
// stops lets it go.
func TestI8AUnitIsHeldAndLetGo(t *testing.T) {
	for _, m := range manners(t) {
		t.Run(m.name, func(t *testing.T) {
			till := &cashier{family: m.family, driver: framing.New(m.family), thinks: true}
			line := unit.NewLine(m.unit(), till, nil)
			symbol := func(n uint64) unit.Symbol { return unit.Symbol{Identifier: "]E0", Data: fmt.Sprintf("49%011d", n)} }
			line.Run(10 * time.Second)
			if !line.Show(symbol(1)) {
				t.Fatal("it reads nothing")
			}
			line.Run(2 * time.Second)
			if read := line.Show(symbol(2)); read == m.held {
				t.Errorf("read while the till thinks: %v", read)
			}
			line.Run(time.Second)
			till.driver.Stop(&till.out)
			line.Write(till.take(line.Now()))
			line.Run(time.Second)
			if !line.Show(symbol(3)) {
				t.Error("it reads nothing after the till has stopped")
			}
		})
	}
}
