package unit_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

const menuStart = "\x16M\r"

// The examples of the HH1800 User Guide, page 166, and of the notes: 06 for done,
// 05 for a bad tag, 15 for bad data, before each mark of the echo.
func TestHoneywellAnswersMenuCommandsWithAnEcho(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"cbrena*.", "CBRENA0-1\x06."},
		{"cbrena^.", "CBRENA1\x06."},
		{"cbrena?.", "CBRENA1\x06."},
		{"cbr?.", "CBRENA1\x06."},
		{"BEPBEP0!", "BEPBEP0\x06!"},
		{"BEPBEP2!", "BEPBEP2\x15!"},
		{"BEPBEP!", "BEPBEP\x15!"},
		{"BEPBEP-1!", "BEPBEP-1\x15!"},
		{"BEPBEP99999999999999999999!", "BEPBEP99999999999999999999\x15!"},
		{"BEPXYZ1!", "BEPXYZ1\x05!"},
		{"XYZBEP1.", "XYZBEP1\x05."},
		{"XYZ?.", "XYZ?\x05."},
		{"X.", "X\x05."},
		{".", "\x05."},
		{"CBRENA0;232BAD5!", "CBRENA0\x06;232BAD5\x06!"},
		{"CBRENA0,ENA1,XXX1,ENA2!", "CBRENA0\x06,ENA1\x06,XXX1\x05,ENA2\x15!"},
		{"CBRENA0;ENA1!", "CBRENA0\x06;ENA1\x05!"},
		{"?!", "BEPBEP1\x06;TRGSTO30000\x06;CBRENA1\x06;232BAD9\x06!"},
		{"VSUFCR!", "VSUFCR\x06!"},
		{"VSUFCR1!", "VSUFCR1\x05!"},
		{"HSTXYZ1!", "HSTXYZ1\x05!"},
	} {
		set(t, unit.NewHoneywell()).hear(menuStart+c.text, c.want)
	}
}

// As a Voyager 1602g was seen to do: lines of text, then the echo.
func TestHoneywellTellsItsRevision(t *testing.T) {
	d := set(t, unit.NewHoneywell())
	d.u.Hear(0, []byte(menuStart+"REVINF."), &d.out)
	if said := string(d.out.Line); !strings.HasPrefix(said, "Product Name: ") || !strings.HasSuffix(said, "\r\nREVINF\x06.") {
		t.Errorf("it said %q", said)
	}
}

func TestHoneywellForgetsVolatileSettingsWithThePower(t *testing.T) {
	d := set(t, unit.NewHoneywell())
	d.see(jan, jan+"\r\n", unit.BeepGood)
	d.hear(menuStart+"BEPBEP0!", "BEPBEP0\x06!")
	d.hear(menuStart+"VSUFCR!", "VSUFCR\x06!")
	d.see(jan, jan+"\r")
	d.hear(menuStart+"BEPBEP?!", "BEPBEP0\x06!")
	d.hear(menuStart+"BEPBEP?.", "BEPBEP1\x06.") // what is stored
	d.replug()
	d.see(jan, jan+"\r\n", unit.BeepGood)

	d.hear(menuStart+"BEPBEP0.", "BEPBEP0\x06.")
	d.hear(menuStart+"VSUFCR.", "VSUFCR\x06.")
	d.replug()
	d.see(jan, jan+"\r")
}

// What cannot be a command changes nothing and does not hide the next one.
func TestHoneywellPassesOverWhatIsNoCommand(t *testing.T) {
	for _, noise := range []string{
		"AT\r", "\x16", "\x16M", "\x16X\r", "\x16MX", "\x16T\n", "\x16M\rBEP\r", "\x1B", "\x1B\x1B",
		"\x16M\r" + strings.Repeat("A", 600) + ".", "\x06\x15\x11\x13", "\x1B7", "\x05\xE6\x04\x00\x00\xFF\x11",
	} {
		d := set(t, unit.NewHoneywell())
		d.hear(noise, "")
		d.hear(menuStart+"BEPBEP?!", "BEPBEP1\x06!")
	}
}

func TestHoneywellTellsTheFactorysValueOfWhatWasChanged(t *testing.T) {
	d := set(t, unit.NewHoneywell())
	d.hear(menuStart+"BEPBEP0.", "BEPBEP0\x06.")
	d.hear(menuStart+"BEPBEP^.", "BEPBEP1\x06.")
	d.hear(menuStart+"BEPBEP?.", "BEPBEP0\x06.")
}

func TestHoneywellBeepsOnSynBel(t *testing.T) {
	set(t, unit.NewHoneywell()).hear("\x16\x07\r", "", unit.BeepOther)
}

