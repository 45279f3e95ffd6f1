package register

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
)

const lineSilence = 6 * time.Second

// walk is a line in a test, with the time that passes for it.
type walk struct {
	line
	now time.Duration
}

// pings lets pongs come, one every two seconds, each taking so long.
func (w *walk) pong(times int, took time.Duration) *walk {
	for range times {
		w.now += lineSilence / 3
		w.beat(w.now, took)
	}
	return w
}

func (w *walk) up() *walk { w.came(w.now, lineSilence); return w }

func (w *walk) cut(why terminal.LineReason) *walk { w.broke(w.now, why); return w }

func (w *walk) waits(d time.Duration) *walk { w.now += d; return w }

func (w *walk) asks(late ...bool) *walk {
	for _, l := range late {
		w.asked(w.now, l)
	}
	return w
}

func (w *walk) was() terminal.LineReason {
	state, why := w.state()
	if state == terminal.LineUp {
		return "up"
	}
	return terminal.LineReason(state) + "," + why
}

const (
	calm  = 100 * time.Millisecond
	so    = 1500 * time.Millisecond // neither calm nor slow
	slowP = 2 * time.Second
)

// When a line is bad, and when it is not yet.
func TestLineTurns(t *testing.T) {
	const down = terminal.LineSilent
	for name, c := range map[string]struct {
		does func(w *walk)
		want terminal.LineReason
	}{
		"at first":                      {func(w *walk) {}, "down,starting"},
		"welcomed":                      {func(w *walk) { w.up() }, "up"},
		"broken":                        {func(w *walk) { w.up().cut(down) }, "down,silent"},
		"broken once, and back":         {func(w *walk) { w.up().cut(down).up() }, "up"},
		"another reason":                {func(w *walk) { w.up().cut(down).cut(terminal.LineUnreachable) }, "down,unreachable"},
		"a slow pong":                   {func(w *walk) { w.up().pong(1, slowP) }, "up"},
		"a slow pong before it broke":   {func(w *walk) { w.up().pong(1, slowP).cut(down).up().pong(1, slowP) }, "up"},
		"two slow pongs":                {func(w *walk) { w.up().pong(2, slowP) }, "bad,slow"},
		"two that are nearly slow":      {func(w *walk) { w.up().pong(20, slowP-1) }, "up"},
		"slow, calm, slow":              {func(w *walk) { w.up().pong(1, slowP).pong(1, calm).pong(1, slowP) }, "up"},
		"three of seven":                {func(w *walk) { w.up().pong(1, slowP).pong(2, calm).pong(1, slowP).pong(2, calm).pong(1, slowP) }, "bad,slow"},
		"three of ten":                  {func(w *walk) { w.up().pong(1, slowP).pong(4, calm).pong(1, slowP).pong(4, calm).pong(1, slowP) }, "up"},
		"two slow pongs, and broken":    {func(w *walk) { w.up().pong(2, slowP).cut(down) }, "down,silent"},
		"bad outlasts a break":          {func(w *walk) { w.up().pong(2, slowP).cut(down).up() }, "bad,slow"},
		"a late answer":                 {func(w *walk) { w.up().asks(true) }, "up"},
		"two late answers":              {func(w *walk) { w.up().asks(true, false, false, false, true) }, "bad,slow"},
		"two of six":                    {func(w *walk) { w.up().asks(true, false, false, false, false, true) }, "up"},
		"two breaks":                    {func(w *walk) { w.up().cut(down).up().cut(down).up() }, "up"},
		"three breaks in two minutes":   {func(w *walk) { w.up().cut(down).up().cut(down).waits(120 * time.Second).up().cut(down).up() }, "bad,unstable"},
		"three breaks in more":          {func(w *walk) { w.up().cut(down).waits(121 * time.Second).up().cut(down).up().cut(down).up() }, "up"},
		"three tries are no breaks":     {func(w *walk) { w.cut(down).cut(down).cut(down).up() }, "up"},
		"sessions that the till ended":  {func(w *walk) { s := terminal.LineStarting; w.up().cut(s).up().cut(s).up().cut(s).up() }, "up"},
		"a pong of a line that is down": {func(w *walk) { w.up().cut(down).pong(5, slowP).up() }, "up"},

		"quiet for less than 30 s":     {func(w *walk) { w.up().pong(2, slowP).pong(14, calm) }, "bad,slow"},
		"quiet for 30 s":               {func(w *walk) { w.up().pong(2, slowP).pong(15, calm) }, "up"},
		"no pong is no quiet":          {func(w *walk) { w.up().pong(2, slowP).waits(time.Hour) }, "bad,slow"},
		"neither calm nor slow":        {func(w *walk) { w.up().pong(2, slowP).pong(100, so) }, "bad,slow"},
		"one that is not calm between": {func(w *walk) { w.up().pong(2, slowP).pong(10, calm).pong(1, so).pong(14, calm) }, "bad,slow"},
		"a late answer between":        {func(w *walk) { w.up().pong(2, slowP).pong(10, calm).asks(true).pong(14, calm) }, "bad,slow"},
		"a break between":              {func(w *walk) { w.up().pong(2, slowP).pong(10, calm).cut(down).waits(time.Minute).up().pong(14, calm) }, "bad,slow"},
		"good, and a slow pong":        {func(w *walk) { w.up().pong(2, slowP).pong(15, calm).pong(1, slowP) }, "up"},
		"the breaks are forgotten":     {func(w *walk) { w.up().cut(down).up().cut(down).up().cut(down).up().pong(15, calm).cut(down).up() }, "up"},
		"a relapse wants a minute":     {func(w *walk) { w.up().pong(2, slowP).pong(15, calm).pong(2, slowP).pong(29, calm) }, "bad,slow"},
		"and then is good":             {func(w *walk) { w.up().pong(2, slowP).pong(15, calm).pong(2, slowP).pong(30, calm) }, "up"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &walk{line: line{end: terminal.LineStarting}}
			c.does(w)
			if got := w.was(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// The quiet that is wanted doubles with each relapse up to five minutes, and
// halves with each ten good minutes down to thirty seconds.
func TestTheQuietThatIsWanted(t *testing.T) {
	w := &walk{}
	w.up()
	for n, want := range []int{5, 10, 20, 40, 50, 50} {
		w.pong(2, slowP)
		if w.quiet != want {
			t.Errorf("after %d relapses %d silences, want %d", n, w.quiet, want)
		}
		w.pong(want*3, calm)
		if w.was() != "up" {
			t.Fatal(w.was())
		}
	}
	w.pong(10*30-2, calm).pong(2, slowP) // ten good minutes but two seconds, and relapsed as they were over
	if w.quiet != 25 {
		t.Errorf("after ten minutes %d", w.quiet)
	}
	w.pong(25*3, calm).pong(2*10*30, calm).pong(2, slowP)
	if w.quiet != 6 {
		t.Errorf("after twenty more %d", w.quiet)
	}
	w.pong(6*3, calm).pong(100*300, calm).pong(2, slowP)
	if w.quiet != 5 {
		t.Errorf("after a day %d", w.quiet)
	}
}

// Whatever happens, a line turns good only after a whole quiet stretch, stays bad
// as long at least, and always has a way out.
func TestI8ALineDoesNotFlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &walk{}
		w.up()
		var trouble, turnedBad time.Duration // by the test's own book
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			wasBad := w.bad != ""
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				if w.stands {
					w.cut(terminal.LineSilent)
					trouble = w.now
				}
			case 1:
				if !w.stands {
					w.up()
					trouble = w.now
				}
			case 2:
				late := rapid.Bool().Draw(t, "late")
				if w.asks(late); late {
					trouble = w.now
				}
			default:
				took := rapid.SampledFrom([]time.Duration{0, calm, calm, calm, lineSilence / 6, lineSilence/6 + 1, so, slowP, time.Minute}).Draw(t, "took")
				if w.pong(rapid.IntRange(1, 20).Draw(t, "pongs"), took); took > lineSilence/6 && w.stands {
					trouble = w.now
				}
			}
			isBad := w.bad != ""
			if !wasBad && isBad {
				turnedBad = w.now - 40*time.Second // it was within the step
			}
			if wasBad && !isBad && (w.turned-trouble < quietSpan*lineSilence || w.turned-turnedBad < quietSpan*lineSilence) {
				t.Fatalf("good at %v after trouble at %v, bad at %v", w.turned, trouble, turnedBad)
			}
			if w.quiet > quietMost || isBad && w.quiet < quietSpan {
				t.Fatalf("it wants %d silences", w.quiet)
			}
			if state, _ := w.state(); (state == terminal.LineDown) == w.stands {
				t.Fatal(state)
			}
		}
		if !w.stands {
			w.up()
		}
		if w.pong(quietMost*3, calm).was() != "up" {
			t.Fatalf("it is %s after five calm minutes", w.was())
		}
	})
}
