package payload

import "sekisho/scanner/aim"

// Explanation is what a scan is, in the words of the standard that defines it.
// It can be printed, stored and shown: of card numbers, tokens, wallets' digits
// and passes no more than the last four characters are in it, whatever field
// they came in.
type Explanation struct {
	Kind      string  `json:"kind"`               // Kind.String
	Why       string  `json:"why,omitempty"`      // Code.Why
	Symbology string  `json:"symbology"`          // aim.ID.Symbology, "unknown" without an identifier
	Standard  string  `json:"standard,omitempty"` // title of the document that defines the format
	Masked    string  `json:"masked"`             // Code.Masked
	Length    int     `json:"length"`             // bytes of text, ECI protocol undone
	Fields    []Field `json:"fields,omitempty"`
	Checks    []Check `json:"checks,omitempty"`
	Errors    []Fault `json:"errors,omitempty"`
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

// Explain tells what a scan is and what is in it. It takes what Classify takes
// and gives the same kind.
func Explain(id aim.ID, text string, issuers []Issuer) Explanation {
	code := Classify(id, text, issuers)
	return Explanation{
		Kind:      code.Kind.String(),
		Why:       code.Why,
		Symbology: id.Symbology(),
		Masked:    code.Masked(),
		Length:    len(code.Reveal()),
	}
}
