package framing

import (
	"bytes"
	"time"
)

// progress is how far a scan has come that the unit sends in several packets.
type progress uint8

const (
	whole        progress = iota // none is under way
	parts                        // DECODE_DATA packets, each but the last continued
	partsLost                    // the same, and not believed: they are passed over up to the last
	segments                     // numbered segments of a known total
	segmentsLost                 // the same, and not believed
)

const (
	// resendGap is the longest that a unit waits before it sends a packet again, a
	// little more than 9.9 s (parameter 0x9B, DS457 Integration Guide, "Host Serial
	// Response Time-out").
	resendGap = 10 * time.Second
	// resendsEnd is when a unit has surely given up a packet: it is sent three times.
	resendsEnd = 3 * resendGap
)

// scans puts scans together from packets.
//
// A packet that the unit sends again because it missed our ACK is known: it is
// the same as the last one, and says so.
type scans struct {
	state progress
	at    time.Duration // when the last part came
	code  []byte        // type and data, as far as they have come; of what is lost at least the type
	again bool          // the first part came as a retransmission
	total int           // of segments: length of the whole code, type included
	next  byte          // of segments: number of the next

	unsaid int // bytes of parts that were passed over

	last   packet // as the unit would send it again; no data when that is over
	lastAt time.Duration
	done   []byte // type and data of the last scan
	old    bool   // all that came since Start was sent before it, and may be the rest of a code
	spare  bool   // the unit may have heard one ACK more than it sent packets
	doubt  doubt
}

// decoded takes a DECODE_DATA packet. It is crossed if the unit is being set up,
// after which it may have forgotten what it was sending.
func (s *scans) decoded(now time.Duration, p packet, crossed bool, out *Out) {
	switch {
	case len(p.data) == 0:
		s.empty(now, out)
	case p.resent() && s.last.same(p):
		s.known(now, out)
	case s.state == parts && !s.fits(p):
		s.giveUp(Garbled, partsLost, out)
		s.arrived(now, p, p.resent(), out)
		s.misfit(p, crossed, out)
	default:
		s.arrived(now, p, p.resent(), out)
		s.take(p, crossed, out)
	}
}

// take takes a packet that is new.
func (s *scans) take(p packet, crossed bool, out *Out) {
	switch s.state {
	case parts:
		s.extend(p, out)
		return
	case partsLost:
		if s.passOver(p, len(p.data), out) {
			return
		}
	default:
		s.giveUp(Unterminated, whole, out)
	}
	if s.begins(p) {
		s.begin(p.data[0], p.resent())
		s.extend(p, out)
	} else {
		s.refuse(p, out)
	}
	if crossed {
		s.interrupted(out)
	}
}

// empty is a packet without so much as a code type.
func (s *scans) empty(now time.Duration, out *Out) {
	if s.state != parts {
		out.drop(Garbled, ssiHead)
		return
	}
	s.at = now
	s.giveUp(Garbled, partsLost, out)
}

// known passes over a packet that was acknowledged before. The ACK for it may
// come when the unit has heard the one before, and be taken for the next's.
func (s *scans) known(now time.Duration, out *Out) {
	if s.state == parts {
		s.giveUp(Garbled, partsLost, out)
	}
	s.at, s.lastAt, s.spare = now, now, true
	s.doubt.report(out) // it may have been another scan of the same code
}

// arrived takes note of a packet that was not known. One that was sent again
// makes good what came damaged; with any other that is lost.
func (s *scans) arrived(now time.Duration, p packet, makesGood bool, out *Out) {
	if makesGood {
		s.doubt = doubt{}
	}
	s.doubt.report(out)
	s.old = s.old && p.resent()
	s.last = packet{p.op, p.status, append(s.last.data[:0], p.data...)}
	s.at, s.lastAt = now, now
}

// begin starts a code.
func (s *scans) begin(codeType byte, again bool) {
	s.state, s.again, s.code = whole, again, append(s.code[:0], codeType)
}

// grow adds to the code, unless it becomes too long.
func (s *scans) grow(data []byte, lost progress, out *Out) {
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
func (s *scans) giveUp(why Reason, to progress, out *Out) {
	if s.state == parts || s.state == segments {
		out.drop(why, len(s.code))
		s.doubt = doubt{}
	}
	s.state = to
}

// overdue ends what has waited too long; silent is how long the line has been.
func (s *scans) overdue(now, silent time.Duration, out *Out) {
	if s.doubt.n > 0 && now-s.doubt.at >= doubtPatience && s.state != segments {
		s.doubt.report(out)
	}
	s.spare = s.spare && silent < stall
	s.old = s.old && silent < resendGap
	if silent >= partPatience {
		s.paused(out)
	}
	if s.state == segments && now-s.at >= segmentPatience {
		s.giveUp(Unterminated, segmentsLost, out)
	}
	if now-s.at >= resendsEnd && (s.state == partsLost || s.state == segmentsLost) {
		s.state = whole
	}
	if now-s.lastAt >= resendsEnd {
		s.forget()
	}
}

// forget forgets the last packet and scan: the unit cannot send them again.
func (s *scans) forget() {
	clear(s.last.data) // secret
	clear(s.done)
	s.last.data, s.done = s.last.data[:0], s.done[:0]
}
