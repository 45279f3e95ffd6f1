package web

import (
	"net"
	"net/http"
	"strings"
)

// guard sets the headers of every answer and turns away what does not come from
// this machine's own programs and pages. A name that an attacker's DNS points at
// 127.0.0.1 is stopped by the Host, a foreign page's form by the Origin.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !loopback(r.Host):
			s.refuse(w, problem{status: http.StatusMisdirectedRequest, code: codeHost, detail: "the register answers to 127.0.0.1, localhost and [::1] only"})
		case changes(r.Method) && foreign(r):
			s.refuse(w, problem{status: http.StatusForbidden, code: codeOrigin, detail: "a page of another origin may not change anything here"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// loopback says whether a Host header names this machine, with any port.
func loopback(host string) bool {
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	switch strings.ToLower(name) {
	case "127.0.0.1", "localhost", "::1", "[::1]":
		return true
	}
	return false
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead
}

// foreign says whether a browser sent the request for a page of another origin.
// Programs send neither header; browsers send them with every request that
// changes something (Fetch Standard, "Origin" header; Fetch Metadata).
func foreign(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !strings.EqualFold(origin, "http://"+r.Host) {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	return true
}
