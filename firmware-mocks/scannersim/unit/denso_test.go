package unit_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// XOR of the digits of 4901234567894 is 0x38, worked out by hand.
func TestDensoFrames(t *testing.T) {
	set(t, unit.NewDenso()).see(jan, jan+"\r", unit.BeepGood)
	set(t, unit.NewDenso(), "stx").see(jan, "\x02"+jan+"\r", unit.BeepGood)
	set(t, unit.NewDenso(), "stx", "bcc").see("AB", "\x02AB\r\x03", unit.BeepGood)
	set(t, unit.NewDenso(), "stx", "bcc").see(jan, "\x02"+jan+"\r\x38", unit.BeepGood)
	set(t, unit.NewDenso(), "bcc").see(jan, jan+"\r", unit.BeepGood) // none without a header
}

func TestDensoStandby(t *testing.T) {
	for _, c := range [][2]string{{"Z", "R"}, {"READOFF", "READON"}, {"LOFF", "LON"}} {
		d := set(t, unit.NewDenso())
		d.hear(c[0]+"\r", "", unit.Blind)
		d.hear(c[0]+"\r", "")
		d.see(jan, "")
		d.hear("B1\r", "", unit.BeepGood) // sounds on standby too
		d.hear(c[1]+"\r", "", unit.Seeing)
		d.hear(c[1]+"\r", "")
		d.see(jan, jan+"\r", unit.BeepGood)
		d.hear(c[0]+"\r", "", unit.Blind)
		d.replug()
		d.see(jan, jan+"\r", unit.BeepGood)
	}
}

// Note 1 of the QK20-R's appendix 2: Z ends the prevention of double reads.
func TestDensoSendsTheSameCodeAgainAfterZAndR(t *testing.T) {
	d := set(t, unit.NewDenso())
	d.see(jan, jan+"\r", unit.BeepGood)
	d.see(jan, "")
	d.hear("R\r", "")
	d.see(jan, "")
	d.hear("Z\rR\r", "", unit.Blind, unit.Seeing)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.see("2", "2\r", unit.BeepGood)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.pass(time.Second)
	d.see(jan, jan+"\r", unit.BeepGood)
}

func TestDensoSoundsAndLights(t *testing.T) {
	d := set(t, unit.NewDenso())
	d.hear("B1\rB2\rB3\r", "", unit.BeepGood, unit.BeepOther, unit.BeepOther)
	d.hear("BH1\rBM2\rBL3\r", "", unit.BeepGood, unit.BeepOther, unit.BeepOther)
	d.hear("LG\rLR\rLB\r", "", unit.GreenOn, unit.RedOn)
	d.hear("VER\r", "Ver. 1.00\r")
	d.hear("b1\rB4\rB\x02B1\r B1\rXYZ\r\r"+strings.Repeat("Z", 600)+"\r", "")
	d.hear("B1\r", "", unit.BeepGood)
}

// Commands stand in the frame that codes stand in.
func TestDensoCommandsInAFrame(t *testing.T) {
	d := set(t, unit.NewDenso(), "stx")
	d.hear("B1\rZ\r", "")
	d.hear("Z\x02B1\r\rZ\r", "", unit.BeepGood)
	d.hear("\x02Z\x02B1\r", "", unit.BeepGood)
	d.hear("\x02VER\r", "\x02Ver. 1.00\r")

	d = set(t, unit.NewDenso(), "stx", "bcc")
	d.hear("\x02B1\r", "")
	d.hear("\x73", "", unit.BeepGood) // 42 xor 31
	d.hear("\x02B1\r\x74", "")
	d.hear("\x02Z\rZ", "", unit.Blind)
	d.hear("\x02R\rR", "", unit.Seeing)
}
