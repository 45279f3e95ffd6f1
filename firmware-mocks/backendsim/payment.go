package backendsim

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// State is what became of a payment here.
type State string

// The states of a payment. Tombstones are told as Reversed with no amount.
const (
	Approved        State = "approved"
	Declined        State = "declined"
	Reversed        State = "reversed"
	AdvisedAccepted State = "advised-accepted"
	AdvisedRejected State = "advised-rejected"
	Voided          State = "voided"
)

// payment is one row; everything but state and refunded stays as it was first
// written. Of a tombstone it has id and register alone, and is Reversed.
type payment struct {
	id, register, store, incarnation string
	state                            State
	offline                          bool // it came as an advice
	amount, refunded                 int64
	reason                           terminal.Reason
	bearer, approval                 string
	issuer, masked, hash             string
	account                          terminal.AccountKey
	created, decided                 int64
	limits                           *wire.Limits // of its account, today's and not the row's
}

// charged says whether money of the customer's is here because of it.
func (p payment) charged() bool { return p.state == Approved || p.state == AdvisedAccepted }

const paymentColumns = "id, register, store, incarnation, state, offline, amount, refunded, reason, bearer, approval, issuer, masked, code_hash, account, created, decided"

func (p *payment) fields() []any {
	return []any{&p.id, &p.register, &p.store, &p.incarnation, &p.state, &p.offline, &p.amount, &p.refunded, &p.reason, &p.bearer,
		&p.approval, &p.issuer, &p.masked, &p.hash, &p.account, &p.created, &p.decided}
}

// payment loads a payment, or the tombstone of one; nil where the id was not seen.
// Another register's is refused: ids are made by registers and never shared.
func (t *tx) payment(c caller, id string) (*payment, error) {
	var p payment
	err := t.row("SELECT "+paymentColumns+` FROM payment WHERE id = ?1
		UNION ALL SELECT payment, register, '', '', 'reversed', 0, 0, 0, '', '', '', '', '', '', '', at, at FROM tombstone WHERE payment = ?1`,
		id).Scan(p.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err == nil && p.register != c.register {
		err = refuse(wire.CodeRefused, "this payment is another register's")
	}
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (t *tx) insert(p payment) error {
	return t.exec("INSERT INTO payment ("+paymentColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		p.id, p.register, p.store, p.incarnation, p.state, p.offline, p.amount, p.refunded, p.reason, p.bearer,
		p.approval, p.issuer, p.masked, p.hash, p.account, p.created, p.decided)
}

func (t *tx) move(p payment, to State) error {
	return t.exec("UPDATE payment SET state = ? WHERE id = ?", to, p.id)
}

// event notes what happened, for people.
func (t *tx) event(c caller, kind wire.Type, payment, outcome string) error {
	return t.exec("INSERT INTO event (at, register, type, payment, outcome) VALUES (?, ?, ?, ?, ?)", c.ms(), c.register, kind, payment, outcome)
}

// letters of approval codes: none that is read as another on a receipt.
const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// approvalCode gives six random letters.
func approvalCode() string {
	code := make([]byte, 6)
	rand.Read(code)
	for i, b := range code {
		code[i] = letters[int(b)%len(letters)]
	}
	return string(code)
}

func toJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}
