package web

import (
	"bytes"
	"fmt"
	"maps"
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

func TestManagerSeesWhatWaitsAndWhatIsStopped(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	b.x.desk.view = register.View{
		Register: "register-1", Store: "store-1", Time: 1562011200000, Clock: "authenticated", Storage: "ok", Parked: 2,
		Policy: register.PolicyView{Version: 7, State: "in-force"}, Quarantine: "ledger.older", Frozen: []string{"all", "gift-card"}, Stopping: true,
		Link: register.LinkView{State: terminal.LineDown, Reason: terminal.LineUntrusted},
	}
	b.x.desk.caps = []register.Holding{{Cap: "tobacco-day", Category: "tobacco", Held: terminal.Amount{Units: 12}, Used: terminal.Amount{Units: 1234}, Counts: []string{"units"}}}
	b.x.desk.rules = register.Rules{Policy: "version = 7\n\n— head A\n", PolicyVersion: 7, Class: "city"}
	b.x.ledger.open = []terminal.Payment{{ID: somePayment}}
	a := b.get("/manager")
	for _, key := range []string{"stopping", "line.untrusted", "quarantine", "quarantine.ledger.older", "frozen", "frozen.all", "open", "held.what", "rules.who"} {
		if !says(t, a, key) {
			t.Errorf("the page does not say %s", key)
		}
	}
	if !says(t, a, "parked", "2") {
		t.Error("the page does not tell of parked messages")
	}
	for _, text := range []string{"tobacco-day", "1,234", "gift-card", "city", "/manager/payments/" + somePayment} {
		if !strings.Contains(string(a.body), text) {
			t.Errorf("the page does not show %s", text)
		}
	}
}

func TestManagerChoosesALanguage(t *testing.T) {
	b := newBrowser(t, somePIN)
	all, err := managerWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range terminal.Languages {
		a := b.get("/manager/language/" + tag)
		cookies := (&http.Response{Header: a.header}).Cookies()
		if a.status != http.StatusSeeOther || len(cookies) != 1 {
			t.Fatalf("%s: %d", tag, a.status)
		}
		a = b.get("/manager", func(r *http.Request) { r.AddCookie(cookies[0]) })
		if !strings.Contains(string(a.body), `<html lang="`+tag+`">`) || !bytes.Contains(a.body, []byte(strings.ReplaceAll(all[tag]["pin.title"], "'", "&#39;"))) {
			t.Errorf("%s: %s", tag, a.body)
		}
	}
	if a := b.get("/manager/language/xx"); a.header.Get("Set-Cookie") != "" {
		t.Error("an unknown language is kept")
	}
}

func TestManagersPageHasEveryWordInEveryLanguage(t *testing.T) {
	all, err := managerWords()
	if err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(all[firstLanguage]))
	for _, tag := range terminal.Languages {
		if got := slices.Sorted(maps.Keys(all[tag])); !slices.Equal(got, keys) {
			t.Errorf("%s has the words %q, %s has %q", tag, got, firstLanguage, keys)
		}
	}
	template, err := pageFiles.ReadFile("page/manager.html")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"language": true, "pin.wrong": true, "pin.wait": true, "pin.none": true, "pin.broken": true, "yen": true, "units": true,
		"filter.time": true, "filter.reason": true, "filter.payment": true, "filter.pruned": true, "type.damaged": true}
	for _, m := range regexp.MustCompile(`\b(?:w|filled) "([a-z.-]+)"`).FindAllStringSubmatch(string(template), -1) {
		used[m[1]] = true
	}
	kinds := map[string]bool{"mark": true, "type": true}
	for _, m := range regexp.MustCompile(`\bsaid "([a-z]+)"`).FindAllStringSubmatch(string(template), -1) {
		kinds[m[1]] = true
	}
	for key := range used {
		if all[firstLanguage][key] == "" {
			t.Errorf("the page uses %q, which is no word", key)
		}
	}
	for _, key := range keys {
		if kind, _, _ := strings.Cut(key, "."); !used[key] && !kinds[kind] {
			t.Errorf("no part of the page uses the word %q", key)
		}
	}
	for _, why := range register.Doubts() {
		if all["en"]["quarantine."+why] == "" {
			t.Errorf("no word for a quarantine because of %s", why)
		}
	}
	for _, kind := range []register.OutboxKind{register.OutAdvice, register.OutReversal, register.OutVoid, register.OutRefund} {
		if all["en"]["out."+string(kind)] == "" {
			t.Errorf("no word for a message of the kind %s", kind)
		}
	}
	for _, s := range []terminal.State{terminal.Refused, terminal.Sent, terminal.Approved, terminal.Declined, terminal.Unknown, terminal.Reversing,
		terminal.Reversed, terminal.ApprovedOffline, terminal.Advised, terminal.Settled, terminal.Rejected} {
		if all["en"]["state."+string(s)] == "" {
			t.Errorf("no word for the state %s", s)
		}
	}
	for _, kind := range []journal.Type{journal.TypeStart, journal.TypePolicy, journal.TypeErase, journal.TypePruned, journal.TypeStop, journal.TypeRoles, journal.TypeFreeze, journal.TypeQuarantine} {
		if all["en"]["type."+string(kind)] == "" {
			t.Errorf("no word for an entry of the type %s", kind)
		}
	}
}

