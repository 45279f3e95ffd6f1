package payload_test

import (
	"testing"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
)

func TestGoodsTellWhatTheNumberSays(t *testing.T) {
	for _, c := range []struct {
		name    string
		id      aim.ID
		text    string
		gtin    string
		addOn   string
		inStore bool
		row     int
	}{
		{"chocolate", "]E0", "4902777130835", "4902777130835", "", false, 0},
		{"add-on of 2 in one text", "]E3", "490277713083510", "4902777130835", "10", false, 0},
		{"add-on of 5 in one text", "]E3", "491002770113110800", "4910027701131", "10800", false, 0},
		{"add-on in the main symbol's text", "]E0", "491002770113110800", "4910027701131", "10800", false, 0},
		{"add-on of 2 behind its identifier", "]E0", "4902777130835]E110", "4902777130835", "10", false, 0},
		{"add-on of 5 behind its identifier", "]E0", "4910027701131]E210800", "4910027701131", "10800", false, 0},
		{"UPC-A and an add-on behind its identifier", "]E0", "036000291452]E110", "0036000291452", "10", false, 0},
		{"UPC-A and an add-on of 2 in one text", "]E3", "03600029145210", "0036000291452", "10", false, 0},
		{"UPC-A and an add-on of 5 in one text", "]E3", "03600029145210800", "0036000291452", "10800", false, 0},
		{"magazine without identifier", "", "491002770113110800", "4910027701131", "10800", false, 0},
		{"book with an add-on, without identifier", "", "978487311752210800", "9784873117522", "10800", false, 1},
		{"book with an add-on of 2, without identifier", "", "978487311752210", "9784873117522", "10", false, 1},
		{"periodical, without identifier", "", "977123456700305", "9771234567003", "05", false, 0},
		{"book in 979 with an add-on, without identifier", "", "979123456789610800", "9791234567896", "10800", false, 1},
		{"book, first row", "", "9784873117522", "9784873117522", "", false, 1},
		{"book, first row in 979", "", "9791234567896", "9791234567896", "", false, 1},
		{"book, second row", "", "1923055018006", "1923055018006", "", false, 2},
		{"book, second row of old", "", "1910000000001", "1910000000001", "", false, 2},
		{"neither row", "", "1930000000009", "1930000000009", "", false, 0},
		{"in-store 020", "", "0200000000004", "0200000000004", "", true, 0},
		{"in-store 040", "", "0400000000008", "0400000000008", "", true, 0},
		{"in-store 200", "", "2000000000008", "2000000000008", "", true, 0},
		{"in-store 299", "", "2990000000002", "2990000000002", "", true, 0},
		{"UPC-A of number system 2 is 020-029", "", "200000000004", "0200000000004", "", true, 0},
		{"030 is a drug number", "", "0300000000001", "0300000000001", "", false, 0},
		{"050 is a coupon", "", "0500000000005", "0500000000005", "", false, 0},
		{"300", "", "3000000000007", "3000000000007", "", false, 0},
		{"in-store GTIN-8", "]E4", "20000004", "20000004", "", true, 0},
		{"GTIN-8 that begins with 0", "]E4", "00000017", "00000017", "", true, 0},
		{"GTIN-8 that begins like a book's row", "]E4", "19100005", "19100005", "", false, 0},
		{"GTIN-8", "]E4", "49400762", "49400762", "", false, 0},
	} {
		want := payload.Code{Kind: payload.Goods, GTIN: c.gtin, AddOn: c.addOn, InStore: c.inStore, Row: c.row}
		got := payload.Classify(c.id, c.text, nil)
		if got.Kind != want.Kind || got.GTIN != want.GTIN || got.AddOn != want.AddOn || got.InStore != want.InStore || got.Row != want.Row {
			t.Errorf("%s: %v %s, add-on %q, in-store %v, row %d", c.name, got.Kind, got.GTIN, got.AddOn, got.InStore, got.Row)
		}
	}
}

func TestAddOnsThatAreNone(t *testing.T) {
	for _, text := range []string{
		"4902777130835]E1", "4902777130835]E1108", "4902777130835]E210", "4902777130835]E2108001", "4902777130835]E310", "4902777130835]E11x",
		"03600029145210", "490277713083]E110", "49400762]E110", "4902777130835]E110]E110", "4902777130835]E", "49027771308351", "490277713083510x00",
	} {
		if got := payload.Classify(aim.EAN13, text, nil); got.Kind != payload.NotPayment {
			t.Errorf("%s is %v %s %q", text, got.Kind, got.GTIN, got.AddOn)
		}
	}
	for _, text := range []string{"03600029145310", "0360002914521x", "036000291452108001", "036000291452", "4902777130835"} {
		if got := payload.Classify(aim.EAN13AndAddOn, text, nil); got.AddOn != "" {
			t.Errorf("%s is %v %s %q", text, got.Kind, got.GTIN, got.AddOn)
		}
	}
	for _, text := range []string{"490277713083510", "978487311752310", "9784873117522108"} {
		if got := payload.Classify("", text, nil); got.Kind == payload.Goods {
			t.Errorf("%s without identifier is goods %s %q", text, got.GTIN, got.AddOn)
		}
	}
}
