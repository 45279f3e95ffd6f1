package conform_test

import (
	"strings"
	"time"

	"sekisho/terminal/wire"
)

// capMutants break the rules of caps and of what is given back.
var capMutants = []mutant{
	{"caps.need", answers(func(_ wire.Message, a *wire.Answer) { a.Grants = nil })},
	{"caps.counted", approves("allotment.missing")},
	{"caps.reserved", approves("allotment.missing")},
	{"caps.named", approves("allotment.missing")},
	{"caps.own-incarnation", mutation{up: ofTheSession}},
	{"caps.limit", approves("cap.store")},
	{"caps.all-or-nothing", answers(func(req wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeDeclined {
			raise(a.Grants, 1_000_000)
		}
	})},
	{"caps.raced", approves("cap.store")},
	{"caps.store", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Answer != nil && req.Authorise != nil && len(req.Authorise.Spends) > 0 && strings.HasSuffix(l.register, "r5") {
			m.Answer.Outcome, m.Answer.Reason = wire.OutcomeDeclined, "cap.store"
		}
		return true
	}}},
	{"caps.window", approves("clock")},
	{"caps.grow", acks(func(_ wire.Message, a *wire.Ack) { raise(a.Grants, -1_000_000) })},
	{"caps.merge", acksAs(wire.TypeGrants, wire.StatusAccepted, "")},
	{"caps.incarnation", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			raise(m.Welcome.Grants, 1_000_000)
		}
		return true
	}}},
	{"caps.reserve", welcome(func(w *wire.Welcome) { raise(w.Grants, 1_000_000) })},
	{"caps.offline-only", welcome(func(w *wire.Welcome) {
		for day := -1; day <= 1; day++ { // of each day that may be today
			on := time.Now().AddDate(0, 0, day).Format(time.DateOnly)
			w.Grants = append(w.Grants, wire.Grant{Cap: "tobacco-offline", Window: on, Total: wire.Amount{Units: 5}})
		}
	})},
	{"caps.account", approves("cap.account")},
	{"caps.account-undone", approves("cap.account")},
	{"caps.account-undone", swallowed(wire.TypeReversal)},
	{"grants.back", swallowed(wire.TypeGrants)},
	{"grants.back-twice", secondTime(wire.TypeGrants, "rejected")},
	{"grants.beyond", acksAs(wire.TypeGrants, wire.StatusAccepted, "")},
	{"grants.stopped", acks(func(req wire.Message, a *wire.Ack) {
		if req.Reversal != nil {
			raise(a.Grants, 5)
		}
	})},
	{"grants.back-own", acceptsRefused},
}
