package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Till is what a link serves. The register is one.
type Till interface {
	Hello(ctx context.Context) (wire.Message, error)
	LinkUp(ctx context.Context, w wire.Welcome)
	// LinkDown says that the line is down, and why, after each session and each
	// try that opened none.
	LinkDown(ctx context.Context, why terminal.LineReason)
	// Pace gives after how much silence a line counts as down, from the next
	// session on, and the first bound of the wait before a dial.
	Pace() (silence, redial time.Duration)
	Received(ctx context.Context, m wire.Message)
	// Heard says that a frame came just now, a pong too: the backend is there.
	Heard()
	// HelloRefused says that the backend answered a hello with an error.
	HelloRefused(ctx context.Context, why *wire.Error)
}

// What the line is given to do its work in.
const (
	dialTime    = 5 * time.Second
	helloTime   = 5 * time.Second // for the till to say who it is: its disk may hang
	welcomeTime = 5 * time.Second
	writeTime   = 3 * time.Second
	pings       = 3  // in a silence after which the line is down
	queued      = 64 // messages waiting for the writer
	longest     = time.Minute
)

// Link is the websocket client of one register.
type Link struct {
	url    string
	dialer websocket.Dialer
	log    *slog.Logger

	mu   sync.Mutex
	out  chan wire.Message // nil while there is no session
	conn *websocket.Conn   // of the session
}

// ErrURL says that a backend's address cannot be used.
var ErrURL = errors.New("the backend's address must be wss://…, or ws:// on loopback with --insecure-dev")

// Config is what a link is made of.
type Config struct {
	URL      string // of the backend
	Insecure bool   // plain ws:// is taken, to this machine only
	Log      *slog.Logger
}

// New makes a link. The error is ErrURL.
func New(cfg Config) (*Link, error) {
	if _, err := backendURL(cfg.URL, cfg.Insecure); err != nil {
		return nil, err
	}
	return &Link{
		url: cfg.URL, log: cfg.Log,
		dialer: websocket.Dialer{HandshakeTimeout: dialTime, Subprotocols: []string{wire.Subprotocol}, Proxy: nil},
	}, nil
}

func backendURL(address string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%w: %q", ErrURL, address)
	}
	ip := net.ParseIP(u.Hostname())
	plain := u.Scheme == "ws" && insecure && ip != nil && ip.IsLoopback()
	if u.Scheme != "wss" && !plain {
		return nil, fmt.Errorf("%w: %q", ErrURL, address)
	}
	return u, nil
}

// Send implements the register's Backend.
func (l *Link) Send(m wire.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out == nil {
		return false
	}
	select {
	case l.out <- m:
		return true
	default:
		return false
	}
}

// Redial implements the register's Backend: it ends the session, and Run begins
// another.
func (l *Link) Redial() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

