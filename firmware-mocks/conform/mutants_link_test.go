package conform_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// linkMutants break the rules of link, messages and sessions.
var linkMutants = []mutant{
	{"link.subprotocol", mutation{noProtocol: true}},
	{"link.unknown-protocol", mutation{anyProtocol: true}},
	{"link.ping", mutation{noPongs: true}},
	{"link.in-order", mutation{up: overtaken}},
	{"link.binary", frames(func(_ *leg, kind int, _ []byte) bool { return kind == websocket.TextMessage })},
	{"link.oversize", frames(func(_ *leg, _ int, data []byte) bool { return len(data) <= wire.MaxMessage })},
	{"link.one", mutation{deaf: true}},
	{"link.one-each", mutation{up: lonely}},

	{"error.syntax", frames(func(_ *leg, _ int, data []byte) bool { return json.Valid(data) && data[0] == '{' })},
	{"error.version", up(func(m *wire.Message) { m.Version = 1 })},
	{"error.type", code(wire.CodeType, wire.CodeBody)},
	{"error.wrong-way", code(wire.CodeType, wire.CodeSession)},
	{"error.body", code(wire.CodeBody, wire.CodeTrouble)},
	{"error.currency", up(func(m *wire.Message) {
		if m.Authorise != nil {
			m.Authorise.Currency = wire.Currency
		}
	})},
	{"error.body-missing", code(wire.CodeBody, wire.CodeType)},
	{"error.names", up(func(*wire.Message) {})}, // read and written again it has each name once
	{"error.ten-bad", mutation{deaf: true}},
	{"error.type-is-free", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Type == "novelty" {
			if l.p.count["novelty"]++; l.p.count["novelty"] > 10 {
				l.client.Close()
			}
		}
		return true
	}}},
	{"error.not-answered", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Error != nil {
			l.reply(*m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "type", Text: "an error?"}})
		}
		return true
	}}},
	{"fields.ignored", frames(func(l *leg, _ int, data []byte) bool {
		var m wire.Message
		if !strings.Contains(string(data), `"novelty"`) || json.Unmarshal(data, &m) != nil {
			return true
		}
		l.reply(m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeBody, Text: "unknown field"}})
		return false
	})},
	{"fields.null", frames(func(l *leg, _ int, data []byte) bool {
		var m wire.Message
		if !strings.Contains(string(data), `"counters":null`) || json.Unmarshal(data, &m) != nil {
			return true
		}
		l.reply(m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeBody, Text: "no list"}})
		return false
	})},
	{"envelope.backend", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			m.ID = "b"
		}
		return true
	}}},
	{"envelope.backend", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			m.Session++
		}
		return true
	}}},

	{"hello.first", code(wire.CodeSession, wire.CodeRefused)},
	{"session.grows", oneSession},
	{"session.old", mutation{up: inSession}},
	{"session.older", mutation{deaf: true, up: alive}},
	{"session.future", mutation{up: inSession}},
	{"session.restart", oneSession},
	{"hello.other-store", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Hello != nil {
			if l.once(m.Hello.Register) {
				l.p.words[m.Hello.Register] = m.Hello.Store
			}
			m.Hello.Store = l.p.words[m.Hello.Register]
		}
		return true
	}}},
	{"hello.shorter", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Hello == nil {
			l.p.words[l.register] = headText(m.Journal)
		} else if before := l.p.words[l.register]; before != "" {
			_ = json.Unmarshal([]byte(before), &m.Journal)
		}
		return true
	}}},
	{"journal.other-root", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Journal != nil && strings.HasPrefix(m.Journal.Root, "dddd") {
			m.Journal.Size += 1000
		}
		return true
	}}},
	{"journal.overtaken", mutation{up: func(l *leg, m *wire.Message) bool {
		last := l.p.count[l.register]
		if m.Journal != nil && int(m.Journal.Size) < last {
			l.reply(*m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeRefused, Text: "shorter"}})
			return false
		}
		if m.Journal != nil {
			l.p.count[l.register] = int(m.Journal.Size)
		}
		return true
	}}},
	{"welcome.policy", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			if m.Welcome.Policy == "" {
				m.Welcome.Policy = l.p.words["policy"]
			}
			l.p.words["policy"] = m.Welcome.Policy
		}
		return true
	}}},
	{"welcome.policy", welcome(func(w *wire.Welcome) { w.Policy = "" })},
	{"welcome.note", welcome(func(w *wire.Welcome) { w.Policy = "version = 3\n" })},
	{"welcome.denials", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Denials == nil }}},
	{"time.now", answers(func(_ wire.Message, a *wire.Answer) { a.Time -= time.Hour.Milliseconds() })},
	{"time.now", acks(func(_ wire.Message, a *wire.Ack) { a.Time -= 1000 })},
	{"time.again", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			if l.once(m.Answer.Payment) {
				l.p.count["time"] = int(m.Answer.Time)
			}
			m.Answer.Time = int64(l.p.count["time"])
		}
		return true
	}}},
}
