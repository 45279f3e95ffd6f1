package payload

import (
	"strconv"
	"strings"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload/gs1"
)

// Explanation is what a scan is, in the words of the standard that defines it.
// It can be printed, stored and shown: of card numbers, tokens, wallets' digits
// and passes no more than the last four characters are in it. In full stands what
// is public: what a package says of its article, a shop's code of its shop, and a
// container of the kind of card.
type Explanation struct {
	Kind       string  `json:"kind"`                 // Kind.String
	Why        string  `json:"why,omitempty"`        // Code.Why
	Symbology  string  `json:"symbology"`            // aim.ID.Symbology, "unknown" without an identifier
	Identifier aim.ID  `json:"identifier,omitempty"` // AIM, if it is a known one
	Standard   string  `json:"standard,omitempty"`   // title of the document that defines the format
	Masked     string  `json:"masked"`               // Code.Masked
	Length     int     `json:"length"`               // bytes of text, ECI protocol undone
	Fields     []Field `json:"fields,omitempty"`
	Checks     []Check `json:"checks,omitempty"`
	Errors     []Fault `json:"errors,omitempty"`
}

// Field is one piece of the data, in the order in which it stands there.
type Field struct {
	Tag    string  `json:"tag,omitempty"`    // GS1 application identifier, EMV tag in upper-case hexadecimal, or MPM id
	Name   string  `json:"name"`             // the standard's name for it
	Value  string  `json:"value,omitempty"`  // as people read it; masked where it is secret
	Offset int     `json:"offset"`           // where it begins: bytes of text, of decoded bytes in an EMV container
	Fields []Field `json:"fields,omitempty"` // what is inside, for templates
}

// Check is a test that the data carry in themselves.
type Check struct {
	Name string `json:"name"` // "check digit", "CRC", …
	OK   bool   `json:"ok"`
}

// Fault is a place where the data break their standard.
type Fault struct {
	Code   string `json:"code"`   // for machines
	Offset int    `json:"offset"` // counted as in Field
	Text   string `json:"text"`   // for people, nothing of the data in it
}

// Titles of the standards.
const (
	standardEAN     = "ISO/IEC 15420, GS1 General Specifications"
	standardGS1     = "GS1 General Specifications, element strings"
	standardLink    = "GS1 Digital Link URI Syntax 1.2"
	standardCPM     = "EMVCo QRCPS Consumer-Presented Mode 1.1"
	standardJPQR    = "JPQR Consumer-Presented Mode, as read by those who met it"
	standardMPM     = "EMVCo QRCPS Merchant-Presented Mode 1.1"
	standardMPMJPQR = standardMPM + ", profile JPQR"
	standardPass    = "Sekisho pass: COSE_Sign1 (RFC 9052) over a CWT (RFC 8392), in base45 (RFC 9285)"
)

// Explain tells what a scan is and what is in it. It takes what Classify takes
// and gives the same kind.
func Explain(id aim.ID, text string, issuers []Issuer) Explanation {
	code := Classify(id, text, issuers)
	text = code.Reveal()
	e := Explanation{
		Kind:      code.Kind.String(),
		Why:       code.Why,
		Symbology: id.Symbology(),
		Masked:    code.Masked(),
		Length:    len(text),
	}
	if id.Known() {
		e.Identifier = id
	}
	e.look(id, code, text, issuers)
	return e
}

// look fills in what the kind of code has inside.
func (e *Explanation) look(id aim.ID, code Code, text string, issuers []Issuer) {
	switch {
	case code.Kind == Pass:
		e.pass(text)
	case code.Kind == WalletDigits:
		e.wallet(code, issuers)
	case code.Kind == EMVContainer, code.Why == WhyEMVMalformed:
		e.container(text)
	case code.Kind == MerchantCode, code.Why == WhyMerchantSum:
		e.merchant(text)
	case link(text):
		e.link(text)
	case code.Kind == Bill, code.Why == WhyGS1, elementText(id, text):
		e.elements(text)
	case code.Kind == Goods:
		e.article(code, text)
	case code.Why == WhyCheckDigit:
		e.Standard = standardEAN
		e.Checks = []Check{{"check digit", false}}
	}
}

// elementText tells whether goods came as element strings.
func elementText(id aim.ID, text string) bool {
	bare := id == "" && strings.HasPrefix(text, gtinAI) && len(text) > ean13
	return id.GS1() || strings.ContainsRune(text, gs1.Separator) || bare
}

// pass shows that it is one; what is in it is for its verifier.
func (e *Explanation) pass(text string) {
	e.Standard = standardPass
	e.Fields = []Field{
		{Name: "prefix", Value: passPrefix},
		{Name: "content", Value: mask(text[len(passPrefix):]), Offset: len(passPrefix)},
	}
	e.Checks = []Check{{"base45", base45(text[len(passPrefix):])}}
}

// base45 tells whether text can be base45 (RFC 9285, chapter 4): its characters,
// in groups of three for two bytes and two for a last one.
func base45(text string) bool {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	return len(text)%3 != 1 && strings.Trim(text, alphabet) == ""
}

// wallet names the issuer. The row's prefix is a part of the code and stays out.
func (e *Explanation) wallet(code Code, issuers []Issuer) {
	for _, row := range issuers {
		if row.ID == code.Issuer {
			e.Fields = []Field{{Name: "issuer", Value: row.Name}}
			break
		}
	}
	e.Fields = append(e.Fields, Field{Name: "digits", Value: code.Masked()})
}

// article shows the number in an EAN/UPC symbol.
func (e *Explanation) article(code Code, text string) {
	e.Standard = standardEAN
	e.Checks = []Check{{"check digit", true}}
	e.Fields = []Field{{Name: "GTIN", Value: code.GTIN}}
	if code.AddOn != "" {
		e.Fields = append(e.Fields, Field{Name: "add-on", Value: code.AddOn, Offset: len(text) - len(code.AddOn)})
	}
	if code.InStore {
		e.Fields = append(e.Fields, Field{Name: "restricted circulation", Value: "yes"})
	}
	if code.Row != 0 {
		e.Fields = append(e.Fields, Field{Name: "row of a Japanese book", Value: strconv.Itoa(code.Row)})
	}
}
