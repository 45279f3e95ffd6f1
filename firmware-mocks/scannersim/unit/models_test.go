package unit_test

import (
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

func TestEveryModelCanBeHadByItsName(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range unit.Models() {
		if m.Name == "" || m.Document == "" || seen[m.Name] {
			t.Errorf("model %q of %q: it needs a name of its own and a document", m.Name, m.Document)
		}
		seen[m.Name] = true
		if u, err := unit.New(m.Name); err != nil || u == nil {
			t.Errorf("%s: %v, %v", m.Name, u, err)
		}
	}
	if !seen["raw"] {
		t.Error("there is no raw model, which is the default")
	}
	if _, err := unit.New("abacus"); err == nil || !strings.Contains(err.Error(), "raw") {
		t.Errorf("New of no model: %v, want the names there are", err)
	}
}

// Before a driver has said a word, every model reads as a raw one does: a till
// whose setting is wrong still sells.
func TestEveryModelLeavesTheFactoryAsAnOrdinaryRawUnit(t *testing.T) {
	for _, m := range unit.Models() {
		u, err := unit.New(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		var out unit.Out
		u.PowerOn(0, &out)
		out.Reset()
		read := u.See(time.Minute, unit.Symbol{Identifier: "]E0", Data: "4901234567894"}, &out)
		if !read || !strings.Contains(string(out.Line), "4901234567894") {
			t.Errorf("%s: read %v, the line says %q", m.Name, read, out.Line)
		}
	}
}

// I8: no unit says that Tick is due at a time when Tick does nothing about it,
// which would have its owner call for ever.
func TestNoModelWaitsForeverOnTheSameTick(t *testing.T) {
	for _, m := range unit.Models() {
		u, err := unit.New(m.Name)
		if err != nil {
			t.Fatal(err)
		}
		var out unit.Out
		u.PowerOn(0, &out)
		u.See(time.Second, unit.Symbol{Identifier: "]Q1", Data: "SK1:PASS"}, &out)
		now := time.Second
		for range 1000 {
			at, waits := u.Due()
			if !waits {
				break
			}
			now = max(now, at)
			u.Tick(now, &out)
			if again, waits := u.Due(); waits && again <= now {
				t.Errorf("%s: due at %v, and after Tick still due at %v", m.Name, at, again)
				break
			}
		}
	}
}
