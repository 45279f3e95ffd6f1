package register

import (
	"context"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

var _ Desk = (*Register)(nil)

// ask brings a question to the loop and waits for its answer, ctx or the end of
// the register. Whoever was answered finds in the View what was done for it.
func ask[T any](ctx context.Context, r *Register, question func(answer func(T, *Error))) (T, error) {
	type reply struct {
		value T
		err   *Error
	}
	replies := make(chan reply, 1)
	answer := func(v T, err *Error) {
		r.answers = append(r.answers, func() { replies <- reply{v, err} })
	}
	var none T
	sent := r.post(ctx, event{
		run:    func() { question(answer) },
		refuse: func(err *Error) { answer(none, err) },
	})
	if !sent {
		return none, errStopping
	}
	var got reply
	select {
	case got = <-replies:
	case <-ctx.Done():
		return none, &Error{Code: CodeBusy, Text: "the till did not finish in time; ask for the state before trying again", Cause: ctx.Err()}
	case <-r.ended:
		select {
		case got = <-replies: // both came: what was done is not denied
		default:
			return none, errStopping
		}
	}
	if got.err != nil {
		return none, got.err
	}
	return got.value, nil
}

var errStopping = &Error{Code: CodeShutdown, Text: "the till is stopping; try again when it is back"}

// sellable says why these lines cannot be sold now at all.
func (r *Register) sellable(lines []terminal.Line) *Error {
	if r.stopping {
		return errStopping
	}
	return r.knownCategories(lines)
}

// storageError is what POS and page are told when a change was not stored.
func storageError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, ErrInDoubt) {
		return &Error{Code: CodeStorage, Text: "the till could not tell whether it kept this; ask for the state before trying again", Cause: err}
	}
	return &Error{Code: CodeStorage, Text: "the till could not keep this; nothing was changed: take cash and tell the manager", Cause: err}
}

// unpriced marks a line whose price is to come from the price file.
const unpriced terminal.Yen = -1

// PutSale makes the sale what the POS says.
func (r *Register) PutSale(ctx context.Context, s terminal.Sale, ready bool) (terminal.Sale, error) {
	return ask(ctx, r, func(answer func(terminal.Sale, *Error)) {
		if err := r.sellable(s.Lines); err != nil {
			answer(s, err)
			return
		}
		r.putSale(s, ready, answer)
	})
}

// AddLines adds lines to the open sale.
func (r *Register) AddLines(ctx context.Context, ref terminal.SaleRef, lines []terminal.Line) (terminal.Sale, error) {
	return ask(ctx, r, func(answer func(terminal.Sale, *Error)) {
		if r.sale == nil || r.sale.Ref != ref {
			answer(terminal.Sale{}, unknownSale)
			return
		}
		if err := r.sellable(lines); err != nil {
			answer(*r.sale, err)
			return
		}
		r.addLines(ref, lines, answer)
	})
}

// Ready is the cashier's Total key.
func (r *Register) Ready(ctx context.Context, ref terminal.SaleRef) (terminal.Sale, error) {
	return ask(ctx, r, func(answer func(terminal.Sale, *Error)) {
		if r.sale == nil || r.sale.Ref != ref {
			answer(terminal.Sale{}, unknownSale)
			return
		}
		if err := r.sellable(watched(*r.sale, r.policy).Lines); err != nil {
			answer(*r.sale, err)
			return
		}
		r.putSale(*r.sale, true, answer)
	})
}

var (
	unknownSale    = &Error{Code: CodeSaleUnknown, Text: "no sale with this reference is open"}
	unknownPayment = &Error{Code: CodePaymentUnknown, Text: "no payment with this id is known here"}
	saleFrozen     = &Error{Code: CodeSaleFrozen, Text: "the sale is being paid or paid already; it cannot be changed"}
	saleOther      = &Error{Code: CodeSaleOther, Text: "another sale is open; finish or cancel it first"}
	saleEmpty      = &Error{Code: CodeSaleEmpty, Text: "there is nothing to pay: put the goods and a total above zero first"}
)

// CancelSale closes a sale that is not paid.
func (r *Register) CancelSale(ctx context.Context, ref terminal.SaleRef) (terminal.Sale, error) {
	return ask(ctx, r, func(answer func(terminal.Sale, *Error)) {
		switch s := r.sale; {
		case s == nil || s.Ref != ref:
			answer(terminal.Sale{}, unknownSale)
		case s.State == terminal.SalePaid:
			answer(*s, &Error{Code: CodeSaleFrozen, Text: "the sale is paid: hand the goods over, or void the payment"})
		case s.State == terminal.SalePaying:
			r.giveUp(s.Payment, terminal.Cancelled, func(err error) {
				if err != nil {
					answer(*s, storageError(err))
					return
				}
				given := *r.current
				r.closeSale(func(closed terminal.Sale, err *Error) {
					if err == nil {
						// The sale has left the screen: that it is not paid is
						// told after it.
						r.tell(EventVerdict, given)
					}
					answer(closed, err)
				})
			})
		default:
			r.closeSale(answer)
		}
	})
}

