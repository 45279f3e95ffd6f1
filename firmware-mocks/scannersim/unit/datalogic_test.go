package unit_test

import (
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

func TestDatalogicBytes(t *testing.T) {
	d := set(t, unit.NewDatalogic())
	d.see(jan, jan+"\r", unit.BeepGood)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear("B", "", unit.BeepGood)
	d.hear("\x01\x07", "", unit.BeepGood, unit.BeepGood)
	d.hear("E", "") // it was not disabled
	d.hear("D", "", unit.GreenOn, unit.Blind)
	d.hear("D", "")
	d.see(jan, "")
	d.hear("B", "") // sounds if the scanner is enabled
	d.hear("\x01", "", unit.BeepGood)
	d.hear("E", "", unit.GreenOff, unit.Seeing)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.hear("ihsedrbfx\r\n\x00\xFF", "")
}

func TestDatalogicDisabledEndsWithTheReset(t *testing.T) {
	d := set(t, unit.NewDatalogic())
	d.hear("DR", "", unit.GreenOn, unit.Blind, unit.GreenOff, unit.Seeing, unit.BeepOther)
	d.see(jan, jan+"\r", unit.BeepGood)
	d.pass(30*time.Second - 1)
	d.hear("DEBF\x01\x07R", "")
	d.pass(1)
	d.hear("B", "", unit.BeepGood)
}

func TestDatalogicDisabledEndsWithThePower(t *testing.T) {
	d := set(t, unit.NewDatalogic())
	d.hear("RDD", "", unit.BeepOther) // deaf
	d.replug()
	d.hear("D", "", unit.GreenOn, unit.Blind)
	d.replug()
	d.see(jan, jan+"\r", unit.BeepGood)
}

func TestDatalogicNotOnFile(t *testing.T) {
	d := set(t, unit.NewDatalogic())
	d.hear("F", "", unit.BeepBad)
	d.see(jan, jan+"\r", unit.BeepGood)

	d = set(t, unit.NewDatalogic(), "not-on-file-disables")
	d.hear("F", "", unit.BeepBad, unit.Blind)
	d.see(jan, "")
	d.hear("E", "", unit.GreenOff, unit.Seeing)
	d.see(jan, jan+"\r", unit.BeepGood)
}
