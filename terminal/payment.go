package terminal

import (
	"fmt"
	"slices"
)

// State is where a payment stands. The arrows, each one a journal entry:
//
//	             ┌──────────▶ declined
//	refused      │               ▲
//	             │               │
//	(new) ────▶ sent ────────▶ unknown ────▶ reversing ────▶ reversed
//	  │          │               │
//	  │          └─▶ approved ◀──┘
//	  │
//	  └──────▶ approved-offline ───▶ advised ───▶ settled
//	                                    └───────▶ rejected
//
// "Handed over" and the void are marks on an approval, not states.
type State string

// The states of a payment.
const (
	Refused         State = "refused"          // said no on the spot; nothing reserved, nothing sent
	Sent            State = "sent"             // reserved and durable, its bytes may be on the line
	Approved        State = "approved"         // the backend said yes
	Declined        State = "declined"         // the backend said no
	Unknown         State = "unknown"          // sent and not answered in time: neither yes nor no
	Reversing       State = "reversing"        // given up for good; the backend has yet to acknowledge it
	Reversed        State = "reversed"         // the backend acknowledged the reversal
	ApprovedOffline State = "approved-offline" // approved by the offline rules, advice in the outbox
	Advised         State = "advised"          // the advice was sent at least once
	Settled         State = "settled"          // the backend took the advice
	Rejected        State = "rejected"         // the backend refused the advice; see Reason and Bearer
)

var arrows = map[State][]State{
	"":              {Refused, Sent, ApprovedOffline},
	Sent:            {Approved, Declined, Unknown},
	Unknown:         {Approved, Declined, Reversing},
	Reversing:       {Reversed},
	ApprovedOffline: {Advised},
	Advised:         {Settled, Rejected},
}

// Known says whether s is one of the states above.
func (s State) Known() bool {
	switch s {
	case Refused, Sent, Approved, Declined, Unknown, Reversing, Reversed, ApprovedOffline, Advised, Settled, Rejected:
		return true
	}
	return false
}

// Final says whether nothing more can happen to the state. A state that is not
// known, of a later release perhaps, is not final: somebody must look at it.
func (s State) Final() bool { return s.Known() && len(arrows[s]) == 0 }

// Approval says whether the customer has paid: the goods may leave. A rejected
// advice was an approval until the backend refused it: goods that are still here
// stay.
func (s State) Approval() bool {
	switch s {
	case Approved, ApprovedOffline, Advised, Settled:
		return true
	}
	return false
}

// Undecided says whether the goods must stay and the sale must wait.
func (s State) Undecided() bool { return s == Sent || s == Unknown }

// Spend is what a payment takes from one store cap in one window.
type Spend struct {
	Cap      CapID       `json:"cap"`
	Window   BusinessDay `json:"window"`
	Reserved Amount      `json:"reserved"` // taken from what this register held
	Need     Amount      `json:"need"`     // asked of the backend together with the approval
}

// Want is the whole of the spend.
func (s Spend) Want() Amount { return s.Reserved.Plus(s.Need) }

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	RefundAsked   RefundState = "asked"   // durable, on its way to the backend
	RefundDone    RefundState = "done"    // the backend gave the money back
	RefundRefused RefundState = "refused" // the backend did not; see Reason
)

// Refund gives back a part of a payment, or all of it, after the goods left. It
// never gives quota back: goods that came back are not counted as not sold.
type Refund struct {
	ID     RefundID    `json:"id"`
	Amount Yen         `json:"amount"`
	At     Millis      `json:"at"`
	State  RefundState `json:"state"`
	Reason Reason      `json:"reason,omitempty"` // of a refused one
}

// Versions names the rules in force at a decision.
type Versions struct {
	Policy  int64 `json:"policy"`
	Freeze  int64 `json:"freeze"`
	Denials int64 `json:"denials"`
}

// CodeKind says what kind of payment code was presented.
type CodeKind string

// The kinds of payment codes that a payment can come from.
const (
	CodePass   CodeKind = "pass"
	CodeDigits CodeKind = "digits"
	CodeEMV    CodeKind = "emv"
	CodeOther  CodeKind = "other" // not a payment code; only ever refused
)

// HandedOver says who marked an approval as handed over.
type HandedOver string

// The goods leave when the cashier says so, or when the till goes on to the
// next sale.
const (
	ByCashier  HandedOver = "cashier"
	ByNextSale HandedOver = "next-sale"
)

