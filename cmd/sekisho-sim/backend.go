package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
)

func backendCommand() *cobra.Command {
	var s served
	cmd := &cobra.Command{
		Use:   "backend",
		Short: "Run the reference backend by itself",
		Long: `Run the reference backend by itself, until it is ended. It is for tests.

DIR/operator holds head office's keys, roles and policy; what is not there is
made. With --file the backend goes on where it stopped, however it ended. Once
it serves it writes one line of JSON with its addresses, to standard output and
to DIR/backend.json.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.serve(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVar(&s.dir, "dir", ".demo", "`DIR` of the operator's keys")
	cmd.Flags().StringVar(&s.file, "file", "", "`FILE` of the ledger; without it, it is kept in memory")
	cmd.Flags().StringVar(&s.listen, "listen", "127.0.0.1:0", "`ADDRESS` for registers")
	cmd.Flags().StringVar(&s.admin, "admin", "", "`ADDRESS` on this machine for the operator's commands, besides")
	cmd.Flags().BoolVar(&s.insecure, "insecure-dev", false, "serve ws:// without TLS, on this machine alone")
	return cmd
}

// served is what the flags say.
type served struct {
	dir, file, listen, admin string
	insecure                 bool
}

// addresses is what a backend tells of itself.
type addresses struct {
	Link  string `json:"link"`  // URL that registers dial
	Admin string `json:"admin"` // URL below which /admin/ is
	PID   int    `json:"pid"`
}

func (s served) serve(ctx context.Context, out io.Writer) error {
	if !s.insecure {
		return errors.New("without --insecure-dev it does not serve yet")
	}
	b, err := scenario.OpenOperatorsBackend(ctx, filepath.Join(s.dir, "operator"), backendsim.Config{
		File: s.file, Now: time.Now, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return errors.Join(s.run(ctx, b, out), b.Close())
}

// run listens, tells where, and serves until ctx ends.
func (s served) run(ctx context.Context, b *backendsim.Backend, out io.Writer) error {
	link, err := listen(s.listen)
	if err != nil {
		return err
	}
	told := addresses{Link: "ws://" + link.Addr().String() + backendsim.Path, Admin: "http://" + link.Addr().String(), PID: os.Getpid()}
	ended := make(chan error, 2)
	if s.admin != "" {
		desk, err := listen(s.admin)
		if err != nil {
			return errors.Join(err, link.Close())
		}
		told.Admin = "http://" + desk.Addr().String()
		go func() { ended <- b.ServeAdmin(desk) }()
	}
	go func() { ended <- b.Serve(link) }()
	if err := told.tell(s.dir, out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// listen opens a port that only this machine reaches.
func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if at, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !at.Addr().IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%s is no address of this machine's loopback, such as 127.0.0.1:0", address), l.Close())
	}
	return l, nil
}

// tell writes the addresses, to the file first: who has read the line finds it.
func (a addresses) tell(dir string, out io.Writer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if err := os.WriteFile(filepath.Join(dir, "backend.json"), line, 0o600); err != nil {
		return err
	}
	_, err = out.Write(line)
	return err
}
