package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// verify is "sekisho verify".
func (s *staff) verify() *cobra.Command {
	var checkpoint, export, key string
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove the journal, or an export of it", Args: cobra.NoArgs,
		Long: "Verify reads the whole journal and makes its tree anew. That shows damage and clumsy changes. Who has\n" +
			"the register's key can write another journal that fits in itself: only a checkpoint that the backend\n" +
			"kept, given with --checkpoint, shows that the past is the one that was told. It shows the same of\n" +
			"entries that were pruned: their hashes are here, they themselves with head office. Another entry tells\n" +
			"that the register deleted them.\n\n" +
			"With --export it needs no register: only the export, the checkpoint and the register's public key,\n" +
			"which the backend has from enrolment.",
		Example: "  sekisho verify\n" +
			"  sekisho verify --checkpoint backend.note\n" +
			"  sekisho verify --export case.json --checkpoint backend.note --key sekisho/store-0001/r1+0123abcd+…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			told, err := s.told(checkpoint, key)
			if err != nil {
				return err
			}
			if export != "" {
				if checkpoint == "" || key == "" {
					return person(errors.New("an export is checked with --checkpoint and --key, both of which head office has: the checkpoint that the backend kept, and the register's key from enrolment"))
				}
				return s.verifyExport(export, told)
			}
			return s.withLedger(cmd.Context(), func(l ledger) error { return s.verifyLedger(cmd.Context(), l, told) })
		},
	}
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "`FILE` with a checkpoint that the backend kept")
	cmd.Flags().StringVar(&export, "export", "", "check this export `FILE` instead of the ledger")
	cmd.Flags().StringVar(&key, "key", "", "the register's checkpoint key `VKEY`; without it keys/register.key's")
	return cmd
}

// checkpointed is what the backend kept; nil where no checkpoint was given.
type checkpointed struct {
	origin string
	head   journal.Head
}

// told opens the checkpoint file, if one was given.
func (s *staff) told(file, key string) (*checkpointed, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, person(fmt.Errorf("the checkpoint cannot be read: %w", err))
	}
	var verifier note.Verifier
	if key != "" {
		if verifier, err = note.NewVerifier(key); err != nil {
			return nil, person(fmt.Errorf("--key is no verifier key (NAME+HASH+KEY): %w", err))
		}
	} else if verifier, err = s.checkpointKey(); err != nil {
		return nil, person(err)
	}
	head, err := journal.OpenCheckpoint(string(text), verifier.Name(), verifier)
	if err != nil {
		return nil, err
	}
	return &checkpointed{verifier.Name(), head}, nil
}

// errFound says which entry does not fit.
type errFound struct {
	seq  int64
	text string
}

func (e *errFound) Error() string {
	return fmt.Sprintf("entry %d %s: keep the ledger as it is, and tell head office", e.seq, e.text)
}

// verifyLedger proves every entry up to the present end, and holds the journal
// against what the backend kept. Of what was pruned the hashes are there: they
// prove the rest, and the backend's checkpoint proves them.
func (s *staff) verifyLedger(ctx context.Context, l ledger, told *checkpointed) error {
	begins, end, err := l.Span(ctx)
	if err != nil {
		return err
	}
	p := &proof{bare: map[terminal.PaymentID]int64{}}
	if told != nil {
		p.point = told.head.Size
	}
	if err := p.read(ctx, l, end); err != nil {
		return err
	}
	if err := errors.Join(hashesFit(ctx, l, p.tree.Head()), erased(ctx, l, p.bare)); err != nil {
		return err
	}
	by, err := prunedBy(ctx, l, begins, p.prunes)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "journal: %d entries, root %s\n", end, p.tree.Head().Hex())
	if p.first > 0 {
		fmt.Fprintf(s.out, "it begins with entry %d here: the hashes of those before it are in the tree, head office has the entries\n", p.first)
	}
	if by != nil {
		fmt.Fprintf(s.out, "entry %d tells that the register deleted them, once head office had all of a checkpoint of %d entries\n", by.Seq, by.Size)
	}
	return s.compare(told, p.then, end)
}

// proof is a journal's tree, made anew.
type proof struct {
	tree  journal.Replay
	size  int64                        // of the tree
	first int64                        // the first entry that is kept
	point int64                        // of which size then is
	then  journal.Head                 // the tree's head as it was
	bare  map[terminal.PaymentID]int64 // an entry of it without the private part that it had

	prunes []journal.Entry // those that tell of entries that were deleted
}

