package registers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

var linkRules = []rule{
	{"link.offer", "A dial offers the subprotocol sekisho.v1, and no extension.", theLink, linkOffer},
	{"link.subprotocol", "A backend that names no subprotocol is left before the hello.", theLink, linkSubprotocol},
	{"hello.first", "The first message of a link is hello, of the register and store that were enrolled.", aHello, helloFirst},
	{"link.ping", "A ping goes every third of the silence.", theLink, linkPing},
	{"link.pong", "The backend's pings are answered.", theLink, linkPong},
	{"link.silence", "A link on which not even a pong comes is ended after the silence, and the register dials again.", theLink, linkSilence},
	{"link.closed", "After close code 1000 the register is back at once.", theLink, linkClosed},
	{"link.backoff", "Dials that fail come after ever longer waits, each within a bound that doubles.", theLink, linkBackoff},
	{"link.retry-after", "With 503 and Retry-After no dial comes before that time.", theLink, linkRetryAfter},
	{"link.binary", "What comes in a binary frame changes nothing.", theErrors, linkBinary},
	{"link.oversize", "A message of more than 1 MiB changes nothing; where it ends the link, the register comes back.", theErrors, linkOversize},
	{"session.error", "A hello that is answered with an error opens no session, and the register says another.", theSessions, sessionError},
	{"session.older", "A welcome whose session number is not above the one before is told with error session.older, and the register goes on.", theSessions, sessionOlder},
	{"session.later", "A message of a later session than the register's makes it say hello anew.", theSessions, sessionLater},
}

func linkOffer(p *play) {
	p.start()
	d := p.dial()
	if p.over() {
		return
	}
	p.want(slices.Contains(d.offers(), wire.Subprotocol), "the dial offers %v", d.offers())
	p.want(d.r.Header.Get("Sec-WebSocket-Extensions") == "", "the dial offers an extension")
	p.take(d, nil).greet(nil)
	p.ready()
}

func linkSubprotocol(p *play) {
	p.start()
	l := p.take(p.dial(), http.Header{"X-Conform": {"no subprotocol"}})
	_, there := l.next("end of the link")
	p.want(!there, "the register spoke on a link without a subprotocol")
	p.open()
}

func helloFirst(p *play) {
	p.start()
	l := p.link()
	m := l.greet(nil)
	h := m.Hello
	p.want(h.Store == storeID && h.Register == registerID, "hello names register %q of store %q, not those of its identity", h.Register, h.Store)
	p.want(m.Session == 0, "hello names a session")
	p.want(h.Versions == wire.Versions{}, "hello of a register without a policy names %+v", h.Versions)
	p.want(h.Roles == 1, "hello names roles %d: enrolment gave 1", h.Roles)
	p.ready()
	h = l.again().hello.Hello
	p.want(h.Versions.Policy == p.rules.Version, "hello names policy %d, not %d that is in force", h.Versions.Policy, p.rules.Version)
}

// shortSilence is the shortest that a busy machine does not break by itself.
const shortSilence = 3 * time.Second

func linkPing(p *play) {
	const pings = 4
	p.rules.Silence = shortSilence
	l := p.begin().again() // the pace counts from the next session on
	var at []time.Time
	for len(at) < pings && !p.over() {
		select {
		case ping := <-l.pings:
			at = append(at, ping)
		case <-time.After(p.k.cfg.Patience):
			p.fail("no ping came in %v, of a silence of %v", p.k.cfg.Patience, shortSilence)
		case <-p.ctx.Done():
			p.fail("the rule took longer than %v", ruleTime)
		}
	}
	if p.over() {
		return
	}
	least := shortSilence
	for i := range pings - 1 { // one of them is seen in time
		least = min(least, at[i+1].Sub(at[i]))
	}
	p.want(least < shortSilence*2/3, "pings came %v apart and more, of a silence of %v", least, shortSilence)
}

func linkPong(p *play) {
	l := p.begin()
	if p.over() {
		return
	}
	payload := "conform-" + fmt.Sprint(now())
	if err := l.conn.WriteControl(websocket.PingMessage, []byte(payload), time.Now().Add(patience)); err != nil {
		p.fail("no ping was sent: %w", err)
	}
	select {
	case got := <-l.pongs:
		p.want(got == payload, "the pong says %q, the ping %q", got, payload)
	case <-time.After(p.k.cfg.Patience):
		p.fail("a ping was not answered")
	}
}

func linkSilence(p *play) {
	p.rules.Silence = shortSilence
	l := p.begin().again()
	p.ready()
	l.silent.Store(true)
	l.ends(shortSilence + p.k.cfg.Patience)
	p.open()
}

