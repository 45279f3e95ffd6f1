package framing

import (
	"time"
	"unicode/utf8"
)

// search takes from buf all that can be told by now.
func (s *SSI) search(now time.Duration, out *Out) {
	for len(s.buf) > 0 {
		n := packetSpan(s.buf)
		switch {
		case n == 0, s.endsLine(s.buf[0]):
			s.waste(Garbled, out)
		case len(s.buf) < n:
			return
		default:
			s.take(now, n, out)
		}
	}
}

// missing is how many bytes search wants next: all that the packet under way still
// lacks, and one where none is sure to be.
func (s *SSI) missing() int {
	if len(s.buf) < ssiMark {
		return 1
	}
	return packetSpan(s.buf) - len(s.buf)
}

// endsLine tells whether a byte ends a line of text that is under way.
func (s *SSI) endsLine(b byte) bool {
	return !s.packeted && (b == cr || b == lf) && s.raw.mode != idle && s.spoilt == 0
}

// take takes n bytes that are a packet if their checksum is right.
func (s *SSI) take(now time.Duration, n int, out *Out) {
	p, ok := parsePacket(s.buf[:n])
	if !ok {
		s.spoil(n)
		s.waste(Garbled, out)
		s.askAgain(now, out)
		return
	}
	s.heard(out)
	s.orders.parted = s.orders.parted || p.op == opDecode || p.op == opSegment || p.op == opEvent
	s.packet(now, p, out)
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
}

// heard takes note that the unit sends packets.
func (s *SSI) heard(out *Out) {
	s.lines = 0
	if !s.packeted {
		s.raw.report(Unterminated, out)
		s.lines = maxLines - 1
	}
	s.packeted, s.unasked, s.naks, s.foreign = true, false, 0, foreign{}
}

// spoil marks the next n bytes as no text.
func (s *SSI) spoil(n int) { s.spoilt = max(s.spoilt, n) }

// waste takes the first byte of buf, which begins no packet. In text it belongs to
// a line, unless it had the head of a packet: then the line is garbled.
func (s *SSI) waste(why Reason, out *Out) {
	b := s.buf[:1]
	if s.spoilt > 0 {
		s.spoilt--
		b = []byte{0}
	}
	if s.packeted {
		s.scans.doubt.add(s.last, why, out)
		s.unasked = s.unasked || !s.asked()
		s.foreign.add(b[0])
	} else {
		s.raw.Feed(s.last, b, out)
	}
	s.buf = s.buf[:copy(s.buf, s.buf[1:])]
}

// foreign is what the line gave between two silences and no packet holds.
type foreign struct {
	n    int
	odd  bool // not all of it is ASCII text
	last byte
}

func (f *foreign) add(b byte) {
	f.n++
	f.odd = f.odd || b >= utf8.RuneSelf || !printable(b) && b != cr && b != lf
	f.last = b
}

// text tells whether it may come from a unit that sends no packets, a line whether
// it is as such a unit sends codes that Raw reads.
func (f foreign) text() bool { return f.n > 0 && !f.odd }
func (f foreign) line() bool { return f.text() && (f.last == cr || f.last == lf) }

// stalled drops what has begun and does not go on.
func (s *SSI) stalled(now time.Duration, out *Out) {
	for len(s.buf) > 0 {
		if len(s.buf) >= ssiMark {
			s.spoil(len(s.buf))
			s.unasked = s.unasked || !s.asked()
		}
		s.waste(Unterminated, out)
		s.search(now, out)
	}
	s.wonder(now, out)
	if !s.packeted {
		s.raw.Tick(now, out)
	}
}

// wonder looks at what came instead of packets. Text may come from a unit that was
// switched off and on, so it is set up again. If that does not help, the unit sends
// no packets, and what was taken for one stood in a code.
func (s *SSI) wonder(now time.Duration, out *Out) {
	if s.unasked {
		if s.foreign.text() {
			s.setUp()
		}
		s.unasked = false
		s.askAgain(now, out)
	}
	switch {
	case s.foreign.line():
		s.lines++
	case s.foreign.n > 0:
		s.lines = 0
	}
	if s.lines == maxLines {
		s.packeted, s.lines = false, 0
		s.scans.doubt.report(out)
		s.raw.Start(now, out)
	}
	s.foreign = foreign{}
}

// asked tells whether a NAK was sent for what came last, or for the beginning of it.
func (s *SSI) asked() bool { return s.naks > 0 && s.last-s.nakAt < stall }

// askAgain sends a NAK, which makes the unit send its last packet again; a few in
// a row, and one for each piece of damage.
func (s *SSI) askAgain(now time.Duration, out *Out) {
	if s.naks == maxNaks || s.asked() {
		return
	}
	out.Send = appendPacket(out.Send, opNak, 0, ssiAskAgain)
	s.unasked, s.nakAt = false, now
	s.orders.parted = true
	s.naks++
}
