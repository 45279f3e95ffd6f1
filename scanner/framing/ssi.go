package framing

import (
	"slices"
	"time"
)

// FamilyZebraSSI is the family of SSI.
const FamilyZebraSSI Family = "zebra-ssi"

// SSI decodes Zebra's Simple Serial Interface (also Symbol's and Motorola's):
// packets with a checksum, each acknowledged. It is written from the chapters on it
// in the SE-923 (70-37052) and SE955 (72E-72322) Integration Guides and the DS9908
// Product Reference Guide; other sources are named where their numbers stand.
//
// A unit leaves the factory sending plain lines, so Start asks for packets, for
// as long as the unit has power, and until the first packet comes the line is
// read as Raw reads it. Text and packets cannot be taken for each other: the
// third byte of a packet is zero, which no text holds, so what has the head of a
// packet never gets to Raw, and what has not never waits for more than its next
// two bytes. From the first packet on nothing but packets counts, until the next
// Start or two lines of text, each alone between two silences: a code shown to a
// unit that sends text may hold what looks like a packet.
//
//	           any packet
//	text  ───────────────────▶  packets
//	  │   ◀───────────────────     │
//	  │        two lines           └ DECODE_DATA, or its parts, are a frame;
//	  └ Raw: a line is a frame       bytes that are no packet: NAK, and report
//	                                 them unless they come again whole
//
// One thing remains: text that lost its terminator, and right behind it the very
// first packet, 10 or 13 bytes long. Its length reads as LF or CR and ends the
// text. It needs a unit that changes from text to packets within 300 ms of a lost
// byte.
//
// A packet is believed when its checksum is right. Whatever else comes is searched
// for a packet byte by byte, since its length may be the byte that is wrong. No
// code that can be a frame holds a packet, because of that zero, so a search never
// finds a part of one.
//
// The ACK says that the till has the scan, no more. The verdict is a BEEP and the
// green light, and the unit is told to be silent when it decodes. Orders go one at
// a time, each waits for its ACK.
//
// The zero SSI is ready for Start.
type SSI struct {
	raw      Raw
	packeted bool // a packet was heard since Start
	spoilt   int  // bytes at the beginning of buf that had the head of a packet, and are no text
	buf      []byte
	last     time.Duration // when the line last gave something

	foreign foreign
	lines   int // of text since the last packet, alone between silences

	unasked bool          // damage has come for which no NAK was sent
	naks    int           // sent since the last packet
	nakAt   time.Duration // when the last was sent

	orders ssiOrders
	scans  scans
	held   bool          // the unit may have been told not to scan
	unsure bool          // it may still be: what looked like its ACK may have been for another order
	waits  bool          // it is not to scan: the till has not decided yet
	lit    time.Duration // when the green light is to go out; 0 when it is out
}

const (
	// maxNaks is how often in a row a damaged packet is asked for again: the unit
	// sends it again twice.
	maxNaks = 2
	// maxLines is how many lines of text instead of packets show that the unit sends
	// text. One may be of a unit that was switched off and on, unless the packet
	// before it was the first.
	maxLines = 2
	// ssiShine is how long the green light stays on.
	ssiShine = 2 * time.Second
	// ssiAgain is how often a unit that has not confirmed that it scans again is
	// told so, once the tries are over: no scan of it can bring another answer.
	ssiAgain = 5 * time.Second
)

// Start implements Driver. It lets the unit scan, sets it up, and asks for its
// revision.
func (s *SSI) Start(now time.Duration, out *Out) {
	*s = SSI{last: now, held: true, unsure: true}
	s.raw.Start(now, out)
	s.scans.old = true
	s.orders.at = now
	s.orders.want(toEnable)
	s.setUp()
	s.orders.want(toSayRevision)
	s.orders.next(now, out)
}

// setUp asks for packets, each to be acknowledged before the next is sent, and for
// silence at decode.
func (s *SSI) setUp() { s.orders.want(toSendPackets, toPace, toBeSilent) }

