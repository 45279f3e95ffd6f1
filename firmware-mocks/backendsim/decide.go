package backendsim

import (
	"context"
	"strings"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// decide handles every message but hello in one transaction. A message without
// an answer gives an empty reply. doubted says whether the register's rights are
// in doubt from now on, or were already.
func (b *Backend) decide(ctx context.Context, who *caller, m wire.Message) (reply wire.Message, doubted bool, err error) {
	if who == nil {
		return wire.Message{}, false, refuse(wire.CodeSession, "say hello first")
	}
	c := *who
	c.now, c.rules = b.now(), b.inForce()
	var forced terminal.Reason
	if f, set := b.faults.take(Refuse, m.Type); set {
		forced = f.Reason
	}
	err = b.ledger.change(ctx, func(t *tx) error {
		if err := t.current(&c, m.Session); err != nil {
			return err
		}
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
		var err error
		reply, err = b.dispatch(t, c, m, forced)
		doubted = t.doubted || c.doubt != ""
		return err
	})
	return reply, err == nil && doubted, err
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
