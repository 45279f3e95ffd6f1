package walletsim

import (
	"fmt"
	"strings"
)

// checkDigit is what goes behind digits: weights 3 and 1 from the right, the
// sum brought to a multiple of ten (GS1 General Specifications).
func checkDigit(digits string) string {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += int(digits[i]-'0') * weight
		weight = 4 - weight
	}
	return string(rune('0' + (10-sum%10)%10))
}

// checked makes digits of that length into a number with its check digit.
func checked(digits string, length int) (string, error) {
	if len(digits) != length || strings.Trim(digits, "0123456789") != "" {
		return "", fmt.Errorf("walletsim: %d characters, want %d digits", len(digits), length)
	}
	return digits + checkDigit(digits), nil
}

// Sent is a text as a reader sends it.
type Sent struct {
	Identifier string // AIM identifier in front, empty from a reader that sends none
	Data       string
}

// WithAddOn gives the ways in which readers send an EAN-13 with an add-on of two
// or five digits: in one text under an identifier of its own, as two symbols
// with theirs (ISO/IEC 15424), and without identifiers.
func WithAddOn(main, addOn string) []Sent {
	second := "]E1"
	if len(addOn) == 5 {
		second = "]E2"
	}
	return []Sent{
		{"]E3", main + addOn},
		{"]E0", main + second + addOn},
		{"", main + addOn},
	}
}

// Magazine is a Japanese periodical's EAN-13 and add-on (JPO, code system of
// periodicals): 491, a spare 0, magazine code, number of the month or week,
// last digit of the year; then a spare 0 and the price.
func Magazine(code string, number, year int, yen int64) (main, addOn string, err error) {
	main, err = checked(fmt.Sprintf("4910%s%02d%d", code, number, year%10), 12)
	return main, fmt.Sprintf("0%04d", yen), err
}

// Book is the two EAN-13 of a Japanese book, ISBN above, and below 192, the
// subject code's four digits and the price's five (Japan ISBN Agency, bookland
// EAN). Readers send them as two scans, in either order.
func Book(isbn, subject string, yen int64) (upper, lower string, err error) {
	if upper, err = checked(isbn, 12); err != nil {
		return "", "", err
	}
	lower, err = checked(fmt.Sprintf("192%s%05d", subject, yen), 12)
	return upper, lower, err
}

// InStore is a code that a store prints itself on fresh food: a prefix of two
// digits (02, 04 or 20 to 29), the store's own number of the article, a check
// digit of the price, and the price (GS1 General Specifications). Numbers do not mean the same in another store.
func InStore(prefix, article string, yen int64) (string, error) {
	price := fmt.Sprintf("%04d", yen)
	if len(price) != 4 {
		return "", fmt.Errorf("walletsim: a price of %d digits, want at most 4", len(price))
	}
	return checked(prefix+article+priceDigit(price)+price, 12)
}

// priceDigit guards a price of four digits: each has a weight that also moves
// what it carries, and the sum is taken three times (GS1 General Specifications,
// weights 2-, 2-, 3 and 5-).
func priceDigit(price string) string {
	d := func(i int) int { return int(price[i] - '0') }
	minus := func(d, weight int) int { return (weight*d - weight*d/10) % 10 }
	sum := minus(d(0), 2) + minus(d(1), 2) + 3*d(2)%10 + minus(d(3), 5)
	return string(rune('0' + 3*sum%10))
}