// Feed implements Driver.
func (s *SSI) Feed(now time.Duration, p []byte, out *Out) {
	s.overdue(now, out)
	for len(p) > 0 {
		n := min(len(p), s.missing())
		s.last = now
		s.buf = append(s.buf, p[:n]...)
		p = p[n:]
		before := len(out.Got)
		s.search(now, out)
		if slices.ContainsFunc(out.Got[before:], func(g Got) bool { return g.Kind == GotFrame }) {
			s.orders.forget(toBeepGood, toShine) // of the scan before
		}
		s.tell(now, out)
	}
}

// Tick implements Driver.
func (s *SSI) Tick(now time.Duration, out *Out) {
	if now-s.last >= stall {
		s.stalled(now, out)
	}
	s.overdue(now, out)
	s.tell(now, out)
}

// Answer implements Driver. A unit from which no packet was heard is told nothing.
func (s *SSI) Answer(now time.Duration, a Answer, out *Out) {
	s.waits = a == Wait
	if !s.packeted {
		return
	}
	switch a {
	case Wait:
		s.held, s.unsure = true, true
		s.orders.forget(toBeepGood, toShine)
		s.orders.want(toDisable)
	case Good:
		s.release()
		s.orders.want(toBeepGood, toShine)
		s.lit = now + ssiShine
	case Bad:
		s.release()
		s.orders.want(toBeepBad)
		s.goDark()
	default:
		s.release()
	}
	s.tell(now, out)
}

// Stop implements Driver.
func (s *SSI) Stop(out *Out) {
	out.Send = appendPacket(out.Send, opEnable, 0, "")
	if s.lit > 0 {
		out.Send = appendPacket(out.Send, opLightOff, 0, ssiWritten[toGoDark].data)
	}
}

// release lets the unit scan again.
func (s *SSI) release() {
	if s.held {
		s.orders.want(toEnable)
	}
}

// goDark puts the green light out.
func (s *SSI) goDark() {
	if s.lit > 0 {
		s.lit = 0
		s.orders.want(toGoDark)
	}
}

// tell sends the next order, unless the unit is in the middle of a packet: a host
// must not talk over the unit (DS9908 Product Reference Guide, "SSI Communication
// Notes"). Nor does the till between the parts of a code.
func (s *SSI) tell(now time.Duration, out *Out) {
	if len(s.buf) < ssiMark && s.scans.state != parts {
		s.orders.overdue(now, out)
		s.orders.next(now, out)
	}
}

// overdue does what time alone brings about.
func (s *SSI) overdue(now time.Duration, out *Out) {
	s.scans.overdue(now, now-s.last, out)
	if s.lit > 0 && now >= s.lit {
		s.goDark()
	}
	if s.packeted && s.unsure && !s.waits && s.orders.idleFor(now, ssiAgain) {
		s.orders.want(toEnable)
	}
}

// packet takes what the unit sent whole. The unit's own ACK, NAK and replies are
// not acknowledged; an opcode that is not known is, so that it is not sent again.
func (s *SSI) packet(now time.Duration, p packet, out *Out) {
	switch p.op {
	case opAck:
		s.answered()
	case opNak:
		s.refused(now, p, out)
	case opRevision:
		s.answered()
		out.unit(string(p.data))
	case opSegment:
		out.Send = appendPacket(out.Send, opSegmentAck, 0, "")
		s.scans.segment(now, p, out)
	case opDecode:
		out.Send = appendPacket(out.Send, opAck, 0, "")
		s.scans.decoded(now, p, s.orders.settingUp(), out)
	default:
		out.Send = appendPacket(out.Send, opAck, 0, "")
		s.scans.interrupted(out)
		if p.op == opEvent && string(p.data) == ssiBooted {
			s.setUp()
		}
	}
}

// answered takes note that an order was carried out. That the unit scans again is
// sure only if the ACK cannot be a late one for another order.
func (s *SSI) answered() {
	if order, ok := s.orders.answered(); ok && order == toEnable && !s.waits {
		s.held, s.unsure = false, s.unsure && s.orders.gap < ssiAgain
	}
}

// refused is the unit's NAK. An order that came damaged is sent again; one that
// this unit does not know or does not carry out is passed over.
func (s *SSI) refused(now time.Duration, p packet, out *Out) {
	if string(p.data) == ssiAskAgain {
		s.orders.damaged(now, out)
	} else {
		s.orders.answered()
	}
}
