package registers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/firmware-mocks/conform"
	"sekisho/terminal/wire"
)

// link is the backend's side of one websocket.
type link struct {
	p       *play
	dial    *dial
	conn    *websocket.Conn
	session int64         // 0 before the welcome
	hello   received      // that greet welcomed
	in      chan received // closed where the link ended
	silent  atomic.Bool   // it answers no pings
	pings   chan time.Time
	pongs   chan string
	writing sync.Mutex
	sent    int

	mu   sync.Mutex
	seen []received         // all that came
	hand map[wire.Type]bool // what the rule itself answers
}

// received is one message as it came.
type received struct {
	wire.Message
	at  time.Time
	err error // it is no message of the protocol
}

// link takes the next dial.
func (p *play) link() *link { return p.take(p.dial(), nil) }

// take makes a link of a dial.
func (p *play) take(d *dial, header http.Header) *link {
	l := &link{p: p, dial: d, in: make(chan received, 10_000), pings: make(chan time.Time, 1000), pongs: make(chan string, 10), hand: map[wire.Type]bool{}, hello: received{Message: blank(wire.TypeHello)}}
	if p.over() {
		close(l.in)
		return l
	}
	up := websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}
	if header != nil {
		up.Subprotocols = nil
	}
	opened := make(chan error, 1)
	d.decide <- func(w http.ResponseWriter) {
		conn, err := up.Upgrade(w, d.r, p.k.tap.onUpgrade(header))
		l.conn = conn
		opened <- err
	}
	select {
	case err := <-opened:
		if err != nil {
			p.fail("the link was not opened: %w", err)
			close(l.in)
			return l
		}
	case <-d.gone:
		return p.take(p.dial(), header)
	}
	p.links = append(p.links, l)
	p.work.Go(l.read)
	return l
}

// read takes what comes, until the link ends.
func (l *link) read() {
	defer close(l.in)
	l.conn.SetReadLimit(wire.MaxMessage)
	answer := l.conn.PingHandler()
	l.conn.SetPingHandler(func(data string) error {
		if l.p.k.tap.onPing(l) {
			select {
			case l.pings <- time.Now():
			default:
			}
		}
		if l.silent.Load() && !l.p.k.tap.pongs {
			return nil
		}
		return answer(data)
	})
	l.conn.SetPongHandler(func(data string) error {
		if !l.p.k.tap.noPongs {
			l.pongs <- data
		}
		return nil
	})
	for {
		kind, data, err := l.conn.ReadMessage()
		if err != nil {
			return
		}
		m, err := wire.Parse(data)
		if kind != websocket.TextMessage {
			err = fmt.Errorf("it is no text")
		}
		if err != nil {
			l.got(received{Message: m, at: time.Now(), err: err})
			continue
		}
		for _, m := range l.p.k.tap.onUp(l, m) {
			l.got(received{Message: m, at: time.Now()})
		}
	}
}

// got keeps a message, and answers what no rule is about.
func (l *link) got(m received) {
	l.mu.Lock()
	l.seen = append(l.seen, m)
	mine := l.hand[m.Type]
	l.mu.Unlock()
	if m.err == nil && !mine && l.bySelf(m.Message) {
		return
	}
	l.in <- m
}

// bySelf answers what the backend keeps and no rule of this play is about.
func (l *link) bySelf(m wire.Message) bool {
	a := &wire.Ack{Of: m.Type, Status: wire.StatusAccepted, Time: now()}
	switch m.Type {
	case wire.TypeCheckpoint:
		l.p.keep(m.Checkpoint)
	case wire.TypeJournal:
		a.Size = l.p.stored(m.Entries)
	case wire.TypeGrants:
	default:
		return false
	}
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: a})
	return true
}

// byHand says what the rule itself answers, from now on.
func (l *link) byHand(types ...wire.Type) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range types {
		l.hand[t] = true
	}
}

// all gives everything that came so far.
func (l *link) all() []received {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]received(nil), l.seen...)
}

// lately says what came last.
func (l *link) lately() string {
	var came []wire.Message
	for _, m := range l.all() {
		came = append(came, m.Message)
	}
	return conform.Lately(came)
}

