package scenario

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"sekisho/terminal"
)

// right is what one incarnation holds of a cap in a window.
type right struct{ cap, window, incarnation string }

// units are its counters, as far as the storm's caps count.
type units struct{ granted, sold int64 } // sold: used and not released

// readRights reads the counters that a side keeps.
func readRights(ctx context.Context, file, query string) (map[right]units, error) {
	all := map[right]units{}
	return all, eachRow(ctx, file, query, func(rows *sql.Rows) error {
		var r right
		var u units
		err := rows.Scan(&r.cap, &r.window, &r.incarnation, &u.granted, &u.sold)
		all[r] = u
		return err
	})
}

// readCounters reads those of both sides, and sums what the register's payments
// took.
func (b *books) readCounters(ctx context.Context, register, backend string) error {
	var err, err2 error
	b.held, err = readRights(ctx, register, "SELECT cap, day, incarnation, granted_units, used_units - released_units FROM counter")
	b.allotted, err2 = readRights(ctx, backend, "SELECT cap, window, incarnation, granted_units, 0 FROM allotment")
	b.took = map[right]int64{}
	return errors.Join(err, err2, eachRow(ctx, register, "SELECT id, ifnull(body ->> '$.incarnation', ''), ifnull(body -> '$.spends', '[]') FROM payment",
		func(rows *sql.Rows) error {
			var id, incarnation, text string
			var spends []terminal.Spend
			if err := rows.Scan(&id, &incarnation, &text); err != nil {
				return err
			}
			err := json.Unmarshal([]byte(text), &spends)
			if b.register[id].left() {
				for _, s := range spends {
					b.took[right{string(s.Cap), string(s.Window), incarnation}] += int64(s.Want().Units)
				}
			}
			return err
		}))
}

// rights: the register holds nothing that the backend did not grant, and each of
// its counters says what its payments took, no more and no less (I3).
func (b books) rights() (bad []error) {
	for r, u := range b.held {
		if u.granted > b.allotted[r].granted {
			bad = append(bad, wrong("I3: %v: %d units granted by the register's books, %d by the backend's", r, u.granted, b.allotted[r].granted))
		}
		if u.sold != b.took[r] {
			bad = append(bad, wrong("I3: %v: %d units sold by the counter, %d by the payments", r, u.sold, b.took[r]))
		}
	}
	return bad
}

// amountsTold: what the cashier was told to have been paid is what the backend
// charged (I1, I2).
func (b books) amountsTold(s *seller) (bad []error) {
	charged := map[string]int64{}
	for _, m := range b.moves {
		if m.Kind == "charge" {
			charged[m.Payment] += m.Amount
		}
	}
	told := map[terminal.PaymentID]terminal.Yen{}
	for _, v := range s.handed {
		told[v.Payment] = v.Amount
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		if b.register[string(id)].paid() && charged[string(id)] != int64(told[id]) {
			bad = append(bad, wrong("I1: payment %s: the cashier was told of %d yen, %d were charged", id, told[id], charged[string(id)]))
		}
	}
	return bad
}
