package unit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Newland is an HR or FM unit at a till. Where its bytes come from: NLS-HR42 User
// Guide, pages 15 and 16, and NLS-HR52 User Manual, page 35 (commands, queries,
// answers); Newland's own SDK for Android (SCNTRG as the trigger key, pressed and
// released); what each setting means, its values, the beep on demand, and that
// SCNENA stops and starts reading, as public drivers of Newland's modules have
// them.
//
// Assumed, since none tells: it leaves the factory in sense mode, reading
// whatever is shown, the same code once a second, and with CR behind; a command
// without "@" or "#" is passed over. People take a beep on demand for good from
// 1 kHz on and for an error below. The query "^" for a range is left out: no
// document shows an answer to it.
type Newland struct {
	kept, held values // settings that last without power, and those that hold now
	heard      []byte // a command, as far as it has come
	pressed    bool   // the trigger key
	last       string // the code that is not read twice
	lastEnd    time.Duration
}

const (
	newlandCommand = "\x7E\x010000"
	newlandReply   = "\x02\x010000"
	newlandEnd     = 0x03
	newlandLongest = 512 // bytes of a command
)

// newlandSettings are those that mean something to a till, and Code 11, the
// manual's own example, whose factory values were not found.
var newlandSettings = []setting{
	newlandBeep:     {"GRBENA", 1, 0, 1},
	newlandEnabled:  {"SCNENA", 1, 0, 1},
	newlandMode:     {"SCNMOD", 2, 0, 7}, // 0 while the trigger key is pressed, 2 sense, 3 continuous
	newlandSameCode: {"RRDENA", 1, 0, 1},
	newlandInterval: {"RRDDUR", 1000, 0, 3000}, // ms
	newlandID:       {"AIDENA", 0, 0, 1},       // AIM identifier in front
	newlandCode11:   {"C11ENA", 0, 0, 1},
	newlandShortest: {"C11MIN", 1, 1, 48},
	newlandLong:     {"C11MAX", 48, 1, 48},
}

// Places in newlandSettings.
const (
	newlandBeep = iota
	newlandEnabled
	newlandMode
	newlandSameCode
	newlandInterval
	newlandID
	newlandCode11
	newlandShortest
	newlandLong
)

// NewNewland makes one as it leaves the factory.
func NewNewland() *Newland {
	n := &Newland{}
	n.kept = n.menu(nil).fresh()
	n.PowerOn(0, nil)
	return n
}

// PowerOn forgets what is not kept.
func (n *Newland) PowerOn(time.Duration, *Out) {
	*n = Newland{kept: n.kept, held: slices.Clone(n.kept)}
}

// Hear takes the till's bytes.
func (n *Newland) Hear(_ time.Duration, p []byte, out *Out) {
	for _, b := range p {
		n.collect(b)
		if frame := n.heard; len(frame) > len(newlandCommand) && b == newlandEnd {
			n.heard = n.heard[:0]
			n.obey(frame[len(newlandCommand):len(frame)-1], out)
		}
	}
}

// collect puts a command together; a byte that cannot belong to one may begin
// the next.
func (n *Newland) collect(b byte) {
	at := len(n.heard)
	if at >= newlandLongest || at < len(newlandCommand) && b != newlandCommand[at] {
		n.heard, at = n.heard[:0], 0
	}
	if at > 0 || b == newlandCommand[0] {
		n.heard = append(n.heard, b)
	}
}

// obey does the commands of a frame and answers them: storage, text, ";".
func (n *Newland) obey(frame []byte, out *Out) {
	if len(frame) < 2 || !strings.Contains("@#", string(frame[:1])) || !bytes.HasSuffix(frame, []byte{';'}) {
		return
	}
	tables := []values{n.held}
	if frame[0] == '@' {
		tables = append(tables, n.kept)
	}
	out.Line = append(append(out.Line, newlandReply...), frame[0])
	before := n.held[newlandEnabled]
	out.Line = n.menu(out).run(out.Line, string(frame[1:len(frame)-1]), ';', n.held, tables...)
	out.Line = append(out.Line, newlandEnd)
	if now := n.held[newlandEnabled]; now != before {
		out.Deeds = append(out.Deeds, [...]Deed{Blind, Seeing}[now])
	}
}

// menu is the language, out takes what actions do.
func (n *Newland) menu(out *Out) menu {
	return menu{
		settings: newlandSettings, current: '*', factory: '&',
		action: func(name, data string) (string, byte) { return n.act(name, data, out) },
	}
}

// act does a command that is no setting.
func (n *Newland) act(name, data string, out *Out) (add string, answer byte) {
	switch name {
	case "SCNTRG":
		if data != "0" && data != "1" {
			return "", nak
		}
		n.pressed = data == "1"
	case "BEEPON":
		deed, ok := pitch(data)
		if !ok {
			return "", nak
		}
		out.Deeds = append(out.Deeds, deed)
	case "QRYPDN":
		return "scannersim newland", ack
	default:
		return "", 0
	}
	return "", ack
}

// pitch is how a beep on demand sounds to people: "2000F50T20V" is 2 kHz for 50 ms
// at volume 20.
func pitch(data string) (Deed, bool) {
	var hertz, ms, volume int
	n, err := fmt.Sscanf(data, "%dF%dT%dV", &hertz, &ms, &volume)
	switch {
	case err != nil || n != 3:
		return "", false
	case hertz < 1000:
		return BeepBad, true
	}
	return BeepGood, true
}

// See reads a code that is not the last one still lying there.
func (n *Newland) See(now time.Duration, s Symbol, out *Out) bool {
	idle := n.held[newlandEnabled] == 0 || n.held[newlandMode] == 0 && !n.pressed
	if idle || n.again(now, s.Data) {
		return false
	}
	n.pressed = false
	interval := time.Duration(n.held[newlandInterval]) * time.Millisecond
	n.last, n.lastEnd = s.Data, now+interval
	if n.held[newlandID] == 1 {
		out.Line = append(out.Line, s.Identifier...)
	}
	out.Line = append(append(out.Line, s.Data...), '\r')
	if n.held[newlandBeep] == 1 {
		out.Deeds = append(out.Deeds, BeepGood)
	}
	return true
}

// again tells whether a code is the same within the interval, which matters only
// where nobody presses the key.
func (n *Newland) again(now time.Duration, data string) bool {
	return n.held[newlandMode] != 0 && n.held[newlandSameCode] == 1 && data == n.last && now < n.lastEnd
}

// Tick has nothing to do.
func (n *Newland) Tick(time.Duration, *Out) {}

// Due is never.
func (n *Newland) Due() (time.Duration, bool) { return 0, false }
