package policy_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/policy"
)

var small = policy.Chain{Registers: 2, Stores: 10}

// says looks for a finding of a level about something with some words.
func says(findings []policy.Finding, level policy.Level, about, words string) bool {
	return slices.ContainsFunc(findings, func(f policy.Finding) bool {
		return f.Level == level && f.About == about && strings.Contains(f.Text, words)
	})
}

// The figures are made by hand from testdata/store.toml: floor 5,000 yen; an
// account 10,000 yen and 5 payments; boot 20,000; 2 registers, 10 stores.
func TestLintCountsWhatOfflineCouldCost(t *testing.T) {
	text := strings.NewReplacer("yen = 100000", "units = 12").Replace(storePolicy(t)) // all-offline in units alone
	p, err := parsed(t, text).For("convenience")
	if err != nil {
		t.Fatal(err)
	}
	found := policy.Lint(p, small)
	for about, words := range map[string]string{
		"offline":          "one account in 24 hours without the line: 10000 yen at a register, 20000 yen at the 2 of a store, 200000 yen at those of 10 stores",
		"offline.boot_yen": "at each boot: 20000 yen at a register, 40000 yen at the 2 of a store, 400000 yen at those of 10 stores",
		// 12 units at 5,000 yen each.
		"all-offline": "a store's day without the line: 60000 yen; in 10 stores 600000 yen",
		// 60 units in three days: three times an account's 10,000 yen; at a store's two registers 60,000, in the 10 stores 600,000.
		"tobacco-account": "one account in 72h: 30000 yen at a register, 60000 yen at the 2 of a store, 600000 yen at those of 10 stores",
		// 30 % of 257, rounded up; at 5,000 yen 390,000, but all goods offline are 60,000.
		"tobacco-day": "holds up to 78 units of it without asking: that much a power cut at all its registers takes from the day; sold without the line, at most 60000 yen",
	} {
		if !says(found, policy.LevelOK, about, words) {
			t.Errorf("%s: %q is not in %q", about, words, found)
		}
	}
}

// What a store shares offline bounds an account there, for each business day that
// its window touches: three days of 24 hours touch four.
func TestLintBoundsAnAccountByWhatTheStoreShares(t *testing.T) {
	for _, c := range []struct{ old, new, about, words string }{
		{"yen = 100000", "yen = 10000", "tobacco-account", "30000 yen at a register, 40000 yen at the 2 of a store, 400000 yen at those of 10 stores"},
		{"yen = 100000", "yen = 2000", "tobacco-account", "8000 yen at a register, 8000 yen at the 2 of a store, 80000 yen at those of 10 stores"},
		{"account_count = 5", "account_count = 1", "offline", "5000 yen at a register, 10000 yen at the 2 of a store"},
		// Only an offline cap that counts the category bounds it.
		{"offline_only = true\nyen = 100000", "offline_only = true\ncategory = \"tobacco\"\nyen = 2000", "tobacco-account", "8000 yen at a register, 8000 yen at the 2 of a store"},
		{"offline_only = true\nyen = 100000", "offline_only = true\ncategory = \"drinks\"\nyen = 2000", "tobacco-account", "30000 yen at a register, 60000 yen at the 2 of a store"},
		{"yen = 100000", "yen = 1000000000000000", "all-offline", "in 10 stores 10000000000000000 yen"},
	} {
		p, err := parsed(t, strings.Replace(storePolicy(t), c.old, c.new, 1)).For("convenience")
		if err != nil {
			t.Fatal(err)
		}
		if found := policy.Lint(p, small); !says(found, policy.LevelOK, c.about, c.words) {
			t.Errorf("%s: %q is not in %q", c.new, c.words, found)
		}
	}
	// 10,000 yen at so many registers are the most that 63 bits hold, but 5,807 yen.
	most := policy.Chain{Registers: math.MaxInt64 / 10_000, Stores: 1}
	if found := policy.Lint(parsed(t, storePolicy(t)), most); !says(found, policy.LevelOK, "offline", "9223372036854770000 yen at the 922337203685477 of a store") {
		t.Errorf("a product that just fits: %q", found)
	}
	huge := policy.Chain{Registers: 1 << 40, Stores: 1 << 40}
	if found := policy.Lint(parsed(t, storePolicy(t)), huge); !says(found, policy.LevelOK, "offline", "any amount at those of") {
		t.Errorf("a product that does not fit: %q", found)
	}
}

