package framing

import (
	"time"
	"unicode/utf8"

	"sekisho/scanner/aim"
)

// The control characters of raw framing, and those with which units answer.
const (
	soh = 0x01
	stx = 0x02
	etx = 0x03
	enq = 0x05 // command not known
	ack = 0x06 // command done
	nak = 0x15 // command not done
	lf  = '\n'
	cr  = '\r'
	gs  = 0x1D // FNC1 between the fields of GS1 data: the one control character that is data
	del = 0x7F
)

// Raw decodes scanners that send the data and a terminator and wait for no
// answer. It needs no setting, because the usual terminators are told apart as
// they come:
//
//	line     data CR      data LF      data CR LF
//	framed   STX data ETX, with or without CR or LF behind it
//
// and an AIM identifier may stand in front of the data. Empty frames, such as
// the LF after a CR, are skipped in silence.
//
//	            STX                         ETX: a frame
//	   ┌──────────────▶ framed ───────────────────────────▶ idle
//	   │                  │ CR, LF, bad byte, too long
//	   │                  └────────▶ skipFramed ──ETX─────▶ idle
//	idle
//	   │  data                   CR, LF: a frame
//	   └──────────────▶ line ─────────────────────────────▶ idle
//	                      │ bad byte, too long
//	                      └────────▶ skip ──CR, LF, ETX───▶ idle
//
// STX begins a framed frame from everywhere. Silence leads from everywhere but
// idle to skip; from skipFramed to idle if CR or LF stood before it, or else a
// code that holds an STX, shown to a unit that sends lines, would cost the next.
//
// A scanner that sends no terminator at all never yields a frame. Taking
// silence for an end was weighed and refused: a line that stalls in the middle
// of a code would give half of it, and half a row of digits can be another
// payer's row of digits.
//
// Text in UTF-8 is let through, because a merchant's code (EMV MPM) may carry
// the shop's name in it and is to be answered with "this is a shop's code"; a
// byte with the high bit set that is no part of well-formed UTF-8 garbles the
// frame. Nothing that pays holds a character beyond ASCII, and package payload
// sees to that. A line break inside a symbol cannot be told from a terminator
// on a CR or LF line: such a symbol comes as several frames. No payment code
// holds one.
//
// A raw unit hears nothing, so no answer reaches it.
//
// The zero Raw is ready for use.
type Raw struct {
	mode mode
	buf  []byte
	n    int           // bytes that came since mode was entered, or since they were last reported
	told bool          // what is being skipped has been reported
	ends bool          // CR or LF came last, in something framed that is skipped
	last time.Duration // when the line last gave something
}

// stall is how long a line may be silent inside one frame. Bytes of a frame are
// 1 ms apart at 9600 baud, and USB adapters hold them back for some 16 ms;
// nobody shows two codes within 300 ms.
const stall = 300 * time.Millisecond

// mode is where in a frame the line stands.
type mode uint8

const (
	idle       mode = iota // between frames
	line                   // in data that CR or LF will end
	framed                 // in data that ETX will end
	skip                   // in something bad, up to any terminator
	skipFramed             // in something bad, up to ETX
)

// Start implements Driver.
func (r *Raw) Start(now time.Duration, _ *Out) {
	r.last = now
	r.enter(idle)
}

// Feed implements Driver.
func (r *Raw) Feed(now time.Duration, p []byte, out *Out) {
	r.last = now
	for len(p) > 0 {
		if n := r.takeData(p); n > 0 {
			p = p[n:]
			continue
		}
		switch b := p[0]; b {
		case stx:
			r.begin(out)
		case etx:
			r.endFramed(out)
		case cr, lf:
			r.endLine(out)
		default:
			r.take(b, out)
		}
		p = p[1:]
	}
}

// Tick implements Driver. What had begun before a silence longer than any inside
// one frame is dropped, and so is all that follows up to the next terminator,
// since nobody can tell whether it is the rest of the old frame or a new one.
// Without this a lost terminator would join two scans: two JAN-8 make 16 digits,
// a wallet's code.
func (r *Raw) Tick(now time.Duration, out *Out) {
	if r.mode == idle || now-r.last < stall {
		return
	}
	r.report(Unterminated, out)
	if r.ends {
		r.enter(idle)
	} else {
		r.enter(skip)
	}
}

// Answer implements Driver: a raw unit cannot be answered.
func (r *Raw) Answer(time.Duration, Answer, *Out) {}

// Stop implements Driver: a raw unit was told nothing that must be undone.
func (r *Raw) Stop(*Out) {}

// begin starts a framed frame, whatever was under way.
func (r *Raw) begin(out *Out) {
	r.report(Unterminated, out)
	r.enter(framed)
}

// endFramed is ETX: the end of a framed frame, and for everything else a place
// from which the line can be trusted again.
func (r *Raw) endFramed(out *Out) {
	switch r.mode {
	case framed:
		r.finish(out)
	case line:
		r.report(Garbled, out)
	default:
		r.report(Unterminated, out)
	}
	r.enter(idle)
}

// endLine is CR or LF.
func (r *Raw) endLine(out *Out) {
	switch r.mode {
	case line:
		r.finish(out)
	case skip:
		r.report(Unterminated, out)
	case framed:
		r.n++
		r.giveUp(Garbled, out)
		r.ends = true
		return
	case skipFramed:
		r.ends = true
		return
	}
	r.enter(idle)
}

// takeData adds what p begins with to the frame under way, as far as it is data and
// there is room, and says how many bytes that are: nearly all that ever come.
func (r *Raw) takeData(p []byte) (n int) {
	if r.mode != line && r.mode != framed {
		return 0
	}
	most := min(len(p), MaxFrame-len(r.buf))
	for n < most && printable(p[n]) {
		n++
	}
	r.buf = append(r.buf, p[:n]...)
	r.n += n
	return n
}

// take adds a byte of data.
func (r *Raw) take(b byte, out *Out) {
	if r.mode == idle {
		r.enter(line)
	}
	r.n++
	r.ends = false
	if r.mode == skip || r.mode == skipFramed {
		return
	}
	switch {
	case !printable(b):
		r.giveUp(Garbled, out)
	case len(r.buf) == MaxFrame:
		r.giveUp(Oversized, out)
	default:
		r.buf = append(r.buf, b)
	}
}

// finish makes a frame of the data, if it can be one.
func (r *Raw) finish(out *Out) {
	if len(r.buf) == 0 {
		return
	}
	id, text := aim.Cut(string(r.buf))
	if text == "" || !utf8.ValidString(text) {
		r.report(Garbled, out)
		return
	}
	out.frame(Frame{Symbology: id, Text: text})
}

// giveUp reports the frame under way and skips the rest of it.
func (r *Raw) giveUp(why Reason, out *Out) {
	r.report(why, out)
	if r.mode == framed {
		r.enter(skipFramed)
	} else {
		r.enter(skip)
	}
	r.told = true
}

// report tells of the bytes that came since the last report, unless there are
// none or they belong to something already reported.
func (r *Raw) report(why Reason, out *Out) {
	if r.n > 0 && !r.told {
		out.drop(why, r.n)
	}
}

// enter is the one place where the mode changes.
func (r *Raw) enter(m mode) {
	r.mode, r.buf, r.n, r.told, r.ends = m, r.buf[:0], 0, false, false
}

// printable tells whether a byte may stand in a frame. Bytes beyond ASCII are
// judged when the frame is complete.
func printable(b byte) bool {
	return b == gs || b >= ' ' && b != del
}
