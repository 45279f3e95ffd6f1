package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"sekisho/terminal"
)

// rejectedOf gives the payments that were approved without the line and that the
// backend refused afterwards.
func rejectedOf(list []terminal.Payment) []terminal.Payment {
	return slices.DeleteFunc(slices.Clone(list), func(p terminal.Payment) bool { return p.State != terminal.Rejected })
}

// loss is what one bearer pays for on one business day.
type loss struct {
	day    terminal.BusinessDay
	bearer string
}

// losses sums rejected payments by the business day of the sale and by who bears
// them.
func losses(list []terminal.Payment) map[loss]terminal.Yen {
	sums := map[loss]terminal.Yen{}
	for _, p := range list {
		sums[loss{p.Day, bearerOf(p)}] += p.Amount
	}
	return sums
}

// bearerOf is who pays; a backend that named nobody leaves it to be asked.
func bearerOf(p terminal.Payment) string {
	if p.Bearer == "" {
		return "not told"
	}
	return printable(p.Bearer)
}

// writeRejected writes rejected payments for people, and what each day cost whom.
func writeRejected(out io.Writer, list []terminal.Payment, zone *time.Location) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CREATED\tNUMBER\tREASON\tBEARER\tYEN\tSALE\tPAYMENT")
	for _, p := range list {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%s\n", p.Created.Time().In(zone).Format("2006-01-02 15:04:05"), p.Number,
			printable(string(p.Reason)), bearerOf(p), int64(p.Amount), printable(string(p.Sale)), p.ID)
	}
	sums := losses(list)
	byDay := func(a, b loss) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.bearer, b.bearer)) }
	fmt.Fprintln(t, "\nBUSINESS DAY\tBEARER\tYEN")
	for _, k := range slices.SortedFunc(maps.Keys(sums), byDay) {
		fmt.Fprintf(t, "%s\t%s\t%d\n", k.day, k.bearer, int64(sums[k]))
	}
	return t.Flush()
}
