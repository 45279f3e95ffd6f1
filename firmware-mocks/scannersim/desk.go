package scannersim

import (
	"context"
	"slices"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// desk is where one unit lies while its cable is in. Run is its only goroutine,
// and the only one that touches the unit, the faults and what is on the line.
type desk struct {
	cable    *cable
	unit     unit.Unit
	faults   *unit.Faults
	clock    func() time.Duration
	byteTime time.Duration             // 0 on a line that is not paced
	deeds    func(noticed []unit.Deed) // takes what people notice
	pull     func()                    // is told that a fault pulled the cable; does not wait
	shows    chan show                 // symbols held before the eye
	done     chan struct{}             // closed when Run is over

	out     unit.Out
	line    []transit     // on its way, in the order of time
	free    time.Duration // when the last byte of it is through
	unsent  []byte        // due, but the till does not read
	glances []glance
	now     *show // whose bytes are on their way
	fell    bool  // a fault pulled the cable: nothing more goes out
}

// show is a symbol held before the eye, until its last byte is on the line.
type show struct {
	ctx    context.Context
	symbol unit.Symbol
	result chan error // holds one
}

// transit is bytes that go out at a time.
type transit struct {
	at   time.Duration
	data []byte
	pull bool
}

// glance is another look of the eye.
type glance struct {
	at     time.Duration
	symbol unit.Symbol
}

// run gives the unit power and lives with it until the cable is pulled.
func (d *desk) run() {
	defer close(d.done)
	d.unit.PowerOn(d.clock(), &d.out)
	d.say()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		err := d.flow()
		if err == nil {
			err = d.wait(alarm)
		}
		if err != nil {
			d.finish(err)
			return
		}
	}
}

// flow does all that is due: bytes, the unit's own timers, another look.
func (d *desk) flow() error {
	now := d.clock()
	if at, waits := d.unit.Due(); waits && at <= now {
		d.unit.Tick(now, &d.out)
		d.say()
	}
	d.glances = slices.DeleteFunc(d.glances, func(g glance) bool {
		due := g.at <= now
		if due {
			d.unit.See(now, g.symbol, &d.out)
			d.say()
		}
		return due
	})
	return d.send(now)
}

// send writes the bytes that are due, as many as the line takes.
func (d *desk) send(now time.Duration) error {
	for len(d.line) > 0 && d.line[0].at <= now {
		if d.line[0].pull {
			d.fall()
			break
		}
		d.unsent = append(d.unsent, d.line[0].data...)
		d.line = d.line[1:]
	}
	if len(d.unsent) > 0 {
		n, err := d.cable.write(d.unsent)
		d.unsent = d.unsent[n:]
		if err != nil {
			return err
		}
	}
	if len(d.unsent)+len(d.line) == 0 && !d.fell {
		d.finish(nil)
	}
	return nil
}

// wait waits for the next thing to happen.
func (d *desk) wait(alarm *time.Timer) error {
	alarm.Reset(d.pause())
	shows, ended := d.shows, (<-chan struct{})(nil)
	if d.now != nil {
		shows, ended = nil, d.now.ctx.Done()
	}
	select {
	case <-d.cable.pulled:
		return ErrUnplugged
	case p := <-d.cable.heard:
		if p = d.faults.Message(p); len(p) > 0 {
			d.unit.Hear(d.clock(), p, &d.out)
			d.say()
		}
	case s := <-shows:
		d.see(s)
	case <-ended:
		d.line, d.unsent, d.free = nil, nil, d.clock()
		d.finish(d.now.ctx.Err())
	case <-alarm.C:
	}
	return nil
}

// idle is how long nothing happens where nothing is waited for.
const idle = time.Minute

// pause is how long it is until something is due.
func (d *desk) pause() time.Duration {
	if len(d.unsent) > 0 {
		return 0
	}
	now := d.clock()
	until := now + idle
	if at, waits := d.unit.Due(); waits {
		until = min(until, at)
	}
	if len(d.line) > 0 {
		until = min(until, d.line[0].at)
	}
	for _, g := range d.glances {
		until = min(until, g.at)
	}
	return max(0, until-now)
}

// see shows the unit a symbol.
func (d *desk) see(s show) {
	now := d.clock()
	if after, again := d.faults.Look(); again {
		d.glances = append(d.glances, glance{now + after, s.symbol})
	}
	if !d.unit.See(now, s.symbol, &d.out) {
		s.result <- ErrBlind
		return
	}
	d.now = &s
	d.say()
}

// finish tells whoever shows a symbol how it went.
func (d *desk) finish(err error) {
	if d.now != nil {
		d.now.result <- err
		d.now = nil
	}
}

// say puts what the unit said on the line, with its faults, and tells what was
// noticed.
func (d *desk) say() {
	if len(d.out.Deeds) > 0 {
		d.deeds(d.out.Deeds)
	}
	if len(d.out.Line) > 0 && !d.fell {
		d.free = max(d.free, d.clock())
		for _, p := range d.faults.Frame(d.out.Line) {
			d.carry(p)
		}
	}
	d.out.Reset()
}

// carry puts a piece behind all that is on its way.
func (d *desk) carry(p unit.Piece) {
	d.free += p.Pause
	data := append([]byte(nil), p.Data...)
	if p.Burst || d.byteTime == 0 {
		d.line = append(d.line, transit{at: d.free, data: data})
		d.free += time.Duration(len(data)) * d.byteTime
	} else {
		for i := range data {
			d.line = append(d.line, transit{at: d.free, data: data[i : i+1]})
			d.free += d.byteTime
		}
	}
	if p.Pull {
		d.line = append(d.line, transit{at: d.free, pull: true})
	}
}

// fall is the cable pulled by a fault. Whoever shows a symbol hears of it when
// it is out.
func (d *desk) fall() {
	d.fell, d.line, d.glances = true, nil, nil
	d.pull()
}
