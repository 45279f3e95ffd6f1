package emv

// An AID has 5 to 16 bytes (ISO/IEC 7816-4).
const (
	minAID = 5
	maxAID = 16
)

// contents are the primitive objects in a span of the decoded bytes.
type contents struct {
	tags  uint64 // their bits
	aid   bool   // a well-formed AID is among them
	twice int    // where one of them stands for the second time; 0 for nowhere
}

// read checks the objects of b[s.start:s.end].
func (c *contents) read(b []byte, s span) (at int, bad Code) {
	b = b[:s.end]
	for begin, next := s.start, s.start; begin < s.end; begin = next {
		var tag Tag
		var value int
		if tag, value, next, bad = headAt(b, begin); bad != "" {
			return next, bad
		}
		if tag.Constructed() {
			continue
		}
		if tag == AID {
			c.aid = next-value >= minAID && next-value <= maxAID
		}
		if c.tags&tag.bit() != 0 && c.twice == 0 && has(b, span{s.start, begin}, tag) {
			c.twice = begin
		}
		c.tags |= tag.bit()
	}
	return 0, ""
}

// template checks the objects of an application template and adds them, if it
// can be used: one without a well-formed AID is passed over, as EMVCo asks.
func (c *contents) template(b []byte, s span) (at int, bad Code) {
	var own contents
	if at, bad = own.read(b, s); bad != "" || !own.aid {
		return at, bad
	}
	if c.twice == 0 {
		c.twice = own.twice
	}
	c.tags |= own.tags
	c.aid = true
	return 0, ""
}

// has tells whether a span that was checked has a tag.
func has(b []byte, s span, tag Tag) bool {
	for next := s.start; next < s.end; {
		var t Tag
		if t, _, next, _ = headAt(b, next); t == tag {
			return true
		}
	}
	return false
}
