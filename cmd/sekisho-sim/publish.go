package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

func publishCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "publish FILE",
		Short: "Bring a signed note to the backend of a running demo, or another, which tells its registers",
		Long: `Bring a signed note to the backend of a running demo. It is verified there by the
roles in force, as on a register, and every register that is linked gets it at
once. FILE is the signed note: see sekisho-sim policy sign.`,
		Args: cobra.ExactArgs(1),
	}
	as := cmd.Flags().String("as", "policy", "what FILE is: `policy`, roles or freeze")
	cmd.Flags().StringVar(&data, "backend-data", ".demo", "`DIR` of the running demo, or of another backend")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, known := kinds[*as]
		if !known {
			return fmt.Errorf("--as %s: a note is published as policy, roles or freeze", *as)
		}
		text, signed, err := textOf(args[0])
		if err != nil {
			return err
		}
		if signed == "" {
			return fmt.Errorf("%s is not signed: sekisho-sim policy sign does it", args[0])
		}
		if err := k.check(text); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		if err := publish(cmd.Context(), data, *as, signed); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "published %s\n", args[0])
		return err
	}
	return cmd
}

// publish posts a note to the backend of a folder.
func publish(ctx context.Context, dir, as, signed string) error {
	_, err := ask(ctx, dir, http.MethodPost, as, strings.NewReader(signed))
	return err
}
