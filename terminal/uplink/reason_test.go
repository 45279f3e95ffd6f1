package uplink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// firstReason runs a link against a listener until it says why it is down.
func firstReason(t *testing.T, address string) (terminal.LineReason, string) {
	t.Helper()
	var log bytes.Buffer
	l, err := New(Config{
		URL: strings.Replace(address, "http", "ws", 1), Insecure: true, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Trust: func() Trust { return Trust{} }, Times: at(today),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.dialer.HandshakeTimeout = 300 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &till{}
	s.onDown = cancel
	if err := l.Run(ctx, s); err != nil {
		t.Fatal(err)
	}
	return s.why, log.String()
}

// listen gives the address of a server of bare bytes.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return "http://" + listener.Addr().String()
}

// Every way in which a dial ends has its reason, over real sockets.
func TestADialSaysWhyItOpenedNothing(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	status := func(code int, header ...string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, `{"code":"certificate.revoked","detail":"enrol it again"}`)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, c := range map[string]struct {
		address string
		want    terminal.LineReason
	}{
		"nobody there":      {gone.URL, terminal.LineUnreachable},
		"silence":           {listen(t, func(c net.Conn) { c.Read(make([]byte, 10_000)); c.Read(make([]byte, 1)) }), terminal.LineSilent},
		"hung up":           {listen(t, func(c net.Conn) { c.Read(make([]byte, 10_000)) }), terminal.LineClosed},
		"other bytes":       {listen(t, func(c net.Conn) { c.Read(make([]byte, 10_000)); c.Write([]byte("220 mail\r\n\r\n")) }), terminal.LineProtocol},
		"a page":            {status(200), terminal.LineProtocol},
		"not found":         {status(404), terminal.LineProtocol},
		"no subprotocol":    {status(400), terminal.LineProtocol},
		"another place":     {status(302, "Location", "http://127.0.0.1:1/"), terminal.LineProtocol},
		"who are you":       {status(401), terminal.LineRefused},
		"go away":           {status(403), terminal.LineRefused},
		"too many":          {status(429), terminal.LineClosed},
		"down for repair":   {status(503), terminal.LineClosed},
		"broken":            {status(502), terminal.LineClosed},
		"no TLS over there": {strings.Replace(status(200), "http:", "https:", 1), terminal.LineProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			got, log := firstReason(t, c.address)
			if got != c.want {
				t.Errorf("%q, want %q: %s", got, c.want, log)
			}
		})
	}
}

// Every way in which a hello or a session ends has its reason.
func TestASessionSaysWhyItEnded(t *testing.T) {
	says := func(code wire.ErrorCode) func(*conn) {
		return func(c *conn) {
			c.write(wire.Message{Type: wire.TypeError, ID: "e", Re: c.read().ID, Error: &wire.Error{Code: code}})
			c.drain()
		}
	}
	welcomed := func(then func(*conn)) func(*conn) { return func(c *conn) { c.welcome(1); then(c) } }
	closes := func(code int) func(*conn) {
		return welcomed(func(c *conn) {
			c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
			c.drain()
		})
	}
	deaf := welcomed(func(c *conn) { c.SetPingHandler(func(string) error { return nil }); c.drain() })
	for name, c := range map[string]struct {
		serve func(*conn)
		want  terminal.LineReason
	}{
		"hello refused":             {says(wire.CodeRefused), terminal.LineRefused},
		"another version":           {says(wire.CodeVersion), terminal.LineProtocol},
		"a body it does not take":   {says(wire.CodeBody), terminal.LineProtocol},
		"a word not known":          {says("tea"), terminal.LineProtocol},
		"trouble":                   {says(wire.CodeTrouble), terminal.LineClosed},
		"no welcome":                {func(c *conn) { c.drain() }, terminal.LineSilent},
		"closed before the welcome": {func(c *conn) { c.read() }, terminal.LineClosed},
		"a wrong welcome":           {func(c *conn) { c.read(); c.WriteMessage(websocket.TextMessage, []byte("{}")); c.drain() }, terminal.LineProtocol},
		"an answer before hello": {func(c *conn) {
			go c.drain()
			c.write(wire.Message{Type: wire.TypeGrants, ID: "g", Grants: &wire.Grants{}})
			<-c.b.release
		}, terminal.LineProtocol},
		"closed after it":      {welcomed(func(*conn) {}), terminal.LineClosed},
		"going away":           {closes(websocket.CloseGoingAway), terminal.LineClosed},
		"against its rules":    {closes(websocket.ClosePolicyViolation), terminal.LineRefused},
		"cannot read us":       {closes(websocket.CloseProtocolError), terminal.LineProtocol},
		"silence":              {deaf, terminal.LineSilent},
		"a frame that is none": {welcomed(func(c *conn) { c.NetConn().Write([]byte{0xff, 0xff, 0xff}); c.drain() }), terminal.LineProtocol},
		"a compressed frame":   {welcomed(func(c *conn) { c.NetConn().Write([]byte{0xc1, 2, 'x', 'y'}); c.drain() }), terminal.LineProtocol},
		"too large":            {welcomed(func(c *conn) { c.WriteMessage(websocket.TextMessage, make([]byte, wire.MaxMessage+1)) }), terminal.LineProtocol},
		"reads nothing":        {welcomed(func(c *conn) { <-c.b.release }), terminal.LineSilent},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			b := &backend{serve: c.serve}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				defer close(b.release)
				for range 20 {
					if s.reasons() != "" {
						break
					}
					after(time.Second)
				}
				if got := terminal.LineReason(strings.Split(s.reasons(), ",")[0]); got != c.want {
					t.Errorf("%q, want %q (%s)", got, c.want, s.heard())
				}
			})
		})
	}
}

