package unit

// The opcodes of SSI (SE955 Integration Guide, 72E-72322, table 10-1). Those of
// segments are in no guide: the public driver enioka_scan observed them.
const (
	opRequestRevision = 0xA3
	opReplyRevision   = 0xA4
	opAimOff          = 0xC4
	opAimOn           = 0xC5
	opParamSend       = 0xC6
	opParamRequest    = 0xC7
	opParamDefaults   = 0xC8
	opAck             = 0xD0
	opNak             = 0xD1
	opFlushQueue      = 0xD2
	opStartSession    = 0xE4
	opStopSession     = 0xE5
	opBeep            = 0xE6
	opLEDOn           = 0xE7
	opLEDOff          = 0xE8
	opScanEnable      = 0xE9
	opScanDisable     = 0xEA
	opSleep           = 0xEB
	opDecodeData      = 0xF3
	opEvent           = 0xF6
	opSegment         = 0x73
	opSegmentAck      = 0x74
)

// Why a message is refused (SE955 guide, CMD_NAK).
const (
	nakResend     = 0x01
	nakBadContext = 0x02
	nakDenied     = 0x06
)

// The bits of a status byte. The last two are set by newer units and stand in
// no document.
const (
	statusRetransmit = 0x01
	statusContinued  = 0x02
	statusPermanent  = 0x08
	statusSingle     = 0x20
	statusDirect     = 0x80
)

// What surrounds the data of a packet: length, opcode, source and status before
// it, a checksum behind, which the length does not count.
const (
	fromUnit, fromTill = 0x00, 0x04
	packetHead         = 4
	packetCheck        = 2
	packetMax          = 0xFF
)

// packet makes a unit's message; data is at most packetMax-packetHead long.
func packet(op, source, status byte, data ...byte) []byte {
	p := append([]byte{byte(packetHead + len(data)), op, source, status}, data...)
	return seal(p)
}

// seal puts the checksum behind a message: the two's complement of the sum of
// its bytes, high byte first.
func seal(p []byte) []byte {
	check := checksum(p)
	return append(p, byte(check>>8), byte(check))
}

// checksum is what makes the sum of a message and itself 0.
func checksum(p []byte) uint16 {
	var sum uint16
	for _, b := range p {
		sum += uint16(b)
	}
	return -sum
}

// sound tells whether a whole packet's checksum is right.
func sound(p []byte) bool {
	end := len(p) - packetCheck
	return checksum(p[:end]) == uint16(p[end])<<8|uint16(p[end+1])
}

// retransmitted is a packet as it is sent again.
func retransmitted(p []byte) []byte {
	again := append([]byte(nil), p[:len(p)-packetCheck]...)
	again[3] |= statusRetransmit
	return seal(again)
}

// decodeData cuts a read into packets of the older style: every one repeats the
// code type, and all but the last say that there is more.
func decodeData(kind byte, data string) [][]byte {
	const room = packetMax - packetHead - 1
	var packets [][]byte
	for len(data) > room {
		packets = append(packets, packet(opDecodeData, fromUnit, statusContinued, typed(kind, data[:room])...))
		data = data[room:]
	}
	return append(packets, packet(opDecodeData, fromUnit, 0, typed(kind, data)...))
}

// segments cuts a read into packets as newer units do: one packet if it fits;
// else numbered segments, the first with an inner head and a 02 where the
// source stands.
func segments(kind byte, data string) [][]byte {
	if packetHead+1+len(data) <= packetMax {
		return [][]byte{packet(opDecodeData, fromUnit, statusSingle, typed(kind, data)...)}
	}
	count, size := len(data)+3, len(data)
	rest := append([]byte{
		opDecodeData, 0, 0, byte(count >> 8), byte(count), kind, 1, byte(size >> 8), byte(size),
	}, data...)
	const room = packetMax - packetHead - 1
	var packets [][]byte
	for number, source := byte(0), byte(2); len(rest) > 0; number, source = number+1, fromUnit {
		piece := rest[:min(room, len(rest))]
		rest = rest[len(piece):]
		packets = append(packets, packet(opSegment, source, 0, append([]byte{number}, piece...)...))
	}
	return packets
}

// typed is a code type and the data of that type.
func typed(kind byte, data string) []byte { return append([]byte{kind}, data...) }

// codeTypes are the SSI code types by the first two characters of an AIM
// identifier, where its modifier changes nothing (Zebra Scanner SDK for Windows,
// sample application, constants ST_…).
var codeTypes = map[string]byte{
	"]A": 0x01, "]F": 0x02, "]I": 0x06, "]L": 0x11, "]z": 0x2D, "]e": 0x30,
	"]C": 0x03, "]d": 0x1B, "]Q": 0x1C,
}

// modified are those where it does.
var modified = map[string]byte{
	"]C1": 0x0F, "]d2": 0xC1, "]Q3": 0xC2, "]E4": 0x0A,
}

// The code types of EAN and UPC, and what an add-on makes of them.
const (
	typeUPCA, typeEAN13    = 0x08, 0x0B
	addOn2, addOn5         = 0x40, 0x80
	alone, andTwo, andFive = 13, 15, 18 // digits
)

// coded gives a symbol's code type and data as SSI has them; false for a
// symbology that the unit does not read. A UPC-A, which AIM writes as an EAN-13
// that begins with 0, is sent as its own 12 digits.
func coded(s Symbol) (kind byte, data string, ok bool) {
	if s.Identifier == "]E0" || s.Identifier == "]E3" {
		return codedEAN(s.Data)
	}
	if kind, ok = modified[s.Identifier]; ok {
		return kind, s.Data, true
	}
	if len(s.Identifier) == 3 {
		kind, ok = codeTypes[s.Identifier[:2]]
	}
	return kind, s.Data, ok
}

// codedEAN is for 13 digits and an add-on of 2 or 5 if there is one.
func codedEAN(data string) (kind byte, digits string, ok bool) {
	kind = typeEAN13
	switch len(data) {
	case alone:
	case andTwo:
		kind |= addOn2
	case andFive:
		kind |= addOn5
	default:
		return 0, "", false
	}
	if data[0] == '0' {
		return kind - typeEAN13 + typeUPCA, data[1:], true
	}
	return kind, data, true
}
