package framing

import (
	"cmp"
	"time"
	"unicode/utf8"

	"sekisho/scanner/aim"
)

// FamilyDenso is the family of Denso.
const FamilyDenso Family = "denso"

// Denso's control commands, sent between the header and the terminator that the
// unit itself uses. AT21B-SM User's Manual, appendix 2, page 92, and SE1-QB User's
// Manual, appendix 2, page 81: the beeper sounds "even if the beeping is prohibited".
const (
	densoGoodBeep  = "B1"  // as after a good read
	densoGoodLight = "LG"  // green light for 500 ms
	densoBadBeep   = "BL3" // a low tone for 240 ms
)

// densoSettle is how long the line is silent behind a block that is whole: USB
// adapters hold bytes back for some 16 ms.
const densoSettle = 80 * time.Millisecond

// densoTrust is how many lines without a header are refused after a frame that
// had one and checked.
const densoTrust = 3

// Denso drives Denso Wave's units. Without a header, as they leave the factory,
// they read like Raw. With the header STX and the block check character on, the
// line is
//
//	STX data terminator BCC
//
// the terminator CR, LF, CR LF or ETX, and BCC the exclusive or of all bytes
// between STX and terminator (GT10Q-SB, AT20B-SM and AT30Q-SM User's Manuals,
// chapter 9, "Communication Format"). A frame whose BCC is wrong or missing is
// dropped and told; no manual has a command to ask for it again, so the customer
// shows the code once more. A header without the BCC is refused for the same
// reason: set the BCC too, or neither.
//
//	        STX               CR, LF, ETX              right BCC
//	plain ───────▶ block ─────────────────▶ checking ───────────▶ checked
//	                 │ bad byte, too long      │ wrong BCC           │ more bytes
//	                 └────────▶ astray ◀───────┴─────────────────────┘
//
// A checked block becomes a frame when silence or the next STX shows that it was
// all: an exclusive or is so weak that one digit broken into a terminator leaves a
// head that checks once in some ten times. An STX inside a block leads astray too,
// because the tail behind it may check. Silence leads from everywhere to plain,
// and from an unfinished block to where Raw skips to the next terminator, unless
// the unit is known to send no blocks and a terminator stood before the silence. Once a
// block has checked, a line without a header is what is left of a block and is
// refused; the third in a row shows that the unit was set to send none, and the
// next is taken. The first line without a header waits likewise for silence or the
// next byte, in case it is a block whose STX was broken.
//
// Not used: R and Z, ready and standby. R makes a unit send the code before it a
// second time (QK20 User's Manual, appendix 2, note 1), which after a payment is
// the same payment code, and in hand-held units it pulls the trigger (GT10B-SU
// User's Manual, 6.2). So no answer holds such a unit. LR is a red light in one
// manual and the illumination in another. Number of digits, code mark and scanner
// identifier are optional fields and must be off: Raw and this driver would take
// them for data.
//
// The zero Denso is ready for use.
type Denso struct {
	Raw
	state  densoState
	block  []byte
	sum    byte   // exclusive or of block
	end    string // the terminator that the unit sends; empty until one came
	refuse int    // lines that are still refused, because the unit sends blocks
	ended  bool   // a terminator came last
	bare   bool   // a line without a header was whole: the unit sends no blocks
	first  Frame  // that line
	extra  []byte // what stands behind it and may be a check character
}

type densoState uint8

const (
	densoPlain    densoState = iota // outside of a block
	densoFirst                      // behind the first line without a header
	densoBlock                      // behind STX
	densoChecking                   // behind the terminator
	densoChecked                    // behind a check character that is right
	densoAstray                     // in something bad, up to STX or silence
)

// Start implements Driver.
func (d *Denso) Start(now time.Duration, out *Out) {
	*d = Denso{Raw: d.Raw, block: d.block[:0]}
	d.Raw.Start(now, out)
}

