package journal

import "sekisho/terminal"

// Draft is an entry on its way into the ledger, which gives it its Seq, its
// salt and the hash of its private part.
type Draft struct {
	Entry   Entry
	Private *Private // nil where there is nothing private
}

// OfPayment drafts the entry for a payment that has just reached its state,
// written by the given incarnation, which may be a later one than the payment's.
func OfPayment(p terminal.Payment, by terminal.Incarnation) Draft {
	e := Entry{
		Time: p.Decided, Type: TypePayment, Incarnation: by,
		Payment: p.ID, State: p.State, Reason: p.Reason,
		Sale: p.Sale, Revision: p.Revision, SaleHash: p.SaleHash,
		Amount: int64(p.Amount), Currency: terminal.Currency, Offline: p.Offline,
		Day: p.Day, Approval: p.Approval, Bearer: p.Bearer, Policy: p.Versions.Policy, Categories: p.Categories,
	}
	for _, s := range p.Spends {
		want := s.Want()
		e.Spends = append(e.Spends, Spend{Cap: s.Cap, Window: s.Window, Yen: want.Yen, Units: want.Units})
	}
	return Draft{Entry: e, Private: &Private{Code: p.Code, Issuer: p.Issuer, Account: p.Account, Masked: p.Masked, Seen: p.Seen}}
}

// OfMark drafts the entry for a mark set on an approval.
func OfMark(p terminal.Payment, now terminal.Incarnation, at terminal.Millis, mark, by string) Draft {
	e := Entry{
		Time: at, Type: TypeMark, Incarnation: now, Payment: p.ID, State: p.State,
		Mark: mark, By: by, Sale: p.Sale, Amount: int64(p.Amount), Currency: terminal.Currency,
	}
	if p.Void != nil {
		e.Void = p.Void.ID
	}
	return Draft{Entry: e}
}

// OfRefund drafts the entry for a step of a refund: asked for, done or refused.
func OfRefund(p terminal.Payment, r terminal.Refund, now terminal.Incarnation, at terminal.Millis, mark string) Draft {
	return Draft{Entry: Entry{
		Time: at, Type: TypeMark, Incarnation: now, Payment: p.ID, State: p.State, Reason: r.Reason,
		Mark: mark, Refund: r.ID, Sale: p.Sale, Amount: int64(r.Amount), Currency: terminal.Currency,
	}}
}

// OfErasure drafts the entry for private parts that were taken away.
func OfErasure(id terminal.PaymentID, now terminal.Incarnation, at terminal.Millis) Draft {
	return Draft{Entry: Entry{Time: at, Type: TypeErase, Incarnation: now, Payment: id}}
}

// OfPruning drafts the entry for entries that are deleted, those before first: head
// office has all of them under a checkpoint.
func OfPruning(first int64, kept Head, now terminal.Incarnation, at terminal.Millis) Draft {
	return Draft{Entry: Entry{Time: at, Type: TypePruned, Incarnation: now, First: first, Size: kept.Size, Root: kept.Hex()}}
}
