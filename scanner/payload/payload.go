// Package payload tells what a scan is: goods, a payment code, or neither. It
// is pure and judges the frame alone; whether a code is fresh, forged or paid
// before is for others to say.
//
// The danger here is one code taken for another. A till reads bar codes on
// goods, bills, magazines and members' cards with the same eye as a customer's
// phone, and many of them are rows of digits. So the order of the questions is
// fixed, and each kind has something of its own to show:
//
//   - an EAN/UPC symbol is goods or nothing, where the scanner says that it read
//     one;
//   - text codes (pass, EMV container, shop's code) have a prefix that no row
//     of digits has; a container is decoded to its last byte, and a shop's code
//     has a checksum;
//   - goods have the length of a GTIN and its check digit, and where the
//     scanner says what symbol it read, an EAN/UPC symbol, GS1 element strings,
//     or a GS1 Digital Link in a QR code or DataMatrix; a row of 8, 12 or 13
//     digits is never a payment code, whatever the issuer table says; a longer
//     one that reads as element strings is none without an issuer row;
//   - a wallet's digits match the operator's issuer table, or have 16 to 24
//     digits and nothing that makes them something else;
//   - all the rest is not a payment code, and Code.Why says how we know.
//
// Where both readings stay possible, the one that charges nobody is taken,
// unless the operator's own table names the issuer.
//
// A Code never prints what was scanned. All ways of printing it, and of
// printing what holds it, show the kind and the last four characters, of an EMV
// container those of the card's number; the text itself comes from Reveal alone.
package payload

import (
	"strings"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload/gs1"
)

// Kind is what a scan turned out to be. The zero Kind is NotPayment, so that
// forgetting to look charges nobody.
type Kind uint8

// The kinds of scan.
const (
	// NotPayment is neither goods nor anything that pays; Code.Why says why.
	NotPayment Kind = iota
	// Goods is an article's number, in Code.GTIN, its check digit right.
	Goods
	// Pass is this product's own code, "SK1:" and base45. Nothing in it has
	// been verified yet.
	Pass
	// WalletDigits is a row of digits from an issuer's app. An empty
	// Code.Issuer means that no row of the table knows it: it may be tried
	// while the line is up.
	WalletDigits
	// EMVContainer is an EMVCo consumer-presented code, with an application that
	// can be used, or its Japanese sister JPQR: base64 of BER-TLV, well-formed.
	EMVContainer
	// MerchantCode is an EMVCo merchant-presented code, its checksum right: a
	// shop's code, which a customer may show by mistake.
	MerchantCode
	// Bill is a payment slip for a utility or tax, GS1-128 with 44 digits.
	Bill
)

// String names the kind in lower case, for logs and the API.
func (k Kind) String() string {
	switch k {
	case Goods:
		return "goods"
	case Pass:
		return "pass"
	case WalletDigits:
		return "wallet-digits"
	case EMVContainer:
		return "emv-container"
	case MerchantCode:
		return "merchant-code"
	case Bill:
		return "bill"
	}
	return "not-payment"
}

// Why a scan is NotPayment.
const (
	WhyEmpty        = "empty"         // no data
	WhyCheckDigit   = "check-digit"   // the length of a GTIN, but the check digit is wrong: misread or no article
	WhyAddOn        = "add-on"        // a magazine's or book's add-on without the main symbol
	WhySymbol       = "symbol"        // digits in a kind of symbol in which neither goods nor wallets print them
	WhyGS1          = "gs1"           // GS1 element strings that are broken, or name neither an article nor a bill
	WhyCarton       = "carton"        // a GTIN-14 of cartons or pallets: the till sells what is inside
	WhyDigits       = "digits"        // digits of a length that nobody uses
	WhyMerchantSum  = "merchant-sum"  // a shop's code whose checksum is wrong or missing
	WhyEMVMalformed = "emv-malformed" // begins as an EMV container and is none
	WhyLink         = "link"          // a web address that names no article
	WhyText         = "text"          // anything else
)

// Issuer is a row of the operator's issuer table. Such tables age, so they are
// policy and not code.
type Issuer struct {
	ID        string // the operator's own name for the row, in Code.Issuer
	Name      string // for people
	Prefix    string // leading digits, at least one
	MinLength int    // fewest digits of a whole code
	MaxLength int    // most digits of a whole code
}

// Code is what a scan means. The zero Code is NotPayment.
type Code struct {
	Kind    Kind
	GTIN    string // Goods: 13 digits, or 8 of a GTIN-8, also where it came filled up with zeros
	AddOn   string // Goods: the 2 or 5 digits printed beside the symbol, or empty
	InStore bool   // Goods: a number that the shop or its region gave out itself; nobody else knows it
	Row     int    // Goods: 1 for the ISBN on a Japanese book, 2 for the price row under it, else 0
	Issuer  string // WalletDigits: Issuer.ID of the row that matched, or empty
	Why     string // NotPayment: one of the Why constants

	last string // EMVContainer: the last four digits of the card, if they may be seen

	// raw is a pointer because fmt follows a string into an unexported field
	// of somebody else's struct, past every method, but not a pointer.
	raw *string
}

// Passes, containers and shops' codes begin like this.
const (
	passPrefix     = "SK1:"
	cpmPrefix      = "hQVDUFYw" // base64 of 85 05 "CPV0", which a digit follows (EMVCo CPM)
	jpqrPrefix     = "hQVKUFFS" // base64 of 85 05 "JPQR", likewise (community reading of JPQR)
	merchantPrefix = "000201"   // payload format indicator (EMVCo MPM)
)

// Classify tells what a frame means: id is the AIM identifier, empty if the
// scanner sends none, text the data behind it, exactly as scanned. It never
// fails; what makes no sense is NotPayment.
func Classify(id aim.ID, text string, issuers []Issuer) Code {
	text = withoutECI(id, text)
	code := meaning(id, text, issuers)
	code.raw = &text
	return code
}

// meaning is Classify without the text kept.
func meaning(id aim.ID, text string, issuers []Issuer) Code {
	switch {
	case text == "":
		return not(WhyEmpty)
	case id.EAN():
		return goodsSymbol(id, text)
	case strings.HasPrefix(text, passPrefix) && len(text) > len(passPrefix):
		return Code{Kind: Pass}
	case strings.HasPrefix(text, cpmPrefix), strings.HasPrefix(text, jpqrPrefix):
		return container(text)
	case id.GS1(), strings.ContainsRune(text, gs1.Separator):
		return elementStrings(id, text)
	case digits(text):
		return number(id, text, issuers)
	case strings.HasPrefix(text, merchantPrefix):
		return merchant(text)
	case link(text):
		return digitalLink(id, text)
	}
	return not(WhyText)
}

// not is a NotPayment and the reason for it.
func not(why string) Code {
	return Code{Kind: NotPayment, Why: why}
}

// link tells whether text is a web address.
func link(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}
