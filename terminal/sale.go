package terminal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is one article in a sale.
type Line struct {
	GTIN     GTIN     `json:"gtin"`
	Name     string   `json:"name,omitempty"`
	Quantity int64    `json:"quantity"`
	Price    Yen      `json:"unit_price"`
	Category Category `json:"category,omitempty"` // the POS's own, or the watch list's
	Units    int64    `json:"units,omitempty"`    // units in one article: a carton of ten packs has 10
}

// Gross is what the line costs, or an *ErrOverflow.
func (l Line) Gross() (Yen, error) { return l.Price.Times(l.Quantity) }

// SaleState says what may be done with a sale.
type SaleState string

// A sale is open while it may be edited, ready once it takes a code, paying
// while a payment is undecided, paid while an approval waits for the goods to
// be handed over, and closed for ever after.
const (
	SaleOpen   SaleState = "open"
	SaleReady  SaleState = "ready"
	SalePaying SaleState = "paying"
	SalePaid   SaleState = "paid"
	SaleClosed SaleState = "closed"
)

// Sale is what the customer buys. The zero Sale means that there is none.
type Sale struct {
	Ref      SaleRef   `json:"ref"`
	Revision int64     `json:"revision"` // grows by one with each change of lines or total
	Lines    []Line    `json:"lines"`
	Total    Yen       `json:"total"` // the POS's total is authoritative: it may be less than the lines (coupons, points)
	State    SaleState `json:"state"`
	Own      bool      `json:"own,omitempty"`     // begun at this register's scanner, not by a POS
	Payment  PaymentID `json:"payment,omitempty"` // the latest attempt to pay it
}

// Limits of a sale from a POS, so that no message can fill the disk or the
// page: far above any basket.
const (
	MaxLines    = 500
	MaxQuantity = 10_000
	maxText     = 200 // characters of a reference or a name
)

// ErrSale says what is wrong with a sale, in a sentence for the POS's maker.
type ErrSale struct{ What string }

// Error gives the sentence.
func (e *ErrSale) Error() string { return e.What }

// Check says whether the sale can be taken at all; the error is an *ErrSale.
func (s Sale) Check() error {
	if s.Ref == "" || !plain(string(s.Ref)) {
		return &ErrSale{fmt.Sprintf("the sale's reference must have 1 to %d characters and no control characters", maxText)}
	}
	if len(s.Lines) > MaxLines {
		return &ErrSale{fmt.Sprintf("a sale has at most %d lines", MaxLines)}
	}
	if s.Total < 0 || s.Total > MaxSale {
		return &ErrSale{fmt.Sprintf("the total must be from 0 to %d yen", int64(MaxSale))}
	}
	var sum Yen
	for i, l := range s.Lines {
		if err := l.check(i); err != nil {
			return err
		}
		gross, err := l.Gross()
		if err == nil {
			sum, err = sum.Plus(gross)
		}
		if err != nil {
			return &ErrSale{fmt.Sprintf("line %d: the sale comes to more than %d yen", i+1, int64(MaxSale))}
		}
	}
	if len(s.Lines) > 0 && s.Total > sum {
		return &ErrSale{fmt.Sprintf("the total is %d yen but the lines come to %d yen", int64(s.Total), int64(sum))}
	}
	return nil
}

func (l Line) check(i int) error {
	switch {
	case !l.GTIN.Valid():
		return &ErrSale{fmt.Sprintf("line %d: the article number must be 8, 12 or 13 digits with a right check digit", i+1)}
	case l.Quantity < 1 || l.Quantity > MaxQuantity:
		return &ErrSale{fmt.Sprintf("line %d: the quantity must be from 1 to %d", i+1, MaxQuantity)}
	case l.Price < 0 || l.Price > MaxSale:
		return &ErrSale{fmt.Sprintf("line %d: the unit price must be from 0 to %d yen", i+1, int64(MaxSale))}
	case l.Units < 0 || l.Units > MaxQuantity:
		return &ErrSale{fmt.Sprintf("line %d: the units must be from 0 to %d", i+1, MaxQuantity)}
	case !plain(l.Name):
		return &ErrSale{fmt.Sprintf("line %d: the name has more than %d characters or control characters", i+1, maxText)}
	case !plain(string(l.Category)):
		return &ErrSale{fmt.Sprintf("line %d: the category is no category", i+1)}
	}
	return nil
}

// plain says whether a text is short enough and can be shown and logged. It
// counts characters, not bytes: a Japanese one has three.
func plain(text string) bool {
	return utf8.RuneCountInString(text) <= maxText && !strings.ContainsFunc(text, control)
}

// control: what a row of Hash, a log or a page could mistake for its own, what
// turns the direction in which the rest of a line is read (Unicode UAX 9,
// embeddings, overrides and isolates), and what is no UTF-8.
func control(r rune) bool {
	turns := r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	return turns || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// Valid says whether g is 8, 12 or 13 digits whose last is the check digit
// (GS1 General Specifications, 7.9: weights 3 and 1 from the right).
func (g GTIN) Valid() bool {
	if len(g) != 8 && len(g) != 12 && len(g) != 13 {
		return false
	}
	sum, weight := 0, 1
	for i := len(g) - 1; i >= 0; i-- {
		c := g[i]
		if c < '0' || c > '9' {
			return false
		}
		sum += int(c-'0') * weight
		weight = 4 - weight
	}
	return sum%10 == 0
}

// Same says whether two sales hold the same goods for the same total.
func (s Sale) Same(t Sale) bool {
	return s.Ref == t.Ref && s.Total == t.Total && slices.Equal(s.Lines, t.Lines)
}

// Hash is the SHA-256, in hex, of the frozen revision: reference, revision,
// total and lines, one a row. It ties a payment to what was on the counter.
func (s Sale) Hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "sekisho.sale.v1\n%s\n%d\n%d\n", s.Ref, s.Revision, int64(s.Total))
	for _, l := range s.Lines {
		fmt.Fprintf(h, "%s %d %d %s %d\n", l.GTIN, l.Quantity, int64(l.Price), l.Category, l.Units)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Gross sums yen and units of the lines by category; under "" those of all goods.
// Caps count the gross lines, also when only a part is paid with this code. A
// sale of which only the total is known is one unit of it.
func (s Sale) Gross() map[Category]Amount {
	sums := make(map[Category]Amount, 4) // a basket has few categories
	if len(s.Lines) == 0 {
		sums[""] = Amount{Yen: int64(s.Total), Units: 1}
	}
	for _, l := range s.Lines {
		gross, err := l.Gross()
		if err != nil {
			gross = MaxSale
		}
		a := Amount{Yen: int64(gross), Units: l.Quantity * max(1, l.Units)}
		sums[""] = sums[""].Plus(a)
		if l.Category != "" {
			sums[l.Category] = sums[l.Category].Plus(a)
		}
	}
	return sums
}
