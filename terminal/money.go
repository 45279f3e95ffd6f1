package terminal

import (
	"fmt"
	"math"
)

// Currency is the only currency of this product (ISO 4217). Wire and API name
// it beside every amount.
const Currency = "JPY"

// Yen is an amount of money in whole yen. It is never negative in a sale.
type Yen int64

// MaxSale is the most that one line or one sale may come to: 10,000,000 yen.
// Far above any basket, and far enough below 2^63 that no sum of a business
// day can overflow.
const MaxSale Yen = 10_000_000

// ErrOverflow says that an amount left the range of a sale.
type ErrOverflow struct{ What string }

// Error gives the sentence for people.
func (e *ErrOverflow) Error() string {
	return e.What + " is too large: correct the quantity or the price"
}

// Times gives y multiplied by n, or an *ErrOverflow where the result is below
// zero or above MaxSale.
func (y Yen) Times(n int64) (Yen, error) {
	if n < 0 || y < 0 || (n > 0 && y > MaxSale/Yen(n)) {
		return 0, &ErrOverflow{What: "amount"}
	}
	return y * Yen(n), nil
}

// Plus gives y + z, or an *ErrOverflow where the result is below zero or above
// MaxSale.
func (y Yen) Plus(z Yen) (Yen, error) {
	if y < 0 || z < 0 || y > MaxSale || z > MaxSale-y {
		return 0, &ErrOverflow{What: "sum"}
	}
	return y + z, nil
}

// String prints the amount as "1160 yen".
func (y Yen) String() string { return fmt.Sprintf("%d yen", int64(y)) }

// Unlimited is the ceiling of a measure that a cap does not limit.
const Unlimited = math.MaxInt64

// Amount is what caps count: gross yen and units (a carton counts its packs).
type Amount struct {
	Yen   int64 `json:"yen"`
	Units int64 `json:"units"`
}

// Plus adds measure by measure, saturating at Unlimited. Neither may be below
// zero.
func (a Amount) Plus(b Amount) Amount {
	return Amount{Yen: saturate(a.Yen, b.Yen), Units: saturate(a.Units, b.Units)}
}

// Minus subtracts measure by measure, never below zero.
func (a Amount) Minus(b Amount) Amount {
	return Amount{Yen: max(0, a.Yen-b.Yen), Units: max(0, a.Units-b.Units)}
}

// Min gives the smaller of each measure.
func (a Amount) Min(b Amount) Amount {
	return Amount{Yen: min(a.Yen, b.Yen), Units: min(a.Units, b.Units)}
}

// Max gives the larger of each measure.
func (a Amount) Max(b Amount) Amount {
	return Amount{Yen: max(a.Yen, b.Yen), Units: max(a.Units, b.Units)}
}

// Negative says whether a measure is below zero, which no cap or sale counts.
func (a Amount) Negative() bool { return a.Yen < 0 || a.Units < 0 }

// Within says whether neither measure is above b's.
func (a Amount) Within(b Amount) bool { return a.Yen <= b.Yen && a.Units <= b.Units }

// Zero says whether both measures are zero.
func (a Amount) Zero() bool { return a == Amount{} }

func saturate(a, b int64) int64 {
	if a > Unlimited-b {
		return Unlimited
	}
	return a + b
}
