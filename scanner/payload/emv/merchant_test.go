package emv_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sekisho/scanner/payload/emv"
)

// b7 is the example of EMVCo MPM 1.1, annex B.7. The two others are from the
// tests of public readers of JPQR: go-emv-code by Mercari, and JPQRReader in
// Swift, whose checksum does not fit its text.
const (
	b7 = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
		"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
	jpqrSwift   = "00020164210002JA0111JPQRMPM本舗食堂53033925903xxx6003xxx610710600325802JP01021126680019jp.or.paymentsjapan0113000000000000102040001030600000104060000015204412163046D60"
	jpqrMercari = "0002016003xxx01021129300012D156000000000510A93FO3230Q31280012D1560000000103081234567826680019jp.or.paymentsjapan01130000000000001020400010306000001040600000153033925903xxx64180002JA0108メルペイ カフェ520441115802JP610710661436304DEE9"
)

func TestMerchantExample(t *testing.T) {
	m, err := emv.DecodeMerchant(b7)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for item := range m.Items() {
		if b7[item.Offset:item.Offset+2] != item.ID {
			t.Errorf("id %s is not at byte %d", item.ID, item.Offset)
		}
		got = append(got, fmt.Sprintf("%s %s: %s", item.ID, item.Name(""), item.Value))
		for inner := range m.Inside(item) {
			if b7[inner.Offset:inner.Offset+2] != inner.ID {
				t.Errorf("id %s in %s is not at byte %d", inner.ID, item.ID, inner.Offset)
			}
			got = append(got, fmt.Sprintf("  %s %s: %s", inner.ID, inner.Name(item.ID), inner.Value))
		}
	}
	want := `00 Payload Format Indicator: 01
01 Point of Initiation Method: 12
29 Merchant Account Information: 0012D156000000000510A93FO3230Q
  00 Globally Unique Identifier: D15600000000
  05 Payment network specific: A93FO3230Q
31 Merchant Account Information: 0012D15600000001030812345678
  00 Globally Unique Identifier: D15600000001
  03 Payment network specific: 12345678
52 Merchant Category Code: 4111
58 Country Code: CN
59 Merchant Name: BEST TRANSPORT
60 Merchant City: BEIJING
64 Merchant Information - Language Template: 0002ZH0104最佳运输0202北京
  00 Language Preference: ZH
  01 Merchant Name - Alternate Language: 最佳运输
  02 Merchant City - Alternate Language: 北京
54 Transaction Amount: 23.72
53 Transaction Currency: 156
55 Tip or Convenience Indicator: 01
62 Additional Data Field Template: 030412340603***0708A60086670902ME
  03 Store Label: 1234
  06 Customer Label: ***
  07 Terminal Label: A6008667
  09 Additional Consumer Data Request: ME
91 Unreserved Template: 0016A011223344998877070812345678
  00 Globally Unique Identifier: A011223344998877
  07 Payment network specific: 12345678
63 CRC: A13A`
	if got := strings.Join(got, "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if _, ok := m.JPQR(); ok {
		t.Error("the example was taken for JPQR")
	}
}

