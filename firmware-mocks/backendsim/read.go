package backendsim

import (
	"context"

	"sekisho/terminal"
)

// Payment is what became of one payment id, as the ledger holds it.
type Payment struct {
	ID          string              `json:"id"`
	Register    string              `json:"register"`
	Incarnation string              `json:"incarnation"`
	State       State               `json:"state"`
	Offline     bool                `json:"offline"`
	Amount      int64               `json:"amount"` // yen; 0 for a tombstone
	Refunded    int64               `json:"refunded"`
	Reason      terminal.Reason     `json:"reason,omitempty"`
	Bearer      Bearer              `json:"bearer,omitempty"`
	Approval    string              `json:"approval_code,omitempty"`
	Issuer      string              `json:"issuer,omitempty"`
	Account     string              `json:"account,omitempty"` // masked
	Key         terminal.AccountKey `json:"account_key,omitempty"`
	Decided     terminal.Millis     `json:"decided"`
}

// ChargeKind is the direction of a movement of money.
type ChargeKind string

// The directions.
const (
	Charge ChargeKind = "charge" // from the customer
	Credit ChargeKind = "credit" // back to the customer
)

// Movement is one movement of money on an account.
type Movement struct {
	Payment string              `json:"payment"`
	Account terminal.AccountKey `json:"account"`
	Kind    ChargeKind          `json:"kind"`
	Why     string              `json:"why"` // the type of the message that made it
	Amount  int64               `json:"amount"`
	At      terminal.Millis     `json:"at"`
}

// CapTotal is one cap row. Sold is what payments took that are approved or
// advised and not undone; Burned is what retired incarnations held and nobody
// will get.
type CapTotal struct {
	Store    string          `json:"store"`
	Cap      string          `json:"cap"`
	Window   string          `json:"window"`
	Limit    terminal.Amount `json:"limit"`
	Highest  terminal.Amount `json:"highest"`
	Granted  terminal.Amount `json:"granted"`
	Returned terminal.Amount `json:"returned"`
	Burned   terminal.Amount `json:"burned"`
	Sold     terminal.Amount `json:"sold"`
}

// Event is one message that was handled.
type Event struct {
	At       terminal.Millis `json:"at"`
	Register string          `json:"register"`
	Type     string          `json:"type"`
	Payment  string          `json:"payment,omitempty"`
	Outcome  string          `json:"outcome"` // outcome or status, and the reason; of a hello the session
}

// Register is one register that has said hello.
type Register struct {
	ID          string `json:"id"`
	Store       string `json:"store"`
	Incarnation string `json:"incarnation"`     // of its latest session
	Doubt       string `json:"doubt,omitempty"` // why its rights are in doubt
}

// Checkpoint is one signed head of a register's journal.
type Checkpoint struct {
	Size int64           `json:"size"`
	Root string          `json:"root"` // hex
	Note string          `json:"note"`
	At   terminal.Millis `json:"at"`
}

// Ledger reads what the backend has decided. Its methods may be called from any
// goroutine while the backend serves.
type Ledger struct{ l *ledger }

// OpenLedger opens a backend's file to read it while no Backend does.
func OpenLedger(ctx context.Context, file string) (Ledger, error) {
	l, err := openLedger(ctx, file)
	return Ledger{l}, err
}

// Close closes what OpenLedger opened.
func (r Ledger) Close() error { return r.l.close() }

// Payments gives all payments, tombstones included, oldest first.
func (r Ledger) Payments(ctx context.Context) ([]Payment, error) {
	return list(ctx, r.l, func(p *Payment) []any {
		return []any{&p.ID, &p.Register, &p.Incarnation, &p.State, &p.Offline, &p.Amount, &p.Refunded, &p.Reason,
			&p.Bearer, &p.Approval, &p.Issuer, &p.Account, &p.Key, &p.Decided}
	}, `SELECT id, register, incarnation, state, offline, amount, refunded, reason, bearer, approval, issuer, masked, account, decided FROM payment
		UNION ALL SELECT payment, register, '', 'reversed', 0, 0, 0, '', '', '', '', '', '', at FROM tombstone ORDER BY 14, 1`)
}

