package walletsim

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text ends the test where a code cannot be written.
func text(t *testing.T) func(string, error) string {
	t.Helper()
	return func(code string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
}

// The two examples of EMVCo's specification, consumer-presented mode 1.1,
// annex B, built from the values that they name.
func TestCPMGivesTheSpecificationsExamples(t *testing.T) {
	aid := unhex(t, "a0000000555555")
	b1 := CPM{Templates: []Template{{AID: aid, Track2: "1234567890123458d191220112345"}}}
	if got, want := text(t)(b1.Text()), "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="; got != want {
		t.Errorf("B.1: %s", got)
	}
	b2 := CPM{
		Templates: []Template{
			{AID: aid, Label: "Product1"},
			{AID: unhex(t, "a0000000666666"), Label: "Product2"},
		},
		Common: &Template{
			PAN: "1234567890123458", Holder: "CARDHOLDER/EMV", Languages: "ruesdeen",
			Transparent: []Object{
				{"9f10", unhex(t, "06010a03000000")},
				{"9f26", unhex(t, "584fd385fa234bcc")},
				{"9f36", unhex(t, "0001")},
				{"9f37", unhex(t, "6d58ef13")},
			},
		},
	}
	want := "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
	if got := text(t)(b2.Text()); got != want {
		t.Errorf("B.2: %s", got)
	}
}

// Each field's tag, its packing and the order, written out by hand from the
// specification's tables.
func TestCPMWritesEveryField(t *testing.T) {
	long := strings.Repeat("u", 200)
	code := CPM{
		Templates: []Template{{
			AID: unhex(t, "a000000055"), Label: "L", Track2: "12345d3012201", PAN: "12345", Holder: "A/B",
			Languages: "ja", URL: long, Version: unhex(t, "0102"), Requestor: "12345678901",
			PAR: "P0123456789012345678901234567", LastFour: "2345",
			Transparent: []Object{{"9f26", unhex(t, "aa")}},
			Other:       []Object{{"df8101", unhex(t, "bbcc")}},
		}},
		Common: &Template{Transparent: []Object{{"9f36", unhex(t, "0001")}}},
		Other:  []Object{{"c1", nil}},
	}
	inner := "4f05a000000055" + "50014c" + "570712345d3012201f" + "5a0312345f" + "5f2003412f42" + "5f2d026a61" +
		"5f5081c8" + hex.EncodeToString([]byte(long)) + "9f08020102" + "9f1906012345678901" +
		"9f241d" + hex.EncodeToString([]byte("P0123456789012345678901234567")) + "9f25022345" +
		"6304" + "9f2601aa" + "df810102bbcc"
	want := "85054350563031" + "6182" + fmt.Sprintf("%04x", len(inner)/2) + inner + "6207" + "6405" + "9f36020001" + "c100"
	raw, err := base64.StdEncoding.DecodeString(text(t)(code.Text()))
	if got := hex.EncodeToString(raw); err != nil || got != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
}

// The readers' shortest acceptable limit is 512 characters: a code may be longer.
func TestCPMCanBeLongAndJPQR(t *testing.T) {
	code := CPM{Format: FormatJPQR}
	for i := range 6 {
		code.Templates = append(code.Templates, Template{AID: []byte{0xa0, 0, 0, 0, byte(i)}, URL: strings.Repeat("x", 100)})
	}
	if got := text(t)(code.Text()); len(got) <= 512 || !strings.HasPrefix(got, "hQVKUFFS") {
		t.Errorf("%d characters, begins %s", len(got), got[:8])
	}
}

func TestCPMRefusesWhatCannotBePacked(t *testing.T) {
	for name, code := range map[string]CPM{
		"a letter in a card number":     {Templates: []Template{{PAN: "123x"}}},
		"a letter in track 2":           {Templates: []Template{{Track2: "12z"}}},
		"a letter in the requestor":     {Templates: []Template{{Requestor: "x"}}},
		"a letter in the last four":     {Templates: []Template{{LastFour: "123x"}}},
		"a tag that is no hex":          {Other: []Object{{"zz", nil}}},
		"no tag":                        {Other: []Object{{"", nil}}},
		"a bad tag in a template":       {Templates: []Template{{Other: []Object{{"z", nil}}}}},
		"a bad tag in the common data":  {Common: &Template{Transparent: []Object{{"z", nil}}}},
		"a value too long for a length": {Other: []Object{{"c1", make([]byte, 0x10000)}}},
	} {
		if code, err := code.Text(); err == nil || code != "" || strings.Contains(err.Error(), "123") {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
}

func TestLengthsOver127TakeTheLongForm(t *testing.T) {
	for n, want := range map[int]string{0: "00", 127: "7f", 128: "8180", 255: "81ff", 256: "820100", 500: "8201f4"} {
		if got := hex.EncodeToString(berLength(n)); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func TestAPhonesEMVCode(t *testing.T) {
	phone, _ := demoPhone(t, 5)
	a, errA := phone.EMV()
	b, errB := phone.EMV()
	if errA != nil || errB != nil || a == b {
		t.Fatalf("%v %v, the same twice: %v", errA, errB, a == b)
	}
	if !strings.HasPrefix(a, "hQVDUFYwMW") {
		t.Errorf("begins %s", a[:10])
	}
	raw, err := base64.StdEncoding.DecodeString(a)
	if err != nil {
		t.Fatal(err)
	}
	// 85 05 CPV01, 61 and its length, then 4F 07, 50 0B, 57 0C, 9F25 02.
	digits := hex.EncodeToString(raw)
	want := "8505" + "4350563031" + "61" + "29" + "4f07a0000000555555" + "500b44656d6f2057616c6c6574" + "570c"
	if !strings.HasPrefix(digits, want) {
		t.Fatalf("%s, want %s…", digits, want)
	}
	track2 := digits[len(want) : len(want)+24]
	if track2[0] != '9' || track2[16:] != "d3012201" {
		t.Error("track 2 is not a token, d, expiry and service")
	}
	if digits[len(want)+24:] != "9f2502"+track2[12:16] {
		t.Error("the last four are another token's")
	}
}

func TestLuhn(t *testing.T) {
	// ISO/IEC 7812-1's scheme on a number that is in every textbook.
	if got := luhn("7992739871"); got != "3" {
		t.Errorf("%s", got)
	}
}

func TestCRCOfTheCheckString(t *testing.T) {
	if got := crc16("123456789"); got != 0x29b1 {
		t.Errorf("%04X", got)
	}
}

func TestMerchantCode(t *testing.T) {
	code := MerchantCode("DEMO STORE")
	want := "000201" + "010211" + "2631" + "0015jp.example.demo" + "0108SHOP0001" +
		"52045411" + "5303392" + "5802JP" + "5910DEMO STORE" + "6005TOKYO" + "6304"
	if !strings.HasPrefix(code, want) || len(code) != len(want)+4 {
		t.Errorf("%s, want %s and four digits", code, want)
	}
	if got := MerchantCode(strings.Repeat("N", 30)); !strings.Contains(got, "5925"+strings.Repeat("N", 25)+"6005") {
		t.Errorf("a long name: %s", got)
	}
	// A CRC over data and its own value, high byte first, leaves nothing.
	if sum := unhex(t, code[len(code)-4:]); crc16(code[:len(code)-4]+string(sum)) != 0 {
		t.Error("the checksum does not fit")
	}
}

// Examples by others: EMVCo's specification, merchant-presented mode 1.1, annex
// B.7, and the Japanese profile's of the public go-emv-code, whose fields come
// in another order.
func TestMPMGivesPublishedExamples(t *testing.T) {
	unionPay := []Field{
		{ID: "29", Fields: []Field{{ID: "00", Value: "D15600000000"}, {ID: "05", Value: "A93FO3230Q"}}},
		{ID: "31", Fields: []Field{{ID: "00", Value: "D15600000001"}, {ID: "03", Value: "12345678"}}},
	}
	b7 := MPM{
		{ID: "01", Value: Dynamic}, unionPay[0], unionPay[1],
		{ID: "52", Value: "4111"}, {ID: "58", Value: "CN"}, {ID: "59", Value: "BEST TRANSPORT"}, {ID: "60", Value: "BEIJING"},
		{ID: "64", Fields: []Field{{ID: "00", Value: "ZH"}, {ID: "01", Value: "最佳运输"}, {ID: "02", Value: "北京"}}},
		{ID: "54", Value: "23.72"}, {ID: "53", Value: "156"}, {ID: "55", Value: "01"},
		{ID: "62", Fields: []Field{
			{ID: "03", Value: "1234"}, {ID: "06", Value: "***"}, {ID: "07", Value: "A6008667"}, {ID: "09", Value: "ME"},
		}},
		{ID: "91", Fields: []Field{{ID: "00", Value: "A011223344998877"}, {ID: "07", Value: "12345678"}}},
	}
	want := "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
		"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
	if got := text(t)(b7.Text()); got != want {
		t.Errorf("B.7: %s", got)
	}
	jpqr := MPM{
		{ID: "60", Value: "xxx"}, {ID: "01", Value: Static}, unionPay[0], unionPay[1],
		JPQRAccount([4]string{"0000000000001", "0001", "000001", "000001"}),
		{ID: "53", Value: "392"}, {ID: "59", Value: "xxx"},
		{ID: "64", Fields: []Field{{ID: "00", Value: "JA"}, {ID: "01", Value: "メルペイ カフェ"}}},
		{ID: "52", Value: "4111"}, {ID: "58", Value: "JP"}, {ID: "61", Value: "1066143"},
	}
	want = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan" +
		"01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9"
	if got := text(t)(jpqr.Text()); got != want {
		t.Errorf("JPQR: %s", got)
	}
}

func TestMPMWritesFieldsBehindAValue(t *testing.T) {
	code := MPM{{ID: "62", Value: "0101a", Fields: []Field{{ID: "02", Value: "b"}}}}
	if got := text(t)(code.Text()); !strings.HasPrefix(got, "000201"+"6210"+"0101a"+"0201b"+"6304") {
		t.Errorf("%s", got)
	}
}

func TestMPMRefusesWhatHasNoLength(t *testing.T) {
	for name, code := range map[string]MPM{
		"100 characters":         {{ID: "59", Value: strings.Repeat("x", 100)}},
		"100 in a template":      {{ID: "62", Fields: []Field{{ID: "01", Value: strings.Repeat("x", 96)}}}},
		"an id of a letter":      {{ID: "5A", Value: "x"}},
		"an id of one digit":     {{ID: "5", Value: "x"}},
		"nothing":                {{ID: "59"}},
		"a bad id in a template": {{ID: "62", Fields: []Field{{ID: "x", Value: "x"}}}},
		"99 and a field behind":  {{ID: "62", Value: strings.Repeat("x", 95), Fields: []Field{{ID: "01", Value: "x"}}}},
	} {
		if code, err := code.Text(); err == nil || code != "" {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
	if _, err := (MPM{{ID: "59", Value: strings.Repeat("円", 99)}}).Text(); err != nil {
		t.Errorf("99 characters of three bytes: %v", err)
	}
}
