package gs1_test

import (
	"errors"
	"strings"
	"testing"

	"sekisho/scanner/payload/gs1"
)

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		elements, err := gs1.Parse(nil, text)
		if err != nil {
			checkError(t, text, elements, err)
			return
		}
		var whole strings.Builder
		for _, e := range elements {
			if text[e.Offset:e.Offset+len(e.AI)+len(e.Value)] != e.AI+e.Value {
				t.Fatalf("%q: %+v is not what stands there", text, e)
			}
			whole.WriteString(e.AI + e.Value)
		}
		checkElements(t, elements)
		if whole.String() != strings.ReplaceAll(text, "\x1D", "") {
			t.Fatalf("%q was read as %q", text, whole.String())
		}
	})
}

func FuzzParseLink(f *testing.F) {
	f.Fuzz(func(t *testing.T, uri string) {
		elements, err := gs1.ParseLink(nil, uri)
		if err != nil {
			checkError(t, uri, elements, err)
			return
		}
		for _, e := range elements {
			if uri[e.Offset:e.Offset+len(e.AI)] != e.AI {
				t.Fatalf("%q: %+v is not what stands there", uri, e)
			}
		}
		checkElements(t, elements)
	})
}

func checkError(t *testing.T, text string, elements []gs1.Element, err error) {
	e, ok := errors.AsType[*gs1.Error](err)
	if !ok || e.Offset < 0 || e.Offset > len(text) || elements != nil {
		t.Fatalf("%q: %v, %d elements", text, err, len(elements))
	}
}

// checkElements holds that each element is one of its own: written alone it
// reads the same.
func checkElements(t *testing.T, elements []gs1.Element) {
	if len(elements) == 0 {
		t.Fatal("no error and no elements")
	}
	for _, e := range elements {
		alone, err := gs1.Parse(nil, e.AI+e.Value)
		if err != nil || len(alone) != 1 || alone[0].Value != e.Value || gs1.Title(e.AI) == "" {
			t.Fatalf("%+v alone: %v, %v", e, alone, err)
		}
	}
}
