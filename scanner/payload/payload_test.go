package payload_test

import (
	"os"
	"strings"
	"testing"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
)

// issuers is a table as an operator might write it, from shapes observed in the
// field. Alipay's and the UnionPay row's prefixes are wide on purpose.
var issuers = []payload.Issuer{
	{ID: "alipay-28", Name: "Alipay", Prefix: "28", MinLength: 16, MaxLength: 24},
	{ID: "wechat-13", Name: "WeChat Pay", Prefix: "13", MinLength: 18, MaxLength: 18},
	{ID: "unionpay", Name: "UnionPay", Prefix: "62", MinLength: 19, MaxLength: 19},
	{ID: "paypay", Name: "PayPay", Prefix: "9000818188", MinLength: 24, MaxLength: 24},
	{ID: "rakuten", Name: "Rakuten Pay", Prefix: "900001", MinLength: 16, MaxLength: 16},
	{ID: "dbarai", Name: "d-barai", Prefix: "90000002", MinLength: 22, MaxLength: 22},
	{ID: "group", Name: "a wider row before a narrower", Prefix: "315899", MinLength: 19, MaxLength: 19},
	{ID: "merpay", Name: "Merpay", Prefix: "31589900", MinLength: 19, MaxLength: 19},
}

// Vectors: EMVCo CPM 1.1 annex B, EMVCo MPM 1.1 annex B.7.
const (
	cpmB1 = "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="
	cpmB2 = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
	mpmB7 = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
		"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
)

