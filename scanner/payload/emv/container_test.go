package emv_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sekisho/scanner/payload/emv"
)

// Vectors B.1 and B.2 of EMVCo CPM 1.1.
const (
	b1 = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="
	b2 = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
)

// The same objects, written out by hand from the vectors: tag, value, offset.
const (
	cpv01 = "85054350563031"
	aid5  = "4F07A0000000555555"
)

// text is the base64 of what hex says; blanks in hex are for people.
func text(t testing.TB, hexed ...string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(hexed, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// listing writes objects down one by one.
func listing(c *emv.Container) (out []string) {
	for o := range c.Objects() {
		out = append(out, fmt.Sprintf("%v@%d", o.Tag, o.Offset))
		for inner := range c.Inside(o) {
			out = append(out, fmt.Sprintf(" %v@%d=%X", inner.Tag, inner.Offset, inner.Value))
		}
	}
	return out
}

func TestSpecificationVectors(t *testing.T) {
	for _, v := range []struct {
		name, text string
		want       []string
	}{
		{"B.1", b1, []string{"85@0", "61@7", " 4F@9=A0000000555555", " 57@18=1234567890123458D191220112345F"}},
		{"B.2", b2, []string{
			"85@0",
			"61@7", " 4F@9=A0000000555555", " 50@18=50726F6475637431",
			"61@28", " 4F@30=A0000000666666", " 50@39=50726F6475637432",
			"62@49", " 5A@51=1234567890123458", " 5F20@61=43415244484F4C4445522F454D56", " 5F2D@78=7275657364656" + "56E",
			" 64@89=9F100706010A030000009F2608584FD385FA234BCC9F360200019F37046D58EF13",
		}},
	} {
		c, err := emv.Decode(nil, v.text)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if c.Format != emv.CPV01 || c.LastFour() != "3458" {
			t.Errorf("%s: format %q, last four %q", v.name, c.Format, c.LastFour())
		}
		if got, want := strings.Join(listing(&c), "\n"), strings.Join(v.want, "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", v.name, got, want)
		}
	}
}

func TestApplicationsAreTemplatesWithTheCommonData(t *testing.T) {
	c, err := emv.Decode(nil, b2)
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for a := range c.Applications() {
		label, _ := a.Find(emv.Label)
		pan, ok := a.Find(emv.PAN)
		count := 0
		for range a.Objects() {
			count++
		}
		labels = append(labels, fmt.Sprintf("%s %X %t %d", label.Value, pan.Value, ok, count))
		if _, ok := a.Find(emv.IssuerURL); ok {
			t.Error("an URL was found that is not there")
		}
	}
	want := "Product1 1234567890123458 true 6, Product2 1234567890123458 true 6"
	if got := strings.Join(labels, ", "); got != want {
		t.Errorf("applications: %s, want %s", got, want)
	}
}

func TestTemplatesWithoutAnAIDArePassedOver(t *testing.T) {
	long := strings.Repeat("11", 17)
	for _, c := range []struct{ name, first string }{
		{"no AID", "6103 500141"},
		{"nothing", "6100"},
		{"AID of four bytes", "6106 4F04A0000000"},
		{"AID of seventeen bytes", "6113 4F11" + long},
		{"the same tags as the common data, but no AID", "6105 9F08020001" + "6205 9F08020001"},
	} {
		container, err := emv.Decode(nil, text(t, cpv01, c.first, "6109", aid5))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		count := 0
		for a := range container.Applications() {
			count++
			if o, ok := a.Find(emv.AID); !ok || fmt.Sprintf("%X", o.Value) != "A0000000555555" {
				t.Errorf("%s: AID %X", c.name, o.Value)
			}
		}
		if count != 1 {
			t.Errorf("%s: %d applications, want 1", c.name, count)
		}
	}
	for _, edge := range []string{"05A000000055", "10" + strings.Repeat("A0", 16)} {
		if _, err := emv.Decode(nil, text(t, cpv01, fmt.Sprintf("61%02X4F", len(edge)/2+1), edge)); err != nil {
			t.Errorf("AID %s: %v", edge, err)
		}
	}
}

func TestLongContainers(t *testing.T) {
	filler := func(tag string, n int) string { return tag + fmt.Sprintf("82%04X", n) + strings.Repeat("AA", n) }
	for _, size := range []int{256, 1000, 2900} {
		c, err := emv.Decode(nil, text(t, cpv01, fmt.Sprintf("6182%04X", 9+4+size), aid5, filler("63", size)))
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
			continue
		}
		for a := range c.Applications() {
			if o, ok := a.Find(emv.ApplicationTransparent); !ok || len(o.Value) != size {
				t.Errorf("transparent data of %d bytes came as %d", size, len(o.Value))
			}
		}
	}
	if _, err := emv.Decode(nil, text(t, cpv01, "618180", aid5, "6375"+strings.Repeat("00", 0x75))); err != nil {
		t.Errorf("128 bytes, the shortest that the long form is for: %v", err)
	}
}

