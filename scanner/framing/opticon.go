package framing

import "time"

// FamilyOpticon is the family of Opticon.
const FamilyOpticon Family = "opticon"

// Opticon's commands: ESC, the command, CR. NLV-4001 Specifications Manual,
// chapter 10 "Universal Command", page 17, and NLV-5201 User's Manual, 3.1.1
// "Command Packet", page 31. They last until the power goes.
const (
	opticonGoodBeep  = "\x1bB\r" // "sound a good read beep"
	opticonErrorBeep = "\x1bE\r" // "sound an error beep"
	opticonGoodLight = "\x1bL\r" // "switch on good read LED"
)

// Opticon drives Opticon's units. They read like Raw.
//
// A unit set to acknowledge commands sends ACK (0x06) or NAK (0x15) outside of
// every line. They are passed over: as bytes of doubt they would be answered with
// an error beep, which the unit would acknowledge, and so for ever.
//
// Not used: Y and Z end and begin a reading, as a trigger does. Neither stops a
// unit that begins by itself, and Z in place of a release would make one that
// waits for its trigger read what happens to lie before it.
//
// The zero Opticon is ready for use.
type Opticon struct{ Raw }

// Feed implements Driver.
func (o *Opticon) Feed(now time.Duration, p []byte, out *Out) {
	from := 0
	for i, b := range p {
		if b != ack && b != nak {
			continue
		}
		o.Raw.Feed(now, p[from:i], out)
		if from = i; o.mode != line && o.mode != framed {
			from++
		}
	}
	o.Raw.Feed(now, p[from:], out)
}

// Answer implements Driver. Nothing holds such a unit, so that Wait and Done
// have nothing to say.
func (o *Opticon) Answer(_ time.Duration, a Answer, out *Out) {
	switch a {
	case Good:
		out.say(opticonGoodBeep + opticonGoodLight)
	case Bad:
		out.say(opticonErrorBeep)
	}
}
