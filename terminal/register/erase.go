package register

import (
	"context"
	"errors"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// Erase takes the private part from the entries of an old payment. Leaves and
// proofs stay as they are: a leaf has only its hash.
func (r *Register) Erase(ctx context.Context, id terminal.PaymentID) error {
	leaves, err := r.cfg.Store.CaseEntries(ctx, id)
	if err != nil {
		return storageError(err)
	}
	var private []int64
	for _, l := range leaves {
		if l.Private != nil {
			private = append(private, l.Seq)
		}
	}
	_, err = ask(ctx, r, func(answer func(struct{}, *Error)) { r.erase(id, private, answer) })
	return err
}

// erase makes it durable. A payment that is resolved reaches no other state, so
// that its entries with a private part are those that were there before.
func (r *Register) erase(id terminal.PaymentID, private []int64, answer func(struct{}, *Error)) {
	now, inc, sure := r.now(), r.cfg.Incarnation, r.time.quality() == wire.ClockAuthenticated
	r.decide(Scope{Payment: id}, func(u Usage) (Changes, error) {
		if u.Payment == nil {
			return Changes{}, unknownPayment
		}
		if err := erasable(*u.Payment, now, sure); err != nil {
			return Changes{}, err
		}
		bare := withoutPerson(*u.Payment)
		if len(private) == 0 && bare.Account == u.Payment.Account && bare.Masked == u.Payment.Masked && bare.Seen == u.Payment.Seen {
			return Changes{}, errNothing
		}
		// The payment too, whose entries may be pruned.
		return Changes{
			Payments: []terminal.Payment{bare}, Erase: private,
			Entries: []journal.Draft{journal.OfErasure(id, inc, now)},
		}, nil
	}, func(err error) {
		if err != nil && !errors.Is(err, errNothing) {
			answer(struct{}{}, storageError(err))
			return
		}
		if r.current != nil && r.current.ID == id {
			bare := withoutPerson(*r.current)
			r.current = &bare
		}
		answer(struct{}{}, nil)
	})
}

func withoutPerson(p terminal.Payment) terminal.Payment {
	p.Masked, p.Account, p.Seen = "", "", ""
	return p
}

// erasable says why the private parts of a payment must be kept for now; nil
// where they need not.
func erasable(p terminal.Payment, now terminal.Millis, sure bool) error {
	last := max(p.Created, p.Decided)
	if p.Void != nil {
		last = max(last, p.Void.At)
	}
	for _, f := range p.Refunds {
		last = max(last, f.At)
	}
	switch {
	case p.Unresolved():
		return &Error{Code: CodeTooYoung, Text: "register and backend have yet to agree on this payment: resolve it first"}
	case !sure:
		return &Error{Code: CodeTooYoung, Text: "how old this payment is can be told once the backend was heard: wait for the line"}
	case time.Duration(now-last)*time.Millisecond < KeepPrivate:
		return &Error{Code: CodeTooYoung, Text: "this payment must be kept as it is until 35 days after its last change"}
	}
	return nil
}
