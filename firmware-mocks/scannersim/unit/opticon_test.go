package unit_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

func TestOpticonCommands(t *testing.T) {
	d := set(t, unit.NewOpticon())
	d.see(jan, jan+"\r", unit.BeepGood)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear("\x1BB\r", "", unit.BeepGood)
	d.hear("\x1BE\r", "", unit.BeepBad)
	d.hear("\x1BL\r\x1BN\r", "", unit.GreenOn, unit.RedOn)
	d.hear("\x1BY\r", "", unit.Blind)
	d.hear("\x1BY\r", "")
	d.see(jan, "")
	d.hear("\x1BB\r", "", unit.BeepGood)
	d.hear("\x1BZ\r", "", unit.Seeing)
	d.hear("\x1BZ\r", "")
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear("\x1BY\r", "", unit.Blind)
	d.replug()
	d.see(jan, jan+"\r", unit.BeepGood)
}

func TestOpticonPassesOverWhatItDoesNotKnow(t *testing.T) {
	for _, noise := range []string{
		"B\r", "B", "\x1B\r", "\x1Bb\r", "\x1BBB\r", "\x1B[BCD\r", "\x1BB\n\r", "\x06\x15\x11", "\x1B" + strings.Repeat("B", 600) + "\r",
	} {
		d := set(t, unit.NewOpticon())
		d.hear(noise, "")
		d.hear("\x1BE\x1BB\r", "", unit.BeepGood)
	}
}

func TestOpticonForgetsSettingsThatAreNotSaved(t *testing.T) {
	d := set(t, unit.NewOpticon())
	d.hear("\x1BW0\r", "")
	d.see(jan, jan+"\r")
	if !d.u.See(d.now, unit.Symbol{Data: "2"}, &d.out) {
		t.Error("a silent unit does not read")
	}
	d.out.Reset()
	d.hear("\x1BB\r\x1BE\r", "")
	d.hear("\x1BW8\r\x1BB\r", "", unit.BeepGood)
	d.hear("\x1BW0\r", "")
	d.replug()
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear("\x1BW0\r\x1BZ2\r", "")
	d.replug()
	d.see(jan, jan+"\r")
}

// The flow chart of the L-46X User's Manual, page 49. I2: the good-read beep comes
// with the till's word.
func TestOpticonAckNak(t *testing.T) {
	d := set(t, unit.NewOpticon())
	d.hear("\x1BWC\r", "")
	d.see(jan, jan+"\r")
	d.see("2", "")
	d.hear("\x15", jan+"\r")
	d.pass(time.Second - 1)
	d.hear("\x15", jan+"\r") // waits anew
	d.pass(time.Second - 1)
	d.hear("\x06", "", unit.BeepGood)
	d.see("2", "2\r")
	d.hear("\x11", "")
	d.hear("\x06\x15\x11", "")
	d.see("3", "3\r")
	d.pass(time.Second, unit.BeepBad, unit.Lost)
	d.hear("\x06", "")
	d.see("4", "4\r")
	d.hear("\x06", "", unit.BeepGood)
	d.hear("\x1BWD\r", "")
	d.see("5", "5\r", unit.BeepGood)
}
