package backendsim

import (
	"cmp"
	"context"
	"crypto/hpke"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// Path is where registers dial.
const Path = "/v1/link"

// Config is what a backend needs.
type Config struct {
	File   string           // of the ledger, made where there is none; "" keeps it in memory
	Note   string           // the signed policy, as welcome brings it
	Policy *policy.Policy   // what Note says for the stores' class
	Roles  string           // the signed roles, "" where those of enrolment are in force
	Signer *policy.Roles    // what policy.OpenRoles made of Roles
	Key    hpke.PrivateKey  // opens the evidence of advices
	Root   note.Signer      // signs identities; nil where nobody is enrolled
	Pinned string           // Root's verifier, as note.NewVerifier reads it
	Dials  int              // of one register in a minute; 0 for what docs/protocol.md says
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

	root           note.Signer
	rootKey        string
	dials, guesses pace
	deadlines      deadlines
	heard          heard

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup // links, delayed messages

	publishing sync.Mutex // of a note, to the end

	mu      sync.Mutex
	closed  bool
	rules   *rules
	cas     []authority // the one that signs first
	links   map[*link]bool
	latest  map[string]*link // by register: the one that said hello last
	servers []*http.Server
}

// Open opens the ledger; ctx bounds the opening only. The backend serves
// nobody until Serve is called, or until it is used as an http.Handler.
func Open(ctx context.Context, cfg Config) (*Backend, error) {
	if cfg.Root != nil && (cfg.Pinned == "" || cfg.Roles == "") {
		return nil, errors.New("backendsim: who enrols registers needs the root's verifier and roles too")
	}
	if cfg.Policy == nil || cfg.Note == "" || cfg.Key == nil || cfg.Now == nil || cfg.Log == nil {
		return nil, errors.New("backendsim: policy, note, key, clock and logger are all needed")
	}
	l, err := openLedger(ctx, cfg.File)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		ledger: l, key: cfg.Key, now: cfg.Now, log: cfg.Log, mux: http.NewServeMux(),
		rules: newRules(cfg), links: map[*link]bool{}, latest: map[string]*link{}, root: cfg.Root, rootKey: cfg.Pinned,
		dials: pace{most: cmp.Or(cfg.Dials, usualDials)}, guesses: pace{most: wrongCodes}, deadlines: usualDeadlines, heard: heard{began: cfg.Now()},
	}
	if err := errors.Join(b.certify(ctx), b.republish(ctx)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	b.ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.mux.HandleFunc("GET "+Path, b.dialled)
	b.enrolment()
	b.admin()
	return b, nil
}

// ServeHTTP serves Path for registers and /admin/ for tests and people.
func (b *Backend) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// headerTimeout is how long a client may take to say what it wants.
const headerTimeout = 10 * time.Second

// Serve serves registers, and /admin/ for this machine, on the listener, which it
// closes, until Close. It gives nil when Close ended it.
func (b *Backend) Serve(l net.Listener) error { return b.serve(l, b) }

// ServeAdmin serves /admin/ alone, as Serve does.
func (b *Backend) ServeAdmin(l net.Listener) error {
	return b.serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/admin/") {
			http.NotFound(w, r)
			return
		}
		b.mux.ServeHTTP(w, r)
	}))
}

func (b *Backend) serve(l net.Listener, h http.Handler) error {
	server := b.server(h)
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return l.Close()
	}
	b.servers = append(b.servers, server)
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
	servers := b.servers
	b.mu.Unlock()
	b.stop()
	b.hangUp(func(*link) bool { return true })
	var err error
	for _, server := range servers {
		err = errors.Join(err, server.Close())
	}
	b.work.Wait()
	return errors.Join(err, b.ledger.close())
}

// Ledger reads what was decided.
func (b *Backend) Ledger() Ledger { return Ledger{b.ledger} }

func (b *Backend) inForce() *rules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules
}
