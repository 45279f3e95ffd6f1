package register

import (
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// made is what a decision changed, should it turn out to be stored after its
// commit was in doubt: nobody but the ledger knew it, and who waits for a verdict
// must hear it all the same.
type made struct {
	from     int64 // the first entry's index
	payments []terminal.Payment
	entries  []journal.Draft
}

// by gives a decision that notes what it makes.
func (m *made) by(decide func(Usage) (Changes, error)) func(Usage) (Changes, error) {
	return func(u Usage) (Changes, error) {
		c, err := decide(u)
		if err == nil {
			*m = made{from: u.Head.Size, payments: c.Payments, entries: c.Entries}
		}
		return c, err
	}
}

// stored says whether a ledger holds it: a transaction is there as a whole or not
// at all, and no payment changes without an entry.
func (m *made) stored(head journal.Head) bool {
	return head.Size >= m.from+int64(len(m.entries))
}

// steps gives each payment that moved or was marked, with the last entry that says
// so. An erasure is not told.
func (m *made) steps() []step {
	var out []step
	for _, p := range m.payments {
		for i, e := range slices.Backward(m.entries) {
			if e.Entry.Payment == p.ID && e.Entry.Type != journal.TypeErase {
				out = append(out, step{p, m.from + int64(i)})
				break
			}
		}
	}
	return out
}

// decided says whether a step brought a payment to a state that the cashier is
// told, as against a mark, or a step that only register and backend know.
func (m *made) decided(p terminal.Payment) bool {
	switch p.State {
	case terminal.Sent, terminal.Advised, terminal.Settled, terminal.Reversed:
		return false
	}
	return slices.ContainsFunc(m.entries, func(e journal.Draft) bool {
		return e.Entry.Type == journal.TypePayment && e.Entry.Payment == p.ID && e.Entry.State == p.State
	})
}

// reopened takes over a ledger that was opened again after a commit in doubt, and
// tells what that commit changed, where it is there, as it would have been told
// without the doubt: no one else will.
func (r *Register) reopened(m *made, s Snapshot) {
	before := r.sale
	r.restore(s)
	sale := (before == nil) != (r.sale == nil) || before != nil && !sameSale(*before, *r.sale)
	if sale {
		r.notice = nil
	}
	var steps []step
	if m.stored(s.Head) {
		steps = m.steps()
	}
	for _, s := range steps {
		r.tellAt(EventPayment, s.payment, s.journal)
	}
	if sale {
		r.tellView(EventSale)
	}
	for _, s := range steps {
		switch {
		case !m.decided(s.payment):
		case s.payment.State == terminal.Rejected:
			r.rejected(s)
		default:
			r.tellAt(EventVerdict, s.payment, s.journal)
		}
	}
	r.tellView(EventCaps) // what is held may be more or less
}

// sameSale says whether two words on a sale are one.
func sameSale(a, b terminal.Sale) bool {
	return a.Ref == b.Ref && a.Revision == b.Revision && a.State == b.State && a.Payment == b.Payment
}
