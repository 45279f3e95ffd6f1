package payload

import (
	"slices"
	"strings"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload/gs1"
)

// gtinAI is the GS1 application identifier of an article's number, 14 digits.
const gtinAI = "01"

// keyAIs are those that begin a label of their own and have a check digit: a
// pallet, an article, and what is in a pallet.
var keyAIs = []string{"00", gtinAI, "02"}

// ordinary is room for the elements of an ordinary symbol.
const ordinary = 8

// elementStrings reads GS1 data: a bill, or an article with its lot and dates.
// A symbol that says it is no GS1 symbol is not believed to hold an article.
func elementStrings(id aim.ID, text string) Code {
	if bill(strings.TrimPrefix(text, string(gs1.Separator))) {
		return Code{Kind: Bill}
	}
	if id != "" && !id.GS1() {
		return not(WhyGS1)
	}
	var room [ordinary]gs1.Element
	elements, err := gs1.Parse(room[:0], text)
	if err != nil {
		return not(WhyGS1)
	}
	return keyed(elements, WhyGS1)
}

// beginsWithKey tells whether a row of digits, in a symbol that need not be
// GS1's, is element strings all the same: a key whose check digit is right, and
// behind it nothing that breaks GS1's rules.
func beginsWithKey(text string) bool {
	if !slices.Contains(keyAIs, text[:min(len(text), len(gtinAI))]) {
		return false
	}
	var room [ordinary]gs1.Element
	_, err := gs1.Parse(room[:0], text)
	return err == nil
}

// digitalLink reads a web address that may name an article, as new packages
// carry it in place of an EAN. A customer who shows one adds an article to the
// sale, as he could by holding up the package.
func digitalLink(id aim.ID, uri string) Code {
	if id != "" && !id.Matrix() {
		return not(WhyLink)
	}
	var room [ordinary]gs1.Element
	elements, err := gs1.ParseLink(room[:0], uri)
	if err != nil {
		return not(WhyLink)
	}
	return keyed(elements, WhyLink)
}

// keyed is goods if one of the elements is an article's number, and otherwise
// not for the reason given. Of 14 digits the first says how the article is
// packed: 0 is what a till sells, and all others are cartons and pallets of it.
// These are other articles, at another price, and would count as one where caps
// count packs.
func keyed(elements []gs1.Element, otherwise string) Code {
	gtin, ok := gs1.Find(elements, gtinAI)
	if !ok {
		return not(otherwise)
	}
	if gtin[0] != '0' {
		return not(WhyCarton)
	}
	return article(gtin[1:], "")
}
