package pass

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestBase45GivesTheRFCsExamples(t *testing.T) {
	for _, v := range vectors(t).Base45 {
		if got := string(appendBase45(nil, v.Bytes)); got != v.Text {
			t.Errorf("encode %x: %q, want %q", v.Bytes, got, v.Text)
		}
		got, ok := decodeBase45(v.Text)
		if !ok || !bytes.Equal(got, v.Bytes) {
			t.Errorf("decode %q: %x %v, want %x", v.Text, got, ok, v.Bytes)
		}
	}
}

func TestBase45Edges(t *testing.T) {
	for _, c := range []struct {
		text string
		want []byte
		ok   bool
	}{
		{"", []byte{}, true},
		{"FGW", []byte{0xff, 0xff}, true}, // RFC 9285, section 4.3
		{"GGW", nil, false},               // 65536, the RFC's own example of a refusal
		{"U5", []byte{0xff}, true},
		{"V5", nil, false}, // 256
		{"::", nil, false},
		{":::", nil, false},
		{"0", nil, false},
		{"0000", nil, false},
		{"bb8", nil, false},
		{"x0", nil, false}, // 255, were x's place in the table a value
		{"x00", nil, false},
		{"BB8\n", nil, false},
		{"BB\n", nil, false},
		{"B\xc38", nil, false},
		{"  0", []byte{0x06, 0x78}, true}, // spaces are digits: 36 + 36*45
	} {
		got, ok := decodeBase45(c.text)
		if ok != c.ok || !bytes.Equal(got, c.want) {
			t.Errorf("%q: %x %v, want %x %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

// One text for one byte string, both ways; rapid prints its seed on failure.
func TestBase45IsOneToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "data")
		got, ok := decodeBase45(string(appendBase45(nil, data)))
		if !ok || !bytes.Equal(got, data) {
			t.Fatalf("%x became %x", data, got)
		}
		text := rapid.StringOfN(rapid.RuneFrom([]rune(base45Alphabet)), 0, 60, -1).Draw(t, "text")
		if decoded, ok := decodeBase45(text); ok && string(appendBase45(nil, decoded)) != text {
			t.Fatalf("%q has two encodings", text)
		}
	})
}
