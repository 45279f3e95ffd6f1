// Package unit is the firmware of serial scanners of several makes, written from
// their makers' documents and not from the till's drivers, so that a mistake of
// one side does not hide in the other.
//
// # Nouns
//
// A Unit is one scanner without its eye and its cable: it is told what the eye
// read and what the till sent, and says what it puts on the line and what people
// hear and see of it. A Model is a make that can be had: Models lists them and New
// makes one. A Deed is a sound or a light. Faults decide what goes wrong between
// a unit and a till, by name and seed; a Line is a cable with faults in virtual
// time.
//
// # Guarantees
//
// A unit is pure: no goroutine, no clock, no randomness of its own. Whoever owns
// it passes the time, so that ten thousand shifts fit into a minute and the same
// shift comes out the same. Bytes are those of the documents, named at each model.
package unit

import "time"

// Symbol is what the eye read.
type Symbol struct {
	Identifier string // AIM identifier (ISO/IEC 15424), three characters such as "]E0"
	Data       string // the bytes of the symbol
}

// Deed is something that people near a unit notice.
type Deed string

// What units do.
const (
	BeepGood  Deed = "beep good"  // good read
	BeepBad   Deed = "beep bad"   // error, razz, not on file
	BeepOther Deed = "beep other" // any other: a power-up tune, a low beep
	GreenOn   Deed = "green on"   // a green light that stays, or shines for a while
	GreenOff  Deed = "green off"
	RedOn     Deed = "red on"
	Blind     Deed = "blind"  // it scans nothing until further notice
	Seeing    Deed = "seeing" // it scans again
	Lost      Deed = "lost"   // a read was given up: the till never took it
)

// AllDeeds lists them.
func AllDeeds() []Deed {
	return []Deed{BeepGood, BeepBad, BeepOther, GreenOn, GreenOff, RedOn, Blind, Seeing, Lost}
}

// Out takes what a unit does. The caller empties it between calls.
type Out struct {
	Line  []byte // for the till
	Deeds []Deed // in order
}

// Reset empties an Out and keeps its memory.
func (o *Out) Reset() { o.Line, o.Deeds = o.Line[:0], o.Deeds[:0] }

// close notes that a unit reads nothing from now on, or reads again, where shut,
// which it keeps, says otherwise.
func (o *Out) close(shut *bool, to bool) {
	if *shut == to {
		return
	}
	*shut = to
	deed := Seeing
	if to {
		deed = Blind
	}
	o.Deeds = append(o.Deeds, deed)
}

// Unit is one scanner's firmware. Now is a clock that only grows, the same for
// all calls. A unit is not safe for concurrent use.
type Unit interface {
	// PowerOn gives it power, with whatever it does then; also after it had lost
	// power, when it has forgotten all that is not stored for good.
	PowerOn(now time.Duration, out *Out)
	// Hear takes bytes from the till, in pieces of any size.
	Hear(now time.Duration, p []byte, out *Out)
	// See is told of a symbol before the eye, and says whether the unit read it:
	// one that is disabled, asleep or waiting for the till's word does not.
	See(now time.Duration, s Symbol, out *Out) (read bool)
	// Tick lets what is due at now happen.
	Tick(now time.Duration, out *Out)
	// Due is when Tick is next wanted; false if nothing waits.
	Due() (at time.Duration, waits bool)
}
