package framing_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// The bytes of this file are those of the vendor's documents and of public
// drivers, written out, or put together by unitPacket from the rule for the
// checksum; none comes from the driver's own writer.
const (
	unitACK     = "04 D0 00 00 FF 2C"
	unitDenied  = "05 D1 00 00 06 FF 24"
	unitRESEND  = "05 D1 00 00 01 FF 29"
	hostACK     = "04 D0 04 00 FF 28"
	hostRESEND  = "05 D1 04 00 01 FF 25"
	hostSegment = "04 74 04 00 FF 84"

	scanEnable  = "04 E9 04 00 FF 0F"
	scanDisable = "04 EA 04 00 FF 0E"
	sendPackets = "07 C6 04 00 FF EE 01 FD 41"
	pacePackets = "08 C6 04 00 FF F0 4E 00 FC F1"
	beSilent    = "07 C6 04 00 FF 38 00 FD F8"
	sayRevision = "04 A3 04 00 FF 55"
	beepGood    = "05 E6 04 00 00 FF 11"
	beepBad     = "05 E6 04 00 10 FF 01"
	lightOn     = "05 E7 04 00 01 FF 0F"
	lightOff    = "05 E8 04 00 01 FF 0E"

	ean       = "12 F3 00 00 0B 34 39 30 31 32 33 34 35 36 37 38 39 34 FC 42"
	eanResent = "12 F3 00 01 0B 34 39 30 31 32 33 34 35 36 37 38 39 34 FC 41"
	eanHeard  = "]E04901234567894"
)

