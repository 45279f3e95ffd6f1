package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// Setup says what a world is made of.
type Setup struct {
	Dir    string // everything lies here
	Binary string // sekishod
	Enrols string // sekisho, by which the register enrols, for a line with TLS; "" for keys made here and a line without
	Listen string // of the local API, "127.0.0.1:0" for any port
	Rules  Rules
	Fast   bool // the scanner does not pace its bytes like 9600 baud
	Log    io.Writer

	Model    string   // of the scanner, and what the daemon is told of it: one of unit.Models; "" for raw
	Programs []string // settings that were programmed into the scanner by its manual's codes

	// Backend is where one is reached that runs by itself, "host:port", "" for one
	// of the world's own. Code asks it for a one-time code, once head office's keys
	// are made.
	Backend string
	Code    func(context.Context, *World) (string, error)

	Now  func() time.Time                          // the backend's clock; nil for the machine's
	Door func(http.RoundTripper) http.RoundTripper // stands between till and daemon; nil for nothing
}

// The demo's store and its only register.
const (
	storeID    = "store-1"
	registerID = "register-1"
)

// World is one store with one register, its customers and its backend.
type World struct {
	setup   Setup
	keys    Keys
	note    string
	policy  *policy.Policy
	backend *backendsim.Backend
	address string // of the backend, the same after a restart
	serving sync.WaitGroup
	scanner *scannersim.Scanner
	mu      sync.Mutex // guards daemon, which stay restarts while pages ask
	daemon  *daemon
	Till    *Till
	sales   int
	log     *lockedWriter
}

// lockedWriter lets daemon and backend write one log.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// NewWorld makes the store in an empty or new folder and opens it: backend,
// scanner and daemon run, the line is up and the policy in force.
func NewWorld(ctx context.Context, s Setup) (*World, error) {
	if s.Now == nil {
		s.Now = time.Now
	}
	w := &World{setup: s, log: &lockedWriter{w: s.Log}}
	if err := w.make(); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("scenario: %w", err), w.Close(ctx))
	}
	return w, nil
}

func (w *World) path(parts ...string) string {
	return filepath.Join(append([]string{w.setup.Dir}, parts...)...)
}

// make writes keys, policy and configuration.
func (w *World) make() error {
	if err := w.makeKeys(); err != nil {
		return err
	}
	var err error
	if w.note, w.policy, err = PolicyNote(w.keys, w.setup.Rules, time.Now()); err != nil {
		return err
	}
	return os.MkdirAll(w.path("dev"), 0o700)
}

func (w *World) open(ctx context.Context) error {
	var err error
	if w.scanner, err = w.openScanner(); err != nil {
		return err
	}
	if w.address = w.setup.Backend; w.address == "" {
		if err := w.OpenBackend(ctx); err != nil {
			return err
		}
	}
	if err := w.configure(); err != nil {
		return err
	}
	if err := w.enrol(ctx); err != nil {
		return err
	}
	return w.StartDaemon(ctx)
}

// configure writes what sekishod reads at its start.
func (w *World) configure() error {
	if err := os.WriteFile(w.path("items.csv"), []byte(itemsFile()), 0o600); err != nil {
		return err
	}
	config := fmt.Sprintf("items = %q\ndata = %q\nrun = %q\nlisten = %q\nbackend = %q\nscanner = %q\nscanner_family = %q\n",
		w.path("items.csv"), w.path("register"), w.path("run"), w.setup.Listen, w.link(), w.path("dev", "scanner"), w.model())
	return os.WriteFile(w.path("sekishod.toml"), []byte(config), 0o600)
}

// model names the scanner's, which is also its family's.
func (w *World) model() string { return cmp.Or(w.setup.Model, "raw") }

// openScanner plugs in a scanner of the model and with the settings asked for.
func (w *World) openScanner() (*scannersim.Scanner, error) {
	u, err := unit.New(w.model())
	if err != nil {
		return nil, err
	}
	for _, name := range w.setup.Programs {
		if err := unit.Program(u, name); err != nil {
			return nil, err
		}
	}
	return scannersim.Open(w.path("dev", "scanner"), scannersim.Options{Unit: u, Unpaced: w.setup.Fast})
}

