package emv

// An AID has 5 to 16 bytes (ISO/IEC 7816-4).
const (
	minAID = 5
	maxAID = 16
)

// contents are the primitive objects in a span of the decoded bytes.
type contents struct {
	tags tagSet
	long bool // a tag of three bytes is among them
	aid  bool // a well-formed AID is among them
}

// read checks the objects of b[s.start:s.end] and that no primitive is there
// twice.
func (c *contents) read(b []byte, s span) (at int, bad Code) {
	b = b[:s.end]
	for next := s.start; next < s.end; {
		begin := next
		tag, value, end, bad := headAt(b, begin)
		if bad != "" {
			return end, bad
		}
		next = end
		if tag.Constructed() {
			continue
		}
		if c.tags.add(tag) || tag > 0xFFFF && c.addLong(b, span{s.start, begin}, tag) {
			return begin, Duplicate
		}
		if tag == AID {
			c.aid = end-value >= minAID && end-value <= maxAID
		}
	}
	return 0, ""
}

// addLong takes note of a tag of three bytes and says whether it was there.
// These are rare, so they are looked for one by one.
func (c *contents) addLong(b []byte, before span, tag Tag) (known bool) {
	known = c.long && has(b, before, tag)
	c.long = true
	return known
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
