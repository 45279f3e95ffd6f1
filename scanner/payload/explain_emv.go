package payload

import (
	"errors"
	"fmt"
	"strings"

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

// What may be shown in full only as long as it is what it says: the issuer in
// JPQR has 8 digits, a version 2 bytes, a token requestor 11 digits in 6. An AID
// of a registered provider begins with A, D or F; one that begins with a digit is
// made of an issuer's number (ISO/IEC 7816-5).
const (
	longestIssuer    = 8
	longestVersion   = 2
	longestRequestor = 6
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
	case o.Tag == emv.AID && format == emv.JPQR1 && len(o.Value) <= longestIssuer:
		return strings.Map(visible, string(o.Value))
	case o.Tag == emv.AID && len(o.Value) > 0 && o.Value[0] >= registered,
		o.Tag == emv.Version && len(o.Value) <= longestVersion,
		o.Tag == emv.Requestor && len(o.Value) <= longestRequestor:
		return fmt.Sprintf("%X", o.Value)
	case o.Tag == emv.IssuerURL:
		return public(host(string(o.Value)))
	case o.Tag == emv.Cardholder:
		return "…"
	case o.Tag == emv.AccountRef, o.Tag == emv.Track2Data && format == emv.JPQR1:
		if strings.ContainsFunc(string(o.Value), binary) {
			return "…"
		}
		return mask(string(o.Value))
	case o.Tag == emv.LastFourOfPAN && len(o.Value) == shown/2:
		return fmt.Sprintf("…%X", o.Value)
	case o.Tag == emv.PAN, o.Tag == emv.Track2Data, o.Tag == emv.LastFourOfPAN:
		card, _ := emv.CardOf(o)
		return "…" + card.LastFour
	}
	return fmt.Sprintf("%d bytes", len(o.Value))
}

// binary tells whether a character is none of plain text: what should be text may
// be packed digits.
func binary(r rune) bool { return r < ' ' || r > '~' }

// host gives scheme and host of a web address; what follows may be a token.
func host(uri string) string {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return "…"
	}
	name, path, _ := strings.Cut(rest, "/")
	if path != "" {
		name += "/…"
	}
	return scheme + "://" + name
}

// longestPublic is how many digits in a row may stand in a text that has no
// business with digits.
const longestPublic = 5

// public shows a text, unless it has digits in a row as a card number has, or
// cannot be printed.
func public(text string) string {
	run := 0
	for _, r := range text {
		run++
		if r < '0' || r > '9' {
			run = 0
		}
		if run > longestPublic {
			return mask(text)
		}
	}
	return strings.Map(visible, text)
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

// itemValue shows an object of a shop's code. Accounts may be card numbers of
// the shop, and the additional data may hold a number of the customer's.
func itemValue(outer string, item emv.Item) string {
	account := outer == "" && item.ID >= "02" && item.ID <= "51"
	network := outer != "" && outer != "62" && outer != "64" && item.ID != "00"
	personal := outer == "62" && (item.ID == "02" || item.ID == "04" || item.ID == "06")
	if account || network || personal {
		return mask(item.Value)
	}
	return strings.Map(visible, item.Value)
}
