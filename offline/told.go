package offline

import (
	"context"
	"database/sql"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// What the backend told and can tell again: limits of accounts, denied accounts.
// A cache that does not take it fails no decision.

// cacheLimit keeps what the backend told of an account. It does not wait for the
// disk: after a power cut the backend tells it again with the next answer. What
// the cache does not take is kept in memory, so that a limit which was lowered
// holds; that is little, since ledger and cache lie on one disk.
func (s *Store) cacheLimit(ctx context.Context, l *register.AccountLimit) {
	if l == nil {
		return
	}
	if err := s.inCache(ctx, func() error { return s.writeLimit(ctx, *l) }); err != nil {
		s.log.Warn("the cache does not take an account's limit: kept in memory", "error", err)
		s.limits[l.Account] = *l
		return
	}
	delete(s.limits, l.Account)
}

func (s *Store) writeLimit(ctx context.Context, l register.AccountLimit) error {
	if _, err := s.cache.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return err
	}
	_, err := s.cache.ExecContext(ctx, `INSERT INTO account_limit (account, yen, count, told) VALUES (?, ?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET yen = excluded.yen, count = excluded.count, told = excluded.told`,
		l.Account, l.Yen, l.Count, l.Told)
	_, back := s.cache.ExecContext(ctx, "PRAGMA synchronous = FULL")
	return errors.Join(err, back)
}

// cachedLimit gives nil where nothing was told, or the cache cannot say.
func (s *Store) cachedLimit(ctx context.Context, account terminal.AccountKey) *register.AccountLimit {
	if l, ok := s.limits[account]; ok {
		return &l
	}
	if s.cache == nil || account == "" {
		return nil
	}
	l := register.AccountLimit{Account: account}
	err := s.cache.QueryRowContext(ctx, "SELECT yen, count, told FROM account_limit WHERE account = ?", account).Scan(&l.Yen, &l.Count, &l.Told)
	if err == nil {
		return &l
	}
	if !errors.Is(err, sql.ErrNoRows) {
		s.log.Warn("the cache cannot say what the backend told of an account", "error", err)
	}
	return nil
}

// cacheDenials keeps a set of denied accounts, or a change to it. Once a change
// was not taken none after it is, until a whole set comes: what is kept must be
// what its version says, and the backend then brings the rest.
func (s *Store) cacheDenials(ctx context.Context, d *register.DenialsCopy) {
	if d == nil || (s.denialsLost && !d.Reset) {
		return
	}
	err := s.inCache(ctx, func() error { return s.writeDenials(ctx, *d) })
	s.denialsLost = err != nil
	if err != nil {
		s.log.Warn("the cache does not take the denied accounts: the backend sends them again after a restart", "error", err)
	}
}

var errGap = errors.New("this change to the denied accounts does not follow from what is kept")

func (s *Store) writeDenials(ctx context.Context, d register.DenialsCopy) error {
	tx, err := s.cache.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var held int64
	if err := tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'denials'").Scan(&held); err != nil {
		return err
	}
	if d.Version < 1 || (!d.Reset && (held == 0 || d.Version < held)) {
		return errGap
	}
	// What came under the same version came twice.
	if _, err := tx.ExecContext(ctx, "DELETE FROM denials WHERE ? OR version = ?", d.Reset, d.Version); err != nil {
		return err
	}
	for _, body := range d.Bodies {
		if body == nil {
			body = []byte{} // nil would be NULL
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO denials (version, body) VALUES (?, ?)", d.Version, body); err != nil {
			return err
		}
	}
	if err := setMeta(ctx, tx, "denials", d.Version); err != nil {
		return err
	}
	return tx.Commit()
}

// cachedDenials gives none where the cache cannot say: the backend sends them.
func (s *Store) cachedDenials(ctx context.Context) register.DenialsCopy {
	if s.cache == nil {
		return register.DenialsCopy{}
	}
	d, err := readDenials(ctx, s.cache)
	if err != nil {
		s.log.Warn("the cache cannot say who is denied: the backend sends it again", "error", err)
		s.denialsLost = true
		return register.DenialsCopy{}
	}
	return d
}

func readDenials(ctx context.Context, cache *sql.DB) (d register.DenialsCopy, err error) {
	if err := cache.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'denials'").Scan(&d.Version); err != nil {
		return d, err
	}
	d.Bodies, err = collect(ctx, cache, "SELECT body FROM denials ORDER BY row", nil, func(rows *sql.Rows) (body []byte, err error) {
		return body, rows.Scan(&body)
	})
	return d, err
}
