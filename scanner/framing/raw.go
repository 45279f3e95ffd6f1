package framing

import (
	"unicode/utf8"

	"sekisho/scanner/aim"
)

// The control characters of raw framing.
const (
	stx = 0x02
	etx = 0x03
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
// STX begins a framed frame from everywhere; Quiet leads from everywhere but
// idle to skip.
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
// The zero Raw is ready for use. It is not safe for concurrent use.
type Raw struct {
	mode mode
	buf  []byte
	n    int  // bytes that came since mode was entered, or since they were last reported
	told bool // what is being skipped has been reported
}

// mode is where in a frame the line stands.
type mode uint8

const (
	idle       mode = iota // between frames
	line                   // in data that CR or LF will end
	framed                 // in data that ETX will end
	skip                   // in something bad, up to any terminator
	skipFramed             // in something bad, up to ETX
)

// Feed takes what the line gave next, in pieces of any size, and calls emit for
// every frame that ended in it and drop for everything that was given up, in
// the order of the line. It keeps no reference to p.
func (r *Raw) Feed(p []byte, emit func(Frame), drop func(Dropped)) {
	for _, b := range p {
		switch b {
		case stx:
			r.begin(drop)
		case etx:
			r.endFramed(emit, drop)
		case cr, lf:
			r.endLine(emit, drop)
		default:
			r.take(b, drop)
		}
	}
}

// Quiet says that the line has been silent for longer than it ever is inside
// one frame; the caller judges how long that is. What had begun is dropped, and
// so is all that follows up to the next terminator, since nobody can tell
// whether it is the rest of the old frame or a new one. Without this a lost
// terminator would join two scans: two JAN-8 make 16 digits, a wallet's code.
func (r *Raw) Quiet(drop func(Dropped)) {
	if r.mode == idle {
		return
	}
	r.report(Unterminated, drop)
	r.enter(skip)
}

// Reset forgets what had begun, without a report: the port is gone, or new.
func (r *Raw) Reset() {
	r.enter(idle)
}

// begin starts a framed frame, whatever was under way.
func (r *Raw) begin(drop func(Dropped)) {
	r.report(Unterminated, drop)
	r.enter(framed)
}

// endFramed is ETX: the end of a framed frame, and for everything else a place
// from which the line can be trusted again.
func (r *Raw) endFramed(emit func(Frame), drop func(Dropped)) {
	switch r.mode {
	case framed:
		r.finish(emit, drop)
	case line:
		r.report(Garbled, drop)
	default:
		r.report(Unterminated, drop)
	}
	r.enter(idle)
}

// endLine is CR or LF.
func (r *Raw) endLine(emit func(Frame), drop func(Dropped)) {
	switch r.mode {
	case line:
		r.finish(emit, drop)
	case skip:
		r.report(Unterminated, drop)
	case framed:
		r.n++
		r.giveUp(Garbled, drop)
		return
	case skipFramed:
		return
	}
	r.enter(idle)
}

// take adds a byte of data.
func (r *Raw) take(b byte, drop func(Dropped)) {
	if r.mode == idle {
		r.enter(line)
	}
	r.n++
	if r.mode == skip || r.mode == skipFramed {
		return
	}
	switch {
	case !printable(b):
		r.giveUp(Garbled, drop)
	case len(r.buf) == MaxFrame:
		r.giveUp(Oversized, drop)
	default:
		r.buf = append(r.buf, b)
	}
}

// finish makes a frame of the data, if it can be one.
func (r *Raw) finish(emit func(Frame), drop func(Dropped)) {
	if len(r.buf) == 0 {
		return
	}
	id, text := aim.Cut(string(r.buf))
	if text == "" || !utf8.ValidString(text) {
		r.report(Garbled, drop)
		return
	}
	emit(Frame{Symbology: id, Text: text})
}

// giveUp reports the frame under way and skips the rest of it.
func (r *Raw) giveUp(why Reason, drop func(Dropped)) {
	r.report(why, drop)
	if r.mode == framed {
		r.enter(skipFramed)
	} else {
		r.enter(skip)
	}
	r.told = true
}

// report tells of the bytes that came since the last report, unless there are
// none or they belong to something already reported.
func (r *Raw) report(why Reason, drop func(Dropped)) {
	if r.n > 0 && !r.told {
		drop(Dropped{Reason: why, Bytes: r.n})
	}
}

// enter is the one place where the mode changes.
func (r *Raw) enter(m mode) {
	r.mode, r.buf, r.n, r.told = m, r.buf[:0], 0, false
}

// printable tells whether a byte may stand in a frame. Bytes beyond ASCII are
// judged when the frame is complete.
func printable(b byte) bool {
	return b == gs || b >= ' ' && b != del
}
