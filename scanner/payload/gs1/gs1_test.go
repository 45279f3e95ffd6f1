package gs1_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sekisho/scanner/payload/gs1"
)

// listed writes elements down, AI, value and place.
func listed(elements []gs1.Element) string {
	var out []string
	for _, e := range elements {
		out = append(out, fmt.Sprintf("%s=%s@%d", e.AI, e.Value, e.Offset))
	}
	return strings.Join(out, " ")
}

// fs writes "|" for FNC1, as GS1 itself does on paper.
func fs(text string) string { return strings.ReplaceAll(text, "|", "\x1D") }

func TestElementStrings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"GTIN", "0109506000134352", "01=09506000134352@0"},
		{"GTIN, expiry, lot", "01095060001343521727063010ABC123", "01=09506000134352@0 17=270630@16 10=ABC123@24"},
		{"FNC1 in front", "|0109506000134352", "01=09506000134352@1"},
		{"lot before expiry", "010950600013435210ABC123|17270630", "01=09506000134352@0 10=ABC123@16 17=270630@25"},
		{"a separator that is not needed", "0109506000134352|17270630|", "01=09506000134352@0 17=270630@17"},
		{"a separator at the end", "10ABC|", "10=ABC@0"},
		{"serial of 20", "21abcdefghijklmnopqrst", "21=abcdefghijklmnopqrst@0"},
		{"net weight in kg, three places", "3103000750", "3103=000750@0"},
		{"an AI of three digits", "240X-1|30150", "240=X-1@0 30=150@7"},
		{"price in a currency", "3932392498|21A", "3932=392498@0 21=A@11"},
		{"location", "4149506000134352", "414=9506000134352@0"},
		{"document with a serial", "2539506000134352ABC", "253=9506000134352ABC@0"},
		{"document without", "2539506000134352", "253=9506000134352@0"},
		{"month without a day", "17270600", "17=270600@0"},
		{"29 February", "11240229", "11=240229@0"},
		{"harvest on one day", "7007260101", "7007=260101@0"},
		{"harvest on some days", "7007260101260131", "7007=260101260131@0"},
		{"returnable asset", "80030950600013435212", "8003=0950600013435212@0"},
		{"the company's own, the slip's AI", "91" + strings.Repeat("1", 42), "91=" + strings.Repeat("1", 42) + "@0"},
		{"all marks of set 82", "10!\"%&'()*+,-./:;<=>", "10=!\"%&'()*+,-./:;<=>@0"},
		{"the same twice with one value", "10A|10A", "10=A@0 10=A@4"},
	} {
		got, err := gs1.Parse(nil, fs(c.text))
		if err != nil || listed(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, listed(got), err, c.want)
		}
	}
}

func TestBrokenElementStrings(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code       gs1.Code
		offset     int
	}{
		{"nothing", "", gs1.Empty, 0},
		{"a separator alone", "|", gs1.Empty, 1},
		{"two separators", "||10A", gs1.UnknownAI, 1},
		{"letters", "ABC", gs1.UnknownAI, 0},
		{"one digit", "1", gs1.UnknownAI, 0},
		{"an AI that is reserved", "0309506000134352", gs1.UnknownAI, 0},
		{"an AI that nobody has", "010950600013435288X", gs1.UnknownAI, 16},
		{"an AI cut", "310", gs1.UnknownAI, 0},
		{"six decimal places", "3106000750", gs1.UnknownAI, 0},
		{"the wrong check digit", "0109506000134353", gs1.BadCheck, 15},
		{"a GTIN of 13", "019506000134352", gs1.BadLength, 15},
		{"a letter in a GTIN", "0109506A00134352", gs1.BadCharacter, 7},
		{"a separator in a GTIN", "0109506|00134352", gs1.BadCharacter, 7},
		{"month 13", "17271301", gs1.BadDate, 2},
		{"month 0", "17270001", gs1.BadDate, 2},
		{"31 June", "17270631", gs1.BadDate, 2},
		{"29 February of a year that has none", "17270229", gs1.BadDate, 2},
		{"a whole month where a day is asked for", "7006270600", gs1.BadDate, 4},
		{"a lot of nothing", "10|17270630", gs1.BadLength, 2},
		{"a lot of 21", "10" + strings.Repeat("A", 21), gs1.BadLength, 22},
		{"a blank in a lot", "10A B", gs1.BadCharacter, 3},
		{"UTF-8 in a lot", "10Aé", gs1.BadCharacter, 3},
		{"a count of letters", "30A", gs1.BadCharacter, 2},
		{"half a second date", "70072601012601", gs1.BadLength, 14},
		{"four digits that go on", "39401234|", gs1.BadLength, 8},
		{"an asset's check digit", "80030950600013435312", gs1.BadCheck, 17},
		{"the same twice with two values", "10A|10B", gs1.Conflict, 4},
		{"two GTINs", "01095060001343520104902777130835", gs1.Conflict, 16},
	} {
		if c.name == "four digits that go on" {
			c.text = "394012345"
		}
		got, err := gs1.Parse(nil, fs(c.text))
		e, ok := errors.AsType[*gs1.Error](err)
		if !ok || e.Code != c.code || e.Offset != c.offset || got != nil {
			t.Errorf("%s: %v, %v, want %s at %d", c.name, listed(got), err, c.code, c.offset)
		}
	}
}

