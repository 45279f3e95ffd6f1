package unit

import (
	"slices"
	"time"
)

// Till is whatever stands at the other end of a Line. What its methods give is
// written to the unit.
type Till interface {
	Plugged(now time.Duration) []byte        // the port is open and was quiet
	Hear(now time.Duration, p []byte) []byte // bytes came
	Quiet(now time.Duration) []byte          // for 100 ms none came
	Unplugged(now time.Duration)             // the port is gone
}

// Read is a symbol that the unit read.
type Read struct {
	Symbol Symbol
	Lost   bool // the unit gave it up and said so
	Cut    bool // the cable was pulled afterwards, before another read
	Beeped bool // the unit beeped good by itself, before the till said anything
}

// Line is a cable in virtual time, for tests of thousands of shifts: a unit at
// its one end, a till at the other, a byte every ByteTime each way, and faults
// between them. Nothing happens but in Run, and the same calls give the same
// shift. It is not safe for concurrent use.
type Line struct {
	unit   Unit
	till   Till
	faults *Faults
	now    time.Duration
	out    Out

	toTill, toUnit     []transit
	unitFree, tillFree time.Duration // when the last byte each says is through
	looks              []look
	quiet              timer // when the till is told that nothing came
	fresh              timer // when a port that was just opened is taken for quiet
	plug               timer // when the cable is put back
	pulled             bool

	deeds []Deed
	reads []Read
}

// transit is bytes on their way, due at a time.
type transit struct {
	at   time.Duration
	data []byte
	pull bool
}

// look is another look of the eye.
type look struct {
	at     time.Duration
	symbol Symbol
}

// How long a port must be quiet before a till takes it for usable, and how often
// it is told that nothing came.
const (
	freshQuiet = 50 * time.Millisecond
	quietEvery = 100 * time.Millisecond
)

// NewLine joins a unit and a till. It begins unplugged; Run plugs it in.
func NewLine(u Unit, t Till, f *Faults) *Line {
	l := &Line{unit: u, till: t, faults: f, pulled: true}
	l.plug.start(0)
	return l
}

// Now is the time on the line.
func (l *Line) Now() time.Duration { return l.now }

// Deeds lists what people heard and saw, in order.
func (l *Line) Deeds() []Deed { return l.deeds }

// Reads lists what the unit read, in order.
func (l *Line) Reads() []Read { return l.reads }

// Settled tells whether nothing is on its way, nothing is waited for and the
// cable is in.
func (l *Line) Settled() bool {
	_, waits := l.unit.Due()
	return !waits && len(l.toTill) == 0 && len(l.toUnit) == 0 && len(l.looks) == 0 &&
		!l.pulled && !l.fresh.set
}

// Show holds a symbol before the eye, and says whether the unit read it.
func (l *Line) Show(s Symbol) bool {
	if after, again := l.faults.Look(); again {
		l.looks = append(l.looks, look{l.now + after, s})
	}
	return l.see(s)
}

// Write sends a message of the till, such as its verdict.
func (l *Line) Write(message []byte) {
	if l.pulled || len(message) == 0 {
		return
	}
	l.tillFree = max(l.now, l.tillFree) + time.Duration(len(message))*ByteTime
	if heard := l.faults.Message(message); len(heard) > 0 {
		l.toUnit = append(l.toUnit, transit{at: l.tillFree, data: slices.Clone(heard)})
	}
}

// Run lets time pass.
func (l *Line) Run(d time.Duration) {
	for end := l.now + d; ; {
		at, waits := l.next()
		if !waits || at > end {
			l.now = end
			return
		}
		l.now = max(l.now, at)
		l.step()
	}
}

// next is when something happens next.
func (l *Line) next() (time.Duration, bool) {
	var unit timer
	if at, waits := l.unit.Due(); waits && !l.pulled {
		unit.start(at)
	}
	at, waits := earliest(l.quiet, l.fresh, l.plug, unit, first(l.toTill), first(l.toUnit))
	for _, again := range l.looks {
		at, waits = earliest(timer{at, waits}, timer{again.at, true})
	}
	return at, waits
}

