package conform

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

var linkRules = []Rule{
	{"link.subprotocol", "Of the subprotocols offered the handshake chooses sekisho.v1.", theLink, func(p *play) {
		p.dial(p.a())
		p.dial(p.a()).hello()
	}},
	{"link.unknown-protocol", "A dial that offers no subprotocol that is spoken is refused: 400, protocol.", "enrolment.md, Refusals", unknownProtocol},
	{"link.ping", "A ping is answered at once, also while the backend is at work on messages.", theLink, pings},
	{"link.in-order", "One link's messages are decided one after the other.", theLink, func(p *play) {
		t, payment := p.join(p.a()), newID()
		bought, asked := t.buy(payment, p.fresh(), price), t.query(payment)
		t.tell(bought)
		id := t.tell(asked)
		a := t.await(wire.TypeQuery, id)
		p.want(a.Answer != nil && a.Answer.Outcome == wire.OutcomeApproved, "a query sent right behind its authorise was answered with %s", named(a))
	}},
	{"link.binary", "A binary frame gets error syntax, and the link stays.", theLink, func(p *play) {
		t := p.join(p.a())
		t.frame(websocket.BinaryMessage, []byte(`{"v":1}`))
		t.mistaken("a binary frame", t.pushed(wire.TypeError), wire.CodeSyntax)
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"link.oversize", "A message of more than 1 MiB changes nothing: it gets error syntax, or ends the link.", theErrors, oversize},
	{"link.one", "A register has one link: a new hello ends the older link.", theSessions, func(p *play) {
		old := p.join(p.a())
		old.rejoin()
		old.closed()
	}},
	{"link.one-each", "Another register's hello ends nobody's link.", theSessions, func(p *play) {
		t := p.join(p.a())
		p.join(p.b())
		p.join(p.c())
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
}

func unknownProtocol(p *play) {
	for _, offer := range [][]string{{"sekisho.v99"}, nil} {
		if p.over() {
			return
		}
		conn, reply, err := p.handshakeBy(p.a().showing(), offer...)
		if err == nil {
			conn.Close()
			p.fail("a dial that offers %q was taken", offer)
		}
		p.want(reply != nil, "a dial that offers %q was refused without an answer: %v", offer, err)
		if p.over() {
			return
		}
		refused, err := refusalOf(reply)
		p.turnedAway("a dial that offers no such subprotocol", refused, err, http.StatusBadRequest, enrol.NoProtocol)
	}
}

// promptly is how long a pong may take on a slow machine: a register counts a link
// as down from which nothing came for six seconds.
const promptly = 4 * time.Second

// pings asks for much and pings behind it.
func pings(p *play) {
	const asked = 40
	t := p.join(p.a())
	var last string
	for range asked {
		last = t.tell(t.buy(newID(), p.fresh(), price))
	}
	if p.over() {
		return
	}
	sent := time.Now()
	if err := t.conn.WriteControl(websocket.PingMessage, []byte("conform"), sent.Add(promptly)); err != nil {
		p.fail("the link took no ping: %w", err)
	}
	within := min(promptly, p.k.cfg.Patience)
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case data := <-t.pongs:
		p.want(data == "conform", "a pong has other data than its ping")
	case <-timer.C:
		p.fail("a ping sent behind %d requests was not answered in %v", asked, within)
	}
	t.await(wire.TypeAuthorise, last)
}

// oversize sends a query with a field that nobody knows and that is too long.
func oversize(p *play) {
	t := p.join(p.a())
	payment := newID()
	id := t.rawTo(t.buy(payment, p.fresh(), price), func(m map[string]any) { m["padding"] = string(make([]byte, wire.MaxMessage)) },
		func(data []byte) { _ = t.conn.WriteMessage(websocket.TextMessage, data) }) // the link may end in the midst of it
	for end := time.Now().Add(p.k.cfg.Patience); !p.over() && !t.ended; {
		m, err := t.next(time.Until(end))
		if err != nil && !t.ended {
			p.fail("a message of more than 1 MiB got no error, and the link stayed: %w", err)
		}
		if m.Type == wire.TypeError || m.Re == id {
			t.mistaken("a message of more than 1 MiB", m, wire.CodeSyntax)
			break
		}
	}
	if t.ended {
		t = t.rejoin()
	}
	t.outcome(payment, wire.OutcomeNotSeen)
}
