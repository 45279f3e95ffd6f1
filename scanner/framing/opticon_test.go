package framing_test

import (
	"reflect"
	"regexp"
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// The bytes of NLV-4001's page 17: ESC 1B, command, CR 0D.
func TestOpticonAnswers(t *testing.T) {
	unit := newTill(framing.FamilyOpticon)
	converse(t, unit, ">", "<4902777130835\r", "!wait", ">", "!good", ">\x1bB\r\x1bL\r", "!bad", ">\x1bE\r", "!done", ">")
	unit.stop()
	converse(t, unit, ">")
}

// A unit that acknowledges commands would be told of an error for each
// acknowledgement, acknowledge that, and so for ever.
func TestI8OpticonAcknowledgementsAreNoErrors(t *testing.T) {
	unit := newTill(framing.FamilyOpticon)
	converse(t, unit, "<\x06\x15\x06", ".400", "<49400762", ".400")
	if want := []string{"<unterminated 8>"}; !reflect.DeepEqual(unit.heard, want) {
		t.Fatalf("heard %q, want %q", unit.heard, want)
	}
	converse(t, unit, "!bad", "<\x06", ".400", "<\x15", ".400", "<\r4940\x060762\r", "<1\r\x062\r\x06")
	if want := []string{"<unterminated 8>", "<garbled 5>", "1", "2"}; !reflect.DeepEqual(unit.heard, want) {
		t.Errorf("heard %q, want %q", unit.heard, want)
	}
}

// FuzzOpticon holds the driver against Raw on the same line without the
// acknowledgements that stand behind an end.
func FuzzOpticon(f *testing.F) {
	between := regexp.MustCompile(`(^|[\r\n\x03])[\x06\x15]+`)
	f.Fuzz(func(t *testing.T, line, cuts []byte) {
		unit := fuzzPieces(t, framing.FamilyOpticon, line, cuts)
		raw := newTill(framing.FamilyRaw)
		raw.feed(string(between.ReplaceAll(line, []byte("$1"))))
		if !reflect.DeepEqual(unit.scans, raw.scans) {
			t.Fatalf("heard %q, Raw %q", unit.heard, raw.heard)
		}
		unit.quiet(time.Second)
	})
}
