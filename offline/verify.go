package offline

import (
	"context"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// verifyLeaves is how many leaves, or payments, are looked at in one view.
const verifyLeaves = 256

// VerifyAll reads the whole ledger and gives the journal's head, which a
// checkpoint can be held against. It finds:
//
//   - of the file: what SQLite itself finds (integrity_check), and rows that
//     belong to nothing;
//   - of the journal: a leaf that is not of this form, does not bear its own
//     number or does not hash to what is stored, a hash that does not follow from
//     those below, a private part that does not fit its entry, an entry whose
//     payment is gone; of what was pruned, only that its hashes follow from each
//     other;
//   - of what is not in the tree: a payment that is not what its last entry says,
//     or has marks that no entry tells of; tallies and columns that are not what
//     the payment says; a counter that has less used than the payments that count
//     reserved; a code seen, a policy version or a quarantine that is not the
//     journal's.
//
// A payment whose first entries were pruned is held against those that are left.
//
// It does not find a change to what no entry tells of: granted, returned, sent
// and got of a counter, which the backend holds against its own; until when a
// code is kept; the body of an outbox item, which the backend checks; the lines of
// an open sale; the text of a signed note, which is checked when it is used; the
// clock's mark and the number of commits.
//
// The error wraps ErrDamaged and names what is wrong. Decisions go on meanwhile;
// those that come later are not looked at.
func (r reads) VerifyAll(ctx context.Context) (journal.Head, error) {
	var head journal.Head
	err := r.lend(func(db *sql.DB) (err error) {
		head, err = verify(ctx, db)
		return err
	})
	if err != nil {
		return head, fmt.Errorf("offline: verify: %w", opened(err))
	}
	return head, nil
}

// Verify is VerifyAll for who has no use for the head.
func (r reads) Verify(ctx context.Context) error {
	_, err := r.VerifyAll(ctx)
	return err
}

func verify(ctx context.Context, db *sql.DB) (journal.Head, error) {
	if err := verifyFile(ctx, db); err != nil {
		return journal.Head{}, err
	}
	head, said, err := verifyJournal(ctx, db)
	if err != nil {
		return head, err
	}
	if err := verifyStanding(ctx, db, head, said); err != nil {
		return head, err
	}
	if err := verifyPayments(ctx, db); err != nil {
		return head, err
	}
	return head, verifyRows(ctx, db)
}

// inView runs look in one view of the ledger. Each is short: while one lasts the
// log cannot be emptied, which a store that mends itself waits for.
func inView(ctx context.Context, db *sql.DB, look func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return look(tx)
}

// verifyJournal makes the tree anew from its leaves.
func verifyJournal(ctx context.Context, db *sql.DB) (journal.Head, said, error) {
	var want tree
	var what said
	err := inView(ctx, db, func(tx *sql.Tx) (err error) {
		want, err = readTree(ctx, tx)
		return err
	})
	if err != nil {
		return journal.Head{}, what, err
	}
	g := tree{}.grow()
	g.known = map[int64]tlog.Hash{}
	for g.size < want.head.Size {
		err := inView(ctx, db, func(tx *sql.Tx) error {
			return verifyBatch(ctx, tx, g, want.head.Size, &what)
		})
		if err != nil {
			return want.head, what, err
		}
	}
	return want.head, what, nil
}

func verifyBatch(ctx context.Context, tx *sql.Tx, g *growing, size int64, what *said) error {
	leaves, err := entries(ctx, tx, g.size, int(min(verifyLeaves, size-g.size)))
	if err == nil {
		leaves, err = notPruned(ctx, tx, g.size, leaves)
	}
	if first, is := pruned(err); is {
		return verifyPruned(ctx, tx, g, first, size)
	}
	if err != nil {
		return err
	}
	if len(leaves) == 0 {
		return fmt.Errorf("%w: entry %d is missing", ErrDamaged, g.size)
	}
	for _, l := range leaves {
		e, err := verifyLeaf(ctx, tx, g, l)
		if err != nil {
			return err
		}
		what.hear(e)
	}
	return g.forget()
}

func verifyLeaf(ctx context.Context, tx *sql.Tx, g *growing, l register.Leaf) (journal.Entry, error) {
	seq := g.size
	if l.Seq != seq {
		return journal.Entry{}, fmt.Errorf("%w: entry %d is missing", ErrDamaged, seq)
	}
	e, err := fits(l)
	if err != nil {
		return e, err
	}
	return e, verifyHashes(ctx, tx, g, tlog.RecordHash(l.Bytes))
}

// verifyHashes appends a leaf by its hash, and holds what is stored for it against
// what follows from it.
func verifyHashes(ctx context.Context, tx *sql.Tx, g *growing, leaf tlog.Hash) error {
	seq := g.size
	first, hashes, err := g.appendHash(leaf)
	if err != nil {
		return err
	}
	indexes := make([]int64, len(hashes))
	for i := range indexes {
		indexes[i] = first + int64(i)
	}
	kept, err := storedHashes(ctx, tx)(indexes)
	if err != nil {
		return err
	}
	for i := range hashes {
		if kept[i] != hashes[i] {
			return fmt.Errorf("%w: entry %d is not the one that was hashed", ErrDamaged, seq)
		}
	}
	return nil
}

// fits says whether leaf and private part belong to each other and to their
// place.
func fits(l register.Leaf) (journal.Entry, error) {
	e, err := journal.Parse(l.Bytes)
	if err != nil {
		return e, fmt.Errorf("%w: entry %d: %w", ErrDamaged, l.Seq, err)
	}
	if e.Seq != l.Seq {
		return e, fmt.Errorf("%w: entry %d says that it is entry %d", ErrDamaged, l.Seq, e.Seq)
	}
	if l.Private == nil {
		return e, nil
	}
	var salt [journal.SaltSize]byte
	if copy(salt[:], l.Salt) != journal.SaltSize || journal.HashPrivate(salt, l.Private) != e.Private {
		return e, fmt.Errorf("%w: the private part of entry %d is not the one that was hashed", ErrDamaged, l.Seq)
	}
	return e, nil
}

// forget drops from memory what further growth does not ask for.
func (g *growing) forget() error {
	t, err := g.tree()
	if err == nil {
		g.known = t.roots
	}
	return err
}
