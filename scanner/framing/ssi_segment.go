package framing

import "time"

// segmentPatience is how long the next segment may take: as long as a unit that
// waits 2 s for each ACK, as it leaves the factory, takes to send one three times.
// Number and total tell a segment of another code, however late one comes.
const segmentPatience = 5 * time.Second

// segment takes one of several segments.
func (s *scans) segment(now time.Duration, p packet, out *Out) {
	first, ok := segmentHead(p.data)
	if !ok && (s.state == parts || s.state == partsLost) {
		s.giveUp(Garbled, partsLost, out) // no unit has two ways of sending
		return
	}
	if s.last.same(p) && (p.resent() || s.state == segments || p.number() > 0) {
		s.at, s.lastAt, s.spare = now, now, true
		return
	}
	inOrder := s.inOrder(p)
	s.arrived(now, p, p.resent() || inOrder, out)
	switch {
	case ok:
		s.giveUp(Unterminated, whole, out)
		s.begin(first.codeType, p.resent())
		s.state, s.total, s.next = segments, 1+first.total, 1
		s.grow(first.data, segmentsLost, out)
	case inOrder:
		s.next++
		s.grow(p.data[1:], segmentsLost, out)
	default:
		s.astray(p.number(), out)
	}
	s.endSegment(out)
}

// inOrder tells whether a segment is the next of the code under way. Damage hides
// no other code's beginning, since the unit goes on when that was acknowledged;
// unless it has heard an ACK too many.
func (s *scans) inOrder(p packet) bool {
	return s.state == segments && len(p.data) > 1 && p.number() == s.next && !(s.spare && s.doubt.n > 0)
}

// endSegment ends a code that has all its bytes; one that has too many is none.
func (s *scans) endSegment(out *Out) {
	switch {
	case s.state != segments || len(s.code) < s.total:
	case len(s.code) == s.total:
		s.finish(out)
	default:
		s.giveUp(Garbled, segmentsLost, out)
	}
}

// astray is a segment without those before it. Of one code it is told once.
func (s *scans) astray(number byte, out *Out) {
	if s.state == whole || s.state == segmentsLost && number < s.next {
		out.drop(Garbled, len(s.last.data))
	}
	s.giveUp(Garbled, segmentsLost, out)
	s.next = number + 1
}

// firstPart is what the first segment says.
type firstPart struct {
	codeType byte
	total    int // length of the whole data
	data     []byte
}

// segmentHead reads the head inside the first segment: its number 0, the head of
// a DECODE_DATA packet F3 00 00, the length of the data and 3, the code type, 01,
// and the length of the data (observed by enioka_scan).
func segmentHead(b []byte) (f firstPart, ok bool) {
	const head = 10
	if len(b) <= head || string(b[:4]) != "\x00\xf3\x00\x00" || b[7] != 0x01 {
		return firstPart{}, false
	}
	count := int(b[4])<<8 | int(b[5])
	f = firstPart{codeType: b[6], total: int(b[8])<<8 | int(b[9]), data: b[head:]}
	return f, count == f.total+3
}
