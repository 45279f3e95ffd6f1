package unit

import "time"

// Datalogic is a unit of the Magellan or PowerScan class. It hears single bytes
// and answers none of them. Where they come from: Magellan 800i Product Reference
// Guide, page 153 (what each does, and that reading stays off after F), and
// 9300i, page 469 (the bell); QD 2300 Product Reference Guide, page 179 (what
// ends the disabled state, and when B is heard); PowerScan Programming Guide, page
// 143 (30 s after a reset).
//
// Its queries i, h and s have answers that no document shows, so it is silent.
// Assumed: CR behind the code, as all these units can be set to send.
type Datalogic struct {
	switches
	disabled bool
	deaf     timer // after a reset
}

// datalogicStaysOff is for units that read nothing after F until E.
const datalogicStaysOff = "not-on-file-disables"

// datalogicReset is for how long host commands may be ignored after R.
const datalogicReset = 30 * time.Second

// NewDatalogic makes one as it leaves the factory.
func NewDatalogic() *Datalogic { return &Datalogic{switches: newSwitches(datalogicStaysOff)} }

// PowerOn makes it read, and hear at once.
func (d *Datalogic) PowerOn(time.Duration, *Out) { *d = Datalogic{switches: d.switches} }

// Hear takes the till's bytes.
func (d *Datalogic) Hear(now time.Duration, p []byte, out *Out) {
	for _, b := range p {
		if !d.deaf.set {
			d.obey(now, b, out)
		}
	}
}

// obey does what one byte says; most say nothing.
func (d *Datalogic) obey(now time.Duration, b byte, out *Out) {
	switch b {
	case 'E':
		d.enable(out)
	case 'D':
		d.disable(out, GreenOn) // it flashes
	case 'R':
		d.enable(out)
		d.deaf.start(now + datalogicReset)
		out.Deeds = append(out.Deeds, BeepOther)
	case 'B':
		if !d.disabled {
			out.Deeds = append(out.Deeds, BeepGood)
		}
	case 0x01, 0x07:
		out.Deeds = append(out.Deeds, BeepGood)
	case 'F':
		out.Deeds = append(out.Deeds, BeepBad)
		if d.programmed(datalogicStaysOff) {
			d.disable(out)
		}
	}
}

// enable makes it read.
func (d *Datalogic) enable(out *Out) {
	if d.disabled {
		d.disabled = false
		out.Deeds = append(out.Deeds, GreenOff, Seeing)
	}
}

// disable makes it read nothing, which lights may show.
func (d *Datalogic) disable(out *Out, lights ...Deed) {
	if !d.disabled {
		d.disabled = true
		out.Deeds = append(append(out.Deeds, lights...), Blind)
	}
}

// See reads a code, unless it is disabled.
func (d *Datalogic) See(_ time.Duration, s Symbol, out *Out) bool {
	if d.disabled {
		return false
	}
	out.Line = append(append(out.Line, s.Data...), '\r')
	out.Deeds = append(out.Deeds, BeepGood)
	return true
}

// Tick ends the time after a reset.
func (d *Datalogic) Tick(now time.Duration, _ *Out) { d.deaf.fired(now) }

// Due is when it hears again.
func (d *Datalogic) Due() (time.Duration, bool) { return earliest(d.deaf) }
