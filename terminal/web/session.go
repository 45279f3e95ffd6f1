package web

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"sync"
	"time"
)

// managerIdle is how long the manager's page stays open without being used.
const managerIdle = 10 * time.Minute

// session is the one manager who may look at the page: whoever opens it anew
// ends the one before. It lives in memory, so that it ends with the daemon.
type session struct {
	clock func() time.Duration // since boot, suspend included

	mu   sync.Mutex
	key  string // 256 random bits; "" for nobody
	used time.Duration
}

// open begins a session and gives its key.
func (s *session) open() string {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key, s.used = base64.RawURLEncoding.EncodeToString(b[:]), s.clock()
	return s.key
}

// holds says whether a request is the manager's, and then keeps the session for
// another while.
func (s *session) holds(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	if now-s.used >= managerIdle {
		s.key = ""
	}
	for _, c := range r.CookiesNamed(managerCookie(r)) {
		if same(c.Value, s.key) {
			s.used = now
			return true
		}
	}
	return false
}

func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = ""
}

// managerCookie names the session's cookie; see pageCookie.
func managerCookie(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	return "sekisho-manager-" + port
}

func sessionCookie(r *http.Request, key string) *http.Cookie {
	return &http.Cookie{Name: managerCookie(r), Value: key, Path: "/manager", HttpOnly: true, SameSite: http.SameSiteStrictMode}
}
