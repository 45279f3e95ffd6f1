// Package framing turns the bytes of a serial line into frames, one frame for
// one scan. It is pure: no I/O and no clock, so that a test or a fuzzer can
// drive it byte by byte.
//
// A decoder stands for one family of scanners and is fed whatever the line
// gives, in pieces of any size. Raw, the family that nearly every scanner
// speaks as it leaves the factory, is the only one so far. Families with
// packets and acknowledgements are to stand beside it as types of their own
// with the same methods (Feed, Quiet, Reset).
//
// What holds for every decoder:
//
//   - A frame's text is exactly the bytes that stood between its delimiters,
//     less the AIM identifier. Nothing is trimmed: a pass is base45, whose
//     alphabet holds the space, and its last character may be one.
//   - A frame is never cut and never joined with another. Where the line left
//     doubt about an end, everything up to the next sure end is dropped: the
//     customer shows the code again, while a code cut or joined by the till
//     could be somebody else's.
//   - Whatever is dropped is reported, so that the cashier is told to scan
//     again; one bad frame is reported once, however long it is.
//   - The same bytes give the same frames however they are split.
package framing

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"sekisho/scanner/aim"
)

// MaxFrame is the longest frame in bytes, identifier included. A pass is about
// 460 characters and a reader of EMV consumer-presented codes must take 512
// (EMVCo CPM 1.1); the largest QR code holds 4,296 alphanumeric characters, but
// nothing that a till reads comes near that.
const MaxFrame = 4096

// Frame is one scan.
type Frame struct {
	Symbology aim.ID // empty when the scanner does not send identifiers
	Text      string // well-formed UTF-8, no control character but GS (0x1D); secret, it may be a payment code
}

// String tells the symbology and the length in bytes. A frame may hold a payment code,
// which no log may show, so no way of printing a frame shows its text.
func (f Frame) String() string {
	return fmt.Sprintf("frame %s %d bytes", f.Symbology.Symbology(), len(f.Text))
}

// Format makes every verb print what String says, %#v and %+v included.
func (f Frame) Format(s fmt.State, _ rune) { io.WriteString(s, f.String()) }

// LogValue is what slog writes for a frame: its String.
func (f Frame) LogValue() slog.Value { return slog.StringValue(f.String()) }

// MarshalJSON writes the String as a JSON string, so that a frame inside
// something that is logged as JSON does not give its text away.
func (f Frame) MarshalJSON() ([]byte, error) { return json.Marshal(f.String()) }

// Reason says why bytes were dropped, as a short word for machines.
type Reason string

// Why bytes never became a frame.
const (
	// Oversized: longer than MaxFrame.
	Oversized Reason = "oversized"
	// Garbled: a byte or an ending that no scanner sends on purpose. A wrong
	// baud rate looks like this.
	Garbled Reason = "garbled"
	// Unterminated: the end never came, or this came after something whose end
	// never came and may be the rest of it. A scanner set to send no suffix
	// looks like this.
	Unterminated Reason = "unterminated"
)

// Dropped reports bytes that were thrown away.
type Dropped struct {
	Reason Reason
	Bytes  int // how many had come when it was reported; more may have followed
}
