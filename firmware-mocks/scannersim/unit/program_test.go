package unit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

func TestZebraIsProgrammedByName(t *testing.T) {
	u := unit.NewZebra(unit.ZebraSettings{})
	if !slices.Equal(u.Programs(), []string{"suffix", "newer"}) || u.Program("no such code") {
		t.Errorf("it can be programmed with %q", u.Programs())
	}
	var out unit.Out
	u.Program("suffix")
	for range 2 { // also after the power was gone
		u.PowerOn(0, &out)
		out.Reset()
		if u.See(time.Second, unit.Symbol{Identifier: "]E0", Data: jan}, &out); string(out.Line) != jan+"\r" {
			t.Errorf("with a suffix it said %q", out.Line)
		}
	}
	u.Program("newer")
	u.Hear(2*time.Second, []byte("\x07\xC6\x04\x00\xFF\xEE\x01\xFD\x41"), &out)
	out.Reset()
	if u.See(3*time.Second, unit.Symbol{Identifier: "]Q1", Data: strings.Repeat("A", 300)}, &out); !strings.HasPrefix(string(out.Line), "\xFF\x73") {
		t.Errorf("a newer one said % X", out.Line)
	}
}

// What can be programmed is nobody else's to change.
func TestProgramsAreACopy(t *testing.T) {
	for _, m := range unit.Models() {
		u, err := unit.New(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := u.(unit.Programmable)
		if !ok {
			continue
		}
		p.Programs()[0] = "changed"
		if slices.Contains(p.Programs(), "changed") || !p.Program(p.Programs()[0]) {
			t.Errorf("%s: programs %q", m.Name, p.Programs())
		}
	}
}
