package framing_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// Commands and answers as NLS-HR52's manual frames them, "#" for temporary.
const (
	nlAsk  = "~\x010000#"
	nlSays = "\x02\x010000#"
)

func TestNewlandSetUp(t *testing.T) {
	unit := newTill(framing.FamilyNewland)
	converse(t, unit,
		">"+nlAsk+"SCNENA1;\x03", "<"+nlSays+"SCNENA1\x06;\x03",
		">"+nlAsk+"GRBENA0;\x03", "<"+nlSays+"GRBENA0\x15;\x03",
		">"+nlAsk+"AIDENA1;\x03", "<]E04902777130835\r"+nlSays+"AIDENA1\x05;\x03",
		">"+nlAsk+"QRYPDN;QRYFWV;\x03", "<"+nlSays+"QRYPDNFM430\x06;QRYFWV1.00.001\x06;\x03", ">", ".5000", ">")
	if want := []string{"]E04902777130835", "{FM430 1.00.001}"}; !reflect.DeepEqual(unit.heard, want) {
		t.Errorf("heard %q, want %q", unit.heard, want)
	}
}

// newlandReady is a till whose unit has answered the set-up.
func newlandReady(t *testing.T) *till {
	unit := newTill(framing.FamilyNewland)
	for _, command := range []string{"SCNENA1", "GRBENA0", "AIDENA1", "QRYPDN"} {
		converse(t, unit, "<"+nlSays+command+"\x06;\x03")
	}
	unit.heard, unit.sent = nil, ""
	return unit
}

const (
	nlGood = nlAsk + "SCNENA1;BEEPON2700F100T20V;LEDONS2C1000D;\x03"
	nlBad  = nlAsk + "SCNENA1;BEEPON400F400T20V;LEDONS0C1000D;\x03"
	nlScan = nlAsk + "SCNENA1;\x03"
	nlHold = nlAsk + "SCNENA0;\x03"
	nlYes  = nlSays + "SCNENA1\x06;\x03"
)

func TestI8NewlandIsLetGo(t *testing.T) {
	unit := newlandReady(t)
	converse(t, unit,
		"!wait", ">"+nlHold, "<"+nlSays+"SCNENA0\x06;\x03",
		"!good", ">"+nlGood, "<"+nlSays+"SCNENA1\x06;BEEPON2700F100T20V\x06;LEDONS2C1000D\x05;\x03",
		"!wait", ">"+nlHold, "<"+nlSays+"SCNENA0\x06;\x03", "!bad", ">"+nlBad, "<"+nlYes,
		"!done", ">"+nlScan)
	unit.answer(framing.Wait)
	unit.stop()
	converse(t, unit, ">"+nlScan)
}

// A command that got no answer is sent again, but a beep is not.
func TestI8NewlandRetriesAreBounded(t *testing.T) {
	unit := newlandReady(t)
	converse(t, unit, "!good", ">"+nlGood, ".400", ">", ".100", ">"+nlScan, ".500", ">"+nlScan, ".4900", ">",
		"!done", ">"+nlScan, ".400", "<"+nlYes, ".5000", ">",
		// What comes too late belongs to another command.
		"!wait", ">"+nlHold, "<"+nlYes, ".500", ">"+nlHold, "<"+nlSays+"SCNENA0\x06;\x03", ".5000", ">")
}

// A unit that may still be held is told for ever that it may scan, now and then;
// one that never answered anything is not.
func TestI8NewlandIsToldAgain(t *testing.T) {
	unit := newlandReady(t)
	converse(t, unit, "!wait", ">"+nlHold, "<"+nlSays+"SCNENA0\x06;\x03", ".60000", ">", "!done", ">"+nlScan,
		".1500", ">"+nlScan+nlScan, ".4400", ">", ".100", ">"+nlScan, ".1000", ">"+nlScan+nlScan, ".5000", ">"+nlScan, "<"+nlYes, ".60000", ">")
	converse(t, unit, "!done", ">"+nlScan, "<"+nlSays+"GRBENA0\x06;\x03", ".1500", ">"+nlScan+nlScan, ".4500", ">"+nlScan)
	// A ";" that was lost on the way makes one command of two, which is refused.
	converse(t, unit, "!wait", ">", "<"+nlYes, ">"+nlHold, "<"+nlSays+"SCNENA0\x06;\x03", "!good", ">"+nlGood,
		"<"+nlSays+"SCNENA1BEEPON2700F100T20V\x15;\x03", ".5000", ">"+nlScan)
	// One bit turned round on the way makes "off" of "on".
	converse(t, unit, "<"+nlYes, ".60000", ">", "!done", ">"+nlScan, "<"+nlYes, "<"+nlSays+"SCNENA0\x06;\x03", ".5000", ">"+nlScan, "<"+nlYes)
	unit.Start(unit.now, &unit.out)
	unit.quiet(10 * time.Second)
	unit.takeSent()
	converse(t, unit, ".60000", ">")
	silent := newTill(framing.FamilyNewland)
	silent.quiet(10 * time.Second)
	silent.takeSent()
	converse(t, silent, ".60000", ">")
}

