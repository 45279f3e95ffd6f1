package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/journal"
)

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
