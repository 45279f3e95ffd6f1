// Package framing turns the bytes of a serial line into frames, one frame for
// one scan. It is pure: no I/O and no clock, so that a test or a fuzzer can
// drive it byte by byte.
//
// A Driver stands for one family of scanners and is fed whatever the line gives,
// in pieces of any size; what it makes of it, and what it wants to say to the
// scanner, it puts into an Out. Raw is the family that nearly every scanner
// speaks as it leaves the factory.
//
// What holds for every driver:
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
//   - A scan that a protocol can tell to be a retransmission of the one before
//     is acknowledged and gives no second frame.
//   - Start lets the unit scan, whatever it was told before the till crashed or
//     the cable was pulled, and so does Stop.
package framing

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

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

// Answer is what the unit's beep and light are to say of a scan.
type Answer uint8

// The answers. Each but Wait lets the unit scan again; a family that lacks the
// means for one does as much as it can.
const (
	// Wait: a payment is being decided; the unit is to scan nothing meanwhile.
	Wait Answer = iota + 1
	// Good: goods taken, or an approval that is on disk. Good beep, green light.
	Good
	// Bad: not taken, declined or not known. Error beep.
	Bad
	// Done: neither, such as a double read that was passed over. No sound.
	Done
)

// String names the answer in lower case.
func (a Answer) String() string {
	switch a {
	case Wait:
		return "wait"
	case Good:
		return "good"
	case Bad:
		return "bad"
	case Done:
		return "done"
	}
	return "none"
}

// Out takes what a driver makes of the line. The caller empties it between calls
// with Reset and keeps its memory.
type Out struct {
	Got  []Got  // in the order of the line
	Send []byte // for the unit, in order
}

// Reset empties an Out.
func (o *Out) Reset() {
	clear(o.Got) // texts are secret
	o.Got, o.Send = o.Got[:0], o.Send[:0]
}

// Kind is what a Got is.
type Kind uint8

// The kinds of Got.
const (
	GotFrame Kind = iota + 1 // Frame is a scan
	GotDrop                  // Dropped is what was thrown away
	GotUnit                  // Unit is what the scanner says of itself
)

// Got is one thing that came out of the line.
type Got struct {
	Kind    Kind
	Frame   Frame
	Dropped Dropped
	Unit    string // model or revision, printable ASCII, at most 200 bytes
}

// maxUnit is the most that is kept of what a unit says of itself.
const maxUnit = 200

func (o *Out) frame(f Frame) { o.Got = append(o.Got, Got{Kind: GotFrame, Frame: f}) }

func (o *Out) drop(why Reason, n int) {
	o.Got = append(o.Got, Got{Kind: GotDrop, Dropped: Dropped{Reason: why, Bytes: n}})
}

// unit reports what a unit says of itself, if anything of it can be printed.
func (o *Out) unit(says string) {
	kept := []byte(strings.TrimSpace(says))
	kept = slices.DeleteFunc(kept, func(b byte) bool { return b < ' ' || b >= del })
	if len(kept) > 0 {
		o.Got = append(o.Got, Got{Kind: GotUnit, Unit: string(kept[:min(len(kept), maxUnit)])})
	}
}

func (o *Out) say(s string) { o.Send = append(o.Send, s...) }

// Driver is one family's protocol as a state machine over bytes in and bytes
// out. Now is a clock that only grows, the same for all calls; it begins
// anywhere. A driver is not safe for concurrent use.
type Driver interface {
	// Start is called when the port was opened and is quiet. The driver forgets
	// all that was, lets the unit scan, and sets it up for as long as it has power.
	Start(now time.Duration, out *Out)
	// Feed takes what the line gave next and keeps no reference to p.
	Feed(now time.Duration, p []byte, out *Out)
	// Tick says that the line has been silent for a while, at now: about every
	// 100 ms as long as nothing comes. A deadline may also be kept in Feed.
	Tick(now time.Duration, out *Out)
	// Answer tells the unit what became of a scan. Another answer may follow, such
	// as Good after Wait, or Good long after Bad; one may come without a scan.
	Answer(now time.Duration, a Answer, out *Out)
	// Stop gives the last bytes before the port is closed on purpose.
	Stop(out *Out)
}

// Family names a family of scanners, as the setting scanner_family has it.
type Family string

// FamilyRaw is the family of Raw.
const FamilyRaw Family = "raw"

// drivers makes a driver of each family, in the order in which people are told of them.
var drivers = []struct {
	family Family
	make   func() Driver
}{
	{FamilyRaw, func() Driver { return new(Raw) }},
	{FamilyZebraSSI, func() Driver { return new(SSI) }},
	{FamilyHoneywell, func() Driver { return new(Honeywell) }},
	{FamilyNewland, func() Driver { return new(Newland) }},
	{FamilyDatalogic, func() Driver { return new(Datalogic) }},
	{FamilyDenso, func() Driver { return new(Denso) }},
	{FamilyOpticon, func() Driver { return new(Opticon) }},
}

// New makes a driver of a family; nil for one that is not known.
func New(f Family) Driver {
	for _, d := range drivers {
		if d.family == f {
			return d.make()
		}
	}
	return nil
}

// Families lists all families, FamilyRaw first.
func Families() []Family {
	out := make([]Family, len(drivers))
	for i, d := range drivers {
		out[i] = d.family
	}
	return out
}
