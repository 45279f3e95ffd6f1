package backendsim

import (
	"context"
	"strings"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// decided is what came of a message.
type decided struct {
	reply   wire.Message // without a type for none
	doubted bool         // the register's rights are in doubt from now on, or were already
	entered *caller      // the newcomer whose session it opened; nil for nobody's
}

// decide handles every message of a link but hello, in one transaction.
func (b *Backend) decide(ctx context.Context, l *link, who *caller, m wire.Message) (d decided, err error) {
	if who == nil {
		return d, refuse(wire.CodeSession, "say hello first")
	}
	c := *who
	c.now, c.rules = b.now(), b.inForce()
	if m.Advice != nil {
		c.leastAge = b.heard.least(c.register, m.Advice.Created)
	}
	var forced terminal.Reason
	if f, set := b.faults.take(Refuse, m.Type); set {
		forced = f.Reason
	}
	err = b.ledger.change(ctx, func(t *tx) error {
		if err := t.current(&c, m.Session); err != nil {
			return err
		}
		if c.asked != nil {
			err = b.ofNewcomer(t, &c, m, &d, b.beside(l, c.register))
		} else {
			err = b.ofRegister(t, c, m, &d, forced)
		}
		d.doubted = t.doubted || c.doubt != ""
		return err
	})
	if err != nil {
		return decided{}, err
	}
	return d, nil
}

// ofNewcomer handles what is said before the proof of the journal. An error is not
// answered, and nothing is kept of it.
func (b *Backend) ofNewcomer(t *tx, c *caller, m wire.Message, d *decided, beside bool) (err error) {
	if m.Type == wire.TypeError {
		return nil
	}
	ack, err := b.ledger.proof(t, c, m, beside)
	d.entered = c
	d.reply, err = acknowledged(t, *c, m)(ack, err)
	return err
}

func (b *Backend) ofRegister(t *tx, c caller, m wire.Message, d *decided, forced terminal.Reason) (err error) {
	if m.Journal != nil {
		if err := t.head(c, *m.Journal); err != nil {
			return err
		}
	}
	if common := m.Common(); common != nil {
		if err := t.merge(c, m.Incarnation, common.Counters); err != nil {
			return err
		}
	}
	d.reply, err = b.dispatch(t, c, m, forced)
	return err
}

// dispatch hands a message to what decides it and wraps the answer.
func (b *Backend) dispatch(t *tx, c caller, m wire.Message, forced terminal.Reason) (wire.Message, error) {
	l := b.ledger
	switch m.Type {
	case wire.TypeAuthorise:
		return answered(t, c, m)(l.authorise(t, c, m, forced))
	case wire.TypeQuery:
		return answered(t, c, m)(l.query(t, c, m.Query))
	case wire.TypeReversal:
		return acknowledged(t, c, m)(l.reversal(t, c, m.Reversal))
	case wire.TypeAdvice:
		return acknowledged(t, c, m)(l.advice(t, c, m, b.openEvidence))
	case wire.TypeVoid:
		return acknowledged(t, c, m)(l.void(t, c, m.Void))
	case wire.TypeRefund:
		return acknowledged(t, c, m)(l.refund(t, c, m.Refund, forced))
	case wire.TypeGrants:
		return acknowledged(t, c, m)(l.takeBack(t, c, m))
	case wire.TypeCheckpoint:
		return acknowledged(t, c, m)(l.checkpoint(t, c, m.Checkpoint))
	case wire.TypeJournal:
		return acknowledged(t, c, m)(l.takeLeaves(t, c, m.Entries))
	case wire.TypeError:
		return wire.Message{}, t.event(c, m.Type, "", words(string(m.Error.Code), m.Error.Text))
	}
	return wire.Message{}, refuse(wire.CodeType, "this type goes to registers only")
}

func (b *Backend) openEvidence(payment, evidence string) (string, error) {
	return wire.OpenEvidence(b.key, payment, evidence)
}

func answered(t *tx, c caller, m wire.Message) func(*wire.Answer, error) (wire.Message, error) {
	return func(a *wire.Answer, err error) (wire.Message, error) {
		if err != nil {
			return wire.Message{}, err
		}
		return wire.Message{Type: wire.TypeAnswer, Answer: a}, t.event(c, m.Type, a.Payment, words(string(a.Outcome), a.Reason))
	}
}

func words(outcome, reason string) string { return strings.TrimSpace(outcome + " " + reason) }

func acknowledged(t *tx, c caller, m wire.Message) func(*wire.Ack, error) (wire.Message, error) {
	return func(a *wire.Ack, err error) (wire.Message, error) {
		if err != nil {
			return wire.Message{}, err
		}
		return wire.Message{Type: wire.TypeAck, Ack: a}, t.event(c, m.Type, a.Payment, words(string(a.Status), a.Reason))
	}
}
