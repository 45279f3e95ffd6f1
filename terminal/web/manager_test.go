package web

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/pin"
)

const somePIN = "246810"

// manager is a browser at the manager's page.
type browser struct {
	t       *testing.T
	x       *till
	session string
}

// newBrowser opens the till's page, with a PIN set where there is one.
func newBrowser(t *testing.T, secret string) *browser {
	t.Helper()
	x := newTill(t)
	x.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if secret != "" {
		hash, err := pin.Hash(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(x.gate.File, []byte(hash), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &browser{t: t, x: x}
}

func (b *browser) do(method, path string, form url.Values, edit ...func(*http.Request)) answer {
	b.t.Helper()
	return b.x.do(b.t, method, path, form.Encode(), append([]func(*http.Request){func(r *http.Request) {
		cookie(r)
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", b.x.URL)
		}
		if b.session != "" {
			r.AddCookie(&http.Cookie{Name: managerCookie(r), Value: b.session})
		}
	}}, edit...)...)
}

func (b *browser) get(path string, edit ...func(*http.Request)) answer {
	b.t.Helper()
	return b.do("GET", path, nil, edit...)
}

func (b *browser) post(path string, form url.Values, edit ...func(*http.Request)) answer {
	b.t.Helper()
	if form == nil {
		form = url.Values{"x": {""}}
	}
	return b.do("POST", path, form, edit...)
}

// open types a PIN and keeps the session.
func (b *browser) open(secret string) answer {
	b.t.Helper()
	a := b.post("/manager/pin", url.Values{"pin": {secret}})
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/manager" || len(c.Value) != 43 {
			b.t.Errorf("cookie %s", a.header.Get("Set-Cookie"))
		}
		b.session = c.Value
	}
	return a
}

// inside says whether the page shows what is behind the PIN.
func (b *browser) inside() bool {
	b.t.Helper()
	a := b.get("/manager")
	if a.status != http.StatusOK {
		b.t.Fatalf("%d %s", a.status, a.body)
	}
	return bytes.Contains(a.body, []byte(`action="/manager/leave"`))
}

func says(t *testing.T, a answer, key string, values ...string) bool {
	t.Helper()
	all, err := managerWords()
	if err != nil {
		t.Fatal(err)
	}
	text := all[firstLanguage][key]
	if text == "" {
		t.Fatalf("no word %s", key)
	}
	for _, v := range values {
		text = strings.ReplaceAll(text, "{}", v)
	}
	return strings.Contains(string(a.body), text)
}

func TestI6ManagerNeedsThePINOfThisRegister(t *testing.T) {
	b := newBrowser(t, somePIN)
	if b.inside() {
		t.Fatal("no PIN was asked for")
	}
	if a := b.open("135791"); a.status != http.StatusForbidden || !says(t, a, "pin.wrong") || b.session != "" || b.inside() {
		t.Errorf("a wrong PIN: %d", a.status)
	}
	if a := b.open(somePIN); a.status != http.StatusSeeOther || a.header.Get("Location") != "/manager" || !b.inside() {
		t.Errorf("the PIN: %d", a.status)
	}
	first := b.session
	if b.open(somePIN); b.session == first || !b.inside() {
		t.Error("no new session")
	}
	second := b.session
	if b.session = first; b.inside() {
		t.Error("two sessions at once")
	}
	b.session = second
	if a := b.get("/manager", func(r *http.Request) { r.Header.Del("Cookie") }); a.status != http.StatusUnauthorized {
		t.Errorf("without the till's cookie: %d", a.status)
	}
	b.x.boot += managerIdle - 1
	if !b.inside() {
		t.Error("the session ended while it was used")
	}
	b.x.boot += managerIdle
	if b.inside() {
		t.Error("the session outlived its use")
	}
	b.open(somePIN)
	if a := b.post("/manager/leave", nil); a.status != http.StatusSeeOther || b.inside() {
		t.Errorf("locked: %d", a.status)
	}
}

