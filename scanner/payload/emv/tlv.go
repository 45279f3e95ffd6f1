package emv

import "fmt"

// Tag names an object in a container: 0x4F, 0x5F20, 0x9F25.
type Tag uint32

// Bits of a tag's and a length's first byte (BER, ISO/IEC 8825-1), and the sizes
// that ISO/IEC 7816-4 gives them.
const (
	constructedBit = 0x20
	longTag        = 0x1F // all of these set: the tag goes on
	moreTag        = 0x80 // set in a following byte: the tag goes on still

	longLength = 0x80 // set: the other bits count the bytes of the length

	maxTagBytes    = 3
	maxLengthBytes = 4 // behind the first
)

// String gives the tag in upper-case hexadecimal, "9F25".
func (t Tag) String() string { return fmt.Sprintf("%02X", uint32(t)) }

// Constructed tells whether the object holds objects.
func (t Tag) Constructed() bool {
	for t > 0xFF {
		t >>= 8
	}
	return t&constructedBit != 0
}

// Object is one tag and its value.
type Object struct {
	Tag    Tag
	Value  []byte // in the memory that was given to Decode
	Offset int    // of its tag in the decoded bytes
}

// headAt reads tag and length at b[at:] and says where the value begins and
// ends; where it is malformed, next is the byte at which it is.
func headAt(b []byte, at int) (tag Tag, value, next int, bad Code) {
	if len(b)-at >= 2 { // the ordinary case: a byte each
		tag, value, next = Tag(b[at]), at+2, at+2+int(b[at+1])
		if tag != 0 && tag&longTag != longTag && b[at+1] < longLength && next <= len(b) {
			return tag, value, next, ""
		}
	}
	return anyHeadAt(b, at)
}

// anyHeadAt is headAt for every form of tag and length.
func anyHeadAt(b []byte, at int) (tag Tag, value, next int, bad Code) {
	tag, value, bad = tagAt(b, at)
	if bad == "" && value == len(b) {
		bad = Truncated
	}
	if bad != "" {
		return 0, 0, value, bad
	}
	size := int(b[value])
	value++
	if size >= longLength {
		if size, value, bad = sizeAt(b, size-longLength, value); bad != "" {
			return 0, 0, value, bad
		}
	}
	if size > len(b)-value {
		return 0, 0, at, Truncated
	}
	return tag, value, value + size, ""
}

// objectAt gives the object at b[at:], which was checked, and where the next
// one begins.
func objectAt(b []byte, at int) (o Object, next int) {
	tag, value, next, _ := headAt(b, at)
	return Object{Tag: tag, Value: b[value:next:next], Offset: at}, next
}

// tagAt reads a tag of one to three bytes.
func tagAt(b []byte, at int) (tag Tag, next int, bad Code) {
	first := b[at]
	if first == 0 {
		return 0, at, BadTag
	}
	tag, next = Tag(first), at+1
	if first&longTag != longTag {
		return tag, next, ""
	}
	for more := true; more; next++ {
		switch {
		case next == len(b):
			return 0, next, Truncated
		case next == at+maxTagBytes, next == at+1 && b[next] == moreTag:
			return 0, at, BadTag
		}
		tag, more = tag<<8|Tag(b[next]), b[next]&moreTag != 0
	}
	return tag, next, ""
}

// sizeAt reads a length in its long form, of count bytes. BER lets it be longer
// than it has to be.
func sizeAt(b []byte, count, at int) (size, next int, bad Code) {
	if count == 0 || count > maxLengthBytes {
		return 0, at - 1, BadLength
	}
	if count > len(b)-at {
		return 0, len(b), Truncated
	}
	for _, c := range b[at : at+count] {
		if size = size<<8 | int(c); size > len(b) {
			return 0, at - 1, Truncated
		}
	}
	return size, at + count, ""
}

// bit is a tag's place among 64. Some tags share a place, but none of those that
// EMVCo CPM has in a template.
func (t Tag) bit() uint64 { return 1 << (t * 149 >> 9 & 63) }