// HandOver marks an approval: the goods left.
func (r *Register) HandOver(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	return r.mark(ctx, id, func(p terminal.Payment, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
		if p.State.Approval() && p.HandedOver != "" && !p.Voided() {
			return Changes{}, errNothing
		}
		if !p.Holds() {
			return Changes{}, &Error{Code: CodePaymentNotHeld, Text: "there is no approval here that waits for its goods"}
		}
		p.HandedOver = terminal.ByCashier
		return Changes{
			Payments: []terminal.Payment{p},
			Entries:  []journal.Draft{journal.OfMark(p, inc, now, journal.MarkHandedOver, string(p.HandedOver))},
		}, nil
	})
}

// Void undoes an approval before the goods leave.
func (r *Register) Void(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	return r.mark(ctx, id, func(p terminal.Payment, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
		switch {
		case p.Voided():
			return Changes{}, errNothing
		case p.State.Approval() && p.HandedOver != "":
			return Changes{}, &Error{Code: CodePaymentTooLate, Text: "the goods were handed over: only a refund undoes the payment now"}
		case !p.Holds():
			return Changes{}, &Error{Code: CodePaymentNotHeld, Text: "there is no approval here that can be undone"}
		}
		p.Void = &terminal.Void{ID: terminal.VoidID(newID()), At: now}
		item, err := voidItem(p)
		return Changes{
			Payments: []terminal.Payment{p}, Outbox: []OutboxItem{item},
			Entries: []journal.Draft{journal.OfMark(p, inc, now, journal.MarkVoid, "")},
		}, err
	})
}

// marker sets a mark on a payment, the first of its changes, or says why not;
// errNothing where it is set already.
type marker func(terminal.Payment, terminal.Incarnation, terminal.Millis) (Changes, error)

// mark sets a mark on any payment, the present one or an older one; the sale it
// belongs to is closed with it.
func (r *Register) mark(ctx context.Context, id terminal.PaymentID, set marker) (terminal.Verdict, error) {
	return ask(ctx, r, func(answer func(terminal.Verdict, *Error)) {
		now, inc, sale := r.now(), r.cfg.Incarnation, r.sale
		var after terminal.Payment
		r.decide(Scope{Payment: id}, func(u Usage) (Changes, error) {
			if u.Payment == nil {
				return Changes{}, unknownPayment
			}
			after = *u.Payment
			c, err := set(*u.Payment, inc, now)
			if err != nil {
				return Changes{}, err
			}
			after, c.Sale = c.Payments[0], closedWith(sale, c.Payments[0])
			return c, nil
		}, func(err error) {
			switch {
			case errors.Is(err, errNothing):
			case err != nil:
				answer(terminal.Verdict{}, storageError(err))
				return
			default:
				r.marked(after)
			}
			answer(terminal.VerdictOf(after, r.proof()), nil)
		})
	})
}

// marked carries on after a mark is durable.
func (r *Register) marked(p terminal.Payment) {
	if r.sale != nil && r.sale.Payment == p.ID {
		r.sale, r.notice = nil, nil
	}
	r.keep(p)
	r.tell(EventPayment, p)
	r.tellView(EventSale)
}

// Verdict gives the verdict on any payment as it stands.
func (r *Register) Verdict(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	p, err := r.cfg.Store.Payment(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return terminal.Verdict{}, unknownPayment
	case err != nil:
		return terminal.Verdict{}, storageError(err)
	}
	return ask(ctx, r, func(answer func(terminal.Verdict, *Error)) { answer(terminal.VerdictOf(p, r.proof()), nil) })
}

// Caps gives what this register holds of each store cap today, and what was used
// of its own.
func (r *Register) Caps(ctx context.Context) ([]Holding, error) {
	type rules struct {
		caps []terminal.Cap
		day  terminal.BusinessDay
		inc  terminal.Incarnation
	}
	now, err := ask(ctx, r, func(answer func(rules, *Error)) {
		if r.policy == nil {
			answer(rules{}, nil)
			return
		}
		answer(rules{r.policy.Caps, r.policy.Business.Day(r.time.now()), r.cfg.Incarnation}, nil)
	})
	if err != nil || now.day == "" {
		return []Holding{}, err
	}
	counters, err := r.cfg.Store.Counters(ctx, now.inc, now.day)
	if err != nil {
		return nil, storageError(err)
	}
	own, err := r.ownCaps(ctx)
	return append(holdings(now.caps, counters, now.day), own...), err
}

func holdings(caps []terminal.Cap, counters []terminal.Counter, day terminal.BusinessDay) []Holding {
	out := []Holding{}
	for _, c := range caps {
		if c.Scope != terminal.ScopeStore {
			continue
		}
		h := newHolding(c, day)
		for _, t := range counters {
			if t.Key.Cap == c.ID {
				h.Held, h.Used = t.Held(), t.Used.Minus(t.Released)
			}
		}
		out = append(out, h)
	}
	return out
}
