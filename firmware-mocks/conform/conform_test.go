package conform_test

import (
	"testing"

	"go.uber.org/goleak"

	"sekisho/firmware-mocks/conform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheReferenceBackendConforms plays every rule against backendsim over TLS.
func TestTheReferenceBackendConforms(t *testing.T) {
	k, err := conform.Open(t.Context(), anew(t, reference(t, true), conform.Spoilt))
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

// TestWhatIsNotGivenIsNotChecked plays the rules without TLS, an admin API, keys
// and a way to restart: none fails for it, and what needs them says so.
func TestWhatIsNotGivenIsNotChecked(t *testing.T) {
	cfg := anew(t, reference(t, false), 0)
	cfg.Admin, cfg.Restart, cfg.Backend = "", nil, nil
	for i := range cfg.Registers {
		cfg.Registers[i].Key = nil
	}
	k, err := conform.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := map[conform.Status]int{}
	k.Run(t.Context(), "", func(r conform.Result) {
		got[r.Status]++
		if r.Status == conform.Failed {
			t.Error(r)
		}
	})
	if got[conform.Holds] == 0 || got[conform.NotChecked] == 0 {
		t.Errorf("%v", got)
	}
}

// TestAPolicyWithoutCapsLeavesTheirRulesUnchecked: none fails for it, or ends the
// kit.
func TestAPolicyWithoutCapsLeavesTheirRulesUnchecked(t *testing.T) {
	k, err := conform.Open(t.Context(), anew(t, reference(t, false), 0))
	if err != nil {
		t.Fatal(err)
	}
	k.Uncap()
	unchecked := 0
	k.Run(t.Context(), "caps.", func(r conform.Result) {
		if r.Status == conform.Failed {
			t.Error(r)
		}
		if r.Status == conform.NotChecked {
			unchecked++
		}
	})
	if unchecked == 0 {
		t.Error("every rule of caps was checked without any")
	}
}
