package backendsim

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
)

// maxStrangers is how many connections of one listener may be no link: without a
// certificate that was found good, so that anybody can open them. A dial is one
// for a few round trips, say a fifth of a second, so that 5,000 a second find room.
// Each has a goroutine. One that is silent takes 10 KiB, one with half a header
// 55; TLS takes a certificate of 256, which makes half a GiB of all at the worst.
const maxStrangers = 1024

// strangers are a server's connections that are no link, the oldest first. Where
// there are too many the oldest goes: a register that dials is soon a link, and
// who waits longest is least likely to be one.
type strangers struct {
	mu  sync.Mutex
	all []net.Conn
}

// turns is the server's ConnState. A connection that is hijacked is a link, whose
// certificate is good; its own deadlines and the pace of dials bound it.
func (s *strangers) turns(conn net.Conn, to http.ConnState) {
	switch to {
	case http.StateNew:
		if oldest := s.add(conn); oldest != nil {
			cut(oldest)
		}
	case http.StateHijacked, http.StateClosed:
		s.remove(conn)
	}
}

// add takes a connection in, and gives the one that has to go for it.
func (s *strangers) add(conn net.Conn) (oldest net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= maxStrangers {
		oldest = s.all[0]
		s.all = slices.Delete(s.all, 0, 1)
	}
	s.all = append(s.all, conn)
	return oldest
}

func (s *strangers) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.all, conn); i >= 0 {
		s.all = slices.Delete(s.all, i, i+1)
	}
}

// cut closes a connection without a farewell: TLS would wait for one that does
// not read, and nobody could connect meanwhile.
func cut(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	_ = conn.Close() // its own goroutine hears of it
}
