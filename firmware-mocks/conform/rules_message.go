package conform

import (
	"bytes"
	"strings"

	"sekisho/terminal/wire"
)

var messageRules = []Rule{
	{"error.syntax", "What is no JSON object gets error syntax, and the link stays.", theErrors, func(p *play) {
		t := p.join(p.a())
		for _, text := range []string{"{", "[]", `"query"`, "", `{"v":"1"}`} {
			t.put([]byte(text))
			t.mistaken("what is no message", t.pushed(wire.TypeError), wire.CodeSyntax)
		}
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"error.version", "Another version of the protocol gets error version, and changes nothing.", theErrors, func(p *play) {
		spoilt(p, wire.CodeVersion, func(m map[string]any) { m["v"] = 2 })
	}},
	{"error.type", "A type that the backend does not know gets error type, and the link stays.", theErrors, func(p *play) {
		t := p.join(p.a())
		id := t.raw(t.query(newID()), func(m map[string]any) { m["type"], m["novelty"] = "novelty", m["query"]; delete(m, "query") })
		t.mistaken("an unknown type", t.await("novelty", id), wire.CodeType)
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"error.wrong-way", "A type that goes to registers only gets error type.", theErrors, func(p *play) {
		t := p.join(p.a())
		t.refused(wire.Message{Type: wire.TypeAnswer, Answer: &wire.Answer{Payment: newID(), Outcome: wire.OutcomeApproved, Time: 1}}, wire.CodeType)
		t.refused(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: "x"}}, wire.CodeType)
	}},
	{"error.body", "A body with a field missing or out of range gets an error, and changes nothing.", theErrors, bodies},
	{"error.currency", "Another currency than JPY gets error body, and changes nothing.", theEnvelope, func(p *play) {
		spoilt(p, wire.CodeBody, inBody("currency", "USD"))
	}},
	{"error.body-missing", "A message without the body that its type names, or with two, gets error body.", theEnvelope, func(p *play) {
		spoilt(p, wire.CodeBody, func(m map[string]any) { delete(m, "authorise") })
		spoilt(p, wire.CodeBody, func(m map[string]any) { m["query"] = m["authorise"] })
	}},
	{"error.names", "A message that has a name twice in one object, in whatever case, gets error syntax, and changes nothing.", theLink, namesTwice},
	{"error.ten-bad", "After ten messages with error syntax, version or body the next ends the link.", theErrors, func(p *play) {
		t := p.join(p.a())
		for range 10 {
			t.put([]byte("{"))
			t.mistaken("what is no message", t.pushed(wire.TypeError), wire.CodeSyntax)
		}
		t.outcome(newID(), wire.OutcomeNotSeen) // ten are borne
		t.put([]byte("{"))
		t.closed()
	}},
	{"error.type-is-free", "Unknown types do not count towards the messages that end a link.", theErrors, func(p *play) {
		t := p.join(p.a())
		for range 12 {
			id := t.raw(t.query(newID()), func(m map[string]any) { m["type"] = "novelty" })
			t.mistaken("an unknown type", t.await("novelty", id), wire.CodeType)
		}
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"error.not-answered", "An error is not answered.", thePromises, func(p *play) {
		t := p.join(p.a())
		for _, word := range []wire.ErrorCode{"policy.signature", "session.older", "journal.gap"} {
			id := t.tell(wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: word, Text: "the kit says so"}})
			for range 3 { // what would answer it comes before these
				t.outcome(newID(), wire.OutcomeNotSeen)
			}
			for _, m := range t.kept {
				p.want(m.Re != id && m.Type != wire.TypeError, "an error was answered with %s", named(m))
			}
		}
	}},
	{"fields.ignored", "Fields that the backend does not know are ignored, in hello too.", theLink, unknownFields},
	{"fields.null", "A field that is null counts as absent: counters may be.", theLink, func(p *play) {
		t := p.join(p.a())
		id := t.raw(t.buy(newID(), p.fresh(), price), inBody("counters", nil))
		a := t.await(wire.TypeAuthorise, id)
		p.want(a.Answer != nil && a.Answer.Outcome == wire.OutcomeApproved, "an authorise with counters null was answered with %s", named(a))
	}},
	{"envelope.backend", "The backend's messages name the session, and no two of a session have one id.", theEnvelope, envelopes},
}