func TestDigitalLinks(t *testing.T) {
	for _, c := range []struct{ name, uri, want string }{
		{"as GS1 writes it", "https://id.gs1.org/01/09506000134352", "01=09506000134352@19"},
		{"upper case, another host", "HTTPS://EXAMPLE.COM/01/09506000134352", "01=09506000134352@20"},
		{"http, a port", "http://example.com:8080/01/09506000134352", "01=09506000134352@24"},
		{"lot and serial", "https://x.jp/01/09506000134352/10/ABC/21/1", "01=09506000134352@13 10=ABC@31 21=1@38"},
		{"all qualifiers", "https://x.jp/01/09506000134352/22/A/10/B/21/C", "01=09506000134352@13 22=A@31 10=B@36 21=C@41"},
		{"the other row of qualifiers", "https://x.jp/01/09506000134352/235/A", "01=09506000134352@13 235=A@31"},
		{"a path of the owner's in front", "https://x.jp/shop/a/01/09506000134352", "01=09506000134352@20"},
		{"a path that has 01 itself", "https://x.jp/01/01/09506000134352", "01=09506000134352@16"},
		{"a slash at the end", "https://x.jp/01/09506000134352/", "01=09506000134352@13"},
		{"a query", "https://x.jp/01/09506000134352?17=270630&linkType=gs1:pip&3103=000750", "01=09506000134352@13 17=270630@31 3103=000750@58"},
		{"semicolons", "https://x.jp/01/09506000134352?17=270630;11=260101", "01=09506000134352@13 17=270630@31 11=260101@41"},
		{"words without a value, and nothing", "https://x.jp/01/09506000134352?a&&=b&17=270630", "01=09506000134352@13 17=270630@37"},
		{"a fragment", "https://x.jp/01/09506000134352#10/A?17=1", "01=09506000134352@13"},
		{"escapes", "https://x.jp/01/09506000134352/10/A%2FB%2f1%25+", "01=09506000134352@13 10=A/B/1%+@31"},
		{"another key", "https://x.jp/00/095060001343520017", "00=095060001343520017@13"},
		{"lot and expiry", "https://id.gs1.org/01/09506000134352/10/ABC123?17=270630", "01=09506000134352@19 10=ABC123@37 17=270630@47"},
		{"expiry in the path, as seen in the field", "https://id.gs1.org/01/09506000134352/17/270630/10/ABC123", "01=09506000134352@19 17=270630@37 10=ABC123@47"},
	} {
		got, err := gs1.ParseLink(nil, c.uri)
		if err != nil || listed(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, listed(got), err, c.want)
		}
	}
}

