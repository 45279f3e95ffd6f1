package payload

import (
	"strings"

	"sekisho/scanner/aim"
)

// Lengths in digits.
const (
	billLength = 44

	minWallet = 16 // shortest and longest that is taken for a wallet's code without an issuer row
	maxWallet = 24
)

// Leading digits.
const (
	billPrefix = "91" // GS1 company-internal information; what Japanese payment slips use
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
	if beginsWithKey(text) {
		return elementStrings(id, text)
	}
	if len(text) < minWallet || len(text) > maxWallet {
		return not(WhyDigits)
	}
	return Code{Kind: WalletDigits}
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

// digits tells whether text is ASCII digits and not empty.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
