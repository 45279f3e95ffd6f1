package conform_test

import (
	"testing"

	"go.uber.org/goleak"

	"sekisho/firmware-mocks/conform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheReferenceBackendConforms plays every rule against backendsim.
func TestTheReferenceBackendConforms(t *testing.T) {
	b := reference(t)
	k, err := conform.Open(t.Context(), b.Config())
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	k.Run(t.Context(), "", func(r conform.Result) {
		tried++
		if r.Status != conform.Holds {
			t.Error(r)
		}
	})
	if want := len(conform.Rules()); tried != want {
		t.Errorf("%d of %d rules were tried", tried, want)
	}
}
