package framing_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What a unit sends again after the till's start was begun before it, and may be
// the rest of a code of which the till that was knew the beginning.
func TestSSIBelievesNoRestOfACodeFromBeforeTheStart(t *testing.T) {
	rest := string(decodePacket(1, 0x1C, "0 END"))
	part := string(decodePacket(3, 0x1C, "0 TWO"))
	end := string(decodePacket(0, 0x1C, "0 END"))
	other := string(decodePacket(0, 0x0A, "49400762"))
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"the last part", []string{rest, "3s", rest, other}, []string{"<unterminated 6>", "]E449400762"}},
		{"a part, and the last", []string{part, end, end}, []string{"<unterminated 12>", "]Q10 END"}},
		{"the last part 9.9 s later", []string{"9900ms", rest}, []string{"<unterminated 6>"}},
		{"a unit that was silent for 10 s had nothing to send", []string{"10s", rest}, []string{"]Q10 END"}},
		{"a unit that sends something new is through with the old", []string{other, "3s", rest}, []string{"]E449400762", "]Q10 END"}},
		{"an EAN is always whole", []string{again(other)}, []string{"]E449400762"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newSSITill()
			for range 5 {
				l.feed(raw(t, unitACK))
			}
			play(l, c.steps, 100)
			if !reflect.DeepEqual(l.heard, c.want) {
				t.Errorf("heard %q, want %q", l.heard, c.want)
			}
		})
	}
}

// A read of several packets that meets the set-up is given up: the unit may have
// forgotten it at the order.
func TestSSIGivesUpPartsThatMeetTheSetUp(t *testing.T) {
	one, end := decodePacket(2, 0x1C, "ONE"), decodePacket(0, 0x1C, "END")
	for acks, want := range [][]string{
		{"<garbled 4>", "<unterminated 4>", "]Q1END"}, // scan enable is on its way, and the parameters wait
		{"<garbled 4>", "<unterminated 4>", "]Q1END"},
		{"<garbled 4>", "<unterminated 4>", "]Q1END"},
		{"<garbled 4>", "<unterminated 4>", "]Q1END"}, // silence at decode
		{"]Q1ONEEND", "]Q1END"},                       // the revision
	} {
		l := newSSITill()
		for range acks {
			l.feed(raw(t, unitACK))
		}
		l.feed(one)
		l.feed(end)
		l.feed(end)
		if !reflect.DeepEqual(l.heard, want) {
			t.Errorf("%d ACKs before: heard %q, want %q", acks, l.heard, want)
		}
	}
}

// A beep or a light between two parts would cross the unit's packets.
func TestSSISaysNothingBetweenParts(t *testing.T) {
	l := settled(t)
	l.feed(decodePacket(2, 0x1C, "ONE"))
	l.said()
	l.answer(1)
	l.answer(2)
	l.expectSent(t, "between parts")
	l.feed(decodePacket(0, 0x1C, "END"))
	l.expectSent(t, "behind them", hostACK, scanEnable)
}

// An item that comes again long after cannot be a retransmission, whatever the
// unit says: the first copy was lost.
func TestSSIRetransmissionEnds(t *testing.T) {
	first, resent := string(raw(t, ean)), string(raw(t, eanResent))
	l := settled(t)
	play(l, []string{first, "29900ms", resent, "29900ms", resent, "30s", resent}, 100)
	l.expectHeard(t, eanHeard, eanHeard)

	one, two, three := newerSegments(t)
	l = settled(t)
	play(l, []string{one, two, three, "29s", again(one), two, three, "30s", again(one), two, three}, 1000)
	long := "]Q1" + strings.Repeat("Z", 500)
	l.expectHeard(t, long, long)
}

// A customer can show a code that holds bytes of a packet to a unit that sends
// text. It may cost the till its belief in text, but not for good.
func TestSSICodeThatHoldsAPacket(t *testing.T) {
	hostile := string(raw(t, unitACK)) + "\r"
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"then text", []string{hostile, "1s", "11\r", "1s", "22\r", "1s", "33\r", "44\r"}, []string{"<unterminated 1>", "11", "22", "33", "44"}},
		{"behind half a line", []string{"12" + hostile, "1s", "11\r"}, []string{"<unterminated 2>", "<unterminated 1>", "11"}},
		{"then text that ends in LF", []string{hostile, "1s", "11\n", "1s", "22\r\n"}, []string{"<unterminated 1>", "11", "22"}},
		{"again and again", []string{hostile, "1s", "11\r", "1s", "22\r", hostile, "1s", "33\r", "1s", "44\r"}, []string{"<unterminated 1>", "11", "22", "<unterminated 1>", "33", "44"}},
		{"without a pause", []string{hostile + "11\r22\r", "1s", "33\r", "1s", "44\r"}, []string{"<garbled 7>", "33", "44"}},
		{"text behind two packets", []string{hostile[:6] + hostile, "1s", "11\r", "1s", "22\r"}, []string{"<unterminated 1>", "<garbled 3>", "22"}},
	} {
		l := newSSITill()
		play(l, append(c.steps, "3s"), 100)
		if !reflect.DeepEqual(l.heard, c.want) {
			t.Errorf("%s: heard %q, want %q", c.name, l.heard, c.want)
		}
	}
}

// Damage that is no line of text leaves the till with packets: behind a lost head
// the data of a packet may look like a code.
func TestSSIDamageIsNoText(t *testing.T) {
	tail := string(decodePacket(0, 0x0B, "4901234567894\r"))[7:]
	for _, damage := range []string{tail, "\xb4\xb9\xb0\r", "49012", "\x0249\r", "49\x00\r"} {
		l := settled(t)
		play(l, []string{damage, "1s", damage, "1s", damage, "1s", "49400762\r", "1s", damage, "1s", "49400762\r", "3s", damage, "1s"}, 100)
		for _, heard := range dropless(l.heard) {
			t.Errorf("after %q: heard %q", damage, heard)
		}
	}
}

// Text without an end is not what Raw could read.
func TestSSITextWithoutAnEndIsNoLine(t *testing.T) {
	l := settled(t)
	play(l, []string{"49012", "1s", "49012", "1s", "49400762\r", "3s"}, 100)
	if heard := dropless(l.heard); heard != nil {
		t.Errorf("heard %q", heard)
	}
}

// Only text, which a unit sends that was switched off and on, has it set up again:
// after damage the unit sends its packet again, and should not be disturbed.
func TestSSISetsTheUnitUpAgainAfterTextAlone(t *testing.T) {
	for _, c := range []struct {
		damage string
		sets   int
	}{
		{"49400762", 1}, {"49400762\r", 1},
		{string(raw(t, ean))[:9], 0}, {string(raw(t, ean))[1:], 0}, {"\xb4\xb9", 0}, {"12\x00", 0},
	} {
		l := settled(t)
		l.feed([]byte(c.damage))
		l.quiet(time.Second)
		if got := bytes.Count(l.sent, raw(t, sendPackets)); got != c.sets {
			t.Errorf("%q: set up %d times, want %d", c.damage, got, c.sets)
		}
	}
}
