package framing_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"sekisho/scanner/framing"
)

// FuzzRaw feeds a line whole and in the pieces that cuts names, and holds the
// frames against the line itself.
func FuzzRaw(f *testing.F) {
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		var whole, pieces recorder
		whole.feed(line)
		rest := line
		for _, cut := range cuts {
			n := min(int(cut), len(rest))
			pieces.feed(rest[:n])
			rest = rest[n:]
		}
		pieces.feed(rest)
		if !reflect.DeepEqual(whole.heard, pieces.heard) {
			t.Fatalf("whole: %q, in pieces: %q", whole.heard, pieces.heard)
		}
		checkContiguous(t, line, whole.frames)
		if !bytes.ContainsAny(line, "\x02\x03") {
			checkLines(t, line, whole)
		}
	})
}

// checkContiguous finds each frame in the line, behind the one before it, with
// a delimiter or the line's beginning in front and the matching end behind: no
// frame is cut, joined or invented.
func checkContiguous(t *testing.T, line []byte, frames []framing.Frame) {
	delimited := append([]byte("\r"), line...)
	from := 0
	for _, frame := range frames {
		text := string(frame.Symbology) + frame.Text
		next := -1
		for _, ends := range []string{"\r\r", "\r\n", "\n\r", "\n\n", "\x03\r", "\x03\n", "\x02\x03"} {
			if i := bytes.Index(delimited[from:], []byte(ends[:1]+text+ends[1:])); i >= 0 && (next < 0 || i < next) {
				next = i
			}
		}
		if next < 0 {
			t.Fatalf("%q is not on the line %q from %d", text, line, from)
		}
		from += next + 1 + len(text)
	}
}

// checkLines says what a line without STX and ETX must give, in another way.
func checkLines(t *testing.T, line []byte, got recorder) {
	end := bytes.LastIndexAny(line, "\r\n") + 1
	var want []string
	bad := 0
	for _, part := range bytes.FieldsFunc(line[:end], func(r rune) bool { return r == '\r' || r == '\n' }) {
		if fits(string(part)) {
			want = append(want, string(part))
		} else {
			bad++
		}
	}
	if unended := line[end:]; len(unended) > framing.MaxFrame || strings.ContainsFunc(string(unended), control) {
		bad++
	}
	var texts []string
	for _, frame := range got.frames {
		texts = append(texts, string(frame.Symbology)+frame.Text)
	}
	if !reflect.DeepEqual(texts, want) || len(got.drops) != bad {
		t.Fatalf("line %q: frames %q and %d drops, want %q and %d", line, texts, len(got.drops), want, bad)
	}
}

// fits tells whether a part of a line is a frame. A lone identifier is none.
func fits(part string) bool {
	lone := len(part) == 3 && part[0] == ']' && strings.ContainsAny(part[1:2], "ACEFGILQdez")
	if lone {
		var r recorder
		r.feed([]byte(part + "\r"))
		lone = len(r.frames) == 0
	}
	return len(part) <= framing.MaxFrame && utf8.ValidString(part) && !strings.ContainsFunc(part, control) && !lone
}

func control(r rune) bool {
	return r < ' ' && r != 0x1D || r == 0x7F
}
