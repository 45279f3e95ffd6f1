package framing

import "time"

// line takes a byte outside of a block.
func (d *Denso) line(now time.Duration, b byte, out *Out) {
	if b == stx {
		d.open(out)
		return
	}
	from, inside := len(out.Got), d.mode == line
	d.Raw.Feed(now, []byte{b}, out)
	if d.refuse == 0 {
		d.learn(b, inside)
	}
	if len(out.Got) == from || out.Got[from].Kind != GotFrame {
		return
	}
	frame := out.Got[from].Frame
	switch {
	case frame.Symbology == "" && densoReply(frame.Text):
		out.Got = out.Got[:from]
	case d.refuse > 0:
		d.refuse--
		out.Got = out.Got[:from]
		out.drop(Garbled, len(frame.Symbology)+len(frame.Text))
	case !d.bare:
		out.Got = out.Got[:from]
		d.first, d.state = frame, densoFirst
	}
}

// second takes a byte behind the first line. One that is the check character of
// the line, or of all but its first byte, shows a block whose STX was lost or
// broken into a character, unless more than a header follows.
func (d *Denso) second(now time.Duration, b byte, out *Out) {
	switch {
	case len(d.extra) == 0 && b == lf && d.end == "\r":
		d.end = "\r\n"
	case len(d.extra) == 0 && d.mayCheck(b):
		d.extra = append(d.extra, b)
	case len(d.extra) > 0 && b != stx:
		next := d.extra[0]
		d.extra = d.extra[:0]
		d.resolve(out)
		d.take(now, next, out)
		d.take(now, b, out)
	default:
		d.resolve(out)
		d.take(now, b, out)
	}
}

// mayCheck tells whether a byte may be the check character of the first line.
func (d *Denso) mayCheck(b byte) bool {
	text := string(d.first.Symbology) + d.first.Text
	for i := range len(text) {
		b ^= text[i]
	}
	return b == 0 || b == text[0]
}

// resolve ends the doubt about the first line, by what is known of it by now.
func (d *Denso) resolve(out *Out) {
	d.state = densoPlain
	if len(d.extra) > 0 {
		out.drop(Garbled, len(d.first.Symbology)+len(d.first.Text)+2)
	} else {
		d.bare = true
		out.frame(d.first)
	}
	d.first, d.extra = Frame{}, d.extra[:0]
}

// densoReply tells whether a text is the unit's reply to a command, however late.
// One that became a frame would be answered with a beep, which the unit would reply
// to, and so for ever. No code of a till has this text.
func densoReply(text string) bool { return text == "OK" || text == "NG" }

// learn notes the terminator of a line without a header.
func (d *Denso) learn(b byte, inside bool) {
	switch {
	case inside && (b == cr || b == lf):
		d.end = terminator(b)
	case b == lf && d.end == "\r":
		d.end = "\r\n"
	}
}

// terminator is a terminator of one byte as text.
func terminator(b byte) string {
	switch b {
	case cr:
		return "\r"
	case lf:
		return "\n"
	}
	return "\x03"
}
