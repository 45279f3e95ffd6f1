package main

import (
	"fmt"
	"io"
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

// bearerOf is who pays; a backend that named nobody leaves it to be asked.
func bearerOf(name string) string {
	if name == "" {
		return "not told"
	}
	return printable(name)
}

// writeRejected writes rejected payments for people, and what each day cost whom.
func writeRejected(out io.Writer, list []terminal.Payment, zone *time.Location) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CREATED\tNUMBER\tREASON\tBEARER\tYEN\tSALE\tPAYMENT")
	for _, p := range list {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%s\n", p.Created.Time().In(zone).Format("2006-01-02 15:04:05"), p.Number,
			printable(string(p.Reason)), bearerOf(p.Bearer), int64(p.Amount), printable(string(p.Sale)), p.ID)
	}
	fmt.Fprintln(t, "\nBUSINESS DAY\tBEARER\tYEN")
	for _, l := range terminal.Losses(list) {
		fmt.Fprintf(t, "%s\t%s\t%d\n", l.Day, bearerOf(l.Bearer), int64(l.Yen))
	}
	return t.Flush()
}
