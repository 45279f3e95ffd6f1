package emv

import (
	"iter"
	"strconv"
	"unicode/utf8"
)

// Ids of the objects that this package asks for (EMVCo MPM).
const (
	idFormat   = "00" // "01", the first
	idCRC      = "63" // the last
	idCategory = "52"
	idCurrency = "53"
	idCountry  = "58"
	idName     = "59"
	idCity     = "60"

	merchantFormat = "01"
)

// Sizes in characters.
const (
	head      = 4 // id and length
	sumDigits = 4 // of the checksum, hexadecimal
)

// Item is one object of a shop's code.
type Item struct {
	ID     string // two digits
	Value  string
	Offset int // byte of the whole text at which the id stands
}

// Merchant is a shop's code that was read and is in order.
type Merchant struct {
	text string
}

// DecodeMerchant reads a shop's code: it begins with the format indicator, ends
// with a checksum that fits, has what every such code must have, and no id
// twice. Templates inside are checked down to their last object. It copies
// nothing.
func DecodeMerchant(text string) (Merchant, error) {
	if !Summed(text) {
		return Merchant{}, &Error{BadChecksum, max(0, len(text)-sumDigits)}
	}
	var seen idSet
	for next := 0; next < len(text); {
		item, after, bad := itemAt(text, next)
		if bad == "" {
			bad = seen.add(item, after == len(text))
		}
		if bad != "" {
			return Merchant{}, &Error{bad, next}
		}
		if at, bad := inTemplate(item); bad != "" {
			return Merchant{}, &Error{bad, at}
		}
		next = after
	}
	if !seen.complete() {
		return Merchant{}, &Error{Missing, len(text)}
	}
	return Merchant{text}, nil
}

// Summed tells whether text ends with the checksum of all before it: "6304" and
// four hexadecimal digits (EMVCo MPM).
func Summed(text string) bool {
	end := len(text) - sumDigits
	if end < head || text[end-head:end] != idCRC+"04" {
		return false
	}
	want, err := strconv.ParseUint(text[end:], 16, 16)
	return err == nil && uint16(want) == Checksum(text[:end])
}

// Items gives the objects in their order.
func (m Merchant) Items() iter.Seq[Item] { return items(m.text, 0) }

// Inside gives the objects in an item that is a template, and nothing for all
// others.
func (m Merchant) Inside(i Item) iter.Seq[Item] {
	if !template(i.ID) {
		return func(func(Item) bool) {}
	}
	return items(i.Value, i.Offset+head)
}

// items gives the objects of a text that was checked and that begins at byte
// base of the whole.
func items(text string, base int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for next := 0; next < len(text); {
			item, after, bad := itemAt(text, next)
			item.Offset += base
			if bad != "" || !yield(item) {
				return
			}
			next = after
		}
	}
}

// itemAt reads the object at text[at:] and says where the next one begins. The
// length counts characters of UTF-8; a byte that is none counts as one.
func itemAt(text string, at int) (item Item, next int, bad Code) {
	if len(text)-at < head {
		return Item{}, at, Truncated
	}
	if !twoDigits(text[at:]) {
		return Item{}, at, BadTag
	}
	if !twoDigits(text[at+2:]) || text[at+2:at+head] == "00" {
		return Item{}, at, BadLength
	}
	next = at + head
	for range number2(text[at+2:]) {
		if next == len(text) {
			return Item{}, at, Truncated
		}
		if text[next] < utf8.RuneSelf {
			next++
			continue
		}
		_, size := utf8.DecodeRuneInString(text[next:])
		next += size
	}
	return Item{ID: text[at : at+2], Value: text[at+head : next], Offset: at}, next, ""
}

// inTemplate checks what is inside an item, if it is a template, and says where
// in the whole text it breaks.
func inTemplate(outer Item) (at int, bad Code) {
	if !template(outer.ID) {
		return 0, ""
	}
	var seen idSet
	for next := 0; next < len(outer.Value); {
		inner, after, bad := itemAt(outer.Value, next)
		if bad == "" && seen.put(inner.ID) {
			bad = Duplicate
		}
		if bad != "" {
			return outer.Offset + head + next, bad
		}
		next = after
	}
	return 0, ""
}

// template tells whether an id at the top holds objects: merchant account
// information of payment systems without an id of their own (26-51), additional
// data (62), the merchant's name in another language (64), and what is
// unreserved (80-99).
func template(id string) bool {
	return id >= "26" && id <= "51" || id == "62" || id == "64" || id >= "80" && id <= "99"
}

// accounts are the ids 02 to 51, which name a merchant's accounts; every code
// has one of them.
const accounts = 1<<52 - 1<<2

// idSet is a set of ids, one bit each.
type idSet [2]uint64

// put puts an id in and says whether it was there.
func (s *idSet) put(id string) (known bool) {
	n := number2(id)
	known = s[n/64]>>(n%64)&1 != 0
	s[n/64] |= 1 << (n % 64)
	return known
}

// has tells whether an id is in the set.
func (s idSet) has(id string) bool { return s.put(id) }

// add puts an item of the top level in, and says what is wrong with its place.
func (s *idSet) add(item Item, last bool) Code {
	first := item.Offset == 0
	switch {
	case first && (item.ID != idFormat || item.Value != merchantFormat):
		return BadFormat
	case last != (item.ID == idCRC):
		return BadChecksum
	case s.put(item.ID):
		return Duplicate
	}
	return ""
}

// complete tells whether all is there that EMVCo MPM asks of every code.
func (s idSet) complete() bool {
	for _, id := range []string{idCategory, idCurrency, idCountry, idName, idCity} {
		if !s.has(id) {
			return false
		}
	}
	return s[0]&accounts != 0
}

// twoDigits tells whether text begins with two digits.
func twoDigits(text string) bool {
	return text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9'
}

// number2 is the number that the first two digits of text make.
func number2(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }
