package conform_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/firmware-mocks/conform"
	"sekisho/firmware-mocks/conform/own"
	"sekisho/terminal/wire"
)

// mutant is a backend that breaks a rule.
type mutant struct {
	rule string
	m    mutation
}

// mutants has for each rule of the link at least one.
var mutants = slices.Concat(linkMutants, payMutants, capMutants, adviceMutants, officeMutants, trustMutants)

// TestEveryRuleHasAMutant holds the table against the rules.
func TestEveryRuleHasAMutant(t *testing.T) {
	for _, r := range conform.Rules() {
		on := slices.ContainsFunc(mutants, func(m mutant) bool { return m.rule == r.ID })
		if !on && !slices.ContainsFunc(strangers, func(m stranger) bool { return m.rule == r.ID }) {
			t.Errorf("%s has no mutant: nothing shows that the kit would see it broken", r.ID)
		}
	}
}

// impatience is how long the kit waits for a mutant: half of them say nothing.
const impatience = 300 * time.Millisecond

// TestMutantsFail plays each rule against a backend that breaks it.
func TestMutantsFail(t *testing.T) {
	b := reference(t, false)
	rules := map[string]conform.Rule{}
	for _, r := range conform.Rules() {
		rules[r.ID] = r
	}
	for _, m := range mutants {
		t.Run(m.rule, func(t *testing.T) {
			cfg := anew(t, b, 1)
			p := newProxy(t, cfg.URL, m.m)
			cfg.URL = p.url()
			k, err := conform.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			k.Wait(impatience)
			p.on.Store(true)
			r := k.Check(t.Context(), rules[m.rule])
			if r.Status != conform.Failed || strings.HasPrefix(r.Why, "the kit") {
				t.Errorf("a backend that breaks the rule is not found out:\n%v", r)
			}
			t.Log(r.Why)
		})
	}
}

// TestAProxyAloneFailsNothing is the control: what the mutants fail by is not the
// proxy.
func TestAProxyAloneFailsNothing(t *testing.T) {
	cfg := anew(t, reference(t, false), conform.Spoilt)
	same := func(*leg, *wire.Message) bool { return true }
	p := newProxy(t, cfg.URL, mutation{down: same})
	p.on.Store(true)
	cfg.URL = p.url()
	k, err := conform.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	k.Run(t.Context(), "", func(r conform.Result) {
		if r.Status == conform.Failed {
			t.Error(r)
		}
	})
}

// reference is the reference backend for one test.
func reference(t *testing.T, tls bool) *own.Backend {
	t.Helper()
	b, err := own.Open(t.Context(), t.TempDir(), tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// anew has registers that the backend never heard; so many may be spoilt.
func anew(t *testing.T, b *own.Backend, spoilt int) conform.Config {
	t.Helper()
	cfg, err := b.Config(t.Context(), spoilt)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
