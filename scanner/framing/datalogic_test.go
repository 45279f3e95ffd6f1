package framing_test

import (
	"reflect"
	"testing"

	"sekisho/scanner/framing"
)

// The bytes of Magellan 9300i's appendix E: E 45, D 44, F 46, forced tone 01.
func TestI8DatalogicIsLetGo(t *testing.T) {
	unit := newTill(framing.FamilyDatalogic)
	converse(t, unit, "<4902777130835\r", ">E", "!wait", ">D", "!good", ">E\x01",
		"!wait", ">D", "!bad", ">FE", "!wait", ">D", "!done", ">E")
	unit.answer(framing.Wait)
	unit.stop()
	converse(t, unit, ">DE")
	unit.Start(unit.now, &unit.out)
	unit.note()
	converse(t, unit, ">E")
}

// A unit that did not hear that it may scan is told again, but not while it is held.
func TestI8DatalogicIsToldAgain(t *testing.T) {
	unit := newTill(framing.FamilyDatalogic)
	converse(t, unit, ">E", ".2900", ">", ".100", ">E", "!wait", ">D", ".60000", ">", "!bad", ">FE", ".2900", ">", ".3100", ">EE")
}

// FuzzDatalogic holds the driver against Raw: commands change nothing of what is read.
func FuzzDatalogic(f *testing.F) {
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		raw, unit := newTill(framing.FamilyRaw), fuzzPieces(t, framing.FamilyDatalogic, line, cuts)
		raw.feed(string(line))
		if !reflect.DeepEqual(unit.heard, raw.heard) {
			t.Fatalf("heard %q, Raw %q", unit.heard, raw.heard)
		}
	})
}

// fuzzPieces feeds a line whole and in the pieces that cuts names to tills of a
// family, which must hear and say the same, and gives the first.
func fuzzPieces(t *testing.T, family framing.Family, line, cuts []byte) *till {
	whole, pieces := newTill(family), newTill(family)
	whole.feed(string(line))
	rest := line
	for _, cut := range cuts {
		n := min(int(cut), len(rest))
		pieces.feed(string(rest[:n]))
		rest = rest[n:]
	}
	pieces.feed(string(rest))
	if !reflect.DeepEqual(whole.heard, pieces.heard) || whole.sent != pieces.sent {
		t.Fatalf("whole: %q and sent %q, in pieces: %q and sent %q", whole.heard, whole.sent, pieces.heard, pieces.sent)
	}
	return whole
}
