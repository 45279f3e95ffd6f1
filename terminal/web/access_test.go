package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// staffOnly are the routes that a POS has no business with.
var staffOnly = []string{
	"GET /v1/journal", "GET /v1/payments", "GET /v1/policy", "POST /v1/payments/{id}/resolve", "POST /v1/payments/{id}/erase", "POST /v1/payments/{id}/set-aside",
}

func TestI6WhoMayAskWhat(t *testing.T) {
	set := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	cookieOf := func(value string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Del("Authorization")
			r.AddCookie(&http.Cookie{Name: pageCookie(r), Value: value})
		}
	}
	for _, who := range []struct {
		name       string
		edit       func(*http.Request)
		pos, staff int
	}{
		{"nobody", func(r *http.Request) { r.Header.Del("Authorization") }, 401, 401},
		{"a wrong token", bearer("pos-tokem"), 401, 401},
		{"a part of a token", bearer("pos-"), 401, 401},
		{"no token at all", set("Bearer "), 401, 401},
		{"another scheme", set("Basic pos-token"), 401, 401},
		{"a token with more behind it", bearer("pos-token pos-token"), 401, 401},
		{"two tokens", func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer pos-token", "Bearer staff-token"} }, 401, 401},
		{"the POS", bearer("pos-token"), 200, 403},
		{"the POS, in small letters", set("bearer pos-token"), 200, 403},
		{"the staff", bearer("staff-token"), 200, 200},
		{"the page", cookie, 200, 403},
		{"a page with the token itself", cookieOf("pos-token"), 401, 401},
		{"a page with no key", cookieOf(""), 401, 401},
		{"a page with a wrong bearer token", func(r *http.Request) { cookie(r); bearer("x")(r) }, 401, 401},
	} {
		t.Run(who.name, func(t *testing.T) {
			x := newTill(t)
			for _, r := range x.server.api() {
				if r.pattern == "/v1/events" {
					continue // see below: it does not end
				}
				path := strings.NewReplacer("{ref}", "a", "{id}", somePayment).Replace(r.pattern)
				want := who.pos
				if slices.Contains(staffOnly, r.method+" "+r.pattern) {
					want = who.staff
				}
				before := len(x.desk.asked())
				a := x.do(t, r.method, path, "", who.edit)
				if want == http.StatusOK {
					if a.status == http.StatusUnauthorized || a.status == http.StatusForbidden {
						t.Errorf("%s %s: %d", r.method, path, a.status)
					}
					continue
				}
				code, _ := a.problem(t)
				if wantCode := map[int]string{401: "request.token", 403: "request.forbidden"}[want]; a.status != want || code != wantCode {
					t.Errorf("%s %s: %d %s, want %d", r.method, path, a.status, code, want)
				}
				if (a.header.Get("WWW-Authenticate") == "Bearer") != (want == 401) {
					t.Errorf("%s %s: WWW-Authenticate is %q", r.method, path, a.header.Get("WWW-Authenticate"))
				}
				if len(x.desk.asked()) != before {
					t.Errorf("%s %s: the register was asked", r.method, path)
				}
			}
		})
	}
}

func TestEventsNeedTokenOrCookie(t *testing.T) {
	x := newTill(t)
	if a := x.do(t, "GET", "/v1/events", "", bearer("x")); a.status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", a.status)
	}
	for name, edit := range map[string]func(*http.Request){"the POS": bearer(someTokens.POS), "the page": cookie} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", x.URL+"/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		edit(req)
		res, err := x.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

// A register without tokens, as a fault in the wiring could make it, serves
// nobody.
func TestNoTokenOpensNothing(t *testing.T) {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8470/v1/state", nil)
	none := Tokens{}
	r.AddCookie(&http.Cookie{Name: pageCookie(r), Value: none.page()})
	if who := none.of(r); who != nobody {
		t.Errorf("the cookie made of no token: %d", who)
	}
	bearer("")(r)
	if who := none.of(r); who != nobody {
		t.Errorf("no token: %d", who)
	}
}

// The address with the token is left at once, and what the browser keeps is
// another secret, which no script reads and no other site's request carries.
func TestPageIsOpenedByTheTokenOnce(t *testing.T) {
	x := newTill(t)
	x.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	alone := func(r *http.Request) { r.Header.Del("Authorization") }

	a := x.do(t, "GET", "/?token=pos-token", "", alone)
	cookies := (&http.Response{Header: a.header}).Cookies()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" || len(cookies) != 1 {
		t.Fatalf("%d to %q with %d cookies", a.status, a.header.Get("Location"), len(cookies))
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Value == "pos-token" || c.MaxAge != 0 {
		t.Errorf("cookie: %s", a.header.Get("Set-Cookie"))
	}
	a = x.do(t, "GET", "/", "", func(r *http.Request) { alone(r); r.AddCookie(c) })
	if a.status != http.StatusOK || !bytes.Contains(a.body, []byte("/static/cashier.js")) {
		t.Errorf("with the cookie: %d", a.status)
	}

	for _, wrong := range []string{"/?token=staff-token", "/?token=", "/?token=x&token=pos-token", "/?token=POS-TOKEN"} {
		a = x.do(t, "GET", wrong, "", alone)
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d to %q, %q", wrong, a.status, a.header.Get("Location"), a.header.Get("Set-Cookie"))
		}
	}
	a = x.do(t, "GET", "/", "", alone)
	if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || bytes.Contains(a.body, []byte("cashier.js")) {
		t.Errorf("without the cookie: %d", a.status)
	}
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	for language, table := range all {
		if !strings.Contains(string(a.body), table["locked"][:12]) {
			t.Errorf("%s: the page does not say what to do", language)
		}
	}
}

func TestI7NoTokenIsLogged(t *testing.T) {
	var log bytes.Buffer
	x := newTill(t)
	x.server.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	x.desk.err = http.ErrBodyNotAllowed // of no kind that is meant for people
	for _, path := range []string{"/?token=pos-token", "/v1/payments/" + somePayment, "/v1/caps?token=pos-token"} {
		x.do(t, "GET", path, "", bearer("pos-token"))
	}
	if log.Len() == 0 {
		t.Fatal("nothing was logged: the test is wrong")
	}
	if strings.Contains(log.String(), "pos-token") {
		t.Errorf("a token is in the log: %s", &log)
	}
}
