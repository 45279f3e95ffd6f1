package unit

import "time"

// Denso is a 2D unit of the AT and QK20 series in continuous reading mode.
// Where its bytes come from: QK20-R User's Manual, section 9.4 (header,
// terminator and check byte), and appendix 2, pages 99 and 100, with its note 1
// (Z, then R); AT21B-SM User's Manual, appendix 2, page 92, and SE1-QB, pages 81
// and 82 (other names of Z and R, beeps and lights).
//
// Assumed, since neither tells: a command stands between the same header and
// terminator as a code, check byte included, and one that is not listed does
// nothing. How long the same code must be away before it is read again is a
// setting whose factory value was not found; here two looks within a second
// count as one.
type Denso struct {
	switches
	standby bool
	heard   []byte // a command, as far as it has come
	begun   bool   // its header has come
	ended   bool   // its terminator has come, and the check byte is next
	last    string // the code that is not read twice
	lastEnd time.Duration
}

// What can be programmed into a Denso.
const (
	densoHeader = "stx"
	densoCheck  = "bcc" // has no effect without a header, as the manual says
)

const (
	densoSameCode = time.Second
	densoLongest  = 32 // bytes of a command
)

// NewDenso makes one as it leaves the factory.
func NewDenso() *Denso { return &Denso{switches: newSwitches(densoHeader, densoCheck)} }

// PowerOn makes it ready to read.
func (d *Denso) PowerOn(time.Duration, *Out) { *d = Denso{switches: d.switches} }

// Hear takes the till's bytes. A command too long to be one stays so until its
// end.
func (d *Denso) Hear(_ time.Duration, p []byte, out *Out) {
	for _, b := range p {
		switch {
		case d.ended:
			d.finish(b == xor(d.heard), out)
		case b == stx && d.programmed(densoHeader):
			d.heard, d.begun = d.heard[:0], true
		case !d.begun && d.programmed(densoHeader):
		case b == '\r' && d.checked():
			d.ended = true
		case b == '\r':
			d.finish(true, out)
		case len(d.heard) < densoLongest:
			d.heard = append(d.heard, b)
		}
	}
}

// finish obeys the command that was heard if it is good.
func (d *Denso) finish(good bool, out *Out) {
	command := string(d.heard)
	d.heard, d.begun, d.ended = d.heard[:0], false, false
	if good {
		d.obey(command, out)
	}
}

const stx = 0x02

// checked tells whether a check byte follows the terminator.
func (d *Denso) checked() bool { return d.programmed(densoHeader) && d.programmed(densoCheck) }

// xor is the check byte: of all between header and terminator.
func xor(p []byte) byte {
	var sum byte
	for _, b := range p {
		sum ^= b
	}
	return sum
}

// densoDeeds are the commands that only make a sound or a light. B1 sounds as
// the good-read beep does, B2 for 120 ms, B3 for 240; H, M and L choose a tone.
var densoDeeds = map[string]Deed{
	"B1": BeepGood, "BH1": BeepGood, "BM1": BeepGood, "BL1": BeepGood,
	"B2": BeepOther, "BH2": BeepOther, "BM2": BeepOther, "BL2": BeepOther,
	"B3": BeepOther, "BH3": BeepOther, "BM3": BeepOther, "BL3": BeepOther,
	"LG": GreenOn, "LR": RedOn, // for half a second
}

// obey does a command.
func (d *Denso) obey(command string, out *Out) {
	if deed, ok := densoDeeds[command]; ok {
		out.Deeds = append(out.Deeds, deed)
		return
	}
	switch command {
	case "Z", "READOFF", "LOFF":
		d.last = ""
		out.close(&d.standby, true)
	case "R", "READON", "LON":
		out.close(&d.standby, false)
	case "VER":
		out.Line = d.frame(out.Line, "Ver. 1.00")
	}
}

// See reads a code that is not the last one still lying there.
func (d *Denso) See(now time.Duration, s Symbol, out *Out) bool {
	if d.standby || s.Data == d.last && now < d.lastEnd {
		return false
	}
	d.last, d.lastEnd = s.Data, now+densoSameCode
	out.Line = d.frame(out.Line, s.Data)
	out.Deeds = append(out.Deeds, BeepGood)
	return true
}

// frame appends a text between header and terminator, and the check byte.
func (d *Denso) frame(line []byte, text string) []byte {
	if d.programmed(densoHeader) {
		line = append(line, stx)
	}
	line = append(append(line, text...), '\r')
	if d.checked() {
		line = append(line, xor([]byte(text)))
	}
	return line
}

// Tick has nothing to do.
func (d *Denso) Tick(time.Duration, *Out) {}

// Due is never.
func (d *Denso) Due() (time.Duration, bool) { return 0, false }
