package register

import (
	"cmp"
	"context"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// SetAside ends by hand what can never be told: an item of an unknown kind, one
// that cannot be read or is too large, or one that the backend does not take.
func (r *Register) SetAside(ctx context.Context, id terminal.PaymentID) error {
	_, err := ask(ctx, r, func(answer func(struct{}, *Error)) {
		o := r.outbox
		list := slices.Clone(o.of[id])
		if len(list) == 0 || list[0].place != placeParked {
			answer(struct{}{}, notAside("nothing of this payment is parked: what waits goes up by itself"))
			return
		}
		now, inc := r.now(), r.cfg.Incarnation
		var after *terminal.Payment
		r.decide(Scope{Payment: id}, func(u Usage) (c Changes, err error) {
			after, c, err = setAside(u.Payment, id, list, inc, now)
			return c, err
		}, func(err error) {
			if err != nil {
				answer(struct{}{}, storageError(err))
				return
			}
			r.cfg.Log.Warn("what waited for a payment was set aside: head office settles it", "payment", id, "items", len(list))
			if r.outbox == o {
				for _, q := range list {
					o.done(q)
				}
			}
			if after != nil {
				r.keep(*after)
				r.tell(EventPayment, *after)
			}
			answer(struct{}{}, nil)
		})
	})
	return err
}

func notAside(text string) *Error { return &Error{Code: CodeNotAside, Text: text} }

// setAside takes all that waits for a payment out of the outbox. The payment may
// be gone. What it took of a cap stays taken: nobody knows whether it was sold.
func setAside(p *terminal.Payment, id terminal.PaymentID, list []*queued, inc terminal.Incarnation, now terminal.Millis) (*terminal.Payment, Changes, error) {
	var c Changes
	for _, q := range list {
		c.Aside = append(c.Aside, q.id)
	}
	of := terminal.Payment{ID: id}
	if p != nil {
		if p.Holds() {
			return nil, c, notAside("the goods of this payment are still here: hand it over or void it first")
		}
		of = *p
		of.SetAside = now
		p, c.Payments = &of, []terminal.Payment{of}
	}
	c.Entries = []journal.Draft{journal.OfMark(of, inc, now, journal.MarkSetAside, "")}
	return p, c, nil
}

// Parked gives what is parked, oldest first.
func (r *Register) Parked(ctx context.Context) ([]ParkedItem, error) {
	return ask(ctx, r, func(answer func([]ParkedItem, *Error)) {
		var found []*queued
		for _, list := range r.outbox.of {
			for _, q := range list {
				if q.place == placeParked {
					found = append(found, q)
				}
			}
		}
		slices.SortFunc(found, func(a, b *queued) int { return cmp.Compare(a.id, b.id) })
		out := make([]ParkedItem, len(found))
		for i, q := range found {
			out[i] = ParkedItem{Payment: q.payment, Kind: q.kind, Why: q.why}
		}
		answer(out, nil)
	})
}
