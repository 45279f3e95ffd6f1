package offline

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// tally is one row: what a payment takes of one cap.
type tally struct {
	cap      terminal.CapID
	account  terminal.AccountKey
	created  terminal.Millis
	amount   terminal.Amount
	counting bool
}

func talliesOf(p terminal.Payment) []tally {
	var rows []tally
	for _, c := range p.Counts {
		rows = append(rows, tally{c.Cap, p.Account, p.Created, c.Amount, p.Counting()})
	}
	byCap(rows)
	return rows
}

func byCap(rows []tally) {
	slices.SortFunc(rows, func(a, b tally) int { return cmp.Compare(a.cap, b.cap) })
}

// putTallies makes the payments' rows what their counts say; were is which of them
// there may be rows of. Mostly they are there already: a payment takes the same
// from its first step to its last.
func putTallies(ctx context.Context, tx *sql.Tx, all []terminal.Payment, were []terminal.PaymentID) error {
	have, err := talliesIn(ctx, tx, were)
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := putTalliesOf(ctx, tx, p, have[p.ID]); err != nil {
			return err
		}
		have[p.ID] = talliesOf(p) // it may come twice
	}
	return nil
}

func putTalliesOf(ctx context.Context, tx *sql.Tx, p terminal.Payment, have []tally) error {
	want := talliesOf(p)
	for i, row := range want {
		if row.amount.Negative() {
			return refused("the payment counts less than nothing against cap %s", row.cap)
		}
		if i > 0 && want[i-1].cap == row.cap {
			return refused("the payment counts twice against cap %s", row.cap)
		}
	}
	if slices.Equal(have, want) {
		return nil
	}
	if len(have) > 0 {
		if _, err := tx.ExecContext(ctx, "DELETE FROM tally WHERE payment = ?", p.ID); err != nil {
			return err
		}
	}
	return insertTallies(ctx, tx, p.ID, want)
}

// insertTallies writes all rows in one statement: there may be as many as a
// policy has caps.
func insertTallies(ctx context.Context, tx *sql.Tx, id terminal.PaymentID, rows []tally) error {
	if len(rows) == 0 {
		return nil
	}
	var values []string
	var args []any
	for _, row := range rows {
		values = append(values, "(?, ?, ?, ?, ?, ?, ?)")
		args = append(args, id, row.cap, row.account, row.created, row.amount.Yen, row.amount.Units, row.counting)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO tally (payment, cap, account, created, yen, units, counting) VALUES "+strings.Join(values, ", "), args...)
	return err
}

// talliesIn gives the rows of payments that are there, of each by cap.
func talliesIn(ctx context.Context, q querier, of []terminal.PaymentID) (map[terminal.PaymentID][]tally, error) {
	found := make(map[terminal.PaymentID][]tally, len(of))
	if len(of) == 0 {
		return found, nil
	}
	list, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	_, err = collect(ctx, q, "SELECT payment, cap, account, created, yen, units, counting FROM tally WHERE payment"+amongThese, []any{string(list)},
		func(rows *sql.Rows) (r tally, err error) {
			var id terminal.PaymentID
			err = rows.Scan(&id, &r.cap, &r.account, &r.created, &r.amount.Yen, &r.amount.Units, &r.counting)
			found[id] = append(found[id], r)
			return r, err
		})
	for _, rows := range found {
		byCap(rows)
	}
	return found, err
}

// The two sums over tallies: of a cap, and of a cap and an account.
const (
	sumOfCap     = "SELECT ?, coalesce(sum(yen), 0), coalesce(sum(units), 0) FROM tally WHERE counting = 1 AND cap = ? AND created >= ?"
	sumOfAccount = sumOfCap + " AND account = ?"
)

// tallies asks for all sums in one statement.
func tallies(ctx context.Context, q querier, asked []register.Tally) (map[register.Tally]terminal.Amount, error) {
	if len(asked) == 0 {
		return nil, nil
	}
	var queries []string
	var args []any
	for i, t := range asked {
		query := sumOfCap
		args = append(args, i, t.Cap, t.Since)
		if t.Account != "" {
			query, args = sumOfAccount, append(args, t.Account)
		}
		queries = append(queries, query)
	}
	sums := make(map[register.Tally]terminal.Amount, len(asked))
	_, err := collect(ctx, q, strings.Join(queries, " UNION ALL "), args, func(rows *sql.Rows) (sum terminal.Amount, err error) {
		var i int
		err = rows.Scan(&i, &sum.Yen, &sum.Units)
		if err == nil {
			sums[asked[i]] = sum
		}
		return sum, err
	})
	return sums, err
}

const sumOfBoot = `SELECT coalesce(sum(amount), 0) FROM payment
	WHERE incarnation = ? AND offline = 1 AND (approved = 1 OR state = 'rejected') AND (voided = 0 OR body ->> '$.void.acknowledged' = 0)`

// bootYen sums what one incarnation approved offline; a rejected advice counts on,
// its goods may have left, and so does a void of which the backend does not know
// yet: the next advice may reach it before the void.
func bootYen(ctx context.Context, q querier, inc terminal.Incarnation) (terminal.Yen, error) {
	var sum terminal.Yen
	err := q.QueryRowContext(ctx, sumOfBoot, inc).Scan(&sum)
	return sum, err
}
