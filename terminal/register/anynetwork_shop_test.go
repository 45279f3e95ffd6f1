package register_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// sells puts a sale, and a customer shows a code.
func (n *network) sells() {
	w := n.w
	for range 5 {
		if v := w.reg.View().Verdict; v == nil || !v.State.Undecided() {
			break
		}
		n.moves() // the till waits for its answer, for a while
		n.collect()
	}
	if v := w.reg.View(); v.Verdict != nil && v.Verdict.State.Undecided() && n.draw(3) == 0 {
		_, err := w.reg.CancelSale(w.t.Context(), v.Sale.Ref)
		n.refusable(err)
	}
	n.sales++
	ref := terminal.SaleRef(fmt.Sprint("s", n.sales))
	lines := []terminal.Line{riceBall}
	if n.draw(2) == 0 {
		lines = packs(int64(1 + n.draw(3)))
	}
	if s := w.reg.View().Sale; s != nil && n.draw(3) == 0 {
		ref, lines = s.Ref, s.Lines // the same sale is tried once more
	}
	if _, err := w.put(ref, true, lines...); err != nil {
		return
	}
	n.shows()
}

// shows is a customer's code, sometimes one that was shown before.
func (n *network) shows() {
	code := n.w.passOf(fmt.Sprint("account-", n.draw(30)), 100*24*time.Hour)
	if len(n.codes) > 0 && n.draw(5) == 0 {
		code = n.codes[n.draw(len(n.codes)-1)]
	}
	n.codes = append(n.codes, code)
	n.w.scan(code)
	n.look()
}

// backlog sells some things with the line down, one after the other.
func (n *network) backlog() {
	n.w.down()
	for range 3 + n.draw(5) {
		n.sells()
	}
}

// look notes the payment at hand.
func (n *network) look() {
	v := n.w.reg.View().Verdict
	if v == nil {
		return
	}
	if !slices.Contains(n.ids, v.Payment) {
		n.ids = append(n.ids, v.Payment)
	}
	if v.State.Approval() {
		n.approved[v.Payment] = true
	}
}

// cashier presses a key.
func (n *network) cashier() {
	w, v := n.w, n.w.reg.View()
	if v.Sale == nil {
		return
	}
	var err error
	switch {
	case n.draw(3) == 0:
		n.shows() // another code, whatever became of the first
	case v.Verdict == nil || n.draw(2) == 0:
		_, err = w.reg.CancelSale(w.t.Context(), v.Sale.Ref)
	case n.draw(1) == 0:
		_, err = w.reg.HandOver(w.t.Context(), v.Verdict.Payment)
	default:
		n.regrets()
	}
	n.refusable(err)
}

// regrets undoes an approval that waits for its goods.
func (n *network) regrets() {
	if v := n.w.reg.View().Verdict; v != nil {
		_, err := n.w.reg.Void(n.w.t.Context(), v.Payment)
		n.refusable(err)
	}
}

func (n *network) refunds() {
	if len(n.ids) == 0 {
		return
	}
	id := n.ids[n.draw(len(n.ids)-1)]
	_, err := n.w.reg.Refund(n.w.t.Context(), id, refundID(), terminal.Yen(1+n.draw(800)))
	n.refusable(err)
}

// refusable takes an error that the register may give, with its code.
func (n *network) refusable(err error) {
	var own *register.Error
	if err != nil && !errors.As(err, &own) {
		n.w.t.Fatal(err)
	}
}

// compare holds the register's books against the bank's.
func (n *network) compare() {
	w := n.w
	sold := map[string]int64{}
	told := map[terminal.PaymentID]bool{}
	for _, e := range w.leaves() {
		if e.Payment != "" {
			told[e.Payment] = true
		}
	}
	for _, id := range n.ids {
		told[id] = true
	}
	paid := map[terminal.SaleRef]int{}
	for id := range told {
		p := w.payment(id)
		c := n.bank.charges[string(id)]
		if c == nil {
			c = &charge{}
		}
		if want := owes(p); want != c.paid() {
			w.t.Errorf("payment %s is %s, void %v, refunds %+v: %d yen; the bank: %s", id, p.State, p.Void, p.Refunds, want, c)
		}
		if c.charged > 0 && !p.Voided() {
			if paid[p.Sale]++; paid[p.Sale] > 1 {
				w.t.Errorf("sale %s is charged twice", p.Sale)
			}
		}
		if n.approved[id] && !p.State.Approval() && p.State != terminal.Rejected {
			w.t.Errorf("I2: payment %s was approved and is %s", id, p.State)
		}
		for _, s := range p.Spends {
			if (p.State.Approval() || p.State == terminal.Rejected) && !p.Voided() {
				sold[string(s.Cap)] += s.Want().Units
			}
		}
	}
	for id, c := range n.bank.charges {
		if !told[terminal.PaymentID(id)] {
			w.t.Errorf("the bank knows payment %s, the register does not: %s", id, c)
		}
	}
	for id, limit := range limits {
		if sold[id] > limit {
			w.t.Errorf("I3: %d units of cap %s of %d", sold[id], id, limit)
		}
	}
}

// owes is what the customer has paid by the register's books.
func owes(p terminal.Payment) int64 {
	if !p.State.Approval() || p.Voided() {
		return 0
	}
	yen := int64(p.Amount)
	for _, f := range p.Refunds {
		if f.State == terminal.RefundDone {
			yen -= int64(f.Amount)
		}
	}
	return yen
}
