package framing_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// block frames data as chapter 9 of the manuals says, the check character over
// what stands between header and terminator.
func block(data, terminator string) string {
	var bcc byte
	for i := range len(data) {
		bcc ^= data[i]
	}
	return "\x02" + data + terminator + string([]byte{bcc})
}

// The exclusive or of "12345678", worked out by hand: 31^32^33^34^35^36^37^38 = 08.
func TestDensoCheckCharacter(t *testing.T) {
	unit := newTill(framing.FamilyDenso)
	converse(t, unit, "<\x0212345678\r\x08\x0212345678\r\x09", ".400", "<\x0212345678\r\x08", ".100")
	if want := []string{"12345678", "<garbled 10>", "12345678"}; !reflect.DeepEqual(unit.heard, want) {
		t.Errorf("heard %q, want %q", unit.heard, want)
	}
}

// The commands of AT21B-SM's page 92 and SE1-QB's page 81, framed like the data.
func TestDensoAnswers(t *testing.T) {
	for _, c := range []struct{ scan, head, end string }{
		{"", "", "\r"},
		{"1\r", "", "\r"},
		{"1\n", "", "\n"},
		{"1\r\n", "", "\r\n"},
		{"1\r\n2\r", "", "\r"},
		{block("1", "\r"), "\x02", "\r"},
		{block("1", "\r\n"), "\x02", "\r\n"},
		{block("1", "\x03"), "\x02", "\x03"},
		{block("1", "\x03") + "~2\n", "\x02", "\x03"},
	} {
		unit := newTill(framing.FamilyDenso)
		for scan := range strings.SplitSeq(c.scan, "~") {
			unit.feed(scan)
			unit.quiet(100 * time.Millisecond)
		}
		good, bad := "B1"+c.end+"LG"+c.end, "BL3"+c.end
		if c.head != "" { // 42^31, 4C^47, 42^4C^33
			good, bad = "\x02B1"+c.end+"\x73\x02LG"+c.end+"\x0b", "\x02BL3"+c.end+"\x3d"
		}
		converse(t, unit, ">", "!wait", ">", "!good", ">"+good, "!bad", ">"+bad, "!done", ">")
		unit.stop()
		converse(t, unit, ">")
	}
}

// A line break and silence are a sure end only for a unit that sends no blocks: one
// of a block may be a broken digit.
func TestDensoSilenceInABlock(t *testing.T) {
	for _, c := range []struct {
		steps []string
		want  []string
	}{
		{[]string{"<\x021\r", ".400", "<2\r", ".400", "<3\r"}, []string{"<unterminated 2>", "<unterminated 1>", "3"}},
		{[]string{"<1\r", ".400", "<\x022\r", ".400", "<3\r"}, []string{"1", "<unterminated 2>", "3"}},
		{[]string{"<1\r", ".400", "<\x0222", ".400", "<3\r", "<4\r"}, []string{"1", "<unterminated 3>", "<unterminated 1>", "4"}},
	} {
		unit := newTill(framing.FamilyDenso)
		converse(t, unit, append(c.steps, ".400")...)
		if !reflect.DeepEqual(unit.heard, c.want) {
			t.Errorf("%q: heard %q, want %q", c.steps, unit.heard, c.want)
		}
	}
}

// A unit that replies to a beep would be told of an unknown code with a beep.
func TestI8DensoRepliesAreNoScans(t *testing.T) {
	unit := newTill(framing.FamilyDenso)
	converse(t, unit, "<OK\r", "!good", "<OK\rOK\r", "!bad", "<1\rNG\r", ".700", "<"+block("OK", "\r"), ".60000", "<"+block("NG", "\r"), ".300", "<2\r", ".300", "<]Q1OK\r", "<"+block("]Q1NG", "\r"), ".300")
	if want := []string{"1", "2", "]Q1OK", "]Q1NG"}; !reflect.DeepEqual(unit.heard, want) {
		t.Errorf("heard %q, want %q", unit.heard, want)
	}
}

