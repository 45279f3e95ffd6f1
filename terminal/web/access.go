package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"strings"
)

// Tokens are the secrets by which the local API knows who asks. Whoever may run
// the till's programs has the first, whoever may look after the register the
// second. An empty one lets nobody in.
type Tokens struct {
	POS   string // what a POS and the cashier's page need
	Staff string // everything
}

// access says how far somebody may go. Each level has all that is below it.
type access int

const (
	nobody access = iota
	forPOS
	forStaff
)

// of says how far a request may go: by its bearer token (RFC 6750) where it has
// one, otherwise by the cookie of the cashier's page.
func (t Tokens) of(r *http.Request) access {
	if headers := r.Header.Values("Authorization"); len(headers) > 0 {
		scheme, token, _ := strings.Cut(headers[0], " ")
		switch {
		case len(headers) > 1 || !strings.EqualFold(scheme, "Bearer"):
			return nobody
		case same(token, t.Staff):
			return forStaff
		case same(token, t.POS):
			return forPOS
		}
		return nobody
	}
	for _, c := range r.CookiesNamed(pageCookie(r)) {
		if t.POS != "" && same(c.Value, t.page()) {
			return forPOS
		}
	}
	return nobody
}

// same compares a secret with what was sent for it, in a time that tells nothing
// of the secret.
func same(sent, secret string) bool {
	a, b := sha256.Sum256([]byte(sent)), sha256.Sum256([]byte(secret))
	return secret != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// page is what the browser of the cashier's page keeps: made from the POS's
// token, so that a restart of the register logs no cashier out, and not the
// token itself, since a browser may write its cookies to disk.
func (t Tokens) page() string {
	mac := hmac.New(sha256.New, []byte(t.POS))
	mac.Write([]byte("sekisho cashier's page"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// pageCookie names the cookie by the register's port: cookies do not tell ports
// apart, and one machine may have several registers.
func pageCookie(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "sekisho-page-" + port
}

// letIn gives the cookie to a browser that came with the POS's token, and sends
// it to the same address without the token, so that no bookmark, screen,
// log or referrer keeps it. (Chromium's history file does, hidden: README.md says
// what to start it with.) A wrong token gets no cookie and the same way.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request) {
	if same(r.URL.Query().Get("token"), s.tokens.POS) {
		http.SetCookie(w, &http.Cookie{Name: pageCookie(r), Value: s.tokens.page(), Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	w.Header().Set("Location", r.URL.EscapedPath())
	w.WriteHeader(http.StatusSeeOther)
}

// need lets a request of the API pass only to those who may go that far.
func (s *Server) need(least access, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch who := s.tokens.of(r); {
		case who == nobody:
			w.Header().Set("WWW-Authenticate", "Bearer")
			s.refuse(w, problem{status: http.StatusUnauthorized, code: codeToken, detail: "send the token: it is in pos.token or staff.token of the register's run folder, and another after each boot"})
		case who < least:
			s.refuse(w, problem{status: http.StatusForbidden, code: codeForbidden, detail: "this needs the staff's token: it is in staff.token of the register's run folder"})
		default:
			next(w, r)
		}
	}
}

// needPage lets a browser see a page only with the cookie, and otherwise tells
// the cashier what to do.
func (s *Server) needPage(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Query().Has("token"):
			s.letIn(w, r)
		case s.tokens.of(r) == nobody:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write(s.page.locked) // a browser that goes away is no fault
		default:
			next(w, r)
		}
	}
}
