package conform_test

import (
	"time"

	"sekisho/terminal/wire"
)

// payMutants break the rules of payments and codes.
var payMutants = []mutant{
	{"authorise.amount", answers(func(_ wire.Message, a *wire.Answer) { a.Amount++ })},
	{"authorise.amount", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"authorise.once", newApproval},
	{"authorise.once", mutation{up: forgetful, down: remembered}},
	{"authorise.once-raced", newApproval},
	{"authorise.declined-once", mutation{up: forgetful, down: remembered}},
	{"authorise.other-content", mutation{up: forgetful, down: remembered}},
	{"authorise.sessions", mutation{up: forgetful, down: remembered}},
	{"authorise.restart", mutation{up: forgetful, down: remembered}},
	{"authorise.late", up(func(m *wire.Message) {
		if m.Authorise != nil {
			m.Authorise.NotAfter += time.Hour.Milliseconds()
		}
	})},
	{"authorise.funds", approves("backend.declined")},
	{"authorise.account", answers(func(_ wire.Message, a *wire.Answer) { a.Account = "conform-1234" })},
	{"authorise.account", answers(func(_ wire.Message, a *wire.Answer) { a.Key = "0123456789abcdef" })},
	{"authorise.stopped", approves("account.denied")},
	{"authorise.new-device", approves("device.new")},
	{"answer.no-amount", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeDeclined {
			a.Amount = 1
		}
	})},
	{"answer.no-amount", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeReversed {
			a.Amount = 1
		}
	})},
	{"authorise.stopped", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Denials == nil }}},
	{"authorise.unknown-kind", approves("backend.declined")},
	{"authorise.unknown-kind", answers(func(_ wire.Message, a *wire.Answer) { a.Reason = "code.forged" })},
	{"query.not-seen", outcomes(wire.OutcomeNotSeen, wire.OutcomeDeclined)},
	{"query.tells", newApproval},
	{"query.tells", outcomes(wire.OutcomeDeclined, wire.OutcomeNotSeen)},
	{"payment.others", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Error != nil && req.Reversal != nil {
			*m = wire.Message{Version: 1, Type: wire.TypeAck, ID: m.ID, Re: m.Re, Session: m.Session, Ack: acknowledge(req)}
		}
		return true
	}}},

	{"pass.once", approves("code.replayed")},
	{"pass.once-reversed", approves("code.replayed")},
	{"pass.once-text", approves("code.replayed")},
	{"pass.once-stores", approves("code.replayed")},
	{"pass.once-raced", approves("code.replayed")},
	{"pass.not-used-up", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Answer != nil && req.Authorise != nil && !l.once(req.Authorise.Code) {
			m.Answer.Outcome, m.Answer.Reason = wire.OutcomeDeclined, "code.replayed"
		}
		return true
	}}},
	{"pass.forged", approves("code.forged")},
	{"pass.audience", approves("code.forged")},
	{"pass.malformed", approves("code.forged")},
	{"pass.expired", approves("code.expired")},
	{"pass.future", approves("code.expired")},

	{"reversal.credits", swallowed(wire.TypeReversal)},
	{"reversal.credits", outcomes(wire.OutcomeReversed, wire.OutcomeApproved)},
	{"reversal.once", secondTime(wire.TypeReversal, "rejected")},
	{"reversal.tombstone", swallowed(wire.TypeReversal)},
	{"reversal.tombstone-session", swallowed(wire.TypeReversal)},
	{"reversal.authorise-again", swallowed(wire.TypeReversal)},
	{"reversal.declined", acksAs(wire.TypeReversal, wire.StatusRejected, "backend.declined")},
	{"void.credits", swallowed(wire.TypeVoid)},
	{"void.once", secondTime(wire.TypeVoid, "rejected")},
	{"void.nothing", acksAs(wire.TypeVoid, wire.StatusAccepted, "")},
	{"void.again", secondTime(wire.TypeVoid, "rejected")},
	{"void.again", acksAs(wire.TypeVoid, wire.StatusRejected, "backend.declined")},
	{"void.not-seen", acksAs(wire.TypeVoid, wire.StatusAccepted, "")},
	{"void.not-seen", mutation{down: func(l *leg, m *wire.Message) bool { // it is the payment of who voided it
		if m.Answer != nil && l.p.asked[m.Re].Authorise != nil {
			*m = wire.Message{Version: 1, Type: wire.TypeError, ID: m.ID, Re: m.Re, Session: m.Session, Error: &wire.Error{Code: wire.CodeRefused, Text: "another's"}}
		}
		return true
	}}},
	{"void.rejected-once", secondTime(wire.TypeVoid, "accepted")},
	{"void.refunded", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"refund.parts", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"refund.parts", swallowed(wire.TypeRefund)},
	{"refund.keeps", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil && l.p.asked[m.Re].Query != nil {
			m.Answer.Amount = 0
		}
		return true
	}}},
	{"refund.once", secondTime(wire.TypeRefund, "rejected")},
	{"refund.once", mutation{up: freshRefunds, down: oldRefunds}},
	{"refund.other-amount", acceptsRefused},
	{"refund.other-payment", acceptsRefused},
	{"refund.nothing", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
}
