package conform

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// till is a register's side of one link.
type till struct {
	p           *play
	m           *machine
	incarnation string
	counters    map[counterKey]*wire.Counter // of the incarnation
	session     int64                        // 0 before the welcome
	doubted     bool                         // the welcome said quarantine
	keeps       bool                         // it gives nothing back at the rule's end

	conn  *websocket.Conn
	in    chan frame
	pongs chan string
	kept  []wire.Message // came and were not asked for yet
	ended bool           // the backend ended the link
}

// frame is one message as it came; err where the link ended.
type frame struct {
	data []byte
	text bool
	err  error
}

// longest is the most bytes of a message from a backend.
const longest = wire.MaxMessage

// dial opens a link that has not said hello, as a fresh incarnation.
func (p *play) dial(m *machine) *till { return p.dialAs(m, uuid.NewString()) }

func (p *play) dialAs(m *machine, incarnation string) *till {
	t := &till{p: p, m: m, incarnation: incarnation, counters: p.k.book(m.Store, incarnation)}
	t.connect("sekisho.v2", wire.Subprotocol)
	return t
}

// again is the same incarnation's next link.
func (t *till) again() *till { return t.p.resume(t) }

func (p *play) resume(t *till) *till {
	next := &till{p: p, m: t.m, incarnation: t.incarnation, counters: t.counters}
	next.connect(wire.Subprotocol)
	return next
}

// stock is the register that keeps what it was granted from rule to rule.
func (p *play) stock() *till {
	t := p.resume(p.k.stock)
	t.hello()
	t.keeps = true
	return t
}

// connect dials, and waits where the backend says how long.
func (t *till) connect(protocols ...string) {
	t.in, t.pongs = make(chan frame, 1024), make(chan string, 16)
	t.ended = true
	for !t.p.over() {
		conn, reply, err := t.p.handshakeBy(t.m.showing(), protocols...)
		if err != nil {
			if t.p.wait(reply) {
				continue
			}
			t.p.fail("the link was not opened: %w", told(err, reply))
			return
		}
		t.p.want(conn.Subprotocol() == wire.Subprotocol, "the handshake chose the subprotocol %q", conn.Subprotocol())
		t.conn, t.ended = conn, false
		t.p.tills = append(t.p.tills, t)
		t.p.work.Go(t.read)
		return
	}
}

// handshakeBy dials once.
func (p *play) handshakeBy(trust *tls.Config, protocols ...string) (*websocket.Conn, *http.Response, error) {
	p.k.line.onTLS(trust)
	d := websocket.Dialer{Subprotocols: protocols, HandshakeTimeout: p.k.cfg.Patience, TLSClientConfig: trust}
	return d.DialContext(p.ctx, p.k.cfg.URL, nil)
}

// wait waits as long as a refusal for too many dials asks, and says whether it
// was one.
func (p *play) wait(reply *http.Response) bool {
	if reply == nil || (reply.StatusCode != http.StatusTooManyRequests && reply.StatusCode != http.StatusServiceUnavailable) {
		return false
	}
	seconds, err := strconv.Atoi(reply.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return false
	}
	select {
	case <-p.ctx.Done():
		return false
	case <-time.After(time.Duration(seconds) * time.Second):
		return true
	}
}

// refusalOf reads the problem that a dial was refused with.
func refusalOf(reply *http.Response) (*enrol.Problem, error) {
	said, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	return problem(reply, said)
}

func told(err error, reply *http.Response) error {
	if reply == nil {
		return err
	}
	return fmt.Errorf("%w (%s)", err, reply.Status)
}

