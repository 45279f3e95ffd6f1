package scenario

import (
	"context"
	"database/sql"
	"errors"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// books are both ledgers, read from the files.
type books struct {
	register map[string]entry
	backend  map[string]backendsim.Payment
	moves    []backendsim.Movement
	caps     []backendsim.CapTotal
	hashes   map[string]string // of the codes that the backend took money for, by payment
	points   []backendsim.Checkpoint
	leaves   int64           // of the register's journal, that the backend has
	journal  error           // what speaks against them
	held     map[right]units // by the register
	allotted map[right]units // by the backend
	took     map[right]int64 // units that the register's payments took
}

// entry is a payment at the register.
type entry struct {
	sold
	sale          terminal.SaleRef
	account, seen string
	bearer        string // of a rejected advice
	reason        string
	unresolved    bool
}

func readBooks(ctx context.Context, register, backend string) (b books, err error) {
	if b.register, err = readEntries(ctx, register); err != nil {
		return b, err
	}
	l, err := backendsim.OpenLedger(ctx, backend)
	if err != nil {
		return b, err
	}
	defer l.Close()
	payments, err1 := l.Payments(ctx)
	var err2, err3, err4, err5 error
	b.moves, err2 = l.Charges(ctx, "")
	b.caps, err3 = l.Caps(ctx)
	b.points, err4 = l.Checkpoints(ctx, registerID)
	b.hashes, err5 = pairs(ctx, backend, `SELECT id, code_hash FROM payment WHERE id IN (SELECT payment FROM charge WHERE kind = 'charge')`)
	b.leaves, b.journal = sameLeaves(ctx, register, nil, l)
	b.backend = map[string]backendsim.Payment{}
	for _, p := range payments {
		b.backend[p.ID] = p
	}
	return b, errors.Join(err1, err2, err3, err4, err5, b.readCounters(ctx, register, backend))
}

// pairs reads two columns of a file.
func pairs(ctx context.Context, file, query string) (map[string]string, error) {
	all := map[string]string{}
	return all, eachRow(ctx, file, query, func(rows *sql.Rows) error {
		var k, v string
		err := rows.Scan(&k, &v)
		all[k] = v
		return err
	})
}

func eachRow(ctx context.Context, file, query string, take func(*sql.Rows) error) error {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro&_query_only=1&_busy_timeout=5000")
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func readEntries(ctx context.Context, file string) (map[string]entry, error) {
	known, err := registerLedger(ctx, file)
	if err != nil {
		return nil, err
	}
	all := map[string]entry{}
	return all, eachRow(ctx, file, `SELECT id, sale, ifnull(body ->> '$.account', ''), ifnull(body ->> '$.seen', ''),
		ifnull(body ->> '$.bearer', ''), ifnull(body ->> '$.reason', ''), unresolved FROM payment`, func(rows *sql.Rows) error {
		var id string
		var e entry
		if err := rows.Scan(&id, &e.sale, &e.account, &e.seen, &e.bearer, &e.reason, &e.unresolved); err != nil {
			return err
		}
		e.sold = known[id]
		all[id] = e
		return nil
	})
}