// read goes through the entries below end. Some may be pruned meanwhile.
func (p *proof) read(ctx context.Context, l ledger, end int64) error {
	for p.note(); p.size < end; {
		leaves, err := l.Entries(ctx, p.size, int(min(batch, end-p.size)))
		var gone *register.PrunedError
		switch {
		case errors.As(err, &gone):
			err = p.addPruned(ctx, l, min(gone.First, end))
		case err == nil && len(leaves) == 0:
			err = &errFound{p.size, "is missing"}
		}
		if err != nil {
			return err
		}
		for _, leaf := range leaves {
			if err := p.add(leaf); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *proof) add(leaf register.Leaf) error {
	e, err := fits(leaf, p.size)
	if err != nil {
		return err
	}
	if e.Type == journal.TypeErase {
		delete(p.bare, e.Payment)
	} else if e.Private != "" && leaf.Private == nil {
		p.bare[e.Payment] = e.Seq
	}
	if e.Type == journal.TypePruned {
		p.prunes = append(p.prunes, e)
	}
	p.tree.Add(leaf.Bytes)
	p.size++
	p.note()
	return nil
}

// addPruned goes on to the entry at first by the stored hashes of the leaves.
func (p *proof) addPruned(ctx context.Context, l ledger, first int64) error {
	for p.size < first {
		var at []int64
		for seq := p.size; seq < min(first, p.size+batch); seq++ {
			at = append(at, tlog.StoredHashIndex(0, seq))
		}
		hashes, err := l.Hashes(ctx, at)
		if err != nil {
			return err
		}
		for _, h := range hashes {
			p.tree.AddHash(h)
			p.size++
			p.note()
		}
	}
	p.first = first
	return nil
}

// note keeps the head of the checkpoint's size.
func (p *proof) note() {
	if p.size == p.point {
		p.then = p.tree.Head()
	}
}

// fits reads a leaf that is one, stands in its place, and has the private part
// that it was written with, or none.
func fits(leaf register.Leaf, seq int64) (journal.Entry, error) {
	if leaf.Seq != seq {
		return journal.Entry{}, &errFound{seq, "is missing"}
	}
	e, err := journal.Parse(leaf.Bytes)
	if err != nil || e.Seq != seq {
		return e, &errFound{seq, "is not what the register wrote"}
	}
	if leaf.Private == nil {
		return e, nil
	}
	if _, err := journal.OpenPrivate(e, leaf.Private, hex.EncodeToString(leaf.Salt)); err != nil {
		return e, &errFound{seq, "has another private part than it was written with"}
	}
	return e, nil
}

// erased says whether an entry tells of each private part that is gone that it
// was erased: who only deletes it hides whose money it was. The register may have
// erased one while the journal was read.
func erased(ctx context.Context, l ledger, bare map[terminal.PaymentID]int64) error {
	for id, seq := range bare {
		leaves, err := l.CaseEntries(ctx, id)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(leaves, func(leaf register.Leaf) bool {
			e, err := journal.Parse(leaf.Bytes)
			return err == nil && e.Type == journal.TypeErase && e.Seq > seq
		}) {
			return &errFound{seq, "has lost its private part, and no entry tells that it was erased"}
		}
	}
	return nil
}

// prunedBy gives the entry that tells that those before begins were deleted; nil
// where all are here. Who takes entries away by hand hides what happened before.
func prunedBy(ctx context.Context, l ledger, begins int64, prunes []journal.Entry) (*journal.Entry, error) {
	var by *journal.Entry
	for _, e := range prunes {
		kept, err := head(ctx, l, e.Size)
		if err != nil && !errors.Is(err, register.ErrNotFound) {
			return nil, err
		}
		if err != nil || e.First > e.Size || e.Size > e.Seq || e.Root != kept.Hex() {
			return nil, &errFound{e.Seq, "tells of a checkpoint that is not of this journal"}
		}
		if by == nil && e.First >= begins {
			by = &e
		}
	}
	if begins == 0 {
		return nil, nil
	}
	if by == nil {
		return nil, fmt.Errorf("the entries before %d are gone, and no entry tells that the register deleted them: a release before this one did, or somebody took them away. Keep the ledger as it is, and ask head office whether it has them", begins)
	}
	return by, nil
}

// hashesFit says whether the stored hashes, from which proofs are made, give the
// tree of the leaves.
func hashesFit(ctx context.Context, l ledger, want journal.Head) error {
	got, err := head(ctx, l, want.Size)
	if err != nil && !errors.Is(err, register.ErrNotFound) {
		return err
	}
	if err != nil || got != want {
		return errors.New("the stored hashes are not those of the entries: keep the ledger as it is, and tell head office")
	}
	return nil
}

// compare says what the backend's checkpoint says of this journal.
func (s *staff) compare(told *checkpointed, then journal.Head, end int64) error {
	switch {
	case told == nil:
		fmt.Fprintln(s.out, "not held against the backend: give --checkpoint to see whether the past is the one that was told")
		return nil
	case told.head.Size > end:
		return fmt.Errorf("the backend has a checkpoint of %d entries and this ledger has %d: it is older, or entries were taken away; keep it, and tell head office",
			told.head.Size, end)
	case told.head != then:
		return fmt.Errorf("the first %d entries are not those that the register told the backend: its past was changed; keep the ledger, and tell head office",
			told.head.Size)
	}
	fmt.Fprintf(s.out, "checkpoint: the first %d entries are those that the backend knows\n", told.head.Size)
	return nil
}

// verifyExport checks an export without a register.
func (s *staff) verifyExport(file string, told *checkpointed) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return person(fmt.Errorf("the export cannot be read: %w", err))
	}
	e, err := journal.ParseExport(text)
	if err != nil {
		return err
	}
	shown, err := e.Verify(told.origin, told.head)
	if errors.Is(err, journal.ErrOtherTree) {
		return person(fmt.Errorf("%w; export it again on the register with --checkpoint and this checkpoint", err))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "export: %d entries of payment %s are in the journal of %s, of %d entries\n", len(shown), e.Payment, e.Origin, e.Size)
	if n := without(shown); n > 0 {
		fmt.Fprintf(s.out, "%d of them have no private part in this file: it was erased on the register, or taken out here\n", n)
	}
	if e.Newer > 0 {
		fmt.Fprintf(s.out, "the register says that %d more came after that checkpoint\n", e.Newer)
	}
	t := newTable(s.out, storeZone)
	for _, x := range shown {
		if err := t.write(x.Entry, nil); err != nil {
			return err
		}
	}
	return t.flush()
}

// without counts the entries whose private part is not there.
func without(shown []journal.Shown) int {
	n := 0
	for _, x := range shown {
		if x.Entry.Private != "" && x.Private == nil {
			n++
		}
	}
	return n
}