// raw makes bytes of hexadecimal.
func raw(t testing.TB, written string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(written, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// unitPacket puts a packet of the unit together by the rule for the checksum.
func unitPacket(op, status byte, data string) []byte {
	return sealed(append([]byte{byte(4 + len(data)), op, 0, status}, data...))
}

// sealed adds the checksum.
func sealed(b []byte) []byte {
	sum := 0x10000
	for _, x := range b {
		sum -= int(x)
	}
	return append(b, byte(sum>>8), byte(sum))
}

// decodePacket is a DECODE_DATA packet.
func decodePacket(status, codeType byte, data string) []byte {
	return unitPacket(0xF3, status, string([]byte{codeType})+data)
}

// ssiTill is an SSI driver and what it said.
type ssiTill struct {
	ssi   framing.SSI
	now   time.Duration
	out   framing.Out
	heard []string // as told has it
	sent  []byte   // since it was last looked at

	heardAt []time.Duration
}

func newSSITill() *ssiTill {
	l := &ssiTill{}
	l.ssi.Start(l.now, &l.out)
	l.note()
	return l
}

// settled is a till whose unit has answered all that it was told at the start.
func settled(t testing.TB) *ssiTill {
	l := newSSITill()
	for range 5 {
		l.feed(raw(t, unitACK))
	}
	l.quiet(5 * time.Second) // after which it is told once more that it may scan
	l.feed(raw(t, unitACK))
	l.sent = nil
	return l
}

func (l *ssiTill) note() {
	heard, _ := told(&l.out)
	for _, h := range heard {
		l.heard, l.heardAt = append(l.heard, h), append(l.heardAt, l.now)
	}
	l.sent = append(l.sent, l.out.Send...)
	l.out.Reset()
}

func (l *ssiTill) feed(p []byte) {
	l.ssi.Feed(l.now, p, &l.out)
	l.note()
}

// quiet lets time pass, with a tick every 100 ms.
func (l *ssiTill) quiet(d time.Duration) {
	for end := l.now + d; l.now < end; {
		l.now += 100 * time.Millisecond
		l.ssi.Tick(l.now, &l.out)
		l.note()
	}
}

func (l *ssiTill) answer(a framing.Answer) {
	l.ssi.Answer(l.now, a, &l.out)
	l.note()
}

// said gives what was sent since it was last asked, in hexadecimal.
func (l *ssiTill) said() string {
	s := fmt.Sprintf("% X", l.sent)
	l.sent = nil
	return s
}

func (l *ssiTill) expectSent(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := l.said(); got != strings.Join(want, " ") {
		t.Errorf("%s: sent %q, want %q", when, got, want)
	}
}

func (l *ssiTill) expectHeard(t *testing.T, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(l.heard, want) {
		t.Errorf("heard %.300q, want %.300q", l.heard, want)
	}
}

func TestSSISetsTheUnitUpOneOrderAtATime(t *testing.T) {
	l := newSSITill()
	l.expectSent(t, "start", scanEnable)
	for _, step := range []struct{ answer, next string }{
		{unitACK, sendPackets},
		{"05 D1 00 00 02 FF 28", pacePackets}, // BAD_CONTEXT
		{unitDenied, beSilent},
		{"04 D0 00 80 FE AC", sayRevision}, // newer units set 80 in a direct response
	} {
		l.feed(raw(t, step.answer))
		l.expectSent(t, step.answer, step.next)
	}
	l.feed(unitPacket(0xA4, 0, "PAABLS00-005-R05 N 2\x00\xff"+strings.Repeat("7", 220)))
	l.expectSent(t, "revision")
	l.expectHeard(t, "{PAABLS00-005-R05 N 2"+strings.Repeat("7", 180)+"}")
}

func TestSSIOrderIsSentThreeTimes(t *testing.T) {
	l := newSSITill()
	l.quiet(1900 * time.Millisecond)
	l.expectSent(t, "before 2 s", scanEnable)
	l.quiet(3900 * time.Millisecond)
	again := "04 E9 04 01 FF 0E"
	l.expectSent(t, "6 s", again, again)
	l.quiet(2 * time.Second)
	// A unit that lets an order go unanswered is not waited for any more.
	l.expectSent(t, "8 s", sendPackets, pacePackets, beSilent, sayRevision)
	l.quiet(time.Minute)
	l.expectSent(t, "for ever after")
	l.expectHeard(t)
}

func TestSSIOrderThatCameDamagedIsSentAgain(t *testing.T) {
	l := newSSITill()
	l.expectSent(t, "start", scanEnable)
	again := "04 E9 04 01 FF 0E"
	l.feed(raw(t, unitRESEND))
	l.expectSent(t, "first NAK", again)
	l.feed(raw(t, unitRESEND))
	l.expectSent(t, "second NAK", again)
	l.feed(raw(t, unitRESEND))
	l.expectSent(t, "third NAK", sendPackets)
	l.feed(raw(t, ean))
	l.expectSent(t, "a scan while an order waits", hostACK)
	l.expectHeard(t, eanHeard)
}

func TestSSIVerdict(t *testing.T) {
	ack := raw(t, unitACK)
	for _, c := range []struct {
		name    string
		answers []framing.Answer
		want    []string
	}{
		{"goods", []framing.Answer{framing.Good}, []string{beepGood, lightOn}},
		{"refused", []framing.Answer{framing.Bad}, []string{beepBad}},
		{"a double read", []framing.Answer{framing.Done}, nil},
		{"wait", []framing.Answer{framing.Wait}, []string{scanDisable}},
		{"wait, good", []framing.Answer{framing.Wait, framing.Good}, []string{scanDisable, scanEnable, beepGood, lightOn}},
		{"wait, bad", []framing.Answer{framing.Wait, framing.Bad}, []string{scanDisable, scanEnable, beepBad}},
		{"wait, done", []framing.Answer{framing.Wait, framing.Done}, []string{scanDisable, scanEnable}},
		{"bad, much later good", []framing.Answer{framing.Bad, framing.Good}, []string{beepBad, beepGood, lightOn}},
		{"good, then bad", []framing.Answer{framing.Good, framing.Bad}, []string{beepGood, beepBad, lightOff}},
		{"a hundred", bytesOf(framing.Good, 100), []string{beepGood, beepGood, lightOn}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := settled(t)
			for _, a := range c.answers {
				l.answer(a)
			}
			for range len(c.want) + 2 {
				l.feed(ack)
			}
			l.expectSent(t, "in all", c.want...)
		})
	}
}

func bytesOf(a framing.Answer, n int) (all []framing.Answer) {
	for range n {
		all = append(all, a)
	}
	return all
}

func TestSSIGreenLightGoesOut(t *testing.T) {
	l := settled(t)
	l.answer(framing.Good)
	l.feed(raw(t, unitACK+unitACK))
	l.expectSent(t, "good", beepGood, lightOn)
	l.quiet(1900 * time.Millisecond)
	l.expectSent(t, "1.9 s")
	l.quiet(100 * time.Millisecond)
	l.expectSent(t, "2 s", lightOff)
}

func TestSSIBeepIsNotRepeated(t *testing.T) {
	l := settled(t)
	l.answer(framing.Good)
	l.quiet(1900 * time.Millisecond)
	l.expectSent(t, "no answer", beepGood)
	l.quiet(time.Minute)
	l.expectSent(t, "never answered", lightOff)
	l.answer(framing.Wait)
	l.quiet(2 * time.Second)
	l.expectSent(t, "the next order has all its tries", scanDisable, "04 EA 04 01 FF 0D")
}

func TestI8SSIReleases(t *testing.T) {
	l := settled(t)
	l.answer(framing.Wait)
	l.ssi.Stop(&l.out)
	l.note()
	l.expectSent(t, "stop", scanDisable, scanEnable)

	l = settled(t)
	l.answer(framing.Good)
	l.ssi.Stop(&l.out)
	l.note()
	l.expectSent(t, "stop with the light on", beepGood, scanEnable, lightOff)

	// An enable that was lost three times is told again with the next answer.
	l = settled(t)
	l.answer(framing.Wait)
	l.feed(raw(t, unitACK))
	l.answer(framing.Done)
	l.quiet(time.Minute)
	l.said()
	l.answer(framing.Done)
	l.expectSent(t, "next answer", scanEnable)
	l.ssi.Start(l.now, &l.out)
	l.note()
	l.expectSent(t, "start", scanEnable)
}

func TestSSITellsNothingToAUnitThatNeverSentAPacket(t *testing.T) {
	l := newSSITill()
	l.quiet(time.Minute)
	l.feed([]byte("49400762\r"))
	l.said()
	l.answer(framing.Wait)
	l.answer(framing.Good)
	l.quiet(time.Minute)
	l.expectSent(t, "answers")
	l.expectHeard(t, "49400762")
}

func TestSSIAcknowledges(t *testing.T) {
	for _, c := range []struct{ name, line, sent, heard string }{
		{"a scan", ean, hostACK, eanHeard},
		{"an event", "05 F6 00 00 01 FF 04", hostACK, ""},
		{"an opcode nobody knows", "04 99 00 00 FF 63", hostACK, ""},
		{"the answer of remote management", "04 80 00 80 FE FC", hostACK, ""},
		{"not an ACK", unitACK, "", ""},
		{"not a NAK", unitDenied, "", ""},
		{"not a revision", "05 A4 00 00 41 FF 16", "", "{A}"},
		{"a unit that was switched on is set up", "05 F6 00 00 03 FF 02", hostACK + " " + sendPackets, ""},
		{"our own echo is no packet", hostACK + ean, hostACK, eanHeard},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := settled(t)
			l.feed(raw(t, c.line))
			if got := l.said(); got != c.sent {
				t.Errorf("sent %q, want %q", got, c.sent)
			}
			l.heard = dropless(l.heard)
			if got := strings.Join(l.heard, " "); got != c.heard {
				t.Errorf("heard %q, want %q", got, c.heard)
			}
		})
	}
}