// write sends a message in the session. A link that has ended takes it too.
func (l *link) write(m wire.Message) string {
	m.Version = wire.Version
	l.writing.Lock()
	l.sent++
	if m.ID == "" {
		m.ID = fmt.Sprintf("k-%d-%d", l.session, l.sent)
	}
	l.writing.Unlock()
	if m.Session == 0 {
		m.Session = l.session
	}
	data, err := json.Marshal(m)
	if err != nil {
		l.p.fail("the kit wrote no message: %w", err)
		return ""
	}
	l.frame(websocket.TextMessage, data)
	return m.ID
}

// frame sends bytes as they are.
func (l *link) frame(kind int, data []byte) {
	if l.conn == nil {
		return
	}
	kind, data, pass := l.p.k.tap.onDown(l, kind, data)
	if !pass {
		return
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(patience)) // then writing fails, and the rule sees what comes of it
	_ = l.conn.WriteMessage(kind, data)
}

// close ends the link with a code of RFC 6455; 0 cuts it.
func (l *link) close(code int) {
	if l.conn == nil {
		return
	}
	if code != 0 {
		bye := websocket.FormatCloseMessage(code, "")
		_ = l.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(patience)) // it may have gone already
		return
	}
	_ = l.conn.Close()
}

// next waits for the next message that nobody else answered; false where the link
// ended. What is waited for is told where nothing comes.
func (l *link) next(what string) (received, bool) {
	return l.nextBy(what, time.Now().Add(l.p.k.cfg.Patience))
}

func (l *link) nextBy(what string, end time.Time) (received, bool) {
	if l.p.over() {
		return received{}, false
	}
	select {
	case m, there := <-l.in:
		if there && m.err != nil {
			l.p.fail("the register sent what is no message of the protocol: %w", m.err)
		}
		return m, there && m.err == nil
	case <-l.p.ctx.Done():
		l.p.fail("the rule took longer than %v", ruleTime)
	case <-time.After(time.Until(end)):
		l.p.fail("no %s came from the register within %v%s%s", what, l.p.k.cfg.Patience, l.lately(), l.p.shows())
	}
	return received{}, false
}

// want waits for a message of a type; others before it are passed over.
func (l *link) want(kind wire.Type) received { return l.wantFor(kind, string(kind)) }

// wantFor is want with a word of what the message is to say.
func (l *link) wantFor(kind wire.Type, what string) received {
	for end := time.Now().Add(l.p.k.cfg.Patience); ; {
		m, there := l.nextBy(what, end)
		switch {
		case !there:
			l.p.fail("the link ended, and no %s came", what)
			return received{Message: blank(kind)}
		case m.Type == kind:
			return m
		}
	}
}

// either waits for a message of one of two types.
func (l *link) either(a, b wire.Type) received {
	for {
		m, there := l.next(fmt.Sprintf("%s or %s", a, b))
		if !there || m.Type == a || m.Type == b {
			l.p.want(there, "the link ended, and neither %s nor %s came", a, b)
			return m
		}
	}
}

// first waits for the next message and wants it to be of a type.
func (l *link) first(kind wire.Type) received {
	m, there := l.next(string(kind))
	l.p.want(there, "the link ended, and no %s came", kind)
	l.p.want(m.Type == kind, "%s came, not %s", m.Type, kind)
	if l.p.over() {
		return received{Message: blank(kind)}
	}
	return m
}

// blank is a message of a type with nothing in it: what a rule goes on with that
// has failed.
func blank(kind wire.Type) wire.Message {
	return wire.Message{
		Type: kind, Journal: &wire.Head{}, Hello: &wire.Hello{}, Authorise: &wire.Authorise{}, Query: &wire.Query{}, Reversal: &wire.Reversal{},
		Advice: &wire.Advice{}, Void: &wire.Void{}, Refund: &wire.Refund{}, Grants: &wire.Grants{}, Entries: &wire.Entries{},
		Checkpoint: &wire.Checkpoint{}, Error: &wire.Error{},
	}
}

// ends waits until the register ended the link; what comes before is passed over.
func (l *link) ends(within time.Duration) {
	for over := time.After(within); !l.p.over(); {
		select {
		case _, there := <-l.in:
			if !there {
				return
			}
		case <-over:
			l.p.fail("the register did not end the link within %v", within)
		case <-l.p.ctx.Done():
			l.p.fail("the rule took longer than %v", ruleTime)
		}
	}
}