// Run keeps the link until ctx ends, and returns nil then.
func (l *Link) Run(ctx context.Context, till Till) error {
	for failures := 0; ; failures++ {
		welcomed, err := l.session(ctx, till)
		till.LinkDown(context.WithoutCancel(ctx), terminal.LineClosed)
		if ctx.Err() != nil {
			return nil
		}
		if welcomed {
			failures = 0
		}
		_, redial := till.Pace()
		wait := Delay(redial, failures, rand.Float64())
		l.log.Warn("the line to the backend is down", "error", err, "next_try_in", wait.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// Delay gives how long to wait before the next dial: chance, from 0 to 1, of a
// bound that is first and doubles with each failure, up to a minute (exponential
// backoff with full jitter).
func Delay(first time.Duration, failures int, chance float64) time.Duration {
	bound := first
	for ; failures > 0 && bound < longest; failures-- {
		bound *= 2
	}
	return time.Duration(float64(min(bound, longest)) * chance)
}

// session dials, says hello, and serves until the line fails or ctx ends.
func (l *Link) session(ctx context.Context, till Till) (welcomed bool, err error) {
	conn, err := l.dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	conn.SetReadLimit(wire.MaxMessage)
	welcome, err := l.greet(ctx, conn, till)
	if err != nil {
		return false, err
	}

	silence, _ := till.Pace()
	ctx, stop := context.WithCancel(ctx)
	out := make(chan wire.Message, queued)
	var writer sync.WaitGroup
	writer.Go(func() {
		l.write(ctx, conn, out, silence/pings)
		conn.Close() // wakes the reader
	})
	l.open(out, conn)
	till.LinkUp(ctx, welcome)
	err = l.read(ctx, conn, till, silence)
	l.open(nil, nil)
	conn.Close() // a writer that is stuck on a line that failed need not be waited for
	stop()
	writer.Wait()
	return true, err
}

func (l *Link) open(out chan wire.Message, conn *websocket.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.conn = out, conn
}

func (l *Link) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, resp, err := l.dialer.DialContext(ctx, l.url, http.Header{})
	if err != nil {
		return nil, fmt.Errorf("uplink: dial: %w", err)
	}
	resp.Body.Close()
	if conn.Subprotocol() != wire.Subprotocol {
		conn.Close()
		return nil, fmt.Errorf("uplink: the backend does not speak %s", wire.Subprotocol)
	}
	return conn, nil
}

// greet says hello and waits for the welcome.
func (l *Link) greet(ctx context.Context, conn *websocket.Conn, till Till) (wire.Welcome, error) {
	asking, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	hello, err := till.Hello(asking)
	if err != nil {
		return wire.Welcome{}, fmt.Errorf("uplink: the register gave no hello: %w", err)
	}
	if err := writeMessage(conn, hello); err != nil {
		return wire.Welcome{}, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetReadDeadline(time.Now().Add(welcomeTime))
	m, err := readMessage(conn)
	if err != nil {
		return wire.Welcome{}, err
	}
	switch {
	case m.Type == wire.TypeError:
		till.HelloRefused(ctx, m.Error)
		return wire.Welcome{}, fmt.Errorf("uplink: the backend refused the hello: %w", m.Error)
	case m.Type != wire.TypeWelcome || m.Re != hello.ID:
		return wire.Welcome{}, fmt.Errorf("uplink: the backend answered the hello with %q", m.Type)
	}
	return *m.Welcome, nil
}

// read serves what comes until the line fails.
func (l *Link) read(ctx context.Context, conn *websocket.Conn, till Till, silence time.Duration) error {
	alive := func(string) error {
		till.Heard()
		return conn.SetReadDeadline(time.Now().Add(silence))
	}
	conn.SetPongHandler(alive)
	answerPing := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		if err := alive(""); err != nil {
			return err
		}
		return answerPing(data)
	})
	for {
		if err := alive(""); err != nil {
			return err
		}
		m, err := readMessage(conn)
		var wrong *wire.Error
		switch {
		case errors.As(err, &wrong):
			l.log.Warn("the backend sent a message that cannot be taken", "code", wrong.Code, "error", wrong)
			if m.ID != "" {
				l.Send(wire.Message{Type: wire.TypeError, ID: "e-" + m.ID[:min(len(m.ID), 90)], Re: m.ID, Error: wrong})
			}
		case err != nil:
			return err
		default:
			till.Received(ctx, m)
		}
	}
}

// write sends what is queued, and pings, until ctx ends or the line fails.
func (l *Link) write(ctx context.Context, conn *websocket.Conn, out <-chan wire.Message, pingEvery time.Duration) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			bye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
			_ = conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(writeTime)) // a courtesy: the line may be gone
			return
		case m := <-out:
			err = writeMessage(conn, m)
			var wrong *wire.Error
			if errors.As(err, &wrong) {
				// Our own mistake: the line is well, and the rest must go on.
				l.log.Error("a message could not be encoded and was not sent", "message", m.String(), "error", wrong)
				err = nil
			}
		case <-ping.C:
			err = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTime))
		}
		if err != nil {
			l.log.Warn("the line failed while writing", "error", err)
			return
		}
	}
}

func writeMessage(conn *websocket.Conn, m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return fmt.Errorf("uplink: %s cannot be encoded: %w", m.Type, err)
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	return conn.WriteMessage(websocket.TextMessage, data)
}

func readMessage(conn *websocket.Conn) (wire.Message, error) {
	kind, data, err := conn.ReadMessage()
	if err != nil {
		return wire.Message{}, fmt.Errorf("uplink: %w", err)
	}
	if kind != websocket.TextMessage {
		return wire.Message{}, &wire.Error{Code: wire.CodeSyntax, Text: "a message is text, not binary"}
	}
	return wire.Parse(data)
}
