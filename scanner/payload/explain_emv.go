package payload

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"sekisho/scanner/payload/emv"
)

// container shows what is in an EMV container.
func (e *Explanation) container(text string) {
	e.Standard = standardCPM
	if strings.HasPrefix(text, jpqrPrefix) {
		e.Standard = standardJPQR
	}
	c, err := emv.Decode(nil, text)
	if broken, ok := errors.AsType[*emv.Error](err); ok {
		e.fault(string(broken.Code), broken.Offset, broken)
		return
	}
	for o := range c.Objects() {
		field := object(c.Format, o)
		for inner := range c.Inside(o) {
			field.Value = ""
			field.Fields = append(field.Fields, object(c.Format, inner))
			if card, ok := emv.CardOf(inner); ok && c.Format == emv.CPV01 {
				e.Checks = append(e.Checks, Check{fmt.Sprintf("card number's check digit at byte %d", inner.Offset), card.Luhn})
			}
		}
		e.Fields = append(e.Fields, field)
	}
}

// What may be shown in full only as long as it is what it says: a version has 2
// bytes, a token requestor 11 digits in 6. An AID of a registered provider begins
// with A, D or F; one that begins with a digit is made of an issuer's number
// (ISO/IEC 7816-5). Five of its bytes name the provider, and five more leave no
// room for a card's number.
const (
	longestIssuer    = 8
	longestVersion   = 2
	longestRequestor = 6
	longestShownAID  = 10
	registered       = 0xA0
)

// object shows one object.
func object(format emv.Format, o emv.Object) Field {
	return Field{Tag: o.Tag.String(), Name: format.Name(o.Tag), Value: objectValue(format, o), Offset: o.Offset}
}

// objectValue shows a value as far as it may be seen: what says how to pay, in
// full; what says who pays, by its last four characters; a name not at all; and
// of what is unknown or opaque its size.
func objectValue(format emv.Format, o emv.Object) string {
	switch {
	case o.Tag == emv.FormatIndicator, o.Tag == emv.Label, o.Tag == emv.Languages:
		return public(string(o.Value))
	case o.Tag == emv.AID && format == emv.JPQR1 && len(o.Value) <= longestIssuer && digits(string(o.Value)):
		return string(o.Value)
	case o.Tag == emv.AID && len(o.Value) > 0 && len(o.Value) <= longestShownAID && o.Value[0] >= registered,
		o.Tag == emv.Version && len(o.Value) <= longestVersion,
		o.Tag == emv.Requestor && len(o.Value) <= longestRequestor:
		return fmt.Sprintf("%X", o.Value)
	case o.Tag == emv.IssuerURL:
		return host(string(o.Value))
	case o.Tag == emv.Cardholder:
		return "…"
	case o.Tag == emv.AccountRef, o.Tag == emv.Track2Data && format == emv.JPQR1:
		return maskText(string(o.Value))
	case o.Tag == emv.LastFourOfPAN && len(o.Value) == shown/2:
		return fmt.Sprintf("…%X", o.Value)
	case o.Tag == emv.PAN, o.Tag == emv.Track2Data, o.Tag == emv.LastFourOfPAN:
		card, _ := emv.CardOf(o)
		return "…" + card.LastFour
	}
	return fmt.Sprintf("%d bytes", len(o.Value))
}

// plain tells whether a text is printable ASCII. What should be text and is not
// may be packed digits.
func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// maskText is mask for what should be text.
func maskText(text string) string {
	if !plain(text) {
		return "…"
	}
	return mask(text)
}

// host gives scheme and host of a web address; what stands before and behind may
// be a token.
func host(uri string) string {
	if !link(uri) {
		return "…"
	}
	scheme, name, _ := strings.Cut(uri, "://")
	rest := ""
	if end := strings.IndexAny(name, `/?#\`); end >= 0 {
		name, rest = name[:end], "/…"
	}
	return public(scheme+"://"+name[strings.LastIndexByte(name, '@')+1:]) + rest
}

// How many digits a text may have and be shown: of a customer's, which have no
// business with digits, and of a shop's, where fewer than a card number's are
// dates, prices and postal codes.
const (
	customersDigits = 5
	shopsDigits     = 11
)

// public shows a text, unless it has so many digits that a card's number could be
// among them, whatever stands between, or is no plain text.
func public(text string) string {
	if digitsIn(text) > customersDigits || !plain(text) {
		return maskText(text)
	}
	return text
}

// digitsIn counts the digits in a text.
func digitsIn(text string) (n int) {
	for _, r := range text {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// merchant shows what is in a shop's code. One whose checksum is right can break
// the rules all the same.
func (e *Explanation) merchant(text string) {
	e.Standard = standardMPM
	e.Checks = []Check{{"CRC", emv.Summed(text)}}
	m, err := emv.DecodeMerchant(text)
	if broken, ok := errors.AsType[*emv.Error](err); ok {
		e.fault(string(broken.Code), broken.Offset, broken)
		return
	}
	_, jpqr := m.JPQR()
	if jpqr {
		e.Standard = standardMPMJPQR
	}
	for item := range m.Items() {
		field := Field{Tag: item.ID, Name: item.Name(""), Value: itemValue("", item), Offset: item.Offset}
		for inner := range m.Inside(item) {
			field.Value = ""
			field.Fields = append(field.Fields, Field{
				Tag: inner.ID, Name: inner.Name(item.ID), Value: itemValue(item.ID, inner), Offset: inner.Offset,
			})
		}
		e.Fields = append(e.Fields, field)
	}
}

// itemValue shows an object of a shop's code: what the shop says to everybody.
// Accounts, and what a payment network keeps there, may be card numbers; of the
// additional data some are the customer's or this one payment's.
func itemValue(outer string, item emv.Item) string {
	var secret bool
	switch {
	case outer == "":
		secret = item.ID >= "02" && item.ID <= "51" || item.ID >= "65"
	case outer == "62":
		secret = !slices.Contains(shopsOwn, item.ID)
	case outer != "64":
		return networkValue(item)
	}
	if secret || digitsIn(item.Value) > shopsDigits {
		return mask(item.Value)
	}
	return strings.Map(visible, item.Value)
}

// shopsOwn are the additional data (62) that are the shop's: its label, its till,
// the purpose, what it asks for, its tax number, its channel.
var shopsOwn = []string{"03", "07", "08", "09", "10", "11"}

// networkValue shows what stands in a payment network's template: its identifier
// alone.
func networkValue(item emv.Item) string {
	if item.ID == "00" {
		return strings.Map(visible, item.Value)
	}
	return mask(item.Value)
}
