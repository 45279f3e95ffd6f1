package scenario

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	_ "github.com/mattn/go-sqlite3" // the register's ledger is read as a file

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// forgersKey signs what no policy trusts. Its seed is all zeros: a secret that
// everybody knows.
var forgersKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// sold is one payment that the customer paid.
type sold struct {
	amount   int64
	refunded int64 // as the backend acknowledged it
	state    terminal.State
	voided   bool
}

// registerLedger reads what the register's file says of its payments.
func registerLedger(ctx context.Context, file string) (map[string]sold, error) {
	db, err := sql.Open("sqlite3", "file:"+file+"?mode=ro&_query_only=1")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT id, state, amount, voided, (SELECT ifnull(sum(r.value ->> 'amount'), 0)
		FROM json_each(payment.body, '$.refunds') r WHERE r.value ->> 'state' = 'done') FROM payment`)
	if err != nil {
		return nil, fmt.Errorf("the register's ledger cannot be read: %w", err)
	}
	defer rows.Close()
	all := map[string]sold{}
	for rows.Next() {
		var id string
		var p sold
		if err := rows.Scan(&id, &p.state, &p.amount, &p.voided, &p.refunded); err != nil {
			return nil, err
		}
		all[id] = p
	}
	return all, rows.Err()
}

// compare holds every result against the API and both ledgers.
func (s *Shift) compare(ctx context.Context) error {
	register, err := registerLedger(ctx, s.w.LedgerFile())
	if err != nil {
		return err
	}
	compared := 0
	for _, r := range s.Results {
		if r.Want.State == "" {
			continue // no payment came of it
		}
		compared++
		v, err := s.w.Till.Payment(ctx, r.Verdict.Payment)
		if err != nil {
			return fmt.Errorf("%s: the API does not tell of the payment: %w", r.Step, err)
		}
		if v.State != r.Want.State || v.Reason != r.Want.Reason || v.Voided != r.Void {
			s.bad = append(s.bad, wrong("%s: the API says %s %s, must be %s %s", r.Step, v.State, v.Reason, r.Want.State, r.Want.Reason))
		}
		if v.State == terminal.Rejected {
			s.said[terminal.AdviceRejected] = maps.Equal(v.Sentence, terminal.AdviceRejected.Sentences())
		}
		if got := register[string(r.Verdict.Payment)]; got.state != r.Want.State || got.voided != r.Void {
			s.bad = append(s.bad, wrong("%s: the register's ledger says %q, must be %q", r.Step, got.state, r.Want.State))
		}
	}
	differences, err := Differences(ctx, register, s.w.backend.Ledger())
	if err != nil {
		return err
	}
	for _, d := range differences {
		s.bad = append(s.bad, d)
	}
	s.bad = append(s.bad, OverCap(ctx, s.w.backend.Ledger())...)
	s.say("%d payments compared in the API and both ledgers", compared)
	return nil
}

// Differences holds the register's ledger against the backend's: what the
// register calls paid was charged once, in full but for what was refunded, and
// nothing else was.
func Differences(ctx context.Context, register map[string]sold, backend backendsim.Ledger) ([]error, error) {
	moves, err := backend.Charges(ctx, "")
	if err != nil {
		return nil, err
	}
	charged, count := map[string]int64{}, map[string]int{}
	for _, m := range moves {
		if m.Kind == backendsim.Charge {
			charged[m.Payment] += m.Amount
			count[m.Payment]++
		} else {
			charged[m.Payment] -= m.Amount
		}
	}
	var bad []error
	for _, id := range slices.Sorted(maps.Keys(register)) {
		p := register[id]
		due := int64(0)
		if p.state.Approval() && p.state != terminal.Rejected && !p.voided {
			due = p.amount - p.refunded
		}
		if charged[id] != due {
			bad = append(bad, wrong("payment %s is %s at the register, %d yen are due, %d were charged", id, p.state, due, charged[id]))
		}
		if count[id] > 1 {
			bad = append(bad, wrong("payment %s was charged %d times", id, count[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(charged)) {
		if _, known := register[id]; !known {
			bad = append(bad, wrong("payment %s was charged and the register does not know it", id))
		}
	}
	return bad, nil
}

// OverCap says which store caps were exceeded (I3).
func OverCap(ctx context.Context, backend backendsim.Ledger) []error {
	caps, err := backend.Caps(ctx)
	if err != nil {
		return []error{err}
	}
	var bad []error
	for _, c := range caps {
		if !c.Sold.Within(c.Highest) {
			bad = append(bad, wrong("cap %s: %d units sold, %d allowed", c.Cap, c.Sold.Units, c.Highest.Units))
		}
	}
	return bad
}
