package policy_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

func parsed(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every number of testdata/store.toml at its place.
func TestParseReadsEveryRule(t *testing.T) {
	whole := parsed(t, storePolicy(t))
	got, err := whole.For("convenience") // without the cap that is for stations
	if err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	// The public key of RFC 8032, 7.1, test 1.
	public, err := hex.DecodeString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
	if err != nil {
		t.Fatal(err)
	}
	if !got.GoodUntil.Equal(time.Date(2029, 12, 31, 15, 0, 0, 0, time.UTC)) || got.Business.Zone.String() != tokyo.String() {
		t.Errorf("good until %v, zone %v", got.GoodUntil, got.Business.Zone)
	}
	got.GoodUntil, got.Business.Zone = time.Time{}, nil
	const unlimited = math.MaxInt64
	want := &policy.Policy{
		Version: 7, Realm: realm, Classes: []string{"convenience", "station"}, Business: terminal.Business{CutOver: 5 * time.Hour},
		Times:   policy.Times{Answer: 5 * time.Second, Query: 3 * time.Second, Give: 45 * time.Second, Silence: 4 * time.Second, Redial: 2 * time.Second},
		Pass:    policy.PassRules{Life: time.Minute, Tolerance: 30 * time.Second},
		Device:  policy.DeviceRules{NewFor: 72 * time.Hour, NewUnitsOnline: 1},
		Offline: policy.OfflineRules{Floor: 5000, AccountYen: 10000, AccountCount: 5, FullFor: time.Hour, NothingAfter: 24 * time.Hour, DeclineBars: 24 * time.Hour, BootYen: 20000},
		Reserve: policy.Reserve{RegisterPercent: 10, StorePercent: 30},
		HighResale: map[terminal.Category]bool{
			"tobacco": true, "gift card": true, "drinks": false, "sweets": false,
		},
		Caps: []terminal.Cap{
			{ID: "tobacco-sale", Scope: "register", Window: "sale", Category: "tobacco", Limit: terminal.Amount{Yen: 10000, Units: 15}},
			{ID: "tobacco-day", Scope: "store", Window: "day", Category: "tobacco", Limit: terminal.Amount{Yen: unlimited, Units: 257}},
			{ID: "all-offline", Scope: "store", Window: "day", Limit: terminal.Amount{Yen: 100000, Units: unlimited}, OfflineOnly: true},
			{ID: "gift-hour", Scope: "register", Window: "hour", Category: "gift card", Limit: terminal.Amount{Yen: 50000, Units: unlimited}},
			{ID: "tobacco-account", Scope: "account", Window: "rolling", Span: 72 * time.Hour, Category: "tobacco", Limit: terminal.Amount{Yen: unlimited, Units: 60}},
		},
		Goods:  policy.GoodsRules{Unitemised: "gift card"},
		Makers: []policy.Maker{{Prefix: "4902210", Category: "tobacco", Units: 10}, {Prefix: "490221055", Category: "sweets", Units: 1}},
		Watch: map[terminal.GTIN]policy.Watched{
			"49400762": {Category: "tobacco", Units: 1}, "0614141000036": {Category: "tobacco", Units: 10}, "4902777130835": {Category: "sweets", Units: 2},
		},
		Wallets: []policy.Wallet{{ID: "paypay", Name: "PayPay", Prefix: "9000818188", MinLength: 24, MaxLength: 24}},
		Issuers: []policy.PassIssuer{{Name: "demo-wallet", KeyID: "demo-1", Key: ed25519.PublicKey(public)}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, c := range want.Caps {
		if found, ok := got.Cap(c.ID); !ok || found != c {
			t.Errorf("cap %s: got %+v, %v", c.ID, found, ok)
		}
	}
	station, err := whole.For("station")
	if err != nil {
		t.Fatal(err)
	}
	rolling := terminal.Cap{ID: "gift-register", Scope: "register", Window: "rolling", Span: 30 * time.Minute, Category: "gift card", Limit: terminal.Amount{Yen: unlimited, Units: 20}}
	if found, ok := station.Cap(rolling.ID); !ok || found != rolling || len(station.Caps) != len(got.Caps)+1 {
		t.Errorf("a station's caps: %+v", station.Caps)
	}
	if _, ok := got.Cap("tobacco"); ok {
		t.Error("a cap of that id is not there")
	}
}

// Each rule of the lint with what breaks it: one row of the good policy is
// replaced, and the error must name the place.
func TestLint(t *testing.T) {
	for _, c := range []struct{ old, new, words string }{
		{"version = 7", "version = 0", "version must be from 1"},
		{"version = 7", "version = 1000000000000001", "version must be from 1"},
		{"version = 7", "", "version must be from 1"},
		{`realm = "sakura/production"`, "", "realm is missing"},
		{"good_until = 2030-01-01T00:00:00+09:00", "", "good_until is missing"},

		{`"Asia/Tokyo"`, `"Asia/Tokio"`, `business.zone "Asia/Tokio"`},
		{`"Asia/Tokyo"`, `""`, `business.zone ""`},
		{`"Asia/Tokyo"`, `"Local"`, `business.zone "Local"`},
		{`"Asia/Tokyo"`, `"../../../etc/passwd"`, "business.zone"},
		{`cut_over = "05:00"`, `cut_over = "24:00"`, `business.cut_over "24:00"`},
		{`cut_over = "05:00"`, "", `business.cut_over ""`},
		{`cut_over = "05:00"`, `cut_over = "05:00:30"`, `business.cut_over "05:00:30"`},

		{`answer = "5s"`, `answer = "0s"`, "times:"},
		{`query = "3s"`, `query = "-3s"`, "times:"},
		{`query = "3s"`, `query = "0s"`, "times:"},
		{`give_up = "45s"`, `give_up = "4s"`, "times:"},
		{`silence = "4s"`, `silence = "299ms"`, "times: silence"},
		{`silence = "4s"`, `silence = "0s"`, "times: silence"},
		{`silence = "4s"`, `silence = "60001ms"`, "times: silence"},
		{`redial = "2s"`, `redial = "49ms"`, "times: redial"},
		{`redial = "2s"`, `redial = "0s"`, "times: redial"},
		{`redial = "2s"`, `redial = "60001ms"`, "times: redial"},
		{`life = "60s"`, `life = "0s"`, "pass:"},
		{`tolerance = "30s"`, `tolerance = "-30s"`, "pass:"},
		{`new_for = "72h"`, `new_for = "-1ns"`, "device:"},
		{"new_units_online = 1", "new_units_online = -1", "device:"},
		{"floor = 5000", "floor = -1", "offline: nothing may be below"},
		{"account_yen = 10000", "account_yen = -1", "offline: nothing may be below"},
		{"account_count = 5", "account_count = -1", "offline: nothing may be below"},
		{`decline_bars = "24h"`, `decline_bars = "-24h"`, "offline: nothing may be below"},
		{"floor = 5000", "floor = 1000000000000001", "offline: nothing may be above"},
		{"account_yen = 10000", "account_yen = 9223372036854775807", "offline: nothing may be above"},
		{"account_count = 5", "account_count = 9223372036854775807", "offline: nothing may be above"},
		{`full_for = "1h"`, `full_for = "24h"`, "nothing_after must be above full_for"},
		{`full_for = "1h"`, `full_for = "-1h"`, "nothing_after must be above full_for"},
		{"register_percent = 10", "register_percent = -1", "reserve:"},
		{"register_percent = 10", "register_percent = 31", "reserve:"},
		{"store_percent = 30", "store_percent = 101", "reserve:"},

		{`id = "sweets"`, `id = ""`, "category 4"},
		{`id = "sweets"`, `id = "tobacco"`, "category 4"},
		{`id = "tobacco-day"`, `id = "tobacco-sale"`, "cap 2: the id is missing, longer than 64 characters or there twice"},
		{`id = "tobacco-day"`, "", "cap 2: the id is missing, longer than 64 characters or there twice"},
		{`id = "tobacco-day"`, `id = "` + strings.Repeat("x", 65) + `"`, "cap 2: the id is missing, longer than 64"},
		{`id = "tobacco-day"`, `id = "tabako 日"`, "cap 2: the id is missing, longer than 64"},
		{`id = "sweets"`, `id = "` + strings.Repeat("x", 65) + `"`, "category 4"},
		{`id = "paypay"`, `id = "` + strings.Repeat("x", 65) + `"`, "wallet 1"},
		{`key_id = "demo-1"`, `key_id = "` + strings.Repeat("x", 65) + `"`, "pass_issuer 1"},
		{`name = "demo-wallet"`, `name = "` + strings.Repeat("x", 65) + `"`, "pass_issuer 1"},
		{`window = "sale"`, `window = "week"`, `cap "tobacco-sale": scope "register" does not go with window "week"`},
		{"scope = \"store\"\nwindow = \"day\"\ncategory", "scope = \"store\"\nwindow = \"sale\"\ncategory", `cap "tobacco-day": scope "store" does not go with window "sale"`},
		{"scope = \"register\"\nwindow = \"sale\"", "scope = \"account\"\nwindow = \"sale\"", `scope "account"`},
		{"scope = \"register\"\nwindow = \"sale\"", "window = \"sale\"", `scope ""`},
		{"window = \"day\"\ncategory", "window = \"rolling\"\nover = \"1h\"\ncategory", `cap "tobacco-day": scope "store" does not go with window "rolling"`},
		{"scope = \"account\"\nwindow = \"rolling\"\nover = \"72h\"", "scope = \"account\"\nwindow = \"day\"", `cap "tobacco-account": scope "account" does not go with window "day"`},
		{`over = "72h"`, "", `cap "tobacco-account": a rolling cap needs over`},
		{`over = "72h"`, `over = "59s"`, `cap "tobacco-account": a rolling cap needs over, from 1m0s to 744h0m0s`},
		{`over = "72h"`, `over = "744h0m1s"`, `cap "tobacco-account": a rolling cap needs over`},
		{`over = "72h"`, `over = "-72h"`, `cap "tobacco-account": a rolling cap needs over`},
		{`window = "hour"`, "window = \"hour\"\nover = \"1h\"", `cap "gift-hour": only a rolling cap has over`},
		{"units = 60", "units = 60\noffline_only = true", `cap "tobacco-account": only a store's cap`},
		{`classes = ["station"]`, `classes = []`, `cap "gift-register": classes`},
		{`classes = ["station"]`, `classes = ["station", "station"]`, `cap "gift-register": classes`},
		{`classes = ["station"]`, `classes = ["kiosk"]`, `cap "gift-register": classes`},
		{`classes = ["convenience", "station"]`, "", "classes: which"},
		{`classes = ["convenience", "station"]`, "classes = []", "classes: which"},
		{`classes = ["convenience", "station"]`, `classes = ["station", "station"]`, "classes: which"},
		{"boot_yen = 20000", "boot_yen = -1", "offline: nothing may be below"},
		{"boot_yen = 20000", "boot_yen = 1000000000000001", "offline: nothing may be above"},
		{`unitemised = "gift card"`, `unitemised = "gift"`, `goods.unitemised "gift"`},
		{`id = "sweets"`, `id = "ordinary"`, "category 4"},
		{`id = "sweets"`, `id = "refuse"`, "category 4"},
		{`prefix = "4902210"`, `prefix = ""`, "maker 1: the prefix"},
		{`prefix = "4902210"`, `prefix = "49O"`, "maker 1: the prefix"},
		{`prefix = "4902210"`, `prefix = "49022100000001"`, "maker 1: the prefix"},
		{`prefix = "490221055"`, `prefix = "4902210"`, "maker 2: the prefix"},
		{"category = \"sweets\"\nunits = 1", "category = \"sweet\"\nunits = 1", `maker 2: category "sweet"`},
		{"category = \"sweets\"\nunits = 1", "category = \"sweets\"\nunits = 0", "maker 2: units"},
		{"category = \"sweets\"\nunits = 1", "category = \"sweets\"\nunits = 10001", "maker 2: units"},
		{"units = 257", "", `cap "tobacco-day": neither yen nor units`},
		{"units = 257", "units = -1", `cap "tobacco-day": a limit is below zero`},
		{"yen = 10000\n\n[[cap]]", "yen = -10000\n\n[[cap]]", `cap "tobacco-sale": a limit is below zero`},
		{"units = 257", "units = 9223372036854775807", `cap "tobacco-day": a limit is above`},
		{"yen = 100000", "yen = 1000000000000001", `cap "all-offline": a limit is above`},
		{"units = 15", "units = 15\noffline_only = true", `cap "tobacco-sale": only a store's cap`},
		{"category = \"tobacco\"\nunits = 257", "category = \"tobaco\"\nunits = 257", `cap "tobacco-day": category "tobaco"`},

		{`gtin = "49400762"`, `gtin = "49400763"`, `watch 1: "49400763" is no article number`},
		{`gtin = "4902777130835"`, `gtin = "49400762"`, `watch 3: "49400762" is there twice`},
		{`gtin = "4902777130835"`, `gtin = "0000049400762"`, `watch 3: "0000049400762" is there twice`},
		{`gtin = "4902777130835"`, `gtin = "0614141000036"`, `watch 3: "0614141000036" is there twice`},
		{"category = \"sweets\"\nunits = 2", "category = \"sweet\"\nunits = 2", `watch 3: category "sweet"`},
		{"category = \"sweets\"\nunits = 2", "category = \"sweets\"\nunits = 0", "watch 3: units"},
		{"category = \"sweets\"\nunits = 2", "category = \"sweets\"\nunits = 10001", "watch 3: units"},

		{`id = "paypay"`, `id = ""`, "wallet 1"},
		{`prefix = "9000818188"`, `prefix = ""`, "wallet 1"},
		{`prefix = "9000818188"`, `prefix = "900O"`, "wallet 1"},
		{"min_length = 24", "min_length = 9", "wallet 1"},
		{"max_length = 24", "max_length = 23", "wallet 1"},
		{`key_id = "demo-1"`, "", "pass_issuer 1"},
		{`name = "demo-wallet"`, "", "pass_issuer 1"},
		{`key = "11qYAYKxCrfVS`, `key = "*1qYAYKxCrfVS`, "pass_issuer 1"},
		{`key = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="`, `key = "11qY"`, "pass_issuer 1"},
	} {
		text := storePolicy(t)
		if strings.Count(text, c.old) != 1 {
			t.Fatalf("%q is not once in the good policy", c.old)
		}
		p, err := policy.Parse(strings.Replace(text, c.old, c.new, 1))
		refused(t, c.new+" for "+c.old, err, policy.CodeRule, c.words)
		if p != nil {
			t.Errorf("%q: a policy came with the error", c.new)
		}
	}
	twice := storePolicy(t) + "\n[[pass_issuer]]\nname = \"b\"\nkey_id = \"demo-1\"\nkey = \"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
	_, err := policy.Parse(twice)
	refused(t, "a key_id twice", err, policy.CodeRule, "pass_issuer 2")
}

// The last number that a rule takes, on the side of TestLint's rows where it
// refuses the next one.
func TestNumbersAtTheirBoundsAreTaken(t *testing.T) {
	const most = "1000000000000000" // 10^15
	for _, c := range []struct{ old, new string }{
		{"version = 7", "version = 1"},
		{"version = 7", "version = " + most},
		{`query = "3s"`, `query = "1ns"`},
		{`give_up = "45s"`, `give_up = "5s"`}, // as long as an answer may take
		{`silence = "4s"`, `silence = "300ms"`},
		{`silence = "4s"`, `silence = "60s"`},
		{`redial = "2s"`, `redial = "50ms"`},
		{`redial = "2s"`, `redial = "60s"`},
		{`life = "60s"`, `life = "1ns"`},
		{`tolerance = "30s"`, `tolerance = "0s"`},
		{`new_for = "72h"`, `new_for = "0s"`},
		{"new_units_online = 1", "new_units_online = 0"},
		{"floor = 5000", "floor = 0"},
		{"floor = 5000", "floor = " + most},
		{"account_yen = 10000", "account_yen = 0"},
		{"account_yen = 10000", "account_yen = " + most},
		{"account_count = 5", "account_count = 0"},
		{"account_count = 5", "account_count = " + most},
		{"boot_yen = 20000", "boot_yen = 0"},
		{"boot_yen = 20000", "boot_yen = " + most},
		{`decline_bars = "24h"`, `decline_bars = "0s"`},
		{`full_for = "1h"`, `full_for = "0s"`},
		{`nothing_after = "24h"`, `nothing_after = "1h0m0.000000001s"`},
		{"register_percent = 10", "register_percent = 0"},
		{"register_percent = 10", "register_percent = 30"}, // all that the store may hold
		{"store_percent = 30", "store_percent = 100"},
		{`over = "72h"`, `over = "1m"`},
		{`over = "72h"`, `over = "744h"`}, // 31 days
		{"units = 257", "units = 0"},
		{"units = 257", "units = " + most},
		{"category = \"sweets\"\nunits = 2", "category = \"sweets\"\nunits = 1"},
		{"category = \"sweets\"\nunits = 2", "category = \"sweets\"\nunits = 10000"},
		{"category = \"sweets\"\nunits = 1", "category = \"sweets\"\nunits = 10000"},
		{`prefix = "490221055"`, `prefix = "4902210550008"`}, // a whole number of 13 digits
		{`prefix = "490221055"`, `prefix = "4"`},
		{"min_length = 24", "min_length = 10"}, // no longer than its prefix
		{`id = "sweets"`, `id = "!~"`},         // the first and the last visible character
	} {
		text := storePolicy(t)
		if strings.Count(text, c.old) != 1 {
			t.Fatalf("%q is not once in the good policy", c.old)
		}
		text = strings.Replace(text, c.old, c.new, 1)
		if c.old == `id = "sweets"` {
			text = strings.ReplaceAll(text, `category = "sweets"`, `category = "!~"`)
		}
		if _, err := policy.Parse(text); err != nil {
			t.Errorf("%s: %v", c.new, err)
		}
	}
}

func TestABusinessDayCutsOverToTheMinute(t *testing.T) {
	p := parsed(t, strings.Replace(storePolicy(t), `"05:00"`, `"04:30"`, 1))
	if want := 4*time.Hour + 30*time.Minute; p.Business.CutOver != want {
		t.Errorf("got %v, want %v", p.Business.CutOver, want)
	}
}

// A policy's ids and lists fit into the messages that name them: the last that
// fits is taken, one more is not.
func TestWhatFitsTheWire(t *testing.T) {
	rows := func(kind, more string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "\n[[%s]]\nid = \"more-%d\"\n%s", kind, i, more)
		}
		return b.String()
	}
	limit := "scope = \"store\"\nwindow = \"day\"\nunits = 1\n"
	good := storePolicy(t)
	p, err := policy.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, words string }{
		{"an id of 64", strings.Replace(good, `id = "tobacco-day"`, `id = "`+strings.Repeat("x", 64)+`"`, 1), ""},
		{"200 categories", good + rows("category", "", 200-len(p.HighResale)), ""},
		{"201 categories", good + rows("category", "", 201-len(p.HighResale)), "more than 200 categories"},
		{"200 caps", good + rows("cap", limit, 200-len(p.Caps)), ""},
		{"200 makers", good + makerRows(200-len(p.Makers)), ""},
		{"201 makers", good + makerRows(201-len(p.Makers)), "more than 200 makers"},
		{"201 caps", good + rows("cap", limit, 201-len(p.Caps)), "more than 200 caps"},
	} {
		_, err := policy.Parse(c.text)
		if c.words != "" {
			refused(t, c.name, err, policy.CodeRule, c.words)
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func makerRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n[[maker]]\nprefix = \"%d\"\ncategory = \"tobacco\"\nunits = 1\n", 1000+i)
	}
	return b.String()
}

