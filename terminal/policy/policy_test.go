package policy_test

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// The fixed points: the POS may bring its own category, the stricter counts.
// 49400762 is watched as tobacco (high-resale) with 1 unit, 614141000036 as
// tobacco with 10, 4902777130835 as sweets (ordinary) with 2.
func TestWatchesTakesTheStricterOfListAndPOS(t *testing.T) {
	p := parsed(t, storePolicy(t))
	for _, c := range []struct {
		name     string
		gtin     terminal.GTIN
		category terminal.Category
		units    int64
		want     terminal.Category
		wants    int64
	}{
		{"the POS says nothing", "49400762", "", 0, "tobacco", 1},
		{"the POS says less", "49400762", "drinks", 1, "tobacco", 1},
		{"the POS invents a category", "49400762", "harmless", 1, "tobacco", 1},
		{"the POS says the same", "49400762", "tobacco", 1, "tobacco", 1},
		{"both are high-resale: the list", "49400762", "gift card", 1, "tobacco", 1},
		{"the POS says more", "4902777130835", "tobacco", 1, "tobacco", 2},
		{"both are ordinary: the list", "4902777130835", "drinks", 1, "sweets", 2},
		{"the POS counts more", "49400762", "tobacco", 20, "tobacco", 20},
		{"the POS counts less", "614141000036", "tobacco", 1, "tobacco", 10},
		{"a UPC-A as EAN-13", "0614141000036", "", 0, "tobacco", 10},
		{"an EAN-8 filled up", "0000049400762", "", 0, "tobacco", 1},
		{"a maker's, not on the list", "4902210000015", "", 0, "tobacco", 10},
		{"a maker's longer prefix", "4902210550008", "", 0, "sweets", 1},
		{"a maker's, and the POS says more", "4902210550008", "gift card", 3, "gift card", 3},
		{"a maker's, and the POS says less", "4902210000015", "drinks", 1, "tobacco", 10},
		{"a maker's prefix, but no article number", "4902210000016", "", 0, "", 0},
		{"not on the list", "4971633002005", "", 0, "", 0},
		{"not on the list, but the POS knows", "4971633002005", "tobacco", 3, "tobacco", 3},
	} {
		in := terminal.Line{GTIN: c.gtin, Name: "x", Quantity: 4, Price: 580, Category: c.category, Units: c.units}
		want := in
		want.Category, want.Units = c.want, c.wants
		if got := p.Watches(in); got != want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, want)
		}
	}
}

// The longest prefix counts wherever it stands, and a short number is filled up
// with zeros before it is looked at.
func TestMakersArticles(t *testing.T) {
	p := parsed(t, storePolicy(t))
	p.Makers = append(p.Makers, policy.Maker{Prefix: "0000049", Category: "tobacco", Units: 3})
	number := "490221055000"
	for range 2 {
		for gtin, want := range map[terminal.GTIN]terminal.Category{
			terminal.GTIN(number + digit(number)):                 "sweets",
			terminal.GTIN("4940077" + eight("4940077")):           "tobacco",
			terminal.GTIN("000004940077" + eight("4940077")):      "tobacco",
			terminal.GTIN("494007700000" + digit("494007700000")): "",
		} {
			if got := p.Watches(terminal.Line{GTIN: gtin}); got.Category != want {
				t.Errorf("%s: got %q, want %q", gtin, got.Category, want)
			}
		}
		slices.Reverse(p.Makers)
	}
}

func TestAgeingAtItsEnds(t *testing.T) {
	o := policy.OfflineRules{FullFor: time.Hour, NothingAfter: 24 * time.Hour}
	for _, c := range []struct {
		age  time.Duration
		want int64
	}{
		{-time.Hour, 1000}, {0, 1000}, {time.Hour, 1000}, {time.Hour + 1, 999},
		{12*time.Hour + 30*time.Minute, 500}, // half way
		{24*time.Hour - 1, 0}, {24 * time.Hour, 0}, {math.MaxInt64, 0},
	} {
		if got := o.Ageing(c.age); got != c.want {
			t.Errorf("%v: got %d, want %d", c.age, got, c.want)
		}
	}
	year := policy.OfflineRules{NothingAfter: 365 * 24 * time.Hour} // its product with 1000 has over 63 bits
	if got := year.Ageing(73 * 24 * time.Hour); got != 800 {
		t.Errorf("a fifth of a year: got %d", got)
	}
	if got := (policy.OfflineRules{}).Ageing(1); got != 0 {
		t.Errorf("no rules: got %d", got)
	}
}

// The reference is math/big. More age is never more money.
func TestAgeingOnlyFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full := rapid.Int64Range(0, math.MaxInt64-1).Draw(t, "full_for")
		nothing := rapid.Int64Range(full+1, math.MaxInt64).Draw(t, "nothing_after")
		o := policy.OfflineRules{FullFor: time.Duration(full), NothingAfter: time.Duration(nothing)}
		age := rapid.OneOf(rapid.Int64Min(0), rapid.Int64Range(full, nothing)).Draw(t, "age")
		later := rapid.Int64Range(age, math.MaxInt64).Draw(t, "later")
		want := int64(1000)
		switch {
		case age >= nothing:
			want = 0
		case age > full:
			left := new(big.Int).Mul(big.NewInt(nothing-age), big.NewInt(1000))
			want = left.Div(left, big.NewInt(nothing-full)).Int64()
		}
		if got := o.Ageing(time.Duration(age)); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		if o.Ageing(time.Duration(later)) > want {
			t.Fatalf("%d at %d, but %d later", want, age, o.Ageing(time.Duration(later)))
		}
	})
}
