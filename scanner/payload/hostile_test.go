package payload_test

import (
	"strings"
	"testing"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
)

// Each row is a line as a scanner sends it, identifier and all, that has the
// looks of something else.
func TestOneCodeIsNotTakenForAnother(t *testing.T) {
	const (
		paypay = "900081818812345678901234"
		pallet = "00020112345678901238" // an SSCC that begins like a shop's code
	)
	for _, c := range []struct {
		name, line string
		kind       payload.Kind
		detail     string // GTIN, issuer or why, by kind
	}{
		{"a customer's QR code that claims to be goods", "]Q1]E04902777130835", payload.NotPayment, payload.WhyText},
		{"a customer's QR code that claims to be a wallet's bar code", "]Q1]C0" + paypay, payload.NotPayment, payload.WhyText},
		{"an article's digits in a QR code", "]Q14902777130835", payload.NotPayment, payload.WhySymbol},
		{"an article's digits in a QR code with ECI", `]Q2\0000264902777130835`, payload.NotPayment, payload.WhySymbol},
		{"an article's digits in a DataMatrix", "]d14902777130835", payload.NotPayment, payload.WhySymbol},
		{"an article's digits behind an FNC1", "\x1D4902777130835", payload.NotPayment, payload.WhyGS1},
		{"a pass in an EAN symbol", "]E0SK1:6BF", payload.NotPayment, payload.WhyDigits},
		{"a container in an EAN symbol", "]E0" + cpmB1, payload.NotPayment, payload.WhyDigits},
		{"a pass in lower case", "sk1:6bf", payload.NotPayment, payload.WhyText},
		{"a pass behind an identifier of its own", "]Q1]Q1SK1:6BF", payload.NotPayment, payload.WhyText},

		{"an article that begins like a shop's code", "]E00002010000001]E110", payload.Goods, "0002010000001"},
		{"a pallet that begins like a shop's code", "]C1" + pallet + "10LOT", payload.NotPayment, payload.WhyGS1},
		{"a pallet with FNC1, no identifier", pallet + "10LOT\x1D37", payload.NotPayment, payload.WhyGS1},
		{"a pallet's 20 digits, no identifier", pallet, payload.NotPayment, payload.WhyGS1},
		{"a pallet's 20 digits in Code 128 without FNC1", "]C0" + pallet, payload.NotPayment, payload.WhyGS1},
		{"20 digits like a pallet's, check digit wrong", "]C0" + pallet[:19] + "9", payload.WalletDigits, ""},
		{"what is in a pallet, no identifier", "02049027771308353710", payload.NotPayment, payload.WhyGS1},
		{"an article's element string in Code 128 without FNC1", "]C00104902777130835", payload.NotPayment, payload.WhyGS1},
		{"an article's element string in a QR code without FNC1", "]Q10104902777130835", payload.NotPayment, payload.WhyGS1},
		{"16 digits beginning 01 in Code 128, check digit wrong", "]C00104902777130836", payload.WalletDigits, ""},
		{"digits that are a lot of 22", "1012345678901234567890", payload.WalletDigits, ""},
		{"digits that are a date and a lot", "172706301012345678", payload.WalletDigits, ""},
		{"a wallet's digits under an identifier of GS1", "]C1" + paypay, payload.NotPayment, payload.WhyGS1},
		{"a wallet's digits in DataBar", "]e0" + paypay, payload.NotPayment, payload.WhyGS1},
		{"a wallet's digits in a DataMatrix", "]d1" + paypay, payload.NotPayment, payload.WhySymbol},
		{"a wallet's digits in a QR code with FNC1 in the second place", "]Q5" + paypay, payload.NotPayment, payload.WhySymbol},
		{"a wallet's digits and an FNC1", paypay + "\x1D", payload.NotPayment, payload.WhyGS1},
		{"a wallet's digits and an FNC1 in Code 128", "]C0" + paypay + "\x1D", payload.NotPayment, payload.WhyGS1},
		{"a wallet's digits behind FNC1 in the second place", "]C2" + paypay, payload.NotPayment, payload.WhySymbol},
		{"a wallet's digits and an add-on behind its identifier", "]C0" + paypay[:16] + "]E110", payload.NotPayment, payload.WhyText},
		{"a wallet's digits twice", "]C0" + paypay + paypay, payload.NotPayment, payload.WhyDigits},
		{"a wallet's digits without the last line's end", "]C0" + paypay + "\n", payload.NotPayment, payload.WhyText},
		{"an unknown wallet's 18 digits as EAN and add-on", "]E3491002770113310800", payload.NotPayment, payload.WhyCheckDigit},
		{"digits that are base64", "1234567890123456", payload.WalletDigits, ""},
		{"a wallet's digits behind an ECI", `]Q2\000026` + paypay, payload.WalletDigits, "paypay"},
		{"a wallet's digits behind an ECI, no identifier", `\000026` + paypay, payload.WalletDigits, "paypay"},
		{"a wallet's digits and an ECI inside", `]Q2` + paypay[:8] + `\000026` + paypay[8:], payload.WalletDigits, "paypay"},

		{"44 digits in a QR code", "]Q1" + slip, payload.NotPayment, payload.WhyDigits},
		{"44 digits behind an ECI", `\000026` + slip, payload.Bill, ""},
		{"44 characters beginning 91", "]C1" + slip[:43] + "A", payload.NotPayment, payload.WhyGS1},
		{"44 digits and an FNC1", "]C1" + slip + "\x1D", payload.NotPayment, payload.WhyGS1},
		{"a bill's first 24 digits", "]C0" + slip[:24], payload.WalletDigits, ""},
		{"a container of a version to come", "hQVDUFYwMmEJTwegAAAAVVVV", payload.NotPayment, payload.WhyEMVMalformed},
		{"a container that begins with an object of nobody's", "hQVDUFYwMcEAYQlPB6AAAABVVVU=", payload.EMVContainer, ""},
		{"a container behind an FNC1", "\x1D" + cpmB1, payload.NotPayment, payload.WhyGS1},
		{"two containers joined", cpmB2[:len(cpmB2)-2] + cpmB2, payload.NotPayment, payload.WhyEMVMalformed},
		{"a link to a payment with an article's number in a parameter", "]Q1https://pay.example/x?01=04902777130835", payload.NotPayment, payload.WhyLink},
	} {
		id, text := aim.Cut(c.line)
		code := payload.Classify(id, text, issuers)
		if got := code.GTIN + code.Issuer + code.Why; code.Kind != c.kind || got != c.detail {
			t.Errorf("%s: %v %q, want %v %q", c.name, code.Kind, got, c.kind, c.detail)
		}
	}
}

