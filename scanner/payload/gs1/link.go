package gs1

import (
	"slices"
	"strings"
)

// primaryKeys are the AIs with which the GS1 part of a path can begin ("dlpkey"
// in the GS1 Barcode Syntax Dictionary).
var primaryKeys = []string{
	"00", "01", "253", "255", "401", "402", "414", "415", "417", "8003", "8004", "8006", "8010", "8013", "8017", "8018",
}

// ParseLink appends the elements of a Digital Link URI to dst: the primary key,
// what follows it in the path, and what AIs the query holds. Any host will do,
// and any path in front of the key. A GTIN has its 14 digits there. Behind the
// key the standard wants its qualifiers alone, in their order; links with a date
// there are in use, so any AI will do. Other words in the query are passed over,
// as is the fragment; compressed URIs are not read.
func ParseLink(dst []Element, uri string) ([]Element, error) {
	path, query, ok := split(uri)
	if !ok {
		return nil, &Error{NoKey, 0}
	}
	var room [ordinarySteps]piece
	steps := path.steps(room[:0])
	first := primary(steps)
	if first < 0 {
		return nil, &Error{NoKey, path.offset}
	}
	steps = steps[first:]
	for i := 0; i < len(steps); i += 2 {
		var err *Error
		if dst, err = add(dst, steps[i], steps[i+1]); err != nil {
			return nil, err
		}
	}
	return addQuery(dst, query)
}

// ordinarySteps is room for the steps of an ordinary path.
const ordinarySteps = 8

// piece is a part of a URI, with the byte at which it stands.
type piece struct {
	text   string
	offset int
}

// cut parts a piece at the first sep.
func (p piece) cut(sep string) (before, after piece, found bool) {
	left, right, found := strings.Cut(p.text, sep)
	return piece{left, p.offset}, piece{right, p.offset + len(left) + len(sep)}, found
}

// split takes path and query out of a web address.
func split(uri string) (path, query piece, ok bool) {
	whole, _, _ := piece{uri, 0}.cut("#")
	scheme, rest, found := whole.cut("://")
	if !found || !strings.EqualFold(scheme.text, "http") && !strings.EqualFold(scheme.text, "https") {
		return piece{}, piece{}, false
	}
	rest, query, _ = rest.cut("?")
	host, path, found := rest.cut("/")
	return path, query, found && host.text != ""
}

// steps appends what stands between the slashes of a path to dst; one at the end
// is passed over.
func (p piece) steps(dst []piece) []piece {
	p.text = strings.TrimSuffix(p.text, "/")
	for more := true; more; {
		var step piece
		step, p, more = p.cut("/")
		dst = append(dst, step)
	}
	return dst
}

// primary finds the primary key: keys and values alternate, the last value is
// the last step, and of two keys the one further back counts, because the path
// in front of the key is the owner's own.
func primary(steps []piece) int {
	for i := len(steps) - 2; i >= 0; i -= 2 {
		if slices.Contains(primaryKeys, steps[i].text) {
			return i
		}
	}
	return -1
}

// addQuery appends what AIs a query holds: the words that are all digits.
func addQuery(dst []Element, query piece) ([]Element, error) {
	for query.text != "" {
		var pair piece
		pair, query = query.next()
		ai, value, found := pair.cut("=")
		if !found || ai.text == "" || !allOf(ai.text, numeric) {
			continue
		}
		var err *Error
		if dst, err = add(dst, ai, value); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// next takes the first pair off a query; some write ";" for "&".
func (p piece) next() (first, rest piece) {
	end := strings.IndexAny(p.text, "&;")
	if end < 0 {
		return p, piece{}
	}
	return piece{p.text[:end], p.offset}, piece{p.text[end+1:], p.offset + end + 1}
}

// add checks an AI and its value and appends them.
func add(dst []Element, ai, value piece) ([]Element, *Error) {
	row, ok := lookUp(ai.text)
	if !ok || len(row.from) != len(ai.text) {
		return nil, &Error{UnknownAI, ai.offset}
	}
	plain, at := unescape(value.text)
	if at >= 0 {
		return nil, &Error{BadEscape, value.offset + at}
	}
	if bad, _ := row.check(plain); bad != "" {
		return nil, &Error{bad, value.offset}
	}
	e := Element{ai.text, plain, ai.offset}
	if conflicts(dst, e) {
		return nil, &Error{Conflict, ai.offset}
	}
	return append(dst, e), nil
}

// unescape undoes percent-encoding (RFC 3986, 2.1) and says where it is broken,
// -1 if it is not. A plus sign stays one.
func unescape(text string) (plain string, at int) {
	if !strings.Contains(text, "%") {
		return text, -1
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if i+2 >= len(text) || nibble(text[i+1]) < 0 || nibble(text[i+2]) < 0 {
				return "", i
			}
			c = byte(nibble(text[i+1])<<4 | nibble(text[i+2]))
			i += 2
		}
		out.WriteByte(c)
	}
	return out.String(), -1
}

// nibble is the value of a hexadecimal digit, -1 for what is none.
func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
