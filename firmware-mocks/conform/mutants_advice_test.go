package conform_test

import (
	"time"

	"sekisho/terminal/wire"
)

// adviceMutants break the rules of advices.
var adviceMutants = []mutant{
	{"advice.accepted", acksAs(wire.TypeAdvice, wire.StatusRejected, "offline.limit")},
	{"advice.once", secondTime(wire.TypeAdvice, "rejected")},
	{"advice.rejected-once", secondTime(wire.TypeAdvice, "rejected")},
	{"advice.query", outcomes(wire.OutcomeApproved, wire.OutcomeNotSeen)},
	{"advice.other-payment", acceptsAdvice},
	{"advice.forged", acceptsAdvice},
	{"advice.expired", acceptsAdvice},
	{"advice.expired", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "" })},
	{"advice.then", up(func(m *wire.Message) {
		if m.Advice != nil {
			m.Advice.Created = time.Now().UnixMilli()
		}
	})},
	{"advice.second-use", acceptsAdvice},
	{"advice.second-use-elsewhere", acceptsAdvice},
	{"advice.second-use-elsewhere", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},
	{"advice.ahead", acceptsAdvice},
	{"advice.uses-up", approves("code.replayed")},
	{"advice.floor", acceptsAdvice},
	{"advice.count", acceptsAdvice},
	{"advice.ceiling", acceptsAdvice},
	{"advice.aged", up(func(m *wire.Message) {
		if m.Advice != nil {
			m.Advice.ContactAge = 0
		}
	})},
	{"advice.age-unknown", acceptsAdvice},
	{"advice.boot", acceptsAdvice},
	{"advice.boot-goods", acceptsAdvice},
	{"advice.new-device", acceptsAdvice},
	{"advice.uncounted", acceptsAdvice},
	{"advice.allotment", acksAs(wire.TypeAdvice, wire.StatusRejected, "allotment.missing")},
	{"advice.old-incarnation", mutation{up: ofTheSession}},
	{"advice.account-cap", acceptsAdvice},
	{"advice.asked", acceptsAdvice},
	{"advice.asked", swallowed(wire.TypeReversal)},
	{"advice.policy-missing", acceptsAdvice},
	{"advice.policy-missing", acksAs(wire.TypeAdvice, wire.StatusRejected, "offline.limit")},
	{"advice.older-policy", decidedBy(func(v, _ int64) int64 { return v + 1 })},
	{"advice.older-policy", decidedBy(func(_, first int64) int64 { return first })},
	{"advice.reversal", acksAs(wire.TypeReversal, wire.StatusAccepted, "")},
	{"advice.void", acksAs(wire.TypeVoid, wire.StatusRejected, "backend.declined")},
	{"advice.void", swallowed(wire.TypeVoid)},
	{"advice.below-zero", acksAs(wire.TypeAdvice, wire.StatusRejected, "backend.declined")},
	{"advice.stopped", acceptsAdvice},
	{"advice.stopped", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},
}

// decidedBy has an advice be held against another policy than the one that it
// names: first is the first that any named.
func decidedBy(other func(v, first int64) int64) mutation {
	return mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Advice == nil {
			return true
		}
		if l.once("advice") {
			l.p.count["first"] = int(m.Advice.Versions.Policy)
		}
		m.Advice.Versions.Policy = other(m.Advice.Versions.Policy, int64(l.p.count["first"]))
		return true
	}}
}

// ofTheSession has every message be of the incarnation that said the last hello.
func ofTheSession(l *leg, m *wire.Message) bool {
	if m.Hello != nil {
		l.p.words["now"] = m.Incarnation
	}
	m.Incarnation = l.p.words["now"]
	return true
}
