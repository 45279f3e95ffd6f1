package backendsim

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

const (
	pingEvery    = 10 * time.Second // either side pings so often
	silentFor    = 30 * time.Second // a link from which nothing came for so long is dead
	writeTimeout = 10 * time.Second // one message must be on the line within
	parting      = time.Second      // a link that ends may still send for so long
	workTimeout  = 10 * time.Second // one message must be decided within
	queued       = 64               // messages that wait for a slow register; one more ends the link
	badMessages  = 10               // unreadable messages that a link may send; the next ends it
)

// link is one websocket connection. Its reader is the goroutine of the HTTP
// handler; one other goroutine writes.
type link struct {
	b     *Backend
	shown *shown // whose certificate; nil without TLS
	conn  *websocket.Conn
	line  *line // under conn
	out   chan frame
	ctx   context.Context
	stop  context.CancelFunc
	work  sync.WaitGroup // writer, teller and delayed messages
	news  chan struct{}  // for the teller

	chatter chatter // of the reader

	mu     sync.Mutex
	caller *caller        // nil until hello
	last   int64          // number of the last message sent
	told   *told          // nil until the welcome has left
	kept   []wire.Message // answers, by the fault Reorder
	mute   atomic.Bool    // by the fault Mute
}

// frame is what the writer does next: put a message on the line, or by a fault
// pad bytes of nothing, or spoil the line.
type frame struct {
	data  []byte
	pad   int64
	spoil func()
}

var upgrader = websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: headerTimeout}

// dialled serves one link to its end.
func (b *Backend) dialled(w http.ResponseWriter, r *http.Request) {
	if _, away := b.faults.take(GoAway, ""); away {
		(&refusal{status: http.StatusServiceUnavailable, code: enrol.TooMany, detail: "the backend is away", wait: time.Second}).write(w)
		return
	}
	if !slices.Contains(websocket.Subprotocols(r), wire.Subprotocol) {
		(&refusal{status: http.StatusBadRequest, code: enrol.NoProtocol, detail: "only the subprotocol " + wire.Subprotocol + " is spoken here"}).write(w)
		return
	}
	who, err := b.shown(r)
	if err != nil {
		b.reply(w, nil, err)
		return
	}
	l := &link{b: b, shown: who, out: make(chan frame, queued), news: make(chan struct{}, 1)}
	l.ctx, l.stop = context.WithCancel(b.ctx)
	l.line = &line{ctx: l.ctx}
	l.spoil("") // before the register knows that it may go on
	conn, err := upgrader.Upgrade(taking{w, l.line}, r, nil)
	if err != nil {
		l.stop()
		return // Upgrade has answered
	}
	l.conn = conn
	if !b.add(l) {
		l.stop()
		conn.Close()
		return
	}
	defer b.remove(l)
	late := time.AfterFunc(b.deadlines.hello, func() {
		if l.who() == nil {
			l.stop()
		}
	})
	defer late.Stop()
	// A write that waits for a register that does not read waits no longer.
	defer context.AfterFunc(l.ctx, func() { _ = l.line.SetWriteDeadline(time.Now().Add(parting)) })()
	l.work.Go(l.write)
	l.work.Go(l.tell)
	if l.shown != nil {
		l.work.Go(l.lasts)
	}
	l.read()
	l.stop()
	l.work.Wait()
}

// read reads until the link ends. The writer closes the connection when the
// link's context is done, which ends the read.
func (l *link) read() {
	alive := func() {
		_ = l.conn.SetReadDeadline(time.Now().Add(silentFor))
		if who := l.register(); who != "" {
			l.b.heard.note(who, l.b.now())
		}
	}
	alive()
	l.conn.SetPongHandler(func(string) error { l.slow(); alive(); return nil })
	answer := l.conn.PingHandler()
	l.conn.SetPingHandler(func(data string) error { l.slow(); alive(); return answer(data) })
	for bad := 0; bad <= badMessages; {
		kind, data, whole, err := l.next()
		if err != nil {
			return
		}
		alive()
		m, err := wire.Parse(data)
		if kind != websocket.TextMessage {
			err = refuse(wire.CodeSyntax, "messages are text")
		}
		if err == nil {
			l.receive(m)
			continue
		}
		l.parkUnread(data, err)
		if l.fail(m.ID, err) == wire.CodeType {
			l.slow()
		} else {
			bad++
		}
		if !whole {
			return
		}
	}
}