func TestDensoBlocks(t *testing.T) {
	const ean = "4902777130835"
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"CR", []string{"<" + block(ean, "\r") + block("49400762", "\r")}, []string{ean, "49400762"}},
		{"CR LF", []string{"<" + block(ean, "\r\n") + block("49400762", "\r\n")}, []string{ean, "49400762"}},
		{"LF, ETX", []string{"<" + block(ean, "\n") + block("49400762", "\x03")}, []string{ean, "49400762"}},
		{"identifier", []string{"<" + block("]E0"+ean, "\r") + block("]E0", "\r")}, []string{"]E0" + ean, "<garbled 4>"}},
		{"spaces, GS, UTF-8", []string{"<" + block(" A \x1d東", "\r") + block("\xe6\x9d", "\r")}, []string{" A \x1d東", "<garbled 3>"}},
		{"check character STX, LF, CR", []string{"<" + block("13", "\r") + block("82", "\r") + block("82", "\r\n") + block("7:", "\r") + block("1", "\r")},
			[]string{"13", "82", "82", "7:", "1"}},
		{"empty", []string{"<\x02\r\x00\x02\r\x00", ".100", "<1\r"}, []string{"1"}},
		{"a digit broken", []string{"<\x024902777130834\r" + block(ean, "\r")[15:] + block("1", "\r")}, []string{"<garbled 15>", "1"}},
		{"a digit lost", []string{"<\x02490277713083\r" + block(ean, "\r")[15:] + block("1", "\r")}, []string{"<garbled 14>", "1"}},
		{"terminator lost", []string{"<\x02" + ean + "\x35", ".400", "<" + block("1", "\r")}, []string{"<unterminated 15>", "1"}},
		{"an end lost and no silence", []string{"<\x02" + ean + "\r" + block("1", "\r") + block("2", "\r")}, []string{"<garbled 15>", "2"}},
		{"check character lost", []string{"<\x02" + ean + "\r", ".400", "<" + block("1", "\r")}, []string{"<unterminated 14>", "1"}},
		{"STX lost", []string{"<" + block("1", "\r"), ".100", "<" + block(ean, "\r")[1:], ".400", "<" + block("2", "\r")},
			[]string{"1", "<garbled 13>", "<unterminated 1>", "2"}},
		{"STX and digits lost", []string{"<" + block("1", "\r"), ".100", "<777130835\r", ".400", "<" + block("2", "\r")}, []string{"1", "<garbled 9>", "2"}},
		{"line break in the data", []string{"<" + block("12\r34", "\r") + block("1", "\r")}, []string{"<garbled 4>", "1"}},
		{"STX in the data", []string{"<" + block("1\x022", "\r"), ".400", "<" + block("1", "\r")}, []string{"<garbled 3>", "1"}},
		{"more, a little later", []string{"<" + block("13", "\r"), ".20", "<5\r", ".400", "<" + block("1", "\r")}, []string{"<garbled 4>", "1"}},
		{"a byte no code holds", []string{"<" + block("12\x0034", "\r") + block("1", "\r")}, []string{"<garbled 4>", "1"}},
		{"a stall", []string{"<\x024902777", ".400", "<130835\r\x05", ".400", "<" + block("1", "\r")},
			[]string{"<unterminated 8>", "<unterminated 6>", "<garbled 1>", "1"}},
		{"a stall behind something bad", []string{"<\x0249\x00", ".400", "<02\r1\r"}, []string{"<garbled 4>", "<unterminated 2>", "1"}},
		{"no check character set", []string{"<\x02" + ean + "\x03", ".400", "<\x02" + ean + "\x03", ".400"},
			[]string{"<unterminated 14>", "<unterminated 14>"}},
		{"a stray STX does not deafen", []string{"<\x02", ".400", "<1\r2\r"}, []string{"<unterminated 1>", "<unterminated 1>", "2"}},
		{"the header turned off", []string{"<" + block("1", "\r"), ".100", "<2\r3\r4\r5\r6\r"},
			[]string{"1", "<garbled 1>", "<garbled 1>", "<garbled 1>", "5", "6"}},
		{"more behind a block that checks", []string{"<" + block("13", "\r") + "5", ".400", "<" + block("1", "\r")}, []string{"<garbled 4>", "1"}},
		{"STX broken in the first", []string{"<B" + block("1234", "\r")[1:], ".400", "<" + block("1", "\r")}, []string{"<garbled 7>", "1"}},
		{"the same, then a line", []string{"<B" + block("1234", "\r")[1:], ".100", "<77\r", ".100", "<8\r"}, []string{"<garbled 7>", "77", "8"}},
		{"STX broken after lines", []string{"<1\r", ".100", "<" + block("2", "\r"), ".100", "<3\r4\r5\rB" + block("1234", "\r")[1:]},
			[]string{"1", "2", "<garbled 1>", "<garbled 1>", "<garbled 1>", "<garbled 7>"}},
		{"STX lost in the first", []string{"<" + block("1234", "\r\n")[1:] + block("1", "\r")}, []string{"<garbled 6>", "1"}},
		{"a first line, then what may check", []string{"<13\r\x02" + block("1", "\r")[1:]}, []string{"13", "1"}},
		{"a first line that a second seems to check", []string{"<4902777130835\r49400762\r", ".100", "<1\r2\r"}, []string{ean, "49400762", "1", "2"}},
		{"one too long", []string{"<" + block(longest, "\r") + block(longest+"7", "\r") + block("1", "\r")},
			[]string{longest, "<oversized 4098>", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			unit := newTill(framing.FamilyDenso)
			converse(t, unit, append(c.steps, ".200")...)
			if !reflect.DeepEqual(unit.heard, c.want) {
				t.Errorf("heard %.300q, want %.300q", unit.heard, c.want)
			}
		})
	}
}

