package scanner

import (
	"time"

	"sekisho/scanner/framing"
)

// holdTime is how long a unit may be held without an answer. The longest wait for
// a verdict is 45 s; what is still open then goes on in the background.
const holdTime = 60 * time.Second

// holds is which scans wait for their verdict, by number, and since when.
type holds map[uint64]time.Duration

// note takes an answer to a scan. A scan that waits already waits no longer for
// being told so again.
func (h holds) note(scan uint64, a framing.Answer, now time.Duration) {
	if a != framing.Wait {
		delete(h, scan)
	} else if _, waits := h[scan]; !waits {
		h[scan] = now
	}
}

// expire forgets the scans that have waited too long, and says whether the unit is
// to be let go because of it.
func (h holds) expire(now time.Duration) bool {
	before := len(h)
	for scan, since := range h {
		if now-since >= holdTime {
			delete(h, scan)
		}
	}
	return before > 0 && len(h) == 0
}

// replier makes the Reply of the next scan.
func (s *Scanner) replier() func(framing.Answer) {
	s.scans++
	scan := s.scans
	return func(a framing.Answer) { s.reply(scan, a) }
}

// reply tells the unit an answer, and after it, as every other answer lets the
// unit scan, that some other scan still waits.
func (s *Scanner) reply(scan uint64, a framing.Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.port == nil {
		return
	}
	now := s.clock()
	s.holds.note(scan, a, now)
	s.line.Answer(now, a, &s.out)
	if a != framing.Wait && len(s.holds) > 0 {
		s.line.Answer(now, framing.Wait, &s.out)
	}
	s.send()
}

// unheard is the reply to what no unit said.
func unheard(framing.Answer) {}
