package framing

import "time"

// FamilyDatalogic is the family of Datalogic.
const FamilyDatalogic Family = "datalogic"

// The host commands of Datalogic's RS-232 and USB-COM interfaces, one byte each,
// never answered. Magellan 9300i/9400i Product Reference Guide, appendix E "Host
// Commands", and Magellan 800i Product Reference Guide, appendix F; the QD2300's
// appendix G and the PowerScan's appendix A have all but the third.
const (
	datalogicEnable    = "E"    // scan
	datalogicDisable   = "D"    // scan nothing, until told to or without power
	datalogicNotOnFile = "F"    // series of beeps; many units scan nothing after it until told to
	datalogicGoodTone  = "\x01" // good read tone, even where the unit's own is turned off
)

// datalogicAgain is how often a unit that is not held is told to scan. Nothing is
// answered, so nobody knows whether it heard the last time: an E that is lost, or
// one bit of it, which makes it a D, would leave the unit blind.
const datalogicAgain = 3 * time.Second

// Datalogic drives Datalogic's units, in and on the counter. They read like Raw.
//
// Not used: R resets the unit, which may then be deaf for 30 s. B is silent
// where the good read tone is turned off, and it should be, so that the only good
// tone is the till's; no command turns it off, the unit's programming codes do.
// The requests i, h and s have answers that the guides do not describe. The
// sequences ESC [ 3 q and the like, which beep and light up hand-held units
// (QuickScan I, Gryphon), belong to no unit that has the commands above.
//
// The zero Datalogic is ready for use.
type Datalogic struct {
	Raw
	held bool
	said time.Duration // when the unit was last told anything
}

// Start implements Driver.
func (d *Datalogic) Start(now time.Duration, out *Out) {
	d.Raw.Start(now, out)
	d.Answer(now, Done, out)
}

// Tick implements Driver.
func (d *Datalogic) Tick(now time.Duration, out *Out) {
	d.Raw.Tick(now, out)
	if !d.held && now-d.said >= datalogicAgain {
		d.Answer(now, Done, out)
	}
}

// Answer implements Driver. The unit is let go before its tone, so that a tone
// that is lost costs a beep and not the scanner; but after the other tone, which
// itself stops many units.
func (d *Datalogic) Answer(now time.Duration, a Answer, out *Out) {
	d.held, d.said = a == Wait, now
	switch a {
	case Wait:
		out.say(datalogicDisable)
	case Good:
		out.say(datalogicEnable + datalogicGoodTone)
	case Bad:
		out.say(datalogicNotOnFile + datalogicEnable)
	case Done:
		out.say(datalogicEnable)
	}
}

// Stop implements Driver.
func (d *Datalogic) Stop(out *Out) { out.say(datalogicEnable) }
