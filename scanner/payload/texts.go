package payload

import (
	"encoding/base64"
	"strconv"
	"strings"

	"sekisho/scanner/aim"
)

// container recognises an EMV container; what is in it is decoded elsewhere.
// RFC 4648 pads, some apps do not, so both are taken.
func container(text string) Code {
	bare := strings.TrimRight(text, "=")
	if padding := len(text) - len(bare); padding > 0 && (padding > 2 || len(text)%4 != 0) {
		return not(WhyEMVMalformed)
	}
	// DecodeString passes over line breaks, which are no part of base64.
	if _, err := base64.RawStdEncoding.DecodeString(bare); err != nil || strings.ContainsAny(bare, "\r\n") {
		return not(WhyEMVMalformed)
	}
	return Code{Kind: EMVContainer}
}

// merchant checks a shop's code: its last object is "6304" and four hexadecimal
// digits, the CRC of everything up to and including that "6304" (EMVCo MPM 1.1).
func merchant(text string) Code {
	const tag, sum = "6304", 4
	end := len(text) - sum
	if end < len(tag) || !strings.HasSuffix(text[:end], tag) {
		return not(WhyMerchantSum)
	}
	want, err := strconv.ParseUint(text[end:], 16, 16)
	if err != nil || uint16(want) != crc16(text[:end]) {
		return not(WhyMerchantSum)
	}
	return Code{Kind: MerchantCode}
}

// crc16 is the CRC of ISO/IEC 13239 as EMVCo MPM 1.1 uses it: polynomial
// 0x1021, start value 0xFFFF, nothing reflected or inverted.
func crc16(text string) uint16 {
	crc := uint16(0xFFFF)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

// eciLength is that of a change of character set in the ECI protocol: a
// backslash and six digits, "\000026" for UTF-8.
const eciLength = 7

// withoutECI gives the data without the ECI protocol around them. Under an
// identifier that names the protocol, changes of character set go and doubled
// backslashes become one. Readers have been seen to send a leading "\000026"
// without any identifier: no payment code begins with a backslash, so a leading
// change goes there too.
func withoutECI(id aim.ID, text string) string {
	switch {
	case !strings.Contains(text, `\`):
		return text
	case id.ECI():
		return unescaped(text)
	case id == "" && eciAt(text):
		return text[eciLength:]
	}
	return text
}

// unescaped undoes the ECI protocol. A lone backslash, which the protocol does
// not have, stays.
func unescaped(text string) string {
	var out strings.Builder
	for text != "" {
		switch {
		case eciAt(text):
			text = text[eciLength:]
		case strings.HasPrefix(text, `\\`):
			out.WriteByte('\\')
			text = text[2:]
		default:
			out.WriteByte(text[0])
			text = text[1:]
		}
	}
	return out.String()
}

// eciAt tells whether text begins with a change of character set.
func eciAt(text string) bool {
	return len(text) >= eciLength && text[0] == '\\' && digits(text[1:eciLength])
}