func TestLintFindsContradictions(t *testing.T) {
	cap := func(scope, rest string) string {
		return "\n[[cap]]\nid = \"x\"\nscope = \"" + scope + "\"\n" + rest + "\n[[wallet]]"
	}
	for _, c := range []struct {
		old, new     string
		level        policy.Level
		about, words string
	}{
		{"floor = 5000", "floor = 10001", "warn", "offline.floor", "never reached"},
		{"account_count = 5", "account_count = 1", "warn", "offline.account_yen", "never reached"},
		{"boot_yen = 20000", "", "warn", "offline.boot_yen", "nothing is sold"},
		{"boot_yen = 20000", "boot_yen = 4999", "warn", "offline.boot_yen", "below the floor"},
		{`decline_bars = "24h"`, "", "warn", "offline.decline_bars", "cable"},
		{`nothing_after = "24h"`, `nothing_after = "73h"`, "warn", "offline.nothing_after", "72h"},
		{`new_for = "72h"`, "", "warn", "device.new_for", "a minute ago"},
		{`silence = "4s"`, `silence = "2999ms"`, "warn", "times.silence", "made for tests"},
		{`redial = "2s"`, `redial = "999ms"`, "warn", "times.redial", "made for tests"},
		{`unitemised = "gift card"`, `unitemised = "ordinary"`, "warn", "goods.unitemised", "ordinary"},
		{`unitemised = "gift card"`, `unitemised = "drinks"`, "warn", "goods.unitemised", "drinks"},
		{`prefix = "4902210"`, `prefix = "49"`, "warn", "maker 49", "several makers"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true", "warn", "drinks", "no cap on one sale"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true", "warn", "drinks", "no cap on an account"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true", "warn", "drinks", "no cap on the store"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true", "warn", "drinks", "no article"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true\n\n[[cap]]\nid = \"x\"\nscope = \"register\"\nwindow = \"day\"\ncategory = \"drinks\"\nunits = 5", "warn", "drinks", "no cap on the store"},
		{"offline_only = true\nyen = 100000", "yen = 100000", "warn", "tobacco", "no offline_only cap"},
		{"[[pass_issuer]]\nname = \"demo-wallet\"\nkey_id = \"demo-1\"\nkey = \"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n", "", "ok", "pass_issuer", "there is none"},
		{"units = 15", "units = 258", "warn", "tobacco-sale", "can never be reached: tobacco-day"},
		{"units = 15", "units = 61", "warn", "tobacco-sale", "can never be reached: tobacco-account"},
		{"units = 15", "units = 9", "warn", "watch 0614141000036", "10 units and can never be sold"},
		{"[[wallet]]", cap("register", "window = \"day\"\ncategory = \"tobacco\"\nunits = 258\n"), "warn", "x", "can never be reached: tobacco-day"},
		{"[[wallet]]", cap("register", "window = \"day\"\ncategory = \"gift card\"\nyen = 49999\n"), "warn", "gift-hour", "can never be reached: x"},
		{"[[wallet]]", cap("register", "window = \"day\"\nyen = 49999\n"), "warn", "gift-hour", "can never be reached: x"},
		{"[[wallet]]", cap("store", "window = \"day\"\ncategory = \"tobacco\"\nunits = 258\noffline_only = true\n"), "warn", "x", "can never be reached: tobacco-day"},
		{"[[wallet]]", cap("account", "window = \"rolling\"\nover = \"100h\"\ncategory = \"tobacco\"\nunits = 59\n"), "warn", "tobacco-account", "can never be reached: x"},
	} {
		if strings.Count(storePolicy(t), c.old) != 1 {
			t.Fatalf("%q is not once in the good policy", c.old)
		}
		before, err := parsed(t, storePolicy(t)).For("convenience")
		if err != nil {
			t.Fatal(err)
		}
		after, err := parsed(t, strings.Replace(storePolicy(t), c.old, c.new, 1)).For("convenience")
		if err != nil {
			t.Fatal(err)
		}
		if says(policy.Lint(before, small), c.level, c.about, c.words) {
			t.Errorf("%s: said of the good policy", c.words)
		}
		if found := policy.Lint(after, small); !says(found, c.level, c.about, c.words) {
			t.Errorf("%s: %s about %s with %q is not in %q", c.new, c.level, c.about, c.words, found)
		}
	}
	bare := parsed(t, storePolicy(t))
	bare.Caps = nil
	if !says(policy.Lint(bare, small), policy.LevelError, "tobacco", "without any cap") {
		t.Error("high-resale goods without any cap")
	}
}

