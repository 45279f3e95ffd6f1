package backendsim

import (
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// till is a register's side of a link.
type till struct {
	w           *world
	register    string
	incarnation string
	conn        *websocket.Conn
	session     int64
	size        *int64 // of its journal
	welcome     wire.Welcome
}

const patience = 10 * time.Second // real time: a test that waits longer has failed

func (w *world) dial() *websocket.Conn {
	w.t.Helper()
	dialler := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience}
	conn, _, err := dialler.Dial("ws://"+w.addr+Path, nil)
	must(w.t, err)
	return conn
}

func (w *world) till(register, incarnation string, counters ...wire.Counter) *till {
	w.t.Helper()
	t := w.caller(register, incarnation)
	if before, ok := w.sizes[register+incarnation]; ok {
		t.size = before
	}
	w.sizes[register+incarnation] = t.size
	w.t.Cleanup(func() { t.conn.Close() })
	reply := t.ask(t.hello(counters...))
	if reply.Type != wire.TypeWelcome {
		w.t.Fatalf("hello was answered by %v: %+v", reply, reply.Error)
	}
	t.welcome, t.session = *reply.Welcome, reply.Welcome.Session
	return t
}

// caller is a till with an empty journal that has not said hello.
func (w *world) caller(register, incarnation string) *till {
	w.t.Helper()
	return &till{w: w, register: register, incarnation: incarnation, conn: w.dial(), size: new(int64)}
}

func (t *till) hello(counters ...wire.Counter) wire.Message {
	return wire.Message{Type: wire.TypeHello, Hello: &wire.Hello{Register: t.register, Store: store, Software: "test", Counters: counters}}
}

// wrap gives a message its envelope.
func (t *till) wrap(m wire.Message) wire.Message {
	*t.size++
	m.ID = newID(t.w.t)
	m.Session, m.Incarnation = t.session, t.incarnation
	m.Journal = &wire.Head{Size: *t.size, Root: strings.Repeat("0", 63) + "a"}
	return m
}

func (t *till) tell(m wire.Message) wire.Message {
	t.w.t.Helper()
	m = t.wrap(m)
	t.put(m)
	return m
}

// put writes a message that has its envelope.
func (t *till) put(m wire.Message) {
	t.w.t.Helper()
	data, err := wire.Encode(m)
	must(t.w.t, err)
	must(t.w.t, t.conn.WriteMessage(websocket.TextMessage, data))
}

// ask sends a message and waits for what answers it.
func (t *till) ask(m wire.Message) wire.Message {
	t.w.t.Helper()
	return t.await(t.tell(m).ID)
}

func (t *till) await(re string) wire.Message {
	t.w.t.Helper()
	for {
		m := t.next()
		if m.Re == re {
			return m
		}
	}
}

func (t *till) next() wire.Message {
	t.w.t.Helper()
	must(t.w.t, t.conn.SetReadDeadline(time.Now().Add(patience)))
	_, data, err := t.conn.ReadMessage()
	must(t.w.t, err)
	m, err := wire.Parse(data)
	must(t.w.t, err)
	return m
}

// push waits for a message of a type, whatever comes before it.
func (t *till) push(of wire.Type) wire.Message {
	t.w.t.Helper()
	for {
		if m := t.next(); m.Type == of {
			return m
		}
	}
}

// closed waits for the backend to end the link.
func (t *till) closed() {
	t.w.t.Helper()
	must(t.w.t, t.conn.SetReadDeadline(time.Now().Add(patience)))
	for {
		if _, _, err := t.conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseServiceRestart) {
				t.w.t.Fatalf("the link ended by %v, not by the backend", err)
			}
			return
		}
	}
}
