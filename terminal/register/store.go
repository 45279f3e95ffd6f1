package register

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

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

	// Aged gives how many of the journal's first entries were there before a time,
	// as far as Mark told the time of it; 0 where that is not known. Now bounds what
	// counts: what was noted at a later time is of a clock that was wrong.
	Aged(ctx context.Context, before, now terminal.Millis) (int64, error)

	// Reader gives the read-only side.
	Reader
}

// Reader reads without waiting for the writer. Every method may be called from
// any goroutine.
type Reader interface {
	// Payment gives one payment; the error is ErrNotFound where there is none.
	Payment(ctx context.Context, id terminal.PaymentID) (terminal.Payment, error)
	// Entries gives at most limit journal leaves from index from on. The error is a
	// *PrunedError where the one at from is not kept any more.
	Entries(ctx context.Context, from int64, limit int) ([]Leaf, error)
	// Span gives the index of the first journal entry that is kept, and the
	// journal's size.
	Span(ctx context.Context) (first, size int64, err error)
	// Counters gives all counters of an incarnation in one window.
	Counters(ctx context.Context, inc terminal.Incarnation, day terminal.BusinessDay) ([]terminal.Counter, error)
	// Hashes gives stored hashes of the journal's tree by index, as
	// tlog.StoredHashIndex counts them: all of them, or ErrNotFound.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Unresolved gives every payment of which register and backend have yet to
	// agree, oldest first.
	Unresolved(ctx context.Context) ([]terminal.Payment, error)
	// Rejected gives every payment that was approved without the line and that the
	// backend refused since a time, the latest first.
	Rejected(ctx context.Context, since terminal.Millis) ([]terminal.Payment, error)
	// Aside gives the outbox items that were set aside, oldest first.
	Aside(ctx context.Context) ([]OutboxItem, error)
	// CaseEntries gives the journal entries that name a payment and are kept, oldest
	// first.
	CaseEntries(ctx context.Context, id terminal.PaymentID) ([]Leaf, error)
}

// The errors of a store. Match them with errors.Is.
var (
	ErrNotStored = errors.New("nothing was stored")
	ErrInDoubt   = errors.New("whether it was stored is not known until the ledger has been reopened")
	ErrNotFound  = errors.New("not found")
)

// PrunedError says that journal entries were asked for that are not kept here any
// more. Match it with errors.As.
type PrunedError struct {
	First int64 // of the entries that are kept
}

// Error says who has them.
func (e *PrunedError) Error() string {
	return fmt.Sprintf("the journal begins with entry %d here: those before it are with the backend", e.First)
}

// Scope says what a decision needs to see.
type Scope struct {
	Payment     terminal.PaymentID    // "" for none
	Sale        terminal.SaleRef      // whose payments may stand in the way of another; "" for none
	Counters    []terminal.CounterKey // a key never used before is loaded as an empty counter
	Seen        terminal.SeenKey      // "" for none
	Account     terminal.AccountKey   // "" for none
	Since       terminal.Millis       // the account's offline approvals count from here on
	Barred      terminal.Millis       // the account's declines count from here on
	Tallies     []Tally               // sums of what counts against register and account caps
	Boot        bool                  // load what Incarnation sold offline
	Incarnation terminal.Incarnation  // see Boot
	Payments    []terminal.PaymentID  // others, where a decision is about many
	Items       []int64               // outbox items, with what they say
}

// Usage is what the store holds of a scope at the moment of the decision.
type Usage struct {
	Head     journal.Head // the journal before the decision: the next entry's Seq is its Size
	Payment  *terminal.Payment
	Taken    *terminal.Payment // the sale's payment that is undecided, or approved and not voided; nil where there is none
	Counters map[terminal.CounterKey]terminal.Counter
	Seen     bool
	Account  AccountUsage
	Tallies  map[Tally]terminal.Amount
	BootYen  terminal.Yen                            // approved offline by Scope.Incarnation and not voided
	Payments map[terminal.PaymentID]terminal.Payment // of Scope.Payments, those that are there
	Items    []OutboxItem                            // of Scope.Items, those that are there, as they were asked for
}

// Tally names a sum over payments: what those created from Since on, and still
// counting, take of a cap (Payment.Counts and Counting).
type Tally struct {
	Cap     terminal.CapID
	Account terminal.AccountKey // "" for all
	Since   terminal.Millis
}

// AccountUsage is what an account did at this register.
type AccountUsage struct {
	OfflineYen   terminal.Yen // approved offline; acknowledged and rejected advices included, voids that the backend acknowledged not
	OfflineCount int64
	Declined     bool          // the backend declined it: see Payment.BarsAccount
	Limit        *AccountLimit // what the backend last told of it; nil where it told nothing
}

// AccountLimit is what the backend allows an account offline at this register
// in any 24 hours. It is kept in the cache.
type AccountLimit struct {
	Account terminal.AccountKey
	Yen     terminal.Yen
	Count   int64
	Told    terminal.Millis // the backend's time of the answer that said so
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
	Aside    []int64        // outbox items that are not to be sent any more: kept apart for ever, see Reader.Aside
	Policy   *PolicyCopy
	Entries  []journal.Draft

	Mark       *terminal.Millis // the highest authenticated time; authenticated time may lower it. Codes to be kept until before it may be forgotten
	Roles      *NoteCopy        // version and text both in the ledger: they never go back a version
	Freeze     *NoteCopy        // likewise
	Limit      *AccountLimit
	Denials    *DenialsCopy
	Quarantine *string // why this register is in doubt; "" ends it
	Erase      []int64 // journal entries whose private parts go, and with them what their payments say of account and code
	Prune      int64   // journal entries below this index go, their hashes stay; 0 for none. Never the last, never those of a payment that is not resolved
}

// NoteCopy is a signed note and its version.
type NoteCopy struct {
	Version int64
	Note    string
}

// DenialsCopy is what the cache keeps of the denied accounts: bodies in the form
// of terminal/denials, in order. Reset says that they take the place of all that
// came before. The ledger is not asked: it can be fetched again.
type DenialsCopy struct {
	Version int64
	Reset   bool
	Bodies  [][]byte
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
	OutRefund   OutboxKind = "refund" // after the advice of its payment, as its order is
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
	Outbox        []OutboxItem       // oldest first; of advices, of which there may be many, without what they say
	PolicyVersion int64              // the highest ever in force; 0 for none
	PolicyNote    string             // "" where the cache lost it

	Pruned     int64 // the first journal entry that is kept
	Mark       terminal.Millis
	Roles      NoteCopy // zero where only those of enrolment are in force
	Freeze     NoteCopy // zero where nothing was ever frozen
	Quarantine string
	Denials    DenialsCopy // all bodies; Version 0 where the cache has none
}
