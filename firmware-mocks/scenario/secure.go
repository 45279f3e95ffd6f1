package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal/policy"
)

// dialsInWorld is how often the register may dial in a minute: a shift cuts its
// line and kills its daemon more often than a street does.
const dialsInWorld = 100_000

// secure says whether the line has TLS and the register enrols.
func (w *World) secure() bool { return w.setup.Enrols != "" }

// link is the URL that the register dials.
func (w *World) link() string {
	if w.secure() {
		return "wss://" + w.address + backendsim.Path
	}
	return "ws://" + w.address + backendsim.Path
}

// makeKeys makes head office's keys, and the register's where it does not enrol.
func (w *World) makeKeys() (err error) {
	if w.secure() {
		w.keys, err = OperatorKeys(w.path("operator"))
		return err
	}
	id := policy.Identity{Register: registerID, Store: storeID, Class: Class, Realm: Realm}
	w.keys, err = MakeKeys(w.path("operator"), w.path("register"), id)
	return err
}

// enrol has sekisho make the data folder a register's, by a one-time code.
func (w *World) enrol(ctx context.Context) error {
	if !w.secure() {
		return nil
	}
	code, err := w.code(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, w.setup.Enrols, "--config", w.path("sekishod.toml"), "enrol", "--code", code)
	out, err := cmd.CombinedOutput()
	fmt.Fprintf(w.log, "sekisho enrol: %s\n", bytes.TrimSpace(out))
	if err != nil {
		return fmt.Errorf("sekisho enrol: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// code gives a one-time code of the backend's.
func (w *World) code(ctx context.Context) (string, error) {
	if w.setup.Code != nil {
		return w.setup.Code(ctx, w)
	}
	if w.backend == nil {
		return "", errors.New("a backend that runs by itself enrols nobody for a world without Setup.Code")
	}
	code, err := w.backend.Code(ctx, storeID, registerID, Class)
	return code.Text(), err
}

// serve serves the backend to the register, and to the operator's commands, and
// tells them where.
func (w *World) serve(b *backendsim.Backend, listener net.Listener) error {
	at := Addresses{Link: w.link(), Admin: "http://" + w.address, PID: os.Getpid(), CA: b.CA()}
	serving := []func() error{func() error { return b.Serve(listener) }}
	if w.secure() {
		desk, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		at.Admin = "http://" + desk.Addr().String()
		host, _, _ := strings.Cut(w.address, ":")
		serving = []func() error{
			func() error { return b.ServeTLS(listener, host) },
			func() error { return b.ServeAdmin(desk) },
		}
	}
	for _, serve := range serving {
		w.serving.Go(func() {
			if err := serve(); err != nil {
				fmt.Fprintln(w.log, "backend:", err)
			}
		})
	}
	return at.Keep(w.setup.Dir)
}

// startDaemon starts sekishod on the world's configuration.
func (w *World) startDaemon(ctx context.Context) (*daemon, error) {
	if w.secure() {
		return startDaemon(ctx, w.setup.Binary, w.path("sekishod.toml"), w.log)
	}
	return startDaemon(ctx, w.setup.Binary, w.path("sekishod.toml"), w.log, "--insecure-dev")
}
