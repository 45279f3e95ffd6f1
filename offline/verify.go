package offline

import (
	"context"
	"database/sql"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// verifyBatch is how many leaves Verify holds at once.
const verifyBatch = 256

// Verify reads the whole journal: every leaf is of this form, bears its own
// number and hashes to what is stored, every hash above follows from those
// below, and every private part that is still there fits its entry. The error
// wraps ErrDamaged and names the entry. Decisions go on meanwhile; they are not
// looked at.
func (s *Store) Verify(ctx context.Context) error {
	err := s.read(func(db *sql.DB) error { return verify(ctx, db) })
	if err != nil {
		return fmt.Errorf("offline: verify: %w", opened(err))
	}
	return nil
}

func verify(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil) // one view of the ledger
	if err != nil {
		return err
	}
	defer tx.Rollback()
	want, err := readTree(ctx, tx)
	if err != nil {
		return err
	}
	g := tree{}.grow()
	g.known = map[int64]tlog.Hash{}
	for g.size < want.head.Size {
		leaves, err := entries(ctx, tx, g.size, verifyBatch)
		if err != nil {
			return err
		}
		if len(leaves) == 0 {
			return fmt.Errorf("%w: entry %d is missing", ErrDamaged, g.size)
		}
		for _, l := range leaves {
			if err := verifyLeaf(ctx, tx, g, l); err != nil {
				return err
			}
		}
		if err := g.forget(); err != nil {
			return err
		}
	}
	return nil
}

func verifyLeaf(ctx context.Context, tx *sql.Tx, g *growing, l register.Leaf) error {
	seq := g.size
	if l.Seq != seq {
		return fmt.Errorf("%w: entry %d is missing", ErrDamaged, seq)
	}
	if err := fits(l); err != nil {
		return err
	}
	first, hashes, err := g.append(l.Bytes)
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
func fits(l register.Leaf) error {
	e, err := journal.Parse(l.Bytes)
	if err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrDamaged, l.Seq, err)
	}
	if e.Seq != l.Seq {
		return fmt.Errorf("%w: entry %d says that it is entry %d", ErrDamaged, l.Seq, e.Seq)
	}
	if l.Private == nil {
		return nil
	}
	var salt [journal.SaltSize]byte
	if copy(salt[:], l.Salt) != journal.SaltSize || journal.HashPrivate(salt, l.Private) != e.Private {
		return fmt.Errorf("%w: the private part of entry %d is not the one that was hashed", ErrDamaged, l.Seq)
	}
	return nil
}

// forget drops from memory what further growth does not ask for.
func (g *growing) forget() error {
	t, err := g.tree()
	if err == nil {
		g.known = t.roots
	}
	return err
}
