package offline

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// querier is a transaction of the writer or the readers' pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// load reads what a decision needs to see.
func load(ctx context.Context, tx *sql.Tx, at position, scope register.Scope) (register.Usage, error) {
	u := register.Usage{Head: at.tree.head, Counters: map[terminal.CounterKey]terminal.Counter{}}
	var err error
	if u.Payment, err = findPayment(ctx, tx, scope.Payment); err != nil {
		return u, err
	}
	if u.Taken, err = findTaken(ctx, tx, scope.Sale); err != nil {
		return u, err
	}
	for _, key := range scope.Counters {
		if u.Counters[key], err = findCounter(ctx, tx, key); err != nil {
			return u, err
		}
	}
	if scope.Seen != "" {
		if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM seen WHERE key = ?)", scope.Seen).Scan(&u.Seen); err != nil {
			return u, err
		}
	}
	if scope.Account != "" {
		if u.Account, err = accountUsage(ctx, tx, scope); err != nil {
			return u, err
		}
	}
	if u.Tallies, err = tallies(ctx, tx, scope.Tallies); err != nil {
		return u, err
	}
	if scope.Boot {
		if u.BootYen, err = bootYen(ctx, tx, scope.Incarnation); err != nil {
			return u, err
		}
	}
	if u.Payments, err = findPayments(ctx, tx, scope.Payments); err != nil {
		return u, err
	}
	u.Items, err = findItems(ctx, tx, scope.Items)
	return u, err
}

// SQLite compiles a statement anew for every value of a parameter that is tested
// for equality beside an ORDER BY, which costs more than the rows. So what a
// decision asks for is put in order here.