// write owns the sending side, and the connection's end.
func (l *link) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	defer l.conn.Close()
	for {
		var err error
		select {
		case <-l.ctx.Done():
			l.bye()
			return
		case f := <-l.out:
			_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			err = l.leave(f)
		case <-ping.C:
			_ = l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			err = l.conn.WriteMessage(websocket.PingMessage, nil)
		}
		if err != nil {
			return
		}
	}
}

func (l *link) leave(f frame) error {
	switch {
	case f.spoil != nil:
		f.spoil()
		return nil
	case f.pad > 0:
		return l.pour(f.pad)
	}
	return l.conn.WriteMessage(websocket.TextMessage, f.data)
}

// bye sends what is queued, as far as the line takes it in time, and says that
// the link ends: this one alone, whose register shall come back at once, or all.
func (l *link) bye() {
	end := time.Now().Add(parting)
	_ = l.conn.SetWriteDeadline(end)
	for {
		select {
		case f := <-l.out:
			if l.leave(f) != nil {
				return
			}
			continue
		default:
		}
		why := websocket.CloseNormalClosure
		if l.b.ctx.Err() != nil {
			why = websocket.CloseServiceRestart
		}
		_ = l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(why, ""), end)
		return
	}
}

// send queues a message of the link's session; a register that does not read
// loses its link.
func (l *link) send(m wire.Message) { l.put(l.called(m)) }

// put queues a message that has its session.
func (l *link) put(m wire.Message) {
	if data, ok := l.encode(m); ok {
		l.queue(frame{data: data})
	}
}

func (l *link) queue(f frame) {
	if l.mute.Load() {
		return
	}
	select {
	case l.out <- f:
	default:
		l.stop()
	}
}

// sendAll queues one of many messages, and waits for the line where send would
// give up.
func (l *link) sendAll(m wire.Message) {
	data, ok := l.encode(l.called(m))
	if !ok || l.mute.Load() {
		return
	}
	select {
	case l.out <- frame{data: data}:
	case <-l.ctx.Done():
	}
}

// called gives a message the link's session, if it has one.
func (l *link) called(m wire.Message) wire.Message {
	if c := l.who(); c != nil {
		m.Session, m.Incarnation = c.session, c.incarnation
	}
	return m
}

// encode gives the next message's bytes; not of one that is wrong, which is this
// backend's mistake.
func (l *link) encode(m wire.Message) ([]byte, bool) {
	l.mu.Lock()
	l.last++
	m.ID = "b" + strconv.FormatInt(l.last, 10)
	l.mu.Unlock()
	data, err := wire.Encode(m)
	if err != nil {
		l.b.log.Error("a message of this backend is wrong", "message", m.String(), "error", err)
	}
	return data, err == nil
}

// fail answers a message with an error and gives its code. What is not a
// *wire.Error is this side's trouble, told to the log only.
func (l *link) fail(re string, err error) wire.ErrorCode {
	m := l.failure(re, err)
	l.send(m)
	return m.Error.Code
}

func (l *link) failure(re string, err error) wire.Message {
	var told *wire.Error
	if !errors.As(err, &told) {
		l.b.log.Warn("a message was not handled", "re", re, "error", err)
		told = &wire.Error{Code: wire.CodeTrouble, Text: "the backend could not do this now, try again"}
	}
	return wire.Message{Type: wire.TypeError, Re: re, Error: told}
}

// who gives the register behind the link, nil before hello.
func (l *link) who() *caller {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.caller
}

// receive handles a message, at once or, under the fault Delay, later.
func (l *link) receive(m wire.Message) {
	if _, lost := l.b.faults.take(DropBefore, m.Type); lost {
		return
	}
	cleared := l.b.faults.cleared()
	f, late := l.b.faults.take(Delay, m.Type)
	if !late {
		l.handle(m)
		return
	}
	l.work.Go(func() {
		var over <-chan time.Time
		if f.Delay > 0 {
			timer := time.NewTimer(f.Delay)
			defer timer.Stop()
			over, cleared = timer.C, nil
		}
		select {
		case <-l.ctx.Done():
			return
		case <-over:
		case <-cleared:
		}
		l.handle(m)
	})
}

// handle handles a message once or, under the fault Double, twice.
func (l *link) handle(m wire.Message) {
	if _, twice := l.b.faults.take(Double, m.Type); twice {
		l.once(m)
	}
	l.once(m)
}

