package framing

import (
	"bytes"
	"time"
)

// parts is how far a scan has come that the unit sends in several packets.
type parts uint8

const (
	whole       parts = iota // none is under way
	packets                  // DECODE_DATA packets, each but the last continued
	packetsLost              // the same, but one is missing: nothing up to the last is believed
	segments                 // numbered segments of a known total
	segmentsLost
)

const (
	// partPatience is how long the next part may take. The unit sends it as soon as
	// the one before is acknowledged, and again at once when it hears a NAK. What
	// comes 2 s later, the least that its menus offer to wait for an ACK (parameter
	// 0x9B), may belong to another scan: the unit gives up a part that it has sent
	// three times.
	partPatience = time.Second
	// resendsEnd is when a unit has surely given up a packet: it is sent three times,
	// at most 9.9 s apart (parameter 0x9B, DS457 Integration Guide, "Host Serial
	// Response Time-out").
	resendsEnd = 30 * time.Second
)

// scans puts scans together from packets.
//
// A packet that the unit sends again because it missed our ACK is known: it is
// the same as the last one. Within packets that have no number even that is no
// proof, since the next part of the code may look like this one; such a code is
// given up.
type scans struct {
	state parts
	at    time.Duration // when the last part came
	code  []byte        // type and data, as far as they have come
	again bool          // the first part came as a retransmission
	total int           // of segments: length of the whole code, type included
	next  byte          // of segments: number of the next

	unsaid int // bytes of parts that were passed over

	last  packet // as the unit would send it again
	done  []byte // type and data of the last scan
	doubt doubt
}

// doubt is what came damaged and may yet come again.
type doubt struct {
	why Reason
	n   int           // bytes
	at  time.Duration // when the last of them came
}

// doubtPatience is how long a damaged packet may take to come again: the unit
// sends it once more when it has waited 2 s for an ACK.
const doubtPatience = 2500 * time.Millisecond

// doubtGap is how long damage must be past for new damage to be another's: a unit
// that heard the NAK sends again at once.
const doubtGap = time.Second

// add takes note of a byte that belongs to no packet.
func (d *doubt) add(now time.Duration, why Reason, out *Out) {
	if now-d.at >= doubtGap {
		d.report(out)
	}
	if d.n == 0 {
		d.why = why
	}
	d.n++
	d.at = now
}

// report tells of what came damaged, and forgets it.
func (d *doubt) report(out *Out) {
	if d.n > 0 {
		out.drop(d.why, d.n)
	}
	*d = doubt{}
}

// decoded takes a DECODE_DATA packet.
func (s *scans) decoded(now time.Duration, p packet, out *Out) {
	switch {
	case len(p.data) == 0:
		s.empty(now, out)
		return
	case p.resent() && s.last.same(p):
		s.known(now, out)
		return
	}
	if s.state == segments {
		s.giveUp(Unterminated, whole, out)
	}
	before, misfit := s.state, s.misfit(p)
	if misfit {
		s.giveUp(Garbled, packetsLost, out)
	}
	s.arrived(p, p.resent(), out)
	s.extend(now, p, out)
	if before == packetsLost {
		s.passOver(len(p.data), out)
	}
}

// passOver takes note of a part that was not believed. It is the rest of a lost
// code, or of another one, which is to be told of as well.
func (s *scans) passOver(n int, out *Out) {
	s.unsaid += n
	if s.state == whole {
		s.sayRest(out)
	}
}

// sayRest reports the parts that were passed over.
func (s *scans) sayRest(out *Out) {
	if s.unsaid > 0 {
		out.drop(Unterminated, s.unsaid)
	}
	s.unsaid = 0
}

// empty is a packet without so much as a code type.
func (s *scans) empty(now time.Duration, out *Out) {
	if s.state != packets {
		out.drop(Garbled, ssiHead)
		return
	}
	s.at = now
	s.giveUp(Garbled, packetsLost, out)
}

