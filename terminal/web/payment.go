package web

import (
	"context"
	"net/http"

	"sekisho/terminal"
)

// payment is GET /v1/payments/{id}: the verdict as it stands.
func (s *Server) payment(w http.ResponseWriter, r *http.Request) {
	s.judge(w, r, s.desk.Verdict)
}

// handOver is POST /v1/payments/{id}/handed-over: the goods left.
func (s *Server) handOver(w http.ResponseWriter, r *http.Request) {
	s.judge(w, r, s.desk.HandOver)
}

// void is POST /v1/payments/{id}/void: the goods stay.
func (s *Server) void(w http.ResponseWriter, r *http.Request) {
	s.judge(w, r, s.desk.Void)
}

// judge asks the register about one payment and answers with its verdict.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, ask func(context.Context, terminal.PaymentID) (terminal.Verdict, error)) {
	id, err := readPaymentID(r)
	if err == nil {
		err = readNothing(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.tellVerdict(w, r, func(ctx context.Context) (terminal.Verdict, error) { return ask(ctx, id) })
}

func (s *Server) tellVerdict(w http.ResponseWriter, r *http.Request, ask func(context.Context) (terminal.Verdict, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	verdict, err := ask(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, verdict)
}

// readPaymentID takes a UUIDv7 in its canonical form only (RFC 9562), so that a
// payment has one address.
func readPaymentID(r *http.Request) (terminal.PaymentID, error) {
	text := r.PathValue("id")
	if !canonicalID(text) {
		return "", invalid("the payment's id must be a UUIDv7 in lower case, as a verdict gives it")
	}
	return terminal.PaymentID(text), nil
}
