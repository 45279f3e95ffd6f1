package backendsim

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal/wire"
)

// noCertificate is a dial that is answered with 401, if it shows none.
const noCertificate = "GET " + Path + " HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: " + wire.Subprotocol + "\r\n\r\n"

func answer(t *testing.T, conn net.Conn) {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	must(t, res.Body.Close())
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("who shows no certificate is answered %s", res.Status)
	}
}

// secured is TLS over a connection, without a certificate of this side's.
func (w *world) secured(conn net.Conn) net.Conn {
	config := w.trusted(nil)
	config.ServerName = "127.0.0.1"
	return tls.Client(conn, config)
}

// crowd opens connections that show no certificate, until the test ends: first one
// of each kind that says something, then such as say nothing.
func (w *world) crowd(t *testing.T, size int) []net.Conn {
	t.Helper()
	raw := func() net.Conn {
		conn, err := net.Dial("tcp", w.addr)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	say := func(conn net.Conn, text string) net.Conn {
		_, err := io.WriteString(conn, text)
		must(t, err)
		return conn
	}
	secure := func() net.Conn { return w.secured(raw()) }
	answered := say(secure(), noCertificate)
	answer(t, answered)
	all := []net.Conn{
		answered, say(raw(), "\x16\x03\x01\x02\x00"), say(secure(), "GET "+Path+" HTTP/1.1\r\nHost:"),
		say(secure(), "POST /v1/enrol HTTP/1.1\r\nHost: b\r\nContent-Length: 1000\r\n\r\n{"),
	}
	for len(all) < size {
		all = append(all, raw())
	}
	return all
}

// I8: who shows no certificate costs the backend a bounded number of connections,
// and keeps no register out, whether linked, dialling or yet to be enrolled.
func TestI8AFloodOfStrangersKeepsNoRegisterOut(t *testing.T) {
	const more = 256
	w := newGuarded(t)
	w.hurry = func(d *deadlines) { d.request = time.Hour } // it is not the time that ends them
	w.start()
	t.Cleanup(w.stop)
	good, late := w.enrolled("good").till("i1"), w.enrolled("late")
	before := runtime.NumGoroutine()
	all := w.crowd(t, maxStrangers+more)
	for _, conn := range all[:more] {
		if dropped(t, "one of the oldest", conn); t.Failed() {
			t.FailNow() // each of the others would take as long
		}
	}
	atMost(t, before+maxStrangers+more/4)
	unharmed(t, w, good)
	unharmed(t, w, late.till("i1"))
	unharmed(t, w, w.enrolled("new").till("i1"))
	// The youngest waits still.
	youngest := w.secured(all[len(all)-1])
	_, err := io.WriteString(youngest, noCertificate)
	must(t, err)
	answer(t, youngest)
}

// atMost waits until no more goroutines are left than that.
func atMost(t *testing.T, most int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for runtime.NumGoroutine() > most {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%d goroutines are there, and no more than %d were to be", runtime.NumGoroutine(), most)
		}
	}
}

// Links and those who have gone make room: the others may wait as long as ever.
func TestAStrangerGoesOnlyForOtherStrangers(t *testing.T) {
	for _, to := range []http.ConnState{http.StateHijacked, http.StateClosed} {
		var s strangers
		waits, side := net.Pipe()
		s.turns(waits, http.StateNew)
		for range 2 * maxStrangers {
			conn, _ := net.Pipe()
			s.turns(conn, http.StateNew)
			s.turns(conn, to)
		}
		must(t, side.SetWriteDeadline(time.Unix(1, 0)))
		if _, err := side.Write([]byte{0}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the one that waits was closed for %d that are %v: %v", 2*maxStrangers, to, err)
		}
		if len(s.all) != 1 {
			t.Errorf("%d are kept, of which %d are %v", len(s.all), len(s.all)-1, to)
		}
	}
}

// I8: the next connection is not taken before the oldest is closed.
func TestI8ACutWaitsForNobody(t *testing.T) {
	w := newGuarded(t)
	w.start()
	cert, err := serverCertificate(w.b.authorities()[0], []string{"127.0.0.1"}, noon)
	must(t, err)
	trusted := w.trusted(nil)
	trusted.ServerName = "127.0.0.1"
	w.stop()
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		server := tls.Server(ours, &tls.Config{Certificates: []tls.Certificate{*cert}, SessionTicketsDisabled: true})
		shaken := make(chan error, 1)
		go func() { shaken <- server.Handshake() }()
		must(t, tls.Client(theirs, trusted).Handshake())
		must(t, <-shaken)
		began := time.Now()
		cut(server) // and nobody reads
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		must(t, theirs.Close())
	})
}
