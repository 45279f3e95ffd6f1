package framing

import (
	"unicode/utf8"

	"sekisho/scanner/aim"
)

// Bits of a code type that say that an add-on follows the digits.
const (
	ssiAddOn2 = 0x40
	ssiAddOn5 = 0x80
)

// ssiTypes maps the code types of DECODE_DATA to symbologies. The type says less
// than an identifier: not whether a check digit was verified, nor whether ECI is
// in use. Types: Symbol CS3000 Series Product Reference Guide, table B-1, for the
// linear codes; for the rest the constants ST_… of the sample application of
// Zebra's Scanner SDK for Windows, which has the linear ones likewise.
//
// The types of EAN-8, EAN-13, UPC-A and UPC-E are E's, so that payload never
// takes their digits for a wallet's.
var ssiTypes = map[byte]aim.ID{
	0x01: "]A0",
	0x02: "]F0",
	0x03: aim.Code128,
	0x06: "]I0",
	0x07: "]G0",
	0x08: aim.EAN13, // UPC-A
	0x09: aim.EAN13, // UPC-E
	0x0A: aim.EAN8,
	0x0B: aim.EAN13,
	0x0F: aim.GS1128,
	0x10: aim.EAN13, // UPC-E1
	0x11: "]L0",     // PDF417
	0x16: aim.EAN13, // Bookland
	0x1B: "]d1",     // DataMatrix
	0x1C: aim.QR,
	0x2C: aim.QR, // Micro QR
	0x2D: "]z0",  // Aztec
	0x30: "]e0",  // GS1 DataBar
	0x31: "]e0",  // GS1 DataBar Limited
	0x32: "]e0",  // GS1 DataBar Expanded
	0xC1: aim.GS1DataMatrix,
	0xC2: aim.GS1QR,
}

// ssiSymbology is the identifier that fits a code type, empty if none is known.
// Digits and their add-on come in one text, which is what ]E3 says.
func ssiSymbology(codeType byte) aim.ID {
	if id, ok := ssiTypes[codeType]; ok {
		return id
	}
	switch addOn := codeType & (ssiAddOn2 | ssiAddOn5); addOn {
	case ssiAddOn2, ssiAddOn5:
		if ssiTypes[codeType&^addOn].EAN() {
			return aim.EAN13AndAddOn
		}
	}
	return ""
}

// ssiFrame makes a frame of a code type and its data, if it can be one.
//
// A unit may be set to send a suffix inside the packet, by default CR: one such
// ending is cut, and nothing else is. It may also be set to send AIM identifiers, which say
// more than the type; but where the two speak of different symbologies, the
// identifier was printed by somebody, and it stays in the text.
func ssiFrame(codeType byte, data []byte) (f Frame, ok bool) {
	data = withoutSuffix(data)
	for _, b := range data {
		if !printable(b) {
			return Frame{}, false
		}
	}
	if !utf8.Valid(data) {
		return Frame{}, false
	}
	text := string(data)
	typed := ssiSymbology(codeType)
	if id, rest := aim.Cut(text); id != "" && (typed == "" || typed[1] == id[1]) {
		typed, text = id, rest
	}
	return Frame{Symbology: typed, Text: text}, text != ""
}

// withoutHead cuts what newer units put between type and data: 01 and the length
// of the data, high byte first. No text can look like it. The public driver enioka_scan passes over as many
// bytes in single packets as it finds written out in segments.
func withoutHead(data []byte) []byte {
	const head = 3
	if len(data) > head && data[0] == 0x01 && int(data[1])<<8|int(data[2]) == len(data)-head {
		return data[head:]
	}
	return data
}

// withoutSuffix cuts one CR, LF or CR LF from the end.
func withoutSuffix(data []byte) []byte {
	n := len(data)
	if n > 0 && data[n-1] == lf {
		n--
		if n > 0 && data[n-1] == cr {
			n--
		}
	} else if n > 0 && data[n-1] == cr {
		n--
	}
	return data[:n]
}
