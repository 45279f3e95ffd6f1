package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// followEvery is how often --follow looks for new entries: as soon as a person
// notices, and no load on the disk.
const followEvery = 500 * time.Millisecond

// filter says which entries to show. A field that is not set lets all through.
type filter struct {
	since, until       time.Time
	reasons, types     []string
	categories         []string
	least, most        int64 // yen; most 0: no upper bound
	payment            terminal.PaymentID
	sinceText, untilTo string // as they were written
}

func (f filter) takes(e journal.Entry) bool {
	at := e.Time.Time()
	switch {
	case !f.since.IsZero() && at.Before(f.since),
		!f.until.IsZero() && !at.Before(f.until),
		len(f.reasons) > 0 && !slices.Contains(f.reasons, string(e.Reason)),
		len(f.types) > 0 && !slices.Contains(f.types, string(e.Type)),
		e.Amount < f.least,
		f.most > 0 && (e.Amount > f.most || !hasAmount(e)),
		f.payment != "" && e.Payment != f.payment:
		return false
	}
	return len(f.categories) == 0 || slices.ContainsFunc(e.Categories, func(c terminal.Category) bool {
		return slices.Contains(f.categories, string(c))
	})
}

// entryTypes are all that a journal can have.
var entryTypes = []string{
	string(journal.TypeStart), string(journal.TypeStop), string(journal.TypePolicy), string(journal.TypeFreeze), string(journal.TypeRoles),
	string(journal.TypePayment), string(journal.TypeMark), string(journal.TypeErase), string(journal.TypePruned), string(journal.TypeQuarantine),
}

// check refuses a type or reason that no entry can have: an empty answer would
// say that nothing happened.
func (f filter) check() error {
	for _, name := range f.types {
		if !slices.Contains(entryTypes, name) {
			return fmt.Errorf("no entry is of the type %q: there are %s", name, strings.Join(entryTypes, ", "))
		}
	}
	reasons := register.Doubts()
	for _, r := range terminal.Reasons() {
		reasons = append(reasons, string(r))
	}
	for _, name := range f.reasons {
		if !slices.Contains(reasons, name) {
			return fmt.Errorf("there is no reason %q: there are %s", name, strings.Join(reasons, ", "))
		}
	}
	return nil
}

// logs is "sekisho logs".
func (s *staff) logs() *cobra.Command {
	var f filter
	var follow bool
	var format string
	cmd := &cobra.Command{
		Use: "logs", Short: "Show what the register decided", Args: cobra.NoArgs,
		Long: "Logs shows the journal's entries, oldest first. Times are those of the store's clock. An entry of a\n" +
			"payment names the categories of its goods; marks on a payment do not repeat them.",
		Example: "  sekisho logs --since 24h --reason cap.store,cap.offline\n" +
			"  sekisho logs --since 2026-01-05 --until 2026-01-06 --category tobacco --format csv > tobacco.csv\n" +
			"  sekisho logs --payment 019b8c1e-7a00-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			zone := s.zone(ctx)
			write, err := writer(format, s.out, zone)
			if err != nil {
				return person(err)
			}
			if err = f.check(); err == nil {
				f.since, err = moment(f.sinceText, s.now(), zone)
			}
			if err == nil {
				f.until, err = moment(f.untilTo, s.now(), zone)
			}
			if err != nil {
				return person(err)
			}
			return s.withLedger(ctx, func(l ledger) error {
				if err := s.begins(ctx, l, f); err != nil {
					return err
				}
				return show(ctx, l, f, follow, write)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.sinceText, "since", "", "from this `TIME` on, or how long ago: 2026-01-05, \"2026-01-05 18:30\", 90m")
	flags.StringVar(&f.untilTo, "until", "", "before this `TIME`")
	flags.StringSliceVar(&f.reasons, "reason", nil, "with one of these reason `CODES`, such as cap.store")
	flags.StringSliceVar(&f.types, "type", nil, "of one of these `TYPES`: "+strings.Join(entryTypes, ", "))
	flags.StringSliceVar(&f.categories, "category", nil, "payments of goods of one of these `CATEGORIES`")
	flags.Int64Var(&f.least, "min-amount", 0, "of at least so many `YEN`")
	flags.Int64Var(&f.most, "max-amount", 0, "of at most so many `YEN`")
	flags.StringVar((*string)(&f.payment), "payment", "", "of this payment `ID`")
	flags.BoolVar(&follow, "follow", false, "go on with new entries until stopped")
	flags.StringVar(&format, "format", "table", "table, json (one object a line) or csv")
	return cmd
}

// begins says where the journal begins, to who asks for what may lie before it.
func (s *staff) begins(ctx context.Context, l ledger, f filter) error {
	first, _, err := l.Span(ctx)
	if err != nil || first == 0 {
		return err
	}
	leaves, err := l.Entries(ctx, first, 1)
	if err != nil || len(leaves) == 0 {
		return err
	}
	var e journal.Entry
	if json.Unmarshal(leaves[0].Bytes, &e) != nil || !f.since.After(e.Time.Time()) {
		fmt.Fprintf(s.err, "the journal begins with entry %d here: what is older is with head office\n", first)
	}
	return nil
}

// show writes the entries that f takes, and with follow those that come.
func show(ctx context.Context, l ledger, f filter, follow bool, w entryWriter) error {
	visit := func(leaf register.Leaf) error {
		var e journal.Entry
		if err := json.Unmarshal(leaf.Bytes, &e); err != nil {
			return fmt.Errorf("entry %d cannot be read: run sekisho verify", leaf.Seq)
		}
		if !f.takes(e) {
			return nil
		}
		return w.write(e, leaf.Bytes)
	}
	from, err := f.entries(ctx, l, visit)
	for err == nil && follow {
		if err = w.flush(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
		from, err = each(ctx, l, from, visit)
	}
	if err != nil && (!follow || ctx.Err() == nil) {
		return err
	}
	return w.flush()
}

// entries visits what is there now; the entries of one payment are found by
// their index, without reading the rest.
func (f filter) entries(ctx context.Context, l ledger, visit func(register.Leaf) error) (int64, error) {
	if f.payment == "" {
		return each(ctx, l, 0, visit)
	}
	end, err := size(ctx, l)
	if err != nil {
		return 0, err
	}
	leaves, err := l.CaseEntries(ctx, f.payment)
	if err != nil {
		return 0, err
	}
	for _, leaf := range leaves {
		if leaf.Seq >= end {
			break // it is seen again by who follows
		}
		if err := visit(leaf); err != nil {
			return 0, err
		}
	}
	return end, nil
}

// entryWriter writes entries in one format.
type entryWriter interface {
	write(e journal.Entry, leaf []byte) error
	flush() error
}

func writer(format string, out io.Writer, zone *time.Location) (entryWriter, error) {
	switch format {
	case "table":
		return newTable(out, zone), nil
	case "json":
		return jsonLines{out}, nil
	case "csv":
		return newCSV(out, zone), nil
	}
	return nil, fmt.Errorf("%q is no format: table, json or csv", format)
}