// known passes over a packet that was acknowledged before.
func (s *scans) known(now time.Duration, out *Out) {
	if s.state == packets {
		s.giveUp(Garbled, packetsLost, out)
		s.at = now
	}
	s.doubt.report(out) // it may have been another scan of the same code
}

// misfit tells whether a packet cannot be trusted to be the next of those that
// came: it has another code type, or something was lost before it.
func (s *scans) misfit(p packet) bool {
	if s.state != packets {
		return false
	}
	return p.data[0] != s.code[0] || s.doubt.n > 0 && !p.resent()
}

// extend adds a packet to the code that is under way or begins one with it, and
// ends the code with the last.
func (s *scans) extend(now time.Duration, p packet, out *Out) {
	s.at = now
	if s.state != packets && s.state != packetsLost {
		s.begin(p.data[0], p.resent())
	}
	if s.state != packetsLost {
		s.grow(p.data[1:], packetsLost, out)
	}
	switch {
	case p.continued() && s.state != packetsLost:
		s.state = packets
	case !p.continued() && s.state != packetsLost:
		s.finish(out)
	case !p.continued():
		s.state = whole
	}
}

// segment takes one of several segments.
func (s *scans) segment(now time.Duration, p packet, out *Out) {
	first, ok := segmentHead(p.data)
	if !ok && (s.state == packets || s.state == packetsLost) {
		s.giveUp(Garbled, packetsLost, out) // no unit has two ways of sending
		return
	}
	if s.last.same(p) && (p.resent() || s.state == segments || p.number() > 0) {
		return
	}
	inOrder := s.state == segments && len(p.data) > 1 && p.number() == s.next
	s.arrived(p, p.resent() || inOrder, out)
	s.at = now
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

// arrived takes note of a packet that was not known. One that was sent again
// makes good what came damaged; with any other that is lost.
func (s *scans) arrived(p packet, makesGood bool, out *Out) {
	if makesGood {
		s.doubt = doubt{}
	}
	s.doubt.report(out)
	s.last = packet{p.op, p.status, append(s.last.data[:0], p.data...)}
}

// begin starts a code.
func (s *scans) begin(codeType byte, again bool) {
	s.state, s.again, s.code = whole, again, append(s.code[:0], codeType)
}

// grow adds to the code, unless it becomes too long.
func (s *scans) grow(data []byte, lost parts, out *Out) {
	if len(s.code)-1+len(data) > MaxFrame {
		s.giveUp(Oversized, lost, out)
		return
	}
	s.code = append(s.code, data...)
}

// finish makes a frame of a code that is complete, unless it is the last one
// over again.
func (s *scans) finish(out *Out) {
	data := s.code[1:]
	if s.state != segments {
		data = withoutHead(data)
	}
	s.state = whole
	if s.again && bytes.Equal(s.code, s.done) {
		return
	}
	s.done = append(s.done[:0], s.code...)
	if f, ok := ssiFrame(s.code[0], data); ok {
		out.frame(f)
	} else {
		out.drop(Garbled, len(s.code))
	}
}

// giveUp drops the code that is under way, if there is one, with what of it came
// damaged, and enters a state.
func (s *scans) giveUp(why Reason, to parts, out *Out) {
	if s.state == packets || s.state == segments {
		out.drop(why, len(s.code))
		s.doubt = doubt{}
	}
	s.state = to
}

// overdue ends what has waited too long.
func (s *scans) overdue(now time.Duration, out *Out) {
	if s.doubt.n > 0 && now-s.doubt.at >= doubtPatience {
		s.doubt.report(out)
	}
	switch quiet := now - s.at; s.state {
	case packets:
		if quiet >= partPatience {
			s.giveUp(Unterminated, packetsLost, out)
		}
	case segments:
		if quiet >= partPatience {
			s.giveUp(Unterminated, segmentsLost, out)
		}
	case packetsLost, segmentsLost:
		if quiet >= partPatience {
			s.sayRest(out)
		}
		if quiet >= resendsEnd {
			s.state = whole
		}
	}
}
