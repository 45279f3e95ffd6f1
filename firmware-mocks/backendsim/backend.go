package backendsim

import (
	"context"
	"crypto/hpke"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// Path is where registers dial.
const Path = "/v1/link"

// Config is what a backend needs.
type Config struct {
	File   string           // of the ledger; made where there is none
	Note   string           // the signed policy, as welcome brings it
	Policy *policy.Policy   // what Note says for the stores' class
	Key    hpke.PrivateKey  // opens the evidence of advices
	Now    func() time.Time // the backend's clock
	Log    *slog.Logger     // nothing secret is logged
}

// Backend is a running backend. Its methods may be called from any goroutine.
type Backend struct {
	ledger *ledger
	key    hpke.PrivateKey
	now    func() time.Time
	log    *slog.Logger
	faults switches
	mux    *http.ServeMux

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup // links, delayed messages

	mu     sync.Mutex
	closed bool
	rules  *rules
	links  map[*link]bool
	server *http.Server
}

// Open opens the ledger; ctx bounds the opening only. The backend serves
// nobody until Serve is called, or until it is used as an http.Handler.
func Open(ctx context.Context, cfg Config) (*Backend, error) {
	if cfg.Policy == nil || cfg.Note == "" || cfg.Key == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("backendsim: policy, note, key, clock and logger are all needed")
	}
	l, err := openLedger(ctx, cfg.File)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		ledger: l, key: cfg.Key, now: cfg.Now, log: cfg.Log, mux: http.NewServeMux(),
		rules: &rules{cfg.Note, cfg.Policy}, links: map[*link]bool{},
	}
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.mux.HandleFunc("GET "+Path, b.dialled)
	b.admin()
	return b, nil
}

// ServeHTTP serves Path for registers and /admin/ for tests and people.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// headerTimeout is how long a client may take to say what it wants.
const headerTimeout = 10 * time.Second

// Serve serves on the listener, which it closes, until Close. It gives nil when
// Close ended it.
func (b *Backend) Serve(l net.Listener) error {
	server := &http.Server{Handler: b, ReadHeaderTimeout: headerTimeout}
	b.mu.Lock()
	if b.closed || b.server != nil {
		b.mu.Unlock()
		return errors.Join(errors.New("backendsim: closed, or serving already"), l.Close())
	}
	b.server = server
	b.mu.Unlock()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("backendsim: serve: %w", err)
	}
	return nil
}

// Close ends every link and closes the ledger. It may be called once.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	server := b.server
	b.mu.Unlock()
	b.stop()
	b.hangUp(func(*link) bool { return true })
	var err error
	if server != nil {
		err = server.Close()
	}
	b.work.Wait()
	return errors.Join(err, b.ledger.db.Close())
}

// Ledger reads what was decided.
func (b *Backend) Ledger() Ledger { return Ledger{b.ledger} }

// Set turns a fault on. GoAway hangs up on everybody at once.
func (b *Backend) Set(f Fault) error {
	if !f.known() {
		return fmt.Errorf("backendsim: there is no fault %q of this shape", f.Kind)
	}
	b.faults.put(f)
	if f.Kind == GoAway {
		b.hangUp(func(*link) bool { return true })
	}
	return nil
}

// Clear turns all faults of a kind off; with "" every fault.
func (b *Backend) Clear(k FaultKind) { b.faults.clear(k) }

// SetPolicy puts another policy in force and pushes its note to every link.
func (b *Backend) SetPolicy(note string, p *policy.Policy) {
	b.mu.Lock()
	b.rules = &rules{note, p}
	b.mu.Unlock()
	for _, l := range b.linked(func(*link) bool { return true }) {
		if l.who() != nil {
			l.send(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: note}})
		}
	}
}

func (b *Backend) inForce() *rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules
}

// SetAccount makes an account or sets what is on it, in yen.
func (b *Backend) SetAccount(ctx context.Context, issuer, account string, balance int64) error {
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("UPDATE account SET balance = ? WHERE key = ?", balance, key)
	})
}

// StopAccount stops an account from now on: nothing is charged to it that was
// paid after this moment, with the line or without.
func (b *Backend) StopAccount(ctx context.Context, issuer, account string) error {
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("UPDATE account SET stopped_at = ? WHERE key = ?", b.now().UnixMilli(), key)
	})
}

// RegisterDigits says that a wallet shows these digits for an account: they pay
// one payment, within five minutes from now.
func (b *Backend) RegisterDigits(ctx context.Context, code, issuer, account string) error {
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("INSERT OR REPLACE INTO wallet_code (hash, account, made) VALUES (?, ?, ?)",
			b.ledger.hash("digits", []byte(code)), key, b.now().UnixMilli())
	})
}

// account makes the account where there is none, then changes it.
func (b *Backend) account(ctx context.Context, issuer, account string, do func(*tx, terminal.AccountKey) error) error {
	p := payer{issuer: issuer, masked: masked(account), account: terminal.NewAccountKey(issuer, account)}
	return b.ledger.change(ctx, func(t *tx) error {
		if _, _, err := t.account(p); err != nil {
			return err
		}
		return do(t, p.account)
	})
}

// masked shows the last four characters of an account, and none of a name so
// short that they would nearly be it.
func masked(account string) string {
	if len(account) < 8 {
		return "…"
	}
	return "…" + account[len(account)-4:]
}