// I2: in host acknowledgement mode the unit is silent at the read, and its sound
// is the till's.
func TestHoneywellHostAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		escape string
		deeds  []unit.Deed
	}{
		{"\x1B7,", []unit.Deed{unit.BeepGood, unit.Seeing}},
		{"\x1B8,", []unit.Deed{unit.BeepBad, unit.Seeing}},
		{"\x1B1,", []unit.Deed{unit.GreenOn, unit.Seeing}},
		{"\x1B2,", []unit.Deed{unit.GreenOn, unit.Seeing}},
		{"\x1B3,", []unit.Deed{unit.GreenOn, unit.Seeing}},
		{"\x1Ba,", []unit.Deed{unit.BeepOther, unit.BeepOther, unit.Seeing}},
		{"\x1Bb,", []unit.Deed{unit.BeepBad, unit.Seeing}},
		{"\x1B4,\x1B5,\x1B6,", []unit.Deed{unit.BeepOther, unit.Seeing, unit.BeepOther, unit.BeepOther}},
		{"\x1B8\x1B8,", []unit.Deed{unit.BeepBad, unit.Seeing, unit.BeepBad}},
		{"0\x1B4\x1B5\x1B6,", []unit.Deed{unit.BeepOther, unit.Seeing, unit.BeepOther, unit.BeepOther}},
		{"\x1B\x1B7,", []unit.Deed{unit.BeepGood, unit.Seeing}},
	} {
		d := set(t, unit.NewHoneywell(), "host-ack")
		d.see(jan, jan+"\r\n", unit.Blind)
		d.see("2", "")
		d.hear("\x1B9,\x1B7\r\x1B,7,", "") // none of them is an escape command
		d.see("2", "")
		d.hear(c.escape, "", c.deeds...)
		d.see("2", "2\r\n", unit.Blind)
	}
}

func TestHoneywellHostAcknowledgementEndsAfterTenSeconds(t *testing.T) {
	d := set(t, unit.NewHoneywell(), "host-ack")
	d.see(jan, jan+"\r\n", unit.Blind)
	d.pass(10*time.Second - 1)
	d.see("2", "")
	d.pass(1, unit.BeepBad, unit.Seeing)
	d.see("2", "2\r\n", unit.Blind)
	d.replug()
	d.see("3", "3\r\n", unit.Blind)
}

func TestHoneywellObeysEscapesInHostAcknowledgementModeOnly(t *testing.T) {
	d := set(t, unit.NewHoneywell())
	d.hear("\x1B7,\x1B8,\x1B2,", "")
}

func TestHoneywellAckNak(t *testing.T) {
	d := set(t, unit.NewHoneywell(), "ack-nak")
	d.see(jan, jan+"\r\n", unit.BeepGood)
	d.see("2", "")
	d.hear("\x15", jan+"\r\n")
	d.pass(2*time.Second - 1)
	d.hear("\x15", jan+"\r\n") // waits anew
	d.pass(2*time.Second - 1)
	d.see("2", "")
	d.hear("\x06", "")
	d.hear("\x06\x15", "")
	d.see("2", "2\r\n", unit.BeepGood)
	d.pass(2*time.Second, unit.Lost)
	d.hear("\x15", "")
	d.see("3", "3\r\n", unit.BeepGood)
}

func TestHoneywellXonXoff(t *testing.T) {
	d := set(t, unit.NewHoneywell(), "xon-xoff")
	d.hear("\x13", "")
	d.see(jan, "", unit.BeepGood)
	d.see("2", "") // one is kept
	d.hear("\x11", jan+"\r\n")
	d.see("2", "2\r\n", unit.BeepGood)
	set(t, unit.NewHoneywell()).see(jan, jan+"\r\n", unit.BeepGood)
}

func TestHoneywellSerialTrigger(t *testing.T) {
	d := set(t, unit.NewHoneywell(), "serial-trigger")
	d.see(jan, "")
	d.hear("\x16T\r", "")
	d.see(jan, jan+"\r\n", unit.BeepGood)
	d.see("2", "") // the read ended it
	d.hear("\x16T\r\x16U\r", "")
	d.see("2", "")
	d.hear("\x16T\r", "")
	d.pass(30*time.Second - 1)
	d.see("2", "2\r\n", unit.BeepGood)
	d.hear("\x16T\r", "")
	d.pass(30 * time.Second)
	d.see("3", "")
	d.hear("\x16T\r", "")
	d.hear(menuStart+"TRGSTO0!\x16T\r", "TRGSTO0\x06!") // for ever, not for the rest of the 30 s
	d.pass(time.Hour)
	d.see("3", "3\r\n", unit.BeepGood)
}

func TestHoneywellSendsTheIdentifierWhereProgrammed(t *testing.T) {
	d := set(t, unit.NewHoneywell(), "aim-id")
	d.see(jan, "]E0"+jan+"\r\n", unit.BeepGood)
	d.replug()
	d.see("2", "]E02\r\n", unit.BeepGood)
	if unit.NewHoneywell().Program("no such code") {
		t.Error("it took a program that it does not have")
	}
}
