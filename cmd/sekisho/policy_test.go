package main

import (
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

func TestFrozenNamesAllThatIsStopped(t *testing.T) {
	for want, f := range map[string]*policy.Freeze{
		"nothing": nil,
		"everything, category gift-card, category tobacco, issuer demo-wallet": {
			All: true, Categories: map[terminal.Category]bool{"tobacco": true, "gift-card": true}, Issuers: map[string]bool{"demo-wallet": true},
		},
		"issuer demo-wallet": {Issuers: map[string]bool{"demo-wallet": true}},
	} {
		if got := frozen(f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := frozen(new(policy.Freeze)); got != "nothing" {
		t.Errorf("a freeze of nothing: %q", got)
	}
}