// spoilt sends an authorise that was made wrong and wants an error with one of the
// codes, and that the payment was not seen.
func spoilt(p *play, code wire.ErrorCode, wrong func(map[string]any)) {
	t, payment := p.join(p.a()), newID()
	spoiltBy(t, payment, t.buy(payment, p.fresh(), price), "a message made wrong", wrong, code)
}

func spoiltBy(t *till, payment string, m wire.Message, what string, wrong func(map[string]any), codes ...wire.ErrorCode) {
	id := t.raw(m, wrong)
	reply := t.find("the answer to "+what, func(m wire.Message) bool {
		return m.Re == id || m.Type == wire.TypeError && m.Re == "" // of what is no JSON of the shape the id may not be known
	})
	t.mistaken(wire.Type(what), reply, codes...)
	t.outcome(payment, wire.OutcomeNotSeen)
}

// namesTwice sends authorises that have their amount twice.
func namesTwice(p *play) {
	t := p.join(p.a())
	for _, second := range []string{"amount", "Amount"} {
		payment := newID()
		twice := func(data []byte) {
			t.put(bytes.Replace(data, []byte(`"authorise":{`), []byte(`"authorise":{"`+second+`":1,`), 1))
		}
		id := t.rawTo(t.buy(payment, p.fresh(), price), func(map[string]any) {}, twice)
		reply := t.find("the answer to "+second+" twice", func(m wire.Message) bool { return m.Re == id || m.Type == wire.TypeError && m.Re == "" })
		t.mistaken(wire.TypeAuthorise, reply, wire.CodeSyntax)
		t.outcome(payment, wire.OutcomeNotSeen)
	}
}

// inBody sets a field of an authorise.
func inBody(field string, value any) func(map[string]any) {
	return func(m map[string]any) {
		if body, ok := m["authorise"].(map[string]any); ok {
			body[field] = value
		}
	}
}

// wrongFields are values that no authorise may have. Of what is no JSON of the
// field's kind a backend may find the syntax wrong, or the body.
var wrongFields = []struct {
	field string
	value any
}{
	{"amount", -1}, {"amount", 0}, {"amount", 1.5}, {"amount", int64(1)<<53 + 1}, {"amount", "100"},
	{"payment", "0"}, {"payment", "019B8C1E-7A00-7000-8000-000000000001"}, {"payment", "019b8c1e-7a00-4000-8000-000000000001"},
	{"window", "today"}, {"business_day", ""}, {"sale_hash", "abc"}, {"clock", "sundial"}, {"not_after", 0}, {"contact_age", -2},
	{"code", ""}, {"kind", strings.Repeat("k", 101)}, {"journal_index", -1},
	{"spends", make([]struct{}, 1001)},
}

// bodies tries each wrong value on a link of few: the eleventh mistake would end
// it.
func bodies(p *play) {
	const each = 8
	var t *till
	for i, w := range wrongFields {
		if i%each == 0 {
			t = p.join(p.a())
		}
		payment := newID()
		m := t.buy(payment, p.fresh(), price)
		spoiltBy(t, payment, m, "an authorise with a wrong "+w.field, inBody(w.field, w.value), wire.CodeBody, wire.CodeSyntax)
	}
}

func unknownFields(p *play) {
	t := p.dial(p.a())
	more := func(body string) func(map[string]any) {
		return func(m map[string]any) {
			m["novelty"] = map[string]any{"a": []int{1}}
			if b, ok := m[body].(map[string]any); ok {
				b["novelty"] = "new"
			}
		}
	}
	id := t.raw(t.greeting(), more("hello"))
	w := t.await(wire.TypeHello, id)
	if w.Welcome == nil {
		p.fail("a hello with a field more was answered with %s", named(w))
		return
	}
	t.session = w.Welcome.Session
	id = t.raw(t.buy(newID(), p.fresh(), price), more("authorise"))
	a := t.await(wire.TypeAuthorise, id)
	p.want(a.Answer != nil && a.Answer.Outcome == wire.OutcomeApproved, "an authorise with a field more was answered with %s", named(a))
}

func envelopes(p *play) {
	t := p.join(p.a())
	seen := map[string]bool{}
	for range 5 {
		m := t.ask(t.query(newID()))
		t.kept = append(t.kept, m)
	}
	for _, m := range t.kept {
		p.want(!seen[m.ID], "two messages of one session have the same id")
		p.want(m.Session == t.session, "a message names session %d, not %d", m.Session, t.session)
		seen[m.ID] = true
	}
}
