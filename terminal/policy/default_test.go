package policy_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// defaultPolicy is docs/policy/default.toml for its only class.
func defaultPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	text, err := os.ReadFile("../../docs/policy/default.toml")
	if err != nil {
		t.Fatal(err)
	}
	root, _ := key(t, "root")
	if _, err := policy.Sign(string(text), root); err != nil {
		t.Fatal(err)
	}
	p, err := parsed(t, string(text)).For("convenience")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// all gives the least that a policy's caps of one kind allow of a category; 0
// where there is no such cap.
func allowed(p *policy.Policy, category terminal.Category, fits func(terminal.Cap) bool) terminal.Amount {
	least := terminal.Amount{Yen: terminal.Unlimited, Units: terminal.Unlimited}
	for _, c := range p.Caps {
		if (c.Category == category || c.Category == "") && fits(c) {
			least = least.Min(c.Limit)
		}
	}
	return least
}

func sale(c terminal.Cap) bool     { return c.Window == terminal.PerSale }
func burst(c terminal.Cap) bool    { return c.Scope == terminal.ScopeRegister && c.Span == 10*time.Minute }
func hour(c terminal.Cap) bool     { return c.Window == terminal.PerHour }
func storeDay(c terminal.Cap) bool { return c.Scope == terminal.ScopeStore && !c.OfflineOnly }
func offline(c terminal.Cap) bool  { return c.OfflineOnly }
func account(c terminal.Cap) bool  { return c.Scope == terminal.ScopeAccount && c.Span == 24*time.Hour }

const packYen = 580

// goods is n units at a price each.
func goods(n, each int64) terminal.Amount { return terminal.Amount{Yen: n * each, Units: n} }

// TestI3TheDefaultPolicyStopsEachCase counts each case of July 2019, November
// 2024 and AEON against the caps of the default policy.
func TestI3TheDefaultPolicyStopsEachCase(t *testing.T) {
	p := defaultPolicy(t)
	for name, c := range map[string]struct {
		category terminal.Category
		bought   terminal.Amount
		cap      func(terminal.Cap) bool
	}{
		"Kabukicho, 17 packs for 9,860 yen in a sale":        {"tobacco", goods(17, packYen), sale},
		"7pay, 40 cartons of cartridges for 200,000 yen":     {"e-cigarette", goods(400, 500), sale},
		"the same, from a store's day":                       {"e-cigarette", goods(400, 500), storeDay},
		"the same, from one account":                         {"e-cigarette", goods(400, 500), account},
		"7pay, cigarettes for 100,000 yen at once":           {"tobacco", goods(172, packYen), sale},
		"7pay, an eighth of 146 cartons with one account":    {"tobacco", goods(146*10/8, packYen), account},
		"Kabukicho, a third of 2,772 packs in a store's day": {"tobacco", goods(2772/3, packYen), storeDay},
		"7pay, 100,000 yen of anything from an account":      {"", goods(1, 100_000), account},
		"a carton offline":                                   {"tobacco", goods(10, packYen), offline},
		"a pack of sticks offline":                           {"e-cigarette", goods(1, 500), offline},
		"a gift card offline":                                {"gift-card", goods(1, 1000), offline},
	} {
		if limit := allowed(p, c.category, c.cap); c.bought.Within(limit) {
			t.Errorf("%s: %+v fits into %+v", name, c.bought, limit)
		}
	}
	// However it is cut into sales, Kabukicho's three days come to three days of
	// one store, and 7pay's eight accounts to eight accounts' days.
	if got := 3 * allowed(p, "tobacco", storeDay).Units; got > 2772/3 {
		t.Errorf("three days of a store are %d packs", got)
	}
	if got := 8 * allowed(p, "tobacco", account).Units; got > 1460/8 {
		t.Errorf("eight accounts buy %d packs in a day", got)
	}
	if p.Offline.Floor*3 > 9_860 || p.Device.NewFor < 72*time.Hour || p.Goods != (policy.GoodsRules{Refuse: true}) {
		t.Error("the floor limit, the time of a new device or goods without lines")
	}
}

// TestI5TheDefaultPolicySellsOnAnOrdinaryDay: protection costs no ordinary sale.
func TestI5TheDefaultPolicySellsOnAnOrdinaryDay(t *testing.T) {
	p := defaultPolicy(t)
	for name, c := range map[string]struct {
		bought terminal.Amount
		cap    func(terminal.Cap) bool
	}{
		"the ordinary smoker: 3.3 packs, so 4":          {goods(4, packYen), sale},
		"a carton":                                      {goods(10, packYen), sale},
		"a carton from one account":                     {goods(10, packYen), account},
		"257 packs, an average day":                     {goods(257, packYen), storeDay},
		"39 packs, the busiest hour, all at one till":   {goods(39, packYen), hour},
		"7 packs, the busiest ten minutes, at one till": {goods(7, packYen), burst},
		"a pack offline":                                {goods(1, packYen), offline},
	} {
		if limit := allowed(p, "tobacco", c.cap); !c.bought.Within(limit) || limit.Units == terminal.Unlimited {
			t.Errorf("%s: %+v does not fit into %+v, or nothing limits it", name, c.bought, limit)
		}
	}
	const basket = 720
	if p.Offline.Floor < 2*basket || p.Offline.BootYen < 20*basket || p.Offline.Ageing(time.Hour) != 1000 {
		t.Error("an ordinary basket offline")
	}
}

func TestTheDefaultPolicyLintsClean(t *testing.T) {
	for _, f := range policy.Lint(defaultPolicy(t), policy.Chain{Registers: 3, Stores: 20_965}) {
		if f.Level != policy.LevelOK {
			t.Errorf("%s: %s: %s", f.Level, f.About, f.Text)
		} else {
			t.Logf("%s: %s", f.About, f.Text)
		}
	}
	if first := defaultPolicy(t).Categories(); !slices.Equal([]string{first}, []string{"e-cigarette, gift-card, tobacco"}) {
		t.Errorf("categories %s", first)
	}
}
