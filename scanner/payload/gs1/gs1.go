// Package gs1 reads what GS1 puts into symbols: element strings, a row of
// application identifiers (AI) each followed by its data, and Digital Link URIs,
// which say the same as a web address.
//
// In an element string the data of some AIs have a length laid down for ever;
// all others end at a separator, the character that a symbol calls FNC1 and a
// reader sends as GS (0x1D), or at the end. In a Digital Link the path holds a
// primary key, such as a GTIN, and what qualifies it, and the query the rest.
//
// The package guarantees that each Element it gives has an AI of its table, data
// of the right length and characters, a right check digit and a date that the
// calendar has; that no AI is there with two values; and that an Error names the
// byte where the text breaks these rules and holds nothing of it. Rules that tie
// AIs to each other or to lists outside (countries, currencies) are not asked.
//
// Sources: the GS1 Barcode Syntax Dictionary, from which the table is; GS1 General
// Specifications for element strings and check digits; GS1 Digital Link Standard:
// URI Syntax.
package gs1

import (
	"fmt"
	"strings"
)

// Separator is how a reader sends FNC1.
const Separator = '\x1D'

// Element is one application identifier and its data.
type Element struct {
	AI     string // 2 to 4 digits
	Value  string
	Offset int // byte of the text at which the AI stands
}

// Code says for machines what is wrong with a text.
type Code string

// What can be wrong.
const (
	Empty        Code = "empty"       // there is nothing, or nothing behind the separator
	UnknownAI    Code = "unknown-ai"  // no AI of the table begins here
	BadLength    Code = "length"      // too few or too many characters for the AI
	BadCharacter Code = "character"   // a character that the AI does not allow
	BadCheck     Code = "check-digit" // the check digit is wrong
	BadDate      Code = "date"        // no such day
	Conflict     Code = "conflict"    // the AI is there twice, with two values
	NoKey        Code = "no-key"      // a web address without a GS1 primary key in its path
	BadEscape    Code = "escape"      // a per cent sign without two hexadecimal digits
)

// sentences say the same for people.
var sentences = map[Code]string{
	Empty:        "there is no data",
	UnknownAI:    "no application identifier of GS1 begins here",
	BadLength:    "the data have a length that their application identifier does not allow",
	BadCharacter: "a character that the application identifier does not allow",
	BadCheck:     "the check digit is wrong: have the symbol read again",
	BadDate:      "there is no such day",
	Conflict:     "an application identifier is there twice, with two values",
	NoKey:        "the web address holds no GS1 key",
	BadEscape:    "a per cent sign without two hexadecimal digits",
}

// Error is a text that breaks the rules. Nothing of the text is in it.
type Error struct {
	Code   Code
	Offset int // byte of the text
}

// Error gives a sentence for people.
func (e *Error) Error() string { return fmt.Sprintf("gs1: byte %d: %s", e.Offset, sentences[e.Code]) }

// Parse appends the elements of an element string to dst. A separator in front,
// which some readers send, and those that are not needed are passed over.
func Parse(dst []Element, text string) ([]Element, error) {
	at := 0
	if strings.IndexByte(text, Separator) == 0 {
		at = 1
	}
	if at == len(text) {
		return nil, &Error{Empty, at}
	}
	for at < len(text) {
		row, ok := lookUp(text[at:])
		if !ok {
			return nil, &Error{UnknownAI, at}
		}
		begin := at + len(row.from)
		end := row.end(text, begin)
		if bad, offset := row.check(text[begin:end]); bad != "" {
			return nil, &Error{bad, begin + offset}
		}
		e := Element{text[at:begin], text[begin:end], at}
		if conflicts(dst, e) {
			return nil, &Error{Conflict, at}
		}
		dst, at = append(dst, e), end
		if at < len(text) && text[at] == Separator {
			at++
		}
	}
	return dst, nil
}

// conflicts tells whether an AI is there with another value.
func conflicts(elements []Element, e Element) bool {
	for _, other := range elements {
		if other.AI == e.AI && other.Value != e.Value {
			return true
		}
	}
	return false
}

// Find gives the value of an AI.
func Find(elements []Element, ai string) (value string, ok bool) {
	for _, e := range elements {
		if e.AI == ai {
			return e.Value, true
		}
	}
	return "", false
}

// Title is GS1's name for the data of an AI, such as "BATCH/LOT"; empty for what
// is no AI.
func Title(ai string) string {
	if row, ok := lookUp(ai); ok && len(row.from) == len(ai) {
		return row.title
	}
	return ""
}

// Checks tells whether the last digit of a number is the check digit of those
// before it: weights 3 and 1 from the right, the sum a multiple of ten. The
// number has to be digits.
func Checks(number string) bool {
	sum, weight := 0, 1
	for i := len(number) - 1; i >= 0; i-- {
		sum += int(number[i]-'0') * weight
		weight = 4 - weight
	}
	return sum%10 == 0
}