func TestWhatIsNoDigitalLink(t *testing.T) {
	for _, c := range []struct {
		name, uri string
		code      gs1.Code
		offset    int
	}{
		{"nothing", "", gs1.NoKey, 0},
		{"no scheme", "id.gs1.org/01/09506000134352", gs1.NoKey, 0},
		{"another scheme", "ftp://id.gs1.org/01/09506000134352", gs1.NoKey, 0},
		{"no host", "https:///01/09506000134352", gs1.NoKey, 0},
		{"no path", "https://x.jp", gs1.NoKey, 0},
		{"an empty path", "https://x.jp/", gs1.NoKey, 13},
		{"no key", "https://x.jp/about/us", gs1.NoKey, 13},
		{"a key without a value", "https://x.jp/01", gs1.NoKey, 13},
		{"a qualifier alone", "https://x.jp/10/A", gs1.NoKey, 13},
		{"a step more behind the value", "https://x.jp/01/09506000134352/about", gs1.NoKey, 13},
		{"the key in the query alone", "https://x.jp/?01=09506000134352", gs1.NoKey, 13},
		{"the key in the fragment alone", "https://x.jp/#/01/09506000134352", gs1.NoKey, 13},
		{"a GTIN of 13", "https://x.jp/01/9506000134352", gs1.BadLength, 16},
		{"the wrong check digit", "https://x.jp/01/09506000134353", gs1.BadCheck, 16},
		{"a qualifier twice, with two values", "https://x.jp/01/09506000134352/10/A/10/B", gs1.Conflict, 36},
		{"no such day in the path", "https://x.jp/01/09506000134352/17/270631", gs1.BadDate, 34},
		{"a word for a qualifier", "https://x.jp/01/09506000134352/lot/A", gs1.UnknownAI, 31},
		{"half an escape", "https://x.jp/01/09506000134352/10/A%2", gs1.BadEscape, 35},
		{"no escape", "https://x.jp/01/09506000134352/10/%GG", gs1.BadEscape, 34},
		{"an escaped blank", "https://x.jp/01/09506000134352/10/A%20B", gs1.BadCharacter, 34},
		{"an unknown AI in the query", "https://x.jp/01/09506000134352?8899=1", gs1.UnknownAI, 31},
		{"an AI and more in the query", "https://x.jp/01/09506000134352?170=1", gs1.UnknownAI, 31},
		{"no such day", "https://x.jp/01/09506000134352?17=270631", gs1.BadDate, 34},
		{"another GTIN in the query", "https://x.jp/01/09506000134352?01=04902777130835", gs1.Conflict, 31},
	} {
		got, err := gs1.ParseLink(nil, c.uri)
		e, ok := errors.AsType[*gs1.Error](err)
		if !ok || e.Code != c.code || e.Offset != c.offset || got != nil {
			t.Errorf("%s: %v, %v, want %s at %d", c.name, listed(got), err, c.code, c.offset)
		}
	}
}

func TestTitles(t *testing.T) {
	for ai, want := range map[string]string{
		"01": "GTIN", "17": "USE BY or EXPIRY", "3103": "NET WEIGHT (kg)", "7035": "PROCESSOR", "99": "INTERNAL", "235": "TPX",
		"": "", "1": "", "010": "", "310": "", "3106": "", "03": "", "xx": "",
	} {
		if got := gs1.Title(ai); got != want {
			t.Errorf("title of %q is %q, want %q", ai, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	elements := []gs1.Element{{AI: "01", Value: "a"}, {AI: "10", Value: "b"}}
	if value, ok := gs1.Find(elements, "10"); value != "b" || !ok {
		t.Errorf("10 is %q, %t", value, ok)
	}
	if value, ok := gs1.Find(elements, "21"); value != "" || ok {
		t.Errorf("21 is %q, %t", value, ok)
	}
}

// Numbers off real goods and from GS1's own documents.
func TestCheckDigits(t *testing.T) {
	for _, number := range []string{"4902777130835", "4971633002005", "49400762", "036000291452", "09506000134352", "0"} {
		if !gs1.Checks(number) {
			t.Errorf("%s does not check", number)
		}
		wrong := number[:len(number)-1] + string('0'+(number[len(number)-1]-'0'+1)%10)
		if gs1.Checks(wrong) {
			t.Errorf("%s checks", wrong)
		}
	}
}

// Nothing of the text is in an error (I7).
func TestI7ErrorsHoldNothingOfTheText(t *testing.T) {
	for _, text := range []string{"0109506000134353", "10" + strings.Repeat("A", 21), "https://x.jp/01/09506000134353"} {
		_, one := gs1.Parse(nil, text)
		_, two := gs1.ParseLink(nil, text)
		if said := one.Error() + two.Error(); strings.Contains(said, "0950600") || strings.Contains(said, "AAA") || strings.Contains(said, "x.jp") {
			t.Errorf("%s", said)
		}
	}
}

func TestParseUsesTheCallersMemory(t *testing.T) {
	dst := make([]gs1.Element, 0, 8)
	text := fs("010950600013435210ABC123|17270630")
	if allocs := testing.AllocsPerRun(100, func() {
		if got, err := gs1.Parse(dst, text); err != nil || len(got) != 3 {
			t.Fatal(err)
		}
		if got, err := gs1.ParseLink(dst, "https://example.jp/01/09506000134352/10/ABC123?17=270630"); err != nil || len(got) != 3 {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
