package scanner

import "time"

// freshQuiet is how long a port that was just opened must be silent before it
// is believed.
const freshQuiet = 50 * time.Millisecond

// settling decides when a port that was just opened may be believed.
//
// The serial package cannot wait for less than 100 ms, so the 50 ms are
// measured between what is heard: bytes that come after such a silence are the
// first of a scan and are kept, although no read has timed out yet. Nothing
// that a person scans in earnest falls into the gap: a scanner takes longer
// than this to start.
type settling struct {
	since time.Time // when the port was opened, or last said something not believed
	done  bool
	told  bool
}

// trust is what settling says about a port.
type trust uint8

const (
	distrust trust = iota // drop what it said
	settled               // believed from now on; said once
	believed              // believed already
)

// heard is asked when bytes came at now.
func (s *settling) heard(now time.Time) trust {
	if s.done {
		return believed
	}
	if now.Sub(s.since) < freshQuiet {
		s.since = now
		return distrust
	}
	s.done = true
	return settled
}

// quiet is asked when a read timed out, which takes longer than freshQuiet.
func (s *settling) quiet() trust {
	if s.done {
		return believed
	}
	s.done = true
	return settled
}

// tell says, the first time only, that something was dropped.
func (s *settling) tell() bool {
	first := !s.told
	s.told = true
	return first
}
