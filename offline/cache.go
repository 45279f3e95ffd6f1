package offline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"sekisho/terminal/register"
)

// asideSuffix marks a damaged cache. Only the last is kept: the backend can
// send again what was in it.
const asideSuffix = ".damaged"

// openCache opens the cache, and begins it afresh where it is missing or
// damaged.
func openCache(ctx context.Context, f *folder, o Options, log *slog.Logger) (*sql.DB, error) {
	db, err := tryCache(ctx, f, o)
	if !errors.Is(err, ErrDamaged) {
		return db, err
	}
	log.Warn("the cache is damaged: moved aside and begun afresh; the backend sends the policy again", "aside", cacheFile+asideSuffix, "error", err)
	if err := moveAside(f); err != nil {
		return nil, err
	}
	return tryCache(ctx, f, o)
}

func tryCache(ctx context.Context, f *folder, o Options) (*sql.DB, error) {
	steps, err := migrations("cache")
	if err != nil {
		return nil, err
	}
	path := f.file(cacheFile)
	fresh, err := f.create(cacheFile)
	if err != nil {
		return nil, err
	}
	if !fresh {
		if err := inspect(ctx, path, int64(len(steps))); err != nil {
			return nil, err
		}
	}
	db, err := openWriter(ctx, path, o)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(quickCheck(ctx, db), migrate(ctx, db, steps)); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", cacheFile, err)
	}
	return db, nil
}

func moveAside(f *folder) error {
	for _, suffix := range []string{logSuffix, shmSuffix} {
		if err := os.Remove(f.file(cacheFile + suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Rename(f.file(cacheFile), f.file(cacheFile+asideSuffix))
}

// inCache runs write; where it finds the cache damaged, again in a fresh one.
func (s *Store) inCache(ctx context.Context, write func() error) error {
	if s.cache == nil {
		return errNoCache
	}
	err := write()
	if !damaged(err) {
		return err
	}
	s.cache.Close()
	s.cache, err = openCache(ctx, s.folder, s.options, s.log)
	if err != nil {
		return err
	}
	return write()
}

var errNoCache = errors.New("the cache could not be opened again")

// cachePolicy stores a policy's text under its version. Texts older than the
// version in force go; that one stays until the ledger names the new one.
func (s *Store) cachePolicy(ctx context.Context, p register.PolicyCopy) error {
	return s.inCache(ctx, func() error { return s.writePolicy(ctx, p) })
}

func (s *Store) writePolicy(ctx context.Context, p register.PolicyCopy) error {
	tx, err := s.cache.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO policy (version, note) VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET note = excluded.note", p.Version, p.Note); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM policy WHERE version < ?", s.at.policy); err != nil {
		return err
	}
	return tx.Commit()
}

// cachedPolicy gives the text of a version, "" where it is not there.
func (s *Store) cachedPolicy(ctx context.Context, version int64) (string, error) {
	if s.cache == nil {
		return "", nil
	}
	var note string
	err := s.cache.QueryRowContext(ctx, "SELECT note FROM policy WHERE version = ?", version).Scan(&note)
	if errors.Is(err, sql.ErrNoRows) || damaged(err) {
		return "", nil
	}
	return note, err
}
