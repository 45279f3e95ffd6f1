package framing_test

import (
	"reflect"
	"strings"
	"testing"
)

// newerSegments are the three packets of 500 Z in a QR code, as the public driver
// enioka_scan has them in its test, with the checksums written there.
func newerSegments(t testing.TB) (one, two, three string) {
	one = string(raw(t, "FF 73 02 00 00 F3 00 00 01 F7 1C 01 01 F4")) + strings.Repeat("Z", 241) + "\xa6\xd5"
	two = string(raw(t, "FF 73 00 00 01")) + strings.Repeat("Z", 250) + "\xa6\xa9"
	three = string(raw(t, "0E 73 00 00 02")) + strings.Repeat("Z", 9) + "\xfc\x53"
	return one, two, three
}

func TestSSISegments(t *testing.T) {
	one, two, three := newerSegments(t)
	long := "]Q1" + strings.Repeat("Z", 500)
	short := string(decodePacket(0x20, 0x0A, "49400762"))
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
		acks  int
	}{
		{"whole", []string{one, two, three}, []string{long}, 3},
		{"scanned twice", []string{one, two, three, "1s", one, two, three}, []string{long, long}, 6},
		{"each twice", []string{one, one, two, two, three, three}, []string{long}, 6},
		{"the last again, much later", []string{one, two, three, "3s", three, short}, []string{long, "]E449400762"}, 4},
		{"all again, as a retransmission", []string{one, two, three, again(one), two, three}, []string{long}, 6},
		{"all again, though the first is unknown", []string{again(one), two, three}, []string{long}, 3},
		{"the second missing", []string{one, three, short}, []string{"<garbled 242>", "]E449400762"}, 2},
		{"the first missing", []string{two, three, short}, []string{"<garbled 251>", "]E449400762"}, 2},
		{"the first missing twice", []string{two, three, "5s", two, three}, []string{"<garbled 251>", "<garbled 251>"}, 4},
		{"the last missing", []string{one, two, "6s", short}, []string{"<unterminated 492>", "]E449400762"}, 2},
		{"the last late", []string{one, two, "4900ms", three, short}, []string{long, "]E449400762"}, 3},
		{"the last too late", []string{one, two, "5s", three, short}, []string{"<unterminated 492>", "]E449400762"}, 3},
		{"an ACK lost within", []string{one, two, "2s", again(two), three, short}, []string{long, "]E449400762"}, 4},
		{"each ACK lost twice", []string{one, "2s", again(one), "2s", again(one), two, "2s", again(two), "2s", again(two), three}, []string{long}, 7},
		{"an ACK lost at the last moment", []string{one, "3s", again(one), "3s", two, three}, []string{long}, 4},
		{"an ACK too many, and damage", []string{one, again(one), flipped(two, 99), again(two), three}, []string{"<garbled 242>"}, 4},
		{"out of order", []string{one, three, two, "3s", short}, []string{"<garbled 242>", "<garbled 251>", "]E449400762"}, 3},
		{"begun anew", []string{one, two, one, two, three}, []string{"<unterminated 492>", long}, 5},
		{"another scan between", []string{one, short, two, three}, []string{"<unterminated 242>", "]E449400762", "<garbled 251>"}, 3},
		{"one damaged, then whole", []string{one, flipped(two, 99), two, three, "3s"}, []string{long}, 3},
		{"one damaged and given up", []string{one, flipped(two, 99), "6s"}, []string{"<unterminated 242>"}, 1},
		{"too many bytes", []string{one, two, string(unitPacket(0x73, 0, "\x02ZZZZZZZZZZ"))}, []string{"<garbled 502>"}, 3},
		{"no number", []string{one, string(unitPacket(0x73, 0, "")), two, three}, []string{"<garbled 242>"}, 4},
		{"a number and no data", []string{one, string(unitPacket(0x73, 0, "\x01")), two, three}, []string{"<garbled 242>", "<garbled 251>"}, 4},
		{"not a scan", []string{string(unitPacket(0x73, 0, "\x00\xf4\x00\x00\x00\x04\x1c\x01\x00\x01A"))}, []string{"<garbled 11>"}, 1},
		{"two lengths that differ", []string{string(unitPacket(0x73, 0, "\x00\xf3\x00\x00\x00\x05\x1c\x01\x00\x01A"))}, []string{"<garbled 11>"}, 1},
		{"a second head is no text", []string{string(unitPacket(0x73, 0, "\x00\xf3\x00\x00\x00\x07\x1c\x01\x00\x04\x01\x00\x01A"))}, []string{"<garbled 5>"}, 1},
		{"a packet that looks like the last segment", []string{string(unitPacket(0x73, 0, "\x01A")), string(decodePacket(1, 0x01, "A"))}, []string{"<garbled 2>", "]A0A"}, 1},
		{"one segment", []string{string(unitPacket(0x73, 0, "\x00\xf3\x00\x00\x00\x04\x1c\x01\x00\x01A"))}, []string{"]Q1A"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 100, 1000} {
				l := settled(t)
				play(l, c.steps, size)
				if !reflect.DeepEqual(l.heard, c.want) {
					t.Errorf("in pieces of %d: heard %.200q, want %.200q", size, l.heard, c.want)
				}
				if got := strings.Count(string(l.sent), string(raw(t, hostSegment))); got != c.acks {
					t.Errorf("in pieces of %d: %d acknowledged, want %d", size, got, c.acks)
				}
			}
		})
	}
}

// again is a packet sent again: STATUS bit 0 and the checksum that goes with it.
func again(packet string) string {
	b := []byte(packet)
	b[3] |= 1
	return string(sealed(b[:len(b)-2]))
}

