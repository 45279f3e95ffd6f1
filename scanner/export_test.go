package scanner

import (
	"time"

	"sekisho/scanner/framing"
)

// SetDriver has the scanner speak by d.
func (s *Scanner) SetDriver(d framing.Driver) { s.line = d }

// SetClock has the scanner go by now.
func (s *Scanner) SetClock(now func() time.Duration) { s.clock = now }
