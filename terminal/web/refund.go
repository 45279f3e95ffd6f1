package web

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"sekisho/terminal"
)

// refund is POST /v1/payments/{id}/refunds: a part of the money goes back, or
// all of it.
func (s *Server) refund(w http.ResponseWriter, r *http.Request) {
	id, err := readPaymentID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	refund, amount, err := readRefund(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.tellVerdict(w, r, func(ctx context.Context) (terminal.Verdict, error) { return s.desk.Refund(ctx, id, refund, amount) })
}

// readRefund reads a refund's own id, made by whoever asks, so that the same
// request again changes nothing, and its amount.
func readRefund(w http.ResponseWriter, r *http.Request) (terminal.RefundID, terminal.Yen, error) {
	body, err := readBody(w, r, "id", "amount")
	if err != nil {
		return "", 0, err
	}
	text, err := body.text("id")
	if err != nil {
		return "", 0, err
	}
	if !canonicalID(text) {
		return "", 0, body.bad("id", "must be a UUIDv7 in lower case, made by you for this refund")
	}
	amount, err := body.number("amount", 0)
	switch {
	case err != nil:
		return "", 0, err
	case amount < 1:
		return "", 0, body.bad("amount", "must be 1 or more, in yen")
	case amount > int64(terminal.MaxSale):
		return "", 0, body.bad("amount", "is more than any sale")
	}
	return terminal.RefundID(text), terminal.Yen(amount), nil
}

// canonicalID says whether text is a UUIDv7 in its canonical form (RFC 9562).
func canonicalID(text string) bool {
	const version7 = 7
	id, err := uuid.Parse(text)
	return err == nil && id.String() == text && id.Version() == version7
}