func TestSSIContinuedPackets(t *testing.T) {
	one := string(decodePacket(0x02, 0x1C, "SK1:ONE "))
	two := string(decodePacket(0x02, 0x1C, " TWO"))
	end := string(decodePacket(0x00, 0x1C, " END\r"))
	ending := string(decodePacket(0x02, 0x1C, "A\r"))
	other := string(decodePacket(0x00, 0x0A, "49400762"))
	ofAztec, aztecEnd := string(decodePacket(0x02, 0x2D, "A")), string(decodePacket(0x00, 0x2D, "B"))
	whole := "]Q1SK1:ONE  TWO END"
	full := string(decodePacket(0x02, 0x1C, strings.Repeat("7", 250)))
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"whole", []string{one, two, end}, []string{whole}},
		{"scanned twice", []string{one, two, end, "1s", one, two, end}, []string{whole, whole}},
		{"slowly", []string{one, "900ms", two, "900ms", end}, []string{whole}},
		{"given up, and another scan", []string{one, "2s", end, other}, []string{"<unterminated 9>", "<unterminated 6>", "]E449400762"}},
		{"given up, and another scan's retransmission", []string{one, "2s", again(end), other}, []string{"<unterminated 9>", "<unterminated 6>", "]E449400762"}},
		{"given up, and the beginning of another scan", []string{one, "2s", two, "3s"}, []string{"<unterminated 9>", "<unterminated 5>"}},
		{"one damaged, then whole: it may be another scan's", []string{one, flipped(two, 6), again(two), end, "3s"}, []string{"<garbled 9>", "<unterminated 6>"}},
		{"noise within", []string{one, "\xff", two, end, "3s"}, []string{"<garbled 9>", "<unterminated 6>"}},
		{"one damaged, and the next", []string{one, flipped(two, 6), end, "3s"}, []string{"<garbled 9>"}},
		{"one lost on the way, then sent again", []string{one, "2s", again(two), end}, []string{"<unterminated 9>", "<unterminated 11>"}},
		{"an ACK lost within: it may be the next part", []string{one, two, again(two), end}, []string{"<garbled 13>", "<unterminated 6>"}},
		{"the last ACK lost", []string{one, two, end, "2s", again(end), other}, []string{whole, "]E449400762"}},
		{"all again, and each a retransmission", []string{one, two, end, again(one), again(two), again(end)}, []string{whole, "<unterminated 20>"}},
		{"the first again: it may be the last that the unit sends of it", []string{again(one), two, end, other}, []string{"<unterminated 20>", "]E449400762"}},
		{"the end missing", []string{one, two, "3s", other, other}, []string{"<unterminated 13>", "]E449400762", "]E449400762"}},
		{"the end missing for good", []string{one, two, "33s", other}, []string{"<unterminated 13>", "]E449400762"}},
		{"the end late", []string{one, two, "4s", again(end), other}, []string{"<unterminated 13>", "<unterminated 6>", "]E449400762"}},
		{"another type in the middle is another scan", []string{one, other, other}, []string{"<garbled 9>", "]E449400762", "]E449400762"}},
		{"the beginning of another type in the middle", []string{one, ofAztec, aztecEnd}, []string{"<garbled 9>", "]z0AB"}},
		{"the beginning of another type behind a lost one", []string{one, "2s", two, ofAztec, aztecEnd}, []string{"<unterminated 9>", "<unterminated 5>", "]z0AB"}},
		{"an event in the middle", []string{one, string(unitPacket(0xF6, 0, "\x01")), two, end, other}, []string{"<garbled 9>", "<unterminated 11>", "]E449400762"}},
		{"an empty one in the middle", []string{one, string(unitPacket(0xF3, 0, "")), end, other}, []string{"<garbled 9>", "<unterminated 6>", "]E449400762"}},
		{"a segment in the middle", []string{one, string(unitPacket(0x73, 0, "\x01A")), end, other}, []string{"<garbled 9>", "<unterminated 6>", "]E449400762"}},
		{"like the one before", []string{string(decodePacket(2, 0x1C, "A")), string(decodePacket(2, 0x1C, "A")), string(decodePacket(0, 0x1C, "A"))}, []string{"]Q1AAA"}},
		{"the last like the one before, sent again", []string{string(decodePacket(2, 0x1C, "A")), string(decodePacket(1, 0x1C, "A"))}, []string{"<garbled 2>"}},
		{"the last empty", []string{one, two, string(decodePacket(0, 0x1C, ""))}, []string{"]Q1SK1:ONE  TWO"}},
		{"another empty", []string{one, string(decodePacket(2, 0x1C, "")), end, other}, []string{"<garbled 9>", "<unterminated 6>", "]E449400762"}},
		{"right behind one sent twice", []string{other, again(other), two, end, other}, []string{"]E449400762", "<unterminated 11>", "]E449400762"}},
		{"a single one right behind one sent twice", []string{other, again(other), end, other}, []string{"]E449400762", "<unterminated 6>", "]E449400762"}},
		{"behind one sent twice, and silence", []string{other, again(other), "300ms", one, two, end}, []string{"]E449400762", whole}},
		{"CR is cut from the end alone", []string{ending, end}, []string{"<garbled 8>"}},
		{"too long", append(repeated(full, 17), end, other), []string{"<oversized 4001>", "<unterminated 6>", "]E449400762"}},
		{"just not too long", append(repeated(full, 16), string(decodePacket(0, 0x1C, strings.Repeat("7", 96)))), []string{"]Q1" + longest}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 10000} {
				l := settled(t)
				play(l, c.steps, size)
				if !reflect.DeepEqual(l.heard, c.want) {
					t.Errorf("in pieces of %d: heard %.200q, want %.200q", size, l.heard, c.want)
				}
			}
		})
	}
}

func repeated(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}
