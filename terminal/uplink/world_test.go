package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// till records what the link tells it.
type till struct {
	mu     sync.Mutex
	words  []string // "up 1", "down", "got ID", in their order
	hello  error
	hangs  bool // the till gives no hello
	onUp   func()
	last   time.Time // when a frame was heard
	whys   []string
	onDown func()
	trips  []time.Duration
	why    terminal.LineReason // of the latest LinkDown since the last LinkUp
}

func (s *till) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words = append(s.words, fmt.Sprintf(format, args...))
}

func (s *till) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.words, ", ")
}

func (s *till) Hello(ctx context.Context) (wire.Message, error) {
	if s.hangs {
		<-ctx.Done()
		return wire.Message{}, ctx.Err()
	}
	return wire.Message{
		Type: wire.TypeHello, ID: "h1", Incarnation: "i", Journal: &wire.Head{Root: strings.Repeat("0", 64)},
		Hello: &wire.Hello{Register: "r1", Store: "s1"},
	}, s.hello
}

func (s *till) LinkUp(_ context.Context, w wire.Welcome) {
	s.note("up %d", w.Session)
	s.why = ""
	if s.onUp != nil {
		s.onUp()
	}
}

func (s *till) LinkDown(ctx context.Context, why terminal.LineReason) {
	s.mu.Lock()
	if n := len(s.whys); n == 0 || s.whys[n-1] != string(why) {
		s.whys = append(s.whys, string(why))
	}
	s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		s.note("down with a dead context")
	case why != s.why:
		s.note("down")
	}
	if s.why = why; s.onDown != nil {
		s.onDown()
	}
}

// reasons are those of which the link told after a session or a try, without
// repetitions.
func (s *till) reasons() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.whys, ",")
}

// tripsWere gives and forgets the round trips told.
func (s *till) tripsWere() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.trips = nil }()
	return s.trips
}

func (s *till) RoundTrip(_ context.Context, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trips = append(s.trips, took)
}

func (s *till) Pace() (time.Duration, time.Duration) { return silence, firstDelay }

// The pace of the line in these tests: that of a store.
const (
	silence    = 6 * time.Second
	pingEvery  = silence / pings
	firstDelay = 3 * time.Second
)

func (s *till) Heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
}

// silent gives how long no frame was heard.
func (s *till) silent() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.last)
}

func (s *till) HelloRefused(_ context.Context, why *wire.Error) { s.note("refused: %s", why.Code) }

func (s *till) Received(_ context.Context, m wire.Message) { s.note("got %s", m.ID) }

// backend is a real websocket server; serve is one connection's life.
type backend struct {
	t      *testing.T
	serve  func(c *conn)
	log    *slog.Logger              // of the link; nil for none
	answer func(http.ResponseWriter) // in place of a websocket

	protocols []string
	pipes     chan net.Conn
	closed    chan struct{}
	release   chan struct{} // for serve to wait at

	mu    sync.Mutex
	dials []time.Time
}

// conn is the backend's end of one connection.
type conn struct {
	*websocket.Conn
	b *backend
}

func (c *conn) read() wire.Message {
	_, data, err := c.ReadMessage()
	if err != nil {
		return wire.Message{}
	}
	m, err := wire.Parse(data)
	if err != nil {
		c.b.t.Errorf("the link sent what the wire does not take: %v", err)
	}
	return m
}

func (c *conn) write(m wire.Message) {
	data, err := wire.Encode(m)
	if err != nil {
		c.b.t.Errorf("the test's own message is wrong: %v", err)
	}
	c.WriteMessage(websocket.TextMessage, data)
}

// welcome takes the hello and answers it.
func (c *conn) welcome(session int64) {
	hello := c.read()
	c.write(wire.Message{Type: wire.TypeWelcome, ID: "w1", Re: hello.ID, Welcome: &wire.Welcome{Session: session, Time: 1}})
}

// drain reads, and so answers pings, until the link goes.
func (c *conn) drain() {
	for {
		if _, _, err := c.ReadMessage(); err != nil {
			return
		}
	}
}

// Accept, Close and Addr make the backend a net.Listener on pipes.
func (b *backend) Accept() (net.Conn, error) {
	select {
	case c := <-b.pipes:
		return c, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

func (b *backend) Close() error   { close(b.closed); return nil }
func (b *backend) Addr() net.Addr { return &net.TCPAddr{} }

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.answer != nil {
		b.answer(w)
		return
	}
	up := websocket.Upgrader{Subprotocols: b.protocols}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	b.serve(&conn{c, b})
}

func (b *backend) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	b.mu.Lock()
	b.dials = append(b.dials, time.Now())
	b.mu.Unlock()
	if b.serve == nil {
		return nil, errors.New("no route")
	}
	ours, theirs := net.Pipe()
	select {
	case b.pipes <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *backend) dialled() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.dials...)
}

// line runs a link against a backend in a bubble of virtual time: a real
// websocket over a pipe. stop ends the link and waits for its end.
func line(t *testing.T, b *backend, s *till, test func(t *testing.T, l *Link, stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b.t, b.pipes, b.closed = t, make(chan net.Conn), make(chan struct{})
		b.release = make(chan struct{})
		if b.protocols == nil {
			b.protocols = []string{wire.Subprotocol}
		}
		server := &http.Server{Handler: b, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		go server.Serve(b)
		if b.log == nil {
			b.log = slog.New(slog.DiscardHandler)
		}
		l, err := New(Config{URL: "ws://127.0.0.1:1/", Insecure: true, Log: b.log})
		if err != nil {
			t.Fatal(err)
		}
		l.dialer.NetDialContext = b.dial
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx, s) }()
		stopped := false
		stop := func() {
			if stopped {
				return
			}
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		}
		defer func() { stop(); server.Close() }()
		synctest.Wait()
		test(t, l, stop)
	})
}

// after lets the bubble's time pass.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
