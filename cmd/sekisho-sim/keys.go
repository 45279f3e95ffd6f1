package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/policy"
)

func keysCommand() *cobra.Command {
	var dir, register, store string
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make the keys of a demo store: head office's, the wallet's and one register's",
		Long: `Make the keys of a demo store.

DIR/operator holds head office's and the wallet's secrets; keys that are there
already stay. DIR/register/keys holds what a register gets when it is enrolled.
Never use these outside a demo: they lie side by side on one machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			id := policy.Identity{Register: terminal.RegisterID(register), Store: terminal.StoreID(store), Class: scenario.Class, Realm: scenario.Realm}
			if _, err := scenario.MakeKeys(filepath.Join(dir, "operator"), filepath.Join(dir, "register"), id); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "keys of %s in %s\n", register, dir)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".demo", "`DIR` to write to")
	cmd.Flags().StringVar(&register, "register", "register-1", "the register's `ID`")
	cmd.Flags().StringVar(&store, "store", "store-1", "the store's `ID`")
	return cmd
}
