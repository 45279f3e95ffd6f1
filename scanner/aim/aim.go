// Package aim knows symbology identifiers, the three characters with which a
// scanner may say what kind of symbol it read (ISO/IEC 15424).
//
// An identifier is "]", one letter for the symbology and one modifier, sent in
// front of the data when the scanner is set to send it: "]E0" before the 13
// digits of an EAN-13, "]Q1" before the text of a QR code. It is a hint from
// the reader, not part of what was printed.
//
// The package guarantees two things. Cut takes nothing off a text that does
// not begin with an identifier of the table below, and takes off at most one:
// a QR code whose content begins with "]E0" cannot pass for an EAN-13 at a
// scanner that sends identifiers. Without them anybody can print anything, and
// nothing that follows may rest on the identifier alone.
package aim

import "strings"

// ID is a symbology identifier such as "]E0": three ASCII characters. The empty
// ID means that the scanner sent none.
type ID string

// Identifiers that the rest of the till asks for by name.
const (
	EAN13         ID = "]E0" // EAN-13, and UPC-A and UPC-E widened to 13 digits
	AddOn2        ID = "]E1" // a 2-digit add-on alone
	AddOn5        ID = "]E2" // a 5-digit add-on alone
	EAN13AndAddOn ID = "]E3" // EAN-13 and its add-on in one text
	EAN8          ID = "]E4" // EAN-8

	Code128 ID = "]C0" // Code 128, no FNC1 in the first two places
	GS1128  ID = "]C1" // GS1-128, FNC1 first

	QRModel1  ID = "]Q0" // QR code model 1
	QR        ID = "]Q1" // QR code, no ECI
	QRECI     ID = "]Q2" // QR code, ECI protocol in use
	GS1QR     ID = "]Q3" // GS1 QR code, no ECI
	GS1QRECI  ID = "]Q4" // GS1 QR code, ECI protocol in use
	QRFNC1ECI ID = "]Q6" // QR code, FNC1 second, ECI protocol in use

	GS1DataMatrix     ID = "]d2" // GS1 DataMatrix, no ECI
	DataMatrixECI     ID = "]d4" // DataMatrix, ECI protocol in use
	GS1DataMatrixECI  ID = "]d5" // GS1 DataMatrix, ECI protocol in use
	DataMatrixFNC1ECI ID = "]d6" // DataMatrix, FNC1 second, ECI protocol in use
)

// length is that of every identifier: flag, letter, modifier.
const length = 3

// symbology is a row of ISO/IEC 15424: what the letter stands for, and the
// modifiers that it may carry.
type symbology struct {
	name      string
	modifiers string
}

// symbologies holds what a till's scanner can be asked to read. A letter that
// is missing here is not stripped, so its data are seen as text and refused.
var symbologies = map[byte]symbology{
	'A': {"Code 39", "013457"},
	'C': {"Code 128", "0124"},
	'E': {"EAN/UPC", "01234"},
	'F': {"Codabar", "0124"},
	'G': {"Code 93", "0"},
	'I': {"ITF", "013"},
	'L': {"PDF417", "012345"},
	'Q': {"QR code", "0123456"},
	'd': {"DataMatrix", "0123456"},
	'e': {"GS1 DataBar", "0123"},
	'z': {"Aztec", "0123456789ABC"},
}

// Cut splits text, as a scanner sent it, into its identifier and the data. When
// text does not begin with an identifier of the table, the ID is empty and rest
// is text, untouched.
func Cut(text string) (id ID, rest string) {
	if len(text) < length || !ID(text[:length]).Known() {
		return "", text
	}
	return ID(text[:length]), text[length:]
}

// Known tells whether id is an identifier of the table, with a modifier that
// its symbology has.
func (id ID) Known() bool {
	if len(id) != length || id[0] != ']' {
		return false
	}
	row, ok := symbologies[id[1]]
	return ok && strings.IndexByte(row.modifiers, id[2]) >= 0
}

// Symbology names the kind of symbol, "QR code" for "]Q1"; "unknown" when the
// scanner did not say.
func (id ID) Symbology() string {
	if !id.Known() {
		return "unknown"
	}
	return symbologies[id[1]].name
}

// EAN tells whether the symbol is one of the EAN/UPC family, which carries
// goods and never a payment.
func (id ID) EAN() bool {
	return id.Known() && id[1] == 'E'
}

// GS1 tells whether the data are GS1 element strings (FNC1 in the first place,
// or GS1 DataBar, which carries nothing else).
func (id ID) GS1() bool {
	switch id {
	case GS1128, GS1QR, GS1QRECI, GS1DataMatrix, GS1DataMatrixECI:
		return true
	}
	return id.Known() && id[1] == 'e'
}

// ECI tells whether the data follow the ECI protocol of QR code and DataMatrix:
// a change of character set is written as a backslash and six digits, and a
// backslash of the data is doubled.
func (id ID) ECI() bool {
	switch id {
	case QRECI, GS1QRECI, QRFNC1ECI, DataMatrixECI, GS1DataMatrixECI, DataMatrixFNC1ECI:
		return true
	}
	return false
}

// Matrix tells whether the symbol is a QR code or a DataMatrix, the two in which
// GS1 Digital Links are printed.
func (id ID) Matrix() bool {
	return id.Known() && (id[1] == 'Q' || id[1] == 'd')
}

// Wallet tells whether wallets print their digits in this symbol: Code 128 and
// QR code are the only two observed. ITF, above all, is left out: a slanted
// scan reads a part of it and calls it the whole.
func (id ID) Wallet() bool {
	switch id {
	case Code128, QRModel1, QR, QRECI:
		return true
	}
	return false
}