// linkClosed has a pace that tells the wait for this register alone, within
// times.redial, from that for a whole chain, eight times as long.
func linkClosed(p *play) {
	p.rules.Redial = 2 * time.Second
	l := p.begin()
	began := time.Now()
	l.close(websocket.CloseNormalClosure)
	if d := p.dial(); d != nil {
		took := d.at.Sub(began)
		p.want(took < p.rules.Redial+late, "the register dialled %v after close code 1000, with times.redial %v", took, p.rules.Redial)
	}
}

// waits is how many waits the backoff is watched for: of bounds that double from
// 50 ms the last three are 800 ms, 1.6 and 3.2 s. By chance alone they come to
// less than three first bounds once in 7,000 runs.
const waits = 7

func linkBackoff(p *play) {
	p.rules.Redial = 50 * time.Millisecond
	p.begin().close(websocket.CloseNormalClosure)
	var at []time.Time
	for range waits + 1 {
		if d := p.dial(); d != nil {
			at = append(at, d.at)
			d.refuse(http.StatusServiceUnavailable, enrol.TooMany, "")
		}
	}
	if p.over() {
		return
	}
	bound := 2 * p.rules.Redial // the session before may count as a failure: it was short
	for i := range waits {
		gap := at[i+1].Sub(at[i])
		bound *= 2
		p.want(gap < bound+late, "the wait after %d failures was %v, above its bound of %v", i+1, gap, bound)
	}
	last := at[waits].Sub(at[waits-3])
	p.want(last > 3*p.rules.Redial, "the last three waits of %d came to %v: they do not grow", waits, last)
}

func linkRetryAfter(p *play) {
	p.begin().close(websocket.CloseNormalClosure)
	d := p.dial()
	if d == nil {
		return
	}
	refused := time.Now() // before the register can know
	d.refuse(http.StatusServiceUnavailable, enrol.TooMany, "2")
	if d = p.dial(); d != nil {
		took := d.at.Sub(refused)
		p.want(took >= 2*time.Second, "the register dialled %v after it was asked to wait 2 s", took)
	}
}

func linkBinary(p *play) {
	l := p.begin()
	p.sell(lunch)
	m := l.want(wire.TypeAuthorise)
	answer := wire.Message{Version: wire.Version, Type: wire.TypeAnswer, ID: "k-binary", Re: m.ID, Session: l.session, Answer: p.approval(m.Authorise)}
	l.frame(websocket.BinaryMessage, text(answer))
	p.asksStill(l, m)
}

// asksStill wants that a payment is not decided, and can be: a query comes, on
// this link or the next, and the answer to it counts.
func (p *play) asksStill(l *link, m received) {
	for !p.over() {
		got, there := l.next("query")
		if !there && !p.over() {
			l = p.link()
			l.greet(nil)
			continue
		}
		if got.Type != wire.TypeQuery || got.Query.Payment != m.Authorise.Payment {
			continue
		}
		p.is(m.Authorise.Payment, terminal.Sent, terminal.Unknown)
		l.approve(got, m.Authorise)
		p.becomes(m.Authorise.Payment, terminal.Approved)
		return
	}
}

func linkOversize(p *play) {
	l := p.begin()
	p.sell(lunch)
	m := l.want(wire.TypeAuthorise)
	answer := text(wire.Message{Version: wire.Version, Type: wire.TypeAnswer, ID: "k-oversize", Re: m.ID, Session: l.session, Answer: p.approval(m.Authorise)})
	l.frame(websocket.TextMessage, append(answer, strings.Repeat(" ", wire.MaxMessage)...))
	p.asksStill(l, m)
}

func sessionError(p *play) {
	p.start()
	l := p.link()
	hello := l.first(wire.TypeHello)
	l.write(wire.Message{Type: wire.TypeError, Re: hello.ID, Error: &wire.Error{Code: wire.CodeTrouble, Text: "the kit wants another hello"}})
	for {
		m, there := l.next("end of the link")
		if !there {
			break
		}
		p.fail("%s came in a session that was not welcomed", m.Type)
	}
	p.open()
}

func sessionOlder(p *play) {
	first := p.begin()
	first.close(websocket.CloseNormalClosure)
	l := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Session = first.session })
	e := l.wantFor(wire.TypeError, "error session.older")
	p.want(e.Error.Code == "session.older", "the register answered with error %s, not session.older", e.Error.Code)
	p.ready()
	l.works()
}

func sessionLater(p *play) {
	l := p.begin()
	l.write(wire.Message{Type: wire.TypeGrants, ID: "k-later", Session: l.session + 1, Grants: &wire.Grants{Grants: []wire.Grant{}}})
	p.open()
}
