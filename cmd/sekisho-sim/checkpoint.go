package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/backendsim"
)

func checkpointCommand() *cobra.Command {
	var data, register string
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Write the last checkpoint that the backend of a running demo keeps of a register",
		Long: `Write the last checkpoint that the backend of a running demo keeps of a register:
what sekisho verify and sekisho export want. The key that it is signed with, for
sekisho verify --export, is told by sekisho-sim backend register list.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			note, err := lastCheckpoint(cmd.Context(), data, register)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), note)
			return err
		},
	}
	cmd.Flags().StringVar(&data, "backend-data", ".demo", "`DIR` of the running demo")
	cmd.Flags().StringVar(&register, "register", "register-1", "the register's `ID`")
	return cmd
}

// lastCheckpoint asks the backend of a demo.
func lastCheckpoint(ctx context.Context, data, register string) (string, error) {
	answer, err := ask(ctx, data, http.MethodGet, "checkpoints?register="+url.QueryEscape(register), nil)
	if err != nil {
		return "", err
	}
	var kept []backendsim.Checkpoint
	if err := json.Unmarshal(answer, &kept); err != nil {
		return "", fmt.Errorf("the backend's answer cannot be read: %w", err)
	}
	if len(kept) == 0 {
		return "", errors.New("the backend keeps no checkpoint of " + register + " yet: one comes a minute")
	}
	return kept[len(kept)-1].Note, nil
}
