package payload

import (
	"slices"
	"strings"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload/gs1"
)

// Lengths in digits.
const (
	ean8  = 8
	upcA  = 12 // an EAN-13 that lost its leading zero
	ean13 = 13

	addOn2 = 2
	addOn5 = 5 // Japanese magazines: issue and price
)

// published are the prefixes of what carries an add-on: periodicals (977, and
// 491 in Japan) and books (978, 979).
var published = []string{"491", "977", "978", "979"}

// goodsSymbol reads the data of an EAN/UPC symbol, with or without an add-on.
func goodsSymbol(id aim.ID, text string) Code {
	switch id {
	case aim.AddOn2, aim.AddOn5:
		return not(WhyAddOn)
	case aim.EAN8:
		if len(text) != ean8 {
			return not(WhyDigits)
		}
		return article(text, "")
	}
	main, addOn, ok := withoutAddOn(text)
	if !ok && id == aim.EAN13AndAddOn {
		main, addOn, ok = ofUPCA(text)
	}
	if !ok {
		return not(WhyDigits)
	}
	return article(main, addOn)
}

// withoutAddOn parts an EAN-13 or UPC-A from its add-on. Readers send the
// add-on as digits, or behind an identifier of its own.
func withoutAddOn(text string) (main, addOn string, ok bool) {
	if main, rest, found := strings.Cut(text, "]E"); found {
		marked := len(rest) == 1+addOn2 && rest[0] == '1' || len(rest) == 1+addOn5 && rest[0] == '2'
		if !marked || len(main) != ean13 && len(main) != upcA {
			return "", "", false
		}
		return main, rest[1:], digits(rest)
	}
	switch len(text) {
	case upcA, ean13:
		return text, "", true
	case ean13 + addOn2, ean13 + addOn5:
		return text[:ean13], text[ean13:], digits(text)
	}
	return "", "", false
}

// ofUPCA parts a UPC-A's 12 digits from its add-on, where the scanner says that
// there is one.
func ofUPCA(text string) (main, addOn string, ok bool) {
	if len(text) != upcA+addOn2 && len(text) != upcA+addOn5 {
		return "", "", false
	}
	return text[:upcA], text[upcA:], digits(text)
}

// periodical parts bare digits, from a scanner that sends no identifiers, into
// a magazine's or book's number and its add-on.
func periodical(text string) (main, addOn string, ok bool) {
	if len(text) != ean13+addOn2 && len(text) != ean13+addOn5 {
		return "", "", false
	}
	main, addOn = text[:ean13], text[ean13:]
	return main, addOn, slices.Contains(published, main[:3]) && gs1.Checks(main)
}

// article is goods if text is a GTIN of 8, 12 or 13 digits that checks.
//
// UPC-E sent as eight digits is not widened: it is not sold here, and its check
// digit nearly always fails as an EAN-8's.
func article(text, addOn string) Code {
	if !goodsLength(len(text)) || !digits(text) {
		return not(WhyDigits)
	}
	if !gs1.Checks(text) {
		return not(WhyCheckDigit)
	}
	text = unfilled(text)
	return Code{Kind: Goods, GTIN: text, AddOn: addOn, InStore: inStore(text), Row: bookRow(text)}
}

// unfilled gives a number its own length: 13 digits to UPC-A's 12, and 8 to a
// GTIN-8 that was filled up with zeros, as element strings have it and some
// readers send it. Numbers with seven zeros in front are a company's own and
// stay; the other prefixes 00000 are left free for GTIN-8 (GS1 General
// Specifications, GS1 prefixes).
func unfilled(gtin string) string {
	const zeros, own = "00000", "0000000"
	if len(gtin) == upcA {
		gtin = "0" + gtin
	}
	if len(gtin) == ean13 && strings.HasPrefix(gtin, zeros) && !strings.HasPrefix(gtin, own) {
		return gtin[len(zeros):]
	}
	return gtin
}

// inStore tells whether a GTIN is from the ranges for restricted circulation:
// GS1 prefixes 020-029, 040-049 and 200-299, and the GTIN-8 that begin with 0
// or 2 (GS1 General Specifications, GS1 prefixes).
func inStore(gtin string) bool {
	if len(gtin) == ean8 {
		return gtin[0] == '0' || gtin[0] == '2'
	}
	return gtin[0] == '2' || strings.HasPrefix(gtin, "02") || strings.HasPrefix(gtin, "04")
}

// bookRow tells which of the two symbols on a Japanese book a GTIN is: the ISBN
// (978, 979), or below it 191 or 192 with subject and price. The rows are read
// one by one, in either order; who wants both pairs them.
func bookRow(gtin string) int {
	if len(gtin) != ean13 {
		return 0
	}
	switch gtin[:3] {
	case "978", "979":
		return 1
	case "191", "192":
		return 2
	}
	return 0
}

// goodsLength tells whether n digits can be an article's number.
func goodsLength(n int) bool {
	return n == ean8 || n == upcA || n == ean13
}
