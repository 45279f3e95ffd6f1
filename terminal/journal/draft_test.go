package journal_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

func paid() terminal.Payment {
	return terminal.Payment{
		ID: "0190", Number: 42, State: terminal.Rejected, Reason: "account.denied", Sale: "pos-7/1", Revision: 3, SaleHash: "ab",
		Amount: 720, Offline: true, Code: terminal.CodePass, Issuer: "demo-wallet", Masked: "…1234", Account: "00ff", Seen: "5ee",
		Incarnation: "old", Day: "2019-07-02", Versions: terminal.Versions{Policy: 7, Freeze: 8, Denials: 9},
		Spends: []terminal.Spend{{
			Cap: "tobacco-day", Window: "2019-07-02",
			Reserved: terminal.Amount{Yen: 580, Units: 1}, Need: terminal.Amount{Yen: 1160, Units: 2},
		}},
		Categories: []terminal.Category{"gift-card", "tobacco"},
		Created:    1, NotAfter: 2, Decided: 1562011200000, Approval: "A1", Bearer: "operator",
		Void: &terminal.Void{ID: "v", At: 3},
	}
}

func TestOfPaymentDraftsWhatHappenedAndKeepsThePersonApart(t *testing.T) {
	got := journal.OfPayment(paid(), "now")
	want := journal.Draft{
		Entry: journal.Entry{
			Time: 1562011200000, Type: "payment", Incarnation: "now", Payment: "0190", State: "rejected", Reason: "account.denied",
			Sale: "pos-7/1", Revision: 3, SaleHash: "ab", Amount: 720, Currency: "JPY", Offline: true, Day: "2019-07-02",
			Spends:   []journal.Spend{{Cap: "tobacco-day", Window: "2019-07-02", Yen: 1740, Units: 3}},
			Approval: "A1", Bearer: "operator", Policy: 7, Categories: []terminal.Category{"gift-card", "tobacco"},
		},
		Private: &journal.Private{Code: "pass", Issuer: "demo-wallet", Account: "00ff", Masked: "…1234", Seen: "5ee"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %+v\nwant %+v, %+v", got.Entry, got.Private, want.Entry, want.Private)
	}
	leaf, err := got.Entry.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"demo-wallet", "1234", "00ff", "5ee"} { // what the law may want erased
		if strings.Contains(string(leaf), private) {
			t.Errorf("the leaf holds %q for ever: %s", private, leaf)
		}
	}
}

func TestOfMarkDraftsWhoSetIt(t *testing.T) {
	handed := paid()
	handed.Void = nil
	for _, c := range []struct {
		p    terminal.Payment
		mark string
		by   string
		void terminal.VoidID
	}{
		{handed, journal.MarkHandedOver, "next-sale", ""},
		{paid(), journal.MarkVoid, "cashier", "v"},
		{paid(), journal.MarkVoided, "", "v"},
	} {
		got := journal.OfMark(c.p, "now", 5, c.mark, c.by)
		want := journal.Draft{Entry: journal.Entry{
			Time: 5, Type: "mark", Incarnation: "now", Payment: "0190", State: "rejected", Mark: c.mark, By: c.by, Void: c.void,
			Sale: "pos-7/1", Amount: 720, Currency: "JPY",
		}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v", c.mark, got)
		}
	}
}

func TestOfPruningDraftsWhatGoesAndWhoHasIt(t *testing.T) {
	got := journal.OfPruning(7, journal.Head{Size: 9, Root: tlog.Hash{0: 0xab, 31: 0xcd}}, "now", 5)
	leaf, err := got.Entry.Leaf()
	const want = `{"first":7,"incarnation":"now","root":"ab000000000000000000000000000000000000000000000000000000000000cd","seq":0,"size":9,"time":5,"type":"pruned","v":1}`
	if err != nil || string(leaf) != want || got.Private != nil {
		t.Errorf("got %s, %+v, %v", leaf, got.Private, err)
	}
}

// I7: neither part has a place for a raw code. Who adds a field must list it
// here, and say there what it holds.
func TestI7NoPlaceForARawCode(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{journal.Entry{}, `v seq time type incarnation payment state reason mark by void refund sale revision sale_hash amount currency
			offline business_day spends categories approval_code bearer policy freeze roles first size root private`},
		{journal.Private{}, `code issuer account masked seen`},
		{journal.Spend{}, `cap window yen units`},
	} {
		var got []string
		for field := range reflect.TypeOf(c.value).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			got = append(got, name)
		}
		slices.Sort(got)
		if want := slices.Sorted(strings.FieldsSeq(c.want)); !slices.Equal(got, want) {
			t.Errorf("%T has fields\n%v, want\n%v", c.value, got, want)
		}
	}
}
