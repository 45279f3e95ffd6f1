package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// caps is "sekisho caps".
func (s *staff) caps() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "caps", Short: "Show what this register may sell of each store cap without asking", Args: cobra.NoArgs,
		Long: "Caps shows, for the present business day, what this register holds of each cap of the store and what it\n" +
			"sold, and what it sold under its own caps over time. While the line is up it asks for more as it\n" +
			"needs it: 0 held does not mean that nothing is left.\n" +
			"How high each cap is, and the caps of register and account, show in sekisho policy show.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var held struct {
				Caps []register.Holding `json:"caps"`
			}
			if err := s.call(cmd.Context(), "GET", "/v1/caps", nil, &held); err != nil {
				return err
			}
			if asJSON {
				return s.writeJSON(held)
			}
			t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "CAP\tFOR\tPER\tCATEGORY\tDAY\tHELD\tSOLD\tCOUNTS")
			for _, h := range held.Caps {
				counts := "always"
				if h.OfflineOnly {
					counts = "offline"
				}
				holds := "-" // a cap of the register's own is counted, not held
				if h.Scope == terminal.ScopeStore {
					holds = measured(h.Held, h.Counts)
				}
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", h.Cap, h.Scope, h.Per, orAll(h.Category), h.Window, holds, measured(h.Used, h.Counts), counts)
			}
			return t.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func orAll(c terminal.Category) string {
	if c == "" {
		return "all goods"
	}
	return string(c)
}

// measured writes the measures that count, "yen" and "units".
func measured(a terminal.Amount, counts []string) string {
	var parts []string
	if slices.Contains(counts, "yen") {
		parts = append(parts, strconv.FormatInt(int64(a.Yen), 10)+" yen")
	}
	if slices.Contains(counts, "units") {
		parts = append(parts, strconv.FormatInt(a.Units, 10)+" units")
	}
	return strings.Join(parts, ", ")
}
