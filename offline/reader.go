package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/mattn/go-sqlite3"

	"sekisho/terminal/register"
)

// ErrUnfinished says that a ledger cannot be read here without writing.
var ErrUnfinished = errors.New("what was written last is in the ledger's log, and reading it needs to write beside it: read it as the user whose register it is, or copy the folder to where you may write")

// Reader is a data folder opened to be looked at, by another process than the
// register's: while a register runs in it or not. It takes no lock that a
// register would see as another one's, and changes neither ledger nor log.
type Reader struct {
	reads

	mu sync.RWMutex
	db *sql.DB // nil once closed
}

var _ register.Reader = (*Reader)(nil)

// OpenReader opens the ledger in dir for reading. The files of a register belong
// to its user alone, and SQLite coordinates readers and writer by a small file
// beside the ledger (ledger.db-shm): so the caller is that user, or root, and may
// write to the folder. Only a ledger that was ended cleanly can be read without
// that, from a copy or a medium that cannot be written. The errors are those of
// Open. The caller closes the reader.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	db, err := openToRead(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("offline: %w", err)
	}
	r := &Reader{db: db}
	r.reads.lend = r.use
	return r, nil
}

func openToRead(ctx context.Context, dir string) (*sql.DB, error) {
	steps, err := migrations("ledger")
	if err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(dir, ledgerFile))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	db, err := readable(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ledgerFile, err)
	}
	schema, minReader, err := schemaOf(ctx, db)
	switch {
	case err != nil:
	case minReader > int64(len(steps)):
		err = ErrNewer
	case schema < int64(len(steps)):
		err = ErrOlder
	default:
		return db, nil
	}
	db.Close()
	return nil, fmt.Errorf("%s: %w", ledgerFile, err)
}

// ErrOlder says that a ledger has not been opened by a register of this release.
var ErrOlder = errors.New("this file was written by an earlier release: start the register once with this one, or read it with that one")

// readable opens connections that cannot write. Where SQLite may not make its
// files beside the ledger, the ledger alone is the whole if the log is empty.
func readable(ctx context.Context, path string) (*sql.DB, error) {
	db, err := openReaders(ctx, path)
	if err == nil {
		_, _, err = schemaOf(ctx, db)
		if err == nil {
			return db, nil
		}
		db.Close()
	}
	var e sqlite3.Error
	if !errors.As(err, &e) || (e.Code != sqlite3.ErrCantOpen && e.Code != sqlite3.ErrReadonly) {
		return nil, err
	}
	log, statErr := os.Stat(path + logSuffix)
	if statErr == nil && log.Size() > 0 {
		return nil, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	if statErr != nil && !errors.Is(statErr, fs.ErrNotExist) {
		return nil, statErr
	}
	db = sql.OpenDB(connector{dsn: dsn(path, url.Values{"mode": {"ro"}, "immutable": {"1"}, "_query_only": {"1"}})})
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, opened(err)
	}
	return db, nil
}

// use lends the connections.
func (r *Reader) use(look func(*sql.DB) error) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.db == nil {
		return ErrClosed
	}
	return look(r.db)
}

// Close lets go of the files. It may be called more than once.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.db == nil {
		return nil
	}
	err := r.db.Close()
	r.db = nil
	return err
}
