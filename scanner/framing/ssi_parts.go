package framing

import "time"

// partPatience is how long the line may be silent between two parts. The unit
// sends the next as soon as the one before is acknowledged. What it sends when it
// has missed the ACK comes 2 s later at the soonest, the least that its menus
// offer (parameter 0x9B).
const partPatience = time.Second

// The parts of a code have neither number nor total: of a code that the unit gave
// up half way, the next code looks like the end. What tells them apart is that
// nothing went wrong. A unit gives a part up when it has sent it three times in
// vain, so that silence, damage or a packet that says that it was sent before lies
// between the part and the next code; or because of an order, or for want of
// power. So parts are one code if each came on the first attempt and without
// delay, nothing else came between them, and the unit is not being set up. All else
// gives the code up, and what follows it up to a packet that is not continued, or
// one of another type: a unit sends its codes one behind the other.
//
// A line that is late changes nothing: what was sent three times comes three times.
// But behind the third alone, late or not, the unit may long have given it up.
//
// The till sends no order between two parts.

// fits tells whether a packet is surely the next part of the code under way.
func (s *scans) fits(p packet) bool {
	return p.data[0] == s.code[0] && !p.resent() && s.doubt.n == 0 && (len(p.data) > 1 || !p.continued())
}

// begins tells whether a packet is surely the beginning of a code. Two things may
// hide the parts before it: the till's start, and an ACK too many, which a unit that
// is already sending the next part takes for that part's, whether it came whole or
// not. Neither matters for an EAN or UPC, which are never sent in parts.
func (s *scans) begins(p packet) bool {
	return ssiSymbology(p.data[0]).EAN() || !s.spare && !(p.resent() && (s.old || p.continued()))
}

// extend adds a packet to the code that is under way, and ends it with the last.
func (s *scans) extend(p packet, out *Out) {
	s.state = parts
	s.grow(p.data[1:], partsLost, out)
	switch {
	case p.continued():
	case s.state == parts:
		s.finish(out)
	default:
		s.state = whole
	}
}

// interrupted is anything after which the code under way may not go on.
func (s *scans) interrupted(out *Out) {
	if s.state == parts {
		s.giveUp(Garbled, partsLost, out)
	}
}

// misfit is a packet with which the code under way was given up. As its rest it
// has been told of; as the beginning of another it was not lost.
func (s *scans) misfit(p packet, crossed bool, out *Out) {
	if !s.passOver(p, 0, out) {
		s.take(p, crossed, out)
	}
}

// passOver takes a part of a lost code, or of another that cannot be told from it
// and has n bytes to be told of; false if the packet has another type, and begins
// another code.
func (s *scans) passOver(p packet, n int, out *Out) bool {
	if p.data[0] != s.code[0] {
		s.sayRest(out)
		s.state = whole
		return false
	}
	s.unsaid += n
	if !p.continued() {
		s.sayRest(out)
		s.state = whole
	}
	return true
}

// refuse drops a packet that may not be the beginning of its code, and the rest.
func (s *scans) refuse(p packet, out *Out) {
	s.begin(p.data[0], false)
	s.state = partsLost
	s.passOver(p, len(p.data), out)
}

// sayRest reports the parts that were passed over.
func (s *scans) sayRest(out *Out) {
	if s.unsaid > 0 {
		out.drop(Unterminated, s.unsaid)
	}
	s.unsaid = 0
}

// paused is a silence longer than any inside a code.
func (s *scans) paused(out *Out) {
	if s.state == parts {
		s.giveUp(Unterminated, partsLost, out)
	}
	s.sayRest(out)
}