// slip is a payment slip's shape: 91 and 42 digits more.
const slip = "91123456789012345678901234567890123456789012"

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name   string
		id     aim.ID
		text   string
		kind   payload.Kind
		detail string // GTIN, issuer or why, by kind
	}{
		{"EAN-13", "]E0", "4902777130835", payload.Goods, "4902777130835"},
		{"EAN-13, no identifier", "", "4902777130835", payload.Goods, "4902777130835"},
		{"EAN-13, another", "", "4971633002005", payload.Goods, "4971633002005"},
		{"EAN-13 misread", "", "4902777130836", payload.NotPayment, payload.WhyCheckDigit},
		{"EAN-13, two digits swapped", "]E0", "4902777131835", payload.NotPayment, payload.WhyCheckDigit},
		{"EAN-8", "]E4", "49400762", payload.Goods, "49400762"},
		{"EAN-8, no identifier", "", "49400762", payload.Goods, "49400762"},
		{"EAN-8 misread", "", "49400763", payload.NotPayment, payload.WhyCheckDigit},
		{"EAN-8 of another length", "]E4", "4902777130835", payload.NotPayment, payload.WhyDigits},
		{"UPC-A", "", "036000291452", payload.Goods, "0036000291452"},
		{"UPC-A with identifier", "]E0", "036000291452", payload.Goods, "0036000291452"},
		{"UPC-A as 13 digits", "]E0", "0036000291452", payload.Goods, "0036000291452"},
		{"UPC-A misread", "", "036000291453", payload.NotPayment, payload.WhyCheckDigit},
		{"book", "]E0", "9784873117522", payload.Goods, "9784873117522"},
		{"13 digits in Code 128: a member's card", "]C0", "4902777130835", payload.NotPayment, payload.WhySymbol},
		{"13 digits in a QR code", "]Q1", "4902777130835", payload.NotPayment, payload.WhySymbol},
		{"add-on in one text", "]E3", "490277713083510", payload.Goods, "4902777130835"},
		{"add-on behind an identifier of its own", "]E0", "4902777130835]E110", payload.Goods, "4902777130835"},
		{"5-digit add-on behind its identifier", "]E0", "4902777130835]E210800", payload.Goods, "4902777130835"},
		{"add-on that is not digits", "]E0", "4902777130835]E1x", payload.NotPayment, payload.WhyDigits},
		{"add-on of 2 alone", "]E1", "10", payload.NotPayment, payload.WhyAddOn},
		{"add-on alone", "]E2", "10800", payload.NotPayment, payload.WhyAddOn},
		{"magazine", "]E3", "491002770113310800", payload.NotPayment, payload.WhyCheckDigit},
		{"magazine, check digit right", "]E3", "491002770113110800", payload.Goods, "4910027701131"},
		{"magazine, no identifier", "", "491002770113110800", payload.Goods, "4910027701131"},
		{"18 digits like a magazine's, check digit wrong", "", "491002770113310800", payload.WalletDigits, ""},
		{"18 digits like a magazine's in Code 128", "]C0", "491002770113110800", payload.WalletDigits, ""},
		{"letters in an EAN symbol", "]E0", "49027771x0835", payload.NotPayment, payload.WhyDigits},
		{"nothing in an EAN symbol", "]E0", "", payload.NotPayment, payload.WhyEmpty},

		{"PayPay", "", "900081818812345678901234", payload.WalletDigits, "paypay"},
		{"PayPay in Code 128", "]C0", "900081818812345678901234", payload.WalletDigits, "paypay"},
		{"PayPay in a QR code", "]Q1", "900081818812345678901234", payload.WalletDigits, "paypay"},
		{"PayPay's prefix, a digit short", "", "90008181881234567890123", payload.WalletDigits, ""},
		{"Rakuten Pay", "]C0", "9000011234567890", payload.WalletDigits, "rakuten"},
		{"Rakuten Pay's prefix, a digit more", "]C0", "90000112345678901", payload.WalletDigits, ""},
		{"d-barai", "]C0", "9000000212345678901234", payload.WalletDigits, "dbarai"},
		{"WeChat Pay", "]Q1", "134567890123456789", payload.WalletDigits, "wechat-13"},
		{"Alipay", "]Q1", "281234567890123456", payload.WalletDigits, "alipay-28"},
		{"the longest prefix counts", "]C0", "3158990012345678901", payload.WalletDigits, "merpay"},
		{"the shorter one for the rest", "]C0", "3158992112345678901", payload.WalletDigits, "group"},
		{"16 digits, no row", "", "7777777777777777", payload.WalletDigits, ""},
		{"24 digits, no row", "", "777777777777777777777777", payload.WalletDigits, ""},
		{"15 digits", "", "777777777777777", payload.NotPayment, payload.WhyDigits},
		{"25 digits", "", "7777777777777777777777777", payload.NotPayment, payload.WhyDigits},
		{"14 digits: a carton's ITF", "]I1", "14902777130832", payload.NotPayment, payload.WhySymbol},
		{"16 digits in ITF", "]I0", "7777777777777777", payload.NotPayment, payload.WhySymbol},
		{"PayPay's digits in ITF", "]I0", "900081818812345678901234", payload.NotPayment, payload.WhySymbol},
		{"PayPay's digits in an EAN symbol", "]E0", "900081818812345678901234", payload.NotPayment, payload.WhyDigits},
		{"PayPay's digits in GS1-128", "]C1", "900081818812345678901234", payload.NotPayment, payload.WhyGS1},
		{"digits with a space", "", "9000818188 12345678901234", payload.NotPayment, payload.WhyText},
		{"full-width digits", "", "９０００８１８１８８１２３４５６７８９０１２３４", payload.NotPayment, payload.WhyText},

		{"element string in DataBar", "]e0", "0104902777130835", payload.Goods, "4902777130835"},
		{"element string, no identifier", "", "0104902777130835", payload.Goods, "4902777130835"},
		{"16 digits beginning 01, check digit wrong", "", "0104902777130836", payload.WalletDigits, ""},
		{"24 digits beginning 01, all elements right", "", "010490277713083517270630", payload.Goods, "4902777130835"},
		{"24 digits beginning 01, no such day", "", "010490277713083517270631", payload.WalletDigits, ""},
		{"26 digits beginning 01", "", "01049027771308353103000750", payload.Goods, "4902777130835"},
		{"element strings with GS", "", "010490277713083510AB\x1D17270630", payload.Goods, "4902777130835"},
		{"element strings in GS1 DataMatrix", "]d2", "010490277713083510AB\x1D17270630", payload.Goods, "4902777130835"},
		{"element strings in GS1 QR", "]Q3", "\x1D0104902777130835", payload.Goods, "4902777130835"},
		{"element strings in GS1 QR with ECI", "]Q4", `\000026010490277713083510A`, payload.Goods, "4902777130835"},
		{"element strings in GS1 DataMatrix with ECI", "]d5", `\000026010490277713083510A`, payload.Goods, "4902777130835"},
		{"element strings with GS in a symbol that is not GS1's", "]C0", "010490277713083510AB\x1D17270630", payload.NotPayment, payload.WhyGS1},
		{"element strings, check digit wrong", "]C1", "0104902777130836", payload.NotPayment, payload.WhyGS1},
		{"element strings, lot first", "]C1", "10AB\x1D0104902777130835", payload.Goods, "4902777130835"},
		{"element strings, broken behind the GTIN", "]C1", "010490277713083588", payload.NotPayment, payload.WhyGS1},
		{"element strings without an article", "]C1", "00095060001343520017", payload.NotPayment, payload.WhyGS1},
		{"a carton's element string", "]C1", "0114902777130832", payload.NotPayment, payload.WhyCarton},
		{"a carton's, no identifier", "", "0114902777130832", payload.NotPayment, payload.WhyCarton},
		{"a pallet's content", "]C1", "02049027771308353710", payload.NotPayment, payload.WhyGS1},
		{"bill", "]C1", slip, payload.Bill, ""},
		{"bill, no identifier", "", slip, payload.Bill, ""},
		{"bill behind a GS", "]C1", "\x1D" + slip, payload.Bill, ""},
		{"bill behind a GS, no identifier", "", "\x1D" + slip, payload.Bill, ""},
		{"44 digits in Code 128 without FNC1", "]C0", slip, payload.NotPayment, payload.WhyDigits},
		{"44 digits beginning otherwise", "", "92" + slip[2:], payload.NotPayment, payload.WhyDigits},
		{"43 digits beginning 91", "", slip[:43], payload.NotPayment, payload.WhyDigits},

		{"pass", "]Q1", "SK1:6BF+70790T9WJWG.FKY*4GO0 ", payload.Pass, ""},
		{"pass, no identifier", "", "SK1:6BF+70790T9WJWG.FKY*4GO0 ", payload.Pass, ""},
		{"pass behind an ECI", "]Q2", `\000026SK1:6BF`, payload.Pass, ""},
		{"pass behind an ECI, no identifier", "", `\000026SK1:6BF`, payload.Pass, ""},
		{"pass without content", "", "SK1:", payload.NotPayment, payload.WhyText},
		{"pass in lower case", "", "sk1:6BF", payload.NotPayment, payload.WhyText},
		{"pass behind a space", "", " SK1:6BF", payload.NotPayment, payload.WhyText},
		{"CPM B.1", "]Q1", cpmB1, payload.EMVContainer, ""},
		{"CPM B.2", "", cpmB2, payload.EMVContainer, ""},
		{"CPM B.1 without its padding", "", strings.TrimSuffix(cpmB1, "="), payload.EMVContainer, ""},
		{"CPM B.1, padding too long", "", cpmB1 + "=", payload.NotPayment, payload.WhyEMVMalformed},
		{"CPM B.1 cut", "", cpmB1[:len(cpmB1)-4] + "!", payload.NotPayment, payload.WhyEMVMalformed},
		{"CPM with a line break", "", cpmB1[:20] + "\n" + strings.TrimSuffix(cpmB1[20:], "="), payload.NotPayment, payload.WhyEMVMalformed},
		{"JPQR", "", "hQVKUFFSMWEWTwgzMTU4OTkwMFcKMTIzNDU2Nzg5MA==", payload.EMVContainer, ""},
		{"JPQR without an issuer: its rules are not public", "", "hQVKUFFSMWEA", payload.EMVContainer, ""},
		{"JPQR cut", "", "hQVKUFFSMWEWTwgzMTU4OTkwMFcKMTIz", payload.NotPayment, payload.WhyEMVMalformed},
		{"CPM without an application", "", "hQVDUFYwMWEDUAFB", payload.NotPayment, payload.WhyEMVMalformed},
		{"CPM cut behind a whole base64 group", "", cpmB1[:44], payload.NotPayment, payload.WhyEMVMalformed},
		{"MPM B.7", "]Q1", mpmB7, payload.MerchantCode, ""},
		{"MPM B.7 behind an ECI", "]Q2", `\000026` + mpmB7, payload.MerchantCode, ""},
		{"MPM B.7, one character changed", "", strings.Replace(mpmB7, "BEST", "BEAT", 1), payload.NotPayment, payload.WhyMerchantSum},
		{"MPM B.7 without its checksum", "", strings.TrimSuffix(mpmB7, "6304A13A"), payload.NotPayment, payload.WhyMerchantSum},
		{"MPM of no more than its beginning", "", "000201x", payload.NotPayment, payload.WhyMerchantSum},
		{"digits that begin like a shop's code", "", "000201777777777777", payload.WalletDigits, ""},

		{"web address", "]Q1", "https://example.com/", payload.NotPayment, payload.WhyLink},
		{"GS1 Digital Link", "", "HTTPS://id.gs1.org/01/09506000134352", payload.Goods, "9506000134352"},
		{"GS1 Digital Link in a QR code", "]Q1", "https://example.jp/01/04902777130835/10/A?17=270630", payload.Goods, "4902777130835"},
		{"GS1 Digital Link with its expiry in the path", "]Q1", "https://id.gs1.org/01/09506000134352/17/270630/10/ABC123", payload.Goods, "9506000134352"},
		{"GS1 Digital Link in a DataMatrix", "]d1", "https://example.jp/01/04902777130835", payload.Goods, "4902777130835"},
		{"GS1 Digital Link in a linear symbol", "]C0", "https://example.jp/01/04902777130835", payload.NotPayment, payload.WhyLink},
		{"GS1 Digital Link, check digit wrong", "]Q1", "https://example.jp/01/04902777130836", payload.NotPayment, payload.WhyLink},
		{"GS1 Digital Link of a carton", "]Q1", "https://example.jp/01/14902777130832", payload.NotPayment, payload.WhyCarton},
		{"GS1 Digital Link of a pallet", "]Q1", "https://example.jp/00/095060001343520017", payload.NotPayment, payload.WhyLink},
		{"text", "]Q1", "hello", payload.NotPayment, payload.WhyText},
		{"an identifier inside the data", "]Q1", "]E04902777130835", payload.NotPayment, payload.WhyText},
		{"nothing", "", "", payload.NotPayment, payload.WhyEmpty},
		{"an ECI and nothing", "]Q2", `\000026`, payload.NotPayment, payload.WhyEmpty},
	} {
		t.Run(c.name, func(t *testing.T) {
			code := payload.Classify(c.id, c.text, issuers)
			want := payload.Code{Kind: c.kind}
			switch c.kind {
			case payload.Goods:
				want.GTIN = c.detail
			case payload.WalletDigits:
				want.Issuer = c.detail
			case payload.NotPayment:
				want.Why = c.detail
			}
			if code.Kind != want.Kind || code.GTIN != want.GTIN || code.Issuer != want.Issuer || code.Why != want.Why {
				t.Errorf("kind %v, GTIN %q, issuer %q, why %q; want kind %v, GTIN %q, issuer %q, why %q",
					code.Kind, code.GTIN, code.Issuer, code.Why, want.Kind, want.GTIN, want.Issuer, want.Why)
			}
		})
	}
}

