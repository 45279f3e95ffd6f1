package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/cmd/keys"
	"sekisho/offline"
	"sekisho/scanner"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
	"sekisho/terminal/web"
)

// serve runs the register until ctx ends or a part of it fails.
func serve(ctx context.Context, cfg config, log *slog.Logger) error {
	given, err := readFiles(cfg)
	if err != nil {
		return err
	}
	run, lock, err := holdRun(cfg.Run)
	if err != nil {
		return err
	}
	defer lock.Close()
	tokens, err := run.tokens()
	if err != nil {
		return err
	}
	listener, err := listen(cfg.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	store, err := offline.Open(ctx, cfg.Data, offline.Options{Log: log})
	if err != nil {
		return err
	}
	defer closeLedger(store, log)
	// Not before the data folder is locked: an enrolment holds that lock while it
	// changes keys/, and what is read meanwhile is half the old and half the new.
	if err := given.readKeys(cfg); err != nil {
		return err
	}
	known := &acquaintance{folder: given.folder, keys: given.keys}
	known.trust.Store(&given.trust)
	link, err := uplink.New(uplink.Config{URL: cfg.Backend, Insecure: cfg.insecureDev, Trust: known.held, Times: known.times, Log: log})
	if err != nil {
		return err
	}
	events := web.NewEvents()
	made := given.register(cfg)
	made.Store, made.Backend, made.Signal, made.Anchors, made.Log = store, link, events, run, log
	reg, mark, err := newRegister(ctx, made, given.keys.Register, run)
	if err != nil {
		return err
	}
	known.mark, known.view = mark, reg.View
	pages := web.Config{Desk: reg, Reader: store, Events: events, Tokens: tokens, PIN: run.gate(cfg.Data), LateRenewal: known.lateRenewal, Log: log}
	return untilStopped(ctx, reg, log, append(scanParts(given.units, reg, log),
		reg.Run,
		known.renewer(cfg, log),
		func(ctx context.Context) error { return link.Run(ctx, reg) },
		func(ctx context.Context) error { return servePages(ctx, reg, given.keys.Identity, listener, pages) },
	))
}

// files are what a register is given to run by, as configuration and files say.
type files struct {
	units  []scanner.Config
	items  map[terminal.GTIN]register.Item
	folder keys.Folder

	// Of readKeys.
	keys  keys.Keys
	trust uplink.Trust // zero for ws://
}

// readFiles reads all but the keys. Where there are none no data folder is made.
func readFiles(cfg config) (f files, err error) {
	if f.units, err = scanners(cfg.Settings); err != nil {
		return f, err
	}
	if f.items, err = loadItems(cfg.Items); err != nil {
		return f, err
	}
	f.folder, err = keys.Find(cfg.Data)
	return f, err
}

// readKeys reads what enrolment left.
func (f *files) readKeys(cfg config) (err error) {
	if f.keys, err = f.folder.Load(); err != nil || !cfg.secure() {
		return err
	}
	trust, err := f.folder.Trust(f.keys)
	f.trust = uplink.Trust(trust)
	return err
}

// register is what a register is made of, less what it speaks to.
func (f files) register(cfg config) register.Config {
	return register.Config{
		Identity: f.keys.Identity, Roles: f.keys.Roles, StoreKey: f.keys.Store, Sealer: f.keys.Sealer, Items: f.items,
		Scanners: len(f.units), DoubleRead: time.Duration(cfg.DoubleReadMS) * time.Millisecond, Clock: machineClock{},
	}
}

// holdRun opens the run directory for this process alone, until lock is closed.
func holdRun(dir string) (run *runDir, lock io.Closer, err error) {
	if run, err = openRunDir(dir, bootIDFile); err != nil {
		return nil, nil, err
	}
	lock, err = lockRun(dir)
	return run, lock, err
}

func closeLedger(store *offline.Store, log *slog.Logger) {
	if err := store.Close(); err != nil {
		log.Error("the ledger was not closed cleanly", "error", err)
	}
}

// untilStopped runs every part until one fails, or until ctx ends and the register
// has been stopped.
func untilStopped(ctx context.Context, reg *register.Register, log *slog.Logger, parts []func(context.Context) error) error {
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := func(running context.Context) error {
		stopOn(ctx, running, reg, log)
		end()
		return nil
	}
	return together(running, append(parts, stop)...)
}

// servePages serves API and pages. Nobody looks before the register shows what it
// holds: an approval that waits for its goods must not be missed (I2).
func servePages(ctx context.Context, reg *register.Register, id policy.Identity, listener net.Listener, pages web.Config) error {
	select {
	case <-ctx.Done():
		return nil
	case <-reg.Loaded():
	}
	pages.Log.Info("sekishod runs", "register", id.Register, "store", id.Store, "page", "http://"+listener.Addr().String()+"/")
	return web.New(pages).Serve(ctx, listener)
}

// newRegister makes the register of a configuration, once the ledger was compared
// with what this boot last saw of it. It gives the time, too, that the ledger last
// had from the backend.
func newRegister(ctx context.Context, cfg register.Config, key ed25519.PrivateKey, run *runDir) (*register.Register, terminal.Millis, error) {
	snapshot, err := cfg.Store.Load(ctx)
	if err != nil {
		return nil, 0, err
	}
	headAt := func(size int64) (journal.Head, error) {
		return journal.HeadOf(size, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return cfg.Store.Hashes(ctx, at) }))
	}
	if cfg.Anchor, cfg.Quarantine, err = anchored(run.load(), snapshot.Head, headAt, cfg.Log); err != nil {
		return nil, 0, err
	}
	cfg.Incarnation = cfg.Anchor.Incarnation
	cfg.Signer, err = journal.NewSigner(journal.Origin(cfg.Identity.Store, cfg.Identity.Register), key)
	if err != nil {
		return nil, 0, err
	}
	cfg.Log.Info("the ledger was opened", "journal_size", snapshot.Head.Size)
	return register.New(cfg), snapshot.Mark, nil
}

// stopTime is how long a clean stop may take in all: far below the 90 s after
// which systemd kills, and short enough for somebody who waits.
const stopTime = 8 * time.Second

// stopOn waits for the signal's context, and then lets the register give back
// what it holds while all of its parts still run.
func stopOn(signal, running context.Context, reg *register.Register, log *slog.Logger) {
	select {
	case <-running.Done():
		return
	case <-signal.Done():
	}
	ctx, cancel := context.WithTimeout(running, stopTime)
	defer cancel()
	if err := reg.Stop(ctx); err != nil {
		log.Warn("the stop is not a clean one: what this register holds is given back at its next start", "error", err)
	}
}

// listen opens the local API's port, on loopback only: what it says goes over
// the line in the clear.
func listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, &settingError{fmt.Errorf("listen must be an address on loopback such as 127.0.0.1:8470, not %q", address)}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the local API cannot listen: %w", err)
	}
	return listener, nil
}

// together runs every part until ctx ends or one fails; then all end. The error
// is the first one's.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	failed := make(chan error, len(parts))
	for _, part := range parts {
		all.Go(func() {
			if err := part(ctx); err != nil {
				failed <- err
				stop(err)
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}
