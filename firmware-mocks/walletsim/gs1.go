package walletsim

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Separator ends an element string of variable length where another follows.
// In the symbol it is FNC1; a reader sends GS (GS1 General Specifications).
const Separator = "\x1d"

// Element is one GS1 element string: application identifier and value.
type Element struct {
	AI    string // two to four digits
	Value string
}

// predefined are the first two digits of the application identifiers whose
// length is given and that take no separator (GS1 General Specifications).
var predefined = []string{
	"00", "01", "02", "03", "04", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20",
	"31", "32", "33", "34", "35", "36", "41",
}

// ElementString is elements in one text, as readers send it from GS1-128, GS1
// DataMatrix or GS1 QR, less the identifier that stands for the leading FNC1.
func ElementString(elements ...Element) string {
	var out strings.Builder
	for i, e := range elements {
		out.WriteString(e.AI + e.Value)
		if i < len(elements)-1 && !slices.Contains(predefined, e.AI[:min(2, len(e.AI))]) {
			out.WriteString(Separator)
		}
	}
	return out.String()
}

// Link is a GS1 Digital Link: what an element string says, as a web address.
type Link struct {
	Domain string    // id.gs1.org if empty
	Path   []Element // primary key first, then what qualifies it
	Query  []Element // attributes such as an expiry date
}

// Text is the address (GS1 Digital Link Standard, URI syntax). Some write
// attributes into the path too, as in the example of which a reader sends
// https://id.gs1.org/01/09506000134352/17/270630/10/ABC123.
func (l Link) Text() string {
	domain := l.Domain
	if domain == "" {
		domain = "id.gs1.org"
	}
	text := "https://" + domain
	for _, e := range l.Path {
		text += "/" + e.AI + "/" + percent(e.Value)
	}
	before := "?"
	for _, e := range l.Query {
		text += before + e.AI + "=" + percent(e.Value)
		before = "&"
	}
	return text
}

// percent writes what has a meaning of its own in an address in hexadecimal, a
// space too (RFC 3986, section 2.1).
func percent(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// Bill is a slip for a payment at a convenience store's till, a GS1-128 of 44
// digits behind application identifier 91: shaped like a payment code, not one.
// Its fields are those of Hitachi's EUR system design guide, section 4.4.6,
// after GS1 Japan's guideline.
type Bill struct {
	Company string // six digits: whose bill it is
	Free    string // at most 21 digits, zeros are added behind
	Reissue int    // how often it was issued again, one digit
	Due     string // YYMMDD
	Stamped bool   // a revenue stamp is due
	Yen     int64  // at most six digits
	Check   int    // check digit, the caller's: how it is reckoned stands in the guideline, which could not be had
}

// Text is the 44 digits.
func (b Bill) Text() (string, error) {
	stamp := 0
	if b.Stamped {
		stamp = 1
	}
	const free, length = 21, 44
	zeros := strings.Repeat("0", max(0, free-len(b.Free)))
	text := fmt.Sprintf("91%s%s%s%d%s%d%06d%d", b.Company, b.Free, zeros, b.Reissue, b.Due, stamp, b.Yen, b.Check)
	if len(text) != length || strings.Trim(text, "0123456789") != "" {
		return "", fmt.Errorf("walletsim: a bill of %d characters, want %d digits", len(text), length)
	}
	return text, nil
}
