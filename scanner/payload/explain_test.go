package payload_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
	"sekisho/scanner/payload/emv"
)

// explained writes an explanation down in lines: kind, standard, fields, checks
// and errors.
func explained(e payload.Explanation) string {
	out := []string{strings.TrimSpace(e.Kind + " " + e.Why), e.Standard}
	var fields func(string, []payload.Field)
	fields = func(indent string, all []payload.Field) {
		for _, f := range all {
			out = append(out, strings.TrimRight(fmt.Sprintf("%s%s %s@%d: %s", indent, f.Tag, f.Name, f.Offset, f.Value), " "))
			fields(indent+" ", f.Fields)
		}
	}
	fields("", e.Fields)
	for _, c := range e.Checks {
		out = append(out, fmt.Sprintf("%s %t", c.Name, c.OK))
	}
	for _, f := range e.Errors {
		out = append(out, fmt.Sprintf("! %s at %d", f.Code, f.Offset))
	}
	return strings.Join(out, "\n")
}

func container(hexed ...string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(hexed, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// everyObject is a container with all objects that EMVCo CPM names.
var everyObject = container("8505 4350563031", "6181A3", "4F07A0000000555555", "500A", hex.EncodeToString([]byte("Gold 41111")),
	"57104111111111111111D2912201", "00000000", "5F200D", hex.EncodeToString([]byte("SUZUKI/HANAKO")), "5F2D04", hex.EncodeToString([]byte("jaen")),
	"5F501F", hex.EncodeToString([]byte("https://a.example/token/1234567")), "9F08020001", "9F1906040010030273",
	"9F241D", hex.EncodeToString([]byte("V0010013019123456789012345678")), "9F25021111", "6304DEADBEEF", "DF0104C0FFEE00", "990142")

const jpqr = "hQVKUFFSMWEWTwgzMTU4OTkwMFcKMTIzNDU2Nzg5MA==" // 61 { 4F "31589900", 57 "1234567890" }

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		id   aim.ID
		text string
		want string
	}{
		{"EAN-13", "]E0", "4902777130835", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 4902777130835\ncheck digit true"},
		{"magazine", "", "491002770113110800", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 4910027701131\n add-on@13: 10800\ncheck digit true"},
		{"magazine in two parts", "]E0", "4910027701131]E210800", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 4910027701131\n add-on@16: 10800\ncheck digit true"},
		{"EAN-13 that begins with 01", "", "0123456789012", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 0123456789012\ncheck digit true"},
		{"book", "]E0", "9784873117522", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 9784873117522\n row of a Japanese book@0: 1\ncheck digit true"},
		{"in-store", "]E0", "2000000000008", "goods\nISO/IEC 15420, GS1 General Specifications\n GTIN@0: 2000000000008\n restricted circulation@0: yes\ncheck digit true"},
		{"misread", "]E0", "4902777130836", "not-payment check-digit\nISO/IEC 15420, GS1 General Specifications\ncheck digit false"},
		{"element strings", "]d2", "010490277713083510AB\x1D17270630\x1D918888", "goods\nGS1 General Specifications, element strings\n01 GTIN@0: 04902777130835\n10 BATCH/LOT@16: AB\n17 USE BY or EXPIRY@21: 270630\n91 INTERNAL@30: …\ncheck digit true"},
		{"element string without identifier", "", "0104902777130835", "goods\nGS1 General Specifications, element strings\n01 GTIN@0: 04902777130835\ncheck digit true"},
		{"element strings broken", "]d2", "01049027771308351727063188", "not-payment gs1\nGS1 General Specifications, element strings\n! date at 18"},
		{"element strings misread", "]d2", "0104902777130836", "not-payment gs1\nGS1 General Specifications, element strings\ncheck digit false\n! check-digit at 15"},
		{"element strings without an article", "]C1", "10SECRETLOT", "not-payment gs1\nGS1 General Specifications, element strings\n10 BATCH/LOT@0: …TLOT"},
		{"carton", "]C1", "0114902777130832", "not-payment carton\nGS1 General Specifications, element strings\n01 GTIN@0: 14902777130832\ncheck digit true"},
		{"element strings with what is not the article's", "]d2", "01049027771308351020\x1D25595060001343521234\x1D8007DE89370400440532013000\x1D4308+819012345678\x1D7240P1", `goods
GS1 General Specifications, element strings
01 GTIN@0: 04902777130835
10 BATCH/LOT@16: 20
255 GCN@21: …1234
8007 IBAN@42: …3000
4308 SHIP TO PHONE@69: …5678
7240 PROTOCOL@87: P1
check digit true`},
		{"bill", "]C1", slip, "bill\nGS1 General Specifications, element strings\n91 INTERNAL@0: …9012"},
		{"Digital Link", "]Q1", "https://x.jp/01/04902777130835/21/A%2F1", "goods\nGS1 Digital Link URI Syntax 1.2\n01 GTIN@13: 04902777130835\n21 SERIAL@31: A/1\ncheck digit true"},
		{"Digital Link of a member", "]Q1", "https://x.jp/8018/095060001343520017", "not-payment link\nGS1 Digital Link URI Syntax 1.2\n8018 GSRN - RECIPIENT@13: …0017"},
		{"Digital Link misread", "]Q1", "https://x.jp/01/04902777130836", "not-payment link\nGS1 Digital Link URI Syntax 1.2\ncheck digit false\n! check-digit at 16"},
		{"web address", "]Q1", "https://x.jp/?token=12345678", "not-payment link\n"},
		{"wallet", "", "900081818812345678901234", "wallet-digits\n\n issuer@0: PayPay\n digits@0: …1234"},
		{"wallet without a row", "", "7777777777777777", "wallet-digits\n\n digits@0: …7777"},
		{"pass", "]Q1", "SK1:6BF+70790T9WJWG.FKY*4GO0 ", "pass\nSekisho pass: COSE_Sign1 (RFC 9052) over a CWT (RFC 8392), in base45 (RFC 9285)\n prefix@0: SK1:\n content@4: …GO0\nbase45 false"},
		{"pass of whole groups", "]Q1", "SK1:QED8WEX0", "pass\nSekisho pass: COSE_Sign1 (RFC 9052) over a CWT (RFC 8392), in base45 (RFC 9285)\n prefix@0: SK1:\n content@4: …WEX0\nbase45 true"},
		{"pass in letters that base45 has not", "]Q1", "SK1:QED8WEx0", "pass\nSekisho pass: COSE_Sign1 (RFC 9052) over a CWT (RFC 8392), in base45 (RFC 9285)\n prefix@0: SK1:\n content@4: …WEx0\nbase45 false"},
		{"text", "", "hello, world", "not-payment text\n"},
		{"nothing", "", "", "not-payment empty\n"},
		{"CPM B.2", "]Q1", cpmB2, `emv-container
EMVCo QRCPS Consumer-Presented Mode 1.1
85 Payload Format Indicator@0: CPV01
61 Application Template@7:
 4F Application Definition File (ADF) Name@9: A0000000555555
 50 Application Label@18: Product1
61 Application Template@28:
 4F Application Definition File (ADF) Name@30: A0000000666666
 50 Application Label@39: Product2
62 Common Data Template@49:
 5A Application PAN@51: …3458
 5F20 Cardholder Name@61: …
 5F2D Language Preference@78: ruesdeen
 64 Common Data Transparent Template@89: 33 bytes
card number's check digit at byte 51 false`},
		{"CPM, every object", "]Q1", everyObject, `emv-container
EMVCo QRCPS Consumer-Presented Mode 1.1
85 Payload Format Indicator@0: CPV01
61 Application Template@7:
 4F Application Definition File (ADF) Name@10: A0000000555555
 50 Application Label@19: Gold 41111
 57 Track 2 Equivalent Data@31: …1111
 5F20 Cardholder Name@49: …
 5F2D Language Preference@65: jaen
 5F50 Issuer URL@72: https://a.example/…
 9F08 Application Version Number@106: 0001
 9F19 Token Requestor ID@111: 040010030273
 9F24 Payment Account Reference (PAR)@120: …5678
 9F25 Last 4 Digits of PAN@152: …1111
 63 Application Specific Transparent Template@157: 4 bytes
 DF01 unknown@163: 4 bytes
 99 unknown@170: 1 bytes
card number's check digit at byte 31 true`},
		{"CPM, objects that are not what they say", "]Q1", container("8505 4350563031", "6139", "4F054111111111", "500F", hex.EncodeToString([]byte("411111111111111")),
			"9F08084111111111111111", "9F19084111111111111111", "9F25084111111111111111"), `emv-container
EMVCo QRCPS Consumer-Presented Mode 1.1
85 Payload Format Indicator@0: CPV01
61 Application Template@7:
 4F Application Definition File (ADF) Name@9: 5 bytes
 50 Application Label@16: …1111
 9F08 Application Version Number@33: 8 bytes
 9F19 Token Requestor ID@44: 8 bytes
 9F25 Last 4 Digits of PAN@55: …`},
		{"CPM, secrets where nobody looks for them", "]Q1", container("8505 4350563031", "6147", "4F0BA000000003", "411111111111", "5013", hex.EncodeToString([]byte("4111 1111 1111 1111")),
			"5F2D08", hex.EncodeToString([]byte("jaen\u00e9\u00e9")), "5F5017", hex.EncodeToString([]byte("https://SECRET@a.jp?tok"))), `emv-container
EMVCo QRCPS Consumer-Presented Mode 1.1
85 Payload Format Indicator@0: CPV01
61 Application Template@7:
 4F Application Definition File (ADF) Name@9: 11 bytes
 50 Application Label@22: …1111
 5F2D Language Preference@43: …
 5F50 Issuer URL@54: https://a.jp/…`},
		{"JPQR whose issuer is no digits", "", container("8505 4A50515231", "610A", "4F084142434445464748"), `emv-container
JPQR Consumer-Presented Mode, as read by those who met it
85 Payload Format Indicator@0: JPQR1
61 Application Template@7:
 4F Issuer@9: 8 bytes`},
		{"JPQR with a card's track", "", container("8505 4A50515231", "6120", "4F10", strings.Repeat("34", 16), "570C4111111111111111D2912201"), `emv-container
JPQR Consumer-Presented Mode, as read by those who met it
85 Payload Format Indicator@0: JPQR1
61 Application Template@7:
 4F Issuer@9: 16 bytes
 57 Payment ID@27: …`},
		{"CPM cut", "]Q1", cpmB1[:44], "not-payment emv-malformed\nEMVCo QRCPS Consumer-Presented Mode 1.1\n! truncated at 7"},
		{"CPM misread", "]Q1", cpmB1[:20] + "*" + cpmB1[21:], "not-payment emv-malformed\nEMVCo QRCPS Consumer-Presented Mode 1.1\n! base64 at 20"},
		{"JPQR", "", jpqr, `emv-container
JPQR Consumer-Presented Mode, as read by those who met it
85 Payload Format Indicator@0: JPQR1
61 Application Template@7:
 4F Issuer@9: 31589900
 57 Payment ID@19: …7890`},
		{"shop's code, checksum wrong", "]Q1", mpmB7[:len(mpmB7)-1] + "B", "not-payment merchant-sum\nEMVCo QRCPS Merchant-Presented Mode 1.1\nCRC false\n! checksum at " + fmt.Sprint(len(mpmB7)-4)},
		{"shop's code, checksum alone right", "]Q1", "0002010299x63044C01", "merchant-code\nEMVCo QRCPS Merchant-Presented Mode 1.1\nCRC true\n! truncated at 6"},
		{"shop's code", "]Q1", mpmB7, `merchant-code
EMVCo QRCPS Merchant-Presented Mode 1.1
00 Payload Format Indicator@0: 01
01 Point of Initiation Method@6: 12
29 Merchant Account Information@12:
 00 Globally Unique Identifier@16: D15600000000
 05 Payment network specific@32: …230Q
31 Merchant Account Information@46:
 00 Globally Unique Identifier@50: D15600000001
 03 Payment network specific@66: …5678
52 Merchant Category Code@78: 4111
58 Country Code@86: CN
59 Merchant Name@92: BEST TRANSPORT
60 Merchant City@110: BEIJING
64 Merchant Information - Language Template@121:
 00 Language Preference@125: ZH
 01 Merchant Name - Alternate Language@131: 最佳运输
 02 Merchant City - Alternate Language@147: 北京
54 Transaction Amount@157: 23.72
53 Transaction Currency@166: 156
55 Tip or Convenience Indicator@173: 01
62 Additional Data Field Template@179:
 03 Store Label@183: 1234
 06 Customer Label@191: …
 07 Terminal Label@198: A6008667
 09 Additional Consumer Data Request@210: ME
91 Unreserved Template@216:
 00 Globally Unique Identifier@220: A011223344998877
 07 Payment network specific@240: …5678
63 CRC@252: A13A
CRC true`},
	} {
		if got := explained(payload.Explain(c.id, c.text, issuers)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestExplainJapaneseShopsCode(t *testing.T) {
	const code = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9"
	if got := payload.Explain("", code, nil); got.Standard != "EMVCo QRCPS Merchant-Presented Mode 1.1, profile JPQR" || got.Kind != "merchant-code" {
		t.Errorf("%s, %s", got.Kind, got.Standard)
	}
}

// What stands around the host of an address can be a token (I7).
func TestI7OnlyTheHostOfAnAddressIsShown(t *testing.T) {
	for uri, want := range map[string]string{
		"https://a.example":                   "https://a.example",
		"HTTP://a.example/":                   "HTTP://a.example/…",
		"https://a.example/token":             "https://a.example/…",
		"https://a.example?token":             "https://a.example/…",
		"https://a.example#token":             "https://a.example/…",
		`https://a.example\token`:             "https://a.example/…",
		"https://token@a.example":             "https://a.example",
		"https://to@ken@a.example:8080/x@y":   "https://a.example:8080/…",
		"https://4111111111111111.example/":   "…mple/…",
		"https://4111-1111-1111-1111.example": "…mple",
		"https://１２３４５６.example":              "…",
		"token://a.example":                   "…",
		"tel:0312345678":                      "…",
		"somebody@a.example":                  "…",
	} {
		url := hex.EncodeToString([]byte(uri))
		e := payload.Explain("", container("8505 4350563031", fmt.Sprintf("61%02X", 12+len(uri)), "4F07A0000000555555", "5F50", fmt.Sprintf("%02X", len(uri)), url), nil)
		if len(e.Fields) != 2 || len(e.Fields[1].Fields) != 2 || e.Fields[1].Fields[1].Value != want {
			t.Errorf("%s: %+v, want %s", uri, e, want)
		}
	}
}

// A shop's code is public, as far as it is the shop's (I7).
func TestI7ShopsCodesShowWhatIsTheShops(t *testing.T) {
	shop := shopsCode([][2]string{
		{"0208", "ACCOUNT1"}, {"0415", "400000000000002"}, {"5204", "5411"}, {"5303", "392"}, {"5407", "1000000"}, {"5802", "JP"},
		{"5919", "4111 1111 1111 1111"}, {"6005", "TOKYO"}, {"6107", "1066143"},
		{"6252", "0107BILLNO1" + "0305STORE" + "0506REFNO1" + "0210REFERENCE2" + "0704TILL"},
		{"6510", "RESERVED01"}, {"8120", "0008x.exampl" + "0104" + "abcd"},
	})
	e := payload.Explain("", shop, nil)
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Tag+"="+f.Value)
		for _, i := range f.Fields {
			got = append(got, f.Tag+"."+i.Tag+"="+i.Value)
		}
	}
	want := "00=01 02=…UNT1 04=…0002 52=5411 53=392 54=1000000 58=JP 59=…1111 60=TOKYO 61=1066143 " +
		"62= 62.01=… 62.03=STORE 62.05=… 62.02=…NCE2 62.07=TILL 65=…ED01 81= 81.00=x.exampl 81.01=… 63=" + shop[len(shop)-4:]
	if got := strings.Join(got, " "); got != want {
		t.Errorf("%s\nwant\n%s\n%+v", got, want, e.Errors)
	}
}

// shopsCode writes a shop's code: id and length, and the value behind them.
func shopsCode(items [][2]string) string {
	text := "000201"
	for _, item := range items {
		text += item[0] + item[1]
	}
	text += "6304"
	return text + fmt.Sprintf("%04X", emv.Checksum(text))
}

func TestExplanationAsJSON(t *testing.T) {
	got, err := json.Marshal(payload.Explain(aim.EAN13, "4902777130835", nil))
	want := `{"kind":"goods","symbology":"EAN/UPC","identifier":"]E0","standard":"ISO/IEC 15420, GS1 General Specifications","masked":"…0835","length":13,` +
		`"fields":[{"name":"GTIN","value":"4902777130835","offset":0}],"checks":[{"name":"check digit","ok":true}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if got := payload.Explain("]X9", "4902777130835", nil); got.Identifier != "" || got.Symbology != "unknown" {
		t.Errorf("an identifier that is none was shown: %q", got.Identifier)
	}
}

// canaries are what must not be seen of each text, and ids what a scanner may
// have said about it, rightly or wrongly.
var canaries = map[string][]string{
	cpmB1:                          {"1234567890123458", "191220112345", cpmB1},
	cpmB2:                          {"1234567890123458", "CARDHOLDER", "584FD385FA234BCC", cpmB2},
	everyObject:                    {"4111111111111111", "2912201", "SUZUKI", "HANAKO", "V0010013019123456789012345678", "1234567", "DEADBEEF", "C0FFEE", everyObject},
	jpqr:                           {"1234567890", jpqr},
	"900081818812345678901234":     {"900081818812345678901234"},
	"7777177772777737":             {"7777177772777737"},
	"SK1:6BF+70790T9WJWG.FKY*4GO0": {"6BF+70790T9WJWG.FKY*4GO0"},
	slip:                           {slip},
}

var ids = []aim.ID{"", aim.EAN13, aim.EAN13AndAddOn, aim.Code128, aim.GS1128, aim.QR, aim.QRECI, aim.GS1QR, aim.GS1DataMatrix, "]e0", "]I0", "]X9"}

// window is how long a piece of a secret may not be seen in an explanation.
const window = 6

func TestI7ExplanationsHoldNoSecret(t *testing.T) {
	for text, secrets := range canaries {
		for _, id := range ids {
			for cut := range text {
				leaks(t, id, text[cut:], secrets)
				leaks(t, id, text[:len(text)-cut], secrets)
			}
			for _, around := range []string{`\000026` + text, "\x1D" + text, "https://x.jp/" + text, "https://x.jp/10/" + text, "10" + text, "21" + text, text + "\x1D10A"} {
				leaks(t, id, around, secrets)
			}
		}
	}
}

// leaks fails if a piece of a secret stands in the explanation of a text that is
// no goods: what an article's number is made of is on the package.
func leaks(t *testing.T, id aim.ID, text string, secrets []string) {
	t.Helper()
	e := payload.Explain(id, text, issuers)
	if e.Kind == "goods" {
		return
	}
	e.Standard, e.Length = "", 0
	seen, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		for i := range len(secret) - window + 1 {
			if strings.Contains(string(seen), secret[i:i+window]) {
				t.Fatalf("%s %q: %q is in %s", id, text, secret[i:i+window], seen)
			}
		}
	}
}

// sized is how an opaque value is shown.
var sized = regexp.MustCompile(`^\d+ bytes$`)

func FuzzExplain(f *testing.F) {
	f.Fuzz(func(t *testing.T, id, text string) {
		code := payload.Classify(aim.ID(id), text, issuers)
		e := payload.Explain(aim.ID(id), text, issuers)
		if e.Kind != code.Kind.String() || e.Why != code.Why || e.Masked != code.Masked() || e.Length != len(code.Reveal()) {
			t.Fatalf("%q is %v %s, its explanation says %+v", text, code, code.Why, e)
		}
		if _, err := json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		for _, fault := range e.Errors {
			if fault.Offset < 0 || fault.Offset > e.Length || fault.Text == "" || fault.Code == "" {
				t.Fatalf("%q: %+v", text, fault)
			}
		}
		if code.Kind == payload.EMVContainer {
			opaque(t, e.Fields)
		}
		if code.Kind == payload.WalletDigits || code.Kind == payload.Pass || code.Kind == payload.Bill {
			last := e.Fields[len(e.Fields)-1].Value
			if len([]rune(last)) > 5 || !strings.HasPrefix(last, "…") {
				t.Fatalf("%q shows %q", text, last)
			}
		}
	})
}

// opaque holds that no object which may name a customer shows more than four
// characters.
func opaque(t *testing.T, fields []payload.Field) {
	for _, f := range fields {
		opaque(t, f.Fields)
		switch f.Tag {
		case "85", "4F", "50", "5F2D", "5F50", "9F08", "9F19", "61", "62":
		case "57", "5A", "5F20", "9F24", "9F25":
			if len([]rune(f.Value)) > 5 || !strings.HasPrefix(f.Value, "…") {
				t.Fatalf("%s shows %q", f.Tag, f.Value)
			}
		default:
			if !sized.MatchString(f.Value) {
				t.Fatalf("%s shows %q", f.Tag, f.Value)
			}
		}
	}
}