// I8: what is parked stands on the page with why, and with its ways out.
func TestI8ManagerSeesWhatIsParkedAndItsWayOut(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.post("/manager/payments/"+somePayment+"/aside", nil)
	b.open(somePIN)
	if a := b.get("/manager"); says(t, a, "parked.list") || says(t, a, "rejected", "31") {
		t.Error("the page tells of what is not there")
	}
	b.x.desk.parked = []register.ParkedItem{
		{Payment: somePayment, Kind: register.OutAdvice, Why: `backend: <b>body</b>`}, {Payment: someRefund, Kind: "parcel"},
	}
	a := b.get("/manager")
	for _, text := range []string{"backend: &lt;b&gt;body", `action="/manager/payments/` + somePayment + `/aside"`, `action="/manager/payments/` + somePayment + `/resolve"`, "parcel"} {
		if !strings.Contains(string(a.body), text) {
			t.Errorf("no %s on the page", text)
		}
	}
	if !says(t, a, "parked.what") || !says(t, a, "parked.why") || !says(t, a, "parked.do") || !says(t, a, "parked.untried") || !says(t, a, "out.advice") || !says(t, a, "aside.what") {
		t.Errorf("%s", a.body)
	}
	if got := b.x.desk.asked(); slices.ContainsFunc(got, func(c call) bool { return c.name == "set aside" }) {
		t.Fatal("set aside without the PIN")
	}
	for want, err := range map[string]error{
		"aside": nil, "not-aside": &register.Error{Code: register.CodeNotAside, Text: "no"}, "not-done": &register.Error{Code: register.CodeStorage, Text: "no"},
	} {
		b.x.desk.err = err
		a := b.post("/manager/payments/"+somePayment+"/aside", nil)
		b.x.desk.err = nil
		if to := a.header.Get("Location"); a.status != http.StatusSeeOther || to != "/manager?told="+want {
			t.Errorf("%d to %s", a.status, to)
		} else if a := b.get(to); !says(t, a, "told."+want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	got := b.x.desk.asked()
	if n := slices.IndexFunc(got, func(c call) bool { return c.name == "set aside" }); n < 0 || got[n].id != somePayment {
		t.Errorf("%+v", got)
	}
	b.x.desk.verdict = terminal.VerdictOf(terminal.Payment{ID: somePayment, State: terminal.Advised}, terminal.Proof{})
	if a := b.get("/manager/payments/" + somePayment); !says(t, a, "aside.what") {
		t.Error("the case does not offer to set aside what is parked of it")
	}
	b.x.desk.parked = nil
	if a := b.get("/manager/payments/" + somePayment); says(t, a, "aside.what") {
		t.Error("what is not parked can be set aside")
	}
}

// I8: a certificate that ends is told days before, and not once the line is gone.
func TestI8ManagerHearsOfACertificateThatIsNotRenewed(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	b.x.desk.view = register.View{Time: 1562011200000, Storage: "ok", Policy: register.PolicyView{State: "in-force"}}
	late := LateRenewal{Due: 1561665600000, End: 1563912000000}
	due, end := clock(late.Due, time.Local), clock(late.End, time.Local)
	if a := b.get("/manager"); says(t, a, "certificate.ends", end) || says(t, a, "certificate.ended", end) {
		t.Error("the page tells of what is not")
	}
	b.x.late = late
	for _, tag := range terminal.Languages {
		a := b.get("/manager", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag}) })
		if !saysIn(t, a, tag, "certificate.ends", end) || !saysIn(t, a, tag, "certificate.due", due) || saysIn(t, a, tag, "certificate.ended", end) {
			t.Errorf("%s: %s", tag, a.body)
		}
	}
	b.x.late.Ended = true
	if a := b.get("/manager"); !says(t, a, "certificate.ended", end) || says(t, a, "certificate.ends", end) || says(t, a, "certificate.due", due) {
		t.Errorf("past its end: %s", a.body)
	}
}

