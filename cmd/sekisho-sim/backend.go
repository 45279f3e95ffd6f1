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
to DIR/backend.json.

The other commands are the operator's: they ask the backend that was started
with DIR, a demo's too, and write its JSON.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.serve(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.PersistentFlags().StringVar(&s.dir, "dir", ".demo", "`DIR` of the operator's keys, and where a running backend's addresses are")
	cmd.Flags().StringVar(&s.file, "file", "", "`FILE` of the ledger; without it, it is kept in memory")
	cmd.Flags().StringVar(&s.listen, "listen", "127.0.0.1:0", "`ADDRESS` for registers")
	cmd.Flags().StringVar(&s.admin, "admin", "127.0.0.1:0", "`ADDRESS` on this machine for the operator's commands")
	cmd.Flags().StringSliceVar(&s.hosts, "host", []string{"127.0.0.1", "::1", "localhost"}, "`NAME` or IP address in the backend's certificate; once for each")
	cmd.Flags().IntVar(&s.dials, "dials", 0, "how `OFTEN` one register may dial in a minute; 0 for the protocol's 10")
	cmd.Flags().BoolVar(&s.insecure, "insecure-dev", false, "serve ws:// without TLS, on this machine alone")
	cmd.AddCommand(deskCommands(&s.dir)...)
	return cmd
}

// served is what the flags say.
type served struct {
	dir, file, listen, admin string
	hosts                    []string
	dials                    int
	insecure                 bool
}

func (s served) serve(ctx context.Context, out io.Writer) error {
	unlock, err := lock(s.dir)
	if err != nil {
		return err
	}
	defer unlock()
	b, err := scenario.OpenOperatorsBackend(ctx, filepath.Join(s.dir, "operator"), backendsim.Config{
		File: s.file, Dials: s.dials, Now: time.Now, Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return errors.Join(s.run(ctx, b, out), b.Close())
}

// run listens, tells where, and serves until ctx ends.
func (s served) run(ctx context.Context, b *backendsim.Backend, out io.Writer) error {
	desk, err := loopback(s.admin)
	if err != nil {
		return err
	}
	scheme, open := "wss://", func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	if s.insecure {
		scheme, open = "ws://", loopback
	}
	link, err := open(s.listen)
	if err != nil {
		return errors.Join(err, desk.Close())
	}
	told := scenario.Addresses{
		Link: scheme + link.Addr().String() + backendsim.Path, Admin: "http://" + desk.Addr().String(), PID: os.Getpid(), CA: b.CA(),
	}
	ended := make(chan error, 2)
	go func() { ended <- b.ServeAdmin(desk) }()
	go func() {
		if s.insecure {
			ended <- b.Serve(link)
			return
		}
		ended <- b.ServeTLS(link, s.hosts...)
	}()
	// To the file first: who has read the line finds it.
	if err := told.Keep(s.dir); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(told); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

// loopback opens a port that only this machine reaches.
func loopback(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if at, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !at.Addr().IsLoopback() {
		return nil, errors.Join(fmt.Errorf("%s is no address of this machine's loopback, such as 127.0.0.1:0", address), l.Close())
	}
	return l, nil
}
