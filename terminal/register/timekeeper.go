package register

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// timekeeper gives the time: the backend's last word plus the time since boot.
// The wall clock serves only until the backend was heard for the first time
// after a boot, and then only for ordinary goods.
type timekeeper struct {
	clock    Clock
	told     time.Time     // the backend's last word; zero: none since boot
	toldAt   time.Duration // on the boot clock
	up       bool          // the line is up: it is pinged every few seconds, so the backend is heard
	heard    bool          // the backend was heard since boot
	lastBoot time.Duration // when it was last heard, on the boot clock
}

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

// hear notes that the backend was heard.
func (t *timekeeper) hear(came time.Duration) { t.heard, t.lastBoot = true, max(t.lastBoot, came) }

// line notes that the line came up or went down.
func (t *timekeeper) line(up bool) {
	t.hear(t.clock.Boot())
	t.up = up
}

// age gives how long ago the backend was heard; -1 for never since boot.
func (t *timekeeper) age() time.Duration {
	switch {
	case t.up:
		return 0
	case !t.heard:
		return -1
	}
	return t.clock.Boot() - t.lastBoot
}

// lastContact gives when the backend was last heard; 0 for never since boot.
func (t *timekeeper) lastContact() terminal.Millis {
	if t.age() < 0 {
		return 0
	}
	return terminal.MillisOf(t.now().Add(-t.age()))
}
