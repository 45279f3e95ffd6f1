package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the most that a request's body may hold, in bytes: 500 lines with
// the longest names take a third of it.
const maxBody = 1 << 20

// object is a JSON object whose fields are read one by one, so that what is
// wrong can be said by name: encoding/json takes any case, doubled names, and
// tells an unknown field in words only.
type object struct {
	path   string // "" or "lines[2]."
	fields map[string]json.RawMessage
}

// bad says what is wrong with one field.
func (o object) bad(name, what string) error {
	return invalid(o.path + name + " " + what)
}

func invalid(detail string) error {
	return problem{status: http.StatusBadRequest, code: codeRequest, detail: detail}
}

// readBody reads a JSON object with no fields other than the allowed ones.
func readBody(w http.ResponseWriter, r *http.Request, allowed ...string) (object, error) {
	raw, err := readAll(w, r)
	if err != nil {
		return object{}, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return object{}, problem{status: http.StatusUnsupportedMediaType, code: codeMediaType, detail: "send the body as application/json"}
	}
	return parseObject(raw, allowed...)
}

// readNothing refuses a body where none belongs; an empty object is let pass,
// since some clients cannot post without one.
func readNothing(w http.ResponseWriter, r *http.Request) error {
	raw, err := readAll(w, r)
	if err != nil || len(raw) == 0 {
		return err
	}
	_, err = parseObject(raw)
	return err
}

func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, problem{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, detail: fmt.Sprintf("the body has more than %d bytes", maxBody)}
	case err != nil:
		return nil, invalid("the body did not come whole: send it again")
	}
	return raw, nil
}

// parseObject reads raw as one object with nothing behind it.
func parseObject(raw []byte, allowed ...string) (object, error) {
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		at := ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = fmt.Sprintf(" at byte %d", syntax.Offset)
		}
		return object{}, invalid("the body is not one JSON object" + at)
	}
	return newObject("", whole, allowed)
}

// newObject takes valid JSON apart.
func newObject(path string, raw json.RawMessage, allowed []string) (object, error) {
	o := object{path: path, fields: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		what := strings.TrimSuffix(path, ".")
		if what == "" {
			what = "the body"
		}
		return o, invalid(what + " must be a JSON object")
	}
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || d.Decode(&value) != nil {
			return o, invalid("the body is not one JSON object")
		}
		if !slices.Contains(allowed, name) {
			return o, o.bad(quoted(name), "is not known here: take it out, or mend its spelling")
		}
		if _, twice := o.fields[name]; twice {
			return o, o.bad(name, "is there twice")
		}
		o.fields[name] = value
	}
	return o, nil
}

// quoted makes a name from outside fit to be shown: short and without control
// characters.
func quoted(name string) string {
	const most = 40
	if r := []rune(name); len(r) > most {
		name = string(r[:most]) + "…"
	}
	return strconv.Quote(name)
}

// get gives a field's JSON; null counts as missing.
func (o object) get(name string) (json.RawMessage, bool) {
	raw, ok := o.fields[name]
	return raw, ok && string(raw) != "null"
}

// number reads a whole number; missing gives what is told for it.
func (o object) number(name string, missing int64) (int64, error) {
	raw, ok := o.get(name)
	if !ok {
		return missing, nil
	}
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, o.bad(name, "must be a whole number, without quotes")
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, o.bad(name, "is too large")
	}
	if err != nil {
		return 0, o.bad(name, "must be a whole number, without point or exponent")
	}
	if n < 0 {
		return 0, o.bad(name, "must not be below 0")
	}
	return n, nil
}

// text reads a string; missing gives "".
func (o object) text(name string) (string, error) {
	raw, ok := o.get(name)
	if !ok {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", o.bad(name, "must be text in quotes")
	}
	return s, nil
}

// flag reads true or false; missing gives false.
func (o object) flag(name string) (bool, error) {
	raw, ok := o.get(name)
	if !ok {
		return false, nil
	}
	var b bool
	if json.Unmarshal(raw, &b) != nil {
		return false, o.bad(name, "must be true or false")
	}
	return b, nil
}

// list reads a list of objects with no fields other than the allowed ones. The
// field must be there; it may be empty.
func (o object) list(name string, allowed ...string) ([]object, error) {
	raw, ok := o.get(name)
	if !ok {
		return nil, o.bad(name, "is missing: send a list, or [] for none")
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, o.bad(name, "must be a list")
	}
	list := make([]object, len(items))
	for i, item := range items {
		var err error
		if list[i], err = newObject(fmt.Sprintf("%s%s[%d].", o.path, name, i), item, allowed); err != nil {
			return nil, err
		}
	}
	return list, nil
}
