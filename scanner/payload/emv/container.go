package emv

import (
	"encoding/base64"
	"iter"
	"strings"
)

// Tags of the container's structure (EMVCo CPM 1.1, chapter 3).
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
	CPV01 Format = "CPV01" // EMVCo CPM 1.1
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
// both are taken; line breaks, which Go's decoder passes over, are not.
func unbase64(dst []byte, text string) (out []byte, at int, bad Code) {
	bare := strings.TrimRight(text, "=")
	if padding := len(text) - len(bare); padding > 0 && (padding > 2 || len(text)%4 != 0) {
		return nil, len(bare), BadBase64
	}
	for _, lineBreak := range []byte("\r\n") {
		if at := strings.IndexByte(bare, lineBreak); at >= 0 {
			return nil, at, BadBase64
		}
	}
	var piece [512]byte // a string cannot be decoded from where it is without a copy
	for at < len(bare) {
		n := copy(piece[:], bare[at:])
		var err error
		if dst, err = strict.AppendDecode(dst, piece[:n]); err != nil {
			return nil, at + offset(err), BadBase64
		}
		at += n
	}
	return dst, 0, ""
}

// strict also refuses bits that are set behind the last byte: one content, one
// text.
var strict = base64.RawStdEncoding.Strict()

// offset is where base64 met what it does not know.
func offset(err error) int {
	at, _ := err.(base64.CorruptInputError)
	return int(at)
}

// check goes through the whole container: what stands in it, the common data,
// and each template.
func (c *Container) check() (at int, bad Code) {
	first, bad := c.format()
	if bad != "" {
		return first, bad
	}
	var top, shared contents
	if at, bad := top.read(c.body, span{0, len(c.body)}); bad != "" {
		return at, bad
	}
	if at, bad := c.commonData(first, &shared); bad != "" {
		return at, bad
	}
	return c.templates(first, &shared)
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

// commonData finds and checks the one template that says what is common to all.
func (c *Container) commonData(from int, shared *contents) (at int, bad Code) {
	for next := from; next < len(c.body); {
		begin := next
		var tag Tag
		var value int
		if tag, value, next, _ = headAt(c.body, begin); tag != CommonData {
			continue
		}
		if c.common != (span{}) {
			return begin, Duplicate
		}
		c.common = span{value, next}
		if at, bad := shared.read(c.body, c.common); bad != "" {
			return at, bad
		}
	}
	return 0, ""
}

// templates checks every application template, each together with the common
// data, and that one of them at least can be used.
func (c *Container) templates(from int, shared *contents) (at int, bad Code) {
	usable := false
	for next := from; next < len(c.body); {
		var tag Tag
		var value int
		if tag, value, next, _ = headAt(c.body, next); tag != ApplicationTemplate {
			continue
		}
		var own contents
		if at, bad := own.read(c.body, span{value, next}); bad != "" {
			return at, bad
		}
		if own.aid && (own.tags.meets(&shared.tags) || own.long && shared.long) {
			if at, found := c.twice(span{value, next}); found {
				return at, Duplicate
			}
		}
		usable = usable || own.aid
	}
	if !usable {
		return from, NoApplication
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
