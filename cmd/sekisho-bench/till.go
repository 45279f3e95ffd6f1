package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/offline"
	"sekisho/scanner/aim"
	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// patience is how long anything here may take before the bench gives up: far
// above any disk that works.
const patience = 20 * time.Second

// meal is what is sold: an average basket without high-resale goods.
var meal = terminal.Line{GTIN: "4902777130835", Quantity: 1, Price: 720}

// till is the real register on the real store, as sekishod puts them together.
type till struct {
	dir      string // the data folder
	keys     scenario.Keys
	note     string // the policy's
	reg      *register.Register
	verdicts chan terminal.Verdict
	run      string // the run directory
	rules    *policy.Roles
	rest     func() error // ends the register, and leaves the folder
	stop     func() error // ends the register, and removes the folder
	sales    int
	basket   []terminal.Line // what each sale has; a meal where it is empty
}

// machine is the machine's clock, as sekishod has it.
type machine struct{}

// Boot implements register.Clock.
func (machine) Boot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// Wall implements register.Clock.
func (machine) Wall() time.Time { return time.Now() }

// deaf is a line that is down.
type deaf struct{}

// Send implements register.Backend.
func (deaf) Send(wire.Message) bool { return false }

// Redial implements register.Backend.
func (deaf) Redial() {}

// Emit implements register.Signal. Nothing is lost: there is one payment at a
// time.
func (t *till) Emit(e register.Event) {
	if v, ok := e.Data.(terminal.Verdict); ok && e.Type == register.EventVerdict {
		t.verdicts <- v
	}
}

// Save implements register.AnchorStore: the same work as sekishod's, a small file
// written beside and renamed.
func (t *till) Save(a register.Anchor) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	path := filepath.Join(t.run, "anchor.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// runFolder lies in memory where the machine has such a place, as /run does.
func runFolder() (string, error) {
	if dir, err := os.MkdirTemp("/dev/shm", "sekisho-bench"); err == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "sekisho-bench-run")
}

// openTill starts a register in a new folder. Its line is backend's.
func openTill(ctx context.Context, backend register.Backend) (*till, error) {
	scratch, err := os.MkdirTemp("", "sekisho-bench")
	if err != nil {
		return nil, err
	}
	t := &till{dir: filepath.Join(scratch, "data"), verdicts: make(chan terminal.Verdict, 16)}
	if t.run, err = runFolder(); err != nil {
		return nil, err
	}
	operator := filepath.Join(scratch, "operator")
	if t.keys, err = scenario.MakeKeys(operator, t.dir, benchIdentity); err != nil {
		return nil, err
	}
	if t.note, _, err = scenario.PolicyNote(t.keys, scenario.DemoRules(), time.Now()); err != nil {
		return nil, err
	}
	if t.rules, err = openRoles(operator, t.keys.Roles); err != nil {
		return nil, err
	}
	t.stop = func() error { return errors.Join(t.rest(), os.RemoveAll(scratch), os.RemoveAll(t.run)) }
	return t, t.start(ctx, backend)
}

// benchIdentity is the register's.
var benchIdentity = policy.Identity{Register: "r1", Store: "s1", Class: scenario.Class, Realm: scenario.Realm}

// start runs the register on what its folder holds.
func (t *till) start(ctx context.Context, backend register.Backend) error {
	store, err := offline.Open(ctx, t.dir, offline.Options{})
	if err != nil {
		return err
	}
	t.reg = register.New(register.Config{
		Identity: benchIdentity, Roles: t.rules, StoreKey: []byte(rand.Text()), Sealer: t.keys.Backend.PublicKey(),
		Store: store, Backend: backend, Signal: t, Clock: machine{}, Anchors: t,
		Log: slog.New(slog.DiscardHandler), Incarnation: "00112233445566778899aabbccddeeff",
	})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- t.reg.Run(ctx) }()
	t.rest = func() error {
		cancel()
		return errors.Join(<-ended, store.Close())
	}
	<-t.reg.Loaded()
	return nil
}

func openRoles(operator, text string) (*policy.Roles, error) {
	vkey, err := os.ReadFile(filepath.Join(operator, "root.vkey"))
	if err != nil {
		return nil, err
	}
	root, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, err
	}
	return policy.OpenRoles(text, root, scenario.Realm)
}

// phone binds a new phone to a new account, so that no ceiling is met.
func (t *till) phone() (*walletsim.Phone, error) {
	issuer := walletsim.Issuer{Name: scenario.Issuer, KeyID: "demo-1", Audience: scenario.Realm, Key: t.keys.Wallet}
	owner := walletsim.Owner{
		Account: "bench-" + rand.Text()[:12], BoundAt: time.Now().AddDate(-1, 0, 0), Ceilings: walletsim.Ceilings{Yen: 10_000, Count: 10},
	}
	return walletsim.NewPhone(issuer, owner, 0, time.Now)
}

// sells puts the next sale, ready to be paid.
func (t *till) sells(ctx context.Context) error {
	t.sales++
	sale := terminal.Sale{Ref: terminal.SaleRef(fmt.Sprintf("sale-%06d", t.sales)), Lines: t.basket}
	if len(t.basket) == 0 {
		sale.Lines = []terminal.Line{meal}
	}
	for _, l := range sale.Lines {
		sale.Total += l.Price * terminal.Yen(l.Quantity)
	}
	_, err := t.reg.PutSale(ctx, sale, true)
	return err
}

// pays shows a code and waits for the approval, and gives how long it took.
func (t *till) pays(ctx context.Context, code string) (time.Duration, terminal.PaymentID, error) {
	began := time.Now()
	t.reg.Scanned(ctx, aim.QR, code, nil)
	for {
		select {
		case v := <-t.verdicts:
			took := time.Since(began)
			if v.Outcome == terminal.OutcomeUnknown {
				continue // sent, and on its way
			}
			if v.Outcome != terminal.OutcomeApproved {
				return 0, "", fmt.Errorf("the bench's payment was %s (%s)", v.State, v.Reason)
			}
			return took, v.Payment, nil
		case <-time.After(patience):
			return 0, "", fmt.Errorf("no verdict: %+v", t.reg.View().Notice)
		}
	}
}

// logSize is how long the ledger's write-ahead log is.
func (t *till) logSize() (int64, error) {
	info, err := os.Stat(filepath.Join(t.dir, "ledger.db-wal"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
