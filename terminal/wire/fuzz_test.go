package wire

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

const seedFolder = "testdata/fuzz/FuzzParse"

// FuzzParse: any bytes get a message that survives being written and read
// again, or an *Error; never a panic. What a message prints never depends on
// the payment code in it.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			var told *Error
			if !errors.As(err, &told) || told.Code == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		once, err := Encode(m)
		if err != nil {
			t.Fatalf("a message that was read cannot be written: %v", err)
		}
		if len(once) > MaxMessage {
			return // escapes made it longer than it came
		}
		again, err := Parse(once)
		if err != nil {
			t.Fatalf("a message that was written cannot be read: %v", err)
		}
		if twice, err := Encode(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("written once\n%s\nand twice\n%s\n%v", once, twice, err)
		}
		if m.Authorise == nil {
			return
		}
		before := m.String() + m.GoString() + m.Authorise.String()
		m.Authorise.Code += "x"
		if after := m.String() + m.GoString() + m.Authorise.String(); before != after {
			t.Fatal("what a message prints depends on its code")
		}
	})
}

// The seeds are the vectors: none missing, none stale.
func TestFuzzSeedsAreTheVectors(t *testing.T) {
	set := vectors(t)
	want := map[string]string{}
	for _, v := range set.Messages {
		want[v.Name] = v.Text
	}
	for _, v := range set.Bad {
		want[v.Name] = v.Text
	}
	for name, text := range want {
		raw, err := os.ReadFile(filepath.Join(seedFolder, name))
		if err != nil {
			t.Errorf("the seed %s is missing: %v", name, err)
			continue
		}
		lines := bytes.SplitN(raw, []byte("\n"), 2)
		quoted := bytes.TrimSuffix(bytes.TrimPrefix(lines[1], []byte("[]byte(")), []byte(")\n"))
		if got, err := strconv.Unquote(string(quoted)); err != nil || got != text {
			t.Errorf("the seed %s is another than the vector: %v", name, err)
		}
	}
}
