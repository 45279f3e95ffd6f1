package register

import (
	"sync/atomic"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// timekeeper gives the time: the backend's last word plus the time since boot.
// The wall clock serves only until the backend was heard for the first time
// after a boot, and then only for ordinary goods.
type timekeeper struct {
	clock   Clock
	told    time.Time       // the backend's last word; zero: none since boot
	toldAt  time.Duration   // on the boot clock
	began   time.Time       // the backend's word in the latest welcome
	beganAt time.Duration   // when that came, on the boot clock
	heard   time.Duration   // when a message of it was last taken, on the boot clock
	frames  *atomic.Int64   // when any frame of it was last read, likewise
	mark    terminal.Millis // the highest authenticated time that is stored
}

func newTimekeeper(c Clock) timekeeper { return timekeeper{clock: c, frames: new(atomic.Int64)} }

// markEvery is how far the stored mark may lag behind: it costs nothing more
// than a number in a transaction that is made anyway, and after a boot ceilings
// shrink over hours.
const markEvery = time.Minute

// Heard notes that a frame of the backend was read just now, a pong too. It may
// be called from any goroutine and wakes nobody.
func (r *Register) Heard() { r.time.frames.Store(int64(r.cfg.Clock.Boot())) }

func (t *timekeeper) now() time.Time {
	if t.told.IsZero() {
		return t.clock.Wall()
	}
	return t.told.Add(t.clock.Boot() - t.toldAt)
}

func (t *timekeeper) quality() string {
	if t.told.IsZero() {
		return wire.ClockWall
	}
	return wire.ClockAuthenticated
}

// tell takes the backend's word for the time, which came when the boot clock
// stood at came: it may have waited for the disk since.
func (t *timekeeper) tell(at terminal.Millis, came time.Duration) {
	t.told, t.toldAt = at.Time(), came
	t.hear(came)
}

// begin takes the time that a welcome tells.
func (t *timekeeper) begin(at terminal.Millis, came time.Duration) {
	t.tell(at, came)
	t.began, t.beganAt = at.Time(), came
}

// latest gives the time beyond which nothing that was told in this session can
// be: no message that comes late moves it.
func (t *timekeeper) latest() terminal.Millis {
	return terminal.MillisOf(t.began.Add(t.clock.Boot() - t.beganAt + apart))
}

// apart is by how much two clocks of the backend, or one that is set, may differ.
const apart = 5 * time.Minute

// hear notes that the backend was heard.
func (t *timekeeper) hear(came time.Duration) { t.heard = max(t.heard, came) }

// lastHeard gives when the backend was last heard, on the boot clock.
func (t *timekeeper) lastHeard() time.Duration {
	return max(t.heard, time.Duration(t.frames.Load()))
}

// age gives how long ago the backend was heard, a suspend included, also while
// the line is up: that it is pinged every few seconds keeps it small. After a
// boot it is what the wall clock says; below zero where it is not known, as when
// that clock is before the mark.
func (t *timekeeper) age() time.Duration {
	if !t.told.IsZero() {
		return max(0, t.clock.Boot()-t.lastHeard())
	}
	if t.mark == 0 {
		return -1
	}
	return t.clock.Wall().Sub(t.mark.Time())
}

// lastContact gives when the backend was last heard; 0 for not known.
func (t *timekeeper) lastContact() terminal.Millis {
	age := t.age()
	if age < 0 {
		return 0
	}
	return terminal.MillisOf(t.now().Add(-age))
}

// remember gives the mark that the next transaction is to store: authenticated
// time raises it, and lowers it where it was too high. Nil where it is well.
func (t *timekeeper) remember() *terminal.Millis {
	now := terminal.MillisOf(t.now())
	if t.told.IsZero() || now >= t.mark && now < t.mark+terminal.Millis(markEvery.Milliseconds()) {
		return nil
	}
	return &now
}

// withMark gives a decision that stores the mark along with its changes.
func withMark(decide func(Usage) (Changes, error), mark *terminal.Millis) func(Usage) (Changes, error) {
	return func(u Usage) (Changes, error) {
		c, err := decide(u)
		if err == nil && mark != nil {
			c.Mark = mark
		}
		return c, err
	}
}

// anchor gives what of the time lasts as long as the boot does.
func (t *timekeeper) anchor() Anchor {
	return Anchor{Told: t.told, ToldAt: t.toldAt, Heard: !t.told.IsZero(), HeardAt: t.lastHeard()}
}

func (t *timekeeper) restore(a Anchor) {
	t.told, t.toldAt, t.heard = a.Told, a.ToldAt, a.HeardAt
}
