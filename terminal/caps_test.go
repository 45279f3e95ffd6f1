package terminal_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
)

func amount(yen, units int64) terminal.Amount { return terminal.Amount{Yen: yen, Units: units} }

// I3 on the register's side: a backend makes rights, its messages are lost,
// doubled and reordered, and the register spends only what it holds.
func TestI3WhatIsSoldNeverPassesWhatWasGranted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var made terminal.Amount   // by the backend: its row, which only grows
		var told []terminal.Amount // every message ever sent
		var largest terminal.Amount
		var c terminal.Counter
		var sold terminal.Amount // counted here, not by the counter
		small := rapid.Custom(func(t *rapid.T) terminal.Amount {
			return amount(rapid.Int64Range(-2, 40).Draw(t, "yen"), rapid.Int64Range(-2, 40).Draw(t, "units"))
		})
		t.Repeat(map[string]func(*rapid.T){
			"the backend grants": func(t *rapid.T) {
				made = made.Plus(small.Draw(t, "more").Max(terminal.Amount{}))
				told = append(told, made)
			},
			"a message arrives, perhaps late or again": func(t *rapid.T) {
				if len(told) == 0 {
					return
				}
				total := rapid.SampledFrom(told).Draw(t, "total")
				c, largest = c.Grant(total), largest.Max(total)
				if c.Granted != largest {
					t.Fatalf("granted is %v after totals up to %v", c.Granted, largest)
				}
			},
			"a sale": func(t *rapid.T) {
				a, held := small.Draw(t, "a"), c.Held()
				after, ok := c.Use(a)
				fits := a.Yen >= 0 && a.Units >= 0 && a.Yen <= held.Yen && a.Units <= held.Units
				if ok != fits || (!ok && after != c) {
					t.Fatalf("sold %v: %v, with %v held", a, ok, held)
				}
				if ok {
					sold.Yen, sold.Units = sold.Yen+a.Yen, sold.Units+a.Units
				}
				c = after
			},
			"a decline or a void": func(t *rapid.T) {
				a := small.Draw(t, "a")
				after, ok := c.Release(a)
				fits := a.Yen >= 0 && a.Units >= 0 && a.Yen <= sold.Yen && a.Units <= sold.Units
				if ok != fits || (!ok && after != c) {
					t.Fatalf("released %v: %v, with %v sold", a, ok, sold)
				}
				if ok {
					sold.Yen, sold.Units = sold.Yen-a.Yen, sold.Units-a.Units
				}
				c = after
			},
			"": func(t *rapid.T) {
				switch held := c.Held(); {
				case held.Yen < 0 || held.Units < 0:
					t.Fatalf("held is %v", held)
				case sold.Yen > largest.Yen || sold.Units > largest.Units || sold.Yen > made.Yen || sold.Units > made.Units:
					t.Fatalf("sold %v, granted %v", sold, largest)
				case held != amount(largest.Yen-sold.Yen, largest.Units-sold.Units):
					t.Fatalf("held is %v after grants of %v and sales of %v", held, largest, sold)
				}
			},
		})
	})
}

// The design's formula: granted + got − sent − returned − used + released.
func TestHeldCountsEveryField(t *testing.T) {
	c := terminal.Counter{
		Granted: amount(1000, 100), Got: amount(200, 20), Sent: amount(30, 3),
		Returned: amount(4, 1), Used: amount(500, 50), Released: amount(60, 6),
	}
	if got := c.Held(); got != amount(726, 72) {
		t.Errorf("got %v", got)
	}
}

// A need that is larger than int64's other half must not make quota.
func TestUseAndReleaseStandExtremes(t *testing.T) {
	c := terminal.Counter{Granted: amount(10, 10)}
	for _, a := range []terminal.Amount{amount(math.MinInt64, 0), amount(0, -1), amount(math.MaxInt64, 1), amount(11, 0), amount(0, 11)} {
		if after, ok := c.Use(a); ok || after != c {
			t.Errorf("used %v of %v", a, c.Granted)
		}
		if after, ok := c.Release(a); ok || after != c {
			t.Errorf("released %v, and nothing was used", a)
		}
	}
}

func TestCapCountsOnlyWhatItLimits(t *testing.T) {
	for _, c := range []struct{ limit, in, want terminal.Amount }{
		{amount(10000, 15), amount(580, 1), amount(580, 1)},
		{amount(terminal.Unlimited, 15), amount(580, 1), amount(0, 1)},
		{amount(10000, terminal.Unlimited), amount(580, 1), amount(580, 0)},
		{amount(0, 0), amount(580, 1), amount(580, 1)}, // a ceiling of nothing counts
	} {
		if got := (terminal.Cap{Limit: c.limit}).Counted(c.in); got != c.want {
			t.Errorf("limit %v: got %v, want %v", c.limit, got, c.want)
		}
	}
}
