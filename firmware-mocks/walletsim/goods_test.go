package walletsim

import (
	"slices"
	"testing"
)

// The example of GS1's own standards for links, and elements whose places call
// for a separator or not.
func TestElementStrings(t *testing.T) {
	gtin, expiry, lot := Element{"01", "09506000134352"}, Element{"17", "270630"}, Element{"10", "ABC123"}
	serial := Element{"21", "1/2 %"}
	for want, elements := range map[string][]Element{
		"":                                 nil,
		"010950600013435217270630":         {gtin, expiry},
		"01095060001343521727063010ABC123": {gtin, expiry, lot},
		"10ABC123\x1d0109506000134352":     {lot, gtin},
		"10ABC123\x1d211/2 %\x1d17270630":  {lot, serial, expiry},
		"3103001250" + "422392\x1d10A":     {{"3103", "001250"}, {"422", "392"}, {"10", "A"}},
	} {
		if got := ElementString(elements...); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	link := Link{Path: []Element{gtin, expiry, lot}}
	if got := link.Text(); got != "https://id.gs1.org/01/09506000134352/17/270630/10/ABC123" {
		t.Errorf("%s", got)
	}
	link = Link{Domain: "shop.example", Path: []Element{gtin, serial}, Query: []Element{expiry, {"91", "a+b&c=d e"}}}
	if got := link.Text(); got != "https://shop.example/01/09506000134352/21/1%2F2%20%25?17=270630&91=a%2Bb%26c%3Dd%20e" {
		t.Errorf("%s", got)
	}
}

func TestABillHas44Digits(t *testing.T) {
	bill := Bill{Company: "912345", Free: "00000000000012345", Reissue: 1, Due: "270430", Stamped: true, Yen: 54_000, Check: 7}
	want := "91" + "912345" + "000000000000123450000" + "1" + "270430" + "1" + "054000" + "7"
	got, err := bill.Text()
	if err != nil || len(got) != 44 || got != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	for name, spoil := range map[string]func(*Bill){
		"a company of five digits": func(b *Bill) { b.Company = "91234" },
		"too long a free part":     func(b *Bill) { b.Free = "0000000000001234567890" },
		"letters":                  func(b *Bill) { b.Free = "x" },
		"a day too short":          func(b *Bill) { b.Due = "2704" },
		"a million yen":            func(b *Bill) { b.Yen = 1_000_000 },
		"less than nothing":        func(b *Bill) { b.Yen = -1 },
	} {
		broken := bill
		spoil(&broken)
		if got, err := broken.Text(); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Numbers of real things: a chocolate, a scale's label in the General
// Specifications, a book.
func TestCheckDigits(t *testing.T) {
	for _, number := range []string{"4902777130835", "4971633002005", "49400762", "9784004160045", "09506000134352"} {
		last := len(number) - 1
		if got := checkDigit(number[:last]); got != number[last:] {
			t.Errorf("%s: check digit %s", number, got)
		}
	}
	if got := priceDigit("2875"); got != "9" { // the specification's own example
		t.Errorf("price digit of 2875 is %s, want 9", got)
	}
}

func TestGoodsOfOtherShapes(t *testing.T) {
	for _, c := range []struct {
		main, addOn string
		want        []Sent
	}{
		{"4902777130835", "10", []Sent{{"]E3", "490277713083510"}, {"]E0", "4902777130835]E110"}, {"", "490277713083510"}}},
		{"4910027701131", "10800", []Sent{{"]E3", "491002770113110800"}, {"]E0", "4910027701131]E210800"}, {"", "491002770113110800"}}},
	} {
		if got := WithAddOn(c.main, c.addOn); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	main, addOn, err := Magazine("02770", 11, 2023, 800)
	if err != nil || main != "491002770113"+"1" || addOn != "00800" {
		t.Errorf("magazine %s %s %v", main, addOn, err)
	}
	upper, lower, err := Book("978400416004", "0241", 820)
	if err != nil || upper != "9784004160045" || lower[:12] != "192024100820" || checkDigit(lower[:12]) != lower[12:] {
		t.Errorf("book %s %s %v", upper, lower, err)
	}
	if got, err := InStore("20", "12345", 2875); err != nil || got[:12] != "201234592875" || checkDigit(got[:12]) != got[12:] {
		t.Errorf("in store %s %v", got, err)
	}
}

func TestGoodsThatCannotBeWritten(t *testing.T) {
	for name, write := range map[string]func() error{
		"magazine code too short": func() error { _, _, err := Magazine("123", 1, 2026, 1); return err },
		"ISBN with its digit":     func() error { _, _, err := Book("9784004160045", "0241", 1); return err },
		"subject too long":        func() error { _, _, err := Book("978400416004", "02410", 1); return err },
		"subject of letters":      func() error { _, _, err := Book("978400416004", "x241", 1); return err },
		"price of five digits":    func() error { _, err := InStore("20", "1234", 12345); return err },
		"price below nothing":     func() error { _, err := InStore("20", "12345", -1); return err },
		"article too short":       func() error { _, err := InStore("20", "1234", 1); return err },
	} {
		if write() == nil {
			t.Errorf("%s: written", name)
		}
	}
}
