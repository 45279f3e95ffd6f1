package terminal

import "strconv"

// Outcome is what the cashier must do with the goods.
type Outcome string

// The outcomes. An outcome that is not one of these counts as OutcomeUnknown.
const (
	OutcomeApproved Outcome = "approved" // hand the goods over
	OutcomeDeclined Outcome = "declined" // not paid
	OutcomeUnknown  Outcome = "unknown"  // not known yet: keep the goods
)

// OutcomeOf maps a state to what the cashier must do.
func OutcomeOf(s State) Outcome {
	switch {
	case s.Approval():
		return OutcomeApproved
	case s == Refused, s == Declined, s == Reversing, s == Reversed, s == Rejected:
		return OutcomeDeclined
	}
	return OutcomeUnknown
}

// Verdict is what page and POS are told, never before it is durable. It carries
// what a receipt needs.
type Verdict struct {
	Payment    PaymentID         `json:"payment"`
	Number     string            `json:"number"` // short numeric reference
	Sale       SaleRef           `json:"sale"`
	Revision   int64             `json:"revision"`
	Outcome    Outcome           `json:"outcome"`
	State      State             `json:"state"`
	Reason     Reason            `json:"reason,omitempty"`
	Sentence   map[string]string `json:"sentence"` // by language, BCP 47
	Amount     Yen               `json:"amount"`
	Currency   string            `json:"currency"`
	Approval   string            `json:"approval_code,omitempty"`
	Issuer     string            `json:"issuer,omitempty"`
	Account    string            `json:"account,omitempty"` // masked
	Offline    bool              `json:"offline"`
	Time       Millis            `json:"time"`
	HandedOver HandedOver        `json:"handed_over,omitempty"`
	Voided     bool              `json:"voided,omitempty"`
	Refunds    []Refund          `json:"refunds,omitempty"`
	Journal    Proof             `json:"journal"`
}

// Proof ties a receipt to the register's journal: its size after the verdict's
// entry and the first 16 hex digits of its root.
type Proof struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// VerdictOf gives the verdict on a payment as it stands. An approval that was
// undone is declined for everybody who reads the outcome alone: the goods stay.
func VerdictOf(p Payment, proof Proof) Verdict {
	outcome := OutcomeOf(p.State)
	if p.Voided() {
		outcome = OutcomeDeclined
	}
	return Verdict{
		Payment: p.ID, Number: strconv.FormatInt(p.Number, 10), Sale: p.Sale, Revision: p.Revision,
		Outcome: outcome, State: p.State, Reason: p.Reason, Sentence: SentenceFor(p),
		Amount: p.Amount, Currency: Currency, Approval: p.Approval, Issuer: p.Issuer, Account: p.Masked,
		Offline: p.Offline, Time: p.Decided, HandedOver: p.HandedOver, Voided: p.Voided(), Refunds: p.Refunds, Journal: proof,
	}
}
