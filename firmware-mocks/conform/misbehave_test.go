package conform_test

import (
	"encoding/json"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// The ways to misbehave that several mutants share.

func frames(pass func(l *leg, kind int, data []byte) bool) mutation { return mutation{frame: pass} }

func up(change func(*wire.Message)) mutation {
	return mutation{up: func(_ *leg, m *wire.Message) bool { change(m); return true }}
}

// code has errors tell another code.
func code(from, to wire.ErrorCode) mutation {
	return mutation{down: func(_ *leg, m *wire.Message) bool {
		if m.Error != nil && m.Error.Code == from {
			m.Error.Code = to
		}
		return true
	}}
}

func welcome(change func(*wire.Welcome)) mutation {
	return mutation{down: func(_ *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			change(m.Welcome)
		}
		return true
	}}
}

func answers(change func(req wire.Message, a *wire.Answer)) mutation {
	return mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			change(l.p.asked[m.Re], m.Answer)
		}
		return true
	}}
}

func acks(change func(req wire.Message, a *wire.Ack)) mutation {
	return mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Ack != nil {
			change(l.p.asked[m.Re], m.Ack)
		}
		return true
	}}
}

// acksAs acknowledges every message of a type alike.
func acksAs(of wire.Type, status wire.Status, reason string) mutation {
	return acks(func(_ wire.Message, a *wire.Ack) {
		if a.Of == of {
			a.Status, a.Reason = status, reason
		}
	})
}

var acceptsAdvice = acksAs(wire.TypeAdvice, wire.StatusAccepted, "")

// approves approves what the backend declined for a reason.
func approves(reason string) mutation {
	return answers(func(req wire.Message, a *wire.Answer) {
		if a.Reason == reason && req.Authorise != nil {
			a.Outcome, a.Reason, a.Amount, a.Approval = wire.OutcomeApproved, "", req.Authorise.Amount, "MUTANT"
		}
	})
}

func outcomes(from, to wire.Outcome) mutation {
	return answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == from {
			a.Outcome = to
		}
	})
}

// newApproval gives each answer an approval code of its own.
var newApproval = answers(func(_ wire.Message, a *wire.Answer) { a.Approval = newID() })

// swallowed acknowledges messages of a type that never reach the backend.
func swallowed(of wire.Type) mutation {
	return mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Type != of {
			return true
		}
		l.reply(*m, wire.Message{Type: wire.TypeAck, Ack: acknowledge(*m)})
		return false
	}}
}

// acknowledge accepts a message.
func acknowledge(m wire.Message) *wire.Ack {
	a := &wire.Ack{Of: m.Type, Status: wire.StatusAccepted, Time: 1}
	switch {
	case m.Reversal != nil:
		a.Payment = m.Reversal.Payment
	case m.Advice != nil:
		a.Payment = m.Advice.Payment
	case m.Void != nil:
		a.Payment, a.Op = m.Void.Payment, m.Void.ID
	case m.Refund != nil:
		a.Payment, a.Op = m.Refund.Payment, m.Refund.ID
	}
	return a
}

// secondTime acknowledges the first message of a type as it was, and later ones in
// another way.
func secondTime(of wire.Type, status wire.Status) mutation {
	return mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Ack != nil && m.Ack.Of == of && !l.once(string(of)) {
			m.Ack.Status, m.Ack.Reason = status, "mutant"
		}
		return true
	}}
}

// acceptsRefused acknowledges what the backend refused with an error.
var acceptsRefused = mutation{down: func(l *leg, m *wire.Message) bool {
	if m.Error != nil && m.Error.Code == wire.CodeRefused {
		*m = wire.Message{Version: 1, Type: wire.TypeAck, ID: m.ID, Re: m.Re, Session: m.Session, Ack: acknowledge(l.p.asked[m.Re])}
	}
	return true
}}

// forgetful has the backend see an authorise that comes again as a new one;
// remembered gives its answer the old id.
func forgetful(l *leg, m *wire.Message) bool {
	if m.Authorise != nil && !l.once(m.Authorise.Payment) {
		fresh := newID()
		l.p.words[fresh] = m.Authorise.Payment
		m.Authorise.Payment = fresh
	}
	return true
}

func remembered(l *leg, m *wire.Message) bool {
	if m.Answer != nil && l.p.words[m.Answer.Payment] != "" {
		m.Answer.Payment = l.p.words[m.Answer.Payment]
	}
	return true
}

