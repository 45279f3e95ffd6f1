package registers

import (
	"encoding/json"
	"fmt"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var messageRules = []rule{
	{"envelope.id", "No two messages of a session have one id.", theEnvelope, envelopeID},
	{"envelope.session", "Every message but hello names the session that the welcome gave.", theEnvelope, envelopeSession},
	{"envelope.incarnation", "Every message names the incarnation, which lasts from session to session.", theEnvelope, envelopeIncarnation},
	{"envelope.journal", "Every message names the journal's size and root, and no two roots at one size.", theEnvelope, envelopeJournal},
	{"error.type", "A type that the register does not know gets error type, and the link stays.", theErrors, errorType},
	{"error.wrong-way", "A type that goes to backends only gets error type.", theErrors, errorWrongWay},
	{"error.version", "Another version of the protocol gets error version, and changes nothing.", theErrors, errorVersion},
	{"error.body", "A body with a field out of range gets error body, and changes nothing.", theErrors, errorBody},
	{"error.second-welcome", "A second welcome gets an error, and changes nothing.", theErrors, errorSecondWelcome},
	{"error.session", "A message that names an older session gets error session, and changes nothing.", theErrors, errorSession},
	{"error.ten-bad", "After ten messages that cannot be taken the next ends the link, and the register comes back.", theErrors, errorTenBad},
	{"error.type-is-free", "Unknown types do not count towards the messages that end a link.", theErrors, errorTypeIsFree},
	{"error.not-answered", "An error is not answered.", thePromises, errorNotAnswered},
	{"fields.ignored", "Fields that the register does not know are ignored, in welcome and answer too.", theLink, fieldsIgnored},
}

// talk is a session with something of everything, and one after it. It gives all
// that came, by session.
func (p *play) talk() [][]received {
	l := p.begin()
	l.works()
	asked := l.asked(lunch)
	l.want(wire.TypeQuery)
	l.approve(asked, asked.Authorise)
	p.becomes(asked.Authorise.Payment, terminal.Approved)
	p.do("void", func() error { return p.world.Till.Void(p.ctx, terminal.PaymentID(asked.Authorise.Payment)) })
	l.accept(l.want(wire.TypeVoid))
	l.raw(`{"v":1,"type":"novelty","id":"k-novelty"}`)
	l.want(wire.TypeError)
	next := l.again()
	p.ready()
	next.works()
	return [][]received{l.all(), next.all()}
}

// asked is a payment that the backend was asked for.
func (l *link) asked(lines ...terminal.Line) received {
	l.p.sell(lines...)
	return l.want(wire.TypeAuthorise)
}

// raw sends a text.
func (l *link) raw(text string) { l.frame(websocket.TextMessage, []byte(text)) }

func envelopeID(p *play) {
	for _, session := range p.talk() {
		seen := map[string]bool{}
		for _, m := range session {
			p.want(!seen[m.ID], "a second message of a session, %s, has the id %q", m.Type, m.ID)
			seen[m.ID] = true
		}
	}
}

func envelopeSession(p *play) {
	for i, session := range p.talk() {
		for _, m := range session {
			if m.Type != wire.TypeHello {
				p.want(m.Session == int64(i+1), "%s names session %d, not %d", m.Type, m.Session, i+1)
			}
		}
	}
}

func envelopeIncarnation(p *play) {
	one := ""
	for _, session := range p.talk() {
		for _, m := range session {
			if one == "" {
				one = m.Incarnation
			}
			p.want(m.Incarnation != "" && m.Incarnation == one, "%s names the incarnation %q, hello named %q", m.Type, m.Incarnation, one)
		}
	}
}

func envelopeJournal(p *play) {
	roots, most := map[int64]string{}, int64(0)
	for _, session := range p.talk() {
		for _, m := range session {
			if m.Journal == nil {
				p.fail("%s names no journal", m.Type)
				return
			}
			before, known := roots[m.Journal.Size]
			p.want(!known || before == m.Journal.Root, "%s names another root at size %d than a message before", m.Type, m.Journal.Size)
			roots[m.Journal.Size] = m.Journal.Root
			most = max(most, m.Journal.Size)
		}
	}
	p.want(most > 5, "the journal grew to %d entries only", most)
}

// refused sends a text and wants it to be answered with an error; the link then
// still serves a payment.
func (l *link) refused(id, text string, codes ...wire.ErrorCode) {
	l.raw(text)
	m := l.wantFor(wire.TypeError, "error about what the register cannot take")
	l.p.want(m.Re == id, "the error answers %q, not %q", m.Re, id)
	for _, code := range codes {
		if m.Error.Code == code {
			return
		}
	}
	l.p.fail("the register answered with error %s, not %v", m.Error.Code, codes)
}

func errorType(p *play) {
	l := p.begin()
	l.refused("k-novelty", `{"v":1,"type":"novelty","id":"k-novelty","novelty":{"a":1}}`, wire.CodeType)
	l.works()
}

func errorWrongWay(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.approve(m, m.Authorise)
	p.becomes(m.Authorise.Payment, terminal.Approved)
	up := m.Message
	up.ID, up.Version = "k-up", wire.Version
	l.refused("k-up", string(text(up)), wire.CodeType)
	p.handOver(m.Authorise.Payment)
	l.works()
}

// approvalText is the approval of what was asked, as a text.
func (l *link) approvalText(m received, id string, change func(*wire.Message)) string {
	approval := wire.Message{Version: wire.Version, Type: wire.TypeAnswer, ID: id, Re: m.ID, Session: l.session, Answer: l.p.approval(m.Authorise)}
	if change != nil {
		change(&approval)
	}
	return string(text(approval))
}

func errorVersion(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.refused("k-version", l.approvalText(m, "k-version", func(a *wire.Message) { a.Version = 2 }), wire.CodeVersion)
	p.asksStill(l, m)
}

func errorBody(p *play) {
	l := p.begin()
	m := l.asked(lunch)
	l.refused("k-body", l.approvalText(m, "k-body", func(a *wire.Message) { a.Answer.Time = -1 }), wire.CodeBody)
	p.asksStill(l, m)
}

func errorSecondWelcome(p *play) {
	l := p.begin()
	second := wire.Message{Version: wire.Version, Type: wire.TypeWelcome, ID: "k-second", Re: l.hello.ID, Session: l.session,
		Welcome: &wire.Welcome{Session: l.session + 7, Time: now(), Grants: []wire.Grant{}}}
	l.refused("k-second", string(text(second)), wire.CodeRefused, wire.CodeType, wire.CodeSession)
	m := l.asked(lunch)
	p.want(m.Session == l.session, "the register names session %d after a second welcome: it had %d", m.Session, l.session)
}

func errorSession(p *play) {
	before := p.begin()
	l := before.again()
	m := l.asked(lunch)
	l.refused("k-session", l.approvalText(m, "k-session", func(a *wire.Message) { a.Session = before.session }), wire.CodeSession)
	p.asksStill(l, m)
}

func errorTenBad(p *play) {
	l := p.begin()
	for i := range 10 {
		l.raw(fmt.Sprintf(`{"v":1,"type":"answer","id":"k-%d","answer":{}}`, i))
	}
	for range 10 {
		l.want(wire.TypeError)
	}
	l.raw(`{"v":1,"type":"answer","id":"k-last","answer":{}}`)
	l.ends(p.k.cfg.Patience)
	p.open().works()
}

func errorTypeIsFree(p *play) {
	l := p.begin()
	for i := range 20 {
		l.raw(fmt.Sprintf(`{"v":1,"type":"novelty","id":"k-%d"}`, i))
	}
	for range 20 {
		l.want(wire.TypeError)
	}
	l.works()
}

func errorNotAnswered(p *play) {
	l := p.begin()
	l.write(wire.Message{Type: wire.TypeError, ID: "k-error", Error: &wire.Error{Code: "novelty", Text: "the kit is not content"}})
	l.refused("k-novelty", `{"v":1,"type":"novelty","id":"k-novelty"}`, wire.CodeType)
	l.works()
	for _, m := range l.all() {
		p.want(m.Re != "k-error", "an error was answered with %s", m.Type)
	}
}

// withNovelty adds a field to a message, and one to its body.
func withNovelty(m wire.Message) string {
	var all, body map[string]any
	_ = json.Unmarshal(text(m), &all) // it was just made
	all["novelty"] = map[string]any{"a": []int{1}}
	if body, _ = all[string(m.Type)].(map[string]any); body != nil {
		body["novelty"] = "a"
	}
	return string(text(all))
}

func fieldsIgnored(p *play) {
	p.start()
	l := p.link()
	hello := l.first(wire.TypeHello)
	if p.over() {
		return
	}
	l.session, p.number = 1, 1
	l.raw(withNovelty(wire.Message{Version: wire.Version, Type: wire.TypeWelcome, ID: "k-welcome", Re: hello.ID, Session: 1,
		Welcome: &wire.Welcome{Session: 1, Time: now(), Grants: []wire.Grant{}, Policy: p.note(p.rules)}}))
	l.write(wire.Message{Type: wire.TypeDenials, Denials: &wire.Denials{To: 1, Part: 1, Parts: 1}})
	p.ready()
	m := l.asked(lunch)
	l.raw(withNovelty(wire.Message{Version: wire.Version, Type: wire.TypeAnswer, ID: "k-answer", Re: m.ID, Session: 1, Answer: p.approval(m.Authorise)}))
	p.becomes(m.Authorise.Payment, terminal.Approved)
}
