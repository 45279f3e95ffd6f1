package terminal_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"sekisho/terminal"
)

// Real articles' numbers: two sold in Japan, a small pack with an EAN-8, and two
// UPC-A, one of GS1 US's own example company and one of paper tissues.
var realNumbers = []terminal.GTIN{"4902777130835", "4971633002005", "49400762", "614141000036", "036000291452"}

func TestGTINTakesRealNumbersAndNoOtherCheckDigit(t *testing.T) {
	for _, g := range realNumbers {
		if !g.Valid() {
			t.Errorf("%s is a real number", g)
		}
		last := len(g) - 1
		for digit := byte('0'); digit <= '9'; digit++ {
			if other := g[:last] + terminal.GTIN(digit); other != g && other.Valid() {
				t.Errorf("%s has a wrong check digit", other)
			}
		}
		for i := range last { // weights 3 and 1 find every single wrong digit
			for digit := byte('0'); digit <= '9'; digit++ {
				if other := g[:i] + terminal.GTIN(digit) + g[i+1:]; other != g && other.Valid() {
					t.Errorf("%s has a wrong digit at %d", other, i)
				}
			}
		}
	}
}

func TestGTINRefusesWhatIsNoNumber(t *testing.T) {
	for _, g := range []terminal.GTIN{
		"", "0", "4902777130", "04902777130835", // 14 digits: a case, not an article
		"490277713083 ", "４９０２７７７１", "49007627/", "-9400762", "4940076:", "4902777130\x00835",
	} {
		if g.Valid() {
			t.Errorf("%q is no article's number", g)
		}
	}
}