// freshRefunds is the same for refunds.
func freshRefunds(l *leg, m *wire.Message) bool {
	if m.Refund != nil {
		fresh := newID()
		l.p.words[fresh] = m.Refund.ID
		m.Refund.ID = fresh
	}
	return true
}

func oldRefunds(l *leg, m *wire.Message) bool {
	if m.Ack != nil && l.p.words[m.Ack.Op] != "" {
		m.Ack.Op = l.p.words[m.Ack.Op]
	}
	return true
}

// overtaken holds an authorise back until the next message has passed.
func overtaken(l *leg, m *wire.Message) bool {
	if m.Authorise != nil {
		l.p.words["held"] = text(*m)
		return false
	}
	if held := l.p.words["held"]; held != "" {
		delete(l.p.words, "held")
		_ = l.write(l.backend, 0, 1, []byte(text(*m)))
		_ = l.write(l.backend, 0, 1, []byte(held))
		return false
	}
	return true
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func headText(h *wire.Head) string { return text(h) }

// lonely ends every other link with each hello.
func lonely(l *leg, m *wire.Message) bool {
	if m.Hello != nil {
		for other := range l.p.legs {
			if other != l {
				other.client.Close()
			}
		}
	}
	return true
}

// oneSession tells every hello the same session.
var oneSession = welcome(func(w *wire.Welcome) { w.Session = 1 })

// inSession has every message be of the link's session.
func inSession(l *leg, m *wire.Message) bool {
	if m.Hello == nil {
		m.Session = l.session
	}
	return true
}

// alive has what comes on a register's older link count as if it came on the newest.
func alive(l *leg, m *wire.Message) bool {
	newest := l
	for other := range l.p.legs {
		if other.register == l.register && other.session > newest.session {
			newest = other
		}
	}
	if m.Hello != nil || newest == l {
		return true
	}
	m.Session = newest.session
	_ = l.write(newest.backend, 0, websocket.TextMessage, []byte(text(*m))) // the rule sees what comes of it
	return false
}

// trusting welcomes everybody without doubt.
var trusting = welcome(func(w *wire.Welcome) { w.Quarantine = "" })

// onceInDoubt tells a quarantine in the first welcome alone.
var onceInDoubt = mutation{down: func(l *leg, m *wire.Message) bool {
	if m.Welcome != nil && !l.once("doubt") {
		m.Welcome.Quarantine = ""
	}
	return true
}}

// raise changes the totals of a message.
func raise(list []wire.Grant, by int64) {
	for i := range list {
		list[i].Total = wire.Amount{Yen: max(0, list[i].Total.Yen+by), Units: max(0, list[i].Total.Units+by)}
	}
}

// giftToday is a grant that nobody asked for, of each day that may be today.
func giftToday() []wire.Grant {
	var list []wire.Grant
	for day := -1; day <= 1; day++ {
		on := time.Now().AddDate(0, 0, day).Format(time.DateOnly)
		list = append(list, wire.Grant{Cap: "gift-day", Window: on, Total: wire.Amount{Yen: 1}})
	}
	return list
}

// challengedAlways challenges proved incarnations too, challengedOnce each
// register but once.
func challengedAlways(_ *leg, m *wire.Message) bool {
	if m.Welcome != nil && m.Welcome.Checkpoint != nil && m.Welcome.Challenge == nil {
		m.Welcome.Challenge = new(int64)
	}
	return true
}

func challengedOnce(l *leg, m *wire.Message) bool {
	if m.Welcome != nil && m.Welcome.Challenge != nil && !l.once("challenge") {
		m.Welcome.Challenge = nil
	}
	return true
}

// believed has a newcomer's authorise approved before the proof.
func believed(l *leg, m *wire.Message) bool {
	if m.Authorise == nil {
		return true
	}
	l.reply(*m, wire.Message{Type: wire.TypeAnswer, Answer: &wire.Answer{
		Payment: m.Authorise.Payment, Outcome: wire.OutcomeApproved, Amount: m.Authorise.Amount, Approval: "MUTANT", Time: 1,
	}})
	return false
}

// doubtful holds every register in doubt that is welcomed without a challenge.
var doubtful = welcome(func(w *wire.Welcome) {
	if w.Challenge == nil {
		w.Quarantine = "register.cloned"
	}
})

// neverRetired has the backend see a new incarnation in each hello.
func neverRetired(_ *leg, m *wire.Message) bool {
	if m.Hello != nil {
		m.Incarnation = newID()
	}
	return true
}
