package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
)

// ExportVersion is the version of an export's form.
const ExportVersion = 1

// Export is the entries that name one payment, each with the proof that it is in
// the tree of the given size and root: for the police and for compensation. It
// proves that these entries were written, not that there are no others.
type Export struct {
	Version int                `json:"v"`
	Origin  string             `json:"origin"` // the journal's name, as in its checkpoints
	Payment terminal.PaymentID `json:"payment"`
	Size    int64              `json:"size"`
	Root    tlog.Hash          `json:"root"`            // base64
	Newer   int64              `json:"newer,omitempty"` // entries of the payment that came after this tree
	Entries []Exhibit          `json:"entries"`
}

// Exhibit is one entry of an export.
type Exhibit struct {
	Leaf    string      `json:"leaf"`              // its canonical bytes
	Private string      `json:"private,omitempty"` // "" where there is none, or it was erased
	Salt    string      `json:"salt,omitempty"`    // hex
	Proof   []tlog.Hash `json:"proof"`             // base64; RFC 6962, 2.1.1
}

// Shown is what a verified exhibit says.
type Shown struct {
	Entry   Entry
	Private *Private // nil where there is none, or it was erased
}

// The errors of an export.
var (
	// ErrExport says that an export does not hold. It is wrapped with what of it
	// does not.
	ErrExport = errors.New("this export proves nothing")
	// ErrOtherTree says that an export is held against a checkpoint of another
	// size: neither right nor wrong.
	ErrOtherTree = errors.New("the export and the checkpoint are of different sizes of the journal")
)

// Prove puts the proof to each entry against the tree of e's size and root.
func (e *Export) Prove(stored tlog.HashReader) error {
	for i, x := range e.Entries {
		entry, err := Parse([]byte(x.Leaf))
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(e.Size, entry.Seq, stored)
		if err != nil {
			return fmt.Errorf("journal: no proof of entry %d: %w", entry.Seq, err)
		}
		e.Entries[i].Proof = proof
	}
	return nil
}

// ParseExport reads an export's JSON. It takes no key that it does not know, and
// nothing after it that would look proved to who reads the file.
func ParseExport(text []byte) (Export, error) {
	var e Export
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil || trailing(d) {
		return Export{}, fmt.Errorf("%w: it is not of the form that docs/journal.md describes", ErrExport)
	}
	if e.Version != ExportVersion {
		return Export{}, fmt.Errorf("%w: its form is version %d, and this release reads %d", ErrExport, e.Version, ExportVersion)
	}
	return e, nil
}

func trailing(d *json.Decoder) bool {
	_, err := d.Token()
	return err != io.EOF
}

// Verify holds the export against the head that a checkpoint of the journal of
// the given origin names, and gives what its entries say. The error wraps
// ErrExport or ErrOtherTree.
func (e Export) Verify(origin string, head Head) ([]Shown, error) {
	if e.Origin != origin {
		return nil, fmt.Errorf("%w: it is from %q, the checkpoint from %q", ErrExport, e.Origin, origin)
	}
	if e.Size != head.Size {
		return nil, fmt.Errorf("%w: %d and %d entries", ErrOtherTree, e.Size, head.Size)
	}
	if e.Root != head.Root {
		return nil, fmt.Errorf("%w: the journal that it is from is not the one of the checkpoint", ErrExport)
	}
	if len(e.Entries) == 0 {
		return nil, fmt.Errorf("%w: it has no entries", ErrExport)
	}
	var shown []Shown
	last := int64(-1)
	for _, x := range e.Entries {
		s, err := x.open(head)
		if err != nil {
			return nil, err
		}
		if s.Entry.Payment != e.Payment || s.Entry.Seq <= last {
			return nil, fmt.Errorf("%w: entry %d is of another payment, or in the wrong place", ErrExport, s.Entry.Seq)
		}
		last = s.Entry.Seq
		shown = append(shown, s)
	}
	return shown, nil
}

// open checks one exhibit's place in the tree and its private part.
func (x Exhibit) open(head Head) (Shown, error) {
	entry, err := Parse([]byte(x.Leaf))
	if err != nil {
		return Shown{}, fmt.Errorf("%w: %w", ErrExport, err)
	}
	if err := tlog.CheckRecord(x.Proof, head.Size, head.Root, entry.Seq, tlog.RecordHash([]byte(x.Leaf))); err != nil {
		return Shown{}, fmt.Errorf("%w: entry %d is not in the journal: %w", ErrExport, entry.Seq, err)
	}
	if x.Private == "" {
		return Shown{Entry: entry}, nil
	}
	private, err := OpenPrivate(entry, []byte(x.Private), x.Salt)
	if err != nil {
		return Shown{}, fmt.Errorf("%w: %w", ErrExport, err)
	}
	return Shown{Entry: entry, Private: private}, nil
}

// OpenPrivate checks that a private part and its salt, in hex, are those that an
// entry was written with, and reads it.
func OpenPrivate(e Entry, private []byte, salt string) (*Private, error) {
	raw, err := hex.DecodeString(salt)
	if err != nil || len(raw) != SaltSize || HashPrivate([SaltSize]byte(raw), private) != e.Private {
		return nil, fmt.Errorf("the private part of entry %d is not the one that it was written with", e.Seq)
	}
	p := new(Private)
	if err := json.Unmarshal(private, p); err != nil {
		return nil, fmt.Errorf("the private part of entry %d cannot be read", e.Seq)
	}
	return p, nil
}
