package unit

import "time"

// Terminator is how a raw unit marks the end of a code.
type Terminator uint8

// The terminators in use; CR is the most common default.
const (
	CR     Terminator = iota // data 0D
	LF                       // data 0A
	CRLF                     // data 0D 0A
	STXETX                   // 02 data 03
)

// wrap holds what stands before and behind the data.
var wrap = [...][2]string{
	CR:     {"", "\x0D"},
	LF:     {"", "\x0A"},
	CRLF:   {"", "\x0D\x0A"},
	STXETX: {"\x02", "\x03"},
}

// Known tells whether there is such a terminator.
func (t Terminator) Known() bool { return int(t) < len(wrap) }

// RawSettings are what a raw unit is set to by its manual's menu codes. The zero
// value is a unit as it leaves the factory.
type RawSettings struct {
	Terminator Terminator
	Identifier bool // sends the AIM identifier in front of the data
}

// Raw is a unit that only speaks, like a module of the GM65's class: it sends
// what it reads, beeps at once, and listens to nothing.
type Raw struct{ settings RawSettings }

// NewRaw makes a raw unit with settings of its own; an unknown terminator counts
// as CR.
func NewRaw(settings RawSettings) *Raw {
	if !settings.Terminator.Known() {
		settings.Terminator = CR
	}
	return &Raw{settings}
}

// PowerOn does nothing that the line would tell.
func (r *Raw) PowerOn(time.Duration, *Out) {}

// Hear throws away what comes.
func (r *Raw) Hear(time.Duration, []byte, *Out) {}

// See sends the code and beeps.
func (r *Raw) See(_ time.Duration, s Symbol, out *Out) bool {
	around := wrap[r.settings.Terminator]
	out.Line = append(out.Line, around[0]...)
	if r.settings.Identifier {
		out.Line = append(out.Line, s.Identifier...)
	}
	out.Line = append(out.Line, s.Data...)
	out.Line = append(out.Line, around[1]...)
	out.Deeds = append(out.Deeds, BeepGood)
	return true
}

// Tick has nothing to do.
func (r *Raw) Tick(time.Duration, *Out) {}

// Due is never.
func (r *Raw) Due() (time.Duration, bool) { return 0, false }
