package conform

import (
	"strings"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// greeting is a hello of the till's; versions as of a register that holds
// nothing.
func (t *till) greeting() wire.Message {
	return wire.Message{Type: wire.TypeHello, Hello: &wire.Hello{
		Register: t.m.ID, Store: t.m.Store, Software: "sekisho-conform/1", Counters: t.told(),
	}}
}

// hello opens a session and gives the welcome.
func (t *till) hello() wire.Welcome { return t.helloAs(t.greeting()) }

func (t *till) helloAs(m wire.Message) wire.Welcome {
	reply := t.ask(m)
	if reply.Welcome == nil {
		t.p.fail("hello was answered with %s", named(reply))
		return wire.Welcome{}
	}
	t.session, t.doubted = reply.Welcome.Session, reply.Welcome.Quarantine != ""
	return *reply.Welcome
}

// join dials as a fresh incarnation, says hello, and proves its journal if the
// backend asks it to. What the one before it held in this rule it hands in first:
// it would be burnt.
func (p *play) join(m *machine) *till {
	if before := p.linked(m); before != nil && !before.ended {
		p.handIn(before)
	}
	t := p.dial(m)
	if w := t.hello(); w.Challenge != nil && m.Key != nil {
		t.prove(w)
	}
	return t
}

// rejoin is the incarnation's next session.
func (t *till) rejoin() *till {
	next := t.again()
	next.hello()
	return next
}

// Lately says what came last where something else was waited for: there a
// developer looks first.
func Lately(came []wire.Message) string {
	const most = 5
	if len(came) == 0 {
		return ""
	}
	var names []string
	for _, m := range came[max(0, len(came)-most):] {
		names = append(names, named(m))
	}
	return "; what came last is " + strings.Join(names, ", ")
}

// named says of a message what a developer looks for first.
func named(m wire.Message) string {
	switch {
	case m.Type == "":
		return "nothing"
	case m.Error != nil:
		return "error " + string(m.Error.Code)
	case m.Answer != nil:
		return strings.TrimSpace("an answer, " + string(m.Answer.Outcome) + " " + m.Answer.Reason)
	case m.Ack != nil:
		return strings.TrimSpace("an acknowledgement, " + string(m.Ack.Status) + " " + m.Ack.Reason)
	}
	return string(m.Type)
}

// answer asks and wants an answer about that payment.
func (t *till) answer(m wire.Message) wire.Answer {
	reply := t.ask(m)
	if reply.Answer == nil {
		t.p.fail("%s was answered with %s", m.Type, named(reply))
		return wire.Answer{}
	}
	if c := m.Common(); c != nil {
		t.p.want(reply.Answer.Payment == c.Payment, "the answer to %s is of another payment", m.Type)
	}
	return *reply.Answer
}

// ack asks and wants an acknowledgement of just that.
func (t *till) ack(m wire.Message) wire.Ack {
	reply := t.ask(m)
	if reply.Ack == nil {
		t.p.fail("%s was answered with %s", m.Type, named(reply))
		return wire.Ack{}
	}
	a := *reply.Ack
	t.p.want(a.Of == m.Type, "the acknowledgement of %s says that it is of %s", m.Type, a.Of)
	if c := m.Common(); c != nil {
		t.p.want(a.Payment == c.Payment, "the acknowledgement of %s is of another payment", m.Type)
	}
	op := ""
	switch {
	case m.Void != nil:
		op = m.Void.ID
	case m.Refund != nil:
		op = m.Refund.ID
	}
	t.p.want(a.Op == op, "the acknowledgement of %s names op %q, not %q", m.Type, a.Op, op)
	return a
}

// approved, declined, accepted and rejected ask and want one outcome.
func (t *till) approved(m wire.Message) wire.Answer {
	t.room(m)
	a := t.answer(m)
	t.p.want(a.Outcome == wire.OutcomeApproved, "%s was answered %s %s, not approved", m.Type, a.Outcome, a.Reason)
	return a
}

func (t *till) declined(m wire.Message, reason string) wire.Answer {
	if reason != "" && reason != string(terminal.CapStore) {
		t.room(m) // or this might be the reason
	}
	a := t.answer(m)
	t.p.want(a.Outcome == wire.OutcomeDeclined && (reason == "" || a.Reason == reason),
		"%s was answered %s %s, not declined %s", m.Type, a.Outcome, a.Reason, reason)
	return a
}

func (t *till) accepted(m wire.Message) wire.Ack {
	a := t.ack(m)
	t.p.want(a.Status == wire.StatusAccepted, "%s was acknowledged %s %s, not accepted", m.Type, a.Status, a.Reason)
	return a
}

func (t *till) rejected(m wire.Message, reason string) wire.Ack {
	a := t.ack(m)
	t.p.want(a.Status == wire.StatusRejected && (reason == "" || a.Reason == reason),
		"%s was acknowledged %s %s, not rejected %s", m.Type, a.Status, a.Reason, reason)
	return a
}

// outcome wants what became of a payment.
func (t *till) outcome(payment string, want wire.Outcome) wire.Answer {
	a := t.answer(t.query(payment))
	t.p.want(a.Outcome == want, "the payment is %s %s, not %s", a.Outcome, a.Reason, want)
	return a
}

// refused wants an error of a code.
func (t *till) refused(m wire.Message, code wire.ErrorCode) {
	t.mistaken(m.Type, t.ask(m), code)
}

// mistaken wants reply to be an error of one of these codes.
func (t *till) mistaken(of wire.Type, reply wire.Message, codes ...wire.ErrorCode) {
	if reply.Error != nil {
		for _, c := range codes {
			if reply.Error.Code == c {
				return
			}
		}
	}
	t.p.fail("%s was answered with %s, not error %s", of, named(reply), codes[0])
}
