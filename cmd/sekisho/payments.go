package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"sekisho/terminal"
)

// payments is "sekisho payments" and what belongs to it.
func (s *staff) payments() *cobra.Command {
	var unresolved, rejected, aside, asJSON bool
	var since string
	cmd := &cobra.Command{
		Use: "payments", Short: "List payments, and help one on", Args: cobra.NoArgs,
		Long: "Payments lists the payments of the last 24 hours, or since --since, as they stand now. With --unresolved\n" +
			"it lists those on which register and backend have yet to agree, however old. With --rejected it\n" +
			"lists those that were approved without the line and refused afterwards, and who bears them, day by day.",
		Example: "  sekisho payments --unresolved\n  sekisho payments show 019b8c1e-7a00-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return s.withLedger(ctx, func(l ledger) error {
				if aside {
					return s.writeAside(ctx, l, asJSON)
				}
				list, err := s.listed(ctx, l, unresolved, since)
				if err != nil {
					return err
				}
				if rejected {
					list = rejectedOf(list)
				}
				if asJSON {
					return s.writeJSON(struct {
						Payments []terminal.Payment `json:"payments"`
					}{append([]terminal.Payment{}, list...)})
				}
				if rejected {
					return writeRejected(s.out, list, s.zone(ctx))
				}
				return s.tabulate(ctx, list)
			})
		},
	}
	cmd.Flags().BoolVar(&unresolved, "unresolved", false, "only those on which register and backend have yet to agree")
	cmd.Flags().BoolVar(&rejected, "rejected", false, "only those approved without the line and refused afterwards, and who bears them")
	cmd.Flags().BoolVar(&aside, "aside", false, "only what was set aside, which head office settles; with --json what was to be sent")
	cmd.MarkFlagsMutuallyExclusive("unresolved", "rejected", "aside")
	cmd.Flags().StringVar(&since, "since", "24h", "from this `TIME` on, or how long ago")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.AddCommand(s.showPayment(), s.resolve(), s.setAside(), s.refund())
	return cmd
}

// listed gives the payments to show, oldest first.
func (s *staff) listed(ctx context.Context, l ledger, unresolved bool, since string) ([]terminal.Payment, error) {
	if unresolved {
		return l.Unresolved(ctx)
	}
	from, err := moment(since, s.now(), s.zone(ctx))
	if err != nil {
		return nil, person(err)
	}
	ids, err := paymentsSince(ctx, l, terminal.MillisOf(from))
	if err != nil {
		return nil, err
	}
	var list []terminal.Payment
	for _, id := range ids {
		p, err := paymentOf(ctx, l, id)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// tabulate writes payments for people.
func (s *staff) tabulate(ctx context.Context, list []terminal.Payment) error {
	zone := s.zone(ctx)
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CREATED\tNUMBER\tSTATE\tREASON\tYEN\tSALE\tPAYMENT")
	for _, p := range list {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%s\n", p.Created.Time().In(zone).Format("2006-01-02 15:04:05"), p.Number,
			standing(p), printable(string(p.Reason)), int64(p.Amount), printable(string(p.Sale)), p.ID)
	}
	return t.Flush()
}

// standing is a payment's state and the marks on it.
func standing(p terminal.Payment) string {
	text := string(p.State)
	switch {
	case p.Void != nil && p.Void.Acknowledged:
		text += ", voided"
	case p.Void != nil:
		text += ", void not acknowledged"
	case p.HandedOver != "":
		text += ", handed over"
	}
	if back := p.Refunded(); back > 0 {
		text += ", " + strconv.FormatInt(int64(back), 10) + " yen given back"
	}
	return text
}

func (s *staff) showPayment() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show everything that the ledger holds of a payment, as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.withLedger(cmd.Context(), func(l ledger) error {
				p, err := paymentOf(cmd.Context(), l, terminal.PaymentID(args[0]))
				if err != nil {
					return err
				}
				return s.writeJSON(p)
			})
		},
	}
}

