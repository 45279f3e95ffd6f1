package unit

import (
	"slices"
	"time"
)

// Honeywell is a corded imager of the Xenon and Voyager class on a serial line.
// Where its bytes come from:
//
//   - Menu commands, their answers and queries: HH1800 User Guide, chapter 9,
//     pages 163 to 166; also 1450g User's Guide, pages 10-1 and 10-2.
//   - The suffix: the RS-232 Interface bar code programs CR LF (2020/4820/4820i
//     User's Guide, page 2-2); VSUFCR, one CR instead, as public drivers send it.
//   - Good-read beep (BEPBEP), revision (REVINF, and the form of its answer), and
//     SYN BEL CR, a beep: as public drivers send and received them.
//   - Trigger commands: N86 Decoded Engine User's Guide, page 10-4.
//   - ACK/NAK and XON/XOFF: Xenon/Granit User Guide, page 38. The 2 s for the
//     till's answer: N431X User's Guide, page 2-20 (Communication Timeout).
//   - Host acknowledgement: Xenon Series User Guide, page 111; 1900 User's Guide,
//     page 3-38.
//
// The modes of the last two items are programmed: their menu commands are in no
// document that could be had. Assumed, since none tells: a read that waits for
// ACK is given up when the time is over; of reads made after XOFF one is kept;
// a command that a control byte breaks off is forgotten; and, unless the serial
// trigger is programmed, somebody pulls the trigger whenever there is a code.
type Honeywell struct {
	switches
	kept, held             values // settings that last without power, and those that hold now
	keptSuffix, heldSuffix string

	heard []byte // a command, as far as it has come

	waiting timer  // ACK/NAK: for the till's word on last
	last    []byte // as it was sent
	holding timer  // host acknowledgement: for an escape command
	pulled  bool   // the serial trigger
	letGo   timer  // when it lets go by itself

	stopped bool   // XOFF
	unsaid  []byte // what XOFF keeps back
}

// What can be programmed into a Honeywell.
const (
	honeywellHostAck = "host-ack"
	honeywellAckNak  = "ack-nak"
	honeywellXonXoff = "xon-xoff"
	honeywellAimID   = "aim-id"
	honeywellTrigger = "serial-trigger"
)

const (
	honeywellAnswer = 2 * time.Second  // for ACK or NAK
	honeywellHold   = 10 * time.Second // for an escape command

	// honeywellLongest is more than any sensible command, and honeywellUnsaid
	// than any code.
	honeywellLongest = 512
	honeywellUnsaid  = 8192
)

// honeywellRevision is what REVINF tells, line by line as a Voyager 1602g does;
// the names are ours.
const honeywellRevision = "Product Name: scannersim honeywell\r\nSoftware Revision: 1\r\n"

// honeywellSettings are those that mean something to a till. Codabar and the
// baud rate are the manual's own examples; a pty has none.
var honeywellSettings = []setting{
	honeywellBeep:    {"BEPBEP", 1, 0, 1},
	honeywellReading: {"TRGSTO", 30000, 0, 300000}, // ms that a serial trigger lasts, 0 for ever
	honeywellCodabar: {"CBRENA", 1, 0, 1},
	honeywellBaud:    {"232BAD", 9, 0, 9},
}

// Places in honeywellSettings.
const (
	honeywellBeep = iota
	honeywellReading
	honeywellCodabar
	honeywellBaud
)

// NewHoneywell makes one as it leaves the factory, set to RS-232.
func NewHoneywell() *Honeywell {
	h := &Honeywell{
		switches:   newSwitches(honeywellHostAck, honeywellAckNak, honeywellXonXoff, honeywellAimID, honeywellTrigger),
		keptSuffix: "\r\n",
	}
	h.kept = h.menu('.').fresh()
	h.PowerOn(0, nil)
	return h
}

// PowerOn forgets what is not kept.
func (h *Honeywell) PowerOn(time.Duration, *Out) {
	*h = Honeywell{
		switches: h.switches,
		kept:     h.kept, held: slices.Clone(h.kept),
		keptSuffix: h.keptSuffix, heldSuffix: h.keptSuffix,
	}
}

// say puts bytes on the line, or keeps them back while XOFF holds.
func (h *Honeywell) say(p []byte, out *Out) {
	switch {
	case !h.stopped:
		out.Line = append(out.Line, p...)
	case len(h.unsaid)+len(p) <= honeywellUnsaid:
		h.unsaid = append(h.unsaid, p...)
	}
}

// See reads a code, unless the last one waits for the till.
func (h *Honeywell) See(now time.Duration, s Symbol, out *Out) bool {
	dark := h.programmed(honeywellTrigger) && !h.pulled
	if h.waiting.set || h.holding.set || len(h.unsaid) > 0 || dark {
		return false
	}
	h.unpull()
	code := h.frame(s)
	h.say(code, out)
	if !h.programmed(honeywellHostAck) && h.held[honeywellBeep] == 1 {
		out.Deeds = append(out.Deeds, BeepGood)
	}
	if h.programmed(honeywellAckNak) {
		h.last = code
		h.waiting.start(now + honeywellAnswer)
	}
	if h.programmed(honeywellHostAck) {
		h.holding.start(now + honeywellHold)
		out.Deeds = append(out.Deeds, Blind)
	}
	return true
}

// frame is what a symbol is on the line.
func (h *Honeywell) frame(s Symbol) []byte {
	var code []byte
	if h.programmed(honeywellAimID) {
		code = append(code, s.Identifier...)
	}
	return append(append(code, s.Data...), h.heldSuffix...)
}

// Tick ends what the till has let go by.
func (h *Honeywell) Tick(now time.Duration, out *Out) {
	if h.waiting.fired(now) {
		h.last = nil
		out.Deeds = append(out.Deeds, Lost)
	}
	if h.holding.fired(now) {
		out.Deeds = append(out.Deeds, BeepBad, Seeing)
	}
	if h.letGo.fired(now) {
		h.pulled = false
	}
}

// Due is when the first of its times is over.
func (h *Honeywell) Due() (time.Duration, bool) { return earliest(h.waiting, h.holding, h.letGo) }
