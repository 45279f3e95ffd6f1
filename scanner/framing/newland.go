package framing

import (
	"bytes"
	"strings"
	"time"
)

// FamilyNewland is the family of Newland.
const FamilyNewland Family = "newland"

// A command is newlandHead, tag, sub-tag and data joined to others by ";", and
// newlandTail; "#" makes it last until the power goes. The answer is
// newlandAnswer, "#" or "@", the same text with a status in front of each ";" or ",",
// and ETX. NLS-HR52 User Manual, "Use of Programming Command" and "Command Syntax",
// and FM530 User Manual, chapter 13.
const (
	newlandHead   = "~\x010000#"
	newlandTail   = ";\x03"
	newlandAnswer = "0000" // behind STX SOH
)

// The commands, by the pages of the NLS-FM430 User Guide (UM10054) as a public
// driver for that unit cites them; the volume of the beep, which that guide has
// not, is in public drivers for newer units.
const (
	newlandScan     = "SCNENA1"            // page 38, read bar codes: on
	newlandHold     = "SCNENA0"            // page 38, off
	newlandQuiet    = "GRBENA0"            // page 22, good read beep off
	newlandIdentify = "AIDENA1"            // page 242, AIM identifier in front of the data
	newlandName     = "QRYPDN"             // page 45, product name
	newlandVersion  = "QRYFWV"             // page 45, firmware version
	newlandGoodBeep = "BEEPON2700F100T20V" // page 38: hertz F, milliseconds T, volume V of at most 20
	newlandBadBeep  = "BEEPON400F400T20V"
	newlandGreen    = "LEDONS2C1000D" // page 38: colour C (0 red, 2 green), milliseconds D
	newlandRed      = "LEDONS0C1000D"
)

// newlandAgain is how often a unit that has not confirmed that it scans again is
// told so, once the tries are over.
const newlandAgain = 5 * time.Second

// newlandLongest is the longest answer that is listened to, in bytes.
const newlandLongest = 512

// Newland drives Newland's units. They read like Raw, with the AIM identifier
// turned on and the good read beep off, so that the unit's beep means the till's
// verdict.
//
//	          STX               SOH                  ETX: heard
//	data ──────────▶ opening ────────▶ answering ─────────────────▶ data
//	 ▲                 │ other            │ any byte that no answer has
//	 └─────────────────┘ given to Raw     └──▶ told, and Raw skips to a sure end
//
// An answer goes before the set-up that is still waiting, and of two answers that
// wait only the later is sent: it says all that the unit has to do.
//
// Not used: SCNTRG1 and SCNTRG0, which begin and end a reading and stop no unit
// that begins by itself.
//
// The zero Newland is ready for use.
type Newland struct {
	Raw
	hear   hearing
	answer []byte // what came behind STX SOH
	orders newlandOrders
	spoken bool // it has answered anything since the start
	held   bool // it is to scan nothing
	sure   bool // that it is held, as it is to be, or has said that it scans
}

// hearing is where in a unit's answer the line stands.
type hearing uint8

const (
	inData    hearing = iota // in none
	opening                  // behind an STX
	answering                // behind STX SOH
)

// Start implements Driver.
func (n *Newland) Start(now time.Duration, out *Out) {
	n.Raw.Start(now, out)
	n.hear, n.answer, n.orders = inData, n.answer[:0], newlandOrders{}
	n.spoken = false
	n.orders.later(newlandQuiet, newlandIdentify, newlandName+";"+newlandVersion)
	n.Answer(now, Done, out)
}

// Feed implements Driver.
func (n *Newland) Feed(now time.Duration, p []byte, out *Out) {
	for len(p) > 0 {
		if n.hear == inData {
			end := bytes.IndexByte(p, stx)
			if end < 0 {
				end = len(p)
			}
			n.Raw.Feed(now, p[:end], out)
			if p = p[end:]; len(p) == 0 {
				break
			}
		}
		n.take(now, p[0], out)
		p = p[1:]
	}
	n.orders.tick(now, out)
}

