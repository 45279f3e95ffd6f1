package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// errUnnamed asks for the flag without which there is nothing to do.
var errUnnamed = person(errors.New("say which payment: --payment ID"))

// export is "sekisho export".
func (s *staff) export() *cobra.Command {
	var payment, out, checkpoint string
	cmd := &cobra.Command{
		Use: "export", Short: "Write the entries of one payment with their proofs", Args: cobra.NoArgs,
		Long: "Export writes everything that the journal says of one payment, for the police or for compensation, in\n" +
			"a form that anybody can check: see docs/journal.md. It holds what was kept of the customer's account,\n" +
			"so treat it as such. Give the checkpoint that the backend kept: then the export is proved against it.",
		Example: "  sekisho export --payment 019b8c1e-7a00-7000-8000-000000000001 --checkpoint backend.note --out case.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if payment == "" {
				return errUnnamed
			}
			told, err := s.told(checkpoint, "")
			if err != nil {
				return err
			}
			return s.withLedger(cmd.Context(), func(l ledger) error {
				e, err := s.exported(cmd.Context(), l, terminal.PaymentID(payment), told)
				if err != nil {
					return err
				}
				return s.save(e, out)
			})
		},
	}
	cmd.Flags().StringVar(&payment, "payment", "", "the payment's `ID`")
	cmd.Flags().StringVar(&out, "out", "", "write to this `FILE` instead of the screen; it must not be there")
	cmd.Flags().StringVar(&checkpoint, "checkpoint", "", "`FILE` with a checkpoint that the backend kept, to prove against")
	return cmd
}

// exported makes the export against the backend's checkpoint, or against the
// journal as it is now where none was given.
func (s *staff) exported(ctx context.Context, l ledger, id terminal.PaymentID, told *checkpointed) (journal.Export, error) {
	origin, err := s.origin()
	if err != nil {
		return journal.Export{}, person(err)
	}
	p, err := paymentOf(ctx, l, id)
	if err != nil {
		return journal.Export{}, err
	}
	leaves, err := l.CaseEntries(ctx, id)
	if err != nil {
		return journal.Export{}, err
	}
	first, end, err := l.Span(ctx)
	if err != nil {
		return journal.Export{}, err
	}
	if err := s.cut(p, first, len(leaves)); err != nil {
		return journal.Export{}, err
	}
	if told != nil {
		if end < told.head.Size {
			return journal.Export{}, s.compare(told, journal.Head{}, end)
		}
		end = told.head.Size
	}
	at, err := head(ctx, l, end)
	if err != nil {
		return journal.Export{}, err
	}
	if told != nil && told.head != at {
		return journal.Export{}, s.compare(told, at, end)
	}
	e := journal.Export{Version: journal.ExportVersion, Origin: origin, Payment: id, Size: at.Size, Root: at.Root}
	for _, leaf := range leaves {
		if leaf.Seq >= end {
			e.Newer++
			continue
		}
		e.Entries = append(e.Entries, journal.Exhibit{
			Leaf: string(leaf.Bytes), Private: string(leaf.Private), Salt: hex.EncodeToString(leaf.Salt),
		})
	}
	if len(e.Entries) == 0 {
		return e, errors.New("all entries of this payment are newer than the checkpoint: ask for a later one, the register sends one a minute while the line is up")
	}
	return e, e.Prove(stored(ctx, l))
}

// cut says which of a payment's entries are not kept here any more.
func (s *staff) cut(p terminal.Payment, first int64, left int) error {
	switch {
	case p.Number >= first:
		return nil
	case left == 0:
		return fmt.Errorf("the journal begins with entry %d here, and the entries of this payment, from %d on, are older: head office has them; ask there for the export", first, p.Number)
	}
	fmt.Fprintf(s.err, "the journal begins with entry %d here: what this payment has before it, from entry %d on, is with head office and not in this export\n", first, p.Number)
	return nil
}

// save writes the export for its owner alone, and never over another file.
func (s *staff) save(e journal.Export, file string) error {
	text, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if file == "" {
		_, err = s.out.Write(text)
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return person(fmt.Errorf("the export cannot be written: %w", err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d entries of payment %s, proved against the journal of %d entries, root %s\n", len(e.Entries), e.Payment, e.Size, journal.Head{Size: e.Size, Root: e.Root}.Hex())
	if e.Newer > 0 {
		fmt.Fprintf(s.err, "%d entries are newer than the checkpoint and not in it\n", e.Newer)
	}
	return nil
}
