package emv

import (
	"encoding/base64"
	"iter"
	"strings"
)

// Tags of the container's structure (EMVCo CPM).
const (
	FormatIndicator        Tag = 0x85
	ApplicationTemplate    Tag = 0x61
	CommonData             Tag = 0x62
	ApplicationTransparent Tag = 0x63 // for the issuer alone: kept as it is
	CommonTransparent      Tag = 0x64 // likewise
)

// Format is what the format indicator says.
type Format string

// The formats that are known.
const (
	CPV01 Format = "CPV01" // EMVCo CPM
	JPQR1 Format = "JPQR1" // Japan's sister of it
)

// Container is a customer's code, decoded and checked. Its zero value holds
// nothing.
type Container struct {
	Format Format
	body   []byte
	common span // what is inside the common data
}

// span is a piece of the decoded bytes.
type span struct{ start, end int }

// Decode reads text into dst, which is used from its beginning, and grown like
// append does when its capacity is less than three quarters of the text. The
// Container is good for as long as those bytes are left alone.
func Decode(dst []byte, text string) (Container, error) {
	body, at, bad := unbase64(dst[:0], text)
	if bad != "" {
		return Container{}, &Error{bad, at}
	}
	c := Container{body: body}
	if at, bad = c.check(); bad != "" {
		return Container{}, &Error{bad, at}
	}
	return c, nil
}

// unbase64 appends what text stands for. RFC 4648 pads, some apps do not, so
// both are taken.
func unbase64(dst []byte, text string) (out []byte, at int, bad Code) {
	bare := strings.TrimRight(text, "=")
	if padding := len(text) - len(bare); padding > 2 || padding > 0 && len(text)%4 != 0 || len(bare)%4 == 1 {
		return nil, broken(bare, len(bare)), BadBase64
	}
	var piece [256]byte // a string cannot be decoded from where it is without a copy
	for at < len(bare) {
		n := copy(piece[:], bare[at:])
		var err error
		if dst, err = strict.AppendDecode(dst, piece[:n]); err != nil {
			return nil, broken(bare, at+offset(err)), BadBase64
		}
		at += n
	}
	if len(dst) != strict.DecodedLen(len(bare)) {
		return nil, broken(bare, at), BadBase64
	}
	return dst, 0, ""
}

// strict also refuses bits that are set behind the last byte. No encoder may set
// them (RFC 4648, 3.5): where they are, the rest of the text is missing.
var strict = base64.RawStdEncoding.Strict()

// offset is where base64 met what it does not know.
func offset(err error) int {
	at, _ := err.(base64.CorruptInputError)
	return int(at)
}

// broken is where text is no base64. Go's decoder passes over line breaks, which
// RFC 4648 does not allow, and stumbles behind them if at all.
func broken(text string, at int) int {
	if lineBreak := strings.IndexAny(text, "\r\n"); lineBreak >= 0 {
		return min(at, lineBreak)
	}
	return at
}

// check goes through the whole container once and holds it to the rules of its
// format. Those of JPQR are not public: no more is asked of it than to be one
// well-formed code, and its issuer decides what it is worth.
func (c *Container) check() (at int, bad Code) {
	first, bad := c.format()
	if bad != "" {
		return first, bad
	}
	var templates, common contents
	for begin, next := first, first; begin < len(c.body); begin = next {
		var tag Tag
		var value int
		if tag, value, next, bad = headAt(c.body, begin); bad != "" {
			return next, bad
		}
		switch inside := (span{value, next}); {
		case tag == FormatIndicator, tag == CommonData && c.common != span{} && c.Format == CPV01:
			return begin, Duplicate
		case tag == ApplicationTemplate:
			at, bad = templates.template(c.body, inside)
		case tag == CommonData:
			c.common = inside
			at, bad = common.read(c.body, inside)
		}
		if bad != "" {
			return at, bad
		}
	}
	if c.Format == JPQR1 {
		return 0, ""
	}
	return c.combined(first, &templates, &common)
}

// format checks the first object and says where the second begins.
func (c *Container) format() (at int, bad Code) {
	if len(c.body) == 0 {
		return 0, BadFormat
	}
	tag, value, next, bad := headAt(c.body, 0)
	if bad != "" {
		return next, bad
	}
	for _, known := range []Format{CPV01, JPQR1} {
		if tag == FormatIndicator && string(c.body[value:next]) == string(known) {
			c.Format = known
			return next, ""
		}
	}
	return 0, BadFormat
}

// combined holds to EMVCo's rules what applications are made of, a template and
// the common data: one template at least has a well-formed AID, and nothing
// primitive is there twice.
func (c *Container) combined(first int, templates, common *contents) (at int, bad Code) {
	switch {
	case !templates.aid:
		return first, NoApplication
	case templates.twice != 0:
		return templates.twice, Duplicate
	case common.twice != 0:
		return common.twice, Duplicate
	case templates.tags&common.tags == 0:
		return 0, ""
	}
	for a, next, ok := c.application(first); ok; a, next, ok = c.application(next) {
		if at, found := c.twice(a.own); found {
			return at, Duplicate
		}
	}
	return 0, ""
}

// twice finds the first primitive of a template that the common data have too.
func (c *Container) twice(s span) (at int, found bool) {
	for next := s.start; next < s.end; {
		begin := next
		var tag Tag
		if tag, _, next, _ = headAt(c.body, begin); !tag.Constructed() && has(c.body, c.common, tag) {
			return begin, true
		}
	}
	return 0, false
}

// find gives the first object with a tag in a span that was checked.
func (c *Container) find(s span, tag Tag) (Object, bool) {
	for next := s.start; next < s.end; {
		var o Object
		if o, next = objectAt(c.body, next); o.Tag == tag {
			return o, true
		}
	}
	return Object{}, false
}

// all gives the objects of a span that was checked.
func (c *Container) all(s span) iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for next := s.start; next < s.end; {
			var o Object
			if o, next = objectAt(c.body, next); !yield(o) {
				return
			}
		}
	}
}

// Objects gives what stands in the container itself, in its order, the format
// indicator first; what is unknown is among it.
func (c *Container) Objects() iter.Seq[Object] {
	return c.all(span{0, len(c.body)})
}

// Inside gives the objects in a template of this container, an
// ApplicationTemplate or CommonData; nothing for all others, which are opaque.
func (c *Container) Inside(o Object) iter.Seq[Object] {
	if o.Tag != ApplicationTemplate && o.Tag != CommonData {
		return func(func(Object) bool) {}
	}
	_, value, next, _ := headAt(c.body, o.Offset)
	return c.all(span{value, next})
}
