package conform_test

import (
	"strings"

	"sekisho/terminal/wire"
)

// officeMutants do not do head office's word.
var officeMutants = []mutant{
	{"freeze.pushed", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Freeze == nil }}},
	{"freeze.pushed", mutation{down: func(_ *leg, m *wire.Message) bool {
		if m.Freeze != nil {
			m.Freeze.Note = "version = 2\n"
		}
		return true
	}}},
	{"freeze.goods", approves("frozen")},
	{"freeze.goods", mutation{down: sellsNothing}},
	{"freeze.issuer", approves("frozen")},
	{"freeze.issuer", mutation{down: sellsNothing}},
	{"freeze.lifted", mutation{down: func(l *leg, m *wire.Message) bool { return m.Freeze == nil || l.once("freeze") }}},
	{"freeze.lifted", mutation{down: sellsNothing}},
	{"freeze.welcome", welcome(func(w *wire.Welcome) { w.Freeze = "" })},
	{"freeze.welcome", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			if m.Welcome.Freeze == "" {
				m.Welcome.Freeze = l.p.words["freeze"]
			}
			l.p.words["freeze"] = m.Welcome.Freeze
		}
		return true
	}}},
	{"freeze.restart", welcome(func(w *wire.Welcome) { w.Freeze = "" })},
	{"freeze.restart", approves("frozen")},
	{"freeze.advice", acceptsAdvice},
	{"freeze.advice", acksAs(wire.TypeAdvice, wire.StatusRejected, "frozen")},
	{"freeze.advice", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},
	{"freeze.advice", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "operator" })},
	{"policy.pushed", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Policy == nil }}},
	{"policy.pushed", welcome(func(w *wire.Welcome) { w.Policy = "" })},
	{"policy.advice", acksAs(wire.TypeAdvice, wire.StatusRejected, "policy.missing")},
	{"policy.stale", approves("policy.stale")},
	{"advice.policy-stale", acceptsAdvice},
	{"advice.policy-stale", acksAs(wire.TypeAdvice, wire.StatusRejected, "offline.limit")},
	{"policy.stale", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeApproved {
			a.Outcome, a.Reason, a.Amount = wire.OutcomeDeclined, "policy.stale", 0
		}
	})},
	{"caps.lowered", approves("cap.store")},
	{"caps.lowered", answers(func(_ wire.Message, a *wire.Answer) {
		a.Outcome, a.Reason, a.Amount = wire.OutcomeDeclined, "cap.store", 0
	})},
	{"roles.welcome", welcome(func(w *wire.Welcome) { w.Roles = "" })},
	{"roles.welcome", mutation{down: rolesAgain}},
	{"roles.pushed", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Policy == nil }}},
	{"roles.pushed", welcome(func(w *wire.Welcome) { w.Roles = "" })},
	{"roles.pushed", mutation{down: rolesAgain}},
	{"roles.successors", welcome(func(w *wire.Welcome) { w.Roles = w.Roles[strings.LastIndex(w.Roles, "\f")+1:] })},
	{"roles.successors", welcome(func(w *wire.Welcome) { w.Roles, _, _ = strings.Cut(w.Roles, "\f") })},
	{"denials.advice", acceptsAdvice},
	{"denials.advice", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},
	{"denials.advice", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "operator" })},
	{"denials.pushed", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Denials == nil || m.Denials.From == 0 }}},
	{"denials.pushed", approves("account.denied")},
	{"denials.removed", mutation{down: func(_ *leg, m *wire.Message) bool {
		if m.Denials != nil {
			m.Denials.Remove = ""
		}
		return true
	}}},
	{"denials.removed", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeApproved {
			a.Outcome, a.Reason, a.Amount = wire.OutcomeDeclined, "account.denied", 0
		}
	})},
}

// rolesAgain brings the roles with every welcome.
func rolesAgain(l *leg, m *wire.Message) bool {
	if m.Welcome != nil {
		if m.Welcome.Roles == "" {
			m.Welcome.Roles = l.p.words["roles"]
		}
		l.p.words["roles"] = m.Welcome.Roles
	}
	return true
}

// sellsNothing declines everything with frozen once there was a freeze.
func sellsNothing(l *leg, m *wire.Message) bool {
	if m.Freeze != nil {
		l.once("freeze")
	}
	if m.Answer != nil && m.Answer.Outcome == wire.OutcomeApproved && l.p.count["freeze"] > 0 {
		m.Answer.Outcome, m.Answer.Reason, m.Answer.Amount = wire.OutcomeDeclined, "frozen", 0
	}
	return true
}