// OpenBackend opens the backend on its file, and on the address it had before.
func (w *World) OpenBackend(ctx context.Context) error {
	b, err := backendsim.Open(ctx, backendsim.Config{
		File: w.path("backend.db"), Note: w.note, Policy: w.policy, Roles: w.keys.Roles, Signer: w.keys.Signing, Key: w.keys.Backend,
		Root: w.keys.Root, Pinned: w.keys.Pinned, Dials: dialsInWorld, Now: w.setup.Now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	})
	if err != nil {
		return err
	}
	if w.address == "" {
		w.address = "127.0.0.1:0"
	}
	if !w.secure() {
		if err := enrolMade(ctx, b, w.path("operator")); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	listener, err := net.Listen("tcp", w.address)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	w.address, w.backend = listener.Addr().String(), b
	return w.serve(b, listener)
}

// CloseBackend ends the backend; its file stays.
func (w *World) CloseBackend() error {
	if w.backend == nil {
		return nil
	}
	err := w.backend.Close()
	w.serving.Wait()
	w.backend = nil
	return err
}

// StartDaemon starts sekishod and waits until scanner and line are up.
func (w *World) StartDaemon(ctx context.Context) error {
	d, err := w.startDaemon(ctx)
	if err != nil {
		return err
	}
	token, err := w.token("staff")
	if err != nil {
		d.kill()
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.daemon, w.Till = d, newTill(d.page, token, w.setup.Door)
	return nil
}

// token reads one of the secrets that the daemon left in its run folder.
func (w *World) token(who string) (string, error) {
	text, err := os.ReadFile(w.path("run", who+".token"))
	return strings.TrimSpace(string(text)), err
}

// KeepDaemon starts sekishod again whenever it ends by itself, as systemd does
// on a register, until ctx ends. It says so on out. The local API must have a
// fixed address.
func (w *World) KeepDaemon(ctx context.Context, out io.Writer) error {
	for {
		w.mu.Lock()
		d := w.daemon
		w.mu.Unlock()
		if d == nil {
			return nil // it was stopped on purpose
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.exited:
		}
		select { // a daemon that cannot run is not started without a pause
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		fmt.Fprintf(out, "sekishod ended (%v); it is started again\n", d.err)
		again, err := w.startDaemon(ctx)
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.daemon = again
		w.mu.Unlock()
	}
}

// Ready waits until scanner and line are up and a policy is in force.
func (w *World) Ready(ctx context.Context) error {
	_, err := w.Till.Await(ctx, func(s State) bool {
		return s.Scanner == "connected" && s.Link.Up && s.Policy.Version == w.policy.Version
	})
	return err
}

// StopDaemon ends sekishod in good order.
func (w *World) StopDaemon(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.daemon == nil {
		return nil
	}
	w.Till.close()
	err := w.daemon.stop(ctx)
	w.daemon = nil
	return err
}

// KillDaemon ends sekishod without a word (kill -9).
func (w *World) KillDaemon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Till.close()
	w.daemon.kill()
	w.daemon = nil
}

// ForgetBoot takes the run directory away, as a reboot does.
func (w *World) ForgetBoot() error { return os.RemoveAll(w.path("run")) }

// CutLine cuts the line to the backend and waits until the register knows.
func (w *World) CutLine(ctx context.Context) error {
	if err := w.backend.Set(backendsim.Fault{Kind: backendsim.GoAway}); err != nil {
		return err
	}
	_, err := w.Till.Await(ctx, func(s State) bool { return !s.Link.Up })
	return err
}

// MendLine lets the register dial again and waits until it has.
func (w *World) MendLine(ctx context.Context) error {
	w.backend.Clear(backendsim.GoAway)
	_, err := w.Till.Await(ctx, func(s State) bool { return s.Link.Up })
	return err
}

// Settled waits until register and backend agree on everything.
func (w *World) Settled(ctx context.Context) error {
	_, err := w.Till.Await(ctx, func(s State) bool { return s.Unresolved == 0 && s.Outbox == 0 })
	return err
}

// Publish puts another policy in force and waits until the register has it.
func (w *World) Publish(ctx context.Context, r Rules) error {
	note, parsed, err := PolicyNote(w.keys, r, time.Now())
	if err != nil {
		return err
	}
	w.note, w.policy = note, parsed
	w.backend.SetPolicy(note, parsed)
	_, err = w.Till.Await(ctx, func(s State) bool { return s.Policy.Version == r.Version })
	return err
}

// PushOld sends the first policy again, as somebody might who wants its limits
// back; PushNew the latest.
func (w *World) PushOld() error {
	rules := w.setup.Rules
	note, parsed, err := PolicyNote(w.keys, rules, time.Now())
	if err != nil {
		return err
	}
	w.backend.SetPolicy(note, parsed)
	return nil
}

// PushNew sends the latest policy again.
func (w *World) PushNew() { w.backend.SetPolicy(w.note, w.policy) }

// Restock raises the store's cap on tobacco above what was sold, by a newer
// policy.
func (w *World) Restock(ctx context.Context) error {
	rules := w.setup.Rules
	rules.Version = w.policy.Version + 1
	rules.TobaccoDay *= 4
	return w.Publish(ctx, rules)
}

// Backend gives the running backend, for its switches and its ledger.
func (w *World) Backend() *backendsim.Backend { return w.backend }

// Scanner gives the scanner, to show it pictures, pull its cable, and hear what
// people near it hear (Deeds, Await).
func (w *World) Scanner() *scannersim.Scanner { return w.scanner }

// LedgerFile is where the register keeps its ledger.
func (w *World) LedgerFile() string { return w.path("register", "ledger.db") }

// Customer is a phone and the account it is bound to.
type Customer struct {
	Phone *walletsim.Phone
	name  string
}

// NewCustomer binds a phone to a new account with money on it.
func (w *World) NewCustomer(ctx context.Context, name string, boundFor time.Duration, ceilings walletsim.Ceilings) (*Customer, error) {
	c, err := w.newCustomer(name, boundFor, ceilings)
	if err != nil {
		return nil, err
	}
	return c, w.backend.SetAccount(ctx, Issuer, c.Phone.Account(), 1_000_000)
}

// newCustomer binds a phone to an account that the backend has yet to hear of.
func (w *World) newCustomer(name string, boundFor time.Duration, ceilings walletsim.Ceilings) (*Customer, error) {
	account := fmt.Sprintf("%s-%08d", name, 10_000_000+len(name)*1_111_111)
	owner := walletsim.Owner{Account: account, BoundAt: time.Now().Add(-boundFor), Ceilings: ceilings}
	phone, err := walletsim.NewPhone(w.issuer(), owner, 0, time.Now)
	return &Customer{Phone: phone, name: name}, err
}

func (w *World) issuer() walletsim.Issuer { return w.keys.Customers() }

// NextRef makes a reference for the next sale.
func (w *World) NextRef() terminal.SaleRef {
	w.sales++
	return terminal.SaleRef(fmt.Sprintf("sale-%04d", w.sales))
}

// ShowText draws a payment code as a QR code and holds it before the scanner.
func (w *World) ShowText(ctx context.Context, text string) error {
	picture, err := walletsim.QR(text)
	if err != nil {
		return err
	}
	return w.scanner.Show(ctx, picture)
}

// Close ends daemon, backend and scanner.
func (w *World) Close(ctx context.Context) error {
	err := errors.Join(w.StopDaemon(ctx), w.CloseBackend())
	if w.scanner != nil {
		err = errors.Join(err, w.scanner.Close())
	}
	return err
}

// Page is the address of the cashier's page, with the token that opens it.
func (w *World) Page() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token, err := w.token("pos")
	if err != nil {
		return w.daemon.page // which says that it needs one
	}
	return w.daemon.page + "?token=" + token
}

// Process is the running daemon's process id.
func (w *World) Process() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.daemon.cmd.Process.Pid
}
