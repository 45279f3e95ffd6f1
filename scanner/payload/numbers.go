package payload

import (
	"strings"

	"sekisho/scanner/aim"
)

// Lengths in digits.
const (
	ean8  = 8
	upcA  = 12 // an EAN-13 that lost its leading zero
	ean13 = 13

	addOn2 = 2
	addOn5 = 5 // Japanese magazines: issue and price

	elementGTIN = 16 // GS1 application identifier 01 and a GTIN-14
	billLength  = 44

	minWallet = 16 // shortest and longest that is taken for a wallet's code without an issuer row
	maxWallet = 24
)

// Leading digits.
const (
	magazinePrefix    = "491" // JAN of Japanese periodicals
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
		return article(text)
	case id == "" && bill(text):
		return Code{Kind: Bill}
	}
	if issuer, ok := match(text, issuers); ok {
		return Code{Kind: WalletDigits, Issuer: issuer}
	}
	if id == "" && !plain(text) {
		return unmarked(text)
	}
	if len(text) < minWallet || len(text) > maxWallet {
		return not(WhyDigits)
	}
	return Code{Kind: WalletDigits}
}

// plain tells whether digits from a scanner that sends no identifiers have
// nothing of a magazine or of a GS1 element string about them.
func plain(text string) bool {
	magazine := len(text) == ean13+addOn5 && strings.HasPrefix(text, magazinePrefix) && checks(text[:ean13])
	element := len(text) == elementGTIN && strings.HasPrefix(text, elementGTINPrefix) && checks(text[len(elementGTINPrefix):])
	return !magazine && !element
}

// unmarked is what such digits are, if they are not plain.
func unmarked(text string) Code {
	if len(text) == elementGTIN {
		return not(WhyGS1)
	}
	return article(text[:ean13])
}

// goodsSymbol reads the data of an EAN/UPC symbol, with or without an add-on.
func goodsSymbol(id aim.ID, text string) Code {
	switch id {
	case aim.AddOn2, aim.AddOn5:
		return not(WhyAddOn)
	case aim.EAN8:
		if len(text) != ean8 {
			return not(WhyDigits)
		}
		return article(text)
	}
	main, ok := withoutAddOn(text)
	if !ok {
		return not(WhyDigits)
	}
	return article(main)
}

// withoutAddOn gives the EAN-13 or UPC-A in front of an add-on. Readers send
// the add-on as digits, or behind an identifier of its own.
func withoutAddOn(text string) (main string, ok bool) {
	for _, id := range []aim.ID{aim.AddOn2, aim.AddOn5} {
		if before, after, found := strings.Cut(text, string(id)); found {
			return before, (len(before) == ean13 || len(before) == upcA) && digits(after)
		}
	}
	switch len(text) {
	case upcA, ean13:
		return text, true
	case ean13 + addOn2, ean13 + addOn5:
		return text[:ean13], digits(text)
	}
	return "", false
}

// article is goods if text is a GTIN of 8, 12 or 13 digits that checks.
//
// UPC-E sent as eight digits is not widened: it is not sold here, and its check
// digit nearly always fails as an EAN-8's. A book's second row (191, 192) is an
// EAN-13 that checks and stays one: the POS wants both rows.
func article(text string) Code {
	if !goodsLength(len(text)) || !digits(text) {
		return not(WhyDigits)
	}
	if !checks(text) {
		return not(WhyCheckDigit)
	}
	if len(text) == upcA {
		text = "0" + text
	}
	return Code{Kind: Goods, GTIN: text}
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

// goodsLength tells whether n digits can be an article's number.
func goodsLength(n int) bool {
	return n == ean8 || n == upcA || n == ean13
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
