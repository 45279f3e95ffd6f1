package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/scannersim/unit"
)

func scannerCommand() *cobra.Command {
	var s scannerFlags
	cmd := &cobra.Command{
		Use:   "scanner --link PATH",
		Short: "Be a serial barcode scanner of some make, for a till to be tried with",
		Long: `Be a serial barcode scanner of some make, for a till to be tried with.

The scanner is a pty, and PATH is a link that leads to it, as those of
/dev/serial/by-id do: give it to the till as its serial port. Codes are shown to
it with commands on standard input, a line each; type help for a list. What
people would hear and see of it comes out on standard output, a line each, and
answers to commands on standard error. End it with quit, Ctrl-C, or the end of
standard input.

Models, and where their bytes come from:
` + modelList() + `
Faults, for --faults; "all" is all of them, and one in four is struck:
` + faultList() + `
Settings for --program, which a real unit takes from bar codes in its manual:
` + programList(),
		Example: `  sekisho-sim scanner --model honeywell --link /tmp/scanner
  sekisho-sim scanner --model zebra-ssi --link /tmp/scanner --faults ack-lost,flip --seed 7
  printf 'qr HELLO\nawait beep good\n' | sekisho-sim scanner --link /tmp/scanner`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&s.model, "model", "raw", "`NAME` of the unit, as listed above")
	cmd.Flags().StringVar(&s.link, "link", "", "`PATH` at which the till finds the port; its folder must exist")
	cmd.Flags().StringVar(&s.faults, "faults", "", "`LIST` of what goes wrong on the line, parted by commas")
	cmd.Flags().Uint64Var(&s.seed, "seed", 1, "`N`: the same faults come again for the same one")
	cmd.Flags().StringVar(&s.programs, "program", "", "`LIST` of settings to program into the unit, parted by commas")
	_ = cmd.MarkFlagRequired("link") // fails only for a flag that there is not
	return cmd
}

// scannerFlags is what the flags say.
type scannerFlags struct {
	model, link, faults, programs string
	seed                          uint64
}

func (s scannerFlags) run(ctx context.Context, in io.Reader, out, answers io.Writer) error {
	faults, err := unit.ParseFaults(s.faults, s.seed)
	if err != nil {
		return err
	}
	u, err := unit.New(s.model)
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(s.programs, ",") {
		if name = strings.TrimSpace(name); name != "" {
			if err := unit.Program(u, name); err != nil {
				return err
			}
		}
	}
	c := &console{unit: u, link: s.link, seed: s.seed, out: out, answers: answers}
	if err := c.open(faults); err != nil {
		return err
	}
	fmt.Fprintf(answers, "a scanner (%s) is plugged in at %s; type help for what it can be shown\n", s.model, s.link)
	return c.run(ctx, in)
}

// modelList has a line for each model.
func modelList() string {
	var list strings.Builder
	for _, m := range unit.Models() {
		fmt.Fprintf(&list, "  %-10s %s\n", m.Name, m.Document)
	}
	return list.String()
}

// faultList has all faults, some to the line.
func faultList() string {
	var list strings.Builder
	for i, f := range unit.AllFaults() {
		if i%6 == 0 && i > 0 {
			list.WriteString("\n")
		}
		fmt.Fprintf(&list, "  %s", f)
	}
	return list.String() + "\n"
}

// programList has a line for each model that can be programmed.
func programList() string {
	var list strings.Builder
	for _, m := range unit.Models() {
		u, err := unit.New(m.Name)
		if p, ok := u.(unit.Programmable); ok && err == nil {
			fmt.Fprintf(&list, "  %-10s %s\n", m.Name, strings.Join(p.Programs(), ", "))
		}
	}
	return strings.TrimSuffix(list.String(), "\n")
}
