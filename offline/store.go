package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// Options of a store. The zero value is right for a register.
type Options struct {
	Log *slog.Logger // nil for none; nothing of a payment is logged

	synchronous string // "" for FULL; tests show that another is refused
}

// closeTime is how long Close may work on a clean end: above any checkpoint,
// below the time after which systemd kills.
const closeTime = 10 * time.Second

// Store is a register's ledger and cache, open. Its methods may be called from
// any goroutine; decisions are carried out one by one, in the order in which
// the store took them, and those that wait share a commit.
type Store struct {
	reads

	options Options
	log     *slog.Logger
	folder  *folder

	jobs      chan func()
	decisions chan *waiting
	quit      chan struct{}
	stopped   chan struct{}
	once      sync.Once
	closed    error

	// Only the writer's goroutine, and Close after its end, touch these.
	ledger *sql.DB
	cache  *sql.DB
	at     position
	untidy int                 // about how many pages of the log are not yet in the file
	doubt  error               // why the ledger is closed; nil while it is open
	commit func(*sql.Tx) error // sql.Tx.Commit, but for tests of its failure

	limits      map[terminal.AccountKey]register.AccountLimit // what the cache did not take
	denialsLost bool                                          // the cache did not take a change to the denied accounts

	reading sync.RWMutex // held for writing while the files are exchanged
	readers *sql.DB      // nil while they are
}

var _ register.Store = (*Store)(nil)

// Open opens the data folder dir, which it makes where there is none, and takes
// it for this process alone. It brings older files to this release's schema and
// checks them: always that the journal's hashes fit its last entry, after an
// unclean end the whole ledger. The errors are those of this package, or the
// disk's. The caller closes the store.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.synchronous == "" {
		o.synchronous = "FULL"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("offline: %w", err)
	}
	s := &Store{
		options: o, log: o.Log, folder: f,
		jobs: make(chan func()), decisions: make(chan *waiting), quit: make(chan struct{}), stopped: make(chan struct{}),
		commit: (*sql.Tx).Commit, limits: map[terminal.AccountKey]register.AccountLimit{},
	}
	s.reads.lend = s.lendReaders
	if err := s.start(ctx); err != nil {
		return nil, fmt.Errorf("offline: %w", errors.Join(err, s.closeFiles(), f.close()))
	}
	go s.run()
	return s, nil
}

// keepIt is what to do about a damaged ledger; a damaged cache is mended here.
const keepIt = "the ledger was left as it is: keep it, and ask head office before starting with an empty folder"

func (s *Store) start(ctx context.Context) error {
	err := s.prepareLedger(ctx)
	if err == nil {
		err = s.openLedger(ctx)
	}
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w; %s", err, keepIt)
	}
	if err != nil {
		return err
	}
	cache, err := openCache(ctx, s.folder, s.options, s.log)
	if err != nil {
		return err
	}
	s.cache = cache
	return s.folder.sync()
}

// run is the writer: it ends with Close.
func (s *Store) run() {
	defer close(s.stopped)
	for {
		select {
		case job := <-s.jobs:
			job()
		case first := <-s.decisions:
			s.commitGroup(first)
			s.tidy()
		case <-s.quit:
			return
		}
	}
}

// do runs job on the writer's goroutine and waits for its end. It gives up only
// before the job has begun.
func (s *Store) do(ctx context.Context, job func()) error {
	done := make(chan struct{})
	select {
	case <-s.quit:
		return ErrClosed
	default:
	}
	select {
	case s.jobs <- func() { defer close(done); job() }:
		<-done
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.quit:
		return ErrClosed
	}
}

// Close ends the writer after the decisions that it is at, marks the ledger as
// cleanly ended, and lets go of the folder. It may be called more than once.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.quit)
		<-s.stopped
		s.closed = errors.Join(s.endCleanly(), s.closeFiles(), s.folder.close())
	})
	return s.closed
}

// endCleanly leaves a mark that the next start needs no full check.
func (s *Store) endCleanly() error {
	if s.doubt != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	err := s.closeReaders()
	if !s.at.clean {
		err = errors.Join(err, bump(ctx, s.ledger, 1))
	}
	err = errors.Join(err, checkpoint(ctx, s.ledger))
	if s.cache != nil {
		err = errors.Join(err, checkpoint(ctx, s.cache))
	}
	if err != nil {
		return fmt.Errorf("offline: the files could not be ended cleanly; they are checked at the next start: %w", err)
	}
	return nil
}

func (s *Store) closeReaders() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.readers == nil {
		return nil
	}
	err := s.readers.Close()
	s.readers = nil
	return err
}

// closeLedger closes the writer first: the readers, which cannot checkpoint,
// are then the last.
func (s *Store) closeLedger() error {
	var err error
	if s.ledger != nil {
		err = s.ledger.Close()
		s.ledger = nil
	}
	return errors.Join(err, s.closeReaders())
}

func (s *Store) closeFiles() error {
	err := s.closeLedger()
	if s.cache != nil {
		err = errors.Join(err, s.cache.Close())
		s.cache = nil
	}
	return err
}

// read lends the readers' pool, which is not exchanged meanwhile.
func (s *Store) lendReaders(use func(*sql.DB) error) error {
	s.reading.RLock()
	defer s.reading.RUnlock()
	if s.readers != nil {
		return use(s.readers)
	}
	select {
	case <-s.quit:
		return ErrClosed
	default:
		return register.ErrInDoubt
	}
}
