package web

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestOnlyThisMachineIsServed(t *testing.T) {
	x := newTill(t)
	own := strings.TrimPrefix(x.URL, "http://")
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	ready := someSale + "/ready"
	tests := []struct {
		name         string
		method, path string
		edit         func(*http.Request)
		status       int
		code         string
	}{
		{"name that points here", "GET", "/v1/state", host("evil.example:8470"), 421, "request.host"},
		{"name that begins like loopback", "GET", "/", host("127.0.0.1.evil.example"), 421, "request.host"},
		{"address of the shop's network", "GET", "/v1/events", host("192.168.0.7:8470"), 421, "request.host"},
		{"localhost", "GET", "/v1/state", host("LocalHost:1"), 200, ""},
		{"version 6", "GET", "/v1/state", host("[::1]:8470"), 200, ""},
		{"version 6 without a port", "GET", "/v1/state", host("[::1]"), 200, ""},
		{"foreign origin", "POST", ready, set("Origin", "https://evil.example"), 403, "request.origin"},
		{"origin of another program of this machine", "POST", ready, set("Origin", "http://127.0.0.1:1"), 403, "request.origin"},
		{"hidden origin", "POST", ready, set("Origin", "null"), 403, "request.origin"},
		{"other scheme", "POST", ready, set("Origin", "https://"+own), 403, "request.origin"},
		{"foreign site without an origin", "POST", ready, set("Sec-Fetch-Site", "cross-site"), 403, "request.origin"},
		{"other port's page", "POST", ready, set("Sec-Fetch-Site", "same-site"), 403, "request.origin"},
		{"own page", "POST", ready, set("Origin", "http://"+own), 200, ""},
		{"own page, new browser", "POST", ready, set("Sec-Fetch-Site", "same-origin"), 200, ""},
		{"program", "POST", ready, func(*http.Request) {}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(x.desk.asked())
			a := x.do(t, tt.method, tt.path, "", tt.edit)
			if a.status != tt.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, tt.status)
			}
			if tt.code == "" {
				return
			}
			if code, _ := a.problem(t); code != tt.code {
				t.Errorf("code %s, want %s", code, tt.code)
			}
			if len(x.desk.asked()) != before {
				t.Error("the register was asked")
			}
		})
	}
}

func TestEveryAnswerCarriesTheHeadersThatGuardThePage(t *testing.T) {
	x := newTill(t)
	for _, path := range []string{"/", "/static/cashier.js", "/v1/state", "/nowhere"} {
		h := x.do(t, "GET", path, "").header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self';") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy %q", path, csp)
		}
	}
}

// A client that closed its half of the connection still reads: what was not done
// must not look like done (I4).
func TestI4ABodyThatDoesNotComeWholeIsNoSuccess(t *testing.T) {
	x := newTill(t)
	for _, request := range []string{"PUT " + someSale, "POST /v1/payments/" + somePayment + "/void", "POST /v1/payments/" + somePayment + "/refunds"} {
		c, err := net.Dial("tcp", x.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", request, someTokens.POS)
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", request, res.StatusCode)
		}
	}
	if asked := x.desk.asked(); len(asked) != 0 {
		t.Errorf("the register was asked %+v", asked)
	}
}
