package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// kind is one kind of text that head office signs.
type kind struct {
	sign  func(text string, signers ...note.Signer) (string, error)
	check func(text string) error // whether it parses
}

// kinds by the name that --as takes.
var kinds = map[string]kind{
	"policy": {policy.Sign, func(text string) error { _, err := policy.Parse(text); return err }},
	"roles":  {policy.SignRoles, func(text string) error { _, err := policy.ParseRoles(text); return err }},
	"freeze": {policy.SignFreeze, func(text string) error { _, err := policy.ParseFreeze(text); return err }},
}

// asFlag adds --as, and gives how to read it.
func asFlag(cmd *cobra.Command) func() (kind, error) {
	name := cmd.Flags().String("as", "policy", "what FILE is: `policy`, roles or freeze")
	return func() (kind, error) {
		k, known := kinds[*name]
		if !known {
			return k, fmt.Errorf("--as %s: a text is signed as policy, roles or freeze", *name)
		}
		return k, nil
	}
}

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Head office's desk: check, sign, compare and publish policies, roles and freezes",
		Args:  cobra.NoArgs, // a word that is no command is a mistake
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(lintCommand(), signCommand(), diffCommand(), publishCommand())
	return cmd
}

// textOf reads a text, signed or not.
func textOf(path string) (text, whole string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	whole = string(data)
	if inside, signed := policy.Text(whole); signed {
		return inside, whole, nil
	}
	return whole, "", nil
}

func lintCommand() *cobra.Command {
	var of policy.Chain
	cmd := &cobra.Command{
		Use:   "lint FILE",
		Short: "Check a policy before it is signed, and count what it could cost offline",
		Long: `Check a policy, or with --as roles who signs, before it is signed.

Each finding is ok (to know), warn (to think about) or error (not to be signed).
What could be spent without the line is counted in yen, for a register, for a
store of --registers and for a chain of --stores. A cap in units alone is priced
by offline.floor, which no payment without the line passes. The exit status is 1
where there is an error.`,
		Args: cobra.ExactArgs(1),
	}
	as := asFlag(cmd)
	cmd.Flags().Int64Var(&of.Registers, "registers", 3, "registers of a store")
	cmd.Flags().Int64Var(&of.Stores, "stores", 1, "stores of the chain")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, err := as()
		if err != nil {
			return err
		}
		if of.Registers < 1 || of.Stores < 1 {
			return errors.New("--registers and --stores are at least 1")
		}
		text, _, err := textOf(args[0])
		if err != nil {
			return err
		}
		if err := k.check(text); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		return lint(cmd.OutOrStdout(), text, of)
	}
	return cmd
}

// lint writes the findings of a text that parses as a policy or as roles. A
// freeze that parses has nothing more to say.
func lint(out io.Writer, text string, of policy.Chain) error {
	if r, err := policy.ParseRoles(text); err == nil {
		return write(out, policy.LintRoles(r))
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil
	}
	var errs []error
	for _, class := range p.Classes {
		mine, err := p.For(class)
		if err != nil {
			return err
		}
		if len(p.Classes) > 1 {
			fmt.Fprintf(out, "stores of the class %s\n", class)
		}
		errs = append(errs, write(out, policy.Lint(mine, of)))
	}
	return errors.Join(errs...)
}

func write(out io.Writer, findings []policy.Finding) error {
	bad := 0
	for _, f := range findings {
		fmt.Fprintf(out, "%-5s  %s: %s\n", f.Level, f.About, f.Text)
		if f.Level == policy.LevelError {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d findings are errors: do not sign it", bad)
	}
	return nil
}

func signCommand() *cobra.Command {
	var keys []string
	var to string
	cmd := &cobra.Command{
		Use:   "sign FILE --key KEY...",
		Short: "Sign a text, or add signatures to a signed one",
		Long: `Sign a text, or add signatures to one that is signed already, so that those who
sign need not sit in one room. The note goes to standard output or to --out; FILE
stays as it is. A text that no register would take is not signed.`,
		Args: cobra.ExactArgs(1),
	}
	as := asFlag(cmd)
	cmd.Flags().StringArrayVar(&keys, "key", nil, "`FILE` with a signing key; once for each that signs")
	cmd.Flags().StringVar(&to, "out", "", "`FILE` to write the note to")
	_ = cmd.MarkFlagRequired("key") // it is defined two lines above
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, err := as()
		if err != nil {
			return err
		}
		signed, err := signFile(k, args[0], keys)
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if to != "" {
			return os.WriteFile(to, []byte(signed), 0o644)
		}
		_, err = io.WriteString(cmd.OutOrStdout(), signed)
		return err
	}
	return cmd
}

func signFile(k kind, path string, keys []string) (string, error) {
	var signers []note.Signer
	for _, key := range keys {
		s, err := readSigner(key)
		if err != nil {
			return "", err
		}
		signers = append(signers, s)
	}
	text, signed, err := textOf(path)
	if err != nil {
		return "", err
	}
	if signed == "" {
		return k.sign(text, signers...)
	}
	if err := k.check(text); err != nil {
		return "", err
	}
	return policy.Countersign(signed, signers...)
}

// readSigner reads a signing key that nobody else may read. Its errors hold
// nothing of the file.
func readSigner(path string) (note.Signer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o, others could read the key: chmod 600", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := note.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s is no signing key", path)
	}
	return s, nil
}

func diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [OLDER...] OLD NEW",
		Short: "Say what a new policy changes; what lets more through begins with !",
		Long: `Say what the last FILE changes of the one before it. What lets more through, or
would not be taken, begins with "!". With older policies before these, oldest
first, the ids of caps are looked for there: none may be used again.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			all := make([]*policy.Policy, len(args))
			for i, path := range args {
				text, _, err := textOf(path)
				if err != nil {
					return err
				}
				if all[i], err = policy.Parse(text); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
			last := len(all) - 1
			said := policy.Diff(all[last-1], all[last])
			if last > 1 {
				said = append(policy.Reused(all[last], all[:last]...), said...)
			}
			for _, line := range said {
				fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			return nil
		},
	}
}
