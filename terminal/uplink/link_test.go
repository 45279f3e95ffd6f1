package uplink

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

func query(id string) wire.Message {
	return wire.Message{
		Type: wire.TypeQuery, ID: id, Session: 7, Incarnation: "i", Journal: &wire.Head{Root: strings.Repeat("0", 64)},
		Query: &wire.Query{Common: wire.Common{
			Payment: "01890000-0000-7000-8000-000000000000", BusinessDay: "2026-11-20", Window: "2026-11-20",
			SaleHash: strings.Repeat("0", 64), Clock: wire.ClockWall, Currency: wire.Currency,
		}},
	}
}

// Hello, welcome, messages both ways in their order, and an orderly end.
func TestSession(t *testing.T) {
	s, got := &till{}, make(chan wire.Message, queued+10)
	b := &backend{serve: func(c *conn) {
		c.welcome(7)
		for i := range 50 {
			c.write(wire.Message{Type: wire.TypeGrants, ID: fmt.Sprint("g", i), Grants: &wire.Grants{}})
		}
		for {
			m := c.read()
			if m.ID == "" {
				return
			}
			got <- m
		}
	}}
	line(t, b, s, func(t *testing.T, l *Link, stop func()) {
		want := "up 7"
		for i := range 50 {
			want += fmt.Sprint(", got g", i)
		}
		if s.heard() != want {
			t.Fatal(s.heard())
		}
		for i := range 50 {
			if !l.Send(query(fmt.Sprint(i))) {
				t.Fatalf("message %d was refused", i)
			}
		}
		synctest.Wait()
		for i := range 50 {
			if m := <-got; m.ID != fmt.Sprint(i) {
				t.Fatalf("message %s came in place %d", m.ID, i)
			}
		}
		if l.Send(wire.Message{Type: wire.TypeQuery}); len(got) != 0 {
			t.Fatal("an empty message went out")
		}
		synctest.Wait()
		l.Send(query("after"))
		synctest.Wait()
		if m := <-got; m.ID != "after" {
			t.Fatal("our own mistake ended the line")
		}
		stop()
		if s.heard() != want+", down" {
			t.Fatal(s.heard())
		}
		if l.Send(query("late")) {
			t.Fatal("a message was taken after the end")
		}
	})
}

// A line that is quiet but answers pings stays; one that is silent is down
// within the bound.
func TestI8SilenceIsNoticed(t *testing.T) {
	s := &till{}
	b := &backend{serve: func(c *conn) {
		c.welcome(1)
		go func() { <-c.b.release; c.SetPingHandler(func(string) error { return nil }) }()
		c.drain()
	}}
	line(t, b, s, func(t *testing.T, l *Link, _ func()) {
		after(10 * time.Minute)
		if s.heard() != "up 1" || s.silent() > pingEvery {
			t.Fatalf("a quiet line: %s, nothing heard for %v", s.heard(), s.silent())
		}
		close(b.release)
		after(silence - 10*time.Millisecond - pingEvery)
		if s.heard() != "up 1" || s.silent() < silence-2*pingEvery {
			t.Fatalf("too early: %s, or heard %v ago", s.heard(), s.silent())
		}
		after(pingEvery + 20*time.Millisecond)
		if !strings.HasPrefix(s.heard(), "up 1, down") {
			t.Fatalf("a silent line: %s", s.heard())
		}
	})
}

// The backend's own pings keep the line, and are answered.
func TestPingsAreAnswered(t *testing.T) {
	s, pongs := &till{}, make(chan string, 100)
	b := &backend{serve: func(c *conn) {
		c.welcome(1)
		c.SetPingHandler(func(string) error { return nil }) // it answers none
		c.SetPongHandler(func(data string) error { pongs <- data; return nil })
		gone := make(chan struct{})
		defer close(gone)
		go func() {
			for i := range 10 {
				c.WriteControl(websocket.PingMessage, []byte(fmt.Sprint(i)), time.Now().Add(time.Second))
				select {
				case <-time.After(silence / 2):
				case <-gone:
					return
				}
			}
		}()
		c.drain()
	}}
	line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
		after(10*silence/2 - time.Millisecond)
		if s.heard() != "up 1" || s.silent() > silence/2 {
			t.Fatal(s.heard(), s.silent())
		}
		for i := range 10 {
			if got := <-pongs; got != fmt.Sprint(i) {
				t.Fatalf("pong %q, want %d", got, i)
			}
		}
		after(silence + pingEvery)
		if !strings.HasPrefix(s.heard(), "up 1, down") {
			t.Fatal(s.heard())
		}
	})
}

