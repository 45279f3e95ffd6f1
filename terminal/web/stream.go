package web

import (
	"net/http"
	"strconv"
	"time"

	"sekisho/terminal/register"
)

// The times of the event stream.
const (
	heartbeat   = 15 * time.Second  // a comment, so that both sides notice a dead connection
	streamWrite = 5 * time.Second   // for one event to be taken
	reconnect   = "retry: 1000\n\n" // milliseconds until a browser tries again
)

// stream is GET /v1/events. A client that says where it stopped gets what it
// missed; every client then gets the present picture as a sale event, so that
// it ends up right whatever it missed.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	last, err := lastEventID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c, missed, err := s.events.join(last)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer s.events.leave(c)
	// What is told between join and View is in the queue as well: it comes
	// twice rather than never, and the newest comes last.
	now, err := newFrame(register.Event{Type: register.EventSale, Journal: noJournal, Data: s.desk.View()})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := &sender{w: w, control: http.NewResponseController(w)}
	if out.begin() != nil {
		return
	}
	for _, f := range append(missed, now) {
		if out.send(f.bytes) != nil {
			return
		}
	}
	s.follow(r, c, out)
}

// follow sends what c is told until one side has had enough.
func (s *Server) follow(r *http.Request, c *client, out *sender) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-c.gone:
			return
		case f := <-c.frames:
			err = out.send(f.bytes)
		case <-beat.C:
			err = out.send([]byte(": still here\n\n"))
		}
		if err != nil {
			return
		}
	}
}

// sender writes events to one client, each with a deadline of its own: the
// server's limit on writing is for short requests. (Its limit on reading ends
// with the request: net/http lifts it while a handler runs.)
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *sender) begin() error {
	s.w.Header().Set("Content-Type", "text/event-stream")
	return s.send([]byte(reconnect))
}

func (s *sender) send(b []byte) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}

// lastEventID reads where a client stopped. What this server cannot have given
// is refused.
func lastEventID(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		return noJournal, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 0 {
		return 0, invalid("Last-Event-ID must be an id that the events gave")
	}
	return id, nil
}
