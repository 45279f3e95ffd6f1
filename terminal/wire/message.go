package wire

import "fmt"

// Type says which body a message has.
type Type string

// The types of messages.
const (
	TypeHello      Type = "hello"
	TypeWelcome    Type = "welcome"
	TypeAuthorise  Type = "authorise"
	TypeAnswer     Type = "answer"
	TypeQuery      Type = "query"
	TypeReversal   Type = "reversal"
	TypeAdvice     Type = "advice"
	TypeVoid       Type = "void"
	TypeRefund     Type = "refund"
	TypeAck        Type = "ack"
	TypePolicy     Type = "policy"
	TypeFreeze     Type = "freeze"
	TypeDenials    Type = "denials"
	TypeGrants     Type = "grants"
	TypeJournal    Type = "journal"
	TypeCheckpoint Type = "checkpoint"
	TypeError      Type = "error"
)

// Message is the envelope and one body.
type Message struct {
	Version     int    `json:"v"`
	Type        Type   `json:"type"`
	ID          string `json:"id"`                    // of this message, unique within its session
	Re          string `json:"re,omitempty"`          // the id that this one answers
	Session     int64  `json:"session,omitempty"`     // given by welcome; 0 in hello
	Incarnation string `json:"incarnation,omitempty"` // the register's; every upward message has it
	Journal     *Head  `json:"journal,omitempty"`     // the register's; every upward message has it

	Hello      *Hello      `json:"hello,omitempty"`
	Welcome    *Welcome    `json:"welcome,omitempty"`
	Authorise  *Authorise  `json:"authorise,omitempty"`
	Answer     *Answer     `json:"answer,omitempty"`
	Query      *Query      `json:"query,omitempty"`
	Reversal   *Reversal   `json:"reversal,omitempty"`
	Advice     *Advice     `json:"advice,omitempty"`
	Void       *Void       `json:"void,omitempty"`
	Refund     *Refund     `json:"refund,omitempty"`
	Ack        *Ack        `json:"ack,omitempty"`
	Policy     *Policy     `json:"policy,omitempty"`
	Freeze     *Freeze     `json:"freeze,omitempty"`
	Denials    *Denials    `json:"denials,omitempty"`
	Grants     *Grants     `json:"grants,omitempty"`
	Entries    *Entries    `json:"entries,omitempty"` // body of "journal"; the key "journal" is the head
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	Error      *Error      `json:"error,omitempty"`
}

// String names the message without its contents.
func (m Message) String() string {
	return fmt.Sprintf("%s %s re=%s session=%d", m.Type, m.ID, m.Re, m.Session)
}

// GoString is String, so that %#v prints no payment code either.
func (m Message) GoString() string { return m.String() }

// Common gives what every message about a payment carries; nil for any other. It
// points into the message's body.
func (m Message) Common() *Common {
	switch {
	case m.Authorise != nil:
		return &m.Authorise.Common
	case m.Query != nil:
		return &m.Query.Common
	case m.Reversal != nil:
		return &m.Reversal.Common
	case m.Advice != nil:
		return &m.Advice.Common
	case m.Void != nil:
		return &m.Void.Common
	case m.Refund != nil:
		return &m.Refund.Common
	}
	return nil
}

// Head is the size and root (SHA-256, hex) of a register's journal.
type Head struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// Amount is yen and units; neither is negative.
type Amount struct {
	Yen   int64 `json:"yen"`
	Units int64 `json:"units"`
}

// Versions are those of the rules that the register holds.
type Versions struct {
	Policy  int64 `json:"policy"`
	Freeze  int64 `json:"freeze"`
	Denials int64 `json:"denials"`
}

// Counter is the totals of one store cap in one window for the incarnation in
// the envelope. They only grow and are merged by maximum.
type Counter struct {
	Cap      string `json:"cap"`
	Window   string `json:"window"`
	Granted  Amount `json:"granted"`
	Used     Amount `json:"used"`
	Released Amount `json:"released"`
	Returned Amount `json:"returned"`
}

// Spend is what a payment takes of one store cap: Reserved of what the register
// held, Need asked for with the payment.
type Spend struct {
	Cap      string `json:"cap"`
	Window   string `json:"window"`
	Reserved Amount `json:"reserved"`
	Need     Amount `json:"need"`
}

// Hello is the first message of a link, from the register.
type Hello struct {
	Register string    `json:"register"`
	Store    string    `json:"store"`
	Software string    `json:"software"`
	Versions Versions  `json:"versions"`
	Roles    int64     `json:"roles,omitempty"` // version of the roles held
	Counters []Counter `json:"counters"`
	// Quarantine says why the register holds itself in doubt; "" where it does not.
	Quarantine string `json:"quarantine,omitempty"`
}