// All that is wrong is told at once, so that head office mends it in one round.
func TestLintTellsEverything(t *testing.T) {
	text := strings.NewReplacer("version = 7", "version = 0", `life = "60s"`, `life = "0s"`, "units = 257", "units = -1", `gtin = "49400762"`, `gtin = "1"`).Replace(storePolicy(t))
	_, err := policy.Parse(text)
	for _, words := range []string{"version", "pass:", `cap "tobacco-day"`, "watch 1"} {
		refused(t, words, err, policy.CodeRule, words)
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ old, new, words string }{
		{"version = 7", "version = 7\nspeed = 1", "speed"},
		{"floor = 5000", "floor = 5000\nflor = 1", "offline.flor"},
		{"units = 257", "units = 257\nunit = 1", "cap.unit"},
		{"[reserve]", "[reserves]", "reserves"},
		{"floor = 5000", "Floor = 5000", "offline.Floor"},
		{"floor = 5000", "floor = 5000\nFLOOR = 9000", "offline.FLOOR"},
		{"[offline]", "[Offline]", "Offline"},
		// To the decoder ſ is an s and K (the Kelvin sign) a k.
		{"units = 257", "units = 257\n\"unitſ\" = 999999", "cap.\"unitſ\""},
		{"version = 7", "version = 7\n\"verſion\" = 9", "verſion"},
		{"version = 7", "version = 7\nversion = 8", "no TOML"},
		{"version = 7", `version = "7"`, "no TOML"},
		{"version = 7", "version = 7.5", "no TOML"},
		{`answer = "5s"`, "answer = 5", "no TOML"},
		{`answer = "5s"`, `answer = "five"`, "no TOML"},
		{"2030-01-01T00:00:00+09:00", "2030-01-01T00:00:00", "a time with its offset"},
		{"2030-01-01T00:00:00+09:00", "2030-01-01", "a time with its offset"},
		{"2030-01-01T00:00:00+09:00", "05:00:00", "a time with its offset"},
		{"2030-01-01T00:00:00+09:00", `"2030-01-01T00:00:00+09:00"`, "a time with its offset"},
		{"units = 257", "units = 99999999999999999999", "no TOML"},
		{"high_resale = true\n\n[[category]]\nid = \"gift card\"", "high_resale = 1\n\n[[category]]\nid = \"gift card\"", "no TOML"},
	} {
		text := storePolicy(t)
		if strings.Count(text, c.old) != 1 {
			t.Fatalf("%q is not once in the good policy", c.old)
		}
		p, err := policy.Parse(strings.Replace(text, c.old, c.new, 1))
		refused(t, c.new, err, policy.CodeText, c.words)
		if p != nil {
			t.Errorf("%q: a policy came with the error", c.new)
		}
	}
}

