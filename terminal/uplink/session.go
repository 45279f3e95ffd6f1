package uplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// session is one connection from its welcome on.
type session struct {
	link    *Link
	log     *slog.Logger
	conn    *websocket.Conn
	till    Till
	hello   wire.Message // that opened it
	number  int64
	silence time.Duration
	heart   heart

	// ---- the reader's own ----
	until time.Time // when the message that is being read must be there; zero between two
	wrong int       // messages that could not be taken
	odd   int       // of which the log was told
}

// session dials, says hello, and serves until the line fails or ctx ends. stood
// is how long it did so.
func (l *Link) session(ctx context.Context, till Till) (stood time.Duration, err error) {
	conn, err := l.dial(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetReadLimit(wire.MaxMessage)
	hello, welcome, err := l.greet(ctx, conn, till)
	if err != nil {
		return 0, err
	}
	silence, _ := till.Pace()
	s := &session{link: l, log: l.log, conn: conn, till: till, hello: hello, number: welcome.Session, silence: silence}
	began := time.Now()
	err = s.serve(ctx, welcome)
	return time.Since(began), err
}

// serve carries messages both ways.
func (s *session) serve(ctx context.Context, welcome wire.Welcome) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := make(chan wire.Message, queued)
	wrote := make(chan error, 1)
	var writer sync.WaitGroup
	writer.Go(func() {
		wrote <- s.write(ctx, out)
		s.conn.Close() // wakes the reader
	})
	s.link.open(out, s.conn)
	s.till.LinkUp(ctx, welcome)
	err := s.read(ctx)
	redialled := s.link.shut()
	s.conn.Close() // a writer that is stuck on a line that failed need not be waited for
	stop()
	writer.Wait()
	switch failed := <-wrote; {
	case redialled:
		return &ended{why: terminal.LineStarting, cause: errRedial}
	case failed != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)): // closed by the writer, then
		return failed
	}
	return err
}

// errLater is the end of a session of which the backend no longer knows: it holds
// our hello for a later one, as where a hello reached it twice. It would refuse all
// that is said in this one, and we all that it says, for as long as the line stands.
var errLater = errors.New("uplink: the backend is in a later session: another hello is needed")

// errRedial is the end of a session that the register wanted.
var errRedial = errors.New("uplink: the register begins another session")

// greet says hello and waits for the welcome.
func (l *Link) greet(ctx context.Context, conn *websocket.Conn, till Till) (hello wire.Message, w wire.Welcome, err error) {
	asking, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	if hello, err = till.Hello(asking); err != nil {
		return hello, w, &ended{why: terminal.LineStarting, cause: fmt.Errorf("uplink: the register gave no hello: %w", err)}
	}
	if err = writeMessage(conn, hello); err != nil {
		return hello, w, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn.SetReadDeadline(time.Now().Add(welcomeTime))
	kind, from, err := conn.NextReader()
	silence, _ := till.Pace()
	conn.SetReadDeadline(time.Now().Add(messageTime * silence)) // it has begun: a policy over a narrow line takes its time
	m, err := readMessage(kind, from, err)
	if err != nil {
		var wrong *wire.Error
		if errors.As(err, &wrong) { // it is the backend's message that is wrong, not the hello
			err = &ended{why: terminal.LineProtocol, cause: fmt.Errorf("uplink: the backend's welcome cannot be taken: %w", err)}
		}
		return hello, w, err
	}
	switch {
	case m.Type == wire.TypeError:
		till.HelloRefused(ctx, m.Error)
		return hello, w, fmt.Errorf("uplink: the backend refused the hello: %w", m.Error)
	case m.Type != wire.TypeWelcome || m.Re != hello.ID:
		return hello, w, &ended{why: terminal.LineProtocol, cause: fmt.Errorf("uplink: the backend answered the hello with %q", m.Type)}
	}
	return hello, *m.Welcome, nil
}

// read serves what comes until the line fails.
func (s *session) read(ctx context.Context) error {
	s.conn.SetPongHandler(func(data string) error {
		if took, ok := s.heart.pong(data, time.Now()); ok {
			s.till.RoundTrip(ctx, took)
		}
		return s.alive()
	})
	answerPing := s.conn.PingHandler()
	s.conn.SetPingHandler(func(data string) error {
		if err := s.alive(); err != nil {
			return err
		}
		return answerPing(data)
	})
	for {
		if err := s.alive(); err != nil {
			return err
		}
		m, err := s.message()
		if err == nil {
			err = s.check(m)
		}
		var wrong *wire.Error
		switch {
		case errors.As(err, &wrong):
			if m.Type == wire.TypeError { // is not answered
				m.ID = ""
			}
			if err := s.refuse(m.ID, wrong); err != nil {
				return err
			}
		case err != nil:
			return err
		default:
			s.till.Received(ctx, m)
		}
	}
}

// alive notes that a frame came: the line has another silence to say more, but
// for the message that is being read, which has an end of its own.
func (s *session) alive() error {
	s.till.Heard()
	return s.goOn()
}

func (s *session) goOn() error {
	deadline := time.Now().Add(s.silence)
	if !s.until.IsZero() && s.until.Before(deadline) {
		deadline = s.until
	}
	return s.conn.SetReadDeadline(deadline)
}

// messageTime is how many silences the bytes of one message may take: with a
// store's pace 1 MiB over half a minute, a line of 300 kbit/s. While they come the
// line is not silent, but a message that never ends must not keep it up.
const messageTime = 5

// message reads the next message.
func (s *session) message() (wire.Message, error) {
	kind, r, err := s.conn.NextReader()
	s.until = time.Now().Add(messageTime * s.silence)
	defer func() { s.until = time.Time{} }()
	return readMessage(kind, &trickle{r, s}, err)
}

// trickle lets the line live on with each byte of a message.
type trickle struct {
	from io.Reader
	s    *session
}

// Read implements io.Reader.
func (t *trickle) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	if n > 0 && err == nil {
		err = t.s.goOn()
	}
	return n, err
}