// Welcome answers a hello.
type Welcome struct {
	Session int64   `json:"session"`
	Time    int64   `json:"time"` // the backend's, authenticated by the link
	Grants  []Grant `json:"grants"`
	Policy  string  `json:"policy,omitempty"` // the signed note in force, where the register's is older
	Roles   string  `json:"roles,omitempty"`  // likewise; to be taken before policy and freeze
	Freeze  string  `json:"freeze,omitempty"` // likewise
	// Checkpoint is the last one of this register that the backend keeps.
	Checkpoint *Head `json:"checkpoint,omitempty"`
	// Challenge is the index of a leaf, below Checkpoint's size, that the next
	// checkpoint must prove: an incarnation that is new to the backend shows so
	// that it has the journal and not the key alone. Nil where nothing is asked.
	Challenge *int64 `json:"challenge,omitempty"`
	// Uploaded is how many of the journal's leaves, from the first on, the
	// backend has: the upload goes on from there.
	Uploaded int64 `json:"uploaded,omitempty"`
	// Quarantine says why the backend holds this register in doubt; "" where it
	// does not.
	Quarantine string `json:"quarantine,omitempty"`
	// Released names the incarnation whose quarantine head office has ended.
	Released string `json:"released,omitempty"`
}

// Grant is the total that the backend ever granted to this incarnation of one
// cap in one window. Totals, so that a message lost or doubled does no harm.
type Grant struct {
	Cap    string `json:"cap"`
	Window string `json:"window"`
	Total  Amount `json:"total"`
}

// Grants brings new totals at any time. Upward it has Counters in place of
// Grants: what the register gives back at a clean stop is in their Returned. The
// backend acknowledges it.
type Grants struct {
	Grants   []Grant   `json:"grants"`
	Counters []Counter `json:"counters,omitempty"`
}

// Sale is what the customer buys, as far as the backend's caps need it.
type Sale struct {
	Ref      string `json:"ref"`
	Revision int64  `json:"revision"`
	Hash     string `json:"hash"`  // SHA-256 of the frozen revision, hex
	Lines    []Line `json:"lines"` // watched goods only
}

// Line sums the watched goods of one category.
type Line struct {
	Category string `json:"category"`
	Yen      int64  `json:"yen"`
	Units    int64  `json:"units"`
}

// Common is what every payment message carries besides the envelope, from the
// first version on.
type Common struct {
	Payment      string    `json:"payment"` // UUIDv7, the idempotency key
	JournalIndex int64     `json:"journal_index"`
	BusinessDay  string    `json:"business_day"` // also the window of its spends
	Window       string    `json:"window"`
	NotAfter     int64     `json:"not_after"` // 0 where the message has no end
	SaleHash     string    `json:"sale_hash"`
	Versions     Versions  `json:"versions"`
	Clock        string    `json:"clock"`              // ClockAuthenticated or ClockWall
	ContactAge   int64     `json:"contact_age"`        // milliseconds since the backend was last heard; -1 not known
	Currency     string    `json:"currency"`           // "JPY"
	Counters     []Counter `json:"counters,omitempty"` // totals after this message's own debit
}

// The qualities of the register's clock.
const (
	ClockAuthenticated = "authenticated" // backend's time plus time since boot
	ClockWall          = "wall"          // no contact since boot
)

// Currency is the only currency of this version.
const Currency = "JPY"

// Authorise asks to charge a payment now.
type Authorise struct {
	Common
	Amount int64   `json:"amount"`
	Kind   string  `json:"kind"`             // "pass", "digits" or "emv"
	Issuer string  `json:"issuer,omitempty"` // as far as the register knows
	Code   string  `json:"code"`             // what the customer presented; never stored by either side
	Sale   Sale    `json:"sale"`
	Spends []Spend `json:"spends"`
}

// String names the request and never the code, so that one printed by mistake
// tells nothing.
func (a Authorise) String() string { return "authorise of " + a.Payment }

// GoString is String, for %#v.
func (a Authorise) GoString() string { return a.String() }

// Outcome is what became of a payment.
type Outcome string

// The outcomes of an answer. Any other counts as not known.
const (
	OutcomeApproved Outcome = "approved"
	OutcomeDeclined Outcome = "declined"
	OutcomeReversed Outcome = "reversed" // a reversal came first
	OutcomeNotSeen  Outcome = "not-seen" // no decline: the authorise may still come
)

