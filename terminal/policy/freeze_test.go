package policy_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const stop = `version = 5
realm = "sakura/production"
categories = ["tobacco", "gift card"]
issuers = ["demo-wallet"]
`

// frozen signs a freeze and opens it.
func (o office) frozen(t testing.TB, r *policy.Roles, text string, keys ...pair) (*policy.Freeze, error) {
	t.Helper()
	signed, err := policy.SignFreeze(text, signers(keys)...)
	if err != nil {
		t.Fatal(err)
	}
	return r.OpenFreeze(signed)
}

func TestI6WhoMayFreeze(t *testing.T) {
	o := newOffice(t)
	r := o.open(t)
	for _, c := range []struct {
		name      string
		keys      []pair
		ok, lifts bool
	}{
		{"the freeze key", []pair{o.freeze}, true, false},
		{"the freeze key and one of policy's two", []pair{o.freeze, o.policy[0]}, true, false},
		{"the freeze key and two of policy's", []pair{o.freeze, o.policy[0], o.policy[2]}, true, true},
		{"two of policy's", []pair{o.policy[0], o.policy[1]}, true, true},
		{"one of policy's", []pair{o.policy[0]}, false, false},
		{"one of policy's, twice", []pair{o.policy[0], o.policy[0].renamed(t, "policy-2")}, false, false},
		{"the root", []pair{o.root}, false, false},
		{"a stranger", []pair{keyPair(t, "freeze")}, false, false},
	} {
		f, err := o.frozen(t, r, stop, c.keys...)
		if !c.ok {
			refused(t, c.name, err, policy.CodeSignature, "signed by")
			continue
		}
		if err != nil || f.Version != 5 || f.All || !f.Categories["tobacco"] || !f.Categories["gift card"] || !f.Issuers["demo-wallet"] || f.Lifts != c.lifts {
			t.Errorf("%s: %+v, %v", c.name, f, err)
		}
	}
	_, err := o.frozen(t, r, strings.Replace(stop, "sakura", "momo", 1), o.freeze)
	refused(t, "another chain", err, policy.CodeRealm, "momo/production")
}

func TestI6TheFreezeKeyAloneLiftsNothing(t *testing.T) {
	o := newOffice(t)
	r := o.open(t)
	open := func(text string, keys ...pair) *policy.Freeze {
		t.Helper()
		f, err := o.frozen(t, r, text, keys...)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	before := open(stop, o.freeze)
	all := open(strings.Replace(stop, "issuers", "all = true\nissuers", 1), o.freeze)
	next := func(old, new string) string {
		return strings.NewReplacer("version = 5", "version = 6", old, new).Replace(stop)
	}
	for _, c := range []struct {
		name   string
		before *policy.Freeze
		text   string
		code   policy.Code // for the freeze key alone; "" for taken
	}{
		{"the first", nil, stop, ""},
		{"the same again", before, stop, policy.CodeVersion},
		{"an older one", before, strings.Replace(stop, "version = 5", "version = 4", 1), policy.CodeVersion},
		{"newer, the same", before, next("", ""), ""},
		{"one more category", before, next(`"tobacco"`, `"tobacco", "drinks"`), ""},
		{"everything", before, next("issuers", "all = true\nissuers"), ""},
		{"a category less", before, next(`"tobacco", `, ""), policy.CodeLift},
		{"another category instead", before, next(`"tobacco"`, `"drinks"`), policy.CodeLift},
		{"no issuer", before, next(`"demo-wallet"`, ""), policy.CodeLift},
		{"everything instead of a category", before, "version = 6\nrealm = \"sakura/production\"\nall = true\n", policy.CodeLift},
		{"nothing", before, "version = 6\nrealm = \"sakura/production\"\n", policy.CodeLift},
		{"no longer everything", all, next("", ""), policy.CodeLift},
		{"the highest version there is", before, next("version = 6", "version = 1000000000000000"), policy.CodeLift},
	} {
		f := open(c.text, o.freeze)
		err := f.Follows(c.before)
		if c.name == "the highest version there is" {
			f.Version = 1_000_000_000_000_000
			refused(t, c.name, f.Follows(c.before), policy.CodeVersion, "by at most")
			continue
		}
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		} else {
			refused(t, c.name, err, c.code, "freeze")
		}
		// The policy role may lift, but goes no version back either.
		err = open(c.text, o.policy[0], o.policy[1]).Follows(c.before)
		if (err != nil) != (c.code == policy.CodeVersion) {
			t.Errorf("%s, by the policy role: %v", c.name, err)
		}
	}
}

// A thief of the freeze key makes the versions high. The policy role goes on from
// there, and a register that is new takes what is in force then; nobody with the
// freeze key alone uses up the last versions.
func TestI6ANewRegisterTakesAFreezeOfAnyHistory(t *testing.T) {
	at := func(version int64, lifts bool) *policy.Freeze {
		return &policy.Freeze{Version: version, All: true, Lifts: lifts}
	}
	for _, c := range []struct {
		name   string
		before *policy.Freeze
		after  *policy.Freeze
		code   policy.Code // "" for taken
	}{
		{"a step from what is in force", at(10_000_000_005, false), at(20_000_000_005, false), ""},
		{"more than a step", at(10_000_000_005, false), at(20_000_000_006, false), policy.CodeVersion},
		{"more than a step, by the policy role", at(5, true), at(20_260_105_120_000, true), ""},
		{"after steps of others, at a new register", nil, at(20_000_000_006, false), ""},
		{"the highest for a new register", nil, at(100_000_000_000_000, false), ""},
		{"above it", nil, at(100_000_000_000_001, false), policy.CodeVersion},
		{"lifted from there", at(100_000_000_000_000, false), at(100_000_000_000_001, true), ""},
		{"the very last, by the policy role", nil, at(1_000_000_000_000_000, true), ""},
	} {
		err := c.after.Follows(c.before)
		if c.code == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if c.code != "" {
			refused(t, c.name, err, c.code, "by at most")
		}
	}
}

