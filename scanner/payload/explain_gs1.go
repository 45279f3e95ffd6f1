package payload

import (
	"errors"

	"sekisho/scanner/payload/gs1"
)

// private tells of an application identifier whether its data may belong to a
// customer or be as good as money. What describes an article begins with 0 to 3
// or 7; addresses, accounts, members' numbers and coupons are among the others,
// and a coupon's is 255.
func private(ai string) bool {
	return ai == "255" || ai[0] >= '4' && ai[0] != '7'
}

// elements shows what is in element strings.
func (e *Explanation) elements(text string) {
	e.Standard = standardGS1
	elements, err := gs1.Parse(nil, text)
	e.gs1(elements, err)
}

// link shows what is in a GS1 Digital Link. Of any other web address nothing is
// shown: it may hold a token.
func (e *Explanation) link(uri string) {
	elements, err := gs1.ParseLink(nil, uri)
	if broken, ok := errors.AsType[*gs1.Error](err); ok && broken.Code == gs1.NoKey {
		return
	}
	e.Standard = standardLink
	e.gs1(elements, err)
}

// gs1 shows elements, or what is wrong with the text that they are in. Data are
// shown in full only where an article's number says what they belong to: digits
// of a wallet, read in the wrong kind of symbol, can have the shape of a lot.
func (e *Explanation) gs1(elements []gs1.Element, err error) {
	if broken, ok := errors.AsType[*gs1.Error](err); ok {
		e.fault(string(broken.Code), broken.Offset, broken)
		if broken.Code == gs1.BadCheck {
			e.Checks = []Check{{"check digit", false}}
		}
		return
	}
	_, goods := gs1.Find(elements, gtinAI)
	for _, element := range elements {
		field := Field{Tag: element.AI, Name: gs1.Title(element.AI), Value: element.Value, Offset: element.Offset}
		if !goods || private(element.AI) {
			field.Value = mask(element.Value)
		}
		e.Fields = append(e.Fields, field)
	}
	if goods {
		e.Checks = []Check{{"check digit", true}}
	}
}

// fault adds a place where the data break their standard.
func (e *Explanation) fault(code string, offset int, err error) {
	e.Errors = append(e.Errors, Fault{Code: code, Offset: offset, Text: err.Error()})
}