// check holds a message that is well formed against the session.
func (s *session) check(m wire.Message) error {
	switch {
	case m.Upward():
		return &wire.Error{Code: wire.CodeType, Text: "this type of message goes to the backend"}
	case m.Session > s.number:
		return &ended{why: terminal.LineStarting, cause: errLater}
	case m.Type == wire.TypeWelcome:
		return &wire.Error{Code: wire.CodeRefused, Text: "this session has had its welcome"}
	case m.Session != 0 && m.Session != s.number:
		return &wire.Error{Code: wire.CodeSession, Text: "this is another session"}
	}
	return nil
}

// How much the register bears on one line of messages that it cannot take.
const (
	maxWrong = 10  // of no shape, version or body, as docs/protocol.md says of either side
	maxID    = 100 // characters of an id that can be answered
	maxOdd   = 20  // of which the log is told: a newer backend may speak much that is not known here
)

// refuse answers a message that cannot be taken; the error says that it was one
// too many. Incarnation and journal are the hello's: a later message may name a
// smaller journal.
func (s *session) refuse(re string, wrong *wire.Error) error {
	if s.odd++; s.odd <= maxOdd {
		s.log.Warn("the backend sent a message that cannot be taken", "code", wrong.Code, "error", wrong)
	}
	switch wrong.Code {
	case wire.CodeSyntax, wire.CodeVersion, wire.CodeBody:
		if s.wrong++; s.wrong > maxWrong {
			return &ended{why: terminal.LineProtocol, cause: fmt.Errorf("uplink: more than %d messages could not be taken: %w", maxWrong, wrong)}
		}
	}
	if n := utf8.RuneCountInString(re); n > 0 && n <= maxID {
		s.link.Send(wire.Message{
			Type: wire.TypeError, ID: "e-" + string([]rune(re)[:min(n, maxID-2)]), Re: re, Session: s.number,
			Incarnation: s.hello.Incarnation, Journal: s.hello.Journal, Error: wrong,
		})
	}
	return nil
}

// write sends what is queued, and pings, until ctx ends or the line fails.
func (s *session) write(ctx context.Context, out <-chan wire.Message) error {
	ping := time.NewTicker(s.silence / pings)
	defer ping.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			bye := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
			_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(writeTime)) // a courtesy: the line may be gone
			return nil
		case m := <-out:
			err = writeMessage(s.conn, m)
			var wrong *wire.Error
			if errors.As(err, &wrong) {
				// Our own mistake: the line is well, and the rest must go on.
				s.log.Error("a message could not be encoded and was not sent", "message", m.String(), "error", wrong)
				err = nil
			}
		case <-ping.C:
			err = s.ping(ctx)
		}
		if err != nil {
			return fmt.Errorf("uplink: while writing: %w", err)
		}
	}
}

// ping sends the next ping, and tells of those before it that were not answered.
func (s *session) ping(ctx context.Context) error {
	payload, unanswered := s.heart.beat(time.Now(), s.silence/pings)
	for _, age := range unanswered {
		s.till.RoundTrip(ctx, age)
	}
	return s.conn.WriteControl(websocket.PingMessage, payload, time.Now().Add(writeTime))
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

// readMessage reads what NextReader gave.
func readMessage(kind int, from io.Reader, err error) (wire.Message, error) {
	if err != nil {
		return wire.Message{}, fmt.Errorf("uplink: %w", err)
	}
	data, err := io.ReadAll(from) // bounded by the connection's read limit
	if err != nil {
		return wire.Message{}, fmt.Errorf("uplink: %w", err)
	}
	if kind != websocket.TextMessage {
		return wire.Message{}, &wire.Error{Code: wire.CodeSyntax, Text: "a message is text, not binary"}
	}
	return wire.Parse(data)
}
