package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sekisho/cmd/prompt"
	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
	"sekisho/scanner/payload"
	"sekisho/terminal/policy"
)

// codes is "sekisho code".
func (s *staff) codes() *cobra.Command {
	cmd := &cobra.Command{
		Use: "code", Short: "Look into a code", Args: cobra.NoArgs, // a word that is no command is a mistake
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(s.explainCode())
	return cmd
}

// explainCode is "sekisho code explain".
func (s *staff) explainCode() *cobra.Command {
	var symbology string
	cmd := &cobra.Command{
		Use: "explain [TEXT]", Short: "Tell as JSON what a code is", Args: oneCode,
		Long: "Explain tells what the till makes of a code: its kind, the standard it follows, what is in it, what\n" +
			"checks and what does not. Card numbers, tokens and customers' codes are masked. Without TEXT the code is\n" +
			"read from standard input, where it stays out of the shell's history; one line end behind it is the\n" +
			"terminal's and not the code's. Exit code 1: a check fails, or the code breaks its standard.",
		Example: "  sekisho code explain 4902777130835\n  sekisho code explain --symbology ']C1' <code.txt",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := codeText(args, prompt.Reader(cmd.Context(), cmd.InOrStdin()))
			if err != nil {
				return person(err)
			}
			id := aim.ID(symbology)
			if id != "" && !id.Known() {
				return person(errors.New("--symbology is an AIM identifier such as ]Q1, with its bracket and in quotes"))
			}
			return s.tellCode(cmd.Context(), id, text)
		},
	}
	cmd.Flags().StringVar(&symbology, "symbology", "", "the AIM identifier `ID` that the scanner gives, such as ]E0 or ]Q1")
	return cmd
}

// oneCode refuses what the shell has cut at its spaces.
func oneCode(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return errors.New("one code at a time: write one that has a space in it in quotes, or give it on standard input")
	}
	return nil
}

// codeText takes a code from the command or from in, there less one line end
// behind it, LF or CR LF. What no scanner can send is refused, and not shown.
func codeText(args []string, in io.Reader) (string, error) {
	text := ""
	if len(args) == 1 {
		text = args[0]
	} else {
		read, err := io.ReadAll(io.LimitReader(in, 2*framing.MaxFrame))
		if err != nil {
			return "", fmt.Errorf("standard input cannot be read: %w", err)
		}
		text = string(read)
		if line, found := strings.CutSuffix(text, "\n"); found {
			text = strings.TrimSuffix(line, "\r")
		}
	}
	if text == "" {
		return "", errors.New("there is no code: give its text, or let standard input have it")
	}
	if len(text) > framing.MaxFrame {
		return "", fmt.Errorf("the code is longer than the %d bytes that a scanner is allowed: a till drops it", framing.MaxFrame)
	}
	return text, nil
}

// explained is a code and the rows of wallets that it was held against.
type explained struct {
	payload.Explanation
	Issuers int   `json:"issuers"`          // rows of the policy in force
	Policy  int64 `json:"policy,omitempty"` // its version; left out where there is none or nobody could be asked
}

// tellCode writes what a code is. Whether the daemon answers changes only by which
// names a wallet's digits are known.
func (s *staff) tellCode(ctx context.Context, id aim.ID, text string) error {
	var rows []payload.Issuer
	var version int64
	if in, err := s.rules(ctx); err == nil && in.policy != nil {
		rows, version = issuerRows(in.policy), in.policy.Version
	}
	e := explained{payload.Explain(id, text, rows), len(rows), version}
	if err := s.writeJSON(e); err != nil {
		return err
	}
	if len(e.Errors) > 0 || slices.ContainsFunc(e.Checks, func(c payload.Check) bool { return !c.OK }) {
		return found()
	}
	return nil
}

// issuerRows is the policy's list of wallets in the form that payload wants.
func issuerRows(p *policy.Policy) []payload.Issuer {
	out := make([]payload.Issuer, len(p.Wallets))
	for i, w := range p.Wallets {
		out[i] = payload.Issuer{ID: w.ID, Name: w.Name, Prefix: w.Prefix, MinLength: w.MinLength, MaxLength: w.MaxLength}
	}
	return out
}
