package conform_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// mutation is how a backend misbehaves: what a proxy before the reference backend
// does with what passes. Every function is called for one message at a time. The
// zero mutation changes nothing.
type mutation struct {
	anyProtocol bool // takes every dial
	noProtocol  bool // names no subprotocol
	noPongs     bool
	deaf        bool // the backend's end of a link is not the client's

	// up and down see a message, may change it, and say whether it passes.
	up, down func(*leg, *wire.Message) bool
	// frame sees what is sent up as bytes, first, and says whether it passes.
	frame func(l *leg, kind int, data []byte) bool
}

// proxy stands before a backend. Its memory lives as long as it does.
type proxy struct {
	t       *testing.T
	backend string
	m       mutation
	on      atomic.Bool // the mutation counts
	server  *httptest.Server

	mu    sync.Mutex // held while a mutation is asked
	legs  map[*leg]bool
	asked map[string]wire.Message // upward, by id
	count map[string]int          // for mutations to count by
	words map[string]string       // for mutations to remember
}

// leg is one link with its two ends.
type leg struct {
	p               *proxy
	client, backend *websocket.Conn
	sending         [2]sync.Mutex
	session         int64
	register        string
}

func newProxy(t *testing.T, backend string, m mutation) *proxy {
	p := &proxy{
		t: t, backend: backend, m: m, legs: map[*leg]bool{},
		asked: map[string]wire.Message{}, count: map[string]int{}, words: map[string]string{},
	}
	p.server = httptest.NewServer(http.HandlerFunc(p.dialled))
	t.Cleanup(func() {
		p.each((*leg).end)
		p.server.Close()
	})
	return p
}

func (p *proxy) url() string { return "ws" + strings.TrimPrefix(p.server.URL, "http") + "/v1/link" }

func (p *proxy) each(do func(*leg)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.legs {
		do(l)
	}
}

func (l *leg) end() {
	l.client.Close()
	l.backend.Close()
}

func (p *proxy) dialled(w http.ResponseWriter, r *http.Request) {
	m := mutation{}
	if p.on.Load() {
		m = p.m
	}
	offered := websocket.Subprotocols(r)
	if m.anyProtocol {
		offered = []string{wire.Subprotocol}
	}
	d := websocket.Dialer{Subprotocols: offered}
	backend, reply, err := d.Dial(p.backend, nil)
	if err != nil {
		if reply == nil {
			http.Error(w, "the backend is away", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", reply.Header.Get("Content-Type"))
		w.WriteHeader(reply.StatusCode)
		_, _ = io.Copy(w, reply.Body) // who has gone is not told
		return
	}
	up := websocket.Upgrader{Subprotocols: []string{backend.Subprotocol()}}
	if m.noProtocol {
		up.Subprotocols = nil
	}
	client, err := up.Upgrade(w, r, nil)
	if err != nil {
		backend.Close()
		return
	}
	if m.noPongs {
		client.SetPingHandler(func(string) error { return nil })
	}
	l := &leg{p: p, client: client, backend: backend}
	p.mu.Lock()
	p.legs[l] = true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.carry(client, backend, 0, m); backend.Close() })
	both.Go(func() {
		l.carry(backend, client, 1, m)
		if !m.deaf {
			client.Close()
		}
	})
	both.Wait()
	client.Close()
	p.mu.Lock()
	delete(p.legs, l)
	p.mu.Unlock()
}

// carry carries what comes from one end to the other, way 0 being up.
func (l *leg) carry(from, to *websocket.Conn, way int, m mutation) {
	for {
		kind, data, err := from.ReadMessage()
		if err != nil {
			return
		}
		if data, pass := l.mutated(kind, data, way, m); pass && l.write(to, way, kind, data) != nil {
			return
		}
	}
}

func (l *leg) write(to *websocket.Conn, way, kind int, data []byte) error {
	l.sending[way].Lock()
	defer l.sending[way].Unlock()
	return to.WriteMessage(kind, data)
}

// mutated lets the mutation have its way with one message.
func (l *leg) mutated(kind int, data []byte, way int, mut mutation) ([]byte, bool) {
	p := l.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if way == 0 && mut.frame != nil && !mut.frame(l, kind, data) {
		return nil, false
	}
	var m wire.Message
	if kind != websocket.TextMessage || json.Unmarshal(data, &m) != nil {
		return data, true
	}
	l.note(m, way)
	change := mut.up
	if way == 1 {
		change = mut.down
	}
	if change == nil {
		return data, true
	}
	if !change(l, &m) {
		return nil, false
	}
	changed, err := json.Marshal(m)
	if err != nil {
		p.t.Error(err)
	}
	return changed, true
}

// note remembers who asked what.
func (l *leg) note(m wire.Message, way int) {
	if way == 0 {
		l.p.asked[m.ID] = m
	}
	if m.Hello != nil {
		l.register = m.Hello.Register
	}
	if m.Welcome != nil {
		l.session = m.Welcome.Session
	}
}

// reply answers the client in the backend's place.
func (l *leg) reply(to wire.Message, m wire.Message) {
	m.Version, m.ID, m.Re, m.Session = wire.Version, "p-"+to.ID, to.ID, l.session
	data, err := json.Marshal(m)
	if err == nil {
		err = l.write(l.client, 1, websocket.TextMessage, data)
	}
	if err != nil {
		l.p.t.Log("the client has gone:", err)
	}
}

// once counts up and says whether it is the first time.
func (l *leg) once(word string) bool {
	l.p.count[word]++
	return l.p.count[word] == 1
}