func TestErrorTellsItsCause(t *testing.T) {
	cause := errors.New("the cause")
	err := &policy.Error{Code: policy.CodeText, Text: "the text", Cause: cause}
	if err.Error() != "the text: the cause" || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if bare := (&policy.Error{Text: "the text"}); bare.Error() != "the text" || bare.Unwrap() != nil {
		t.Errorf("got %v", bare)
	}
}

// FuzzParse: any text gives a policy that keeps its promises, or an *Error. Its
// seeds are a whole policy, the least one, and one with half of its rules wrong.
func FuzzParse(f *testing.F) {
	f.Add(storePolicy(f))
	if seeds, err := filepath.Glob("testdata/fuzz/FuzzParse/*"); err != nil || len(seeds) == 0 {
		f.Fatalf("the seeds are gone: %v", err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*policy.Error](err); !ok || p != nil {
				t.Fatalf("got %v and %T: %v", p, err, err)
			}
			return
		}
		for _, age := range []time.Duration{-1, 0, p.Offline.FullFor, p.Offline.FullFor + 1, p.Offline.NothingAfter - 1, p.Offline.NothingAfter, math.MaxInt64} {
			if share := p.Offline.Ageing(age); share < 0 || share > 1000 {
				t.Fatalf("a share of %d at %v", share, age)
			}
		}
		for gtin := range p.Watch {
			if !gtin.Valid() || gtin.Canonical() != gtin {
				t.Fatalf("watches %q", gtin)
			}
		}
	})
}

// Where a policy says nothing of the line's pace it is the default.
func TestThePaceOfTheLineMayBeMissing(t *testing.T) {
	text := strings.NewReplacer("silence = \"4s\"\n", "", "redial = \"2s\"\n", "").Replace(storePolicy(t))
	if got := parsed(t, text).Times; got.Silence != 6*time.Second || got.Redial != 3*time.Second {
		t.Errorf("silence %v, redial %v", got.Silence, got.Redial)
	}
}