// Our own end of a session is neither the backend's nor the network's.
func TestRedialHasAReasonOfItsOwn(t *testing.T) {
	s := &till{}
	line(t, &backend{serve: func(c *conn) { c.welcome(1); c.drain() }}, s, func(t *testing.T, l *Link, _ func()) {
		l.Redial()
		after(time.Millisecond)
		if s.reasons() != string(terminal.LineStarting) {
			t.Fatal(s.reasons())
		}
	})
}

// A till that gives no hello says nothing about the line.
func TestNoHelloIsNotTheLinesFault(t *testing.T) {
	s := &till{hello: errors.New("stopping")}
	line(t, &backend{serve: func(c *conn) { c.drain() }}, s, func(t *testing.T, _ *Link, _ func()) {
		if s.why != terminal.LineStarting {
			t.Fatal(s.why)
		}
	})
}

// A night without the line is one line in the log for each reason, not thousands.
func TestAReasonIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	b := &backend{log: slog.New(slog.NewTextHandler(&log, nil))}
	line(t, b, &till{}, func(t *testing.T, l *Link, stop func()) {
		after(12 * time.Hour)
		stop()
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d lines in the log", n)
		}
	})
	var told terminal.LineReason
	log.Reset()
	l := &Link{log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, why := range []terminal.LineReason{terminal.LineUnreachable, terminal.LineUnreachable, terminal.LineSilent, terminal.LineUnreachable} {
		l.tell(&told, why, errors.New("x"), time.Second)
	}
	if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "reason=silent") {
		t.Errorf("%s", log.String())
	}
}

// Retry-After is honoured where it is seconds, up to five minutes; the jitter
// comes on top.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		code int
		text string
		want time.Duration
	}{
		{429, "30", 30 * time.Second}, {503, "30", 30 * time.Second}, {503, "0", 0}, {503, "300", 5 * time.Minute}, {503, "301", 5 * time.Minute},
		{503, "4294967295", 5 * time.Minute}, {503, "18446744073709551616", 0}, {503, "-1", 0}, {503, "", 0},
		{503, "1.5", 0}, {503, "Fri, 31 Dec 2100 23:59:59 GMT", 0}, {500, "30", 0}, {403, "30", 0},
	} {
		err := answered(&http.Response{StatusCode: c.code, Header: http.Header{"Retry-After": {c.text}}, Body: http.NoBody})
		if got := asked(err); got != c.want {
			t.Errorf("%d with %q: %v, want %v", c.code, c.text, got, c.want)
		}
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	busy := func(w http.ResponseWriter) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) }
	b := &backend{serve: func(c *conn) {}, answer: busy}
	line(t, b, &till{}, func(t *testing.T, _ *Link, _ func()) {
		after(time.Hour)
		dials := b.dialled()
		if len(dials) < 15 || len(dials) > 30 {
			t.Errorf("%d dials in an hour", len(dials))
		}
		for i := 1; i < len(dials); i++ {
			if gap := dials[i].Sub(dials[i-1]); gap < 2*time.Minute || gap > 2*time.Minute+longest {
				t.Errorf("%v between two dials", gap)
			}
		}
	})
}

// A backend that welcomes and hangs up is dialled ever more rarely; one session
// that stood begins anew.
func TestI8AWelcomeAloneEndsNoBackoff(t *testing.T) {
	b := &backend{serve: func(c *conn) { c.welcome(1); <-time.After(silence - time.Second) }}
	line(t, b, &till{}, func(t *testing.T, _ *Link, stop func()) {
		defer func() { stop(); after(silence) }()
		after(4 * time.Hour)
		if n := len(b.dialled()); n < 300 || n > 800 {
			t.Fatalf("%d dials in four hours", n)
		}
	})
}

// A line that only this register lost is dialled again at once; one that the
// whole chain may have lost over 24 s, so that not all come in the same moment.
func TestACrowdComesBackSlowly(t *testing.T) {
	for name, c := range map[string]struct {
		code       int // of the close frame; 0 for none
		least, max int // dials in an hour of sessions of ten seconds
	}{
		"this register alone": {websocket.CloseNormalClosure, 280, 340}, // 1.5 s between, in the mean
		"a restart":           {websocket.CloseServiceRestart, 130, 200},
		"going away":          {websocket.CloseGoingAway, 130, 200},
		"a crash":             {0, 130, 200},
	} {
		t.Run(name, func(t *testing.T) {
			b := &backend{serve: func(conn *conn) {
				conn.welcome(1)
				conn.SetReadDeadline(time.Now().Add(10 * time.Second))
				conn.drain()
				if c.code != 0 {
					conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(c.code, ""), time.Now().Add(time.Second))
				}
			}}
			line(t, b, &till{}, func(t *testing.T, _ *Link, _ func()) {
				after(time.Hour)
				if n := len(b.dialled()); n < c.least || n > c.max {
					t.Errorf("%d dials in an hour, want from %d to %d", n, c.least, c.max)
				}
			})
		})
	}
}
