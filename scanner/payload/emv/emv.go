// Package emv reads the two kinds of QR code that EMVCo defines for payment
// ("EMV QR Code Specification for Payment Systems", QRCPS 1.1): the one that a
// customer's phone shows and the one that stands at a shop's till.
//
// Consumer-Presented Mode is base64 of BER-TLV. Decode turns the text into
// bytes in the caller's memory and checks the whole of it once; what is read
// from the Container afterwards cannot fail and copies nothing. A container
// holds application templates in the customer's order of preference, and data
// common to all of them: an Application is one template together with those.
// Nothing primitive may be in an Application twice, and a container that has none
// cannot pay. Japan's JPQR uses the same container with another format indicator.
// Its official text is not public; what stands here of it is the reading of those
// who met such codes, so a JPQR container is refused only where it cannot be read.
//
// Merchant-Presented Mode is text: id, length and value, two digits each for
// the first two, with a checksum at the end. Lengths count characters, not
// bytes: the example B.7 of the specification has Chinese names and tells.
//
// The package guarantees three things. No input makes it panic or read beyond
// the text, and none as long as a scanner's frame keeps it busy for more than a
// few milliseconds. Whatever is
// malformed is refused with a Code and the byte at which it stands. And an
// Error holds nothing of the data, so that it may be logged (I7); a card number
// leaves the package as its last four digits only, unless the caller reads the
// object's own bytes.
package emv

import "fmt"

// Code says for machines what is wrong with a text.
type Code string

// What can be wrong with a container or a shop's code.
const (
	BadBase64     Code = "base64"         // a character, or the padding, is not base64 of RFC 4648
	BadFormat     Code = "format"         // the first object is not the format indicator, or names another format
	BadTag        Code = "tag"            // a tag that is zero or longer than three bytes; an id that is not two digits
	BadLength     Code = "length"         // a length in a form, or of a size, that the format does not allow
	Truncated     Code = "truncated"      // an object goes on beyond the end of what holds it
	Duplicate     Code = "duplicate"      // the same object twice where it may stand once
	NoApplication Code = "no-application" // no application template with a well-formed AID
	BadChecksum   Code = "checksum"       // the checksum is missing, or is not that of the text
	Missing       Code = "missing"        // an object that every shop's code must have is not there
)

// sentences say the same for people, and what to do next.
var sentences = map[Code]string{
	BadBase64:     "this is not base64: have the code shown and read again",
	BadFormat:     "the format indicator is not one that is known here: update this program, or the app that shows the code",
	BadTag:        "a tag is malformed: the app that made the code has to be mended",
	BadLength:     "a length is malformed: the app that made the code has to be mended",
	Truncated:     "an object ends beyond its template: have the code read again; if it stays, the app has to be mended",
	Duplicate:     "an object stands there twice: the app that made the code has to be mended",
	NoApplication: "no payment application is in it: have another card chosen in the app",
	BadChecksum:   "the checksum is wrong: have the code read again",
	Missing:       "an object that the format asks for is missing: whoever printed the code has to be told",
}

// Error is a text that breaks its format. Nothing of the text is in it.
type Error struct {
	Code   Code
	Offset int // byte of the text, or of the decoded bytes where the base64 is in order
}

// Error gives a sentence for people.
func (e *Error) Error() string {
	return fmt.Sprintf("emv: byte %d: %s", e.Offset, sentences[e.Code])
}
