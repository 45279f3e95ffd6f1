package backendsim

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"sekisho/terminal/wire"
)

// line is a link's connection, whose sending side can be made to misbehave.
type line struct {
	net.Conn
	ctx   context.Context // the link's
	quiet atomic.Bool
	pause atomic.Int64 // nanoseconds between two bytes; 0 is as fast as it goes
}

// Write writes, or pretends to.
func (l *line) Write(data []byte) (int, error) {
	pause := time.Duration(l.pause.Load())
	switch {
	case l.quiet.Load():
		return len(data), nil
	case pause == 0:
		return l.Conn.Write(data)
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for i := range data {
		select {
		case <-l.ctx.Done():
			return i, l.ctx.Err()
		case <-tick.C:
		}
		if _, err := l.Conn.Write(data[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(data), nil
}

// SetWriteDeadline is the connection's, but where bytes are to come slowly.
func (l *line) SetWriteDeadline(t time.Time) error {
	if l.pause.Load() > 0 {
		t = time.Time{}
	}
	return l.Conn.SetWriteDeadline(t)
}

// taking is a ResponseWriter whose connection becomes a line.
type taking struct {
	http.ResponseWriter
	line *line
}

// Hijack gives the line.
func (t taking) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.line.Conn = conn
	return t.line, rw, err
}

// spoil makes the link misbehave from now on: after the answer to a message of a
// type, or with "" at its begin.
func (l *link) spoil(of wire.Type) {
	if _, now := l.b.faults.take(Silence, of); now {
		l.queue(frame{spoil: func() { l.line.quiet.Store(true) }})
	}
	if f, now := l.b.faults.take(Trickle, of); now {
		l.queue(frame{spoil: func() { l.line.pause.Store(int64(f.Delay)) }})
	}
	if _, now := l.b.faults.take(Mute, of); now {
		l.mute.Store(true)
	}
}

// spill is how much of a message beyond the most that one may have is read, and
// thrown away, so that it can be answered; what is longer ends the link.
const spill = 8 * wire.MaxMessage

// next reads a message, of one that is too long no more than a byte too many.
// whole says whether its end was seen.
func (l *link) next() (kind int, data []byte, whole bool, err error) {
	kind, r, err := l.conn.NextReader()
	if err != nil {
		return kind, nil, false, err
	}
	data, err = io.ReadAll(io.LimitReader(r, wire.MaxMessage+1))
	if err != nil || len(data) <= wire.MaxMessage {
		return kind, data, true, err
	}
	_, err = io.CopyN(io.Discard, r, spill)
	if errors.Is(err, io.EOF) {
		return kind, data, true, nil
	}
	return kind, data, false, err
}
