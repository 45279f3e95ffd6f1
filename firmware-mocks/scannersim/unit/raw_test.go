package unit_test

import (
	"slices"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// The terminators are those that scanners' manuals list.
func TestARawUnitSendsTheCodeAndItsTerminator(t *testing.T) {
	symbol := unit.Symbol{Identifier: "]E0", Data: "4901234567894"}
	for _, c := range []struct {
		settings unit.RawSettings
		want     string
	}{
		{unit.RawSettings{}, "4901234567894\x0D"},
		{unit.RawSettings{Terminator: unit.LF}, "4901234567894\x0A"},
		{unit.RawSettings{Terminator: unit.CRLF}, "4901234567894\x0D\x0A"},
		{unit.RawSettings{Terminator: unit.STXETX}, "\x024901234567894\x03"},
		{unit.RawSettings{Identifier: true}, "]E04901234567894\x0D"},
		{unit.RawSettings{Terminator: unit.STXETX, Identifier: true}, "\x02]E04901234567894\x03"},
		{unit.RawSettings{Terminator: 9}, "4901234567894\x0D"},
	} {
		var out unit.Out
		u := unit.NewRaw(c.settings)
		u.PowerOn(0, &out)
		u.Hear(0, []byte("\x05\xE6\x04\x00\x00\xFF\x11"), &out)
		if len(out.Line)+len(out.Deeds) != 0 {
			t.Errorf("%+v: it did %q, %v before it saw anything", c.settings, out.Line, out.Deeds)
		}
		if !u.See(time.Second, symbol, &out) || string(out.Line) != c.want {
			t.Errorf("%+v: the line says %q, want %q", c.settings, out.Line, c.want)
		}
		if !slices.Equal(out.Deeds, []unit.Deed{unit.BeepGood}) {
			t.Errorf("%+v: it did %v, want one good beep", c.settings, out.Deeds)
		}
	}
}