// What is no contradiction is not called one: a window of the clock and a rolling
// one cross each other, another category is another matter.
func TestLintCallsNothingUnreachedThatCanBe(t *testing.T) {
	for _, rows := range []string{
		"scope = \"register\"\nwindow = \"rolling\"\nover = \"24h\"\ncategory = \"tobacco\"\nunits = 500\n",
		"scope = \"account\"\nwindow = \"rolling\"\nover = \"100h\"\ncategory = \"tobacco\"\nunits = 61\n",
		"scope = \"store\"\nwindow = \"day\"\ncategory = \"drinks\"\nunits = 5\n",
		"scope = \"store\"\nwindow = \"day\"\ncategory = \"tobacco\"\noffline_only = true\nunits = 5\n",
	} {
		text := strings.Replace(storePolicy(t), "[[wallet]]", "[[cap]]\nid = \"x\"\n"+rows+"\n[[wallet]]", 1)
		p, err := parsed(t, text).For("convenience")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range policy.Lint(p, small) {
			if strings.Contains(f.Text, "never be reached") {
				t.Errorf("%s: %s: %s", rows, f.About, f.Text)
			}
		}
	}
}

// A number that is just good enough is not warned of; the maker of the good policy
// has a prefix of 7 digits.
func TestLintSaysNothingAtTheBound(t *testing.T) {
	for _, c := range []struct{ old, new, about, words string }{
		{"floor = 5000", "floor = 10000", "offline.floor", ""},
		{"account_count = 5", "account_count = 2", "offline.account_yen", ""},
		{"boot_yen = 20000", "boot_yen = 5000", "offline.boot_yen", "below the floor"},
		{"boot_yen = 20000", "", "offline.boot_yen", "below the floor"}, // it is told once
		{`nothing_after = "24h"`, `nothing_after = "72h"`, "offline.nothing_after", ""},
		{`silence = "4s"`, `silence = "3s"`, "times.silence", ""},
		{`redial = "2s"`, `redial = "1s"`, "times.redial", ""},
		{`prefix = "490221055"`, `prefix = "4902211"`, "maker 4902210", ""},
		{"units = 15", "units = 60", "tobacco-sale", "never be reached"},
		{"units = 15", "units = 10", "watch 0614141000036", ""},
		{"", "", "pass_issuer", ""},
	} {
		p, err := parsed(t, strings.Replace(storePolicy(t), c.old, c.new, 1)).For("convenience")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range policy.Lint(p, small) {
			bound := f.Level == policy.LevelOK && c.about != "pass_issuer" // what offline could cost
			if f.About == c.about && strings.Contains(f.Text, c.words) && !bound {
				t.Errorf("%s: %s: %s", c.new, f.About, f.Text)
			}
		}
	}
}

func TestLintOfRoles(t *testing.T) {
	o := newOffice(t)
	good := o.roles(1, o.root)
	if found := policy.LintRoles(o.open(t)); len(found) != 0 {
		t.Errorf("two of three, and a freeze key: %+v", found)
	}
	for _, c := range []struct{ old, new, words string }{
		{"threshold = 2", "threshold = 1", "one key alone"},
		{"threshold = 2", "threshold = 3", "every key"},
		{o.policy[0].vkey, o.root.vkey, "the root key"},
		{o.policy[0].vkey, o.freeze.vkey, "both roles"},
		{o.policy[0].vkey, o.root.renamed(t, "policy-1").vkey, "the root key"},
		{o.policy[0].vkey, o.freeze.renamed(t, "policy-1").vkey, "both roles"},
	} {
		r, err := policy.ParseRoles(strings.Replace(good, c.old, c.new, 1))
		if err != nil {
			t.Fatal(err)
		}
		if found := policy.LintRoles(r); len(found) != 1 || found[0].Level != policy.LevelWarn || !strings.Contains(found[0].Text, c.words) {
			t.Errorf("%s: got %+v", c.words, found)
		}
	}
}

