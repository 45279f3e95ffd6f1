package framing_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fate is what happens to one sending of one packet.
type fate int

const (
	arrives fate = iota
	damaged      // one bit flips
	short        // the end is cut off
	lost         // not a byte comes
	unheard      // arrives, but the till's ACK is lost
)

// unit is a scanner that sends, waits 2 s for an ACK, and sends again, twice, as
// the SE955 Integration Guide has it; a NAK makes it send again at once.
type unit struct {
	till *ssiTill
	t    *rapid.T
	name string // of the scan
	came int    // bytes of the scan that got to the till
}

// scan sends the packets of one scan. When one is not acknowledged it gives the
// rest up, and spends a second on telling so with its beeper.
func (u *unit) scan(packets [][]byte, acks []byte) {
	for i, p := range packets {
		if !u.send(fmt.Sprintf("%s packet %d", u.name, i), p, acks) {
			u.till.quiet(time.Second)
			return
		}
	}
}

// send sends a packet up to three times and tells whether it was acknowledged.
func (u *unit) send(name string, p, ack []byte) bool {
	for try := range 3 {
		if try > 0 {
			p = []byte(again(string(p)))
		}
		what := rapid.SampledFrom([]fate{arrives, arrives, arrives, damaged, short, lost, unheard}).Draw(u.t, fmt.Sprint(name, " try ", try))
		u.till.sent = nil
		u.put(u.fated(p, what))
		if what != unheard && bytes.Contains(u.till.sent, ack) {
			return true
		}
		u.wait()
	}
	return false
}

// fated is what comes of a packet on the line.
func (u *unit) fated(p []byte, what fate) []byte {
	p = bytes.Clone(p)
	switch what {
	case damaged:
		p[rapid.IntRange(0, len(p)-1).Draw(u.t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(u.t, "bit")
	case short:
		return p[:rapid.IntRange(1, len(p)-1).Draw(u.t, "cut")]
	case lost:
		return nil
	}
	return p
}

// put sends bytes to the till in two pieces.
func (u *unit) put(p []byte) {
	u.came += len(p)
	at := rapid.IntRange(0, len(p)).Draw(u.t, "piece")
	u.till.feed(p[:at])
	u.till.feed(p[at:])
}

// wait lets 2 s pass, less if the till asks for the packet again.
func (u *unit) wait() {
	nak := []byte("\x05\xd1\x04\x00\x01\xff\x25")
	for range 20 {
		if bytes.Contains(u.till.sent, nak) {
			return
		}
		u.till.quiet(100 * time.Millisecond)
	}
}

// parted is a text in the packets of one of the three ways of sending it, and the
// till's acknowledgement of each.
func parted(t *rapid.T, text string) (packets [][]byte, ack []byte) {
	ack = []byte("\x04\xd0\x04\x00\xff\x28")
	switch rapid.SampledFrom([]string{"one packet", "continued", "segments"}).Draw(t, "way") {
	case "continued":
		for len(text) > 7 {
			packets = append(packets, decodePacket(2, 0x1C, text[:7]))
			text = text[7:]
		}
		return append(packets, decodePacket(0, 0x1C, text)), ack
	case "segments":
		const room = 245 // in the first segment, which is full
		text := text + strings.Repeat("-", room-min(room, len(text)))
		return segmented(text), []byte("\x04\x74\x04\x00\xff\x84")
	}
	return [][]byte{decodePacket(0x20, 0x1C, text)}, ack
}

// segmented is a text in segments, the first with its head, the last shorter.
func segmented(text string) (packets [][]byte) {
	n := len(text)
	head := []byte{0xFF, 0x73, 2, 0, 0, 0xF3, 0, 0, byte((n + 3) >> 8), byte(n + 3), 0x1C, 1, byte(n >> 8), byte(n)}
	packets = append(packets, sealed(append(head, text[:241]...)))
	rest := text[241:]
	for number := byte(1); rest != ""; number++ {
		size := min(3, len(rest))
		packets = append(packets, unitPacket(0x73, 0, string([]byte{number})+rest[:size]))
		rest = rest[size:]
	}
	return packets
}

// sending is one scan as the unit sent it.
type sending struct {
	text         string
	began, ended time.Duration
	came         int // bytes that got to the till
}

// Scans are sent over a line that loses and breaks packets and ACKs. Each comes
// once, or the till says in time that something was dropped; none comes twice, cut,
// joined or invented. What never gave the till a byte it cannot tell of.
func TestSSIEachScanComesOnceOrIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		till := newSSITill()
		for range 6 {
			till.feed([]byte("\x04\xd0\x00\x00\xff\x2c"))
		}
		var sent []sending
		for i := range rapid.IntRange(1, 8).Draw(t, "scans") {
			text := fmt.Sprintf("SK1:%d %s", i, strings.Repeat("ABC ", rapid.IntRange(0, 6).Draw(t, "length")))
			u := unit{till: till, t: t, name: fmt.Sprint("scan ", i)}
			packets, ack := parted(t, text)
			began := till.now
			u.scan(packets, ack)
			sent = append(sent, sending{text, began, till.now, u.came})
			till.quiet(time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * 100 * time.Millisecond)
		}
		till.quiet(time.Minute)
		next := 0
		for _, s := range sent {
			for next < len(till.heard) && till.heard[next][0] == '<' {
				next++
			}
			if next < len(till.heard) && strings.TrimRight(till.heard[next], "-") == "]Q1"+s.text {
				next++
			} else if s.came > 0 && !till.dropped(s.began, s.ended+4*time.Second) {
				t.Fatalf("%q is missing and was not reported: sent %v, heard %q at %v", s.text, sent, till.heard, till.heardAt)
			}
		}
		if rest := dropless(till.heard[next:]); rest != nil {
			t.Fatalf("%q was not sent so: sent %v, heard %q", rest, sent, till.heard)
		}
	})
}

