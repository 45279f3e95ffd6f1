package gs1

import "strings"

// row is one application identifier, or a run of them that differ in their last
// digit.
type row struct {
	from, to string
	title    string
	parts    []part
}

// part is a piece of an AI's data. Only the last one may vary in length or be
// left out.
type part struct {
	set      charset
	min, max int
	rule     rule
	optional bool
}

// charset is the characters that a part may have (GS1 General Specifications).
type charset string

const (
	numeric charset = "0123456789"
	cset39  charset = "#-/" + numeric + upper
	cset64  charset = "-_=" + numeric + upper + lower
	cset82  charset = `!"%&'()*+,-./:;<=>?_` + numeric + upper + lower

	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower = "abcdefghijklmnopqrstuvwxyz"
)

// rule is what a part has to fulfil beyond its characters.
type rule uint8

const (
	anything   rule = iota
	checkDigit      // the last digit is the check digit
	day             // YYMMDD
	dayOrMonth      // YYMMDD, where DD may be 00 for the month as a whole
)

// Parts as the dictionary writes them: n(6) is N6, upTo(numeric, 8) is N..8.
func n(length int) part                         { return part{set: numeric, min: length, max: length} }
func x(length int) part                         { return part{set: cset82, min: length, max: length} }
func upTo(set charset, m int) part              { return part{set: set, min: 1, max: m} }
func key(length int) part                       { return part{set: numeric, min: length, max: length, rule: checkDigit} }
func date(r rule) part                          { return part{set: numeric, min: 6, max: 6, rule: r} }
func optional(p part) part                      { p.optional = true; return p }
func ai(ai, title string, p ...part) row        { return row{ai, ai, title, p} }
func run(from, to, title string, p ...part) row { return row{from, to, title, p} }

// byPrefix holds the rows of the table by the first two digits of the AI, which
// also tell how long the AI is.
var byPrefix = index()

func index() (rows [100][]row) {
	for _, r := range table {
		for prefix := number2(r.from); prefix <= number2(r.to); prefix++ {
			rows[prefix] = append(rows[prefix], r)
		}
	}
	return rows
}

// lookUp finds the AI with which text begins.
func lookUp(text string) (row, bool) {
	if len(text) < 2 || !allOf(text[:2], numeric) {
		return row{}, false
	}
	for _, r := range byPrefix[number2(text)] {
		if len(text) < len(r.from) {
			return row{}, false
		}
		if ai := text[:len(r.from)]; ai >= r.from && ai <= r.to {
			return r, true
		}
	}
	return row{}, false
}

// predefined tells whether the data have a length that never changes, so that no
// separator is needed (GS1 General Specifications: the first two digits 00-04,
// 11-20, 31-36 and 41; marked with a star in the dictionary).
func (r row) predefined() bool {
	p := number2(r.from)
	return p <= 4 || p >= 11 && p <= 20 || p >= 31 && p <= 36 || p == 41
}

// end says where the data that begin at text[begin:] end.
func (r row) end(text string, begin int) int {
	if r.predefined() {
		return min(len(text), begin+r.parts[0].max)
	}
	if length := strings.IndexByte(text[begin:], Separator); length >= 0 {
		return begin + length
	}
	return len(text)
}

// check holds an AI's data against its parts, and says which byte of them breaks
// the rule.
func (r row) check(value string) (bad Code, at int) {
	for _, p := range r.parts {
		if at == len(value) && p.optional {
			return "", 0
		}
		piece := value[at:min(len(value), at+p.max)]
		if len(piece) < p.min {
			return BadLength, len(value)
		}
		if bad, offset := p.check(piece); bad != "" {
			return bad, at + offset
		}
		at += len(piece)
	}
	if at < len(value) {
		return BadLength, at
	}
	return "", 0
}

// check holds one part's data against it.
func (p part) check(piece string) (bad Code, at int) {
	for i := range len(piece) {
		if strings.IndexByte(string(p.set), piece[i]) < 0 {
			return BadCharacter, i
		}
	}
	switch p.rule {
	case checkDigit:
		if !Checks(piece) {
			return BadCheck, len(piece) - 1
		}
	case day, dayOrMonth:
		if !isDay(piece, p.rule == dayOrMonth) {
			return BadDate, 0
		}
	}
	return "", 0
}

// monthDays are the days of each month; February has 29 in the years that four
// divides, and two digits of a year cannot name 1900 or 2100.
var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// isDay tells whether the calendar has YYMMDD.
func isDay(date string, whole bool) bool {
	year, month, day := number2(date), number2(date[2:]), number2(date[4:])
	if month < 1 || month > len(monthDays) {
		return false
	}
	last := monthDays[month-1]
	if month == 2 && year%4 == 0 {
		last++
	}
	return day <= last && (day > 0 || whole)
}

// allOf tells whether text is of that set.
func allOf(text string, set charset) bool {
	for i := range len(text) {
		if strings.IndexByte(string(set), text[i]) < 0 {
			return false
		}
	}
	return true
}

// number2 is the number that the first two digits of text make.
func number2(text string) int { return int(text[0]-'0')*10 + int(text[1]-'0') }
