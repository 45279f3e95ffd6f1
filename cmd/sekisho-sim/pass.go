package main

import (
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
)

func passCommand() *cobra.Command {
	var dir string
	var owner walletsim.Owner
	var bound time.Duration
	cmd := &cobra.Command{
		Use:   "pass [FILE]",
		Short: "Be a customer's phone once: make a pass of now",
		Long: `Be a customer's phone once: make a pass of now, signed by the wallet of DIR/operator.

FILE becomes its picture (PNG), for the command show of sekisho-sim scanner;
without FILE its text is written. It pays once, and within a minute. A new
account has 1,000,000 yen; sekisho-sim backend account set says how much.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			owner.BoundAt = now.Add(-bound)
			text, err := passOf(filepath.Join(dir, "operator"), owner, now)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return draw(text, args[0])
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text+"\n")
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".demo", "`DIR` of the operator's keys")
	cmd.Flags().StringVar(&owner.Account, "account", "", "the account's `PSEUDONYM`, 8 to 64 characters")
	cmd.Flags().DurationVar(&bound, "bound", 400*24*time.Hour, "how `LONG` ago the phone was bound to the account")
	cmd.Flags().Int64Var(&owner.Ceilings.Yen, "offline-yen", 10_000, "at most so many `YEN` in 24 hours without the line")
	cmd.Flags().Int64Var(&owner.Ceilings.Count, "offline-count", 3, "in at most so many `PAYMENTS`")
	_ = cmd.MarkFlagRequired("account") // it is defined above
	return cmd
}

// passOf makes a pass with a phone that was bound for it.
func passOf(operator string, owner walletsim.Owner, now time.Time) (string, error) {
	k, err := scenario.LoadKeys(operator)
	if err != nil {
		return "", fmt.Errorf("the wallet's key cannot be read; sekisho-sim backend and sekisho-sim keys make it: %w", err)
	}
	phone, err := walletsim.NewPhone(k.Customers(), owner, 0, func() time.Time { return now })
	if err != nil {
		return "", err
	}
	return phone.Pass()
}

// draw writes a code's picture to a file.
func draw(text, file string) error {
	picture, err := walletsim.QR(text)
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := png.Encode(out, picture); err != nil {
		return err
	}
	return out.Close()
}
