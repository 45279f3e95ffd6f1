package backendsim

import (
	"database/sql"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// query tells what became of a payment and changes nothing: an authorise that
// is still on its way will be decided when it comes.
func (l *ledger) query(t *tx, c caller, q *wire.Query) (*wire.Answer, error) {
	answer, err := t.known(c, q.Payment)
	if answer != nil || err != nil {
		return answer, err
	}
	totals, err := t.totals(c)
	return &wire.Answer{Payment: q.Payment, Outcome: wire.OutcomeNotSeen, Grants: totals, Time: c.ms()}, err
}

// reversal undoes a payment, seen or not. What was granted for it stays granted
// to its incarnation, which releases what it had reserved.
func (l *ledger) reversal(t *tx, c caller, r *wire.Reversal) (*wire.Ack, error) {
	ack := wire.Ack{Payment: r.Payment, Of: wire.TypeReversal, Status: wire.StatusAccepted}
	p, err := t.payment(c, r.Payment)
	if err != nil {
		return nil, err
	}
	switch {
	case p == nil:
		err = t.exec("INSERT OR IGNORE INTO tombstone (payment, register, at) VALUES (?, ?, ?)", r.Payment, c.register, c.ms())
	case p.offline: // the goods have left: a void undoes it, not a reversal
		ack.Status, ack.Reason, ack.Bearer = wire.StatusRejected, string(terminal.BackendDeclined), string(BearerStore)
	case p.state == Approved:
		err = t.undo(c, *p, Reversed, wire.TypeReversal)
	}
	if err != nil {
		return nil, err
	}
	if err := t.topUp(c, nil); err != nil {
		return nil, err
	}
	return t.ack(c, ack)
}

// undo credits what is left of a payment's charge.
func (t *tx) undo(c caller, p payment, to State, why wire.Type) error {
	if err := t.move(p, to); err != nil {
		return err
	}
	if left := p.amount - p.refunded; p.charged() && left > 0 {
		return t.charge(p, Credit, string(why), left, c.ms())
	}
	return nil
}

// void undoes an approval before the goods leave. The second void of a payment,
// by another id, finds it done.
func (l *ledger) void(t *tx, c caller, v *wire.Void) (*wire.Ack, error) {
	return t.operate(c, operation{v.Payment, v.ID, wire.TypeVoid, 0}, func(p payment) (bool, error) {
		switch p.state {
		case Approved, AdvisedAccepted, AdvisedRejected:
			return true, t.undo(c, p, Voided, wire.TypeVoid)
		case Voided:
			return true, nil
		}
		return false, nil
	})
}

// refund gives a part back, at most what is left. It gives no right to sell
// back: goods that came back count as sold.
// forced rejects it whatever it is.
func (l *ledger) refund(t *tx, c caller, r *wire.Refund, forced terminal.Reason) (*wire.Ack, error) {
	return t.operate(c, operation{r.Payment, r.ID, wire.TypeRefund, r.Amount}, func(p payment) (bool, error) {
		if forced != "" || !p.charged() || r.Amount > p.amount-p.refunded {
			return false, nil
		}
		if err := t.exec("UPDATE payment SET refunded = refunded + ? WHERE id = ?", r.Amount, p.id); err != nil {
			return false, err
		}
		return true, t.charge(p, Credit, string(wire.TypeRefund), r.Amount, c.ms())
	})
}

// operation is a void or a refund, which has an id of its own.
type operation struct {
	payment, id string
	of          wire.Type
	amount      int64 // 0 of a void
}

// refused is the acknowledgement of what cannot be done.
func (o operation) refused() wire.Ack {
	ack := wire.Ack{Payment: o.payment, Of: o.of, Op: o.id, Status: wire.StatusRejected, Reason: string(terminal.BackendDeclined), Bearer: string(BearerStore)}
	if o.of == wire.TypeRefund {
		ack.Reason, ack.Bearer = string(terminal.RefundDenied), "" // no goods left for it: nobody bears anything
	}
	return ack
}

// operate runs an operation once, and gives the same acknowledgement ever
// after. What cannot be done is rejected for good.
func (t *tx) operate(c caller, o operation, do func(payment) (bool, error)) (*wire.Ack, error) {
	p, err := t.payment(c, o.payment)
	if err != nil {
		return nil, err
	}
	before, err := t.operated(o)
	if err != nil {
		return nil, err
	}
	if before != "" {
		return t.again(c, before)
	}
	ack := o.refused()
	if p == nil {
		return t.ack(c, ack) // the payment may still come, and the operation again after it
	}
	done, err := do(*p)
	if err != nil {
		return nil, err
	}
	if done {
		ack = wire.Ack{Payment: o.payment, Of: o.of, Op: o.id, Status: wire.StatusAccepted}
	}
	kept, err := toJSON(ack)
	if err != nil {
		return nil, err
	}
	if err := t.exec("INSERT INTO operation (id, payment, amount, ack) VALUES (?, ?, ?, ?)", o.id, o.payment, o.amount, kept); err != nil {
		return nil, err
	}
	if err := t.topUp(c, nil); err != nil {
		return nil, err
	}
	return t.ack(c, ack)
}

// operated gives what was acknowledged for the operation's id before, "" for a
// new one.
func (t *tx) operated(o operation) (string, error) {
	var kept, payment string
	var amount int64
	err := t.row("SELECT ack, payment, amount FROM operation WHERE id = ?", o.id).Scan(&kept, &payment, &amount)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err == nil && (payment != o.payment || amount != o.amount):
		return "", refuse(wire.CodeRefused, "this operation's id was used for another payment or amount")
	}
	return kept, err
}
