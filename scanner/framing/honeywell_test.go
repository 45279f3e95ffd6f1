package framing_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// What a Voyager 1602g said to REVINF (README of HenkVanAsselt/python_hon_usbhid),
// with the mark of a volatile command.
const (
	voyagerLines = "Product Name: Voyager 1602g\r\nBoot Revision: : 8992\r\nSoftware Part Number: CW000082BBA\r\n" +
		"Software Revision: $ProjectRevision: 16345 \r\nSerial Number: 15232B1F0C\r\nSupported IF: Bluetooth\r\n" +
		"PCB Assembly ID: 000000\r\nEngine Firmware Type: N/A   Revision: N/A   Serial Number: N/A   Checksum: N/A\r\n"
	voyager = voyagerLines + "REVINF\x06!"
)

// The escapes of host acknowledgement: 1B, command, 2C.
func TestI8HoneywellIsLetGo(t *testing.T) {
	unit := newTill(framing.FamilyHoneywell)
	converse(t, unit, ">\x1b1,\x16M\rREVINF!", "<"+voyager, "<4902777130835\r",
		"!wait", ">", "!good", ">\x1b7,\x1b2,", "!wait", "!bad", ">\x1b8,", "!wait", "!done", ">\x1b1,", ".60000", ">")
	unit.answer(framing.Wait)
	unit.stop()
	converse(t, unit, ">\x1b1,")
	if want := []string{"{Voyager 1602g CW000082BBA}", "4902777130835"}; !reflect.DeepEqual(unit.heard, want) {
		t.Errorf("heard %q, want %q", unit.heard, want)
	}
}

func TestHoneywellReportIsNoScan(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"a scan after it", []string{"<" + voyager + "1\r"}, []string{"{Voyager 1602g CW000082BBA}", "1"}},
		{"scans between its lines", []string{"<1\r" + voyager[:29] + "]E04902777130835\r" + voyagerLines[29:] + "2\rREVINF\x06!3\r"},
			[]string{"1", "]E04902777130835", "2", "{Voyager 1602g CW000082BBA}", "3"}},
		{"command not known", []string{"<REVINF\x05!", "<1\r"}, []string{"1"}},
		{"command refused", []string{"<REVINF\x15!1\r"}, []string{"1"}},
		{"nothing is said", []string{".2500", "<1\r"}, []string{"1"}},
		{"a scan that begins like the command", []string{"<REVINF\rRE1\rREVIREVINF\x06!1\r"}, []string{"REVINF", "RE1", "<garbled 11>"}},
		{"the same, and silence", []string{"<REVI", ".700", "<1\r", "<2\r"}, []string{"<unterminated 4>", "<unterminated 1>", "2"}},
		{"inside a line", []string{"<12REVINF\x06!\r1\r"}, []string{"<garbled 9>", "1"}},
		{"slow, and not cut", []string{"<REV", ".200", "<INF", ".200", "<\x06", ".200", "<!1\r"}, []string{"1"}},
		{"late", []string{".60000", "<" + voyager, "<1\r"}, []string{"{Voyager 1602g CW000082BBA}", "1"}},
		{"the status broken", []string{"<REVINF\x46!\r1\r"}, []string{"REVINFF!", "1"}},
		{"the mark broken", []string{"<REVINF\x06\x00", ".2500", "<\r1\r"}, []string{"<garbled 7>", "1"}},
		{"a second report, to a start before", []string{"<" + voyager, "<1\r", ".60000", "<" + voyager + "2\r"},
			[]string{"{Voyager 1602g CW000082BBA}", "1", "{Voyager 1602g CW000082BBA}", "2"}},
		{"lines of a report whose end was broken", []string{"<" + voyagerLines, ".400", "<1\r", "<" + voyager}, []string{"1", "{Voyager 1602g CW000082BBA}"}},
		{"with an identifier it was scanned", []string{"<]Q1Product Name: x\r"}, []string{"]Q1Product Name: x"}},
		{"a name again and again", []string{"<" + strings.Repeat("Product Name: x\r", 9) + "REVINF\x06!"}, []string{"{x x}"}},
		{"a pass is none of its lines", []string{"<SK1:A: B\r"}, []string{"SK1:A: B"}},
		{"an address is none", []string{"<https://sekisho.example/\r", "<Https://x\r"}, []string{"https://sekisho.example/", "Https://x"}},
		{"a name that cannot be printed", []string{"<Product Name: \u00e9\u00e9\r\nREVINF\x06!1\r"}, []string{"1"}},
		{"a name too long", []string{"<Product Name: " + strings.Repeat("x", 300) + "\r\nREVINF\x06!1\r"},
			[]string{"{" + strings.Repeat("x", 200) + "}", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			unit := newTill(framing.FamilyHoneywell)
			converse(t, unit, c.steps...)
			if !reflect.DeepEqual(unit.heard, c.want) {
				t.Errorf("heard %q, want %q", unit.heard, c.want)
			}
		})
	}
}

// FuzzHoneywell holds the driver against Raw on the line without the report.
func FuzzHoneywell(f *testing.F) {
	report := regexp.MustCompile(`^[A-Z][A-Za-z ]*[a-z][A-Za-z ]*:( |$)`)
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		unit := fuzzPieces(t, framing.FamilyHoneywell, line, cuts)
		if strings.ContainsAny(string(line), "\x05\x06\x15") {
			return
		}
		raw := newTill(framing.FamilyRaw)
		raw.feed(string(line))
		unit.quiet(3 * time.Second)
		raw.quiet(3 * time.Second)
		var want []string
		for _, frame := range raw.scans {
			if !report.MatchString(frame) {
				want = append(want, frame)
			}
		}
		if got := unit.scans; !reflect.DeepEqual(got, want) {
			t.Fatalf("heard %q, want %q", got, want)
		}
	})
}