// The table has the last word: whoever writes a row knows his customers.
func TestAnIssuersRowBeatsElementStrings(t *testing.T) {
	rows := []payload.Issuer{{ID: "row", Prefix: "0104", MinLength: 16, MaxLength: 16}}
	for _, id := range []aim.ID{"", aim.Code128, aim.QR} {
		if code := payload.Classify(id, "0104902777130835", rows); code.Issuer != "row" {
			t.Errorf("%s: %v %s", id, code.Kind, code.Why)
		}
	}
}

// One article has one number, however it is printed: caps count by it.
func TestGTIN8HasOneForm(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"]E449400762", "49400762"},
		{"49400762", "49400762"},
		{"]E00000049400762", "49400762"},
		{"0000049400762", "49400762"},
		{"000049400762", "49400762"},
		{"]e00100000049400762", "49400762"},
		{"]Q1https://x.jp/01/00000049400762", "49400762"},
		{"]E00000000000123", "0000000000123"}, // a company's own
		{"]E00000000123457", "0000000123457"},
		{"]E00036000291452", "0036000291452"},
	} {
		id, text := aim.Cut(c.line)
		code := payload.Classify(id, text, nil)
		if code.GTIN != c.want {
			t.Errorf("%s is %v %s %s, want %s", c.line, code.Kind, code.GTIN, code.Why, c.want)
		}
	}
	if code := payload.Classify("", "0000020000004", nil); code.GTIN != "20000004" || !code.InStore {
		t.Errorf("a shop's own number of 8 digits, filled up: %s, in store %t", code.GTIN, code.InStore)
	}
}

// The longest frame of a scanner is 4096 bytes; whatever fills it has a meaning.
func TestTheLongestFrame(t *testing.T) {
	const size = 4096
	for _, c := range []struct {
		begin, fill string
		kind        payload.Kind
		why         string
	}{
		{"", "7", payload.NotPayment, payload.WhyDigits},
		{"01", "9", payload.NotPayment, payload.WhyDigits},
		{"\x1D", "20", payload.NotPayment, payload.WhyGS1},
		{"SK1:", "A", payload.Pass, ""},
		{"hQVDUFYw", "MW", payload.NotPayment, payload.WhyEMVMalformed},
		{"hQVDUFYw", "=", payload.NotPayment, payload.WhyEMVMalformed},
		{"000201", "99", payload.NotPayment, payload.WhyDigits},
		{"000201x", "6304", payload.NotPayment, payload.WhyMerchantSum},
		{"https://x.jp", "/01", payload.NotPayment, payload.WhyLink},
		{"https://x.jp/01/04902777130835?", "a&", payload.Goods, ""},
		{`\000026`, `\000026`, payload.NotPayment, payload.WhyText},
		{"]E0", "]E1", payload.NotPayment, payload.WhyText},
		{"", "\xFF", payload.NotPayment, payload.WhyText},
	} {
		text := (c.begin + strings.Repeat(c.fill, size))[:size]
		if code := payload.Classify("", text, issuers); code.Kind != c.kind || code.Why != c.why {
			t.Errorf("%q and %q: %v %q, want %v %q", c.begin, c.fill, code.Kind, code.Why, c.kind, c.why)
		}
	}
}
