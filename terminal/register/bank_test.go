package register_test

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// bank is a backend written from docs/protocol.md alone: it decides each id once,
// makes rights, and keeps the books that the register's must equal. Its notes
// survive everything; it dies between two messages and never within one.
type bank struct {
	t       *testing.T
	session int64
	inc     string // of the latest hello
	charges map[string]*charge
	passes  map[string]string                   // which payment a pass paid
	made    map[string]wire.Amount              // rights, by cap and window
	told    map[terminal.CounterKey]wire.Amount // of them to one incarnation
	deny    func() bool                         // draws whether an account is refused
	mood    func(most int64) int64              // draws how much is granted unasked
}

// charge is what the bank wrote down of a payment.
type charge struct {
	amount, charged int64
	outcome         wire.Outcome // of an authorise; "" for none
	reason          string
	advice          wire.Status // of an advice; "" for none
	voided          string
	refunds         map[string]wire.Ack
	refunded        int64
}

// limits are those of policyText's store caps.
var limits = map[string]int64{"tobacco-day": 20, "tobacco-offline": 2}

func newBank(t *testing.T, deny func() bool, mood func(int64) int64) *bank {
	return &bank{
		t: t, charges: map[string]*charge{}, passes: map[string]string{}, made: map[string]wire.Amount{},
		told: map[terminal.CounterKey]wire.Amount{}, deny: deny, mood: mood,
	}
}

func ours(id, window, inc string) terminal.CounterKey {
	return terminal.CounterKey{Cap: terminal.CapID(id), Window: terminal.BusinessDay(window), Incarnation: terminal.Incarnation(inc)}
}

// hello opens a session; each of them may fill the register's allotment.
func (b *bank) hello(m wire.Message, day string) wire.Welcome {
	b.session++
	b.inc = m.Incarnation
	for id, limit := range limits {
		b.grant(id, day, b.inc, b.mood(min(2, limit-b.made[id+day].Units)))
	}
	return wire.Welcome{Session: b.session, Time: time.Now().UnixMilli(), Grants: b.grants(day)}
}

func (b *bank) grant(id, window, inc string, units int64) {
	made, k := b.made[id+window], ours(id, window, inc)
	made.Units += units
	if made.Units > limits[id] {
		b.t.Fatalf("the model itself made %d of %d rights of %s", made.Units, limits[id], id)
	}
	told := b.told[k]
	told.Units += units
	b.made[id+window], b.told[k] = made, told
}

// grants are the totals of the incarnation that said hello.
func (b *bank) grants(day string) []wire.Grant {
	var out []wire.Grant
	for id := range limits {
		out = append(out, wire.Grant{Cap: id, Window: day, Total: b.told[ours(id, day, b.inc)]})
	}
	return out
}

// hears gives the bank's reply; false for none.
func (b *bank) hears(m wire.Message) (wire.Message, bool) {
	reply := wire.Message{Version: wire.Version, ID: "b-" + m.ID, Re: m.ID, Session: m.Session}
	if m.Session != b.session {
		reply.Type, reply.Error = wire.TypeError, &wire.Error{Code: wire.CodeSession, Text: "another session"}
		return reply, true
	}
	switch m.Type {
	case wire.TypeAuthorise:
		reply.Type, reply.Answer = wire.TypeAnswer, b.authorise(m)
	case wire.TypeQuery:
		reply.Type, reply.Answer = wire.TypeAnswer, b.answer(m.Query.Payment, m.Query.Window)
	case wire.TypeReversal:
		reply.Type, reply.Ack = wire.TypeAck, b.reverse(m)
	case wire.TypeAdvice:
		reply.Type, reply.Ack = wire.TypeAck, b.advise(m)
	case wire.TypeVoid:
		reply.Type, reply.Ack = wire.TypeAck, b.void(m)
	case wire.TypeRefund:
		reply.Type, reply.Ack = wire.TypeAck, b.refund(m)
	default:
		return reply, false // checkpoints and leaves have a test of their own
	}
	if reply.Ack != nil {
		reply.Ack.Of, reply.Ack.Time = m.Type, time.Now().UnixMilli()
	}
	return reply, true
}

func (b *bank) answer(id, window string) *wire.Answer {
	a := &wire.Answer{Payment: id, Outcome: wire.OutcomeNotSeen, Grants: b.grants(window), Time: time.Now().UnixMilli()}
	if c := b.charges[id]; c != nil {
		a.Outcome, a.Reason, a.Amount, a.Approval = c.outcome, c.reason, c.amount, "A"
	}
	return a
}

func (b *bank) authorise(m wire.Message) *wire.Answer {
	a := m.Authorise
	if c := b.charges[a.Payment]; c == nil {
		b.charges[a.Payment] = b.decide(m)
	} else if c.advice != "" {
		b.t.Errorf("payment %s is asked for and was advised", a.Payment)
	}
	return b.answer(a.Payment, a.Window)
}

