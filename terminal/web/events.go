package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"sekisho/terminal/register"
)

// The bounds of the event stream.
const (
	maxClients = 16  // the page, the POS, and room for their reconnecting
	maxQueue   = 64  // events that a client may be behind: minutes of a busy till
	maxRecent  = 256 // events remembered for clients that come back
)

// noJournal is the index of an event that is no journal entry.
const noJournal = -1

// Events is the register's Signal. Its Emit does not block; its methods may be
// called from any goroutine.
type Events struct {
	mu      sync.Mutex
	recent  []frame // oldest first
	clients map[*client]bool
	closed  bool
}

var _ register.Signal = (*Events)(nil)

// frame is one event in the form of the HTML Standard's server-sent events.
type frame struct {
	journal int64
	bytes   []byte
}

// client is one reader of the stream.
type client struct {
	frames chan frame
	gone   chan struct{} // closed when the client was cut off
}

// NewEvents makes the Signal of one register.
func NewEvents() *Events { return &Events{clients: map[*client]bool{}} }

// Emit tells e to every client. A client whose queue is full is cut off. An
// event that cannot be written leaves a gap: then every client is cut off, and
// what they are told first when they come back is the present picture.
func (e *Events) Emit(ev register.Event) {
	f, err := newFrame(ev)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.recent = nil
		e.dropAll()
		return
	}
	if len(e.recent) == maxRecent {
		e.recent = slices.Delete(e.recent, 0, 1)
	}
	e.recent = append(e.recent, f)
	for c := range e.clients {
		select {
		case c.frames <- f:
		default:
			e.drop(c)
		}
	}
}

// Close cuts every client off and lets no more come.
func (e *Events) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.dropAll()
}

func (e *Events) dropAll() {
	for c := range e.clients {
		e.drop(c)
	}
}

func (e *Events) drop(c *client) {
	if e.clients[c] {
		delete(e.clients, c)
		close(c.gone)
	}
}

// join adds a client and gives what it missed after the journal index last, or
// nothing where that is not remembered any more. Several events may tell of one
// index, so those behind the first of them are told again.
func (e *Events) join(last int64) (*client, []frame, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, &register.Error{Code: register.CodeShutdown, Text: "the register is stopping: come back when it has started again"}
	}
	if len(e.clients) >= maxClients {
		return nil, nil, problem{status: http.StatusServiceUnavailable, code: codeClients, detail: fmt.Sprintf("%d clients follow the events already: close one", maxClients)}
	}
	c := &client{frames: make(chan frame, maxQueue), gone: make(chan struct{})}
	e.clients[c] = true
	if last == noJournal {
		return c, nil, nil
	}
	i := slices.IndexFunc(e.recent, func(f frame) bool { return f.journal == last })
	if i < 0 {
		return c, nil, nil
	}
	return c, slices.Clone(e.recent[i+1:]), nil
}

func (e *Events) leave(c *client) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drop(c)
}

// newFrame writes an event while it is told, so that nothing of the register's
// state is read later.
func newFrame(ev register.Event) (frame, error) {
	data := ev.Data
	if v, ok := data.(register.View); ok {
		data = plain(v)
	}
	text, err := json.Marshal(data)
	if err != nil {
		return frame{}, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", ev.Type)
	if ev.Journal >= 0 {
		fmt.Fprintf(&b, "id: %d\n", ev.Journal)
	}
	fmt.Fprintf(&b, "data: %s\n\n", text)
	return frame{journal: max(ev.Journal, noJournal), bytes: b.Bytes()}, nil
}