// dropless leaves out the drops.
func dropless(heard []string) (out []string) {
	for _, h := range heard {
		if h[0] != '<' {
			out = append(out, h)
		}
	}
	return out
}

func TestSSIUnitThatLostPowerIsSetUpAgain(t *testing.T) {
	l := settled(t)
	l.feed([]byte("49400762\r"))
	l.quiet(400 * time.Millisecond)
	l.expectSent(t, "text instead of packets", hostRESEND, sendPackets)
	l.quiet(time.Minute)
	if n := bytes.Count(l.sent, raw(t, pacePackets)); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestSSISetsUpOnceForEachText(t *testing.T) {
	l := settled(t)
	for range 3 {
		l.feed([]byte("49400762\r"))
		l.quiet(time.Second)
	}
	l.quiet(10 * time.Minute)
	if n := bytes.Count(l.sent, raw(t, sendPackets)); n > 3 {
		t.Errorf("told %d times", n)
	}
}

func TestSSIDoesNotTalkOverTheUnit(t *testing.T) {
	l := settled(t)
	l.feed(raw(t, ean)[:9])
	l.answer(framing.Bad)
	l.expectSent(t, "in the middle of a packet")
	l.feed(raw(t, ean)[9:])
	l.expectSent(t, "behind it", hostACK, beepBad)
}

func TestSSIUnitThatAnswersAgainIsWaitedFor(t *testing.T) {
	l := newSSITill()
	l.quiet(time.Minute)
	l.feed(raw(t, unitACK))
	l.said()
	l.answer(framing.Wait)
	l.quiet(2 * time.Second)
	l.expectSent(t, "no answer", scanDisable, "04 EA 04 01 FF 0D")
}

func TestSSIFeedAllocatesOnceAFrame(t *testing.T) {
	l := settled(t)
	line := raw(t, ean)
	l.feed(line)
	if n := testing.AllocsPerRun(100, func() { l.out.Reset(); l.ssi.Feed(0, line, &l.out) }); n > 1 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestSSIIsAFamily(t *testing.T) {
	if _, ok := framing.New(framing.FamilyZebraSSI).(*framing.SSI); !ok {
		t.Error("zebra-ssi makes no SSI")
	}
}
