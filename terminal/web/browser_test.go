package web

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

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
	return saysIn(t, a, firstLanguage, key, values...)
}

func saysIn(t *testing.T, a answer, tag, key string, values ...string) bool {
	t.Helper()
	all, err := managerWords()
	if err != nil {
		t.Fatal(err)
	}
	text := all[tag][key]
	if text == "" {
		t.Fatalf("no word %s", key)
	}
	for _, v := range values {
		text = strings.ReplaceAll(text, "{}", v)
	}
	return strings.Contains(string(a.body), text)
}
