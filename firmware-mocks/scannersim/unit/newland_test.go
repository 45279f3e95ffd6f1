package unit_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

const (
	toNewland   = "\x7E\x010000"
	fromNewland = "\x02\x010000"
)

// The examples of the NLS-HR42 User Guide, page 16, and the trigger of the notes,
// byte for byte.
func TestNewlandAnswersCommandsWithAnEcho(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"@C11ENA1,MIN12,MAX22;", "@C11ENA1\x06,MIN12\x06,MAX22\x06;"},
		{"@C11MIN12,MAX22;\x03" + toNewland + "@C11MIN*,MAX*;", "@C11MIN12\x06,MAX22\x06;\x03" + fromNewland + "@C11MIN12\x06,MAX22\x06;"},
		{"@C11*;", "@C11ENA0\x06,MIN1\x06,MAX48\x06;"},
		{"#C11MIN&;", "#C11MIN1\x06;"},
		{"#C11MIN?;", "#C11MIN?\x15;"},
		{"#C11MIN99;", "#C11MIN99\x15;"},
		{"#C11MIN0;", "#C11MIN0\x15;"},
		{"#c11MIN9;", "#c11MIN9\x05;"},
		{"#NOSUCH1;", "#NOSUCH1\x05;"},
		{"#SCNTRG1;", "#SCNTRG1\x06;"},
		{"#SCNTRG2;", "#SCNTRG2\x15;"},
		{"@RRDDUR1000;", "@RRDDUR1000\x06;"},
		{"#SCNMOD*;RRDDUR*;", "#SCNMOD2\x06;RRDDUR1000\x06;"},
		{"#GRBENA0;SCNMOD0;", "#GRBENA0\x06;SCNMOD0\x06;"},
		{"#QRYPDN;", "#QRYPDNscannersim newland\x06;"},
	} {
		set(t, unit.NewNewland()).hear(toNewland+c.text+"\x03", fromNewland+c.want+"\x03")
	}
	const on = "\x7E\x01\x30\x30\x30\x30\x23\x53\x43\x4E\x54\x52\x47\x31\x3B\x03"
	set(t, unit.NewNewland()).hear(on, "\x02\x01\x30\x30\x30\x30\x23\x53\x43\x4E\x54\x52\x47\x31\x06\x3B\x03")
}

func TestNewlandPassesOverWhatIsNoCommand(t *testing.T) {
	for _, noise := range []string{
		"AT\r", "\x7E", "\x7E\x01000", "\x7E\x010000\x03", "\x7E\x7E\x01", toNewland + "SCNTRG1;\x03",
		toNewland + "#SCNTRG1\x03", toNewland + "#" + strings.Repeat("A", 600) + ";\x03", "A\x010000#SCNTRG1;\x03", "\x03\x06\x15",
	} {
		d := set(t, unit.NewNewland())
		d.hear(noise, "")
		d.hear("\x03", "") // a command that never ended
		d.hear(toNewland+"#GRBENA*;\x03", fromNewland+"#GRBENA1\x06;\x03")
	}
}

func TestNewlandForgetsTemporarySettingsWithThePower(t *testing.T) {
	d := set(t, unit.NewNewland())
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear(toNewland+"#GRBENA0;AIDENA1;\x03", fromNewland+"#GRBENA0\x06;AIDENA1\x06;\x03")
	d.see("2", "]E02\r")
	d.replug()
	d.see("3", "3\r", unit.BeepGood)
	d.hear(toNewland+"@GRBENA0;\x03", fromNewland+"@GRBENA0\x06;\x03")
	d.replug()
	d.see("4", "4\r")
}

func TestNewlandReadsTheSameCodeAgainAfterTheInterval(t *testing.T) {
	d := set(t, unit.NewNewland())
	d.see(jan, jan+"\r", unit.BeepGood)
	d.pass(time.Second - 1)
	d.see(jan, "")
	d.pass(1)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.see("2", "2\r", unit.BeepGood)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear(toNewland+"#RRDDUR500;\x03", fromNewland+"#RRDDUR500\x06;\x03")
	d.see("2", "2\r", unit.BeepGood)
	d.pass(500 * time.Millisecond)
	d.see("2", "2\r", unit.BeepGood)
	d.hear(toNewland+"#RRDENA0;\x03", fromNewland+"#RRDENA0\x06;\x03")
	d.see("2", "2\r", unit.BeepGood)
}

func TestNewlandReadsWhileTheTriggerIsPressed(t *testing.T) {
	d := set(t, unit.NewNewland())
	d.hear(toNewland+"#SCNMOD0;\x03", fromNewland+"#SCNMOD0\x06;\x03")
	d.see(jan, "")
	for range 2 { // the same code each time
		d.hear(toNewland+"#SCNTRG1;\x03", fromNewland+"#SCNTRG1\x06;\x03")
		d.see(jan, jan+"\r", unit.BeepGood)
		d.see(jan, "")
	}
	d.hear(toNewland+"#SCNTRG1;SCNTRG0;\x03", fromNewland+"#SCNTRG1\x06;SCNTRG0\x06;\x03")
	d.see(jan, "")
	d.replug()
	d.see(jan, jan+"\r", unit.BeepGood)
}

func TestNewlandStopsReadingOnDemand(t *testing.T) {
	d := set(t, unit.NewNewland())
	d.hear(toNewland+"#SCNENA0;\x03", fromNewland+"#SCNENA0\x06;\x03", unit.Blind)
	d.hear(toNewland+"#SCNENA0;SCNENA*;\x03", fromNewland+"#SCNENA0\x06;SCNENA0\x06;\x03")
	d.see(jan, "")
	d.hear(toNewland+"#SCNENA1;\x03", fromNewland+"#SCNENA1\x06;\x03", unit.Seeing)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear(toNewland+"#SCNENA0;\x03", fromNewland+"#SCNENA0\x06;\x03", unit.Blind)
	d.replug()
	d.see(jan, jan+"\r", unit.BeepGood)
}

func TestNewlandBeepsOnDemand(t *testing.T) {
	d := set(t, unit.NewNewland())
	d.hear(toNewland+"#BEEPON2000F50T20V;\x03", fromNewland+"#BEEPON2000F50T20V\x06;\x03", unit.BeepGood)
	d.hear(toNewland+"#BEEPON1000F50T20V;\x03", fromNewland+"#BEEPON1000F50T20V\x06;\x03", unit.BeepGood)
	d.hear(toNewland+"#BEEPON999F400T20V;\x03", fromNewland+"#BEEPON999F400T20V\x06;\x03", unit.BeepBad)
	d.hear(toNewland+"#BEEPON;BEEPON2000F;\x03", fromNewland+"#BEEPON\x15;BEEPON2000F\x15;\x03")
}