// first is when the first of some bytes come.
func first(queue []transit) timer {
	if len(queue) == 0 {
		return timer{}
	}
	return timer{queue[0].at, true}
}

// step does one thing that is due.
func (l *Line) step() {
	switch {
	case l.plug.fired(l.now):
		l.powered()
	case l.fresh.fired(l.now):
		l.quiet.start(l.now + quietEvery)
		l.Write(l.till.Plugged(l.now))
	case len(l.toTill) > 0 && l.toTill[0].at <= l.now:
		came := l.toTill[0]
		l.toTill = l.toTill[1:]
		l.arrive(came)
	case len(l.toUnit) > 0 && l.toUnit[0].at <= l.now:
		came := l.toUnit[0]
		l.toUnit = l.toUnit[1:]
		l.unit.Hear(l.now, came.data, &l.out)
		l.say()
	case l.quiet.fired(l.now):
		l.quiet.start(l.now + quietEvery)
		l.Write(l.till.Quiet(l.now))
	default:
		l.unit.Tick(l.now, &l.out)
		l.say()
		l.lookAgain()
	}
}

// lookAgain takes the other looks that are due, in any order.
func (l *Line) lookAgain() {
	l.looks = slices.DeleteFunc(l.looks, func(again look) bool {
		due := again.at <= l.now
		if due {
			l.see(again.symbol)
		}
		return due
	})
}

// see lets the unit look.
func (l *Line) see(s Symbol) bool {
	if l.pulled || !l.unit.See(l.now, s, &l.out) {
		return false
	}
	l.reads = append(l.reads, Read{Symbol: s, Beeped: slices.Contains(l.out.Deeds, BeepGood)})
	l.say()
	return true
}

// arrive gives the till what came, unless it does not listen yet.
func (l *Line) arrive(came transit) {
	if len(came.data) > 0 && l.fresh.set {
		l.fresh.start(l.now + freshQuiet)
	} else if len(came.data) > 0 {
		l.quiet.start(l.now + quietEvery)
		l.Write(l.till.Hear(l.now, came.data))
	}
	if came.pull {
		l.pull()
	}
}

// say puts what the unit said on the line, with its faults.
func (l *Line) say() {
	for _, deed := range l.out.Deeds {
		if deed == Lost && len(l.reads) > 0 {
			l.reads[len(l.reads)-1].Lost = true
		}
	}
	l.deeds = append(l.deeds, l.out.Deeds...)
	if len(l.out.Line) > 0 {
		l.unitFree = max(l.now, l.unitFree)
		for _, piece := range l.faults.Frame(l.out.Line) {
			l.carry(piece)
		}
	}
	l.out.Reset()
}

// carry sends a piece to the till behind all that is on its way.
func (l *Line) carry(p Piece) {
	l.unitFree += p.Pause
	data := slices.Clone(p.Data)
	if p.Burst {
		l.unitFree += time.Duration(len(data)) * ByteTime
		l.toTill = append(l.toTill, transit{at: l.unitFree, data: data})
		return
	}
	for i := range data {
		l.unitFree += ByteTime
		l.toTill = append(l.toTill, transit{at: l.unitFree, data: data[i : i+1]})
	}
	if p.Pull {
		l.toTill = append(l.toTill, transit{at: l.unitFree, pull: true})
	}
}

// powered puts the cable in.
func (l *Line) powered() {
	l.pulled = false
	l.unit.PowerOn(l.now, &l.out)
	l.fresh.start(l.now + freshQuiet)
	l.say()
}

// pull pulls it, and puts it back after a while.
func (l *Line) pull() {
	l.pulled = true
	l.toTill, l.toUnit = nil, nil
	l.unitFree, l.tillFree = l.now, l.now
	l.quiet.stop()
	l.fresh.stop()
	l.plug.start(l.now + Away)
	if len(l.reads) > 0 {
		l.reads[len(l.reads)-1].Cut = true
	}
	l.till.Unplugged(l.now)
}
