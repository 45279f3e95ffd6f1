package unit

import (
	"strings"
	"time"
)

// Hear takes the till's bytes.
func (h *Honeywell) Hear(now time.Duration, p []byte, out *Out) {
	for _, b := range p {
		if !h.word(now, b, out) {
			h.collect(now, b, out)
		}
	}
}

// word does what a byte means that stands alone: the till's answer in ACK/NAK
// mode, XON and XOFF.
func (h *Honeywell) word(now time.Duration, b byte, out *Out) bool {
	const xon, xoff = 0x11, 0x13
	switch {
	case h.programmed(honeywellXonXoff) && b == xoff:
		h.stopped = true
	case h.programmed(honeywellXonXoff) && b == xon:
		h.stopped = false
		out.Line = append(out.Line, h.unsaid...)
		h.unsaid = nil
	case h.waiting.set && b == ack:
		h.waiting.stop()
		h.last = nil
	case h.waiting.set && b == nak:
		h.waiting.start(now + honeywellAnswer)
		h.say(h.last, out)
	default:
		return false
	}
	return true
}

const (
	syn    = 0x16
	escape = 0x1B
)

// collect puts a command together, byte by byte.
func (h *Honeywell) collect(now time.Duration, b byte, out *Out) {
	inEscapes := len(h.heard) > 0 && h.heard[0] == escape
	switch {
	case b == syn, b == escape && !inEscapes:
		h.heard = append(h.heard[:0], b)
	case len(h.heard) == 0:
	case inEscapes:
		h.escapes(now, b, out)
	default:
		h.synCommand(now, b, out)
	}
}

// escapes takes one more byte of host acknowledgement: ESC and a character,
// once or several times, ended by a comma.
func (h *Honeywell) escapes(now time.Duration, b byte, out *Out) {
	whole := len(h.heard)%2 == 0
	switch {
	case whole && b == ',':
		for i := 1; i < len(h.heard); i += 2 {
			h.acknowledge(h.heard[i], out)
		}
		h.heard = h.heard[:0]
	case !whole && b == escape:
		h.heard = h.heard[:1]
	case whole && b != escape, len(h.heard) >= honeywellLongest:
		h.heard = h.heard[:0]
	default:
		h.heard = append(h.heard, b)
	}
}

// acknowledge does one escape command, which ends the hold. Out of host
// acknowledgement mode there are none.
func (h *Honeywell) acknowledge(command byte, out *Out) {
	deeds := map[byte][]Deed{
		'a': {BeepOther, BeepOther}, 'b': {BeepBad},
		'1': {GreenOn}, '2': {GreenOn}, '3': {GreenOn}, // for 135 ms, 2 s, 5 s
		'4': {BeepOther}, '5': {BeepOther}, '6': {BeepOther}, // low, medium, high
		'7': {BeepGood}, '8': {BeepBad},
	}[command]
	if deeds == nil || !h.programmed(honeywellHostAck) {
		return
	}
	out.Deeds = append(out.Deeds, deeds...)
	h.release(out)
}

// release ends the hold of host acknowledgement.
func (h *Honeywell) release(out *Out) {
	if h.holding.set {
		h.holding.stop()
		out.Deeds = append(out.Deeds, Seeing)
	}
}

// synCommand takes one more byte of a command that began with SYN: a letter,
// CR, and after M a text.
func (h *Honeywell) synCommand(now time.Duration, b byte, out *Out) {
	const letter, cr = 1, 2 // places
	switch at := len(h.heard); {
	case at == letter && strings.IndexByte("MTU\x07", b) >= 0, at == cr && b == '\r':
		h.heard = append(h.heard, b)
		if at == cr && h.heard[letter] != 'M' {
			h.short(now, h.heard[letter], out)
		}
	case at > cr && (b == '!' || b == '.'):
		h.obey(string(h.heard[cr+1:]), b, out)
		h.heard = h.heard[:0]
	case at > cr && b >= ' ' && at < honeywellLongest:
		h.heard = append(h.heard, b)
	default:
		h.heard = h.heard[:0]
	}
}

// short does a command of one letter.
func (h *Honeywell) short(now time.Duration, letter byte, out *Out) {
	h.heard = h.heard[:0]
	switch letter {
	case 'T':
		h.pull(now)
	case 'U':
		h.unpull()
	default:
		out.Deeds = append(out.Deeds, BeepOther)
	}
}

// pull pulls the serial trigger, which lets go after a while.
func (h *Honeywell) pull(now time.Duration) {
	h.unpull()
	h.pulled = true
	if ms := h.held[honeywellReading]; ms > 0 {
		h.letGo.start(now + time.Duration(ms)*time.Millisecond)
	}
}

// unpull lets the serial trigger go.
func (h *Honeywell) unpull() {
	h.pulled = false
	h.letGo.stop()
}

// menu is the language with which storage is changed: "!" for what holds until
// the power goes, "." for good.
func (h *Honeywell) menu(storage byte) menu {
	return menu{
		settings: honeywellSettings, current: '?', factory: '^', span: '*',
		action: func(name, data string) (string, byte) { return "", h.act(name, data, storage) },
	}
}

// act does a menu command that is no setting.
func (h *Honeywell) act(name, data string, storage byte) byte {
	switch {
	case name == "VSUFCR" && data == "":
		h.heldSuffix = "\r"
		if storage == '.' {
			h.keptSuffix = "\r"
		}
	case name == "REVINF":
	default:
		return 0
	}
	return ack
}

// obey does a menu command and answers it.
func (h *Honeywell) obey(text string, storage byte, out *Out) {
	text = strings.ToUpper(text)
	var reply []byte
	if text == "REVINF" {
		reply = append(reply, honeywellRevision...)
	}
	tables := []values{h.held}
	read := h.held
	if storage == '.' {
		tables, read = append(tables, h.kept), h.kept
	}
	h.say(h.menu(storage).run(reply, text, storage, read, tables...), out)
}