func TestIssuerRows(t *testing.T) {
	greedy := []payload.Issuer{{ID: "greedy", Prefix: "4", MinLength: 1, MaxLength: 50}, {ID: "empty", MaxLength: 50}}
	for _, text := range []string{"4902777130835", "4902777130836", "49400762", "49400763"} {
		if code := payload.Classify("", text, greedy); code.Kind == payload.WalletDigits {
			t.Errorf("%s became %v", text, code.Kind)
		}
	}
	if code := payload.Classify("", "491002770113110800", greedy); code.Issuer != "greedy" {
		t.Errorf("a row that names the issuer lost against a magazine: %v %q", code.Kind, code.Issuer)
	}
	twins := []payload.Issuer{{ID: "first", Prefix: "77", MaxLength: 50}, {ID: "second", Prefix: "77", MaxLength: 50}}
	if code := payload.Classify("", "7777777777777777", twins); code.Issuer != "first" {
		t.Errorf("of two equal rows %q counted", code.Issuer)
	}
	if code := payload.Classify("", "7777777777777777", greedy); code.Kind != payload.WalletDigits || code.Issuer != "" {
		t.Errorf("a row without a prefix matched: %v %q", code.Kind, code.Issuer)
	}
}

func TestRevealKeepsEveryCharacter(t *testing.T) {
	for _, c := range []struct {
		id         aim.ID
		text, want string
	}{
		{"]Q1", " SK1:A B ", " SK1:A B "},
		{"]Q1", `\000026SK1:A`, `\000026SK1:A`}, // ]Q1 says that no ECI protocol is in use
		{"]Q2", `\000026SK1:A`, "SK1:A"},
		{"]Q2", `\000026SK1:\000003A\\B`, `SK1:A\B`},
		{"]Q2", `a\b`, `a\b`},
		{"", `\000026SK1:A\\`, `SK1:A\\`},
		{"", `\00002SK1:A`, `\00002SK1:A`},
	} {
		if got := payload.Classify(c.id, c.text, nil).Reveal(); got != c.want {
			t.Errorf("Reveal of %s %q = %q, want %q", c.id, c.text, got, c.want)
		}
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for kind := payload.NotPayment; kind <= payload.Bill; kind++ {
		if seen[kind.String()] {
			t.Errorf("two kinds are called %q", kind)
		}
		seen[kind.String()] = true
	}
	if got := (payload.Code{}).Kind; got != payload.NotPayment {
		t.Errorf("the zero Code is %v", got)
	}
}

func TestSeedsAreThere(t *testing.T) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzClassify")
	if err != nil || len(seeds) == 0 {
		t.Fatalf("no seeds for FuzzClassify: %v", err)
	}
}
