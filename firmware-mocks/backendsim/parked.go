package backendsim

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/google/uuid"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Parked is a payment's message that was refused here. The register parks it
// too: saying it again does not help, so somebody has to look.
type Parked struct {
	Register string          `json:"register"` // "" where no hello had said it
	Type     string          `json:"type"`
	Payment  string          `json:"payment,omitempty"` // "" where the message named none
	Code     string          `json:"code"`              // of the error: refused or body
	Text     string          `json:"text"`
	First    terminal.Millis `json:"first"`
	Last     terminal.Millis `json:"last"`
	Count    int64           `json:"count"`
}

// parkedMost is how many refused messages are kept of one register: one that
// lies all day shall not fill the disk.
const parkedMost = 1000

// ofPayments are the messages about payments, which a register repeats until
// they are answered.
var ofPayments = map[wire.Type]bool{
	wire.TypeAuthorise: true, wire.TypeQuery: true, wire.TypeReversal: true,
	wire.TypeAdvice: true, wire.TypeVoid: true, wire.TypeRefund: true,
}

// park keeps a refused message. It fails nothing: the register gets its answer.
func (l *link) park(of wire.Type, payment string, cause error) {
	var told *wire.Error
	if !ofPayments[of] || !errors.As(cause, &told) || told.Code != wire.CodeRefused && told.Code != wire.CodeBody {
		return
	}
	ctx, cancel := context.WithTimeout(l.b.ctx, workTimeout)
	defer cancel()
	register, now := l.register(), l.b.now().UnixMilli()
	err := l.b.ledger.change(ctx, func(t *tx) error {
		return t.exec(`INSERT INTO parked (register, type, payment, code, text, first, last, count)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6, 1 WHERE (SELECT count(*) FROM parked WHERE register = ?1) < ?7
				OR EXISTS (SELECT 1 FROM parked WHERE register = ?1 AND type = ?2 AND payment = ?3 AND code = ?4)
			ON CONFLICT DO UPDATE SET text = ?5, last = ?6, count = count + 1`,
			register, string(of), payment, string(told.Code), told.Text, now, parkedMost)
	})
	if err != nil {
		l.b.log.Warn("a refused message was not kept", "register", register, "error", err)
	}
}

// parkUnread keeps a message whose body could not be read.
func (l *link) parkUnread(data []byte, cause error) {
	var envelope map[string]json.RawMessage
	var of wire.Type
	var body struct {
		Payment string `json:"payment"`
	}
	if json.Unmarshal(data, &envelope) != nil || json.Unmarshal(envelope["type"], &of) != nil {
		return
	}
	// Whatever else stands where an id should be is not kept.
	if json.Unmarshal(envelope[string(of)], &body) != nil || uuid.Validate(body.Payment) != nil {
		body.Payment = ""
	}
	l.park(of, body.Payment, cause)
}

// register says whose link it is, as far as hello or the certificate told.
func (l *link) register() string {
	if c := l.who(); c != nil {
		return c.register
	}
	if l.shown != nil {
		return l.shown.name.Register
	}
	return ""
}

// paymentOf gives the payment that a message is about.
func paymentOf(m wire.Message) string {
	if common := m.Common(); common != nil {
		return common.Payment
	}
	return ""
}
