package framing_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// FuzzSSI feeds a line in the pieces that cuts names (the low seven bits; the high
// one lets 500 ms pass behind a piece), feeds it again byte by byte with the same
// pauses, and looks for each frame on the line in a way of its own.
func FuzzSSI(f *testing.F) {
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		if len(line) > 1<<13 || len(cuts) > 1<<6 {
			return
		}
		checkSSI(t, line, cuts)
	})
}

// failer is what checkSSI asks of a test.
type failer interface{ Fatalf(string, ...any) }

// checkSSI plays a line in both ways and holds what was heard against it.
func checkSSI(t failer, line, cuts []byte) {
	pieces, bytewise := newSSITill(), newSSITill()
	rest := line
	for _, cut := range append(bytes.Clone(cuts), 0x7F) {
		n := min(int(cut&0x7F), len(rest))
		pieces.feed(rest[:n])
		for i := range n {
			bytewise.feed(rest[i : i+1])
		}
		rest = rest[n:]
		if cut&0x80 != 0 {
			pieces.quiet(500 * time.Millisecond)
			bytewise.quiet(500 * time.Millisecond)
		}
	}
	pieces.feed(rest)
	for i := range rest {
		bytewise.feed(rest[i : i+1])
	}
	if !reflect.DeepEqual(pieces.heard, bytewise.heard) {
		t.Fatalf("in pieces: %q, byte by byte: %q", pieces.heard, bytewise.heard)
	}
	onLine := packetsOn(line)
	for _, heard := range pieces.heard {
		if heard[0] != '<' && heard[0] != '{' && !stands(line, onLine, heard) {
			t.Fatalf("%q is not on the line %q", heard, line)
		}
	}
	if most := 300 + 12*len(line) + 80*len(cuts); len(pieces.sent) > most {
		t.Fatalf("%d bytes for the unit, more than %d", len(pieces.sent), most)
	}
}

// found is a packet somewhere on a line.
type found struct {
	at, end int
	op      byte
	more    bool // STATUS says that more follow
	data    string
}

// packetsOn finds all that has a packet's length and checksum, at every byte.
func packetsOn(line []byte) (all []found) {
	for i := range line {
		n := int(line[i])
		if n < 4 || i+n+2 > len(line) || line[i+2] != 0 && line[i+2] != 2 {
			continue
		}
		p := line[i : i+n+2]
		if bytes.Equal(p, sealed(bytes.Clone(p[:n]))) {
			all = append(all, found{i, i + n + 2, p[1], p[3]&2 != 0, string(p[4:n])})
		}
	}
	return all
}

// stands tells whether what was heard stands on the line: as a line of text, in a
// packet, or in several, in their order and whole.
func stands(line []byte, on []found, heard string) bool {
	for _, ends := range []string{"\r", "\n", "\x03"} {
		if bytes.Contains(line, []byte(heard+ends)) {
			return true
		}
	}
	l := look{on: on, heard: heard, failed: map[[3]int]bool{}}
	for i, p := range on {
		switch {
		case p.op == 0xF3 && len(p.data) > 0 && l.continues(i, p.data[:1], ""),
			p.op == 0x73 && len(p.data) > 10 && l.numbered(i+1, p.end, 1, p.data[10:]):
			return true
		}
	}
	return false
}

// look is a search for what was heard among the packets of a line.
type look struct {
	on     []found
	heard  string
	failed map[[3]int]bool // begun here, with this number and this much already
}

// is tells whether data make what was heard: behind a head or an identifier or
// both, and before a suffix.
func (l look) is(data string) bool {
	for _, suffix := range []string{"", "\r", "\n", "\r\n"} {
		for _, skip := range []int{0, 3, 6} {
			if text, ok := strings.CutSuffix(data, suffix); ok && len(text) > skip && (text[skip:] == l.heard || len(l.heard) > 3 && text[skip:] == l.heard[3:]) {
				return true
			}
		}
	}
	return false
}

// continues tells whether the packet at i, and those that continue it, make what
// was heard.
func (l look) continues(i int, codeType, have string) bool {
	p := l.on[i]
	have += p.data[1:]
	if !p.more {
		return l.is(have)
	}
	key := [3]int{i, -1, len(have)}
	if l.failed[key] || len(have) > len(l.heard)+8 {
		return false
	}
	l.failed[key] = true
	for j, q := range l.on {
		if q.at >= p.end && q.op == 0xF3 && strings.HasPrefix(q.data, codeType) && l.continues(j, codeType, have) {
			return true
		}
	}
	return false
}

// numbered tells whether segments from a number on make what was heard.
func (l look) numbered(i, from, number int, have string) bool {
	if l.is(have) {
		return true
	}
	key := [3]int{i, number, len(have)}
	if l.failed[key] || len(have) > len(l.heard)+8 {
		return false
	}
	l.failed[key] = true
	for j := i; j < len(l.on); j++ {
		q := l.on[j]
		if q.at >= from && q.op == 0x73 && len(q.data) > 1 && q.data[0] == byte(number) && l.numbered(j+1, q.end, number+1, have+q.data[1:]) {
			return true
		}
	}
	return false
}