// BER does not ask for the shortest form of a length.
func TestLengthsMayBeLongerThanTheyHaveToBe(t *testing.T) {
	for _, length := range []string{"09", "8109", "820009", "83000009", "8400000009"} {
		c, err := emv.Decode(nil, text(t, cpv01, "61"+length, aid5))
		if err != nil {
			t.Errorf("%s: %v", length, err)
		}
		for a := range c.Applications() {
			if o, ok := a.Find(emv.AID); !ok || len(o.Value) != 7 {
				t.Errorf("%s: AID of %d bytes", length, len(o.Value))
			}
		}
	}
}

// Only what an application is made of may not be there twice: a template that is
// passed over makes none, and beside the templates unknown objects are ignored.
func TestDuplicatesThatDoNoHarm(t *testing.T) {
	good := "6109" + aid5
	for name, hexed := range map[string]string{
		"in a template without an AID":           cpv01 + "6106 500141 500142" + good,
		"in two templates":                       cpv01 + "610C" + aid5 + "500141" + "610C" + aid5 + "500141",
		"unknown, beside the templates":          cpv01 + good + "C100" + "C100",
		"templates in both, and tags of one bit": cpv01 + "610B" + aid5 + "7000" + "6204 4E00 7000",
		"templates of the issuer":                cpv01 + "610D" + aid5 + "6300" + "6300",
		"in a template and beside it":            cpv01 + "610C" + aid5 + "C10141" + "C10142",
		"no AID, but what the common data have":  cpv01 + "6103 500141" + good + "6203500142",
	} {
		if _, err := emv.Decode(nil, text(t, hexed)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// JPQR's own rules are not public, so none are made up: a container that can be
// read to its end goes on to those who know them.
func TestJPQRIsRefusedOnlyWhereItCannotBeRead(t *testing.T) {
	const jpqr1 = "85054A50515231"
	for name, hexed := range map[string]string{
		"issuer of 4 bytes":         "610E 4F0433313538 570631323334 3536",
		"issuer of 20 bytes":        "6116 4F14" + strings.Repeat("31", 20),
		"no issuer":                 "6108 5706313233343536",
		"an empty template":         "6100",
		"no template":               "5706313233343536",
		"nothing more":              "",
		"a primitive twice":         "610B 570131 570132 4F0133 9900",
		"common data twice":         "6203570131 6203570132",
		"in template and common":    "6103570131 6203570132",
		"a length longer than need": "618103570131",
	} {
		c, err := emv.Decode(nil, text(t, jpqr1, hexed))
		if err != nil || c.Format != emv.JPQR1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, hexed := range map[string]string{
		"a template cut":           "6109 5706313233343536",
		"an object in it cut":      "6108 5707313233343536",
		"common data cut":          "6202 5701",
		"two codes joined":         "6103570131" + jpqr1 + "6103570131",
		"a tag of nothing":         "6103570131 0000",
		"a length without an end":  "6180 570131 0000",
		"an object behind it, cut": "6103570131 99",
	} {
		if _, err := emv.Decode(nil, text(t, jpqr1, hexed)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	c, err := emv.Decode(nil, text(t, jpqr1, "610D 4F0131 57083132333435363738"))
	if got := c.LastFour(); err != nil || got != "5678" {
		t.Errorf("last four %q, %v: a short issuer hides the payment's id", got, err)
	}
}

func TestTagsOfOtherClassesAreOthers(t *testing.T) {
	if _, err := emv.Decode(nil, text(t, cpv01, "611A", aid5, "5F2500", "9F2500", "DF2500", "1F2500", "5F2600", "2500")); err != nil {
		t.Error(err)
	}
}

func TestUnknownTagsAreKept(t *testing.T) {
	c, err := emv.Decode(nil, text(t, cpv01, "6115", aid5, "DF010101", "DF8101 0102", "C10103", "8300"+"630100", "E000", "6303 4F0155"))
	if err != nil {
		t.Fatal(err)
	}
	want := "85@0 61@7  4F@9=A0000000555555  DF01@18=01  DF8101@22=02  C1@27=03 83@30 63@32 E0@35 63@37"
	if got := strings.Join(listing(&c), " "); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Each row breaks the container in one place; the offset counts decoded bytes.
func TestMalformedContainers(t *testing.T) {
	good := "6109" + aid5
	for _, c := range []struct {
		name, hexed string
		code        emv.Code
		offset      int
	}{
		{"nothing", "", emv.BadFormat, 0},
		{"half a tag", "9F", emv.Truncated, 1},
		{"no length", "85", emv.Truncated, 1},
		{"another object first", good + cpv01, emv.BadFormat, 0},
		{"another version", "85054350563032" + good, emv.BadFormat, 0},
		{"the indicator is short", "8504435056 30" + good, emv.BadFormat, 0},
		{"the indicator goes on beyond the end", "8506435056 3031", emv.Truncated, 0},
		{"the indicator twice", cpv01 + good + cpv01, emv.Duplicate, 18},
		{"no template", cpv01, emv.NoApplication, 7},
		{"no template with an AID", cpv01 + "6103500141", emv.NoApplication, 7},
		{"template cut", cpv01 + "610A" + aid5, emv.Truncated, 7},
		{"object in the template cut", cpv01 + "6109" + "4F08A0000000555555", emv.Truncated, 9},
		{"object beyond the template, inside the code", cpv01 + "6108" + aid5 + "00", emv.Truncated, 9},
		{"tag zero", cpv01 + good + "00", emv.BadTag, 18},
		{"tag of four bytes", cpv01 + good + "DF81810100", emv.BadTag, 18},
		{"tag that begins with nothing", cpv01 + good + "9F800100", emv.BadTag, 18},
		{"tag cut", cpv01 + good + "9F", emv.Truncated, 19},
		{"tag cut in its second byte", cpv01 + good + "DF81", emv.Truncated, 20},
		{"length missing", cpv01 + good + "9F08", emv.Truncated, 20},
		{"length without an end", cpv01 + "6180" + aid5 + "0000", emv.BadLength, 8},
		{"an AID of four bytes alone", cpv01 + "6106 4F04A0000000", emv.NoApplication, 7},
		{"an AID of seventeen bytes alone", cpv01 + "6113 4F11" + strings.Repeat("A0", 17), emv.NoApplication, 7},
		{"length of five bytes", cpv01 + "61850000000009" + aid5, emv.BadLength, 8},
		{"length of four bytes, all set", cpv01 + "6184FFFFFFFF" + aid5, emv.Truncated, 8},
		{"length that passes the end by one", cpv01 + "61810A" + aid5, emv.Truncated, 7},
		{"length cut", cpv01 + "6182 01", emv.Truncated, 10},
		{"length FF", cpv01 + "61FF", emv.BadLength, 8},
		{"a primitive twice in a template", cpv01 + "610F" + aid5 + "500141" + "500142", emv.Duplicate, 21},
		{"the AID twice", cpv01 + "6112" + aid5 + aid5, emv.Duplicate, 18},
		{"in the template and the common data", cpv01 + "610C" + aid5 + "500141" + "6203500142", emv.Duplicate, 18},
		{"common data first", cpv01 + "6203500142" + "610C" + aid5 + "500141", emv.Duplicate, 23},
		{"two bytes of tag twice", cpv01 + "6205 9F08020001" + "610E" + aid5 + "9F08020001", emv.Duplicate, 25},
		{"three bytes of tag twice", cpv01 + "6111" + aid5 + "DF810100" + "DF810100", emv.Duplicate, 22},
		{"three bytes of tag, once common", cpv01 + "610D" + aid5 + "DF810100" + "6204DF810100", emv.Duplicate, 18},
		{"twice in the common data", cpv01 + good + "6206 500141 500141", emv.Duplicate, 23},
		{"unknown primitive twice in a template", cpv01 + "610D" + aid5 + "C100" + "C100", emv.Duplicate, 20},
		{"twice in the second template, once in the common data", cpv01 + "610C" + aid5 + "510141" + "610C" + aid5 + "500141" + "6203500142", emv.Duplicate, 32},
		{"twice in the first of two templates", cpv01 + "610F" + aid5 + "500141" + "500142" + good, emv.Duplicate, 21},
		{"in the first of two templates, and the common data", cpv01 + "610C" + aid5 + "500141" + good + "6203500142", emv.Duplicate, 18},
		{"two codes joined", cpv01 + good + cpv01 + good, emv.Duplicate, 18},
		{"common data twice", cpv01 + good + "6200" + "6200", emv.Duplicate, 20},
		{"common data broken", cpv01 + good + "6202 5005", emv.Truncated, 20},
	} {
		_, err := emv.Decode(nil, text(t, c.hexed))
		e, ok := errors.AsType[*emv.Error](err)
		if !ok || e.Code != c.code || e.Offset != c.offset {
			t.Errorf("%s: %v, want %s at %d", c.name, err, c.code, c.offset)
		}
	}
}

func TestBase64(t *testing.T) {
	for _, c := range []struct {
		name, text string
		offset     int // -1 where it is in order
	}{
		{"as it is", b1, -1},
		{"without padding", strings.TrimSuffix(b1, "="), -1},
		{"two of padding", b2, -1},
		{"too much padding", b1 + "=", len(b1) - 1},
		{"padding behind what needs none", "hQVDUFYwMWEJTwegAAAAVVVV====", 24},
		{"padding that does not fit", strings.TrimSuffix(b2, "="), len(b2) - 2},
		{"padding in the middle", b1[:8] + "=" + b1[9:], 8},
		{"a line break", b1[:8] + "\n" + b1[9:], 8},
		{"a carriage return", b1[:8] + "\r" + b1[9:], 8},
		{"a space", b1[:8] + " " + b1[9:], 8},
		{"the URL alphabet", b1[:8] + "_" + b1[9:], 8},
		{"one character too many", b2[:len(b2)-4] + "A", len(b2) - 4},
		{"bits behind the last byte", strings.TrimSuffix(b1, "8=") + "9", 47},
		{"a line break behind all", b2[:len(b2)-2] + "\n", len(b2) - 2},
		{"a line break where the count of the rest fits", b2[:12] + "\n" + b2[12:len(b2)-2], 12},
		{"a line break between whole groups", "hQVDUFYw\nMWEJTwegAAAAVVVV", 8},
		{"two line breaks", b1[:8] + "\r\n" + b1[8:len(b1)-1], 8},
		{"far on", b1[:8] + strings.Repeat("A", 1000) + "*", 1008},
	} {
		_, err := emv.Decode(nil, c.text)
		e, _ := errors.AsType[*emv.Error](err)
		switch {
		case c.offset < 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.offset >= 0 && (e == nil || e.Code != emv.BadBase64 || e.Offset < c.offset-3 || e.Offset > c.offset+3):
			t.Errorf("%s: %v, want %s about %d", c.name, err, emv.BadBase64, c.offset)
		}
	}
}

// Nothing of the text is in an error (I7).
func TestI7ErrorsHoldNothingOfTheCode(t *testing.T) {
	for _, text := range []string{b1[:20] + "*", text(t, cpv01, "610A", aid5), text(t, "8506435056 3031"), "hQVsecret"} {
		_, err := emv.Decode(nil, text)
		if err == nil || strings.Contains(err.Error(), text[:6]) || strings.Contains(err.Error(), "5555") {
			t.Errorf("error of %q: %v", text, err)
		}
	}
}

func TestDecodeUsesTheCallersMemory(t *testing.T) {
	dst := make([]byte, 0, 4096)
	c, err := emv.Decode(dst, b2)
	if err != nil {
		t.Fatal(err)
	}
	for o := range c.Objects() {
		if len(o.Value) > 0 && &o.Value[0] != &dst[:cap(dst)][o.Offset+2] {
			t.Errorf("object %v lies elsewhere", o.Tag)
		}
	}
	exact := make([]byte, 0, base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(b2, "="))))
	allocs := testing.AllocsPerRun(100, func() {
		c, err := emv.Decode(exact, b2)
		if err != nil || c.Format != emv.CPV01 {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	before := append([]byte(nil), dst[:cap(dst)]...)
	if _, err := emv.Decode(dst, b2); err != nil || string(before) != string(dst[:cap(dst)]) {
		t.Errorf("decoded again, the memory differs: %v", err)
	}
}
