package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// What is pruned is not on the page, and no button leads to it: who asks for a
// payment of that time is told where it is.
func TestManagerSeesWhereTheJournalBegins(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	for i := range 70 {
		b.x.ledger.write(t, journal.Entry{Type: journal.TypePayment, State: terminal.Approved, Payment: somePayment, Sale: terminal.SaleRef(fmt.Sprintf("sale-%03d", i))})
	}
	for first, want := range map[int64]struct {
		button bool
		last   string
	}{0: {true, "sale-020"}, 19: {true, "sale-020"}, 20: {false, "sale-020"}, 60: {false, "sale-060"}} {
		b.x.ledger.first = first
		a := b.get("/manager/journal")
		sales := regexp.MustCompile(`sale-\d+`).FindAllString(string(a.body), -1)
		if a.status != http.StatusOK || sales[len(sales)-1] != want.last || strings.Contains(string(a.body), "before=") != want.button {
			t.Errorf("from %d on: %d, the last is %s, more: %t", first, a.status, sales[len(sales)-1], strings.Contains(string(a.body), "before="))
		}
	}
	b.x.ledger.first = 60
	if a := b.get("/manager/journal?payment=59"); !says(t, a, "filter.pruned", "") {
		t.Error("a payment of an entry that is gone")
	}
	if a := b.get("/manager/journal?payment=60"); says(t, a, "filter.pruned", "") {
		t.Error("a payment of the first entry that is kept")
	}
	a := b.x.do(t, "GET", "/v1/journal?from=59", "")
	if a.status != http.StatusGone || !strings.Contains(string(a.body), `"code":"journal.pruned"`) || !strings.Contains(string(a.body), "begins with entry 60") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// I6: the entry that tells of what was deleted says so in words, and what is kept.
func TestI6ManagerSeesWhatWasPruned(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	b.x.ledger.write(t, journal.Entry{Type: journal.TypePruned, First: 4321, Size: 5000, Root: "ab"})
	if a := b.get("/manager/journal"); !says(t, a, "type.pruned") || !strings.Contains(string(a.body), "<small>4321</small>") {
		t.Errorf("%s", a.body)
	}
}

func TestManagerFindsEntries(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	start := time.Date(2019, 7, 2, 9, 0, 0, 0, time.Local)
	ids := []terminal.PaymentID{somePayment, someRefund}
	for i := range 240 {
		e := journal.Entry{Type: journal.TypePayment, State: terminal.Approved, Time: terminal.MillisOf(start.Add(time.Duration(i) * time.Minute)),
			Payment: ids[i%2], Sale: terminal.SaleRef(fmt.Sprintf("sale-%03d", i)), Amount: 580, Categories: []terminal.Category{"tobacco"},
			Spends: []journal.Spend{{Cap: "tobacco-day", Units: 10}}}
		if i%60 == 0 {
			e.State, e.Reason = terminal.Refused, terminal.CapStore
		}
		b.x.ledger.write(t, e)
	}
	sale := regexp.MustCompile(`sale-\d+`)
	found := func(query string) ([]string, string) {
		a := b.get("/manager/journal" + query)
		if a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
		older := regexp.MustCompile(`class="button" href="/manager/journal([^"]*)"`).FindStringSubmatch(string(a.body))
		if older == nil {
			return sale.FindAllString(string(a.body), -1), ""
		}
		return sale.FindAllString(string(a.body), -1), strings.ReplaceAll(older[1], "&amp;", "&")
	}
	var all []string
	for query := ""; ; {
		some, older := found(query)
		all = append(all, some...)
		if len(some) > pageEntries {
			t.Fatalf("%d on one page", len(some))
		}
		if query = older; older == "" {
			break
		}
	}
	if len(all) != 240 || all[0] != "sale-239" || all[239] != "sale-000" || !slices.IsSortedFunc(all, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("%d entries in the order %v", len(all), all)
	}
	for query, want := range map[string]string{
		"?reason=cap.store":                                   "sale-180 sale-120 sale-060 sale-000",
		"?from=2019-07-02T12:58&to=2019-07-02T13:00":          "sale-239 sale-238",
		"?reason=cap.store&to=2019-07-02T10:30":               "sale-060 sale-000",
		"?payment=59&from=2019-07-02T12:56":                   "sale-239 sale-237",
		"?payment=" + somePayment + "&from=2019-07-02T12:56":  "sale-238 sale-236",
		"?from=2019-07-03T00:00":                              "",
		"?before=2":                                           "sale-001 sale-000",
		"?before=0":                                           "",
		"?before=9223372036854775807&to=2019-07-02T09:02":     "sale-001 sale-000",
		"?before=x":                                           "",
		"?payment=9999":                                       "",
		"?reason=because":                                     "",
		"?from=today":                                         "",
		"?payment=x%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E": "",
	} {
		got, _ := found(query)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	a := b.get("/manager/journal?reason=cap.store")
	for _, text := range []string{"580", "tobacco-day", "2019-07-02 12:00:00", terminal.CapStore.Sentences()["ja"][:30]} {
		if !strings.Contains(string(a.body), text) {
			t.Errorf("no %s on the page", text)
		}
	}
	if a := b.get("/manager/journal?payment=%22%3E%3Cscript%3E"); strings.Contains(string(a.body), "><script>") {
		t.Error("the page shows what was typed as HTML")
	}
}

func TestManagerSeesOneCase(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	p := terminal.Payment{ID: somePayment, Number: 41, State: terminal.Unknown, Amount: 1234567, Sale: "sale-1", Masked: "…4321",
		Refunds: []terminal.Refund{{ID: someRefund, Amount: 1000, State: terminal.RefundAsked}}}
	b.x.desk.verdict = terminal.VerdictOf(p, terminal.Proof{})
	b.x.ledger.open = []terminal.Payment{p}
	b.x.ledger.write(t, journal.Entry{Type: journal.TypePayment, State: terminal.Sent, Payment: somePayment, Amount: 1234567})
	b.x.ledger.write(t, journal.Entry{Type: journal.TypePayment, State: terminal.Refused, Payment: someRefund, Sale: "another"})
	a := b.get("/manager/payments/" + somePayment + "?told=asked")
	for _, key := range []string{"told.asked", "state.unknown", "state.sent", "refund.asked", "again.what", "give-up.what"} {
		if !says(t, a, key) {
			t.Errorf("the page does not say %s", key)
		}
	}
	for _, text := range []string{"1,234,567 円", "1,000 円", "…4321", "sale-1"} {
		if !strings.Contains(string(a.body), text) {
			t.Errorf("the page does not show %s", text)
		}
	}
	if strings.Contains(string(a.body), "another") {
		t.Error("the page shows another case")
	}
	if a := b.get("/manager/payments/" + somePayment + "?told=give+10000+yen+back"); strings.Contains(string(a.body), "10000 yen back") {
		t.Error("the page says what an address makes it say")
	}
	b.x.ledger.open[0].State = terminal.Reversing
	if a := b.get("/manager/payments/" + somePayment); !says(t, a, "again.what") || says(t, a, "give-up.what") {
		t.Error("what is given up can be given up again")
	}
	b.x.ledger.open = nil
	if a := b.get("/manager/payments/" + somePayment); says(t, a, "again.what") {
		t.Error("what is settled can be asked about")
	}
	b.x.desk.err = &register.Error{Code: register.CodePaymentUnknown, Text: "no"}
	if a := b.get("/manager/payments/" + somePayment); a.status != http.StatusNotFound || !says(t, a, "trouble") {
		t.Errorf("an unknown payment: %d", a.status)
	}
}

// A journal entry that was changed to nonsense is seen, and the rest with it.
func TestManagerSeesADamagedEntry(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	b.x.ledger.write(t, journal.Entry{Type: journal.TypeStart})
	b.x.ledger.leaves = append(b.x.ledger.leaves, register.Leaf{Seq: 1, Bytes: []byte("nonsense")})
	if a := b.get("/manager/journal"); !says(t, a, "type.damaged") || !says(t, a, "type.start") {
		t.Errorf("%s", a.body)
	}
}
