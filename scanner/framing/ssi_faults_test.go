package framing_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func TestSSILineFaults(t *testing.T) {
	second := string(decodePacket(0, 0x0A, "49400762"))
	resent := string(decodePacket(1, 0x0A, "49400762"))
	first, again := string(raw(t, ean)), string(raw(t, eanResent))
	damaged := flipped(first, 8)
	const stall, later = "300ms", "3s"
	for _, c := range []struct {
		name  string
		steps []string // bytes, or how long nothing comes
		want  []string
		naks  int
	}{
		{"two scans", []string{first, second}, []string{eanHeard, "]E449400762"}, 0},
		{"the same code scanned twice", []string{first, later, first}, []string{eanHeard, eanHeard}, 0},
		{"our ACK lost", []string{first, later, again}, []string{eanHeard}, 0},
		{"our ACK lost twice", []string{first, later, again, later, again, second}, []string{eanHeard, "]E449400762"}, 0},
		{"the first copy lost", []string{first, later, resent}, []string{eanHeard, "]E449400762"}, 0},
		{"a resent copy first of all", []string{resent}, []string{"]E449400762"}, 0},
		{"damaged, then whole", []string{damaged, again, later}, []string{eanHeard}, 1},
		{"damaged and given up", []string{damaged, later}, []string{"<garbled 20>"}, 1},
		{"damaged, and another scan", []string{damaged, later, second}, []string{"<garbled 20>", "]E449400762"}, 1},
		{"damaged, and another scan at once", []string{damaged, second}, []string{"<garbled 20>", "]E449400762"}, 1},
		{"damaged, asked for twice", []string{damaged, "400ms", damaged, "400ms", damaged, later}, []string{"<garbled 60>"}, 2},
		{"a known scan damaged", []string{first, later, flipped(again, 8), again}, []string{eanHeard, "<garbled 20>"}, 1},
		{"cut by an unplug", []string{first[:9], stall, later}, []string{"<unterminated 9>"}, 1},
		{"cut, then whole", []string{first[:9], stall, again, later}, []string{eanHeard}, 1},
		{"cut, and the rest much later", []string{first[:9], stall, first[9:], later}, []string{"<unterminated 20>"}, 1},
		{"length too long", []string{flippedBit(first, 0, 0x40), stall, again, later}, []string{eanHeard}, 1},
		{"length too short", []string{flippedBit(first, 0, 0x02), again, later}, []string{eanHeard}, 1},
		{"length too long, a packet behind", []string{flippedBit(first, 0, 0x01) + second, later}, []string{"<garbled 20>", "]E449400762"}, 1},
		{"opcode broken", []string{flippedBit(first, 1, 0x80), stall, again, later}, []string{eanHeard}, 1},
		{"source broken", []string{flippedBit(first, 2, 0x80), stall, again, later}, []string{eanHeard}, 1},
		{"a pause within", []string{first[:9], "200ms", first[9:]}, []string{eanHeard}, 0},
		{"damaged twice at once", []string{damaged, damaged, later}, []string{"<garbled 40>"}, 1},
		{"damaged, asked for, and so three times", []string{damaged, again, "1s", damaged, resent, "1s", damaged, again, "1s"}, []string{eanHeard, "]E449400762", eanHeard}, 3},
		{"high byte of the checksum broken", []string{flippedBit(first, 18, 0x01), again, later}, []string{eanHeard}, 1},
		{"what another host would send", []string{string(sealed([]byte("\x07\xf3\x04\x00\x0b12"))), later}, []string{"<garbled 9>"}, 1},
		{"checksum broken", []string{flippedBit(first, 19, 0x01), again, later}, []string{eanHeard}, 1},
		{"noise before", []string{"\xff\x80\xfe", first}, []string{"<garbled 3>", eanHeard}, 0},
		{"noise between", []string{first, "\x80\x00", again, second}, []string{eanHeard, "<garbled 2>", "]E449400762"}, 0},
		{"text after packets is no scan", []string{first, "49400762\r", stall, later}, []string{eanHeard, "<garbled 9>"}, 1},
		{"an empty scan", []string{string(unitPacket(0xF3, 0, "")), first}, []string{"<garbled 4>", eanHeard}, 0},
		{"undocumented status bits", []string{string(decodePacket(0xA4, 0x0A, "49400762"))}, []string{"]E449400762"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 3, 1000} {
				l := settled(t)
				play(l, c.steps, size)
				if !reflect.DeepEqual(l.heard, c.want) {
					t.Errorf("in pieces of %d: heard %q, want %q", size, l.heard, c.want)
				}
				if got := bytes.Count(l.sent, raw(t, hostRESEND)); got != c.naks {
					t.Errorf("in pieces of %d: %d NAKs, want %d", size, got, c.naks)
				}
			}
		})
	}
}

// play feeds steps in pieces of at most size bytes.
func play(l *ssiTill, steps []string, size int) {
	for _, step := range steps {
		if d, err := time.ParseDuration(step); err == nil {
			l.quiet(d)
			continue
		}
		for rest := []byte(step); len(rest) > 0; {
			n := min(size, len(rest))
			l.feed(rest[:n])
			rest = rest[n:]
		}
	}
}

// flipped breaks one bit of a packet's data.
func flipped(packet string, i int) string { return flippedBit(packet, i, 0x04) }

func flippedBit(packet string, i int, bit byte) string {
	b := []byte(packet)
	b[i] ^= bit
	return string(b)
}