// Void is the undoing of an approval before the goods leave.
type Void struct {
	ID           VoidID `json:"id"`
	At           Millis `json:"at"`
	Acknowledged bool   `json:"acknowledged"` // only now is the quota free again
}

// Payment is one attempt to pay one revision of a sale. It holds no secret: of
// the code only its kind, issuer, masked end and a keyed hash.
type Payment struct {
	ID       PaymentID `json:"id"`
	Number   int64     `json:"number"` // short reference for receipt and till: the journal index of its first entry
	State    State     `json:"state"`
	Reason   Reason    `json:"reason,omitempty"`
	Sale     SaleRef   `json:"sale"`
	Revision int64     `json:"revision"`
	SaleHash string    `json:"sale_hash"`
	Amount   Yen       `json:"amount"`
	Offline  bool      `json:"offline"`

	Code    CodeKind   `json:"code"`
	Issuer  string     `json:"issuer,omitempty"`
	Masked  string     `json:"masked,omitempty"` // "…" and the last four characters of the account
	Account AccountKey `json:"account,omitempty"`
	Seen    SeenKey    `json:"seen,omitempty"`

	Incarnation Incarnation `json:"incarnation"`
	Day         BusinessDay `json:"business_day"`
	Versions    Versions    `json:"versions"`
	Spends      []Spend     `json:"spends,omitempty"`
	Counts      []Count     `json:"counts,omitempty"`
	Categories  []Category  `json:"categories,omitempty"` // that its goods were of, as the policy knows them; sorted

	Created  Millis `json:"created"`
	NotAfter Millis `json:"not_after,omitempty"` // the backend refuses the authorise after this
	Decided  Millis `json:"decided,omitempty"`   // when the present state was reached

	Approval   string     `json:"approval_code,omitempty"`
	Bearer     string     `json:"bearer,omitempty"` // who pays for a rejected advice
	HandedOver HandedOver `json:"handed_over,omitempty"`
	Void       *Void      `json:"void,omitempty"`
	Refunds    []Refund   `json:"refunds,omitempty"`
	SetAside   Millis     `json:"set_aside,omitempty"` // when what waited for it was set aside: head office settles it
}

// ErrTransition says that a payment cannot go from one state to another.
type ErrTransition struct{ From, To State }

// Error gives the sentence for people.
func (e *ErrTransition) Error() string {
	return fmt.Sprintf("a payment that is %q cannot become %q", e.From, e.To)
}

// Move is the one place where a payment's state changes.
func (p Payment) Move(to State, why Reason, at Millis) (Payment, error) {
	for _, s := range arrows[p.State] {
		if s == to {
			p.State, p.Reason, p.Decided = to, why, at
			return p, nil
		}
	}
	return p, &ErrTransition{From: p.State, To: to}
}

// Voided says whether the payment was undone: from the request on, since a
// void is never taken back.
func (p Payment) Voided() bool { return p.Void != nil }

// Holds says whether the approval still waits on the screen for its goods.
func (p Payment) Holds() bool {
	return p.State.Approval() && p.HandedOver == "" && !p.Voided()
}

// BarsAccount says whether the backend refused the account itself, at once or
// after an advice: then the
// account gets nothing offline for a time, so that pulling the cable helps
// nobody. A decline because of the store's cap, the time or the code says
// nothing about the account.
func (p Payment) BarsAccount() bool {
	if p.State != Declined && p.State != Rejected {
		return false
	}
	switch p.Reason {
	case BackendDeclined, AccountDenied, CapAccount:
		return true
	}
	return false
}

// Counting says whether the payment counts against the caps that sum payments:
// from the moment it is sent or approved, until the backend declined it or
// acknowledged its reversal or void. A rejected advice counts on: its goods may
// have left. A refund changes nothing.
func (p Payment) Counting() bool {
	switch p.State {
	case Refused, Declined, Reversed:
		return false
	}
	return p.Void == nil || !p.Void.Acknowledged
}

// Refunded sums what was given back or is on its way.
func (p Payment) Refunded() Yen {
	var sum Yen
	for _, r := range p.Refunds {
		if r.State != RefundRefused {
			sum += r.Amount
		}
	}
	return sum
}

// Unresolved says whether register and backend have yet to agree on what
// became of the payment, of its void or of a refund. What was set aside they will
// never agree on by themselves.
func (p Payment) Unresolved() bool {
	if p.SetAside != 0 {
		return false
	}
	return !p.State.Final() || (p.Void != nil && !p.Void.Acknowledged) ||
		slices.ContainsFunc(p.Refunds, func(r Refund) bool { return r.State == RefundAsked })
}