// One key alone is said once: that it must sign goes without saying.
func TestLintOfRolesWithOneKey(t *testing.T) {
	o := newOffice(t)
	keys := fmt.Sprintf("threshold = 2\nkeys = [%q, %q, %q]", o.policy[0].vkey, o.policy[1].vkey, o.policy[2].vkey)
	r, err := policy.ParseRoles(strings.Replace(o.roles(1, o.root), keys, fmt.Sprintf("threshold = 1\nkeys = [%q]", o.policy[0].vkey), 1))
	if err != nil {
		t.Fatal(err)
	}
	if found := policy.LintRoles(r); len(found) != 1 || !strings.Contains(found[0].Text, "one key alone") {
		t.Errorf("got %+v", found)
	}
}

func TestExplain(t *testing.T) {
	p, err := parsed(t, storePolicy(t)).For("convenience")
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string][]string{
		"0000049400762":                        {"on the watch list as tobacco, 1 units", "sold on by thieves", "tobacco-sale: one register, in a sale, tobacco, at most 15 units and 10000 yen", "tobacco-day: all registers of a store together, in a business day, tobacco, at most 257 units", "all-offline: all registers of a store together, in a business day, all goods sold offline, at most 100000 yen", "tobacco-account: one account, in any 72h, tobacco, at most 60 units"},
		"490221000001" + digit("490221000001"): {"by its maker's prefix it counts as tobacco, 10 units", "thieves", "tobacco-sale", "tobacco-day", "all-offline", "tobacco-account"},
		"4971633002005":                        {"neither on the watch list", "ordinary goods, unless", "all-offline"},
		"gift card":                            {"thieves", "all-offline", "gift-hour: one register, in an hour of the clock, gift card, at most 50000 yen"},
		"drinks":                               {"ordinary goods", "all-offline"},
		"brandy":                               {"neither an article number nor a category; the categories are drinks, gift card, sweets, tobacco"},
	} {
		got := policy.Explain(p, what)
		if len(got) != len(want) {
			t.Errorf("%s: got %q", what, got)
			continue
		}
		for i, words := range want {
			if !strings.Contains(got[i], words) {
				t.Errorf("%s: %q does not say %q", what, got[i], words)
			}
		}
	}
}

// An id that was gone for a while does not come back, for the same cap neither.
func TestReused(t *testing.T) {
	with := parsed(t, storePolicy(t))
	without := parsed(t, strings.Replace(storePolicy(t), `id = "tobacco-day"`, `id = "tobacco-day-2"`, 1))
	another := parsed(t, strings.Replace(storePolicy(t), "category = \"tobacco\"\nunits = 257", "category = \"drinks\"\nunits = 1", 1))
	higher := parsed(t, strings.Replace(storePolicy(t), "units = 257", "units = 300", 1))
	for name, c := range map[string]struct {
		now  *policy.Policy
		past []*policy.Policy
		want int
	}{
		"the same":            {with, []*policy.Policy{with, higher}, 0},
		"a new one":           {without, []*policy.Policy{with, with}, 0},
		"gone and back":       {with, []*policy.Policy{with, without}, 1},
		"gone, back, kept":    {with, []*policy.Policy{with, without, with}, 1},
		"another":             {another, []*policy.Policy{with}, 1},
		"another for a while": {with, []*policy.Policy{with, another, with}, 1},
		"nothing before":      {with, nil, 0},
	} {
		if said := policy.Reused(c.now, c.past...); len(said) != c.want || c.want == 1 && !strings.HasPrefix(said[0], "! the id of cap tobacco-day was used before, in version 7: tobacco-day: ") {
			t.Errorf("%s: %q", name, said)
		}
	}
}

// digit is the check digit of 12 digits (GS1 General Specifications, 7.9).
func digit(number string) string {
	sum := 0
	for i, r := range number {
		sum += int(r-'0') * []int{1, 3}[i%2]
	}
	return string(rune('0' + (10-sum%10)%10))
}

