package emv_test

import (
	"encoding/hex"
	"testing"

	"sekisho/scanner/payload/emv"
)

func object(t *testing.T, tag emv.Tag, hexed string) emv.Object {
	t.Helper()
	value, err := hex.DecodeString(hexed)
	if err != nil {
		t.Fatal(err)
	}
	return emv.Object{Tag: tag, Value: value}
}

func TestCards(t *testing.T) {
	none := emv.Card{}
	for _, c := range []struct {
		name  string
		tag   emv.Tag
		hexed string
		want  emv.Card
	}{
		{"B.1's track 2", emv.Track2Data, "1234567890123458D191220112345F", emv.Card{"3458", 16, false, "1912", "201"}},
		{"B.2's number", emv.PAN, "1234567890123458", emv.Card{"3458", 16, false, "", ""}},
		{"ISO/IEC 7812's example", emv.PAN, "49927398716F", emv.Card{"8716", 11, true, "", ""}},
		{"a test card", emv.PAN, "4111111111111111", emv.Card{"1111", 16, true, "", ""}},
		{"a test card misread", emv.PAN, "4111111111111112", emv.Card{"1112", 16, false, "", ""}},
		{"a doubled nine", emv.PAN, "00000091", emv.Card{"0091", 8, true, "", ""}},
		{"19 digits", emv.PAN, "6228480402564890018F", emv.Card{"0018", 19, true, "", ""}},
		{"filled up", emv.PAN, "4111111111111111FFFF", emv.Card{"1111", 16, true, "", ""}},
		{"7 digits", emv.PAN, "4111111F", none},
		{"20 digits", emv.PAN, "41111111111111111111", none},
		{"11 bytes", emv.PAN, "4111111111111111FFFFFF", none},
		{"a letter in it", emv.PAN, "411111A111111111", none},
		{"a filler in the middle", emv.PAN, "411111F111111111", none},
		{"nothing", emv.PAN, "", none},
		{"fillers alone", emv.PAN, "FFFF", none},
		{"track 2, no discretionary data", emv.Track2Data, "4111111111111111D2912201", emv.Card{"1111", 16, true, "2912", "201"}},
		{"track 2, an odd number", emv.Track2Data, "6228480402564890018D2912201F", emv.Card{"0018", 19, true, "2912", "201"}},
		{"track 2 without a separator", emv.Track2Data, "41111111111111112912201F", none},
		{"track 2, separator twice", emv.Track2Data, "4111111111111111D29122D1", none},
		{"track 2, service code cut", emv.Track2Data, "4111111111111111D291220F", none},
		{"track 2, nothing behind the separator", emv.Track2Data, "411111111111111D", none},
		{"track 2 of 20 bytes", emv.Track2Data, "4111111111111111D2912201123456789012345F", none},
		{"track 2 of 19 bytes", emv.Track2Data, "4111111111111111D29122011234567890123F", emv.Card{"1111", 16, true, "2912", "201"}},
		{"separator first", emv.Track2Data, "D291220112345678", none},
		{"another object", emv.Label, "4111111111111111", none},
	} {
		got, ok := emv.CardOf(object(t, c.tag, c.hexed))
		if got != c.want || ok != (c.want != none) {
			t.Errorf("%s: %+v, %t, want %+v", c.name, got, ok, c.want)
		}
	}
}

func TestLastFour(t *testing.T) {
	for _, c := range []struct{ name, format, objects, want string }{
		{"the object made for it comes first", cpv01, "9F25021234 5A084111111111111111", "1234"},
		{"and when it is broken nothing is guessed", cpv01, "9F250212F4 5A084111111111111111", ""},
		{"too long", cpv01, "9F2503123456", ""},
		{"the number before the track", cpv01, "570C 4000000000000002D2912201" + "5A084111111111111111", "1111"},
		{"the track alone", cpv01, "570C4111111111111111D2912201", "1111"},
		{"neither", cpv01, "500141", ""},
		{"JPQR", "8505" + "4A50515231", "5708" + "3132333435363738", "5678"},
		{"JPQR, too short to show", "8505" + "4A50515231", "5707" + "31323334353637", ""},
		{"JPQR, not text", "8505" + "4A50515231", "5708" + "3132333435360738", ""},
		{"JPQR without an id", "8505" + "4A50515231", "99023132", ""},
	} {
		objects := aid5 + c.objects
		value, err := hex.DecodeString(stripped(objects))
		if err != nil {
			t.Fatal(c.name, err)
		}
		container, err := emv.Decode(nil, text(t, c.format, "61", hex.EncodeToString([]byte{byte(len(value))}), objects))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := container.LastFour(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := (&emv.Container{}).LastFour(); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func stripped(hexed string) string {
	var out []byte
	for i := range len(hexed) {
		if hexed[i] != ' ' {
			out = append(out, hexed[i])
		}
	}
	return string(out)
}

func TestTagNames(t *testing.T) {
	for _, c := range []struct {
		format emv.Format
		tag    emv.Tag
		hexed  string
		want   string
	}{
		{emv.CPV01, emv.AID, "4F", "Application Definition File (ADF) Name"},
		{emv.JPQR1, emv.AID, "4F", "Issuer"},
		{emv.CPV01, emv.AccountRef, "9F24", "Payment Account Reference (PAR)"},
		{emv.JPQR1, emv.AccountRef, "9F24", "Payment Account Reference (PAR)"},
		{emv.CPV01, 0x99, "99", "unknown"},
		{emv.CPV01, 0xDF8101, "DF8101", "unknown"},
	} {
		if got := c.format.Name(c.tag); got != c.want || c.tag.String() != c.hexed {
			t.Errorf("%v of %s: %q, want %q", c.tag, c.format, got, c.want)
		}
	}
}