// findPayment gives nil where there is none.
func findPayment(ctx context.Context, q querier, id terminal.PaymentID) (*terminal.Payment, error) {
	if id == "" {
		return nil, nil
	}
	found, err := payments(ctx, q, "WHERE id = ?", id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// amongThese is a condition for a list of any length, given as a JSON array, so
// that many rows cost one statement and its text stays the same.
const amongThese = " IN (SELECT value FROM json_each(?))"

// findPayments gives those of the payments that are there.
func findPayments(ctx context.Context, q querier, ids []terminal.PaymentID) (map[terminal.PaymentID]terminal.Payment, error) {
	found := make(map[terminal.PaymentID]terminal.Payment, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	_, err = collect(ctx, q, "SELECT id, body FROM payment WHERE id"+amongThese, []any{string(list)}, func(rows *sql.Rows) (p terminal.Payment, err error) {
		var id terminal.PaymentID
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return p, err
		}
		err = json.Unmarshal(body, &p)
		found[id] = p
		return p, err
	})
	return found, err
}

// findTaken gives the payment that stands in the way of another for the same
// sale: one that is undecided, or approved and not voided. Nil where there is
// none.
func findTaken(ctx context.Context, q querier, sale terminal.SaleRef) (*terminal.Payment, error) {
	if sale == "" {
		return nil, nil
	}
	type row struct {
		number int64
		body   []byte
	}
	found, err := collect(ctx, q, "SELECT row, body FROM payment WHERE sale = ? AND (state IN ('sent', 'unknown') OR (approved = 1 AND voided = 0))", []any{sale},
		func(rows *sql.Rows) (r row, err error) { return r, rows.Scan(&r.number, &r.body) })
	if err != nil || len(found) == 0 {
		return nil, err
	}
	latest := slices.MaxFunc(found, func(a, b row) int { return cmp.Compare(a.number, b.number) })
	var p terminal.Payment
	if err := json.Unmarshal(latest.body, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

func payments(ctx context.Context, q querier, where string, args ...any) ([]terminal.Payment, error) {
	return collect(ctx, q, "SELECT body FROM payment "+where, args, func(rows *sql.Rows) (p terminal.Payment, err error) {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return p, err
		}
		return p, json.Unmarshal(body, &p)
	})
}

func outbox(ctx context.Context, q querier, body, where string, args ...any) ([]register.OutboxItem, error) {
	return collect(ctx, q, "SELECT id, kind, payment, "+body+", parked FROM outbox "+where, args, func(rows *sql.Rows) (o register.OutboxItem, err error) {
		return o, rows.Scan(&o.ID, &o.Kind, &o.Payment, &o.Body, &o.Parked)
	})
}

// findItems gives those of the outbox items that are there, as they were asked for.
func findItems(ctx context.Context, q querier, ids []int64) ([]register.OutboxItem, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	there, err := outbox(ctx, q, "body", "WHERE id"+amongThese, string(list))
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]register.OutboxItem, len(there))
	for _, i := range there {
		byID[i.ID] = i
	}
	var found []register.OutboxItem
	for _, id := range ids {
		if i, ok := byID[id]; ok {
			found = append(found, i)
		}
	}
	return found, nil
}

// allButAdvices is what a start reads of the outbox's bodies: after a day without
// the line there may be many advices, and each is read again before it is sent.
const allButAdvices = "CASE kind WHEN 'advice' THEN NULL ELSE body END"

const counterColumns = `cap, day, incarnation,
	granted_yen, granted_units, used_yen, used_units, released_yen, released_units,
	returned_yen, returned_units, sent_yen, sent_units, got_yen, got_units`

func counters(ctx context.Context, q querier, where string, args ...any) ([]terminal.Counter, error) {
	return collect(ctx, q, "SELECT "+counterColumns+" FROM counter "+where, args, func(rows *sql.Rows) (c terminal.Counter, err error) {
		into := []any{&c.Key.Cap, &c.Key.Window, &c.Key.Incarnation}
		for _, a := range totals(&c) {
			into = append(into, &a.Yen, &a.Units)
		}
		return c, rows.Scan(into...)
	})
}

// totals gives a counter's totals in the order of counterColumns.
func totals(c *terminal.Counter) []*terminal.Amount {
	return []*terminal.Amount{&c.Granted, &c.Used, &c.Released, &c.Returned, &c.Sent, &c.Got}
}

// findCounter gives an empty counter where there is none.
func findCounter(ctx context.Context, q querier, key terminal.CounterKey) (terminal.Counter, error) {
	found, err := counters(ctx, q, "WHERE cap = ? AND day = ? AND incarnation = ?", key.Cap, key.Window, key.Incarnation)
	if err != nil || len(found) == 0 {
		return terminal.Counter{Key: key}, err
	}
	return found[0], nil
}

const isBarred = "SELECT EXISTS (SELECT 1 FROM payment WHERE account = ? AND bars = 1 AND decided >= ?)"

// accountUsage counts a void only once the backend knows of it, as bootYen does.
func accountUsage(ctx context.Context, q querier, scope register.Scope) (register.AccountUsage, error) {
	var u register.AccountUsage
	err := q.QueryRowContext(ctx, `SELECT coalesce(sum(amount), 0), count(*) FROM payment
		WHERE account = ? AND created >= ? AND offline = 1 AND (approved = 1 OR state = 'rejected') AND (voided = 0 OR body ->> '$.void.acknowledged' = 0)`,
		scope.Account, scope.Since).Scan(&u.OfflineYen, &u.OfflineCount)
	if err != nil {
		return u, err
	}
	err = q.QueryRowContext(ctx, isBarred, scope.Account, scope.Barred).Scan(&u.Declined)
	return u, err
}

// findSale gives nil where none is open.
func findSale(ctx context.Context, q querier) (*terminal.Sale, error) {
	var body []byte
	err := q.QueryRowContext(ctx, "SELECT body FROM sale").Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var sale terminal.Sale
	if err := json.Unmarshal(body, &sale); err != nil {
		return nil, fmt.Errorf("%w: sale: %w", ErrDamaged, err)
	}
	return &sale, nil
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, query string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
