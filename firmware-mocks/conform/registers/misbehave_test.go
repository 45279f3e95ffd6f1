package registers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// up changes each message of the register's.
func up(change func(m *wire.Message)) tap {
	return tap{up: func(_ *link, m wire.Message) []wire.Message {
		m = deep(m)
		change(&m)
		return []wire.Message{m}
	}}
}

// deep copies a message.
func deep(m wire.Message) wire.Message {
	var c wire.Message
	if err := json.Unmarshal(text(m), &c); err != nil {
		panic(err) // it was just read
	}
	return c
}

// drops leaves out messages of a type.
func drops(kinds ...wire.Type) tap {
	return tap{up: func(_ *link, m wire.Message) []wire.Message {
		if slices.Contains(kinds, m.Type) {
			return nil
		}
		return []wire.Message{m}
	}}
}

// later leaves messages of a type as they are the first time, and changes later
// ones.
func later(kind wire.Type, change func(m *wire.Message)) tap {
	return tap{count: map[string]int{}, up: func(l *link, m wire.Message) []wire.Message {
		if m = deep(m); m.Type != kind {
			return []wire.Message{m}
		}
		if key := string(kind) + l.p.dir; l.p.k.tap.first(key) {
			return []wire.Message{m}
		}
		change(&m)
		return []wire.Message{m}
	}}
}

// first counts up and says whether it is the first time.
func (t *tap) first(word string) bool {
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[word]++
	return t.count[word] == 1
}

// gone leaves nothing of a message: in its place comes an error that no rule is
// about.
func gone(m *wire.Message) {
	*m = wire.Message{Version: 1, Type: wire.TypeError, ID: m.ID, Session: m.Session, Incarnation: m.Incarnation, Journal: m.Journal,
		Error: &wire.Error{Code: "mutant", Text: "mutant"}}
}

// instead has other messages come in place of one of a type.
func instead(kind wire.Type, other func(l *link, m wire.Message) []wire.Message) tap {
	return tap{up: func(l *link, m wire.Message) []wire.Message {
		if m.Type != kind {
			return []wire.Message{m}
		}
		return other(l, deep(m))
	}}
}

// down changes each message of the backend's.
func down(change func(l *link, m *wire.Message)) tap {
	return tap{down: func(l *link, kind int, data []byte) (int, []byte, bool) {
		var m wire.Message
		if json.Unmarshal(data, &m) != nil {
			return kind, data, true
		}
		change(l, &m)
		return kind, text(m), true
	}}
}

// passes lets through what a word says.
func passes(pass func(l *link, kind int, data []byte) bool) tap {
	return tap{down: func(l *link, kind int, data []byte) (int, []byte, bool) { return kind, data, pass(l, kind, data) }}
}

// answers changes the backend's answers.
func answers(change func(l *link, a *wire.Answer)) tap {
	return down(func(l *link, m *wire.Message) {
		if m.Answer != nil {
			change(l, m.Answer)
		}
	})
}

// outcome gives each answer an outcome, and what an approval has besides.
func outcome(to wire.Outcome) tap {
	return answers(func(l *link, a *wire.Answer) {
		a.Outcome = to
		for _, m := range l.p.askedFor() {
			if m.Payment == a.Payment && to == wire.OutcomeApproved {
				a.Amount, a.Approval, a.Reason = m.Amount, "KIT001", ""
			}
		}
	})
}

// askedFor gives every authorise of a play.
func (p *play) askedFor() []*wire.Authorise {
	var list []*wire.Authorise
	for _, l := range p.links {
		for _, m := range l.all() {
			if m.Authorise != nil {
				list = append(list, m.Authorise)
			}
		}
	}
	return list
}

// eager approves every payment at once, before the kit has its say.
var eager = tap{up: func(l *link, m wire.Message) []wire.Message {
	if m.Authorise != nil {
		go l.approve(received{Message: m}, m.Authorise)
	}
	return []wire.Message{m}
}}

// noErrors has the kit see no error of the register's.
var noErrors = drops(wire.TypeError)

// lateDials has a dial come so much later than it came.
func lateDials(by time.Duration) tap {
	return tap{dial: func(d *dial) { d.at = d.at.Add(by) }}
}

// evenDials has each dial come so long after the one before.
func evenDials(apart time.Duration) tap {
	var last time.Time
	return tap{dial: func(d *dial) {
		if last.IsZero() {
			last = d.at
		}
		last = last.Add(apart)
		d.at = last
	}}
}

// fewPings leaves out three pings of four.
func fewPings() tap {
	var n atomic.Int64
	return tap{ping: func(*link) bool { return n.Add(1)%4 == 0 }}
}

// asText sends every frame as text, cut to what a message may have.
var asText = tap{down: func(_ *link, _ int, data []byte) (int, []byte, bool) {
	return websocket.TextMessage, []byte(strings.TrimRight(string(data), " ")), true
}}

// strict takes no message with a field that it does not know.
var strict = passes(func(_ *link, _ int, data []byte) bool { return !strings.Contains(string(data), `"novelty"`) })

// echo answers each of the backend's errors.
var echo = tap{up: func(l *link, m wire.Message) []wire.Message {
	if m.Type == wire.TypeError && m.Re == "k-novelty" {
		other := deep(m)
		other.ID, other.Re = m.ID+"-echo", "k-error"
		return []wire.Message{other, m}
	}
	return []wire.Message{m}
}}

// patient drops the backend's bad messages after the tenth.
var patient = passes(func(l *link, _ int, data []byte) bool { return !strings.Contains(string(data), `"k-last"`) })

// brief ends the link at the eleventh novelty.
var brief = passes(func(l *link, _ int, data []byte) bool {
	if strings.Contains(string(data), fmt.Sprintf(`"k-%d"`, 11)) {
		l.close(0)
	}
	return true
})
