package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"

	"sekisho/terminal"
)

// Version is the version of a leaf's form.
const Version = 1

// Type says what an entry is about.
type Type string

// The types of entries.
const (
	TypeStart   Type = "start"   // the daemon started: incarnation, state of the ledger
	TypePolicy  Type = "policy"  // another policy is in force
	TypePayment Type = "payment" // a payment changed its state
	TypeMark    Type = "mark"    // an approval was handed over, or its void or a refund was asked for or answered
	TypeErase   Type = "erase"   // a payment's private parts were taken away
	TypeStop    Type = "stop"    // a clean stop began: what was held was given back, where the line was up
	TypeRoles   Type = "roles"   // others may sign from now on
	TypeFreeze  Type = "freeze"  // head office stopped goods or issuers, or lifts it

	// TypeQuarantine says that this register's rights are in doubt, for its
	// Reason; without one, that they are in order again.
	TypeQuarantine Type = "quarantine"

	// TypePruned says that the entries before First are deleted from here on, since
	// head office keeps a checkpoint over them, of Size and Root, and all they are.
	TypePruned Type = "pruned"
)

// The marks of a TypeMark entry.
const (
	MarkHandedOver = "handed-over"
	MarkVoid       = "void"
	MarkVoided     = "voided"

	MarkRefund        = "refund"         // asked for
	MarkRefunded      = "refunded"       // the backend gave the money back
	MarkRefundRefused = "refund-refused" // the backend did not

	MarkSetAside = "set-aside" // what waited for it cannot be told: head office settles it
)

// Spend is what a payment takes of one store cap. Its fields, and those of Entry
// and Private, stand in the order of their names in JSON: see canonical.
type Spend struct {
	Cap    terminal.CapID       `json:"cap"`
	Units  int64                `json:"units"`
	Window terminal.BusinessDay `json:"window"`
	Yen    int64                `json:"yen"`
}

// Entry is the public part of one change. Seq counts from 0 without a gap and
// is the leaf's index in the tree.
type Entry struct {
	Amount      int64                `json:"amount,omitempty"` // whole units of Currency; of a refund where Refund names one
	Approval    string               `json:"approval_code,omitempty"`
	Bearer      string               `json:"bearer,omitempty"` // who pays for a rejected advice
	Day         terminal.BusinessDay `json:"business_day,omitempty"`
	By          string               `json:"by,omitempty"`         // who set the mark: "cashier" or "next-sale"
	Categories  []terminal.Category  `json:"categories,omitempty"` // of the goods, sorted
	Currency    string               `json:"currency,omitempty"`
	First       int64                `json:"first,omitempty"`  // entry that stays: those before it go
	Freeze      int64                `json:"freeze,omitempty"` // version in force
	Incarnation terminal.Incarnation `json:"incarnation"`
	Mark        string               `json:"mark,omitempty"`
	Offline     bool                 `json:"offline,omitempty"`
	Payment     terminal.PaymentID   `json:"payment,omitempty"`
	Policy      int64                `json:"policy,omitempty"`  // version in force
	Private     string               `json:"private,omitempty"` // salted hash of the private part, hex
	Reason      terminal.Reason      `json:"reason,omitempty"`
	Refund      terminal.RefundID    `json:"refund,omitempty"`
	Revision    int64                `json:"revision,omitempty"`
	Roles       int64                `json:"roles,omitempty"` // version in force
	Root        string               `json:"root,omitempty"`  // of the tree of Size, hex
	Sale        terminal.SaleRef     `json:"sale,omitempty"`
	SaleHash    string               `json:"sale_hash,omitempty"`
	Seq         int64                `json:"seq"`
	Size        int64                `json:"size,omitempty"`
	Spends      []Spend              `json:"spends,omitempty"`
	State       terminal.State       `json:"state,omitempty"`
	Time        terminal.Millis      `json:"time"`
	Type        Type                 `json:"type"`
	Version     int                  `json:"v"`
	Void        terminal.VoidID      `json:"void,omitempty"`
}

// Private is what is kept beside an entry and may be erased.
type Private struct {
	Account terminal.AccountKey `json:"account,omitempty"`
	Code    terminal.CodeKind   `json:"code,omitempty"`
	Issuer  string              `json:"issuer,omitempty"`
	Masked  string              `json:"masked,omitempty"`
	Seen    terminal.SeenKey    `json:"seen,omitempty"`
}

// ErrLeaf says that bytes are no leaf of this version.
var ErrLeaf = errors.New("these bytes are no canonical journal leaf of version 1: the journal was written by another release, or changed")

// exact is the largest whole number that RFC 8785 writes exactly: its numbers
// are doubles.
const exact = 1<<53 - 1

// Leaf gives the canonical bytes of e, or an error where a number is too large
// to be written exactly: its leaf would be that of another entry.
func (e Entry) Leaf() ([]byte, error) {
	numbers := []int64{e.Seq, int64(e.Time), e.Revision, e.Amount, e.Policy, e.Freeze, e.Roles, e.First, e.Size}
	for _, s := range e.Spends {
		numbers = append(numbers, s.Yen, s.Units)
	}
	for _, n := range numbers {
		if n > exact || n < -exact {
			return nil, fmt.Errorf("journal: %d is beyond what a leaf can hold", n)
		}
	}
	e.Version = Version
	return canonical(e)
}

// SaltSize is the size in bytes of a private part's salt, so that a hash cannot
// be tried against guessed accounts.
const SaltSize = 32

// Seal gives the canonical bytes of p and their salted hash in hex:
// SHA-256 over the salt and the bytes.
func (p Private) Seal(salt [SaltSize]byte) (private []byte, hash string, err error) {
	private, err = canonical(p)
	if err != nil {
		return nil, "", err
	}
	return private, HashPrivate(salt, private), nil
}

// HashPrivate gives the hash that an entry holds for a private part.
func HashPrivate(salt [SaltSize]byte, private []byte) string {
	sum := sha256.Sum256(append(salt[:], private...))
	return hex.EncodeToString(sum[:])
}

// Parse reads a leaf. It gives ErrLeaf, wrapped, for bytes that are not exactly
// what Leaf makes.
func Parse(leaf []byte) (Entry, error) {
	var e Entry
	d := json.NewDecoder(bytes.NewReader(leaf))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return Entry{}, fmt.Errorf("%w", ErrLeaf)
	}
	again, err := e.Leaf()
	if err != nil || e.Version != Version || !bytes.Equal(again, leaf) {
		return Entry{}, fmt.Errorf("%w", ErrLeaf)
	}
	return e, nil
}

// canonical gives the bytes of RFC 8785. encoding/json writes the same where the
// fields of v stand in the order of their names, its numbers are whole and exact,
// and no character is written as an escape.
func canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("journal: entry cannot be written as JSON: %w", err)
	}
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain, nil
	}
	out, err := jcs.Transform(plain)
	if err != nil {
		return nil, fmt.Errorf("journal: entry has no canonical form: %w", err)
	}
	return out, nil
}
