package terminal_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
)

// yen draws amounts near the ends of a sale's range and of int64, where
// arithmetic goes wrong, as well as between.
func yen(t *rapid.T, label string) int64 {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(-2, int64(terminal.MaxSale)+2),
		rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, int64(terminal.MaxSale), int64(terminal.MaxSale) + 1, math.MaxInt64}),
	).Draw(t, label)
}

// The reference is math/big, which cannot overflow.
func TestMoneyIsNeverWrongAndNeverOutOfRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		y, n := yen(t, "y"), yen(t, "n")
		for _, op := range []struct {
			name  string
			exact *big.Int
			got   func() (terminal.Yen, error)
		}{
			{"times", new(big.Int).Mul(big.NewInt(y), big.NewInt(n)), func() (terminal.Yen, error) { return terminal.Yen(y).Times(n) }},
			{"plus", new(big.Int).Add(big.NewInt(y), big.NewInt(n)), func() (terminal.Yen, error) { return terminal.Yen(y).Plus(terminal.Yen(n)) }},
		} {
			got, err := op.got()
			inRange := y >= 0 && n >= 0 && op.exact.Cmp(big.NewInt(int64(terminal.MaxSale))) <= 0
			if over, ok := errors.AsType[*terminal.ErrOverflow](err); !inRange && (!ok || over.What == "" || got != 0) {
				t.Fatalf("%s of %d and %d: got %d, %v; want an overflow", op.name, y, n, got, err)
			}
			if inRange && (err != nil || op.exact.Cmp(big.NewInt(int64(got))) != 0) {
				t.Fatalf("%s of %d and %d: got %d, %v; want %s", op.name, y, n, got, err, op.exact)
			}
		}
	})
}

// The largest sale there may be, and one yen more.
func TestMoneyAtTheBound(t *testing.T) {
	const most = terminal.MaxSale
	for _, c := range []struct {
		name string
		got  func() (terminal.Yen, error)
		ok   bool
	}{
		{"all and nothing", func() (terminal.Yen, error) { return most.Plus(0) }, true},
		{"nothing and all", func() (terminal.Yen, error) { return terminal.Yen(0).Plus(most) }, true},
		{"one less and one", func() (terminal.Yen, error) { return (most - 1).Plus(1) }, true},
		{"all and one", func() (terminal.Yen, error) { return most.Plus(1) }, false},
		{"all, once", func() (terminal.Yen, error) { return most.Times(1) }, true},
		{"a half, twice", func() (terminal.Yen, error) { return (most / 2).Times(2) }, true},
		{"more than a half, twice", func() (terminal.Yen, error) { return (most/2 + 1).Times(2) }, false},
	} {
		if got, err := c.got(); c.ok != (err == nil) || c.ok && got != most {
			t.Errorf("%s: got %d, %v", c.name, got, err)
		}
	}
}

func TestYenSaysItsCurrency(t *testing.T) {
	if got := terminal.Yen(1160).String(); got != "1160 yen" {
		t.Errorf("got %q", got)
	}
	if terminal.Currency != "JPY" { // ISO 4217
		t.Errorf("got %q", terminal.Currency)
	}
}

func amounts() *rapid.Generator[terminal.Amount] {
	measure := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Int64Range(0, math.MaxInt64), rapid.Just(int64(terminal.Unlimited)))
	return rapid.Custom(func(t *rapid.T) terminal.Amount {
		return terminal.Amount{Yen: measure.Draw(t, "yen"), Units: measure.Draw(t, "units")}
	})
}

func TestAmountsCountMeasureByMeasure(t *testing.T) {
	clamp := func(v *big.Int) int64 {
		switch {
		case v.Sign() < 0:
			return 0
		case !v.IsInt64():
			return terminal.Unlimited
		}
		return v.Int64()
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		each := func(f func(x, y int64) int64) terminal.Amount {
			return terminal.Amount{Yen: f(a.Yen, b.Yen), Units: f(a.Units, b.Units)}
		}
		big2 := func(f func(z, x, y *big.Int) *big.Int) terminal.Amount {
			return each(func(x, y int64) int64 { return clamp(f(new(big.Int), big.NewInt(x), big.NewInt(y))) })
		}
		for name, pair := range map[string][2]terminal.Amount{
			"plus":  {a.Plus(b), big2((*big.Int).Add)},
			"minus": {a.Minus(b), big2((*big.Int).Sub)},
			"min":   {a.Min(b), each(func(x, y int64) int64 { return min(x, y) })},
			"max":   {a.Max(b), each(func(x, y int64) int64 { return max(x, y) })},
		} {
			if pair[0] != pair[1] {
				t.Fatalf("%v %s %v: got %v, want %v", a, name, b, pair[0], pair[1])
			}
		}
		if within := a.Yen <= b.Yen && a.Units <= b.Units; a.Within(b) != within {
			t.Fatalf("%v within %v: got %v", a, b, !within)
		}
		if zero := a.Yen == 0 && a.Units == 0; a.Zero() != zero || a.Negative() {
			t.Fatalf("%v: zero %v, negative %v", a, a.Zero(), a.Negative())
		}
	})
	for _, a := range []terminal.Amount{{Yen: -1}, {Units: -1}, {Yen: 5, Units: math.MinInt64}} {
		if !a.Negative() {
			t.Errorf("%v is below zero", a)
		}
	}
}