func (s *staff) resolve() *cobra.Command {
	var reverse bool
	cmd := &cobra.Command{
		Use: "resolve ID", Short: "Ask the backend again about a payment, or decide that it is not paid", Args: cobra.ExactArgs(1),
		Long: "Resolve asks again, now, about a payment on which register and backend have yet to agree, also one whose\n" +
			"message is parked. With --reverse a payment that is not decided counts as not paid, for good. It declares\n" +
			"no outcome: only the backend's answer makes a payment paid.",
		Example: "  sekisho payments resolve 019b8c1e-7a00-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, args []string) error {
			var v terminal.Verdict
			body := struct {
				Reverse bool `json:"reverse"`
			}{reverse}
			if err := s.call(cmd.Context(), "POST", paymentPath(terminal.PaymentID(args[0]), "/resolve"), body, &v); err != nil {
				return err
			}
			s.tell(v)
			return nil
		},
	}
	cmd.Flags().BoolVar(&reverse, "reverse", false, "decide that it is not paid")
	return cmd
}

// tell writes a verdict in two lines.
func (s *staff) tell(v terminal.Verdict) {
	outcome := string(v.Outcome)
	if state := string(v.State); state != outcome {
		outcome += ", " + state
	}
	fmt.Fprintf(s.out, "payment %s: %s, %d yen\n%s\n", v.Payment, outcome, int64(v.Amount), v.Sentence["en"])
}

func (s *staff) refund() *cobra.Command {
	var id string
	cmd := &cobra.Command{
		Use: "refund ID YEN", Short: "Give back a part of a payment whose goods left, or all of it", Args: cobra.ExactArgs(2),
		Long: "Refund gives money back through the backend. It prints the refund's own id first: where the answer is\n" +
			"lost, give it again with --id, and nothing is given back twice. It does not free what a cap counted.",
		Example: "  sekisho payments refund 019b8c1e-7a00-7000-8000-000000000001 580",
		RunE: func(cmd *cobra.Command, args []string) error {
			yen, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || yen <= 0 {
				return person(fmt.Errorf("%q is no amount: whole yen, more than 0", args[1]))
			}
			if id == "" {
				fresh, err := uuid.NewV7()
				if err != nil {
					return err
				}
				id = fresh.String()
			}
			fmt.Fprintf(s.out, "refund %s\n", id)
			var v terminal.Verdict
			body := struct {
				ID     string `json:"id"`
				Amount int64  `json:"amount"`
			}{id, yen}
			if err := s.call(cmd.Context(), "POST", paymentPath(terminal.PaymentID(args[0]), "/refunds"), body, &v); err != nil {
				return err
			}
			s.tell(v)
			for _, r := range v.Refunds {
				fmt.Fprintf(s.out, "refund %s: %d yen, %s\n", r.ID, int64(r.Amount), r.State)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "the refund's own `UUID`, to ask again for one whose answer was lost")
	return cmd
}

// erase is "sekisho erase".
func (s *staff) erase() *cobra.Command {
	var payment string
	cmd := &cobra.Command{
		Use: "erase", Short: "Erase what the ledger holds of a customer's account for one payment", Args: cobra.NoArgs,
		Long: "Erase takes the private part from the entries of a payment that is resolved and older than 35 days. It\n" +
			"cannot be undone. Every proof stays valid. Export the case first where it may be asked for.",
		Example: "  sekisho erase --payment 019b8c1e-7a00-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if payment == "" {
				return errUnnamed
			}
			if err := s.call(cmd.Context(), "POST", paymentPath(terminal.PaymentID(payment), "/erase"), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(s.out, "payment %s: account and code are erased, the proofs stay valid\n", payment)
			return nil
		},
	}
	cmd.Flags().StringVar(&payment, "payment", "", "the payment's `ID`")
	return cmd
}
