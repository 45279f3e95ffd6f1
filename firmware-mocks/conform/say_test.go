package conform_test

import (
	"testing"

	"sekisho/firmware-mocks/conform"
	"sekisho/terminal/wire"
)

// TestASilenceTellsWhatCameInstead: the last few messages, each with its word.
func TestASilenceTellsWhatCameInstead(t *testing.T) {
	came := []wire.Message{
		{Type: wire.TypeHello}, {Type: wire.TypeGrants}, {Type: wire.TypeGrants}, {Type: wire.TypeGrants},
		{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeBody}},
		{Type: wire.TypeAck, Ack: &wire.Ack{Status: wire.StatusRejected, Reason: "frozen"}},
	}
	const want = "; what came last is grants, grants, grants, error body, an acknowledgement, rejected frozen"
	if got := conform.Lately(came); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got := conform.Lately(nil); got != "" {
		t.Errorf("nothing came, and it says %q", got)
	}
}
