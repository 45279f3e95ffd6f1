package register

import (
	"context"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Backend is the link as the loop needs it. Its owner reports back through
// Register.LinkUp, LinkDown, Received and HelloRefused.
type Backend interface {
	// Send puts a message on the line of the present session. It does not wait
	// for the network; false says that the link is down or its queue full and
	// that nothing of the message left.
	Send(m wire.Message) bool
	// Redial drops the line, so that another session begins with a new hello. It
	// does not wait.
	Redial()
}

// Signal shows what the register decided: page, POS and, in time, the scanner's
// beep. Emit does not block. An event with an approval is emitted only after
// the approval is durable.
type Signal interface {
	Emit(e Event)
}

// Clock is the machine's time. Boot goes on through suspend and never jumps
// (CLOCK_BOOTTIME); Wall is the wall clock, evidence only.
type Clock interface {
	Boot() time.Duration
	Wall() time.Time
}

// EventType says what an Event is about.
type EventType string

// The types of events.
const (
	EventSale    EventType = "sale"    // Data is a View: the sale changed
	EventPayment EventType = "payment" // Data is a terminal.Verdict: a payment changed its state
	EventVerdict EventType = "verdict" // Data is a terminal.Verdict: there is something to tell the cashier
	EventLink    EventType = "link"    // Data is a View
	EventScanner EventType = "scanner" // Data is a Scan: something was scanned that is no payment, or the scanner came or went
	EventPolicy  EventType = "policy"  // Data is a View
	EventCaps    EventType = "caps"    // Data is a View: what is held, what waits or the storage changed
)

// Event is one thing that page and POS are told.
type Event struct {
	Type EventType
	// Journal is the index of the journal entry that the event tells of; -1
	// where it is no journal entry.
	Journal int64
	Data    any
}

// Scan is what an EventScanner carries.
type Scan struct {
	Kind     string            `json:"kind"` // "goods", "notice", "connected", "disconnected"
	GTIN     terminal.GTIN     `json:"gtin,omitempty"`
	AddOn    string            `json:"add_on,omitempty"` // goods: the 2 or 5 digits beside the symbol, such as a magazine's issue
	Reason   terminal.Reason   `json:"reason,omitempty"`
	Sentence map[string]string `json:"sentence,omitempty"`
}

// View is the register as page and POS see it: one consistent picture.
type View struct {
	Register    terminal.RegisterID  `json:"register"`
	Store       terminal.StoreID     `json:"store"`
	Incarnation terminal.Incarnation `json:"incarnation"`
	Time        terminal.Millis      `json:"time"`
	Clock       string               `json:"clock"` // "authenticated" or "wall"
	BusinessDay terminal.BusinessDay `json:"business_day,omitempty"`
	Link        LinkView             `json:"link"`
	Scanner     string               `json:"scanner"` // "connected" or "disconnected"
	Storage     string               `json:"storage"` // "ok", "slow" or "failed"
	Policy      PolicyView           `json:"policy"`
	Sale        *terminal.Sale       `json:"sale"`    // nil where none is open
	Verdict     *terminal.Verdict    `json:"verdict"` // on the sale's latest payment; nil where there is none
	Notice      *Scan                `json:"notice"`  // the latest scan that was no payment; nil once the sale goes on
	Unresolved  int                  `json:"unresolved"`
	Outbox      int                  `json:"outbox"`
	Parked      int                  `json:"parked"`
	// Quarantine says why this register's rights are in doubt, Frozen what head
	// office stopped ("all", categories, issuers); both empty as a rule.
	Quarantine string   `json:"quarantine,omitempty"`
	Frozen     []string `json:"frozen,omitempty"`
	Stopping   bool     `json:"stopping,omitempty"` // a clean stop has begun: nothing more is sold

	asOf            time.Duration // on the boot clock
	silence, redial time.Duration // the line's pace
}

// LinkView tells about the line to the backend.
type LinkView struct {
	Up          bool                `json:"up"`               // payments are asked of the backend first: State is "up"
	State       terminal.LineState  `json:"state"`            //
	Reason      terminal.LineReason `json:"reason,omitempty"` // why it is not up
	Since       terminal.Millis     `json:"since"`            // when State became what it is
	LastContact terminal.Millis     `json:"last_contact"`     // 0: never
}

// PolicyView tells about the policy in force.
type PolicyView struct {
	Version   int64           `json:"version"`
	GoodUntil terminal.Millis `json:"good_until,omitempty"`
	State     string          `json:"state"` // "in-force", "stale" or "missing"
}

// Code says for machines why the register did not do what it was asked.
type Code string

// The codes of an *Error.
const (
	CodeSaleInvalid    Code = "sale.invalid"      // the sale cannot be taken as it is
	CodeSaleUnknown    Code = "sale.unknown"      // no such sale is open
	CodeSaleFrozen     Code = "sale.frozen"       // a payment of it is being decided, or it is paid
	CodeSaleOther      Code = "sale.other"        // another sale is open
	CodePaymentUnknown Code = "payment.unknown"   // no such payment
	CodePaymentNotHeld Code = "payment.not-held"  // no approval that waits for its goods
	CodeBusy           Code = "busy"              // the disk is still at work on the last step
	CodeStorage        Code = "storage"           // the disk does not take it
	CodeShutdown       Code = "shutdown"          // the register is stopping
	CodeGoodsNoPrice   Code = "goods.no-price"    // no price for an article
	CodeGoodsNotListed Code = "goods.not-listed"  // the policy wants the sale's goods itemised
	CodeSaleEmpty      Code = "sale.empty"        // nothing to pay
	CodePaymentTooLate Code = "payment.too-late"  // the goods are gone: only a refund undoes it
	CodeRefundInvalid  Code = "refund.invalid"    // nothing to refund, more than is left, or another amount under the same id
	CodeNothingToDo    Code = "payment.resolved"  // register and backend agree already
	CodeNotAside       Code = "payment.not-aside" // nothing of it is parked, or its goods are still here
	CodeTooYoung       Code = "erase.too-young"   // the law wants it kept for now
)

// Error says why the register did not do what POS or page asked; nothing was
// changed.
type Error struct {
	Code  Code
	Text  string // what to do next
	Cause error
}

// Error gives the sentence for people.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Desk is what POS and page may ask of a register. Each call waits until what
// it did is durable, or for ctx. Errors are *Error.
type Desk interface {
	// PutSale makes the sale what the POS says. The same again changes nothing.
	// With ready it takes a code from then on; a sale put with ready false
	// while it is ready goes back to open.
	PutSale(ctx context.Context, s terminal.Sale, ready bool) (terminal.Sale, error)
	// AddLines adds lines to the open sale; the total grows by what they cost.
	// A line with Price below zero is priced from the price file.
	AddLines(ctx context.Context, ref terminal.SaleRef, lines []terminal.Line) (terminal.Sale, error)
	// Ready is the cashier's Total key.
	Ready(ctx context.Context, ref terminal.SaleRef) (terminal.Sale, error)
	// CancelSale closes a sale that is not paid; a payment of it that is not
	// decided is given up and reversed. Also the answer to "another tender".
	CancelSale(ctx context.Context, ref terminal.SaleRef) (terminal.Sale, error)
	// HandOver marks an approval: the goods left.
	HandOver(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error)
	// Void undoes an approval before the goods leave.
	Void(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error)
	// Verdict gives the verdict on any payment as it stands.
	Verdict(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error)
	// Caps gives what this register holds of each store cap today, and what was
	// used of its own caps over time.
	Caps(ctx context.Context) ([]Holding, error)
	// Refund gives back a part of a payment, or all of it, after the goods were
	// handed over. The same id again changes nothing; with another amount it is
	// refused. It is durable when Refund returns, and done once the backend has
	// acknowledged it; it gives no quota back.
	Refund(ctx context.Context, id terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen) (terminal.Verdict, error)

	// Resolve asks again about a payment on which register and backend have yet
	// to agree, or with reverse decides that it is not paid. It declares no
	// outcome.
	Resolve(ctx context.Context, id terminal.PaymentID, reverse bool) (terminal.Verdict, error)

	// SetAside ends by hand what can never be told: where a payment's next message
	// is parked, all that waits for it is kept apart for head office, and nothing is
	// asked or told about it any more. It declares no outcome.
	SetAside(ctx context.Context, id terminal.PaymentID) error

	// Parked gives what is parked, oldest first.
	Parked(ctx context.Context) ([]ParkedItem, error)

	// Erase takes the private part from the entries of a payment that is
	// resolved and older than KeepPrivate. Every proof stays valid.
	Erase(ctx context.Context, id terminal.PaymentID) error

	// Rules gives the signed texts in force.
	Rules(ctx context.Context) (Rules, error)
	// View gives the present picture without waiting.
	View() View
}

// KeepPrivate is how long an entry's private part is kept at least: until the
// last question of a customer or of the police about a statement of the month
// before.
const KeepPrivate = 35 * 24 * time.Hour

// ParkedItem is a message that can never be sent, or that the backend does not
// take. What of its payment comes after it waits for it.
type ParkedItem struct {
	Payment terminal.PaymentID
	Kind    OutboxKind
	Why     string // for head office, in no language of the store; "" where it was not tried since the start
}

// Rules are the signed texts in force; "" and 0 where there are none.
type Rules struct {
	Policy        string `json:"policy"`
	PolicyVersion int64  `json:"policy_version"`
	Freeze        string `json:"freeze"`
	FreezeVersion int64  `json:"freeze_version"`
	RolesVersion  int64  `json:"roles_version"`
	Denials       int64  `json:"denials_version"`
	Denied        int    `json:"denied_accounts"`
	Class         string `json:"class"` // of this store
}

// Holding is what this register may spend of one store cap without asking; of a
// cap of its own over time it holds nothing, and tells only what was used in the
// window that runs now.
type Holding struct {
	Cap         terminal.CapID       `json:"cap"`
	Scope       terminal.Scope       `json:"scope"` // of the store or of this register
	Per         terminal.Window      `json:"per"`
	Category    terminal.Category    `json:"category,omitempty"`
	Window      terminal.BusinessDay `json:"window"`
	OfflineOnly bool                 `json:"offline_only,omitempty"`
	Held        terminal.Amount      `json:"held"`
	Used        terminal.Amount      `json:"used"`   // used and not released, today, at this register
	Counts      []string             `json:"counts"` // "yen", "units": the measures that the cap limits
}
