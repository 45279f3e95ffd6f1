package conform_test

import (
	"context"
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
	cfg.Admin, cfg.Restart, cfg.Operator, cfg.Backend = "", nil, nil, nil
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

// TestTheOperatorStandsInForAnAdminAPI where there is none.
func TestTheOperatorStandsInForAnAdminAPI(t *testing.T) {
	cfg := anew(t, reference(t, false), 4)
	cfg.Admin = ""
	k, err := conform.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"quarantine.released", "quarantine.ordered"} {
		k.Run(t.Context(), rule, func(r conform.Result) {
			if r.Status != conform.Holds {
				t.Error(r)
			}
		})
	}
}

// TestWhatTheOperatorDoesNotDoIsNotChecked: neither does it fail.
func TestWhatTheOperatorDoesNotDoIsNotChecked(t *testing.T) {
	cfg := anew(t, reference(t, false), 0)
	cfg.Operator = func(context.Context, string, ...string) (string, error) { return "", conform.ErrCannot }
	k, err := conform.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	k.Run(t.Context(), "freeze.", func(r conform.Result) {
		tried++
		if r.Status != conform.NotChecked {
			t.Error(r)
		}
	})
	if tried == 0 {
		t.Error("there is no rule of freezes")
	}
}
