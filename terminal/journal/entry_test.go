package journal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

func whole() journal.Entry {
	return journal.Entry{
		Version: 1, Seq: 41, Time: 1562011200000, Type: journal.TypePayment, Incarnation: "00ff",
		Payment: "0190", State: terminal.Approved, Reason: "busy", Mark: "m", By: "cashier", Void: "v", Refund: "r",
		Sale: "pos-7/1", Revision: 3, SaleHash: "ab", Amount: 720, Currency: "JPY", Offline: true, Day: "2019-07-02",
		Spends:   []journal.Spend{{Cap: "tobacco-day", Window: "2019-07-02", Yen: 580, Units: 1}},
		Approval: "A1", Policy: 7, Freeze: 8, Roles: 9, First: 10, Size: 11, Root: "ef", Private: "cd", Categories: []terminal.Category{"gift-card", "tobacco"},
	}
}

// Written by hand from RFC 8785: keys sorted, no white space.
const wholeLeaf = `{"amount":720,"approval_code":"A1","business_day":"2019-07-02","by":"cashier","categories":["gift-card","tobacco"],"currency":"JPY","first":10,"freeze":8,` +
	`"incarnation":"00ff","mark":"m","offline":true,"payment":"0190","policy":7,"private":"cd","reason":"busy","refund":"r","revision":3,"roles":9,"root":"ef",` +
	`"sale":"pos-7/1","sale_hash":"ab","seq":41,"size":11,"spends":[{"cap":"tobacco-day","units":1,"window":"2019-07-02","yen":580}],` +
	`"state":"approved","time":1562011200000,"type":"payment","v":1,"void":"v"}`

func TestLeafIsCanonical(t *testing.T) {
	text := func(sale string) journal.Entry {
		return journal.Entry{Type: journal.TypeStart, Sale: terminal.SaleRef(sale)}
	}
	for _, c := range []struct {
		name string
		in   journal.Entry
		want string
	}{
		{"every field", whole(), wholeLeaf},
		{"the least", journal.Entry{Type: journal.TypeStart}, `{"incarnation":"","seq":0,"time":0,"type":"start","v":1}`},
		{"a version is not the caller's to choose", journal.Entry{Version: 9, Type: journal.TypeStart}, `{"incarnation":"","seq":0,"time":0,"type":"start","v":1}`},
		// RFC 8785, 3.2.2.2: only what must be escaped is, and what HTML needs is not.
		{"HTML", text(`<a href="x">&`), `{"incarnation":"","sale":"<a href=\"x\">&","seq":0,"time":0,"type":"start","v":1}`},
		{"controls", text("\b\t\n\f\r\x1f\x7f\\/"), `{"incarnation":"","sale":"\b\t\n\f\r\u001f` + "\x7f" + `\\/","seq":0,"time":0,"type":"start","v":1}`},
		{"Japanese, and line separators", text("弁当\u2028\u2029😀"), `{"incarnation":"","sale":"弁当` + "\u2028\u2029" + `😀","seq":0,"time":0,"type":"start","v":1}`},
		{"the largest exact number", journal.Entry{Type: journal.TypeStart, Seq: 1<<53 - 1}, `{"incarnation":"","seq":9007199254740991,"time":0,"type":"start","v":1}`},
	} {
		got, err := c.in.Leaf()
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\ngot  %s, %v\nwant %s", c.name, got, err, c.want)
		}
	}
}

// RFC 8785 writes doubles: above 2^53 two entries would have one leaf.
func TestI6LeafRefusesNumbersThatItCannotHold(t *testing.T) {
	for name, change := range map[string]func(*journal.Entry, int64){
		"seq":      func(e *journal.Entry, n int64) { e.Seq = n },
		"time":     func(e *journal.Entry, n int64) { e.Time = terminal.Millis(n) },
		"revision": func(e *journal.Entry, n int64) { e.Revision = n },
		"amount":   func(e *journal.Entry, n int64) { e.Amount = n },
		"policy":   func(e *journal.Entry, n int64) { e.Policy = n },
		"first":    func(e *journal.Entry, n int64) { e.First = n },
		"size":     func(e *journal.Entry, n int64) { e.Size = n },
		"yen":      func(e *journal.Entry, n int64) { e.Spends[0].Yen = n },
		"units":    func(e *journal.Entry, n int64) { e.Spends[0].Units = n },
	} {
		for _, n := range []int64{1 << 53, -1 << 53, math.MaxInt64, math.MinInt64} {
			e := whole()
			change(&e, n)
			if leaf, err := e.Leaf(); err == nil {
				t.Errorf("%s of %d gives %s", name, n, leaf)
			}
		}
		e := whole()
		change(&e, 1<<53-1)
		if leaf, err := e.Leaf(); err != nil || !strings.Contains(string(leaf), "9007199254740991") {
			t.Errorf("%s of 2^53 - 1: %s, %v", name, leaf, err)
		}
	}
}