// What the backend may answer to a hello that opens no session.
func TestNoSession(t *testing.T) {
	refusal := &wire.Error{Code: wire.CodeRefused, Text: "unknown register"}
	for name, c := range map[string]struct {
		till      *till
		protocols []string
		serve     func(c *conn)
	}{
		"another subprotocol": {&till{}, []string{"sekisho.v9"}, func(c *conn) { c.welcome(1); c.drain() }},
		"refused": {&till{}, nil, func(c *conn) {
			c.write(wire.Message{Type: wire.TypeError, ID: "e", Re: c.read().ID, Error: refusal})
			c.drain()
		}},
		"a welcome for another": {&till{}, nil, func(c *conn) {
			c.read()
			c.write(wire.Message{Type: wire.TypeWelcome, ID: "w", Re: "h2", Welcome: &wire.Welcome{Session: 1, Time: 1}})
			c.drain()
		}},
		"something else": {&till{}, nil, func(c *conn) {
			c.write(wire.Message{Type: wire.TypeGrants, ID: "g", Re: c.read().ID, Grants: &wire.Grants{}})
			c.drain()
		}},
		"a welcome without a session": {&till{}, nil, func(c *conn) {
			c.read()
			c.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"welcome","id":"w","re":"h1","welcome":{"session":0,"time":1}}`))
			c.drain()
		}},
		"bytes":                    {&till{}, nil, func(c *conn) { c.read(); c.WriteMessage(websocket.BinaryMessage, []byte("x")); c.drain() }},
		"nothing":                  {&till{}, nil, func(c *conn) { c.drain() }},
		"the till gives no hello":  {&till{hello: errors.New("stopping")}, nil, func(c *conn) { c.drain() }},
		"the till's hello hangs":   {&till{hangs: true}, nil, func(c *conn) { c.drain() }},
		"the backend goes at once": {&till{}, nil, func(*conn) {}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &backend{protocols: c.protocols, serve: c.serve}
			line(t, b, c.till, func(t *testing.T, l *Link, _ func()) {
				after(10 * time.Second)
				heard := c.till.heard()
				if strings.Contains(heard, "up") || l.Send(query("q")) {
					t.Fatalf("a session began: %s", heard)
				}
				if told := strings.Contains(heard, "refused: refused"); told != (name == "refused") {
					t.Fatalf("the till was told %q", heard)
				}
				if len(b.dialled()) < 2 {
					t.Fatal("it was not tried again")
				}
			})
		})
	}
}

// A frame above the limit ends the line, not the daemon, and no memory is given
// to it.
func TestI8HugeFrame(t *testing.T) {
	for name, send := range map[string]func(c *conn){
		"as a message": func(c *conn) { c.WriteMessage(websocket.TextMessage, make([]byte, 100<<20)) },
		"as a promise": func(c *conn) { // a header that announces 100 MB
			c.NetConn().Write([]byte{0x81, 127, 0, 0, 0, 0, 0x06, 0x40, 0, 0})
			c.drain()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			b := &backend{serve: func(c *conn) { c.welcome(1); send(c) }}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				after(1100 * time.Millisecond) // the goodbye has a second
				if !strings.HasPrefix(s.heard(), "up 1, down") {
					t.Fatal(s.heard())
				}
			})
		})
	}
}

// A message that cannot be taken is answered, and the line stays.
func TestI8BadMessageIsAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		kind int
		text string
		re   string // "" where the message gave no id to answer
	}{
		"no JSON":             {websocket.TextMessage, `{"v":1,`, ""},
		"bytes":               {websocket.BinaryMessage, `{"v":1,"type":"grants","id":"x","grants":{}}`, ""},
		"another version":     {websocket.TextMessage, `{"v":2,"type":"grants","id":"x","grants":{}}`, "x"},
		"an unknown type":     {websocket.TextMessage, `{"v":1,"type":"tea","id":"x"}`, "x"},
		"no body":             {websocket.TextMessage, `{"v":1,"type":"ack","id":"x"}`, "x"},
		"an id in kanji":      {websocket.TextMessage, `{"v":1,"type":"tea","id":"` + strings.Repeat("店", 100) + `"}`, strings.Repeat("店", 100)},
		"an id without end":   {websocket.TextMessage, `{"v":1,"type":"ack","id":"` + strings.Repeat("x", 5000) + `"}`, ""},
		"a body out of range": {websocket.TextMessage, `{"v":1,"type":"answer","id":"x","answer":{"payment":"1"}}`, "x"},
	} {
		t.Run(name, func(t *testing.T) {
			s, got := &till{}, make(chan wire.Message, 1)
			b := &backend{serve: func(k *conn) {
				k.welcome(1)
				k.WriteMessage(c.kind, []byte(c.text))
				k.write(wire.Message{Type: wire.TypeGrants, ID: "next", Grants: &wire.Grants{}})
				if m := k.read(); m.Type != "" {
					got <- m
				}
				k.drain()
			}}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				if s.heard() != "up 1, got next" {
					t.Fatal(s.heard())
				}
				if c.re == "" && len(got) == 0 {
					return
				}
				if m := <-got; m.Type != wire.TypeError || m.Re != c.re || m.Error.Code == "" || m.Incarnation != "i" || m.Journal == nil {
					t.Fatalf("answered by %s %+v", m, m.Error)
				}
			})
		})
	}
}

// The backend stops reading: Send goes on answering at once, refuses when its
// queue is full, and the line ends within the writer's bound.
func TestI8SendNeverBlocks(t *testing.T) {
	s := &till{}
	b := &backend{serve: func(c *conn) { c.welcome(1); <-c.b.release }}
	line(t, b, s, func(t *testing.T, l *Link, _ func()) {
		began, taken := time.Now(), 0
		for range 3 * queued {
			if l.Send(query("q")) {
				taken++
			}
		}
		if taken < queued || taken > queued+2 || time.Since(began) != 0 {
			t.Fatalf("%d messages were taken in %v, want about %d", taken, time.Since(began), queued)
		}
		after(writeTime + time.Millisecond)
		if !strings.HasPrefix(s.heard(), "up 1, down") {
			t.Fatal(s.heard())
		}
		close(b.release)
	})
}

// The line falls silent while the writer is stuck on it: the writer is not waited
// for.
func TestI8StuckWriterHoldsUpNothing(t *testing.T) {
	s := &till{}
	b := &backend{serve: func(c *conn) {
		c.welcome(1)
		c.SetPingHandler(func(string) error { return nil })
		c.SetReadDeadline(time.Now().Add(silence - time.Second))
		c.drain()
		<-c.b.release
	}}
	line(t, b, s, func(t *testing.T, l *Link, _ func()) {
		defer close(b.release)
		after(silence - time.Second/2)
		l.Send(query("stuck"))
		after(time.Second/2 + 10*time.Millisecond)
		if !strings.HasPrefix(s.heard(), "up 1, down") {
			t.Fatal(s.heard())
		}
	})
}
