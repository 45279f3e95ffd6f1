package offline

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/mattn/go-sqlite3"
)

//go:embed migrations
var migrationFiles embed.FS

// migrations gives the SQL of a file's kind ("ledger" or "cache"); the one at
// index i has number i+1 and leads to schema i+1.
func migrations(kind string) ([]string, error) {
	dir := "migrations/" + kind
	entries, err := fs.ReadDir(migrationFiles, dir)
	if err != nil {
		return nil, err
	}
	var list []string
	for i, e := range entries {
		if want := fmt.Sprintf("%03d-", i+1); len(e.Name()) < len(want) || e.Name()[:len(want)] != want {
			return nil, fmt.Errorf("offline: migration %s of the %s should begin with %s", e.Name(), kind, want)
		}
		text, err := migrationFiles.ReadFile(dir + "/" + e.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
	return list, nil
}

// migrate brings the file to this release's schema, one transaction for each
// step. A file that is ahead and may be read is left where it is.
func migrate(ctx context.Context, writer *sql.DB, steps []string) error {
	at, _, err := schemaOf(ctx, writer)
	if err != nil {
		return err
	}
	for n := at + 1; n <= int64(len(steps)); n++ {
		if err := step(ctx, writer, n, steps[n-1]); err != nil {
			return fmt.Errorf("migration %d: %w", n, err)
		}
	}
	return nil
}

func step(ctx context.Context, writer *sql.DB, n int64, text string) error {
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE meta SET value = ? WHERE key = 'schema'", n); err != nil {
		return err
	}
	return tx.Commit()
}

// inspect looks at an existing file without changing it: ErrNewer where this
// release, whose newest schema is given, must keep away; ErrDamaged where it is
// no file of ours.
func inspect(ctx context.Context, path string, newest int64) error {
	db := sql.OpenDB(connector{dsn: dsn(path, url.Values{"mode": {"ro"}, "_query_only": {"1"}, "_busy_timeout": {busyMillis}})})
	defer db.Close()
	_, minReader, err := schemaOf(ctx, db)
	if interrupted(err) {
		return nil
	}
	if err == nil && minReader > newest {
		err = fmt.Errorf("%w (it needs schema %d, this release knows %d)", ErrNewer, minReader, newest)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

// interrupted says whether the power went while the file was being made: only
// until it is in WAL mode can there be a rollback journal to play back, which a
// look that changes nothing cannot do. The writer does it.
func interrupted(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.ExtendedCode == sqlite3.ErrReadonlyRollback
}

// schemaOf gives a file's schema number and the lowest that can read it, both
// 0 for an empty file.
func schemaOf(ctx context.Context, db *sql.DB) (schema, minReader int64, err error) {
	var tables, meta int64
	err = db.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE name = 'meta') FROM sqlite_schema WHERE type = 'table'").Scan(&tables, &meta)
	switch {
	case err != nil:
		return 0, 0, opened(err)
	case tables == 0:
		return 0, 0, nil
	case meta == 0:
		return 0, 0, fmt.Errorf("%w: it has tables, but not ours", ErrDamaged)
	}
	for key, into := range map[string]*int64{"schema": &schema, "min_reader": &minReader} {
		if err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(into); errors.Is(err, sql.ErrNoRows) {
			return 0, 0, fmt.Errorf("%w: it does not say its %s", ErrDamaged, key)
		} else if err != nil {
			return 0, 0, opened(err)
		}
	}
	return schema, minReader, nil
}