func TestGTINHasOneCanonicalForm(t *testing.T) {
	for _, c := range []struct{ in, want terminal.GTIN }{
		{"4902777130835", "4902777130835"},
		{"49400762", "49400762"},
		{"614141000036", "0614141000036"},  // UPC-A
		{"0614141000036", "0614141000036"}, // the same, as EAN-13
		{"0000049400762", "49400762"},      // GTIN-8 filled up to 13
		{"000049400762", "49400762"},       // and to 12
		{"0000000000017", "0000000000017"}, // a company's own, GS1 prefix 0000000
	} {
		if !c.in.Valid() {
			t.Fatalf("%s: the case is wrong", c.in)
		}
		got := c.in.Canonical()
		if got != c.want || !got.Valid() || got.Canonical() != got {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestBusinessDayBeginsAtTheCutOver(t *testing.T) {
	for _, c := range []struct {
		zone string
		cut  time.Duration
		time string
		want terminal.BusinessDay
	}{
		{"Asia/Tokyo", 5 * time.Hour, "2019-07-02T04:59:59.999999999+09:00", "2019-07-01"},
		{"Asia/Tokyo", 5 * time.Hour, "2019-07-02T05:00:00+09:00", "2019-07-02"},
		{"Asia/Tokyo", 5 * time.Hour, "2019-07-01T20:00:00Z", "2019-07-02"}, // told in another zone
		{"Asia/Tokyo", 5 * time.Hour, "2019-07-01T19:59:59Z", "2019-07-01"},
		{"Asia/Tokyo", 5 * time.Hour, "2027-01-01T04:59:59+09:00", "2026-12-31"}, // the year's end
		{"Asia/Tokyo", 5 * time.Hour, "2028-03-01T00:30:00+09:00", "2028-02-29"}, // a leap day
		{"Asia/Tokyo", 5 * time.Hour, "2027-03-01T00:30:00+09:00", "2027-02-28"},
		{"Asia/Tokyo", 0, "2019-07-02T00:00:00+09:00", "2019-07-02"},
		{"Asia/Tokyo", 0, "2019-07-01T23:59:59+09:00", "2019-07-01"},
		{"Asia/Tokyo", 23*time.Hour + 59*time.Minute, "2019-07-02T23:58:59+09:00", "2019-07-01"},
		{"Asia/Tokyo", 23*time.Hour + 59*time.Minute, "2019-07-02T23:59:00+09:00", "2019-07-02"},
		// Summer time begins: 02:00 is 03:00, midnight is 6 h before 05:00, no more.
		{"America/New_York", 5 * time.Hour, "2026-03-08T04:59:59-04:00", "2026-03-07"},
		{"America/New_York", 5 * time.Hour, "2026-03-08T05:00:00-04:00", "2026-03-08"},
		// It ends: 02:00 is 01:00 again, 05:00 comes an hour later.
		{"America/New_York", 5 * time.Hour, "2026-11-01T04:59:59-05:00", "2026-10-31"},
		{"America/New_York", 5 * time.Hour, "2026-11-01T05:00:00-05:00", "2026-11-01"},
		// A cut-over in the hour shown twice: the day has begun for good.
		{"America/New_York", 90 * time.Minute, "2026-11-01T01:29:59-04:00", "2026-10-31"},
		{"America/New_York", 90 * time.Minute, "2026-11-01T01:30:00-04:00", "2026-11-01"},
		{"America/New_York", 90 * time.Minute, "2026-11-01T01:00:00-05:00", "2026-11-01"},
		{"Australia/Lord_Howe", 5 * time.Hour, "2026-04-05T04:59:59+10:30", "2026-04-04"}, // half an hour of summer time
	} {
		b := terminal.Business{Zone: zone(t, c.zone), CutOver: c.cut}
		if got := b.Day(at(t, c.time)); got != c.want {
			t.Errorf("%s, cut-over %v, %s: got %s, want %s", c.zone, c.cut, c.time, got, c.want)
		}
	}
}

// A day that is over never comes back, and none lasts less than 22 or more than
// 26 hours, whatever clocks do (Tokyo's days have 24).
func TestBusinessDayOnlyGoesOn(t *testing.T) {
	names := []string{"Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"}
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		b := terminal.Business{
			Zone:    zone(t, rapid.SampledFrom(names).Draw(t, "zone")),
			CutOver: time.Duration(rapid.IntRange(0, 24*60-1).Draw(t, "cut-over")) * time.Minute,
		}
		first := from.Add(time.Duration(rapid.Int64Range(0, 15*365*24*60).Draw(t, "minute")) * time.Minute)
		next := first.Add(time.Duration(rapid.Int64Range(0, 3*60).Draw(t, "minutes later")) * time.Minute)
		if b.Day(next) < b.Day(first) {
			t.Fatalf("%v is %s, but later, at %v, it is %s", first, b.Day(first), next, b.Day(next))
		}
		if begun := b.Start(first); begun.After(first) || b.Day(begun) != b.Day(first) || b.Day(begun.Add(-1)) == b.Day(first) {
			t.Fatalf("at %v, of %s, the day began at %v, of %s", first, b.Day(first), begun, b.Day(begun))
		}
		if later := first.Add(26 * time.Hour); b.Day(later) == b.Day(first) {
			t.Fatalf("%s has lasted 26 h at %v", b.Day(first), later)
		}
	})
}

func TestHourBeginsWhereTheStoresClocksReadAWholeHour(t *testing.T) {
	for _, c := range [][3]string{
		{"Asia/Tokyo", "2026-11-20T12:59:59.999+09:00", "2026-11-20T12:00:00+09:00"},
		{"Asia/Tokyo", "2026-11-20T13:00:00+09:00", "2026-11-20T13:00:00+09:00"},
		{"Asia/Kathmandu", "2026-11-20T03:00:00Z", "2026-11-20T08:00:00+05:45"}, // 08:45 there
		// 01:00 to 02:00 comes twice: two hours.
		{"America/New_York", "2026-11-01T01:30:00-04:00", "2026-11-01T01:00:00-04:00"},
		{"America/New_York", "2026-11-01T01:30:00-05:00", "2026-11-01T01:00:00-05:00"},
		{"America/New_York", "2026-03-08T03:10:00-04:00", "2026-03-08T03:00:00-04:00"}, // 02:00 is 03:00
		// 02:00 is 01:30 again, and half a year later 02:30.
		{"Australia/Lord_Howe", "2026-04-05T01:45:00+10:30", "2026-04-05T01:00:00+11:00"},
		{"Australia/Lord_Howe", "2026-10-04T02:40:00+11:00", "2026-10-04T01:00:00+10:30"},
		{"Australia/Lord_Howe", "2026-10-04T03:00:00+11:00", "2026-10-04T03:00:00+11:00"},
	} {
		b := terminal.Business{Zone: zone(t, c[0])}
		if got := b.HourStart(at(t, c[1])); !got.Equal(at(t, c[2])) {
			t.Errorf("%s, %s: got %v, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestMillisGoForthAndBack(t *testing.T) {
	moment := at(t, "2019-07-02T05:00:00.123+09:00")
	m := terminal.MillisOf(moment)
	if !m.Time().Equal(moment) || m.String() != "2019-07-01T20:00:00.123Z" || terminal.Millis(0).String() != "0" {
		t.Errorf("got %v, %s, %s", m.Time(), m, terminal.Millis(0))
	}
}

// From the fixed points: the first 8 bytes of SHA-256 of issuer and pseudonym,
// here by `printf 'demo-wallet\nalice' | sha256sum`.
func TestAccountKeyIsTheDenialID(t *testing.T) {
	if got := terminal.NewAccountKey("demo-wallet", "alice"); got != accountKey {
		t.Errorf("got %s, want %s", got, accountKey)
	}
	if terminal.NewAccountKey("a", "bc") == terminal.NewAccountKey("ab", "c") {
		t.Error("two accounts have one key")
	}
}

const accountKey = "803412e4868cc2a8"
