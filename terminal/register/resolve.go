package register

import (
	"context"
	"errors"

	"sekisho/terminal"
)

// Resolve asks again about a payment on which register and backend have yet to
// agree, or with reverse decides that it is not paid.
func (r *Register) Resolve(ctx context.Context, id terminal.PaymentID, reverse bool) (terminal.Verdict, error) {
	stored, err := r.cfg.Store.Payment(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return terminal.Verdict{}, unknownPayment
	case err != nil:
		return terminal.Verdict{}, storageError(err)
	}
	return ask(ctx, r, func(answer func(terminal.Verdict, *Error)) {
		p, open := r.unresolved[stored.ID]
		switch {
		case !open:
			answer(terminal.Verdict{}, &Error{Code: CodeNothingToDo, Text: "register and backend agree on this payment: there is nothing to resolve"})
		case reverse && p.State.Approval():
			answer(terminal.Verdict{}, &Error{Code: CodeNothingToDo, Text: "this payment is approved: void it, or give the money back with a refund"})
		case reverse && p.State.Undecided():
			r.giveUp(id, terminal.Cancelled, func(err error) {
				if err != nil && !errors.Is(err, errNothing) {
					answer(terminal.Verdict{}, storageError(err))
					return
				}
				answer(r.verdictNow(p), nil)
			})
		default:
			r.askAgain(id)
			answer(r.verdictNow(p), nil)
		}
	})
}

// verdictNow gives the verdict on a payment as the loop knows it, or as it was.
func (r *Register) verdictNow(was terminal.Payment) terminal.Verdict {
	if p, open := r.unresolved[was.ID]; open {
		was = p
	}
	return terminal.VerdictOf(was, r.proof())
}

// askAgain lets the query, or what waits in the outbox, go now: also what the
// backend refused before. With the line down it goes as soon as it is up.
func (r *Register) askAgain(id terminal.PaymentID) {
	if w := r.waits[id]; w != nil {
		w.queryAt = r.cfg.Clock.Boot()
	}
	r.outbox.askAgain(id)
}