// once decides a message and answers it. The transaction belongs to the backend,
// not to the link: a cable pulled now changes nothing of it.
func (l *link) once(m wire.Message) {
	ctx, cancel := context.WithTimeout(l.b.ctx, workTimeout)
	defer cancel()
	var d decided
	var err error
	if m.Type == wire.TypeHello {
		d.reply, err = l.hello(ctx, m)
	} else if d, err = l.b.decide(ctx, l, l.who(), m); d.entered != nil {
		l.enters(*d.entered)
	}
	_, lost := l.b.faults.take(DropAfter, m.Type)
	if !lost {
		l.answers(m, d.reply, err)
	}
	if d.entered != nil && d.entered.proved {
		l.welcomed() // also where the acknowledgement is lost: it comes again
	}
	if lost {
		return
	}
	l.pushes(m.Type)
	l.spoil(m.Type)
	l.after(m, d, err)
}

// answers sends what was decided on a message, if it is to be answered.
func (l *link) answers(m, reply wire.Message, err error) {
	l.b.stamp(reply)
	switch {
	case err != nil && m.Type == wire.TypeError: // is not answered
	case err != nil:
		l.park(m.Type, paymentOf(m), err)
		l.reply(m.Type, l.failure(m.ID, err))
	case reply.Type != "":
		reply.Re = m.ID
		l.reply(m.Type, reply)
	}
}

// stamp gives an answer the time of its sending: the register's clock follows it,
// and would be late by the time of the commit.
func (b *Backend) stamp(reply wire.Message) {
	now := b.now().UnixMilli()
	switch {
	case reply.Answer != nil:
		reply.Answer.Time = now
	case reply.Ack != nil:
		reply.Ack.Time = now
	case reply.Welcome != nil:
		reply.Welcome.Time = now
	}
}

// after does what follows a message's answer: news for who has a session now, word
// to head office of who shows no journal, and the end of the link where the register
// is in doubt and does not know yet, or proves from another checkpoint than the one
// kept here. The welcome of its next hello tells it.
func (l *link) after(m wire.Message, d decided, err error) {
	switch {
	case d.reply.Welcome != nil && l.newcomer():
		l.work.Go(l.due)
	case d.reply.Welcome != nil:
		l.welcomed()
	case errors.Is(err, errBeside):
		l.unmasked(m.Type, m.Hello.Register)
		l.stop()
	case errors.Is(err, errNoProof), d.entered != nil && !d.entered.proved:
		l.unmasked(m.Type, l.register())
		l.stop()
	case errors.Is(err, errNoLonger):
		l.stop()
	}
	if (d.doubted || errors.Is(err, errStalePoint)) && !l.inDoubt() {
		l.stop()
	}
}

// hello opens a session on this link and ends the register's other links, or asks
// a newcomer for his proof.
func (l *link) hello(ctx context.Context, m wire.Message) (wire.Message, error) {
	if l.shown != nil && (m.Hello.Register != l.shown.name.Register || m.Hello.Store != l.shown.name.Store) {
		return wire.Message{}, refuse(wire.CodeRefused, "hello names another register or store than the certificate")
	}
	var c caller
	var w *wire.Welcome
	err := l.b.ledger.change(ctx, func(t *tx) (err error) {
		if err := l.stillGood(t); err != nil {
			return err
		}
		if c, w, err = l.b.ledger.hello(t, m, l.b.inForce(), l.b.now(), l.b.beside(l, m.Hello.Register)); err != nil {
			return err
		}
		return t.event(c, wire.TypeHello, "", strconv.FormatInt(c.session, 10))
	})
	if err != nil {
		return wire.Message{}, err
	}
	l.b.heard.note(c.register, c.now)
	l.mu.Lock()
	c = c.same(l.caller, w)
	l.caller = &c
	l.mu.Unlock()
	if c.asked == nil {
		l.b.succeed(l, c)
	}
	return wire.Message{Type: wire.TypeWelcome, Welcome: w}, nil
}

// enters makes a newcomer's session that of the link. One that is proved hears
// what is new behind its acknowledgement, as the others do behind their welcome.
func (l *link) enters(c caller) {
	l.mu.Lock()
	c.rules = l.caller.rules // those that its welcome told: later ones it has still to hear
	l.caller = &c
	l.mu.Unlock()
	l.b.succeed(l, c)
}
