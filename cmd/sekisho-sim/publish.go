package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
)

// publishTime bounds a publication: the backend is on this machine.
const publishTime = 10 * time.Second

func publishCommand() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "publish FILE",
		Short: "Bring a signed note to the backend of a running demo, which tells its registers",
		Long: `Bring a signed note to the backend of a running demo. It is verified there by the
roles in force, as on a register, and every register that is linked gets it at
once. FILE is the signed note: see sekisho-sim policy sign.`,
		Args: cobra.ExactArgs(1),
	}
	as := cmd.Flags().String("as", "policy", "what FILE is: `policy`, roles or freeze")
	cmd.Flags().StringVar(&data, "backend-data", ".demo", "`DIR` of the running demo")
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
		ctx, cancel := context.WithTimeout(cmd.Context(), publishTime)
		defer cancel()
		if err := publish(ctx, data, *as, signed); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "published %s\n", args[0])
		return err
	}
	return cmd
}

// publish posts a note to the backend whose address the demo wrote into its
// register's configuration.
func publish(ctx context.Context, data, as, signed string) error {
	address, err := backendOf(data)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/admin/"+as, strings.NewReader(signed))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no backend answers on %s: is the demo of %s running?", address, data)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<12)) // what came is shown, whole or not
	return fmt.Errorf("the backend did not take it: %s", strings.TrimSpace(string(said)))
}

// backendOf finds the backend's host and port.
func backendOf(data string) (string, error) {
	path := filepath.Join(data, "sekishod.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s is no demo's folder: %w", data, err)
	}
	var config struct {
		Backend string `toml:"backend"`
	}
	if _, err := toml.Decode(string(text), &config); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	address, err := url.Parse(config.Backend)
	if err != nil || address.Host == "" {
		return "", fmt.Errorf("%s names no backend", path)
	}
	return address.Host, nil
}
