package framing

import (
	"bytes"
	"regexp"
	"strings"
	"time"
)

// FamilyHoneywell is the family of Honeywell.
const FamilyHoneywell Family = "honeywell"

// The escape commands of host acknowledgement. Xenon/Granit User Guide, "Host
// Acknowledgment" and "Host ACK Responses", pages 76-77 (1902) and 108-110 (1981i);
// Xenon 1900 User's Guide, pages 3-37 and 3-38. The comma is part of each.
const (
	honeywellGreen     = "\x1b1," // green light for 135 ms: the one release that makes no sound
	honeywellLongGreen = "\x1b2," // green light for 2 s
	honeywellGoodBeep  = "\x1b7," // as after a good read
	honeywellRazz      = "\x1b8," // error tone
)

// A menu command is SYN M CR, tag and sub-tag, and "!" for as long as the unit has
// power; the unit sends it back with a status in front of the "!" (Xenon 1910 User's
// Guide, chapter 12; 1450g User's Guide, pages 10-1 and 10-2). REVINF makes it tell
// its revision first, in lines such as "Product Name: Voyager 1602g" that end in
// CR LF; this is known from what programs and a unit said (HenkVanAsselt's
// python_hon_usbhid, README), not from a guide.
const (
	honeywellMenu     = "\x16M\r"
	honeywellRevision = "REVINF"
	honeywellLasting  = "!"
)

// honeywellReport is a line of the answer to REVINF. No code of a till looks like
// one: a pass has no lower case, the others have no colon and space.
var honeywellReport = regexp.MustCompile(`^([A-Z][A-Za-z ]*[a-z][A-Za-z ]*):(?: (.*))?$`)

// Honeywell drives Honeywell's units. They read like Raw.
//
// In host acknowledgement, which is off in a new unit, the unit sends a code
// without a sound and scans nothing until an escape command comes, or until 10 s
// have passed and it sounds an error. So Wait has nothing to say, and every other
// answer lets the unit go.
//
// The programming code "Host ACK On" of the unit's guide turns that on. The name
// of its menu command is in no public text that was found, so it is not sent here.
// For the same reason ACK/NAK mode is left out, and because it helps little: it has
// neither a check character, so that a wrong digit is not seen, nor a mark on what
// is sent again, so that it cannot be told from a second scan. Nor is the good read
// beep turned off (BEPBEP0), which might silence the till's beep too.
//
// The zero Honeywell is ready for use.
type Honeywell struct {
	Raw
	echo []byte   // what came of the command that ends the answer to REVINF
	says []string // name and part number, as the answer told them
}

// Start implements Driver.
func (h *Honeywell) Start(now time.Duration, out *Out) {
	h.Raw.Start(now, out)
	h.echo, h.says = h.echo[:0], nil
	out.say(honeywellGreen + honeywellMenu + honeywellRevision + honeywellLasting)
}

// Feed implements Driver.
func (h *Honeywell) Feed(now time.Duration, p []byte, out *Out) {
	for len(p) > 0 {
		n := 1
		if h.mode != idle && len(h.echo) == 0 {
			n = lineSpan(p)
		}
		h.listen(now, p[:n], out)
		p = p[n:]
	}
}

// lineSpan is how many bytes of p belong to the line under way, its end included.
func lineSpan(p []byte) int {
	if end := bytes.IndexAny(p, "\r\n\x03"); end >= 0 {
		return end + 1
	}
	return len(p)
}

// Tick implements Driver.
func (h *Honeywell) Tick(now time.Duration, out *Out) {
	if now-h.last >= stall {
		h.release(now, out)
	}
	h.Raw.Tick(now, out)
}

// Answer implements Driver.
func (h *Honeywell) Answer(_ time.Duration, a Answer, out *Out) {
	switch a {
	case Good:
		out.say(honeywellGoodBeep + honeywellLongGreen)
	case Bad:
		out.say(honeywellRazz)
	case Done:
		out.say(honeywellGreen)
	}
}

// Stop implements Driver.
func (h *Honeywell) Stop(out *Out) { out.say(honeywellGreen) }

// listen takes the rest of a line, or one byte. The answer to REVINF may come at any
// time, and to an earlier Start as well; scans may stand between its lines.
func (h *Honeywell) listen(now time.Duration, p []byte, out *Out) {
	if (h.mode == idle || len(h.echo) > 0) && h.echoes(p[0]) {
		h.last = now
		if h.echo = append(h.echo, p[0]); len(h.echo) == len(honeywellRevision)+2 {
			h.echo = h.echo[:0]
			h.introduce(out)
		}
		return
	}
	h.release(now, out)
	from := len(out.Got)
	h.Raw.Feed(now, p, out)
	h.sift(from, out)
}

// echoes tells whether b carries on the command sent back: its name, a status and
// the mark behind it.
func (h *Honeywell) echoes(b byte) bool {
	switch n := len(h.echo); {
	case n < len(honeywellRevision):
		return b == honeywellRevision[n]
	case n == len(honeywellRevision):
		return b == ack || b == nak || b == enq
	default:
		return b == honeywellLasting[0]
	}
}

// release gives back what looked like the command sent back and was not.
func (h *Honeywell) release(now time.Duration, out *Out) {
	if len(h.echo) > 0 {
		h.Raw.Feed(now, h.echo, out)
		h.echo = h.echo[:0]
	}
}

// sift takes the lines of the answer out of the frames from an index on. What came
// with an identifier was scanned.
func (h *Honeywell) sift(from int, out *Out) {
	kept := out.Got[:from]
	for _, g := range out.Got[from:] {
		line := honeywellReport.FindStringSubmatch(g.Frame.Text)
		if line == nil || g.Frame.Symbology != "" {
			kept = append(kept, g)
			continue
		}
		if len(h.says) < 2 && (line[1] == "Product Name" || line[1] == "Software Part Number") {
			h.says = append(h.says, line[2])
		}
	}
	clear(out.Got[len(kept):])
	out.Got = kept
}

// introduce reports what the unit said of itself.
func (h *Honeywell) introduce(out *Out) {
	out.unit(strings.Join(h.says, " "))
	h.says = nil
}
