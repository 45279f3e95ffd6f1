package register

import (
	"fmt"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// knownCategories refuses a category that the policy does not name: taken in
// silence, "Tobacco" in place of "tobacco" would be sold past every cap (I5).
func (r *Register) knownCategories(lines []terminal.Line) *Error {
	if r.policy == nil {
		return nil // nothing is approved yet; they are looked at again when the sale is to be paid
	}
	for i, l := range lines {
		if l.Category != "" && !r.policy.Knows(l.Category) {
			return &Error{Code: CodeSaleInvalid, Text: fmt.Sprintf("line %d: the policy knows no category %q: leave it out, or name one of: %s", i+1, l.Category, r.policy.Categories())}
		}
	}
	return nil
}

// putSale checks the sale against the one that is open, and stores it.
func (r *Register) putSale(s terminal.Sale, ready bool, answer func(terminal.Sale, *Error)) {
	s, err := r.complete(s)
	if err != nil {
		answer(s, err)
		return
	}
	if err := r.payable(s); ready && err != nil {
		answer(s, err)
		return
	}
	s.Revision, s.State, s.Payment = 1, terminal.SaleOpen, ""
	if ready {
		s.State = terminal.SaleReady
	}
	switch open := r.sale; {
	case open != nil && open.Ref == s.Ref:
		r.changeSale(*open, s, answer)
	case open != nil && open.State != terminal.SalePaid:
		answer(s, saleOther)
	default:
		r.storeSale(s, answer)
	}
}

// payable says why a sale cannot be paid yet; nil where it can.
func (r *Register) payable(s terminal.Sale) *Error {
	switch {
	case s.Total == 0:
		return saleEmpty
	case len(s.Lines) == 0 && r.policy != nil && r.policy.Goods.Refuse:
		return saleNotItemised
	}
	return nil
}

var saleNotItemised = &Error{Code: CodeGoodsNotListed, Text: "head office wants the goods itemised: put the sale's lines, or have each article scanned, then take the payment again"}

// changeSale puts a newer word on the sale that is open.
func (r *Register) changeSale(open, s terminal.Sale, answer func(terminal.Sale, *Error)) {
	same := watched(open, r.policy).Same(s)
	s.Own, s.Payment, s.Revision = open.Own, open.Payment, open.Revision
	switch {
	case same && (open.State == s.State || open.State == terminal.SalePaying || open.State == terminal.SalePaid):
		answer(open, nil)
	case open.State == terminal.SalePaying || open.State == terminal.SalePaid:
		answer(s, saleFrozen)
	default:
		if !same {
			s.Revision++
			s.Payment = ""
		}
		r.storeSale(s, answer)
	}
}

// complete prices and categorises the lines; the error says what is wrong.
func (r *Register) complete(s terminal.Sale) (terminal.Sale, *Error) {
	lines := make([]terminal.Line, len(s.Lines))
	for i, l := range s.Lines {
		l.GTIN = l.GTIN.Canonical()
		item, known := r.cfg.Items[l.GTIN]
		if l.Price == unpriced {
			if !known {
				return s, &Error{Code: CodeGoodsNoPrice, Text: "an article has no price, neither from the POS nor in the price file"}
			}
			l.Price = item.Price
		}
		if l.Name == "" {
			l.Name = item.Name
		}
		lines[i] = l
	}
	s.Lines = lines
	s = watched(s, r.policy)
	if err := s.Check(); err != nil {
		return s, &Error{Code: CodeSaleInvalid, Text: err.Error(), Cause: err}
	}
	return s, nil
}

// watched gives the sale with its lines' categories as the policy sees them; the
// policy may be newer than the sale.
func watched(s terminal.Sale, p *policy.Policy) terminal.Sale {
	if p == nil {
		return s
	}
	s.Lines = slices.Clone(s.Lines)
	for i, l := range s.Lines {
		if s.Own {
			l.Category, l.Units = "", 0 // this register's own word, under an older policy
		}
		s.Lines[i] = p.Watches(l)
	}
	return s
}

// storeSale makes the sale durable. Where an approval of another sale still
// waits for its goods, this is the first act on another sale: it hands it over.
func (r *Register) storeSale(s terminal.Sale, answer func(terminal.Sale, *Error)) {
	var left *terminal.Payment
	if r.current != nil && r.current.Holds() && r.current.Sale != s.Ref {
		left = r.current
	}
	now, inc := r.now(), r.cfg.Incarnation
	r.decide(Scope{Sale: s.Ref}, func(u Usage) (Changes, error) {
		if u.Taken != nil {
			return Changes{}, saleFrozen
		}
		c := Changes{Sale: &s}
		if left != nil {
			p := *left
			p.HandedOver = terminal.ByNextSale
			c.Payments = []terminal.Payment{p}
			c.Entries = []journal.Draft{journal.OfMark(p, inc, now, journal.MarkHandedOver, string(p.HandedOver))}
		}
		return c, nil
	}, func(err error) {
		if err != nil {
			answer(s, storageError(err))
			return
		}
		if left != nil {
			p := *left
			p.HandedOver = terminal.ByNextSale
			r.keep(p)
			r.tell(EventPayment, p)
		}
		if r.current != nil && r.current.ID != s.Payment {
			r.current = nil
		}
		r.sale, r.notice = &s, nil
		r.tellView(EventSale)
		answer(s, nil)
	})
}

// addLines adds to the open sale, or begins one of this register's own where ref
// is "".
func (r *Register) addLines(ref terminal.SaleRef, lines []terminal.Line, answer func(terminal.Sale, *Error)) {
	s := terminal.Sale{Ref: terminal.SaleRef("till-" + newID()), Own: true}
	if ref != "" {
		s = *r.sale
	}
	if s.State == terminal.SalePaying || s.State == terminal.SalePaid {
		answer(s, saleFrozen)
		return
	}
	more, err := r.complete(terminal.Sale{Ref: s.Ref, Lines: lines, Own: s.Own})
	if err != nil {
		answer(s, err)
		return
	}
	s.Lines = append(append([]terminal.Line(nil), s.Lines...), more.Lines...)
	for _, l := range more.Lines {
		gross, _ := l.Gross() // complete has checked it
		s.Total += gross
	}
	r.putSale(s, s.State == terminal.SaleReady, answer)
}

// closeSale ends the sale that is open.
func (r *Register) closeSale(answer func(terminal.Sale, *Error)) {
	s := *r.sale
	s.State = terminal.SaleClosed
	r.decide(Scope{}, func(Usage) (Changes, error) { return Changes{Sale: &s}, nil }, func(err error) {
		if err != nil {
			answer(s, storageError(err))
			return
		}
		r.sale, r.current, r.notice = nil, nil, nil
		r.tellView(EventSale)
		answer(s, nil)
	})
}