// Answer tells what became of a payment, after authorise or query.
type Answer struct {
	Payment  string  `json:"payment"`
	Outcome  Outcome `json:"outcome"`
	Amount   int64   `json:"amount"` // what was charged; must equal what was asked
	Reason   string  `json:"reason,omitempty"`
	Approval string  `json:"approval_code,omitempty"`
	Issuer   string  `json:"issuer,omitempty"`
	Account  string  `json:"account,omitempty"`     // masked, for the receipt
	Key      string  `json:"account_key,omitempty"` // 16 hex digits, see docs
	Grants   []Grant `json:"grants"`
	Limits   *Limits `json:"limits,omitempty"`
	Time     int64   `json:"time"`
}

// Limits are what the backend allows an account offline at this register in any
// 24 hours, until it says otherwise.
type Limits struct {
	Yen   int64 `json:"yen"`
	Count int64 `json:"count"`
}

// Query asks what became of a payment.
type Query struct{ Common }

// Reversal undoes a payment whose outcome is not known, seen or not.
type Reversal struct {
	Common
	Why string `json:"why"` // "timeout", "cancelled" or "allotment"
}

// Advice tells of a payment that was approved offline.
type Advice struct {
	Common
	Amount   int64   `json:"amount"`
	Kind     string  `json:"kind"`
	Issuer   string  `json:"issuer"`
	Sale     Sale    `json:"sale"`
	Spends   []Spend `json:"spends"`
	Created  int64   `json:"created"`  // when it was approved
	Evidence string  `json:"evidence"` // the pass, sealed to the backend: base64 of SealEvidence
}

// Void undoes an approval before the goods leave.
type Void struct {
	Common
	ID string `json:"id"` // of the void, UUIDv7
}

// Refund gives money back later, in parts at most the whole.
type Refund struct {
	Common
	ID     string `json:"id"`
	Amount int64  `json:"amount"`
}

// Status says whether the backend took what it acknowledges.
type Status string

// The states of an acknowledgement. Any other is as if none had come.
const (
	StatusAccepted Status = "accepted"
	StatusRejected Status = "rejected" // final: with reason and bearer
)

// Ack acknowledges a reversal, advice, void or refund for good, or takes a
// checkpoint, leaves of the journal or what was given back; these three are of
// no payment.
type Ack struct {
	Payment string  `json:"payment,omitempty"`
	Of      Type    `json:"of"`
	Op      string  `json:"op,omitempty"` // the id of the void or refund
	Status  Status  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Bearer  string  `json:"bearer,omitempty"` // "operator" or "store"
	Size    int64   `json:"size,omitempty"`   // of journal: as welcome's Uploaded
	Grants  []Grant `json:"grants,omitempty"`
	Time    int64   `json:"time"`
}

// Policy brings a signed policy note, and with it a newer note of the roles
// where there is one, which is to be taken first.
type Policy struct {
	Note  string `json:"note,omitempty"`
	Roles string `json:"roles,omitempty"`
}

// Freeze brings a signed freeze note.
type Freeze struct {
	Note string `json:"note"`
}

// Denials brings denied accounts: a delta from version From to version To, or
// with From 0 a whole new set. Either may come in Parts messages, numbered from
// 1, in order; it counts once the last is there.
type Denials struct {
	From  int64 `json:"from"`
	To    int64 `json:"to"`
	Part  int   `json:"part"`
	Parts int   `json:"parts"`
	// Add is base64 of records of 12 bytes, big-endian: the denial id (8) and
	// the minute since 1970 (4) in which its last credential ends.
	Add string `json:"add,omitempty"`
	// Remove is base64 of denial ids of 8 bytes each.
	Remove string `json:"remove,omitempty"`
	// Before says, by issuer, that credentials issued before a time are void;
	// it only moves forward.
	Before map[string]int64 `json:"issued_before,omitempty"`
}

// Entries uploads journal leaves from index From on, each base64 of its bytes.
type Entries struct {
	From   int64    `json:"from"`
	Leaves []string `json:"leaves"`
}

// Checkpoint uploads a signed note over the journal's size and root, with the
// proof that it extends the checkpoint of size From which the backend keeps (0
// and no proof for the first).
type Checkpoint struct {
	Note  string   `json:"note"`
	From  int64    `json:"from,omitempty"`
	Proof []string `json:"proof,omitempty"` // SHA-256 each, hex, as RFC 6962, 2.1.2 orders them
	// Leaf answers welcome's Challenge.
	Leaf *LeafProof `json:"leaf,omitempty"`
}

// LeafProof shows that a leaf stands in the tree of the checkpoint's From.
type LeafProof struct {
	Index int64    `json:"index"`
	Hash  string   `json:"hash"`  // of the leaf: SHA-256(0x00, leaf), hex
	Proof []string `json:"proof"` // the audit path, as RFC 6962, 2.1.1 orders it
}
