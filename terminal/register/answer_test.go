package register

import (
	"slices"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// A receipt names issuer and account as the backend tells them, masked whatever
// it sends; what a pass told before stays, and a key of another form is none.
func TestI7WhatAnAnswerTellsOfTheAccount(t *testing.T) {
	const key = "00112233445566ff"
	for _, c := range []struct {
		name   string
		before terminal.Payment
		answer wire.Answer
		want   terminal.Payment
	}{
		{"nothing told", terminal.Payment{}, wire.Answer{}, terminal.Payment{}},
		{
			"digits", terminal.Payment{},
			wire.Answer{Issuer: "wallet", Account: "12345678", Key: key},
			terminal.Payment{Issuer: "wallet", Masked: "…5678", Account: key},
		},
		{
			"a pass", terminal.Payment{Issuer: "wallet", Masked: "…1234", Account: key},
			wire.Answer{Issuer: "other", Key: "ffffffffffffffff"},
			terminal.Payment{Issuer: "wallet", Masked: "…1234", Account: key},
		},
		{"a key too short", terminal.Payment{}, wire.Answer{Key: key[:15]}, terminal.Payment{}},
		{"a key too long", terminal.Payment{}, wire.Answer{Key: key + "0"}, terminal.Payment{}},
	} {
		got := learn(c.before, c.answer)
		if got.Issuer != c.want.Issuer || got.Masked != c.want.Masked || got.Account != c.want.Account {
			t.Errorf("%s: %q %q %q, want %q %q %q", c.name, got.Issuer, got.Masked, got.Account, c.want.Issuer, c.want.Masked, c.want.Account)
		}
	}
}

// stood is a clock that stands still.
type stood struct{ wall time.Time }

func (s stood) Boot() time.Duration { return time.Hour }
func (s stood) Wall() time.Time     { return s.wall }

// A stop gives back today's quota and the next day's, of which grants come before
// the cut-over.
func TestI3AStopCoversTheNextDaysQuotaToo(t *testing.T) {
	r := &Register{policy: rulesPolicy(t), time: timekeeper{clock: stood{rulesNow}}}
	if got := r.openWindows(); !slices.Equal(got, []terminal.BusinessDay{"2026-11-20", "2026-11-21"}) {
		t.Errorf("%v", got)
	}
	if r.policy = nil; r.openWindows() != nil {
		t.Error("windows without a policy")
	}
}