func TestI6ParseTakesOnlyWhatLeafMakes(t *testing.T) {
	if got, err := journal.Parse([]byte(wholeLeaf)); err != nil || !reflect.DeepEqual(got, whole()) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, c := range []struct{ name, old, new string }{
		{"white space before", `{"amount"`, ` {"amount"`},
		{"white space within", `"amount":720`, `"amount": 720`},
		{"white space after", `"void":"v"}`, "\"void\":\"v\"}\n"},
		{"two leaves", `"void":"v"}`, `"void":"v"}{}`},
		{"keys in another order", `"amount":720,"approval_code":"A1"`, `"approval_code":"A1","amount":720`},
		{"an unknown field", `"void":"v"`, `"void":"v","x":1`},
		{"an unknown field of a spend", `"units":1,`, `"extra":1,"units":1,`},
		{"a key twice", `"amount":720`, `"amount":720,"amount":720`},
		{"another spelling", `"amount":720`, `"Amount":720`},
		{"a zero that is left out", `"offline":true`, `"offline":false`},
		{"another version", `"v":1`, `"v":2`},
		{"version 0", `"v":1`, `"v":0`},
		{"no version", `"v":1,`, ``},
		{"a float", `"amount":720`, `"amount":720.5`},
		{"a float that is whole", `"amount":720`, `"amount":720.0`},
		{"an exponent", `"amount":720`, `"amount":7.2e2`},
		{"minus nothing", `"seq":41`, `"seq":-0`},
		{"a number as text", `"amount":720`, `"amount":"720"`},
		{"too large a number", `"amount":720`, `"amount":9007199254740993`},
		{"beyond 64 bits", `"amount":720`, `"amount":99999999999999999999`},
		{"an escape too many", `"A1"`, `"\u0041\u0031"`},
		{"no UTF-8", `"A1"`, "\"A\xff\""},
		{"half a surrogate", `"A1"`, `"\ud800"`},
		{"null", `"A1"`, `null`},
		{"cut short", `,"void":"v"}`, ``},
		{"a byte order mark", `{"amount"`, "\ufeff" + `{"amount"`},
	} {
		if strings.Count(wholeLeaf, c.old) != 1 {
			t.Fatalf("%s: %q is not once in the leaf", c.name, c.old)
		}
		got, err := journal.Parse([]byte(strings.Replace(wholeLeaf, c.old, c.new, 1)))
		if !errors.Is(err, journal.ErrLeaf) || !reflect.DeepEqual(got, journal.Entry{}) {
			t.Errorf("%s: got %+v, %v", c.name, got, err)
		}
	}
	for _, text := range []string{"", "null", "[]", "{}", "1", `"x"`, "\x00"} {
		if got, err := journal.Parse([]byte(text)); !errors.Is(err, journal.ErrLeaf) || !reflect.DeepEqual(got, journal.Entry{}) {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func entries() *rapid.Generator[journal.Entry] {
	number := rapid.Int64Range(-(1<<53 - 1), 1<<53-1)
	return rapid.Custom(func(t *rapid.T) journal.Entry {
		e := journal.Entry{
			Version: 1, Seq: number.Draw(t, "seq"), Time: terminal.Millis(number.Draw(t, "time")),
			Type:     rapid.SampledFrom([]journal.Type{journal.TypeStart, journal.TypeMark, "later"}).Draw(t, "type"),
			Sale:     terminal.SaleRef(rapid.String().Draw(t, "sale")),
			Approval: rapid.String().Draw(t, "approval"),
			Offline:  rapid.Bool().Draw(t, "offline"),
			Amount:   number.Draw(t, "amount"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "spends") {
			e.Spends = append(e.Spends, journal.Spend{Cap: terminal.CapID(rapid.String().Draw(t, "cap")), Yen: number.Draw(t, "yen")})
		}
		return e
	})
}

// Leaf and Parse agree: one entry, one leaf, and back.
func TestI6LeafAndParseAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entries().Draw(t, "entry")
		leaf, err := e.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		back, err := journal.Parse(leaf)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%s\ngot  %+v, %v\nwant %+v", leaf, back, err, e)
		}
	})
}

// SHA-256 over the salt and the canonical bytes, here taken apart by hand.
func TestI7ThePrivatePartIsHashedWithItsSalt(t *testing.T) {
	p := journal.Private{Code: terminal.CodePass, Issuer: "demo-wallet", Account: "00ff", Masked: "…1234", Seen: "ab"}
	salt := [journal.SaltSize]byte{1, 2, 3}
	private, hash, err := p.Seal(salt)
	const want = `{"account":"00ff","code":"pass","issuer":"demo-wallet","masked":"…1234","seen":"ab"}`
	sum := sha256.Sum256(append([]byte("\x01\x02\x03"+strings.Repeat("\x00", 29)), want...))
	if err != nil || string(private) != want || hash != hex.EncodeToString(sum[:]) {
		t.Errorf("got %s, %s, %v", private, hash, err)
	}
	if again := journal.HashPrivate(salt, private); again != hash {
		t.Errorf("got %s", again)
	}
	if _, other, _ := p.Seal([journal.SaltSize]byte{1, 2, 4}); other == hash {
		t.Error("the salt does not count: an account could be guessed")
	}
	if salt != [journal.SaltSize]byte{1, 2, 3} {
		t.Error("the salt was changed")
	}
	if journal.SaltSize < 16 { // 128 bits cannot be tried
		t.Errorf("a salt of %d bytes", journal.SaltSize)
	}
}