// Feed implements Driver.
func (d *Denso) Feed(now time.Duration, p []byte, out *Out) {
	d.last = now
	for _, b := range p {
		d.take(now, b, out)
		d.ended = b == cr || b == lf || b == etx
	}
}

// take takes a byte, wherever the line stands.
func (d *Denso) take(now time.Duration, b byte, out *Out) {
	switch d.state {
	case densoPlain:
		d.line(now, b, out)
	case densoFirst:
		d.second(now, b, out)
	case densoBlock:
		d.add(b, out)
	case densoChecking:
		d.check(b, out)
	case densoChecked:
		d.follow(now, b, out)
	case densoAstray:
		if b == stx {
			d.open(out)
		}
	}
}

// Tick implements Driver.
func (d *Denso) Tick(now time.Duration, out *Out) {
	silent := now - d.last
	switch {
	case d.state == densoPlain:
		d.Raw.Tick(now, out)
	case silent < densoSettle:
	case d.state == densoFirst:
		d.resolve(out)
	case d.state == densoChecked:
		d.accept(out)
	case silent >= stall:
		if d.state != densoAstray {
			out.drop(Unterminated, len(d.block)+1)
		}
		d.state = densoPlain
		d.enter(skip)
		if d.bare && d.ended { // the STX stood in a code
			d.enter(idle)
		}
	}
}

// Answer implements Driver.
func (d *Denso) Answer(_ time.Duration, a Answer, out *Out) {
	switch a {
	case Good:
		d.order(densoGoodBeep, out)
		d.order(densoGoodLight, out)
	case Bad:
		d.order(densoBadBeep, out)
	}
}

// order sends a command the way the unit sends data. That a command has a check
// character where data have one is not said, but one too many is a byte between
// two headers, while one too few may leave the command unheard.
func (d *Denso) order(command string, out *Out) {
	if d.refuse == 0 {
		out.say(command + cmp.Or(d.end, "\r"))
	} else {
		var sum byte
		for i := range len(command) {
			sum ^= command[i]
		}
		out.say("\x02" + command + d.end)
		out.Send = append(out.Send, sum)
	}
}

// open begins a block.
func (d *Denso) open(out *Out) {
	d.report(Unterminated, out)
	d.enter(idle)
	d.state, d.block, d.sum = densoBlock, d.block[:0], 0
}

// add takes a byte of a block.
func (d *Denso) add(b byte, out *Out) {
	switch {
	case b == cr || b == lf || b == etx:
		d.state, d.end = densoChecking, terminator(b)
	case !printable(b):
		d.lose(Garbled, out)
	case len(d.block) == MaxFrame:
		d.lose(Oversized, out)
	default:
		d.block = append(d.block, b)
		d.sum ^= b
	}
}

// check takes the byte behind a terminator.
func (d *Denso) check(b byte, out *Out) {
	switch {
	case b == d.sum:
		d.state = densoChecked
	case b == lf && d.end == "\r":
		d.end = "\r\n"
	default:
		d.lose(Garbled, out)
	}
}

// follow takes the byte behind a block that checked.
func (d *Denso) follow(now time.Duration, b byte, out *Out) {
	switch {
	case b == stx:
		d.accept(out)
		d.open(out)
	case b == lf && d.sum == lf && d.end == "\r":
		d.end = "\r\n"
	default:
		d.lose(Garbled, out)
	}
}

// accept makes a frame of a block.
func (d *Denso) accept(out *Out) {
	d.state = densoPlain
	id, text := aim.Cut(string(d.block))
	switch {
	case len(d.block) == 0 || id == "" && densoReply(text):
	case text == "" || !utf8.ValidString(text):
		out.drop(Garbled, len(d.block)+1)
	default:
		d.refuse, d.bare = densoTrust, false
		out.frame(Frame{Symbology: id, Text: text})
	}
}

// lose drops the block under way and all up to the next STX or silence.
func (d *Denso) lose(why Reason, out *Out) {
	out.drop(why, len(d.block)+2)
	d.state = densoAstray
}