func TestI6WrongPINsWaitAtThePage(t *testing.T) {
	b := newBrowser(t, somePIN)
	for range 5 {
		b.open("135791")
	}
	for _, secret := range []string{"135791", somePIN} {
		a := b.open(secret)
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "61" || !says(t, a, "pin.wait", "1") || b.inside() {
			t.Errorf("%d, Retry-After %s", a.status, a.header.Get("Retry-After"))
		}
	}
	b.x.boot += time.Minute
	if b.open(somePIN); !b.inside() {
		t.Error("the right PIN after the wait does not open")
	}
}

func TestManagerIsToldHowToSetAPIN(t *testing.T) {
	b := newBrowser(t, "")
	a := b.get("/manager")
	if !says(t, a, "pin.none") || !strings.Contains(string(a.body), "--set-pin") || strings.Contains(string(a.body), `name="pin"`) {
		t.Errorf("%s", a.body)
	}
	if a := b.open(somePIN); a.status != http.StatusForbidden || b.inside() {
		t.Errorf("a PIN where none is set: %d", a.status)
	}
	if err := os.WriteFile(b.x.gate.File, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := b.get("/manager"); strings.Contains(string(a.body), `action="/manager/leave"`) {
		t.Error("a broken PIN opens the page")
	}
	if a := b.open(somePIN); a.status != http.StatusForbidden || !says(t, a, "pin.broken") {
		t.Errorf("a broken PIN: %d", a.status)
	}
}

// Nothing behind the PIN is done or shown without it, nor for a page of another
// origin, nor for a program that has no PIN but a token.
func TestI6NothingIsDoneWithoutThePIN(t *testing.T) {
	b := newBrowser(t, somePIN)
	b.x.ledger.write(t, journal.Entry{Type: journal.TypePayment, Payment: somePayment, Sale: "SECRET"})
	resolve := "/manager/payments/" + somePayment + "/resolve"
	for _, path := range []string{"/manager", "/manager/journal", "/manager/payments/" + somePayment} {
		if a := b.get(path); strings.Contains(string(a.body), "SECRET") {
			t.Errorf("%s shows what is behind the PIN", path)
		}
		if a := b.get(path, bearer(someTokens.Staff)); strings.Contains(string(a.body), "SECRET") {
			t.Errorf("%s opens for a token", path)
		}
	}
	b.post(resolve, url.Values{"reverse": {"yes"}})
	b.open(somePIN)
	for name, edit := range map[string]func(*http.Request){
		"no origin":      func(r *http.Request) { r.Header.Del("Origin") },
		"another origin": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"a hidden one":   func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		if a := b.post(resolve, nil, edit); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, a.status)
		}
		if a := b.post("/manager/pin", url.Values{"pin": {somePIN}}, edit); a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if got := b.x.desk.asked(); len(got) != 0 {
		t.Fatalf("the register was asked: %+v", got)
	}
	for _, form := range []url.Values{{}, {"reverse": {"yes"}}} {
		form.Set("x", "")
		if a := b.post(resolve, form); a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/manager/payments/"+somePayment+"?told=") {
			t.Errorf("%d to %s", a.status, a.header.Get("Location"))
		}
	}
	got := b.x.desk.asked()
	if len(got) != 2 || got[0].name != "resolve" || got[0].reverse || !got[1].reverse || got[0].id != somePayment {
		t.Errorf("the register was asked %+v", got)
	}
}

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

func TestI7ManagersPINIsNotLogged(t *testing.T) {
	b := newBrowser(t, somePIN)
	var log bytes.Buffer
	b.x.server.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.open("135791")
	b.open(somePIN)
	b.get("/manager")
	for _, secret := range []string{"135791", somePIN, b.session} {
		if secret == "" || strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, &log)
		}
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
	for _, kind := range []journal.Type{journal.TypeStart, journal.TypePolicy, journal.TypeErase, journal.TypeStop, journal.TypeRoles, journal.TypeFreeze, journal.TypeQuarantine} {
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
	if !says(t, a, "parked.what") || !says(t, a, "parked.untried") || !says(t, a, "out.advice") || !says(t, a, "aside.what") {
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