func TestDiff(t *testing.T) {
	old := parsed(t, storePolicy(t))
	if said := policy.Diff(old, parsed(t, strings.Replace(storePolicy(t), "version = 7", "version = 8", 1))); len(said) != 0 {
		t.Errorf("another version alone: %q", said)
	}
	for _, c := range []struct{ old, new, words string }{
		{"version = 7", "version = 7", "! version 7 does not follow 7"},
		{"sakura/production", "sakura/test", `! it is for "sakura/test"`},
		{`"05:00"`, `"04:00"`, "! business days begin at another time"},
		{"2030-01-01T", "2031-01-01T", "good until 2031-01-01 00:00 +09:00, was 2030-01-01 00:00 +09:00"},
		{"units = 257", "units = 258", "! cap tobacco-day was at most 257 units, is at most 258 units"},
		{"units = 257", "units = 256", "cap tobacco-day was at most 257 units, is at most 256 units"},
		{"units = 257", "yen = 1", "! cap tobacco-day was at most 257 units, is at most 1 yen"},
		{"category = \"tobacco\"\nunits = 257", "category = \"drinks\"\nunits = 257", "! the id of cap tobacco-day names another cap now"},
		{`over = "72h"`, `over = "71h"`, "! the id of cap tobacco-account names another cap now"},
		{`id = "tobacco-day"`, `id = "tobacco-day-2"`, "! cap tobacco-day is gone; its id may never"},
		{`id = "tobacco-day"`, `id = "tobacco-day-2"`, "new cap tobacco-day-2: all registers"},
		{`classes = ["station"]`, "", "! cap gift-register is for other classes"},
		{"id = \"drinks\"", "id = \"drinks\"\nhigh_resale = true", "drinks counts as high-resale goods now"},
		{"id = \"gift card\"\nhigh_resale = true", "id = \"gift card\"", "! gift card counts as ordinary goods now"},
		{`id = "drinks"`, `id = "beer"`, "! category drinks is gone"},
		{`id = "drinks"`, `id = "beer"`, "new category beer"},
		{"gtin = \"49400762\"", "gtin = \"49400779\"", "! article 49400762 is no longer watched"},
		{"gtin = \"49400762\"", "gtin = \"49400779\"", "1 more articles are watched"},
		{"category = \"sweets\"\nunits = 2", "category = \"sweets\"\nunits = 3", "! article 4902777130835 was 2 units of sweets, is 3 units of sweets"},
		{`prefix = "4902210"`, `prefix = "4902211"`, "! makers were"},
		{"floor = 5000", "floor = 6000", "! offline.floor was 5000 yen, is 6000 yen"},
		{"account_yen = 10000", "account_yen = 11000", "! offline.account_yen was 10000 yen, is 11000 yen"},
		{`new_for = "72h"`, `new_for = "71h"`, "! device.new_for was 72h0m0s, is 71h0m0s"},
		{`unitemised = "gift card"`, `unitemised = "refuse"`, "goods.unitemised was \"gift card\", is \"refuse\""},
		{"max_length = 24", "max_length = 25", "wallets"},
		{`key_id = "demo-1"`, `key_id = "demo-2"`, "no longer taken"},
		{`key_id = "demo-1"`, `key_id = "demo-2"`, "! passes signed with demo-2 of demo-wallet are taken"},
		{`name = "demo-wallet"`, `name = "other"`, "! demo-1 names another key"},
	} {
		text := storePolicy(t)
		if c.old != "version = 7" {
			text = strings.Replace(text, "version = 7", "version = 8", 1)
		}
		if c.old == `gtin = "49400762"` {
			c.new = `gtin = "4940077` + eight("4940077") + `"`
		}
		said := policy.Diff(old, parsed(t, strings.Replace(text, c.old, c.new, 1)))
		if !slices.ContainsFunc(said, func(s string) bool {
			return strings.HasPrefix(s, c.words) || !strings.HasPrefix(c.words, "!") && strings.Contains(s, c.words)
		}) {
			t.Errorf("%s: %q is not in %q", c.new, c.words, said)
		}
	}
}

