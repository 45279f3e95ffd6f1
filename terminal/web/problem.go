package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"sekisho/terminal/register"
)

// The codes that only this package gives; those of the register are
// register.Code's.
const (
	codeRequest   register.Code = "request.invalid"      // the request cannot be read as what it should be
	codeMediaType register.Code = "request.content-type" // the body is not said to be JSON
	codeTooLarge  register.Code = "request.too-large"    // the body is over maxBody
	codeToken     register.Code = "request.token"        // no token, or not a right one
	codeForbidden register.Code = "request.forbidden"    // a right token that is not enough
	codeHost      register.Code = "request.host"         // the Host is not this machine
	codeOrigin    register.Code = "request.origin"       // sent for a page of another origin
	codeRoute     register.Code = "route.unknown"        // no such address
	codeMethod    register.Code = "route.method"         // the address takes another method
	codeClients   register.Code = "events.full"          // too many clients of the event stream
	codeLate      register.Code = "late"                 // the register did not answer in time
	codePruned    register.Code = "journal.pruned"       // the entries are not kept here any more
	codeInternal  register.Code = "internal"             // a fault of the register's own
)

// statusOf is the one table from codes to HTTP status.
var statusOf = map[register.Code]int{
	register.CodeSaleInvalid:    http.StatusUnprocessableEntity,
	register.CodeSaleEmpty:      http.StatusUnprocessableEntity,
	register.CodeGoodsNoPrice:   http.StatusUnprocessableEntity,
	register.CodeGoodsNotListed: http.StatusUnprocessableEntity,
	register.CodeSaleUnknown:    http.StatusNotFound,
	register.CodePaymentUnknown: http.StatusNotFound,
	register.CodeSaleFrozen:     http.StatusConflict,
	register.CodeSaleOther:      http.StatusConflict,
	register.CodePaymentNotHeld: http.StatusConflict,
	register.CodePaymentTooLate: http.StatusConflict,
	register.CodeRefundInvalid:  http.StatusConflict,
	register.CodeNothingToDo:    http.StatusConflict,
	register.CodeNotAside:       http.StatusConflict,
	register.CodeTooYoung:       http.StatusConflict,
	register.CodeBusy:           http.StatusConflict,
	register.CodeStorage:        http.StatusServiceUnavailable,
	register.CodeShutdown:       http.StatusServiceUnavailable,
}

// problem is an answer that says what is wrong (RFC 9457). As an error it is
// what reading a request gives.
type problem struct {
	status int
	code   register.Code
	detail string // what is wrong and what to do next; nothing secret
}

// Error gives the sentence for people.
func (p problem) Error() string { return p.detail }

// MarshalJSON writes the members of RFC 9457 and the code. The type stays
// "about:blank", so the title is the status's own phrase.
func (p problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type   string        `json:"type"`
		Title  string        `json:"title"`
		Status int           `json:"status"`
		Detail string        `json:"detail"`
		Code   register.Code `json:"code"`
	}{"about:blank", http.StatusText(p.status), p.status, p.detail, p.code})
}

// problemOf turns any error into what the client is told. Errors that are not
// meant for people are not shown.
func problemOf(err error) problem {
	var own problem
	var desk *register.Error
	var gone *register.PrunedError
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &desk):
		status, ok := statusOf[desk.Code]
		if !ok {
			status = http.StatusInternalServerError
		}
		return problem{status: status, code: desk.Code, detail: desk.Text}
	case errors.As(err, &gone):
		return problem{status: http.StatusGone, code: codePruned, detail: gone.Error()}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem{status: http.StatusServiceUnavailable, code: codeLate, detail: "the register has not answered in time: what was asked may still be done, so read /v1/state before asking again"}
	}
	return problem{status: http.StatusInternalServerError, code: codeInternal, detail: "the register could not answer: its log says why"}
}

// fail answers with what err says and logs what only the operator can mend. It
// answers also where the request's context has ended: a client that closed its
// half of the connection still reads, and silence would be net/http's 200.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.log.Error("request failed", "method", r.Method, "route", r.Pattern, "code", p.code, "error", err)
	}
	s.refuse(w, p)
}

func (s *Server) refuse(w http.ResponseWriter, p problem) {
	s.write(w, p.status, "application/problem+json", p)
}

// answer writes what a request asked for.
func (s *Server) answer(w http.ResponseWriter, v any) {
	s.write(w, http.StatusOK, "application/json", v)
}

// write encodes v without escaping for HTML, so that a journal leaf keeps its
// bytes.
func (s *Server) write(w http.ResponseWriter, status int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		s.log.Debug("an answer was not taken", "error", err) // the client went away
	}
}
