package register

import (
	"context"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// Store keeps what must survive: payments, counters, codes seen, outbox, sale
// and journal. It has one writer. Its contract is terminal/register/storetest.
type Store interface {
	// Decide loads what scope names, runs decide on the store's goroutine, and
	// makes all of its changes durable in one transaction, or none. decide is a
	// pure function of the usage: it touches nothing else and may be run once
	// only. When Decide returns a nil error the changes are on disk (fsync done).
	//
	// The error is decide's own, unchanged, and nothing was stored; or wraps
	// ErrNotStored: nothing was stored, also after a commit whose outcome had to
	// be looked up; or wraps ErrInDoubt: the outcome could not be looked up, the
	// store takes nothing more until Reopen has said what is there.
	Decide(ctx context.Context, scope Scope, decide func(Usage) (Changes, error)) (Receipt, error)

	// Load gives what a register needs to go on from where it stopped.
	Load(ctx context.Context) (Snapshot, error)

	// Reopen closes and opens the files again after ErrInDoubt. Load then says
	// what became of the doubtful transaction.
	Reopen(ctx context.Context) error

	// Reader gives the read-only side.
	Reader
}

// Reader reads without waiting for the writer. Every method may be called from
// any goroutine.
type Reader interface {
	// Payment gives one payment; the error is ErrNotFound where there is none.
	Payment(ctx context.Context, id terminal.PaymentID) (terminal.Payment, error)
	// Entries gives at most limit journal leaves from index from on.
	Entries(ctx context.Context, from int64, limit int) ([]Leaf, error)
	// Counters gives all counters of an incarnation in one window.
	Counters(ctx context.Context, inc terminal.Incarnation, day terminal.BusinessDay) ([]terminal.Counter, error)
}

// The errors of a store. Match them with errors.Is.
var (
	ErrNotStored = errors.New("nothing was stored")
	ErrInDoubt   = errors.New("whether it was stored is not known until the ledger has been reopened")
	ErrNotFound  = errors.New("not found")
)

// Scope says what a decision needs to see.
type Scope struct {
	Payment  terminal.PaymentID    // "" for none
	Sale     terminal.SaleRef      // whose payments may stand in the way of another; "" for none
	Counters []terminal.CounterKey // a key never used before is loaded as an empty counter
	Seen     terminal.SeenKey      // "" for none
	Account  terminal.AccountKey   // "" for none
	Since    terminal.Millis       // the account's offline approvals count from here on
	Barred   terminal.Millis       // the account's declines count from here on
	Outbox   terminal.PaymentID    // whose outbox items to load; "" for none
}

// Usage is what the store holds of a scope at the moment of the decision.
type Usage struct {
	Head     journal.Head // the journal before the decision: the next entry's Seq is its Size
	Payment  *terminal.Payment
	Taken    *terminal.Payment // the sale's payment that is undecided, or approved and not voided; nil where there is none
	Counters map[terminal.CounterKey]terminal.Counter
	Seen     bool
	Account  AccountUsage
	Outbox   []OutboxItem
}

// AccountUsage is what an account did at this register.
type AccountUsage struct {
	OfflineYen   terminal.Yen // approved offline, not voided; acknowledged and rejected advices included
	OfflineCount int64
	Declined     bool // the backend declined it: see Payment.BarsAccount
}

// Changes is what a decision makes durable. Counters carry whole new totals;
// the store refuses one that shrinks or holds less than nothing.
type Changes struct {
	Payments []terminal.Payment
	Counters []terminal.Counter
	Seen     *SeenCode
	Sale     *terminal.Sale // the register's sale; with state closed there is none any more
	Outbox   []OutboxItem   // new items
	Done     []int64        // outbox items that were acknowledged
	Parked   []int64        // outbox items that the backend does not take: kept, shown, not sent again before the next session
	Policy   *PolicyCopy
	Entries  []journal.Draft
}

// SeenCode is a payment code that was presented, kept at least until Keep so
// that it cannot be presented again.
type SeenCode struct {
	Key     terminal.SeenKey
	Payment terminal.PaymentID
	Keep    terminal.Millis
}

// OutboxKind says what an outbox item is.
type OutboxKind string

// The kinds of outbox items. Reversals and voids go before advices; the items
// of one payment go in the order in which they were written.
const (
	OutReversal OutboxKind = "reversal"
	OutVoid     OutboxKind = "void"
	OutAdvice   OutboxKind = "advice"
)

// OutboxItem waits to be acknowledged by the backend. Body is the JSON of the
// wire message's body without anything that is only known when it is sent; an
// advice's evidence inside is sealed to the backend.
type OutboxItem struct {
	ID      int64 // given by the store, growing; 0 in a new item
	Kind    OutboxKind
	Payment terminal.PaymentID
	Body    []byte
	Parked  bool
}

// PolicyCopy is the text of a policy note and its version. The ledger keeps the
// highest version ever in force, the cache the text.
type PolicyCopy struct {
	Version int64
	Note    string
}

// Receipt says where a decision's entries came to stand.
type Receipt struct {
	Head   journal.Head // the journal after the decision
	Outbox []OutboxItem // the decision's new items, with the ids that the store gave them
}

// Leaf is one journal entry as it is kept.
type Leaf struct {
	Seq     int64
	Bytes   []byte
	Private []byte // nil where there is none, or where it was erased
	Salt    []byte
}

// Snapshot is what a register starts from.
type Snapshot struct {
	Head          journal.Head
	Sale          *terminal.Sale     // nil where none is open
	Current       *terminal.Payment  // the latest attempt to pay it, if any
	Unresolved    []terminal.Payment // oldest first; see Payment.Unresolved
	Outbox        []OutboxItem       // oldest first
	PolicyVersion int64              // the highest ever in force; 0 for none
	PolicyNote    string             // "" where the cache lost it
}
