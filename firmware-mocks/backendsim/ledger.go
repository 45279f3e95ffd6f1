package backendsim

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

//go:embed schema.sql
var schema string

//go:embed trust.sql
var trust string

// fullSync is what PRAGMA synchronous reads for FULL: every commit waits for
// the disk. The driver's own default is NORMAL, which loses acknowledged work.
const fullSync = 2

// ledger is the SQLite file, or memory, with its one writing connection, and
// others for what is read long.
type ledger struct {
	db, readers *sql.DB
	held        *sql.Conn           // one of readers, for as long as the ledger is open
	key         []byte              // of the hashes of codes
	pick        func(n int64) int64 // a random number below n, for challenges
}

// statements is how many prepared statements a connection keeps, more than this
// package has: to parse them anew took a fifth of a payment's time.
//
// SQLite may look at a bare parameter that it compares a column with when it plans
// a query that is more than the look-up of one row, and plans it anew once the
// parameter is bound again, which the driver does each time. So the parameters of
// such a query, where it is asked often, are compared as +?.
const statements = "200"

// dsns gives how a file is opened to write and to read; "" is memory. There, as
// with a file, one connection writes while others read what was committed; a
// reader keeps a commit waiting, where with a file it does not.
func dsns(file string) (write, read string) {
	path, own := "file:"+(&url.URL{Path: file}).EscapedPath()+"?", "_journal_mode=WAL&"
	if file == "" {
		path, own = "file:/backendsim-"+rand.Text()+"?vfs=memdb&", ""
	}
	path += "_stmt_cache_size=" + statements + "&"
	return path + own + "_synchronous=FULL&_foreign_keys=on&_busy_timeout=5000", path + "_query_only=on&_busy_timeout=5000"
}

// private makes a file that only its owner reads, as it holds keys; SQLite's own
// files beside it get the same mode.
func private(file string) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func openLedger(ctx context.Context, file string) (*ledger, error) {
	if err := private(file); err != nil {
		return nil, fmt.Errorf("backendsim: open ledger: %w", err)
	}
	write, read := dsns(file)
	db, err := sql.Open("sqlite3", write)
	if err != nil {
		return nil, fmt.Errorf("backendsim: open ledger: %w", err)
	}
	db.SetMaxOpenConns(1)
	readers, err := sql.Open("sqlite3", read)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backendsim: open ledger: %w", err), db.Close())
	}
	l := &ledger{db: db, readers: readers, pick: pickLeaf}
	// Memory goes with its last connection, and a pool may drop one that failed.
	if l.held, err = readers.Conn(ctx); err == nil {
		err = l.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backendsim: open ledger: %w", err), l.close())
	}
	return l, nil
}

func (l *ledger) close() error {
	var err error
	if l.held != nil {
		err = l.held.Close()
	}
	return errors.Join(err, l.readers.Close(), l.db.Close())
}

func (l *ledger) prepare(ctx context.Context) error {
	var level int
	if err := l.db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level); err != nil {
		return err
	}
	if level != fullSync {
		return fmt.Errorf("synchronous reads %d instead of %d", level, fullSync)
	}
	if _, err := l.db.ExecContext(ctx, schema+trust); err != nil {
		return err
	}
	fresh := make([]byte, sha256.Size)
	rand.Read(fresh)
	return l.change(ctx, func(t *tx) error {
		if err := t.forgetAnswers(); err != nil {
			return err
		}
		if err := t.exec("INSERT OR IGNORE INTO secret (id, key) VALUES (1, ?)", fresh); err != nil {
			return err
		}
		return t.row("SELECT key FROM secret").Scan(&l.key)
	})
}

// forgetAnswers takes out of a ledger of before what was kept beside each payment:
// the text of its answer, which its row tells too.
func (t *tx) forgetAnswers() error {
	kept, err := t.has("SELECT 1 FROM pragma_table_info('payment') WHERE name = 'answer'")
	if err != nil || !kept {
		return err
	}
	return t.exec("ALTER TABLE payment DROP COLUMN answer")
}

// hash stands for a code or a pass's identity, so that neither is kept.
func (l *ledger) hash(kind string, of []byte) string {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(kind + "\n"))
	h.Write(of)
	return hex.EncodeToString(h.Sum(nil))
}

// tx is a transaction, and the connection that it has for itself.
type tx struct {
	*sql.Conn
	ctx     context.Context // of its statements
	pick    func(n int64) int64
	doubted bool // it found a reason to doubt a register
}

// change runs do in one transaction. After a nil error it is on disk. After any
// other the caller does not know and says so to the register, which asks again:
// every message is safe to repeat.
//
// ctx bounds the wait for those before it, SQLite the rest. For a statement whose
// context may end the driver starts a goroutine, and package sql another for each
// that belongs to an sql.Tx: all of them took longer than SQLite itself.
func (l *ledger) change(ctx context.Context, do func(*tx) error) error {
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	t := &tx{Conn: conn, ctx: context.WithoutCancel(ctx), pick: l.pick}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed { // SQLite may have taken it back already, and says so
			_ = t.exec("ROLLBACK")
		}
	}()
	if err := do(t); err != nil {
		return err
	}
	err = t.exec("COMMIT")
	committed = err == nil
	return err
}

// view runs do on what was committed last, beside the changes: a register that
// needs a large set keeps nobody from paying.
func (l *ledger) view(ctx context.Context, do func(*tx) error) error {
	conn, err := l.readers.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	t := &tx{Conn: conn, ctx: ctx}
	if err := t.exec("BEGIN"); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // nothing was changed
	return do(t)
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

func (t *tx) row(query string, args ...any) *sql.Row { return t.QueryRowContext(t.ctx, query, args...) }

// has says whether the query gives a row.
func (t *tx) has(query string, args ...any) (bool, error) {
	var one int
	err := t.row("SELECT EXISTS ("+query+")", args...).Scan(&one)
	return one == 1, err
}

// each runs take for every row of a query.
func (t *tx) each(take func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := t.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
