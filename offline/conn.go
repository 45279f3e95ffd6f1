package offline

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

const (
	// busyMillis is how long a statement waits for a lock of another process,
	// such as a backup: longer than any backup step, shorter than a cashier's
	// patience.
	busyMillis = "5000"
	// statements is how many prepared statements a connection keeps: more than
	// this package has.
	statements = "64"
	// readConns is how many callers can read at once; each keeps its connection.
	readConns = 4
	// full is what PRAGMA synchronous reads for FULL.
	full = 2
)

// connector opens connections with options that hold for every connection of a
// pool: a PRAGMA run once would reach one of them only.
type connector struct {
	dsn   string
	begin func(*sqlite3.SQLiteConn) error
}

// Connect opens one connection.
func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(c.dsn) }

// Driver gives the SQLite driver.
func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{ConnectHook: c.begin} }

func dsn(path string, options url.Values) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options.Encode()
}

// openWriter opens the only connection that writes to path, which must exist.
func openWriter(ctx context.Context, path string, o Options) (*sql.DB, error) {
	db := sql.OpenDB(connector{
		dsn: dsn(path, url.Values{
			"mode":             {"rw"},
			"_journal_mode":    {"WAL"},
			"_synchronous":     {o.synchronous},
			"_foreign_keys":    {"1"},
			"_busy_timeout":    {busyMillis},
			"_txlock":          {"immediate"},
			"_secure_delete":   {"1"}, // what is erased is overwritten
			"_stmt_cache_size": {statements},
		}),
		begin: beginWriter,
	})
	db.SetMaxOpenConns(1)
	if err := checkDurable(ctx, db); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return db, nil
}

// beginWriter keeps the log when the connection closes: after a failed commit it
// is the evidence of what was written. And it keeps in memory what a savepoint
// needs to be undone: SQLite would write what is above 64 KB, which a decision
// may come to, into a file in the machine's temporary folder.
func beginWriter(c *sqlite3.SQLiteConn) error {
	if _, err := c.Exec("PRAGMA temp_store = MEMORY", nil); err != nil {
		return err
	}
	return c.SetFileControlInt("main", sqlite3.SQLITE_FCNTL_PERSIST_WAL, 1)
}

func checkDurable(ctx context.Context, db *sql.DB) error {
	var level int
	if err := db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level); err != nil {
		return opened(err)
	}
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return opened(err)
	}
	if level != full || mode != "wal" {
		return fmt.Errorf("%w: synchronous is %d, journal mode is %s", ErrNotDurable, level, mode)
	}
	return nil
}

// opened names an error on the way to an open file.
func opened(err error) error {
	if damaged(err) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// openReaders opens connections that cannot write, and makes sure of one: while
// it is there the writer's end is not the file's last, so that no checkpoint
// runs after a failed commit.
func openReaders(ctx context.Context, path string) (*sql.DB, error) {
	db := sql.OpenDB(connector{dsn: dsn(path, url.Values{
		"mode":             {"ro"},
		"_query_only":      {"1"},
		"_busy_timeout":    {busyMillis},
		"_stmt_cache_size": {statements},
	})})
	db.SetMaxOpenConns(readConns)
	db.SetMaxIdleConns(readConns)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, opened(err)
	}
	return db, nil
}

// checkpoint copies the log into the file and empties it.
func checkpoint(ctx context.Context, writer *sql.DB) error {
	var busy, log, copied int
	if err := writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &copied); err != nil {
		return err
	}
	if busy != 0 {
		return sqlite3.Error{Code: sqlite3.ErrBusy}
	}
	return nil
}

// quickCheck reads the whole file for damage.
func quickCheck(ctx context.Context, db *sql.DB) error {
	var first string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&first); err != nil {
		return opened(err)
	}
	if first != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, first)
	}
	return nil
}
