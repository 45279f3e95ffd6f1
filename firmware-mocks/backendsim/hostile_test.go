package backendsim

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// soon are deadlines that a test can wait for.
func soon(d *deadlines) {
	d.request, d.hello = 300*time.Millisecond, 300*time.Millisecond
}

// hurried is a guarded backend that waits for nobody long, with a register that
// must not notice what others do.
func hurried(t *testing.T) (w *world, good *till) {
	w = newGuarded(t)
	w.hurry = soon
	w.start()
	t.Cleanup(w.stop)
	return w, w.enrolled("good").till("i1")
}

// unharmed checks that the register is served as ever.
func unharmed(t *testing.T, w *world, good *till) {
	t.Helper()
	outcome(t, good.ask(w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
}

// dropped waits until the other side has ended the connection.
func dropped(t *testing.T, name string, conn net.Conn) {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: the connection is open still", name)
	}
}

func TestI8WhoSaysNothingIsHungUpOn(t *testing.T) {
	w, good := hurried(t)
	raw := func() net.Conn {
		conn, err := net.Dial("tcp", w.addr)
		must(t, err)
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	secure := func() net.Conn {
		conn := tls.Client(raw(), func() *tls.Config { c := w.trusted(nil); c.ServerName = "127.0.0.1"; return c }())
		must(t, conn.Handshake())
		return conn
	}
	say := func(conn net.Conn, text string) net.Conn {
		_, err := io.WriteString(conn, text)
		must(t, err)
		return conn
	}
	post := "POST /v1/enrol HTTP/1.1\r\nHost: b\r\nContent-Length: 1000\r\n\r\n{"
	idle := say(secure(), "GET /v1/nothing HTTP/1.1\r\nHost: b\r\n\r\n")
	linked, _ := w.link(w.enrolled("mute").certificate())
	for name, conn := range map[string]net.Conn{
		"nothing at all": raw(), "half a handshake": say(raw(), "\x16\x03\x01\x02\x00"), "no TLS": say(raw(), "GET / HTTP/1.1\r\n\r\n"),
		"TLS and nothing": secure(), "half a header": say(secure(), "GET /v1/link HTTP/1.1\r\nHost:"),
		"half a body": say(secure(), post), "an answer and nothing more": idle, "a link without hello": linked.NetConn(),
	} {
		dropped(t, name, conn)
	}
	unharmed(t, w, good)
}

func TestI8ASlowTrickleIsHungUpOn(t *testing.T) {
	w, good := hurried(t)
	conn, err := tls.Dial("tcp", w.addr, w.trusted(nil))
	must(t, err)
	defer conn.Close()
	// A byte at a time is no progress: what counts is the whole.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for text := "POST /v1/enrol HTTP/1.1\r\nHost: b\r\nX: " + strings.Repeat("y", 10_000); ; text = text[1:] {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("the connection is open still")
		}
		if _, err := io.WriteString(conn, text[:1]); err != nil {
			break
		}
	}
	unharmed(t, w, good)
}

func TestI8TooMuchIsRefused(t *testing.T) {
	w, good := hurried(t)
	m := w.machine("r1")
	_, problem := m.post(enrol.EnrolPath, enrol.Request{Secret: strings.Repeat("x", enrol.MaxBody)}, nil, nil)
	turnedAway(t, "a large body", problem, http.StatusBadRequest, enrol.BadCSR)
	conn, err := tls.Dial("tcp", w.addr, w.trusted(nil))
	must(t, err)
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /v1/link HTTP/1.1\r\nHost: b\r\nX: "+strings.Repeat("y", 3*maxHeader)+"\r\n\r\n") // it may hang up on the way
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a large header: %s", res.Status)
		}
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a large header: no answer")
	}
	unharmed(t, w, good)
}

