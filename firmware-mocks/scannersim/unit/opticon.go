package unit

import "time"

// Opticon is a unit of the L-46X or MDI class. A command is ESC, letters, CR;
// only what ACK/NAK asks for is answered. Where its bytes come from: Opticon's
// own SDK (OptiConnect, its list of commands) and its MDI-2300 Serial Interface
// document as a public driver cites it; NLV-4001 Specifications Manual, chapter 10
// (beeps, light, trigger); L-46X User's Manual, page 49 (ACK/NAK control).
//
// Assumed, since none tells: somebody pulls the trigger whenever there is a
// code, but in vain between Y and Z; W0 silences the beeps that the till asks
// for too.
type Opticon struct {
	kept, held opticonSettings
	off        bool   // between Y and Z
	heard      []byte // a command, as far as it has come
	waiting    timer  // for the till's word on last
	last       []byte // as it was sent
}

// opticonSettings are lost with the power unless Z2 keeps them.
type opticonSettings struct {
	mute   bool // W0, W8
	ackNak bool // WC, WD
}

const (
	opticonAnswer  = time.Second // for ACK, NAK or DC1
	opticonLongest = 16          // bytes of a command
)

// NewOpticon makes one as it leaves the factory.
func NewOpticon() *Opticon { return &Opticon{} }

// PowerOn forgets what is not kept.
func (o *Opticon) PowerOn(time.Duration, *Out) { *o = Opticon{kept: o.kept, held: o.kept} }

// Hear takes the till's bytes.
func (o *Opticon) Hear(now time.Duration, p []byte, out *Out) {
	for _, b := range p {
		switch {
		case b == escape:
			o.heard = append(o.heard[:0], b)
		case len(o.heard) == 0:
			o.answer(now, b, out)
		case b == '\r':
			command := string(o.heard[1:])
			o.heard = o.heard[:0]
			o.obey(command, out)
		case len(o.heard) < opticonLongest:
			o.heard = append(o.heard, b)
		default:
			o.heard = o.heard[:0]
		}
	}
}

// answer takes the till's word on a code that waits for one.
func (o *Opticon) answer(now time.Duration, b byte, out *Out) {
	const dc1 = 0x11
	if !o.waiting.set {
		return
	}
	switch b {
	case ack:
		o.finish(out, BeepGood)
	case nak:
		out.Line = append(out.Line, o.last...)
		o.waiting.start(now + opticonAnswer)
	case dc1:
		o.finish(out)
	}
}

// finish ends the waiting.
func (o *Opticon) finish(out *Out, beeps ...Deed) {
	o.waiting.stop()
	o.last = nil
	o.beep(out, beeps...)
}

// beep sounds unless it is silenced.
func (o *Opticon) beep(out *Out, beeps ...Deed) {
	if !o.held.mute {
		out.Deeds = append(out.Deeds, beeps...)
	}
}

// obey does a command; one that it does not know is passed over.
func (o *Opticon) obey(command string, out *Out) {
	switch command {
	case "B":
		o.beep(out, BeepGood)
	case "E":
		o.beep(out, BeepBad)
	case "L":
		out.Deeds = append(out.Deeds, GreenOn)
	case "N":
		out.Deeds = append(out.Deeds, RedOn)
	case "Y", "Z":
		out.close(&o.off, command == "Y")
	case "W0", "W8":
		o.held.mute = command == "W0"
	case "WC", "WD":
		o.held.ackNak = command == "WC"
	case "Z2":
		o.kept = o.held
	}
}

// See reads a code, unless the last one waits for the till.
func (o *Opticon) See(now time.Duration, s Symbol, out *Out) bool {
	if o.off || o.waiting.set {
		return false
	}
	code := append([]byte(s.Data), '\r')
	out.Line = append(out.Line, code...)
	if o.held.ackNak {
		o.last = code
		o.waiting.start(now + opticonAnswer)
		return true
	}
	o.beep(out, BeepGood)
	return true
}

// Tick ends what the till has let go by.
func (o *Opticon) Tick(now time.Duration, out *Out) {
	if o.waiting.fired(now) {
		o.finish(out, BeepBad)
		out.Deeds = append(out.Deeds, Lost)
	}
}

// Due is when the waiting ends.
func (o *Opticon) Due() (time.Duration, bool) { return earliest(o.waiting) }
