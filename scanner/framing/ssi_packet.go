package framing

import "bytes"

// An SSI packet (SE-923 Integration Guide, chapter 6, and SE955 Integration Guide,
// chapter 10, "Simple Serial Interface"):
//
//	LEN OP SRC STATUS data… CKhi CKlo
//
// LEN counts everything but the checksum, 255 at most; the checksum is the two's
// complement of the 16-bit sum of all bytes before it, high byte first.
const (
	ssiHead   = 4   // LEN OP SRC STATUS
	ssiMark   = 3   // LEN OP SRC, by which a packet is told from text
	ssiSum    = 2   // the checksum
	ssiLength = 255 // the most that LEN can say

	ssiUnit  = 0x00 // SRC of the unit, "decoder"
	ssiHost  = 0x04 // SRC of the till
	ssiFirst = 0x02 // SRC of the first of several segments, observed by enioka_scan

	ssiResent    = 0x01 // STATUS bit 0: sent before
	ssiContinued = 0x02 // STATUS bit 1: more packets of this message follow
)

// Opcodes. From the unit come those of a table in the DS9908 Product Reference
// Guide ("SSI Commands") and, on newer units, segments.
const (
	opSegment    = 0x73
	opSegmentAck = 0x74
	opAskRev     = 0xA3
	opRevision   = 0xA4
	opParameter  = 0xC6
	opAck        = 0xD0
	opNak        = 0xD1
	opBeep       = 0xE6
	opLightOn    = 0xE7
	opLightOff   = 0xE8
	opEnable     = 0xE9
	opDisable    = 0xEA
	opDecode     = 0xF3
	opEvent      = 0xF6

	// opLowest bounds what a unit sends from below: what it may send on top of
	// these are answers of remote management, from 0x60 on (SE955 Integration
	// Guide, "SSI Message Formats").
	opLowest = 0x60
)

// ssiAskAgain is the data of a NAK for a packet that came damaged: RESEND.
const ssiAskAgain = "\x01"

// ssiBooted is the data of the EVENT of a unit that was switched on (DS9908
// Product Reference Guide, "Event Codes").
const ssiBooted = "\x03"

// packet is what a unit sent, less length and checksum. Status bits beyond those
// named above are set by newer units, are not documented, and mean nothing here.
type packet struct {
	op     byte
	status byte
	data   []byte
}

func (p packet) resent() bool    { return p.status&ssiResent != 0 }
func (p packet) continued() bool { return p.status&ssiContinued != 0 }

// number is that of a segment.
func (p packet) number() byte {
	if len(p.data) == 0 {
		return 0
	}
	return p.data[0]
}

// same tells whether q could be p sent again.
func (p packet) same(q packet) bool {
	return p.op == q.op && p.continued() == q.continued() && bytes.Equal(p.data, q.data)
}

// packetSpan tells how many bytes the unit's packet at the beginning of b has,
// checksum included, however few of them are there yet; 0 if none begins there.
// The zero that is SRC stands in no text, and so no text looks like a packet.
func packetSpan(b []byte) int {
	switch {
	case b[0] < ssiHead,
		len(b) > 1 && b[1] < opLowest,
		len(b) > 2 && b[2] != ssiUnit && !firstSegment(b):
		return 0
	}
	return int(b[0]) + ssiSum
}

// firstSegment tells whether b begins as the first of several segments, which is
// always full.
func firstSegment(b []byte) bool {
	return b[0] == ssiLength && b[1] == opSegment && b[2] == ssiFirst
}

// parsePacket reads a packet that fills b.
func parsePacket(b []byte) (p packet, ok bool) {
	body := b[:len(b)-ssiSum]
	sum := checksum(body)
	if b[len(body)] != byte(sum>>8) || b[len(body)+1] != byte(sum) {
		return packet{}, false
	}
	return packet{op: body[1], status: body[3], data: body[ssiHead:]}, true
}

// appendPacket writes a packet of the till.
func appendPacket(to []byte, op, status byte, data string) []byte {
	begin := len(to)
	to = append(to, byte(ssiHead+len(data)), op, ssiHost, status)
	to = append(to, data...)
	sum := checksum(to[begin:])
	return append(to, byte(sum>>8), byte(sum))
}

// checksum is what brings the sum of a packet's bytes to zero.
func checksum(body []byte) uint16 {
	var sum uint16
	for _, b := range body {
		sum += uint16(b)
	}
	return -sum
}