// Any one byte of a block broken in any way, or lost, gives no other code.
func TestDensoBlockDetectsABrokenByte(t *testing.T) {
	sent := block("1", "\r") + block("9000818188123456", "\r") + block("2", "\r")
	for i := 4; i < len(sent)-4; i++ {
		for b := range 256 {
			unit := newTill(framing.FamilyDenso)
			converse(t, unit, "<"+sent[:i]+string([]byte{byte(b)})+sent[i+1:], ".400")
			checkSome(t, unit.scans, "1", "9000818188123456", "2")
		}
		unit := newTill(framing.FamilyDenso)
		converse(t, unit, "<"+sent[:i]+sent[i+1:], ".400")
		checkSome(t, unit.scans, "1", "9000818188123456", "2")
	}
}

// checkSome fails unless got is some of all, in its order.
func checkSome(t *testing.T, got []string, all ...string) {
	t.Helper()
	rest := all
	for _, g := range got {
		for len(rest) > 0 && rest[0] != g {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			t.Fatalf("heard %q of %q", got, all)
		}
		rest = rest[1:]
	}
}

// FuzzDenso holds the driver against Raw on a line without STX, and each frame of
// one with STX against the line.
func FuzzDenso(f *testing.F) {
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		unit := fuzzPieces(t, framing.FamilyDenso, line, cuts)
		unit.quiet(100 * time.Millisecond)
		if !bytes.Contains(line, []byte("\x02")) {
			raw := newTill(framing.FamilyRaw)
			raw.feed(string(line))
			got := unit.scans
			want := slices.DeleteFunc(raw.scans, func(s string) bool { return s == "OK" || s == "NG" })
			checkSome(t, got, want...)
			if len(got) < len(want)-1 {
				t.Fatalf("heard %q, Raw %q", got, want)
			}
		}
		checkOnLine(t, string(line), unit.scans)
	})
}

// checkOnLine finds each frame with its terminator behind it on the line, behind
// the one before: none is joined or invented.
func checkOnLine(t *testing.T, line string, frames []string) {
	from := 0
	for _, text := range frames {
		next := -1
		for _, end := range []string{"\r", "\n", "\x03"} {
			if i := strings.Index(line[from:], text+end); i >= 0 && (next < 0 || i < next) {
				next = i
			}
		}
		if next < 0 {
			t.Fatalf("%q is not on the line %q from %d", text, line, from)
		}
		from += next + len(text)
	}
}