// Charges gives the movements of one payment, or with "" of all, oldest first.
func (r Ledger) Charges(ctx context.Context, payment string) ([]Movement, error) {
	return list(ctx, r.l, func(m *Movement) []any {
		return []any{&m.Payment, &m.Account, &m.Kind, &m.Why, &m.Amount, &m.At}
	}, `SELECT payment, account, kind, why, amount, at FROM charge WHERE ?1 = '' OR payment = ?1 ORDER BY id`, payment)
}

// Events gives what was handled, oldest first.
func (r Ledger) Events(ctx context.Context) ([]Event, error) {
	return list(ctx, r.l, func(e *Event) []any {
		return []any{&e.At, &e.Register, &e.Type, &e.Payment, &e.Outcome}
	}, "SELECT at, register, type, payment, outcome FROM event ORDER BY id")
}

// Registers gives all registers that ever said hello.
func (r Ledger) Registers(ctx context.Context) ([]Register, error) {
	return list(ctx, r.l, func(e *Register) []any { return []any{&e.ID, &e.Store, &e.Incarnation, &e.Doubt} },
		"SELECT id, store, incarnation, doubt FROM register ORDER BY id")
}

// Checkpoints gives what was kept of a register, oldest first; those from before
// a release are of another journal.
func (r Ledger) Checkpoints(ctx context.Context, register string) ([]Checkpoint, error) {
	return list(ctx, r.l, func(c *Checkpoint) []any { return []any{&c.Size, &c.Root, &c.Note, &c.At} },
		"SELECT size, root, note, at FROM checkpoint WHERE register = ? ORDER BY epoch, size", register)
}

// Caps gives all cap rows.
func (r Ledger) Caps(ctx context.Context) ([]CapTotal, error) {
	return list(ctx, r.l, func(c *CapTotal) []any {
		return []any{&c.Store, &c.Cap, &c.Window, &c.Limit.Yen, &c.Limit.Units, &c.Highest.Yen, &c.Highest.Units,
			&c.Granted.Yen, &c.Granted.Units, &c.Returned.Yen, &c.Returned.Units,
			&c.Burned.Yen, &c.Burned.Units, &c.Sold.Yen, &c.Sold.Units}
	}, capTotals)
}

const capTotals = `
WITH burned AS (
  SELECT a.store, a.cap, a.window,
    sum(max(0, granted_yen - used_yen + released_yen - returned_yen)) AS yen,
    sum(max(0, granted_units - used_units + released_units - returned_units)) AS units
  FROM allotment a JOIN incarnation i ON i.register = a.register AND i.id = a.incarnation
  WHERE i.retired = 1 GROUP BY 1, 2, 3),
sold AS (
  SELECT s.store, s.cap, s.window, sum(s.yen) AS yen, sum(s.units) AS units
  FROM spend s JOIN payment p ON p.id = s.payment WHERE p.state IN ` + soldStates + ` GROUP BY 1, 2, 3)
SELECT r.store, r.cap, r.window, limit_yen, limit_units, highest_yen, highest_units,
  granted_yen, granted_units, returned_yen, returned_units,
  ifnull(b.yen, 0), ifnull(b.units, 0), ifnull(s.yen, 0), ifnull(s.units, 0)
FROM cap_row r
LEFT JOIN burned b ON b.store = r.store AND b.cap = r.cap AND b.window = r.window
LEFT JOIN sold s ON s.store = r.store AND s.cap = r.cap AND s.window = r.window
ORDER BY 1, 2, 3`

func list[T any](ctx context.Context, l *ledger, fields func(*T) []any, query string, args ...any) ([]T, error) {
	all := []T{}
	rows, err := l.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