func (b *bank) decide(m wire.Message) *charge {
	a := m.Authorise
	c := &charge{amount: a.Amount, outcome: wire.OutcomeDeclined, refunds: map[string]wire.Ack{}}
	switch by, paid := b.passes[a.Code]; {
	case time.Now().UnixMilli() > a.NotAfter:
		c.reason = string(terminal.AuthoriseTooLate)
		return c
	case paid && by != a.Payment:
		c.reason = string(terminal.CodeReplayed)
		return c
	case b.deny():
		c.reason = string(terminal.BackendDeclined)
		return c
	}
	for _, s := range a.Spends {
		if b.made[s.Cap+s.Window].Units+s.Need.Units > limits[s.Cap] {
			c.reason = string(terminal.CapStore)
			return c
		}
	}
	for _, s := range a.Spends {
		b.grant(s.Cap, s.Window, m.Incarnation, s.Need.Units)
	}
	b.passes[a.Code] = a.Payment
	c.outcome, c.charged = wire.OutcomeApproved, a.Amount
	return c
}

func (b *bank) reverse(m wire.Message) *wire.Ack {
	id := m.Reversal.Payment
	c := b.charges[id]
	switch {
	case c == nil:
		b.charges[id] = &charge{outcome: wire.OutcomeReversed, refunds: map[string]wire.Ack{}}
	case c.advice != "":
		b.t.Errorf("payment %s is reversed and was advised", id)
	case c.outcome == wire.OutcomeApproved:
		c.outcome, c.charged = wire.OutcomeReversed, 0
	}
	return &wire.Ack{Payment: id, Status: wire.StatusAccepted}
}

func (b *bank) advise(m wire.Message) *wire.Ack {
	a := m.Advice
	c := b.charges[a.Payment]
	if c == nil {
		c = &charge{amount: a.Amount, advice: wire.StatusRejected, reason: string(terminal.AccountDenied), refunds: map[string]wire.Ack{}}
		b.charges[a.Payment] = c
		code, err := wire.OpenEvidence(keys().sealer, a.Payment, a.Evidence)
		if err != nil {
			b.t.Errorf("the evidence of %s: %v", a.Payment, err)
		}
		for _, s := range a.Spends {
			if told := b.told[ours(s.Cap, s.Window, m.Incarnation)]; s.Reserved.Units > told.Units || s.Need.Units > 0 {
				b.t.Errorf("I3: an advice of %s spends %+v, of %+v granted", m.Incarnation, s, told)
			}
		}
		switch by, paid := b.passes[code]; {
		case paid && by != a.Payment:
			b.t.Errorf("I1: the pass of %s was sold offline and paid %s", a.Payment, by)
		case !b.deny():
			b.passes[code] = a.Payment
			c.advice, c.reason, c.charged = wire.StatusAccepted, "", a.Amount
		}
	}
	if c.outcome != "" {
		b.t.Errorf("payment %s is advised and was asked for: it is %s", a.Payment, c.outcome)
	}
	ack := &wire.Ack{Payment: a.Payment, Status: c.advice, Reason: c.reason, Grants: b.grants(a.Window)}
	if c.advice == wire.StatusRejected {
		ack.Bearer = "operator"
	}
	return ack
}

func (b *bank) void(m wire.Message) *wire.Ack {
	c := b.known(m.Void.Payment, m.Type)
	ack := &wire.Ack{Payment: m.Void.Payment, Op: m.Void.ID, Status: wire.StatusAccepted}
	switch {
	case c.voided != "" && c.voided != m.Void.ID:
		b.t.Errorf("payment %s is voided twice", m.Void.Payment)
	case c.voided == "" && c.charged == 0:
		b.t.Errorf("payment %s was not paid and is voided", m.Void.Payment)
	}
	c.voided, c.charged = m.Void.ID, 0
	return ack
}

func (b *bank) refund(m wire.Message) *wire.Ack {
	c := b.known(m.Refund.Payment, m.Type)
	ack, told := c.refunds[m.Refund.ID]
	if !told {
		ack = wire.Ack{Payment: m.Refund.Payment, Op: m.Refund.ID, Status: wire.StatusAccepted}
		if m.Refund.Amount > c.charged-c.refunded || b.deny() {
			ack.Status, ack.Reason = wire.StatusRejected, string(terminal.RefundDenied)
		} else {
			c.refunded += m.Refund.Amount
		}
		c.refunds[m.Refund.ID] = ack
	}
	return &ack
}

// known is the charge that an operation names: it must not overtake the payment's
// own message.
func (b *bank) known(id string, of wire.Type) *charge {
	c := b.charges[id]
	if c == nil {
		b.t.Errorf("a %s of %s came before its payment", of, id)
		c = &charge{refunds: map[string]wire.Ack{}}
		b.charges[id] = c
	}
	return c
}

// paid is what the customer has paid in the end.
func (c *charge) paid() int64 { return c.charged - c.refunded }

func (c *charge) String() string {
	return fmt.Sprintf("%d of %d yen, outcome %q, advice %q, void %q, %d refunded", c.charged, c.amount, c.outcome, c.advice, c.voided, c.refunded)
}
