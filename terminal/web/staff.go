package web

import (
	"context"
	"net/http"

	"sekisho/terminal"
)

// resolve is POST /v1/payments/{id}/resolve.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request) {
	id, err := readPaymentID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body, err := readBody(w, r, "reverse")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	reverse, err := body.flag("reverse")
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.tellVerdict(w, r, func(ctx context.Context) (terminal.Verdict, error) { return s.desk.Resolve(ctx, id, reverse) })
}

// erase is POST /v1/payments/{id}/erase. It has nothing to tell but that it is
// done.
func (s *Server) erase(w http.ResponseWriter, r *http.Request) {
	s.doTo(w, r, s.desk.Erase)
}

// doTo does something to a payment, and has nothing to tell but that it is done.
func (s *Server) doTo(w http.ResponseWriter, r *http.Request, do func(context.Context, terminal.PaymentID) error) {
	id, err := readPaymentID(r)
	if err == nil {
		err = readNothing(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	if err := do(ctx, id); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// setAside is POST /v1/payments/{id}/set-aside. It has nothing to tell but that
// it is done.
func (s *Server) setAside(w http.ResponseWriter, r *http.Request) {
	s.doTo(w, r, s.desk.SetAside)
}

// unresolved is GET /v1/payments?unresolved=true.
func (s *Server) unresolved(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); len(q) != 1 || q.Get("unresolved") != "true" {
		s.fail(w, r, invalid("ask with unresolved=true and nothing else: the journal has the other payments"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	open, err := s.open(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, struct {
		Payments []terminal.Verdict `json:"payments"`
	}{open})
}

// open gives the verdicts on the payments on which register and backend have
// yet to agree, oldest first.
func (s *Server) open(ctx context.Context) ([]terminal.Verdict, error) {
	payments, err := s.reader.Unresolved(ctx)
	if err != nil {
		return nil, err
	}
	verdicts := make([]terminal.Verdict, len(payments))
	for i, p := range payments {
		if verdicts[i], err = s.desk.Verdict(ctx, p.ID); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// policy is GET /v1/policy: the signed texts in force.
func (s *Server) policy(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	rules, err := s.desk.Rules(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, rules)
}
