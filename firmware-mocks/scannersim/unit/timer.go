package unit

import "time"

// timer is something that a unit waits for. The zero value is not set.
type timer struct {
	at  time.Duration
	set bool
}

// start sets it to go off at a time.
func (t *timer) start(at time.Duration) { *t = timer{at, true} }

// stop makes it wait for nothing.
func (t *timer) stop() { *t = timer{} }

// fired tells whether it has gone off by now; one that has is stopped.
func (t *timer) fired(now time.Duration) bool {
	if !t.set || now < t.at {
		return false
	}
	t.stop()
	return true
}

// earliest is when the first of some timers goes off, false if none is set: what
// Due answers.
func earliest(timers ...timer) (at time.Duration, waits bool) {
	for _, t := range timers {
		if t.set && (!waits || t.at < at) {
			at, waits = t.at, true
		}
	}
	return at, waits
}