func TestAFloodOfDialsIsSlowedDown(t *testing.T) {
	w := guarded(t)
	m, other := w.enrolled("r1"), w.enrolled("r2")
	good := other.till("i1")
	for range usualDials {
		conn, problem := w.link(m.certificate())
		if conn == nil {
			t.Fatalf("refused: %+v", problem)
		}
		conn.Close()
	}
	_, problem := w.link(m.certificate())
	turnedAway(t, "one more", problem, http.StatusTooManyRequests, enrol.TooMany)
	_, problem, _ = m.renew(m.certificate())
	turnedAway(t, "a renewal", problem, http.StatusTooManyRequests, enrol.TooMany)
	unharmed(t, w, good)
	if conn, problem := w.link(other.certificate()); conn == nil {
		t.Errorf("the other register: %+v", problem)
	}
	w.pass(time.Minute)
	if conn, problem := w.link(m.certificate()); conn == nil {
		t.Errorf("a minute later: %+v", problem)
	}
}

func TestRetryAfterIsWhatIsLeftOfTheMinute(t *testing.T) {
	p := pace{most: 1}
	if p.over("r", noon) != 0 {
		t.Error("the first waits")
	}
	p.count("r", noon)
	if got := p.over("r", noon.Add(45*time.Second)); got != 15*time.Second {
		t.Errorf("it waits %v", got)
	}
	if p.over("other", noon) != 0 || p.over("r", noon.Add(time.Minute)) != 0 {
		t.Error("another caller, or the next minute, waits")
	}
	for range callersKnown + 1 {
		p.count(newID(t), noon)
	}
	if len(p.did) > callersKnown+1 || p.over("a newcomer", noon) == 0 {
		t.Errorf("%d callers are kept", len(p.did))
	}
	if p.over("r", noon.Add(-time.Hour)) != 0 {
		t.Error("a clock that was put back keeps everybody waiting")
	}
}

func TestWithoutTLSOnlyThisMachineIsServed(t *testing.T) {
	w := newWorld(t)
	w.start()
	defer w.stop()
	for path, want := range map[string]int{Path: http.StatusUnauthorized, "/admin/caps": http.StatusForbidden} {
		r, err := http.NewRequest(http.MethodGet, path, nil)
		must(t, err)
		r.RemoteAddr = "192.0.2.1:4711"
		r.Header.Set("Sec-WebSocket-Protocol", wire.Subprotocol)
		answer := &recorder{header: http.Header{}}
		w.b.ServeHTTP(answer, r)
		if answer.status != want || answer.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s from elsewhere: %d %s", path, answer.status, answer.header.Get("Content-Type"))
		}
	}
	r, err := http.NewRequest(http.MethodPost, "/v1/enrol", strings.NewReader(`{"secret":"x","csr":""}`))
	must(t, err)
	r.RemoteAddr = "192.0.2.1:4711"
	answer := &recorder{header: http.Header{}}
	if w.b.ServeHTTP(answer, r); answer.status != http.StatusUnauthorized {
		t.Errorf("an enrolment from elsewhere without TLS: %d", answer.status)
	}
}

// A page in a browser of the operator's machine could ask as the operator does:
// one of another site, and one under a name that its owner made to point here.
func TestI6NoPageOfABrowserIsTheOperator(t *testing.T) {
	w := newWorld(t)
	w.start()
	defer w.stop()
	for _, c := range []struct {
		method, host, origin string
		want                 int
	}{
		{"POST", "127.0.0.1:8080", "", http.StatusNoContent},
		{"POST", "localhost", "", http.StatusNoContent},
		{"POST", "[::1]:1", "", http.StatusNoContent},
		{"POST", "127.0.0.1:8080", "https://evil.example", http.StatusForbidden},
		{"POST", "127.0.0.1:8080", "null", http.StatusForbidden},
		{"POST", "evil.example:8080", "", http.StatusForbidden},
		{"GET", "evil.example:8080", "", http.StatusForbidden},
		{"GET", "", "", http.StatusForbidden},
	} {
		path, body := "/admin/faults", `{"kind":"refuse","count":1}`
		r, err := http.NewRequest(c.method, path, strings.NewReader(body))
		must(t, err)
		r.RemoteAddr, r.Host = "127.0.0.1:4711", c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		answer := &recorder{header: http.Header{}}
		if w.b.ServeHTTP(answer, r); answer.status != c.want {
			t.Errorf("%s for %q from a page of %q: %d", c.method, c.host, c.origin, answer.status)
		}
	}
}

// recorder is an http.ResponseWriter.
type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }
