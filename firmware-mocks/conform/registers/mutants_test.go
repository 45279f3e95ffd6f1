package registers

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/firmware-mocks/conform"
	"sekisho/terminal/wire"
)

// mutant is a register that breaks a rule: what the tap makes of a good one.
type mutant struct {
	rule string
	t    tap
}

// asking has for each rule of line, messages and payments at least one.
var asking = []mutant{
	{"link.offer", tap{dial: func(d *dial) { d.r.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate") }}},
	{"link.offer", tap{dial: func(d *dial) { d.r.Header.Set("Sec-WebSocket-Protocol", "sekisho.v9") }}},
	{"link.subprotocol", tap{upgrade: http.Header{"Sec-Websocket-Protocol": {wire.Subprotocol}}}},
	{"hello.first", up(func(m *wire.Message) {
		if m.Hello != nil {
			m.Hello.Store = "store-2"
		}
	})},
	{"hello.first", up(func(m *wire.Message) {
		if m.Hello != nil {
			m.Hello.Versions.Policy = 0
		}
	})},
	{"hello.first", instead(wire.TypeHello, func(_ *link, m wire.Message) []wire.Message {
		before := deep(m)
		gone(&before)
		return []wire.Message{before, m}
	})},
	{"link.ping", tap{ping: func(*link) bool { return false }}},
	{"link.ping", fewPings()},
	{"link.pong", tap{noPongs: true}},
	{"link.silence", tap{pongs: true}},
	{"link.closed", lateDials(time.Minute)},
	{"session.older", noErrors},
	{"session.older", up(func(m *wire.Message) {
		if m.Error != nil {
			m.Error.Code = wire.CodeSession
		}
	})},
	{"session.older", drops(wire.TypeAuthorise)},
	{"session.later", down(func(l *link, m *wire.Message) { m.Session = l.session })},
	{"link.backoff", evenDials(time.Millisecond)},
	{"link.backoff", evenDials(time.Minute)},
	{"link.retry-after", evenDials(time.Second / 100)},
	{"link.binary", asText},
	{"link.oversize", asText},
	{"session.error", tap{up: func(l *link, m wire.Message) []wire.Message {
		if m.Type == wire.TypeHello && l.p.k.tap.first("hello") {
			other := deep(m)
			gone(&other)
			return []wire.Message{m, other}
		}
		return []wire.Message{m}
	}}},

	{"envelope.id", up(func(m *wire.Message) {
		if m.Type == wire.TypeQuery || m.Type == wire.TypeAuthorise {
			m.ID = "m"
		}
	})},
	{"envelope.session", up(func(m *wire.Message) {
		if m.Type == wire.TypeVoid {
			m.Session = 0
		}
	})},
	{"envelope.incarnation", later(wire.TypeHello, func(m *wire.Message) { m.Incarnation = newID() })},
	{"envelope.incarnation", up(func(m *wire.Message) {
		if m.Type == wire.TypeError {
			m.Incarnation = ""
		}
	})},
	{"envelope.journal", up(func(m *wire.Message) {
		if m.Type == wire.TypeError {
			m.Journal = nil
		}
	})},
	{"envelope.journal", later(wire.TypeAuthorise, func(m *wire.Message) { m.Journal.Size = 1 })},
	{"error.type", up(func(m *wire.Message) {
		if m.Error != nil {
			m.Error.Code = wire.CodeBody
		}
	})},
	{"error.wrong-way", noErrors},
	{"error.version", noErrors},
	{"error.version", down(func(_ *link, m *wire.Message) { m.Version = 1 })},
	{"error.body", noErrors},
	{"error.second-welcome", noErrors},
	{"error.second-welcome", up(func(m *wire.Message) {
		if m.Type == wire.TypeAuthorise {
			m.Session += 7
		}
	})},
	{"error.session", noErrors},
	{"error.ten-bad", patient},
	{"error.type-is-free", brief},
	{"error.not-answered", echo},
	{"fields.ignored", strict},

	{"authorise.code", authorises(func(a *wire.Authorise) { a.Code = "SK1:" })},
	{"authorise.code", authorises(func(a *wire.Authorise) { a.Kind = "digits" })},
	{"authorise.sale", authorises(func(a *wire.Authorise) { a.Amount++ })},
	{"authorise.sale", authorises(func(a *wire.Authorise) { a.Sale.Lines = nil })},
	{"authorise.sale", authorises(func(a *wire.Authorise) { a.Sale.Hash = strings.Repeat("0", 64) })},
	{"authorise.common", authorises(func(a *wire.Authorise) { a.Versions.Policy = 0 })},
	{"authorise.common", authorises(func(a *wire.Authorise) { a.Window = "2026-01-01" })},
	{"authorise.common", authorises(func(a *wire.Authorise) { a.Clock = wire.ClockWall })},
	{"authorise.common", authorises(func(a *wire.Authorise) { a.ContactAge = -1 })},
	{"authorise.common", authorises(func(a *wire.Authorise) { a.JournalIndex = 1 << 40 })},
	{"authorise.not-after", authorises(func(a *wire.Authorise) { a.NotAfter += 60_000 })},
	{"authorise.ids", authorises(func(a *wire.Authorise) { a.Payment = "019b8c1e-7a00-7000-8000-000000000001" })},
	{"authorise.once", again(wire.TypeQuery)},
	{"authorise.once", queries(func(c *wire.Common) { c.Payment = newID() })},
	{"authorise.killed", again(wire.TypeQuery)},
	{"code.once", again(wire.TypeAuthorise)},
	{"answer.approved", outcome(wire.OutcomeDeclined)},
	{"answer.approved", answers(func(_ *link, a *wire.Answer) { a.Approval = "" })},
	{"answer.declined", outcome(wire.OutcomeApproved)},
	{"answer.declined", answers(func(_ *link, a *wire.Answer) { a.Reason = "backend.declined" })},
	{"answer.twice", outcome(wire.OutcomeDeclined)},
	{"answer.outcome", outcome(wire.OutcomeApproved)},
	{"answer.amount", outcome(wire.OutcomeApproved)},
	{"answer.other-payment", answers(func(l *link, a *wire.Answer) { a.Payment = l.p.askedFor()[0].Payment })},
	{"answer.old-session", down(func(l *link, m *wire.Message) { m.Session = l.session })},

	{"query.every", queries(func(c *wire.Common) { c.Payment = newID() })},
	{"query.every", later(wire.TypeQuery, gone)},
	{"query.every", again(wire.TypeQuery)},
	{"query.one-code", again(wire.TypeQuery)},
	{"query.not-seen", outcome(wire.OutcomeDeclined)},
	{"query.declined", outcome(wire.OutcomeNotSeen)},
	{"query.late-answer", outcome(wire.OutcomeNotSeen)},
	{"reversal.give-up", eager},
	{"reversal.give-up", reversals(func(r *wire.Reversal) { r.Why = "cancelled" })},
	{"reversal.cancelled", reversals(func(r *wire.Reversal) { r.Why = "timeout" })},
	{"reversal.cancelled", drops(wire.TypeReversal)},
	{"reversal.resent", later(wire.TypeReversal, gone)},
	{"reversal.resent", later(wire.TypeReversal, func(m *wire.Message) { m.Reversal.Payment = newID() })},
	{"reversal.session", later(wire.TypeReversal, gone)},
	{"reversal.session", again(wire.TypeAuthorise, wire.TypeReversal)},
	{"reversal.status", down(func(_ *link, m *wire.Message) {
		if m.Ack != nil {
			m.Ack.Status = wire.StatusAccepted
		}
	})},
	{"reversal.final", eager},
	{"reversal.need", answers(func(l *link, a *wire.Answer) { *a = *l.p.approval(l.p.askedFor()[0]) })},
}

func authorises(change func(*wire.Authorise)) tap {
	return up(func(m *wire.Message) {
		if m.Authorise != nil {
			change(m.Authorise)
		}
	})
}

func queries(change func(*wire.Common)) tap {
	return up(func(m *wire.Message) {
		if m.Query != nil {
			change(&m.Query.Common)
		}
	})
}

func reversals(change func(*wire.Reversal)) tap {
	return up(func(m *wire.Message) {
		if m.Reversal != nil {
			change(m.Reversal)
		}
	})
}

// again sends with each message of a type the first authorise, or another type's
// first message, once more.
func again(with wire.Type, what ...wire.Type) tap {
	kind := wire.TypeAuthorise
	if len(what) > 0 {
		kind = what[0]
	}
	return tap{words: map[string]wire.Message{}, up: func(l *link, m wire.Message) []wire.Message {
		t := &l.p.k.tap
		before, there := t.words[string(kind)]
		if !there && m.Type == kind {
			t.words[string(kind)] = deep(m)
		}
		if there && m.Type == with {
			before.ID = newID()
			return []wire.Message{before, m}
		}
		return []wire.Message{m}
	}}
}

// TestEveryRuleHasAMutantThatFails breaks each rule in at least one way, and wants
// it to say so.
func TestEveryRuleHasAMutantThatFails(t *testing.T) {
	byID := map[string]rule{}
	for _, r := range all() {
		byID[r.id] = r
	}
	free := make(chan struct{}, together*runtime.NumCPU())
	var tried sync.WaitGroup
	met := map[string]bool{}
	for _, m := range slices.Concat(asking, telling, trusting) {
		r, known := byID[m.rule]
		if !known {
			t.Errorf("there is no rule %s", m.rule)
			continue
		}
		met[m.rule] = true
		k := open(t)
		k.tap, k.tap.mu = m.t, &sync.Mutex{}
		k.cfg.Patience = 5 * time.Second // some say nothing, and a register has to start in it
		tried.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			if got := k.check(t.Context(), r); got.Status != conform.Failed {
				t.Errorf("a mutant of %s: %v", m.rule, got)
			} else {
				t.Log(m.rule, "failed, as it must:", got.Why)
			}
		})
	}
	tried.Wait()
	for id := range byID {
		if !met[id] {
			t.Errorf("%s has no mutant", id)
		}
	}
}
