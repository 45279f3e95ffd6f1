// Command sekishod is the daemon of one store register. It reads the code on the
// customer's phone from a serial scanner, checks it with the payment backend,
// goes on within signed limits while the line is down, and serves the local API
// and the cashier's page.
//
// Nothing is decided here: this package reads the configuration and the keys,
// and wires terminal/register to its adapters.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // a register may lack the system's zone files

	"sekisho/cmd/keys"
	"sekisho/offline"
	"sekisho/scanner"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
)

// Exit codes, as systemd's unit will read them.
const (
	exitFailed = 1 // something failed that a restart may mend
	exitPerson = 2 // a restart mends nothing: a person is needed, see needsPerson
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	cfg, err := configure(args, environ, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errVersion):
		fmt.Fprintln(stdout, register.Software)
		return 0
	case errors.Is(err, errSetPIN):
		return askPIN(ctx, cfg.Settings, os.Stdin, stdout, stderr)
	case err != nil:
		fmt.Fprintln(stderr, "sekishod:", err)
		return exitPerson
	}
	err = serve(ctx, cfg, log)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // stopped while it was still starting
	}
	if err != nil {
		log.Error("sekishod stops", "error", err)
		if needsPerson(err) {
			return exitPerson
		}
		return exitFailed
	}
	log.Info("sekishod stopped")
	return 0
}

// settingError is a setting that no restart mends.
type settingError struct{ error }

func (e *settingError) Unwrap() error { return e.error }

// needsPerson says whether somebody must do something before a restart can
// help: about a setting, a key, the ledger, or who else uses the folders.
func needsPerson(err error) bool {
	if _, ok := errors.AsType[*keys.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*settingError](err); ok {
		return true
	}
	for _, lasting := range []error{
		uplink.ErrURL, scanner.ErrConfig, errRunLocked, errRunOpen,
		offline.ErrLocked, offline.ErrShared, offline.ErrNewer, offline.ErrDamaged, offline.ErrNotDurable,
	} {
		if errors.Is(err, lasting) {
			return true
		}
	}
	return false
}
