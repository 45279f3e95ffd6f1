package aim_test

import (
	"testing"

	"sekisho/scanner/aim"
)

func TestCutTakesOnlyKnownIdentifiers(t *testing.T) {
	for _, c := range []struct {
		name, text string
		id         aim.ID
		rest       string
	}{
		{"EAN-13", "]E04902777130835", aim.EAN13, "4902777130835"},
		{"EAN-8", "]E449400762", aim.EAN8, "49400762"},
		{"GS1-128", "]C19112", aim.GS1128, "9112"},
		{"Aztec rune", "]zC123", "]zC", "123"},
		{"none", "4902777130835", "", "4902777130835"},
		{"leading space is data", " ]E0490", "", " ]E0490"},
		{"unknown letter", "]?0490", "", "]?0490"},
		{"letter in the wrong case", "]q1x", "", "]q1x"},
		{"modifier the symbology has not", "]E9490", "", "]E9490"},
		{"modifier in the wrong case", "]zc1", "", "]zc1"},
		{"cut short", "]E", "", "]E"},
		{"empty", "", "", ""},
		{"identifier and no data", "]E0", aim.EAN13, ""},
		{"only the first of two", "]Q1]E04902777130835", aim.QR, "]E04902777130835"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, rest := aim.Cut(c.text)
			if id != c.id || rest != c.rest {
				t.Errorf("Cut(%q) = %q, %q; want %q, %q", c.text, id, rest, c.id, c.rest)
			}
		})
	}
}

func TestWhatAnIdentifierSays(t *testing.T) {
	for _, c := range []struct {
		id                    aim.ID
		symbology             string
		ean, gs1, eci, wallet bool
	}{
		{"", "unknown", false, false, false, false},
		{"]E", "unknown", false, false, false, false},
		{"]E7", "unknown", false, false, false, false},
		{"E0]", "unknown", false, false, false, false},
		{"]E0", "EAN/UPC", true, false, false, false},
		{"]E3", "EAN/UPC", true, false, false, false},
		{"]E4", "EAN/UPC", true, false, false, false},
		{"]C0", "Code 128", false, false, false, true},
		{"]C1", "Code 128", false, true, false, false},
		{"]C2", "Code 128", false, false, false, false},
		{"]Q0", "QR code", false, false, false, true},
		{"]Q1", "QR code", false, false, false, true},
		{"]Q2", "QR code", false, false, true, true},
		{"]Q3", "QR code", false, true, false, false},
		{"]Q4", "QR code", false, true, true, false},
		{"]Q5", "QR code", false, false, false, false},
		{"]Q6", "QR code", false, false, true, false},
		{"]d1", "DataMatrix", false, false, false, false},
		{"]d2", "DataMatrix", false, true, false, false},
		{"]d4", "DataMatrix", false, false, true, false},
		{"]d5", "DataMatrix", false, true, true, false},
		{"]d6", "DataMatrix", false, false, true, false},
		{"]e0", "GS1 DataBar", false, true, false, false},
		{"]I0", "ITF", false, false, false, false},
		{"]z0", "Aztec", false, false, false, false},
	} {
		t.Run(string(c.id), func(t *testing.T) {
			if got := c.id.Symbology(); got != c.symbology {
				t.Errorf("Symbology() = %q, want %q", got, c.symbology)
			}
			matrix := c.symbology == "QR code" || c.symbology == "DataMatrix"
			if c.id.Matrix() != matrix {
				t.Errorf("Matrix() = %t", !matrix)
			}
			got := [4]bool{c.id.EAN(), c.id.GS1(), c.id.ECI(), c.id.Wallet()}
			if want := [4]bool{c.ean, c.gs1, c.eci, c.wallet}; got != want {
				t.Errorf("EAN, GS1, ECI, Wallet = %v, want %v", got, want)
			}
		})
	}
}
