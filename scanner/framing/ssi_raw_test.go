package framing_test

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSSIReadsTextUntilTheFirstPacket(t *testing.T) {
	packet, ack := string(raw(t, ean)), string(raw(t, unitACK))
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"text", []string{"4901234567894\r49400762\r\n"}, []string{"4901234567894", "49400762"}},
		{"a digit is a length, and waits for nothing", []string{"0\r"}, []string{"0"}},
		{"a small letter is an opcode, and waits for nothing", []string{"0s\r"}, []string{"0s"}},
		{"a terminator is a length, and waits for nothing", []string{"12\r"}, []string{"12"}},
		{"STX ETX", []string{"\x0212\x03"}, []string{"12"}},
		{"UTF-8", []string{"東京\r"}, []string{"東京"}},
		{"packets", []string{packet, packet}, []string{eanHeard, eanHeard}},
		{"text, then packets", []string{"12\r", packet, "34\r", "3s"}, []string{"12", eanHeard, "<garbled 3>"}},
		{"text, then an ACK, then text", []string{"12\r", ack, "34\r", "3s"}, []string{"12", "<garbled 3>"}},
		{"text without a terminator, then a packet", []string{"12", packet}, []string{"<unterminated 2>", eanHeard}},
		{"a packet inside STX ETX", []string{"\x0212" + packet + "34\x03", "3s"}, []string{"<unterminated 2>", eanHeard, "<garbled 3>"}},
		{"text that stalls", []string{"12", "300ms", "34\r", "56\r"}, []string{"<unterminated 2>", "<unterminated 2>", "56"}},
		{"one digit that stalls", []string{"1", "300ms", "2\r", "34\r"}, []string{"<unterminated 1>", "<unterminated 1>", "34"}},
		{"a damaged packet gives no text", []string{flipped(string(decodePacket(0, 0x1C, "A\rB\rC\r")), 7), "34\r56\r"}, []string{"<garbled 1>", "56"}},
		{"nor does a cut one", []string{string(decodePacket(0, 0x1C, "A\rB\rC\r"))[:10], "300ms", "34\r56\r"}, []string{"<garbled 1>", "<unterminated 2>", "56"}},
		{"text on both sides of a damaged packet is not joined", []string{"12" + flipped(packet, 8) + "34\r56\r"}, []string{"<garbled 3>", "56"}},
		{"a damaged packet, then a whole one", []string{flipped(packet, 8), packet}, []string{"<garbled 1>", eanHeard}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 1000} {
				l := newSSITill()
				play(l, c.steps, size)
				if !reflect.DeepEqual(l.heard, c.want) {
					t.Errorf("in pieces of %d: heard %q, want %q", size, l.heard, c.want)
				}
			}
		})
	}
}

// A line that holds no packet gives what Raw gives, byte for byte as soon.
func TestSSIReadsLinesAsRawDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, r := newSSITill(), recorder{}
		r.raw.Start(0, &r.out)
		words := []string{"4901234567894", "0", "s", "0s", "\r", "\n", "\r\n", "\x02", "\x03", "]E0", " ", "東", "\x80", "\xf3", "\x01", "\x7f", "12 "}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "quiet") == 0 {
				l.quiet(300e6)
				r.quiet()
				continue
			}
			word := rapid.SampledFrom(words).Draw(t, "word")
			l.feed([]byte(word))
			r.feed([]byte(word))
		}
		// Two bytes may wait for a third that tells them from a packet; a line's
		// end does not.
		l.quiet(300e6)
		r.quiet()
		if got, want := counted(l.heard), counted(r.heard); !reflect.DeepEqual(got, want) {
			t.Fatalf("heard %q, want %q", l.heard, r.heard)
		}
	})
}

// counted leaves the number of bytes out of the drops: it depends on when they
// are reported.
func counted(heard []string) (out []string) {
	for _, h := range heard {
		if h[0] == '<' {
			h, _, _ = strings.Cut(h, " ")
		}
		out = append(out, h)
	}
	return out
}