// read hands on what comes, until the link ends.
func (t *till) read() {
	t.conn.SetReadLimit(longest)
	t.conn.SetPongHandler(func(data string) error {
		select {
		case t.pongs <- data:
		default:
		}
		return nil
	})
	for {
		kind, data, err := t.conn.ReadMessage()
		f := frame{data, kind == websocket.TextMessage, err}
		select {
		case t.in <- f:
		case <-t.p.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// errSilent says that nothing came in time.
var errSilent = errors.New("nothing came")

// next waits for one message.
func (t *till) next(within time.Duration) (wire.Message, error) {
	if t.ended {
		return wire.Message{}, errors.New("the backend ended the link")
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case f := <-t.in:
		return t.take(f)
	case <-timer.C:
		return wire.Message{}, fmt.Errorf("%w in %v", errSilent, within)
	case <-t.p.ctx.Done():
		return wire.Message{}, fmt.Errorf("%w before the rule's time was over", errSilent)
	}
}

// take reads a frame and keeps the totals that it brings.
func (t *till) take(f frame) (wire.Message, error) {
	if f.err != nil {
		t.ended = true
		return wire.Message{}, fmt.Errorf("the backend ended the link: %w", f.err)
	}
	if !f.text {
		return wire.Message{}, errors.New("the backend sent a binary frame")
	}
	m, err := wire.Parse(f.data)
	if err != nil {
		return wire.Message{}, fmt.Errorf("the backend sent a message that is not as docs/protocol.md has it: %w", err)
	}
	t.granted(m)
	return m, nil
}

// granted takes a message's totals, by maximum.
func (t *till) granted(m wire.Message) {
	for _, g := range grantsOf(m) {
		c := t.counter(g.Cap, g.Window)
		c.Granted = wire.Amount{Yen: max(c.Granted.Yen, g.Total.Yen), Units: max(c.Granted.Units, g.Total.Units)}
	}
}

func grantsOf(m wire.Message) []wire.Grant {
	switch {
	case m.Welcome != nil:
		return m.Welcome.Grants
	case m.Answer != nil:
		return m.Answer.Grants
	case m.Ack != nil:
		return m.Ack.Grants
	case m.Grants != nil:
		return m.Grants.Grants
	}
	return nil
}

func (t *till) counter(id, window string) *wire.Counter {
	k := counterKey{id, window}
	if t.counters[k] == nil {
		t.counters[k] = &wire.Counter{Cap: id, Window: window}
	}
	return t.counters[k]
}

// held is what the incarnation may still sell of a cap today.
func (t *till) held(id string) wire.Amount {
	c := t.counter(id, t.p.today())
	return wire.Amount{
		Yen:   c.Granted.Yen - c.Used.Yen + c.Released.Yen - c.Returned.Yen,
		Units: c.Granted.Units - c.Used.Units + c.Released.Units - c.Returned.Units,
	}
}

// holds says whether there is anything of today to give back.
func (t *till) holds() bool {
	for k := range t.counters {
		if h := t.held(k.id); k.window == t.p.today() && (h.Yen > 0 || h.Units > 0) {
			return true
		}
	}
	return false
}

// told gives the counters as a message tells them.
func (t *till) told() []wire.Counter {
	list := []wire.Counter{}
	for _, c := range t.counters {
		list = append(list, *c)
	}
	return list
}

// envelope completes a message; the journal grows by a leaf with each.
func (t *till) envelope(m wire.Message) wire.Message {
	if m.ID == "" {
		m.ID = newID()
	}
	if m.Incarnation == "" {
		m.Incarnation = t.incarnation
	}
	if m.Session == 0 && m.Type != wire.TypeHello {
		m.Session = t.session
	}
	if m.Journal == nil {
		t.m.grow(m.ID)
		m.Journal = t.m.head()
	}
	return m
}

// tell sends a message and gives its id.
func (t *till) tell(m wire.Message) string {
	m = t.envelope(m)
	t.p.k.line.onSay(&m)
	data, err := wire.Encode(m)
	if err != nil {
		t.p.fail("the kit made a wrong message: %w", err)
		return ""
	}
	t.put(data)
	return m.ID
}

// put sends bytes as a text message.
func (t *till) put(data []byte) { t.frame(websocket.TextMessage, data) }

func (t *till) frame(kind int, data []byte) {
	if t.p.over() {
		return
	}
	_ = t.conn.SetWriteDeadline(time.Now().Add(t.p.k.cfg.Patience))
	if err := t.conn.WriteMessage(kind, data); err != nil && !t.ended {
		t.p.fail("the link did not take a message: %w", err)
	}
}

// ask sends a message and waits for what answers it.
func (t *till) ask(m wire.Message) wire.Message {
	id := t.tell(m)
	return t.await(m.Type, id)
}

// await waits for the answer to a message; others are kept.
func (t *till) await(of wire.Type, id string) wire.Message {
	return t.find(fmt.Sprintf("the answer to %s", of), func(m wire.Message) bool { return m.Re == id })
}

// pushed waits for a message of a type that answers nothing.
func (t *till) pushed(of wire.Type) wire.Message {
	return t.find(string(of), func(m wire.Message) bool { return m.Re == "" && m.Type == of })
}

// find waits for a message, whatever comes before it.
func (t *till) find(what string, is func(wire.Message) bool) wire.Message {
	for i, m := range t.kept {
		if is(m) {
			t.kept = append(t.kept[:i:i], t.kept[i+1:]...)
			return m
		}
	}
	for end := time.Now().Add(t.p.k.cfg.Patience); !t.p.over(); {
		m, err := t.next(time.Until(end))
		if err != nil {
			t.p.fail("waiting for %s: %w%s", what, err, Lately(t.kept))
			break
		}
		if is(m) {
			return m
		}
		t.kept = append(t.kept, m)
		end = time.Now().Add(t.p.k.cfg.Patience) // it is at work on what came before
	}
	return wire.Message{}
}

// closed waits for the backend to end the link.
func (t *till) closed() {
	for end := time.Now().Add(t.p.k.cfg.Patience); !t.p.over() && !t.ended; {
		if _, err := t.next(time.Until(end)); errors.Is(err, errSilent) {
			t.p.fail("the backend did not end the link")
		}
	}
}

// late sends a message on a link that a newer one has replaced. It may have ended,
// before or for it; an answer must be error session.
func (t *till) late(m wire.Message) {
	id := t.rawTo(m, func(map[string]any) {}, func(data []byte) { _ = t.conn.WriteMessage(websocket.TextMessage, data) })
	for end := time.Now().Add(t.p.k.cfg.Patience); !t.p.over() && !t.ended; {
		got, err := t.next(time.Until(end))
		if errors.Is(err, errSilent) {
			return // what came of it the newer link is told
		}
		if err == nil && got.Re == id {
			t.mistaken(m.Type, got, wire.CodeSession)
			return
		}
	}
}

// raw sends a message with its JSON changed by hand.
func (t *till) raw(m wire.Message, change func(map[string]any)) string {
	return t.rawTo(m, change, t.put)
}

func (t *till) rawTo(m wire.Message, change func(map[string]any), put func([]byte)) string {
	if t.p.over() {
		return ""
	}
	m = t.envelope(m)
	var fields map[string]any
	data, err := wire.Encode(m)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		t.p.fail("the kit made a wrong message: %w", err)
		return ""
	}
	change(fields)
	if data, err = json.Marshal(fields); err != nil {
		t.p.fail("the kit made a wrong message: %w", err)
	}
	put(data)
	return m.ID
}
