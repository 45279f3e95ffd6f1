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
	"sync/atomic"
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
	// RoundTrip says how long the answer to a ping took, or that it has not come
	// in so long. It is called once for each ping.
	RoundTrip(ctx context.Context, took time.Duration)
	// HelloRefused says that the backend answered a hello with an error.
	HelloRefused(ctx context.Context, why *wire.Error)
}

// What the line is given to do its work in.
const (
	dialTime    = 5 * time.Second
	helloTime   = 5 * time.Second // for the till to say who it is: its disk may hang
	welcomeTime = 5 * time.Second
	writeTime   = 3 * time.Second
	pings       = 3           // in a silence after which the line is down
	queued      = 256         // messages waiting for the writer
	longest     = time.Minute // between two dials; twenty first bounds where these are less, as for tests
)

// Link is the websocket client of one register.
type Link struct {
	url    string
	host   string
	plain  bool // without TLS
	trust  func() Trust
	times  func() Times
	dialer websocket.Dialer
	log    *slog.Logger

	mu   sync.Mutex
	out  chan wire.Message // nil while there is no session
	conn *websocket.Conn   // of the session
	// redial says that the register wanted this session to end.
	redial bool
}

// ErrURL says that a backend's address cannot be used.
var ErrURL = errors.New("the backend's address must be wss://…, or ws:// on loopback with --insecure-dev")

// Config is what a link is made of.
type Config struct {
	URL      string // of the backend
	Insecure bool   // plain ws:// is taken, to this machine only
	Log      *slog.Logger

	// Of wss:// alone. Each is asked at every dial: a certificate that was renewed
	// serves from the next one on.
	Trust func() Trust
	Times func() Times
}

// New makes a link. The error is ErrURL.
func New(cfg Config) (*Link, error) {
	u, err := backendURL(cfg.URL, cfg.Insecure)
	if err != nil {
		return nil, err
	}
	return &Link{
		url: cfg.URL, host: u.Hostname(), plain: u.Scheme == "ws", trust: cfg.Trust, times: cfg.Times, log: cfg.Log,
		dialer: websocket.Dialer{
			HandshakeTimeout: dialTime, Subprotocols: []string{wire.Subprotocol}, Proxy: nil, NetDialContext: new(net.Dialer).DialContext,
		},
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
		l.redial = true
		l.conn.Close()
	}
}

// Run keeps the link until ctx ends, and returns nil then.
func (l *Link) Run(ctx context.Context, till Till) error {
	var told terminal.LineReason
	for failures := 0; ; failures++ {
		stood, err := l.session(ctx, till)
		why := reasonOf(err)
		till.LinkDown(context.WithoutCancel(ctx), why)
		if ctx.Err() != nil {
			return nil
		}
		silence, redial := till.Pace()
		if stood >= silence { // one that was welcomed and died at once is a failure as well
			failures, told = 0, ""
		}
		if stood > 0 && crowded(err) {
			failures = max(failures, Crowd)
		}
		wait := asked(err) + Delay(redial, failures, rand.Float64())
		l.tell(&told, why, err, wait)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// tell logs why there is no session, once for each reason: an outage of a day is
// thousands of tries.
func (l *Link) tell(told *terminal.LineReason, why terminal.LineReason, err error, wait time.Duration) {
	level := slog.LevelWarn
	if why == *told {
		level = slog.LevelDebug
	}
	*told = why
	l.log.Log(context.Background(), level, "the line to the backend is down", "reason", why, "error", err, "next_try_in", wait.String())
}

// Delay gives how long to wait before the next dial: chance, from 0 to 1, of a
// bound that is first and doubles with each failure, up to twenty times first and
// at most a minute (exponential backoff with full jitter).
func Delay(first time.Duration, failures int, chance float64) time.Duration {
	bound, most := first, max(first, min(20*first, longest))
	for ; failures > 0 && bound < most; failures-- {
		bound *= 2
	}
	return time.Duration(float64(min(bound, most)) * chance)
}

func (l *Link) open(out chan wire.Message, conn *websocket.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.conn, l.redial = out, conn, false
}

// shut takes nothing more, and says whether the register wanted that.
func (l *Link) shut() (redialled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.conn = nil, nil
	return l.redial
}

// dial connects, proves who is who, and opens the websocket.
func (l *Link) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var at progress
	var far *stranger
	dialer, asked := l.dialer, new(atomic.Bool)
	dialer.NetDialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := l.dialer.NetDialContext(ctx, network, address)
		far = &stranger{Conn: conn, left: greetingMost}
		return far, err
	}
	if !l.plain {
		dialer.TLSClientConfig = l.tls(asked)
	}
	conn, resp, err := dialer.DialContext(at.watched(ctx), l.url, http.Header{})
	if err != nil {
		return nil, at.failed(err, resp)
	}
	resp.Body.Close()
	switch {
	case !l.plain && !asked.Load():
		err = errNotAsked
	case conn.Subprotocol() != wire.Subprotocol:
		err = fmt.Errorf("uplink: the backend does not speak %s", wire.Subprotocol)
	case resp.Header.Get("Sec-WebSocket-Extensions") != "":
		// None was offered, and a compressed message has no bound.
		err = errors.New("uplink: the backend answered with an extension that was not offered")
	default:
		far.known = true
		return conn, nil
	}
	conn.Close()
	return nil, &ended{why: terminal.LineProtocol, cause: err}
}

// greetingMost is the most bytes that are read of the other side before the
// websocket stands: TLS with its certificates, and the answer to the dial, of
// which the library bounds no header.
const greetingMost = 256 << 10

var errLong = errors.New("uplink: the answer to the dial does not end")

// stranger is a connection to somebody who has not answered the dial yet.
type stranger struct {
	net.Conn
	left  int // bytes that may still be read
	known bool
}

// Read implements net.Conn.
func (s *stranger) Read(p []byte) (int, error) {
	switch {
	case s.known:
		return s.Conn.Read(p)
	case s.left == 0:
		return 0, errLong
	}
	n, err := s.Conn.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}
