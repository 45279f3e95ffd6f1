package walletsim

import (
	"encoding/base64"
	"encoding/hex"
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

func mustTemplate(t *testing.T, tag string, objects ...object) object {
	t.Helper()
	o, err := template(tag, objects...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The two examples of EMVCo's specification, consumer-presented mode 1.1,
// annex B, built from the values that they name.
func TestContainerGivesTheSpecificationsExamples(t *testing.T) {
	aid := object{tagAID, unhex(t, "a0000000555555")}
	b1, err := container(mustTemplate(t, tagTemplate, aid, object{tagTrack2, unhex(t, "1234567890123458d191220112345f")}))
	if want := "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8="; err != nil || b1 != want {
		t.Errorf("B.1: %s %v", b1, err)
	}
	b2, err := container(
		mustTemplate(t, tagTemplate, aid, object{tagLabel, []byte("Product1")}),
		mustTemplate(t, tagTemplate, object{tagAID, unhex(t, "a0000000666666")}, object{tagLabel, []byte("Product2")}),
		mustTemplate(t, "62",
			object{"5a", unhex(t, "1234567890123458")},
			object{"5f20", []byte("CARDHOLDER/EMV")},
			object{"5f2d", []byte("ruesdeen")},
			mustTemplate(t, "64",
				object{"9f10", unhex(t, "06010a03000000")},
				object{"9f26", unhex(t, "584fd385fa234bcc")},
				object{"9f36", unhex(t, "0001")},
				object{"9f37", unhex(t, "6d58ef13")},
			),
		),
	)
	want := "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
	if err != nil || b2 != want {
		t.Errorf("B.2: %s %v", b2, err)
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
	text := hex.EncodeToString(raw)
	want := "8505" + "4350563031" + "61" + "29" + "4f07a0000000555555" + "500b44656d6f2057616c6c6574" + "570c"
	if !strings.HasPrefix(text, want) {
		t.Fatalf("%s, want %s…", text, want)
	}
	track2 := text[len(want) : len(want)+24]
	if track2[0] != '9' || track2[16:] != "d3012201" {
		t.Error("track 2 is not a token, d, expiry and service")
	}
	if text[len(want)+24:] != "9f2502"+track2[12:16] {
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
	// A CRC over data and its own value, high byte first, leaves nothing.
	if sum := unhex(t, code[len(code)-4:]); crc16(code[:len(code)-4]+string(sum)) != 0 {
		t.Error("the checksum does not fit")
	}
}