// eight is the check digit of 7 digits.
func eight(number string) string { return digit("00000" + number) }

// Who signs looks for "!": no number, word or list lets more through without it.
func TestI6DiffMarksAllThatLetsMoreThrough(t *testing.T) {
	old := strings.Replace(storePolicy(t), "version = 7", "version = 8", 1)
	article := digit("490221055000")
	for _, c := range []struct {
		old, more, less string // "" where there is no such way
	}{
		{"floor = 5000", "floor = 5001", "floor = 4999"},
		{"account_yen = 10000", "account_yen = 10001", "account_yen = 9999"},
		{"account_count = 5", "account_count = 6", "account_count = 4"},
		{"boot_yen = 20000", "boot_yen = 20001", "boot_yen = 19999"},
		{`full_for = "1h"`, `full_for = "2h"`, `full_for = "30m"`},
		{`nothing_after = "24h"`, `nothing_after = "25h"`, `nothing_after = "23h"`},
		{`decline_bars = "24h"`, `decline_bars = "23h"`, `decline_bars = "25h"`},
		{`life = "60s"`, `life = "61s"`, `life = "59s"`},
		{`tolerance = "30s"`, `tolerance = "31s"`, `tolerance = "29s"`},
		{`new_for = "72h"`, `new_for = "71h"`, `new_for = "73h"`},
		{"new_units_online = 1", "new_units_online = 2", "new_units_online = 0"},
		{"register_percent = 10", "register_percent = 11", "register_percent = 9"},
		{"store_percent = 30", "store_percent = 31", "store_percent = 29"},
		{`unitemised = "gift card"`, `unitemised = "ordinary"`, `unitemised = "refuse"`},
		{`unitemised = "gift card"`, `unitemised = "sweets"`, ""},
		{`prefix = "4902210"`, `prefix = "4902211"`, ""},
		{"category = \"tobacco\"\nunits = 10\n\n[[maker]]", "category = \"tobacco\"\nunits = 9\n\n[[maker]]", ""},
		// A longer prefix goes before the shorter one, the watch list before both.
		{"[[wallet]]", "[[maker]]\nprefix = \"49022101\"\ncategory = \"sweets\"\nunits = 10\n\n[[wallet]]", "[[maker]]\nprefix = \"4901111\"\ncategory = \"sweets\"\nunits = 10\n\n[[wallet]]"},
		{"[[wallet]]", "[[maker]]\nprefix = \"49022101\"\ncategory = \"tobacco\"\nunits = 9\n\n[[wallet]]", "[[maker]]\nprefix = \"49022101\"\ncategory = \"tobacco\"\nunits = 10\n\n[[wallet]]"},
		{"[[wallet]]", "[[watch]]\ngtin = \"490221055000" + article + "\"\ncategory = \"drinks\"\nunits = 1\n\n[[wallet]]", "[[watch]]\ngtin = \"490221055000" + article + "\"\ncategory = \"sweets\"\nunits = 1\n\n[[wallet]]"},
	} {
		if strings.Count(old, c.old) != 1 {
			t.Fatalf("%q is not once in the policy", c.old)
		}
		said := policy.Diff(parsed(t, storePolicy(t)), parsed(t, strings.Replace(old, c.old, c.more, 1)))
		if len(said) == 0 || !strings.HasPrefix(said[0], "! ") {
			t.Errorf("%s: %q", c.more, said)
		}
		if c.less == "" {
			continue
		}
		said = policy.Diff(parsed(t, storePolicy(t)), parsed(t, strings.Replace(old, c.old, c.less, 1)))
		if len(said) != 1 || strings.HasPrefix(said[0], "!") {
			t.Errorf("%s: %q", c.less, said)
		}
	}
}

func TestSpansReadAsInThePolicy(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 30 * time.Minute: "30m", time.Hour: "1h", 20 * time.Hour: "20h",
		90 * time.Minute: "1h30m", 24 * time.Hour: "24h", 72 * time.Hour: "72h", 31 * 24 * time.Hour: "744h", time.Hour + time.Second: "1h0m1s",
	} {
		if got := policy.Span(d); got != want {
			t.Errorf("%v is written as %s, want %s", d, got, want)
		}
	}
}