func TestJapaneseProfile(t *testing.T) {
	for name, text := range map[string]string{"Swift": summed(jpqrSwift), "Mercari": jpqrMercari} {
		m, err := emv.DecodeMerchant(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if id, ok := m.JPQR(); !ok || id != (emv.StoreID{"0000000000001", "0001", "000001", "000001"}) {
			t.Errorf("%s: %v, %t", name, id, ok)
		}
	}
	for name, change := range map[string][2]string{
		"another GUID":    {"paymentsjapan", "paymentsjaqan"},
		"a part missing":  {"0406000001", "0506000001"},
		"another part":    {"02040001", "05040001"},
		"a part too long": {"26680019jp.or.paymentsjapan0113000000000000102040001", "26690019jp.or.paymentsjapan01130000000000001020500010"},
		"another place":   {"26680019", "80680019"},
	} {
		m, err := emv.DecodeMerchant(summed(strings.Replace(jpqrMercari, change[0], change[1], 1)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if id, ok := m.JPQR(); ok {
			t.Errorf("%s: taken for JPQR, %v", name, id)
		}
	}
}

// summed puts the right checksum in the place of the last four characters.
func summed(text string) string {
	text = text[:len(text)-4]
	return text + fmt.Sprintf("%04X", emv.Checksum(text))
}

func TestMalformedShopsCodes(t *testing.T) {
	const (
		start = "00020126050001g"
		rest  = "52044111" + "5303392" + "5802JP" + "5901x" + "6001y" + "6304----"
	)
	if _, err := emv.DecodeMerchant(summed(start + rest)); err != nil {
		t.Fatalf("the code that the others are made from: %v", err)
	}
	for _, c := range []struct {
		name, text string
		code       emv.Code
		offset     int
	}{
		{"nothing", "", emv.BadChecksum, 0},
		{"nothing but a checksum", "63041D0F", emv.BadChecksum, 4},
		{"checksum alone, right", summed("6304----"), emv.BadFormat, 0},
		{"checksum wrong", b7[:len(b7)-1] + "B", emv.BadChecksum, len(b7) - 4},
		{"checksum that is no number", b7[:len(b7)-4] + "+A13", emv.BadChecksum, len(b7) - 4},
		{"format indicator not first", summed("26050001g" + "000201" + rest), emv.BadFormat, 0},
		{"another format", summed("000202" + start[6:] + rest), emv.BadFormat, 0},
		{"an id twice", summed(start + "5802JP" + rest), emv.Duplicate, 36},
		{"the format twice", summed(start + "000201" + rest), emv.Duplicate, 15},
		{"an id of letters", summed(start + "A101x" + rest), emv.BadTag, 15},
		{"a length of letters", summed(start + "020Ax" + rest), emv.BadLength, 15},
		{"a length of nothing", summed(start + "0200" + rest), emv.BadLength, 15},
		{"too long", summed(start + "0299x" + rest), emv.Truncated, 15},
		{"a second checksum", summed(start + "6304AAAA" + rest), emv.BadChecksum, 15},
		{"an id in the place of the checksum's", summed(start + rest[:len(rest)-8] + "02126304----"), emv.Truncated, 46},
		{"the checksum swallowed", summed(start + rest[:len(rest)-8] + "02086304----"), emv.BadChecksum, 46},
		{"inside a template, an id twice", summed("000201" + "2610" + "0001a" + "0001b" + rest), emv.Duplicate, 15},
		{"inside a template, too long", summed("000201" + "2605" + "0002a" + rest), emv.Truncated, 10},
		{"inside a template, a head cut", summed("000201" + "2602" + "00" + rest), emv.Truncated, 10},
		{"no category", summed(strings.Replace(start+rest, "52044111", "65044111", 1)), emv.Missing, 54},
		{"no currency", summed(strings.Replace(start+rest, "5303392", "6503392", 1)), emv.Missing, 54},
		{"no country", summed(strings.Replace(start+rest, "5802JP", "6502JP", 1)), emv.Missing, 54},
		{"no name", summed(strings.Replace(start+rest, "5901x", "6501x", 1)), emv.Missing, 54},
		{"no city", summed(strings.Replace(start+rest, "6001y", "6501y", 1)), emv.Missing, 54},
		{"no account", summed(strings.Replace(start+rest, "26050001g", "80050001g", 1)), emv.Missing, 54},
	} {
		_, err := emv.DecodeMerchant(c.text)
		e, ok := errors.AsType[*emv.Error](err)
		if !ok || e.Code != c.code || e.Offset != c.offset {
			t.Errorf("%s: %v, want %s at %d", c.name, err, c.code, c.offset)
		}
	}
}

func TestAccountsAre02To51(t *testing.T) {
	for id, want := range map[string]bool{"01": false, "02": true, "51": true, "26": true} {
		item := id + "040004"
		if id < "26" {
			item = id + "0212"
		} else {
			item = id + "050001x"
		}
		text := summed("000201" + item + "52044111" + "5303392" + "5802JP" + "5901x" + "6001y" + "6304----")
		if _, err := emv.DecodeMerchant(text); (err == nil) != want {
			t.Errorf("id %s as the only account: %v", id, err)
		}
	}
}

// The check value of this CRC in every catalogue of CRCs.
func TestCRCCheckValue(t *testing.T) {
	if got := emv.Checksum("123456789"); got != 0x29B1 {
		t.Errorf("checksum of 123456789 = %04X, want 29B1", got)
	}
	if got := emv.Checksum(""); got != 0xFFFF {
		t.Errorf("checksum of nothing = %04X, want FFFF", got)
	}
}

func TestDecodeMerchantCopiesNothing(t *testing.T) {
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := emv.DecodeMerchant(b7); err != nil {
			t.Fatal(err)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
