package payload

import (
	"strings"

	"sekisho/scanner/aim"
)

// Lengths in digits.
const (
	elementGTIN = 16 // GS1 application identifier 01 and a GTIN-14
	billLength  = 44

	minWallet = 16 // shortest and longest that is taken for a wallet's code without an issuer row
	maxWallet = 24
)

// Leading digits.
const (
	elementGTINPrefix = "01"
	billPrefix        = "91" // GS1 company-internal information; what Japanese payment slips use
)

// number tells what a row of digits is that came in no EAN or GS1 symbol, as
// far as the scanner says.
func number(id aim.ID, text string, issuers []Issuer) Code {
	switch {
	case id != "" && !id.Wallet():
		return not(WhySymbol)
	case goodsLength(len(text)):
		if id != "" {
			return not(WhySymbol) // a member's card has 13 digits in Code 128, and one in ten a fitting check digit
		}
		return article(text, "")
	case id == "" && bill(text):
		return Code{Kind: Bill}
	}
	if issuer, ok := match(text, issuers); ok {
		return Code{Kind: WalletDigits, Issuer: issuer}
	}
	if main, addOn, ok := periodical(text); id == "" && ok {
		return article(main, addOn)
	}
	if id == "" && element(text) {
		return not(WhyGS1)
	}
	if len(text) < minWallet || len(text) > maxWallet {
		return not(WhyDigits)
	}
	return Code{Kind: WalletDigits}
}

// element tells whether digits from a scanner that sends no identifiers are a
// GTIN in a GS1 element string, as GS1 DataBar carries it.
func element(text string) bool {
	return len(text) == elementGTIN && strings.HasPrefix(text, elementGTINPrefix) && checks(text[len(elementGTINPrefix):])
}

// elementStrings reads GS1 data. Only the bill is told apart so far; some
// readers put the leading FNC1 into the data.
func elementStrings(text string) Code {
	if bill(strings.TrimPrefix(text, "\x1D")) {
		return Code{Kind: Bill}
	}
	return not(WhyGS1)
}

// bill tells whether text is a payment slip: shaped like a payment code and not
// one.
func bill(text string) bool {
	return len(text) == billLength && strings.HasPrefix(text, billPrefix) && digits(text)
}

// match finds the row for text, the one with the longest prefix: issuers sit
// inside each other's number ranges. Of equal rows the first counts.
func match(text string, issuers []Issuer) (id string, ok bool) {
	longest := 0
	for _, row := range issuers {
		fits := len(text) >= row.MinLength && len(text) <= row.MaxLength && strings.HasPrefix(text, row.Prefix)
		if fits && len(row.Prefix) > longest {
			id, longest = row.ID, len(row.Prefix)
		}
	}
	return id, longest > 0
}

// checks tells whether the last digit is the GS1 check digit of those before
// it: weights 3 and 1 from the right, the sum a multiple of ten.
func checks(number string) bool {
	sum, weight := 0, 1
	for i := len(number) - 1; i >= 0; i-- {
		sum += int(number[i]-'0') * weight
		weight = 4 - weight
	}
	return sum%10 == 0
}

// digits tells whether text is ASCII digits and not empty.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