// Tick implements Driver.
func (n *Newland) Tick(now time.Duration, out *Out) {
	if n.hear != inData && now-n.last >= stall {
		n.interrupt(now, out)
	} else if n.hear == inData {
		n.Raw.Tick(now, out)
	}
	n.orders.tick(now, out)
	if n.spoken && !n.sure && n.orders.idleFor(now, newlandAgain) {
		n.Answer(now, Done, out)
	}
}

// Answer implements Driver.
func (n *Newland) Answer(now time.Duration, a Answer, out *Out) {
	n.held = a == Wait
	n.sure = n.held
	switch a {
	case Wait:
		n.orders.put(now, newlandOrder{newlandHold, newlandHold}, out)
	case Good:
		n.orders.put(now, newlandOrder{newlandScan + ";" + newlandGoodBeep + ";" + newlandGreen, newlandScan}, out)
	case Bad:
		n.orders.put(now, newlandOrder{newlandScan + ";" + newlandBadBeep + ";" + newlandRed, newlandScan}, out)
	case Done:
		n.orders.put(now, newlandOrder{newlandScan, newlandScan}, out)
	}
}

// Stop implements Driver.
func (n *Newland) Stop(out *Out) { out.say(newlandHead + newlandScan + newlandTail) }

// take takes a byte that may belong to an answer.
func (n *Newland) take(now time.Duration, b byte, out *Out) {
	n.last = now
	switch {
	case n.hear == inData:
		n.hear = opening
	case n.hear == opening && b == soh:
		n.report(Unterminated, out)
		n.enter(idle)
		n.hear, n.answer = answering, n.answer[:0]
	case n.hear == opening:
		n.Raw.Feed(now, []byte{stx}, out)
		n.resume(now, b, out)
	case b == etx:
		n.hear = inData
		n.heard(now, out)
	case len(n.answer) < newlandLongest && inAnswer(b):
		n.answer = append(n.answer, b)
	default:
		n.distrust(Garbled, out)
		n.told = true
		n.resume(now, b, out)
	}
}

// inAnswer tells whether a byte may stand in an answer.
func inAnswer(b byte) bool {
	return b == ack || b == nak || b == enq || b >= ' ' && b < del
}

// resume goes back to data with a byte that may be an STX.
func (n *Newland) resume(now time.Duration, b byte, out *Out) {
	if n.hear = inData; b == stx {
		n.hear = opening
		return
	}
	n.Raw.Feed(now, []byte{b}, out)
}

// interrupt is silence inside an answer or behind an STX.
func (n *Newland) interrupt(now time.Duration, out *Out) {
	if n.hear == opening {
		n.Raw.Feed(now, []byte{stx}, out)
	} else {
		n.distrust(Unterminated, out)
	}
	n.hear = inData
}

// distrust drops an answer that is none. A scan may stand in it, so Raw drops
// what follows up to the next sure end.
func (n *Newland) distrust(why Reason, out *Out) {
	out.drop(why, len(n.answer)+2)
	n.enter(skip)
}

// heard takes a whole answer.
func (n *Newland) heard(now time.Duration, out *Out) {
	text, ok := strings.CutPrefix(string(n.answer), newlandAnswer)
	if !ok || text == "" {
		return
	}
	said, about := newlandSaid(text[1:])
	out.unit(about)
	n.spoken = true
	switch done := string(rune(ack)); {
	case strings.HasPrefix(text[1:], newlandScan+done):
		n.sure = true
	case strings.HasPrefix(text[1:], newlandHold+done) && !n.held:
		n.sure = false // one bit of the command was turned round on the way
	}
	if n.orders.answered(said) {
		n.orders.proceed(now, out)
	}
}

// newlandSaid takes an answer apart: the first command that it repeats, with the
// data behind it, and what the unit says of itself.
func newlandSaid(text string) (first, about string) {
	first, _, _ = strings.Cut(text, ";")
	first = strings.TrimRight(first, string([]byte{ack, nak, enq}))
	for command := range strings.SplitSeq(text, ";") {
		command, done := strings.CutSuffix(command, string(rune(ack)))
		for _, query := range []string{newlandName, newlandVersion} {
			if value, ok := strings.CutPrefix(command, query); ok && done {
				about += " " + value
			}
		}
	}
	return first, about
}
