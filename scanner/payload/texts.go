package payload

import (
	"strings"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload/emv"
)

// longest is what a scanner's longest frame, 4096 characters, decodes to.
const longest = 3072

// container decodes an EMV container and keeps of it what may be seen.
func container(text string) Code {
	var memory [longest]byte
	c, err := emv.Decode(memory[:0], text)
	if err != nil {
		return not(WhyEMVMalformed)
	}
	return Code{Kind: EMVContainer, last: c.LastFour()}
}

// merchant recognises a shop's code by its checksum. One that its shop printed
// badly is a shop's code all the same, so what is in it is not asked.
func merchant(text string) Code {
	if !emv.Summed(text) {
		return not(WhyMerchantSum)
	}
	return Code{Kind: MerchantCode}
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