// Lists and labels are written with each language's own signs.
func TestManagersListsAreWrittenAsTheLanguageDoes(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	b.x.desk.view = register.View{Storage: "ok", Policy: register.PolicyView{State: "in-force"}, Frozen: []string{"tobacco", "gift-card"},
		Link: register.LinkView{State: terminal.LineDown, Reason: terminal.LineUnreachable}}
	b.x.desk.caps = []register.Holding{{Cap: "c", Held: terminal.Amount{Yen: 5000, Units: 3}, Counts: []string{"yen", "units"}}}
	for tag, want := range map[string][]string{
		"ja": {"tobacco、gift-card", "5,000 円、3 個", "本部との通信：切れています"}, "ja-Hira": {"tobacco、gift-card", "5,000 えん、3 こ", "つうしん：きれています"}, "en": {"tobacco, gift-card", "5,000 yen, 3 units", "Line: down"},
	} {
		a := b.get("/manager", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag}) })
		for _, text := range want {
			if !strings.Contains(string(a.body), text) {
				t.Errorf("%s: no %q on the page", tag, text)
			}
		}
	}
}

// The manager sees each approval that did not hold, with why and who bears it, and
// each day's sums, in every language.
func TestManagerSeesWhoBearsWhatWasRejected(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.open(somePIN)
	const day, now = 24 * 3600 * 1000, terminal.Millis(1562011200000)
	b.x.desk.view = register.View{Time: now, Storage: "ok", Policy: register.PolicyView{State: "in-force"}}
	one := func(id string, on terminal.BusinessDay, bearer string, yen terminal.Yen, at terminal.Millis) terminal.Payment {
		return terminal.Payment{ID: terminal.PaymentID(id), State: terminal.Rejected, Reason: terminal.AccountDenied, Bearer: bearer, Amount: yen, Day: on, Created: at, Decided: at, Sale: "sale-" + terminal.SaleRef(id)}
	}
	b.x.ledger.refused = []terminal.Payment{
		one("1", "2019-07-02", "store", 600_000, now), one("2", "2019-07-02", "store", 700_000, now), one("3", "2019-07-02", "operator", 20, now),
		one("4", "2019-07-01", "", 7, now-day), one("5", "2019-07-01", "insurer", 8, now-day), one("old", "2019-05-01", "store", 1, now-32*day),
	}
	all, err := managerWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range terminal.Languages {
		a := b.get("/manager", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: languageCookie, Value: tag}) })
		w := all[tag]
		for _, text := range []string{
			"1,300,000 " + w["yen"], ">" + w["bearer.store"] + "<", ">" + w["bearer.operator"] + "<", ">" + w["bearer.none"] + "<", ">insurer<",
			strings.ReplaceAll(w["rejected"], "{}", "31"), string(terminal.AccountDenied), "sale-4", "7 " + w["yen"],
		} {
			if !strings.Contains(string(a.body), text) {
				t.Errorf("%s: no %q on the page", tag, text)
			}
		}
		if strings.Contains(string(a.body), "sale-old") {
			t.Errorf("%s: what is long ago is on the page", tag)
		}
	}
	for i := range 200 {
		b.x.ledger.refused = append(b.x.ledger.refused, one(fmt.Sprint("more-", i), "2019-07-02", "store", 1, now))
	}
	if a := b.get("/manager"); !says(t, a, "rejected.more", "105") || !strings.Contains(string(a.body), "1,300,200") {
		t.Error("a long list is not cut, or its sums are")
	}
	b.x.ledger.write(t, journal.Entry{Type: journal.TypePayment, State: terminal.Rejected, Payment: somePayment, Bearer: "store"})
	if a := b.get("/manager/journal"); !says(t, a, "bearer.store") {
		t.Error("the journal's page does not say who bears it")
	}
}