// dropped tells whether a drop was reported between two times.
func (l *ssiTill) dropped(from, to time.Duration) bool {
	for i, heard := range l.heard {
		if heard[0] == '<' && l.heardAt[i] >= from && l.heardAt[i] <= to {
			return true
		}
	}
	return false
}

// Whatever is on the line, in whatever pieces, FuzzSSI's look at it finds nothing
// wrong; here the packets have checksums that are right.
func TestSSIOnLinesOfManyPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line []byte
		for range rapid.IntRange(1, 12).Draw(t, "pieces of line") {
			line = append(line, onePiece(t)...)
		}
		cuts := rapid.SliceOfN(rapid.Byte(), 0, 12).Draw(t, "cuts")
		checkSSI(t, line, cuts)
	})
}

// onePiece is a packet, a damaged one, text or noise.
func onePiece(t *rapid.T) []byte {
	data := rapid.SampledFrom([]string{"", "A", "A\r", "\n", "\r\n", "]Q1A", "4901234567894", "B\x00", "\x01\x00\x01A", "12 F3"}).Draw(t, "data")
	status := rapid.SampledFrom([]byte{0, 0, 0, 1, 2, 3, 0x20, 0x80}).Draw(t, "status")
	switch rapid.SampledFrom([]string{"decode", "decode", "segment", "first", "other", "damaged", "text", "noise"}).Draw(t, "kind") {
	case "decode":
		return decodePacket(status, rapid.SampledFrom([]byte{0x0B, 0x1C, 0x25}).Draw(t, "type"), data)
	case "segment":
		return unitPacket(0x73, status, string([]byte{rapid.Byte().Draw(t, "number") & 3})+data)
	case "first":
		n := rapid.IntRange(0, 6).Draw(t, "total")
		return unitPacket(0x73, status, string([]byte{0, 0xF3, 0, 0, 0, byte(n + 3), 0x1C, 1, 0, byte(n)})+data)
	case "other":
		return unitPacket(rapid.SampledFrom([]byte{0xD0, 0xD1, 0xF6, 0xA4, 0x99}).Draw(t, "opcode"), status, data)
	case "damaged":
		p := decodePacket(status, 0x1C, data)
		p[rapid.IntRange(0, len(p)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return p
	case "text":
		return []byte(data + rapid.SampledFrom([]string{"\r", "\n", ""}).Draw(t, "end"))
	}
	return rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "noise")
}