// Of two answers that wait for a unit that is silent only the newer is sent, and
// soon; the set-up comes after them.
func TestI8NewlandNewestAnswerGoesFirst(t *testing.T) {
	unit := newTill(framing.FamilyNewland)
	converse(t, unit, ">"+nlScan, "!wait", "!bad", "!good", ">", ".500", ">"+nlGood, "<"+nlYes,
		">"+nlAsk+"GRBENA0;\x03", ".500", ">"+nlAsk+"GRBENA0;\x03", ".500", ">"+nlAsk+"GRBENA0;\x03",
		".500", ">"+nlAsk+"AIDENA1;\x03")
	// A line that is never silent keeps the deadlines too.
	for range 12 {
		unit.now += 50e6
		unit.feed("1")
	}
	converse(t, unit, ">"+nlAsk+"AIDENA1;\x03")
}

func TestNewlandAnswersAreNoScans(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"between scans", []string{"<1\r" + nlYes + "2\r" + nlYes + nlYes + "3\r"}, []string{"1", "2", "3"}},
		{"before STX ETX", []string{"<" + nlYes + "\x021\x03\x02" + nlYes + "\x022\x03"}, []string{"1", "2"}},
		{"permanent", []string{"<\x02\x010000@SCNENA1\x06;\x031\r"}, []string{"1"}},
		{"of another address, or none", []string{"<\x02\x010001#QRYPDNX\x06;\x03\x02\x01\x03\x02\x010000\x031\r"}, []string{"1"}},
		{"a query refused", []string{"<" + nlSays + "QRYPDNX\x15;QRYFWV\x06;\x031\r"}, []string{"1"}},
		{"STX lost", []string{"<\x010000#SCNENA1\x06;\x031\r"}, []string{"<garbled 1>", "1"}},
		{"SOH lost", []string{"<\x020000#SCNENA1\x06;\x031\r"}, []string{"<garbled 13>", "1"}},
		{"ETX lost, then a scan", []string{"<" + nlSays + "SCNENA1\x06;4902777130835\r1\r"}, []string{"<garbled 29>", "1"}},
		{"ETX lost, then an answer", []string{"<" + nlSays + "SCNENA1\x06;" + nlYes + "1\r"}, []string{"<garbled 16>", "1"}},
		{"a byte broken", []string{"<" + nlSays + "SC\xceENA1\x06;\x031\r"}, []string{"<garbled 9>", "1"}},
		{"slow, and not cut", []string{"<\x02\x0100", ".200", "<00#SCN", ".200", "<ENA1\x06", ".200", "<;\x031\r"}, []string{"1"}},
		{"cut by silence", []string{"<" + nlSays + "SCN", ".400", "<ENA1\x06;\x031\r"}, []string{"<unterminated 10>", "<unterminated 6>", "1"}},
		{"cut by silence for good", []string{"<" + nlSays + "SCN", ".400", "<1\r2\r"}, []string{"<unterminated 10>", "<unterminated 1>", "2"}},
		{"STX and silence", []string{"<\x02", ".400", "<1\r", ".400", "<2\r3\r"}, []string{"<garbled 2>", "2", "3"}},
		{"STX twice", []string{"<\x02\x02\x02\x010000#\x031\r"}, []string{"1"}},
		{"without end", []string{"<" + nlSays + strings.Repeat("A", 600) + "\r1\r"}, []string{"<garbled 514>", "1"}},
		{"inside a line", []string{"<4902" + nlYes + "777\r"}, []string{"<unterminated 4>", "777"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			unit := newlandReady(t)
			converse(t, unit, c.steps...)
			if !reflect.DeepEqual(unit.heard, c.want) {
				t.Errorf("heard %q, want %q", unit.heard, c.want)
			}
		})
	}
}

// FuzzNewland holds the driver against Raw on the line without whole answers, when
// it has no broken ones.
func FuzzNewland(f *testing.F) {
	answer := regexp.MustCompile(`\x02\x01[ -~\x05\x06\x15]{0,500}\x03`)
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		unit := fuzzPieces(t, framing.FamilyNewland, line, cuts)
		if len(unit.sent) > 8*len(nlGood)+len(line) {
			t.Fatalf("%d bytes sent for %d", len(unit.sent), len(line))
		}
		// ETX stands for the answer: like it, it ends whatever was under way.
		data := answer.ReplaceAll(line, []byte{3})
		raw := newTill(framing.FamilyRaw)
		raw.feed(string(data))
		if strings.ContainsAny(string(data), "\x01\x02") || strings.HasSuffix(string(data), "\x02") {
			return
		}
		if got, want := unit.scans, raw.scans; !reflect.DeepEqual(got, want) {
			t.Fatalf("heard %q, want %q", got, want)
		}
	})
}
