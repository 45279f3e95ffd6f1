package emv_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"sekisho/scanner/payload/emv"
)

func FuzzDecode(f *testing.F) {
	memory := make([]byte, 0, 4096)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := emv.Decode(memory, text)
		if err != nil {
			e, ok := errors.AsType[*emv.Error](err)
			if !ok || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		body, err := base64.StdEncoding.DecodeString(strings.TrimRight(text, "=") + padding(text))
		if err != nil {
			t.Fatalf("%q is no base64: %v", text, err)
		}
		checkTiling(t, &c, body)
		checkApplications(t, &c)
	})
}

// padding is what base64 of that length ends with.
func padding(text string) string {
	return strings.Repeat("=", -len(strings.TrimRight(text, "="))&3)
}

// checkTiling holds that the objects are the bytes, without a gap and without
// overlap, in the container and in its templates.
func checkTiling(t *testing.T, c *emv.Container, body []byte) {
	end := 0
	for o := range c.Objects() {
		if o.Offset != end {
			t.Fatalf("object %v at %d, the one before it ended at %d", o.Tag, o.Offset, end)
		}
		end = endOf(t, o, body)
		inner := end - len(o.Value)
		count := 0
		for i := range c.Inside(o) {
			if i.Offset != inner {
				t.Fatalf("object %v in %v at %d, want %d", i.Tag, o.Tag, i.Offset, inner)
			}
			inner, count = endOf(t, i, body), count+1
		}
		if count > 0 && inner != end {
			t.Fatalf("%v ends at %d, its last object at %d", o.Tag, end, inner)
		}
	}
	if end != len(body) {
		t.Fatalf("the last object ends at %d of %d", end, len(body))
	}
}

// endOf reads the object anew, holds it against the bytes, and says where it
// ends.
func endOf(t *testing.T, o emv.Object, body []byte) int {
	tag, err := hex.DecodeString(o.Tag.String())
	rest, found := bytes.CutPrefix(body[o.Offset:], tag)
	if err != nil || !found || len(rest) == 0 {
		t.Fatalf("object %v is not at %d", o.Tag, o.Offset)
	}
	length := rest[:1]
	if rest[0] > 0x80 {
		length = rest[1 : 1+rest[0]-0x80]
		rest = rest[len(length):]
	}
	rest = rest[1:]
	n := new(big.Int).SetBytes(length).Int64()
	if n != int64(len(o.Value)) || !bytes.HasPrefix(rest, o.Value) {
		t.Fatalf("object %v at %d is not what stands there", o.Tag, o.Offset)
	}
	return len(body) - len(rest) + len(o.Value)
}

// checkApplications holds that one can be used, that each has a good AID and no
// primitive twice, and that no more than four digits come out.
func checkApplications(t *testing.T, c *emv.Container) {
	count := 0
	for a := range c.Applications() {
		count++
		if c.Format == emv.JPQR1 {
			continue // its rules are not known
		}
		if aid, ok := a.Find(emv.AID); !ok || len(aid.Value) < 5 || len(aid.Value) > 16 {
			t.Fatalf("an application with the AID %X", aid.Value)
		}
		seen := map[emv.Tag]bool{}
		for o := range a.Objects() {
			if seen[o.Tag] && !o.Tag.Constructed() {
				t.Fatalf("%v is there twice", o.Tag)
			}
			seen[o.Tag] = true
			if card, ok := emv.CardOf(o); ok && (len(card.LastFour) != 4 || card.Digits < 8 || card.Digits > 19) {
				t.Fatalf("%v became %+v", o.Tag, card)
			}
		}
	}
	if last := c.LastFour(); count == 0 && c.Format != emv.JPQR1 || len(last) != 0 && len(last) != 4 {
		t.Fatalf("%d applications, last four %q", count, last)
	}
}

func FuzzDecodeMerchant(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) >= 4 {
			text = summed(text) // no fuzzer finds a checksum
		}
		m, err := emv.DecodeMerchant(text)
		if err != nil {
			e, ok := errors.AsType[*emv.Error](err)
			if !ok || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var whole strings.Builder
		for item := range m.Items() {
			write(&whole, item)
			var inner strings.Builder
			for i := range m.Inside(item) {
				write(&inner, i)
			}
			if inner.Len() > 0 && inner.String() != item.Value {
				t.Fatalf("%s holds %q, its objects make %q", item.ID, item.Value, inner.String())
			}
		}
		if whole.String() != text {
			t.Fatalf("%q was read as %q", text, whole.String())
		}
		m.JPQR()
	})
}

// write puts an item down as the specification has it.
func write(to *strings.Builder, i emv.Item) {
	fmt.Fprintf(to, "%s%02d%s", i.ID, utf8.RuneCountInString(i.Value), i.Value)
}

// TestTheWorstFrame is as long as a scanner's frame can be and has the objects
// that take longest to tell apart.
func TestTheWorstFrame(t *testing.T) {
	var hexed strings.Builder
	for i := range 700 {
		fmt.Fprintf(&hexed, "DF%02X%02X00", 0x81+i/128, i%128)
	}
	long := text(t, cpv01, "6109", aid5, hexed.String())
	if _, err := emv.Decode(nil, long); err != nil {
		t.Error(err)
	}
}
