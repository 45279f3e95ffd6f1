package wire

import (
	"bytes"
	"encoding/json"
	"strings"
)

// namedTwice says whether an object of a valid JSON text has a name twice, in
// whatever case. encoding/json takes the last of them and reads either case; who
// takes another would read another message: approved here, declined there.
func namedTwice(text []byte) bool {
	names := make([][]byte, 0, 64) // of the objects that are open, one after the other
	var begins []int               // where each one's begin; of a list too
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			begins = append(begins, len(names))
		case '}', ']':
			begin := begins[len(begins)-1]
			if doubled(names[begin:]) {
				return true
			}
			names, begins = names[:begin], begins[:len(begins)-1]
		case '"':
			end := closing(text, i)
			if colon(text[end:]) {
				names = append(names, unquoted(text[i:end]))
			}
			i = end - 1
		}
	}
	return false
}

// few is up to how many names are compared each with each.
const few = 32

func doubled(names [][]byte) bool {
	if len(names) > few {
		seen := make(map[string]bool, len(names))
		for _, n := range names {
			seen[strings.ToLower(strings.ToUpper(string(n)))] = true // the long s is an s
		}
		return len(seen) < len(names)
	}
	for i, n := range names {
		for _, other := range names[:i] {
			if bytes.EqualFold(n, other) { // as encoding/json compares
				return true
			}
		}
	}
	return false
}

// closing gives where a string that begins at i is over.
func closing(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// colon says whether the next thing is one: then what came before it is a name.
func colon(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// unquoted gives the name that a string is.
func unquoted(text []byte) []byte {
	if bytes.IndexByte(text, '\\') < 0 {
		return text[1 : len(text)-1]
	}
	var name string
	_ = json.Unmarshal(text, &name) // it was read before
	return []byte(name)
}
