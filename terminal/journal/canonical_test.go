package journal_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"sekisho/terminal/journal"
)

// TestLeavesAreCanonical holds leaves and private parts of any content against
// the canonical form that an independent library makes of the same JSON.
func TestLeavesAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := rapid.MakeCustom[journal.Entry](small()).Draw(t, "entry")
		e.Version = journal.Version
		leaf, err := e.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		if want := transformed(t, e); !bytes.Equal(leaf, want) {
			t.Fatalf("the leaf is\n%s, canonical is\n%s", leaf, want)
		}
		p := rapid.MakeCustom[journal.Private](small()).Draw(t, "private")
		private, _, err := p.Seal([journal.SaltSize]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if want := transformed(t, p); !bytes.Equal(private, want) {
			t.Fatalf("the private part is\n%s, canonical is\n%s", private, want)
		}
	})
}

// small keeps numbers within what a leaf can hold.
func small() rapid.MakeConfig {
	return rapid.MakeConfig{Kinds: map[reflect.Kind]*rapid.Generator[any]{
		reflect.Int64: rapid.Int64Range(-1<<53+1, 1<<53-1).AsAny(),
	}}
}

func transformed(t *rapid.T, v any) []byte {
	plain, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	want, err := jcs.Transform(plain)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// TestFieldsStandInOrder: a field put elsewhere would make leaves that are not
// canonical, and that other programs refuse.
func TestFieldsStandInOrder(t *testing.T) {
	for _, v := range []any{journal.Entry{}, journal.Private{}, journal.Spend{}} {
		var names []string
		for f := range reflect.TypeOf(v).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
		if !slices.IsSorted(names) {
			t.Errorf("%T: the fields' names in JSON are out of order: %v", v, names)
		}
	}
}
