package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sekisho/terminal"
)

// setAside is "sekisho payments set-aside".
func (s *staff) setAside() *cobra.Command {
	return &cobra.Command{
		Use: "set-aside ID", Short: "Send nothing more about a payment whose message can never be taken", Args: cobra.ExactArgs(1),
		Long: "Set-aside ends by hand what resolve cannot: the message of a payment is parked, since it cannot be sent or\n" +
			"the backend does not take it, and head office said that it never will. Nothing more is sent about the\n" +
			"payment; what was to be sent stays in the ledger (sekisho payments --aside --json) and the journal says so.\n" +
			"Head office settles the payment by hand. It cannot be taken back, and declares no outcome.",
		Example: "  sekisho payments set-aside 019b8c1e-7a00-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.call(cmd.Context(), "POST", paymentPath(terminal.PaymentID(args[0]), "/set-aside"), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "payment %s: set aside\n-> send head office: sekisho payments --aside --json, and sekisho export --payment %s\n", args[0], args[0])
			return nil
		},
	}
}

// asideItem is what was set aside, as head office gets it.
type asideItem struct {
	ID      int64              `json:"id"`
	Kind    string             `json:"kind"`
	Payment terminal.PaymentID `json:"payment"`
	Body    []byte             `json:"body"` // as it lay in the outbox, base64: it may be no JSON
}

// writeAside writes what was set aside, oldest first.
func (s *staff) writeAside(ctx context.Context, l ledger, asJSON bool) error {
	list, err := l.Aside(ctx)
	if err != nil {
		return err
	}
	items := make([]asideItem, len(list))
	for i, o := range list {
		items[i] = asideItem{o.ID, string(o.Kind), o.Payment, o.Body}
	}
	if asJSON {
		return s.writeJSON(struct {
			Aside []asideItem `json:"aside"`
		}{items})
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ITEM\tKIND\tBYTES\tPAYMENT")
	for _, i := range items {
		fmt.Fprintf(t, "%d\t%s\t%d\t%s\n", i.ID, printable(i.Kind), len(i.Body), printable(string(i.Payment)))
	}
	return t.Flush()
}