// However freezes follow each other by the freeze key alone, what was stopped
// stays stopped.
func TestI6WhatIsFrozenStaysFrozen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() *policy.Freeze {
			f := &policy.Freeze{Version: rapid.Int64Range(1, 8).Draw(t, "version"), All: rapid.Bool().Draw(t, "all"), Categories: map[terminal.Category]bool{}, Issuers: map[string]bool{}}
			for _, c := range rapid.SliceOfN(rapid.SampledFrom([]terminal.Category{"a", "b"}), 0, 2).Draw(t, "categories") {
				f.Categories[c] = true
			}
			for _, i := range rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(t, "issuers") {
				f.Issuers[i] = true
			}
			return f
		}
		before, after := draw(), draw()
		if after.Follows(before) != nil {
			return
		}
		if after.Version <= before.Version || before.All && !after.All {
			t.Fatalf("%+v follows %+v", after, before)
		}
		for c := range before.Categories {
			if !after.Categories[c] {
				t.Fatalf("%s is lifted", c)
			}
		}
		for i := range before.Issuers {
			if !after.Issuers[i] {
				t.Fatalf("%s is lifted", i)
			}
		}
	})
}

func TestAFreezeThatMakesNoSense(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		old, new, words string
		code            policy.Code
	}{
		{"version = 5", "version = 0", "version must be", policy.CodeRule},
		{"version = 5", "version = 1000000000000001", "version must be", policy.CodeRule},
		{`realm = "sakura/production"`, "", "realm is needed", policy.CodeRule},
		{`"tobacco"`, `"tobacco", "tobacco"`, "none twice", policy.CodeRule},
		{`"tobacco"`, `""`, "none twice", policy.CodeRule},
		{`"demo-wallet"`, `"` + strings.Repeat("x", 65) + `"`, "at most 64", policy.CodeRule},
		{"issuers", "issuer", "issuer", policy.CodeText},
		{"categories", "Categories", "Categories", policy.CodeText},
		{"issuers", "\"iſſuers\" = []\nissuers", "iſſuers", policy.CodeText},
		{`"tobacco"`, `1`, "no TOML", policy.CodeText},
		{"version = 5", "version = 5 #\t", "no tab", policy.CodeText},
		{"issuers", strings.Repeat("a.", 16_000) + "a = 1\nissuers", "more than 16 parts", policy.CodeText},
		{"issuers", strings.Repeat(`"" . `, 6_000) + "a = 1\nissuers", "more than 16 parts", policy.CodeText},
		{"issuers", "x = {" + strings.Repeat(`'a'.`, 4_000) + "a = 1}\nissuers", "more than 16 parts", policy.CodeText},
		{"version = 5", "version = 5\n" + strings.Repeat("#\n", 16<<10), "more than 32768 bytes", policy.CodeText},
	} {
		signed, err := policy.SignFreeze(strings.Replace(stop, c.old, c.new, 1), o.freeze.signer)
		refused(t, c.new, err, c.code, c.words)
		if signed != "" {
			t.Errorf("%s: it was signed", c.new)
		}
	}
}

func TestAFreezeAtItsBoundsIsTaken(t *testing.T) {
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "\"x%d\", ", i)
		}
		return b.String()
	}
	for _, c := range []struct{ old, new string }{
		{"version = 5", "version = 1"},
		{"version = 5", "version = 1000000000000000"},
		{`"demo-wallet"`, `"` + strings.Repeat("x", 64) + `"`},
		{`"demo-wallet"`, names(200)},
		{`"tobacco", "gift card"`, names(200)},
	} {
		if _, err := policy.ParseFreeze(strings.Replace(stop, c.old, c.new, 1)); err != nil {
			t.Errorf("%.40s: %v", c.new, err)
		}
	}
	for _, old := range []string{`"demo-wallet"`, `"tobacco", "gift card"`} {
		_, err := policy.ParseFreeze(strings.Replace(stop, old, names(201), 1))
		refused(t, "201 for "+old, err, policy.CodeRule, "at most 200 names")
	}
}

// Roles that never were parsed may have a role without a threshold: it signs
// nothing.
func TestI6ARoleWithoutThresholdSignsNothing(t *testing.T) {
	o := newOffice(t)
	r := o.open(t)
	r.Freeze.Threshold = 0
	_, err := o.frozen(t, r, stop, o.policy[0])
	refused(t, "one of policy's two", err, policy.CodeSignature, "freeze role needs")
}

// FuzzFreeze: any text gives a freeze that lifts nothing, or an *Error.
func FuzzFreeze(f *testing.F) {
	f.Add(stop)
	if seeds, err := filepath.Glob("testdata/fuzz/FuzzFreeze/*"); err != nil || len(seeds) == 0 {
		f.Fatalf("the seeds are gone: %v", err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		z, err := policy.ParseFreeze(text)
		if err != nil {
			if _, ok := errors.AsType[*policy.Error](err); !ok || z != nil {
				t.Fatalf("got %v and %T: %v", z, err, err)
			}
			return
		}
		if z.Lifts || z.Version < 1 {
			t.Fatalf("got %+v", z)
		}
	})
}
