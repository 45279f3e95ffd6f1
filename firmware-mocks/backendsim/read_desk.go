package backendsim

import (
	"context"

	"sekisho/terminal"
)

// Account is one customer's account.
type Account struct {
	Key     terminal.AccountKey `json:"key"`
	Issuer  string              `json:"issuer"`
	Account string              `json:"account"` // masked
	Balance int64               `json:"balance"` // yen
	Stopped terminal.Millis     `json:"stopped"` // 0: it is in use
	Yen     int64               `json:"yen"`     // told as offline limit; -1: nothing is told
	Count   int64               `json:"count"`   // likewise
}

// Accounts gives all accounts.
func (r Ledger) Accounts(ctx context.Context) ([]Account, error) {
	return list(ctx, r.l, func(a *Account) []any {
		return []any{&a.Key, &a.Issuer, &a.Account, &a.Balance, &a.Stopped, &a.Yen, &a.Count}
	}, "SELECT key, issuer, masked, balance, stopped_at, limit_yen, limit_count FROM account ORDER BY issuer, key")
}

// Denied is one account that registers are told to refuse.
type Denied struct {
	Key     terminal.AccountKey `json:"key"`
	Until   terminal.Millis     `json:"until"` // to the minute
	Since   terminal.Millis     `json:"since"`
	Version int64               `json:"version"` // of the set that brought it
}

// Denials gives the denied accounts.
func (r Ledger) Denials(ctx context.Context) ([]Denied, error) {
	return list(ctx, r.l, func(d *Denied) []any { return []any{&d.Key, &d.Until, &d.Since, &d.Version} },
		"SELECT account, until * 60000, at, version FROM denial WHERE removed = 0 ORDER BY version, account")
}

// Note is a signed note that head office put in force here.
type Note struct {
	Kind    string `json:"kind"` // policy, roles or freeze
	Version int64  `json:"version"`
	Note    string `json:"note"`
}

// Notes gives what was published here, and what the backend was opened with where
// it has roles, oldest first of each kind.
func (r Ledger) Notes(ctx context.Context) ([]Note, error) {
	return list(ctx, r.l, func(n *Note) []any { return []any{&n.Kind, &n.Version, &n.Note} },
		"SELECT kind, version, note FROM published UNION ALL SELECT 'freeze', version, note FROM freeze ORDER BY 1, 2")
}

// OneTimeCode is a code that was made and is not forgotten yet. Nobody can read
// it again.
type OneTimeCode struct {
	Store    string          `json:"store"`
	Register string          `json:"register"`
	Class    string          `json:"class"`
	Made     terminal.Millis `json:"made"`
	Used     bool            `json:"used"`
}

// Codes gives the one-time codes.
func (r Ledger) Codes(ctx context.Context) ([]OneTimeCode, error) {
	return list(ctx, r.l, func(c *OneTimeCode) []any { return []any{&c.Store, &c.Register, &c.Class, &c.Made, &c.Used} },
		"SELECT store, register, class, made, serial != '' FROM code ORDER BY made, hash")
}

// Parked gives the refused messages, those that came last at the end.
func (r Ledger) Parked(ctx context.Context) ([]Parked, error) {
	return list(ctx, r.l, func(p *Parked) []any {
		return []any{&p.Register, &p.Type, &p.Payment, &p.Code, &p.Text, &p.First, &p.Last, &p.Count}
	}, "SELECT register, type, payment, code, text, first, last, count FROM parked ORDER BY last, register, payment, type")
}

// Problem is an advice that was rejected: goods that went and were not paid.
type Problem struct {
	Payment  string          `json:"payment"`
	Store    string          `json:"store"`
	Register string          `json:"register"`
	Amount   int64           `json:"amount"` // yen
	Reason   terminal.Reason `json:"reason"`
	Bearer   Bearer          `json:"bearer"`
	Decided  terminal.Millis `json:"decided"`
}

// Problems gives the rejected advices, oldest first.
func (r Ledger) Problems(ctx context.Context) ([]Problem, error) {
	return list(ctx, r.l, func(p *Problem) []any {
		return []any{&p.Payment, &p.Store, &p.Register, &p.Amount, &p.Reason, &p.Bearer, &p.Decided}
	}, "SELECT id, store, register, amount, reason, bearer, decided FROM payment WHERE state = 'advised-rejected' ORDER BY decided, id")
}

// Standing is how a register stands that has enrolled or said hello.
type Standing struct {
	ID          string          `json:"id"`
	Store       string          `json:"store"`
	Key         string          `json:"key,omitempty"` // that its checkpoints are signed with, a verifier key
	Session     int64           `json:"session"`       // its latest; 0: it never said hello
	Incarnation string          `json:"incarnation"`
	Doubt       string          `json:"doubt,omitempty"`       // why its rights are in doubt
	Certificate string          `json:"certificate,omitempty"` // serial number of its latest, hex
	Made        terminal.Millis `json:"made,omitempty"`        // of the certificate
	Ends        terminal.Millis `json:"ends,omitempty"`        // likewise
	Revoked     terminal.Millis `json:"revoked,omitempty"`     // likewise, when
	Linked      bool            `json:"linked"`                // now
	Impostors   int64           `json:"impostors,omitempty"`   // how often somebody said to be it who had not its journal
	Impostor    terminal.Millis `json:"impostor,omitempty"`    // the last time
}

// Standings gives every register.
func (b *Backend) Standings(ctx context.Context) ([]Standing, error) {
	all, err := list(ctx, b.ledger, func(s *Standing) []any {
		return []any{&s.ID, &s.Store, &s.Key, &s.Session, &s.Incarnation, &s.Doubt, &s.Certificate, &s.Made, &s.Ends, &s.Revoked, &s.Impostors, &s.Impostor}
	}, `SELECT e.id, e.store, ifnull(vkey, ''), ifnull(r.session, 0), ifnull(incarnation, ''), ifnull(doubt, ''),
		ifnull(serial, ''), ifnull(made, 0), ifnull(ends, 0), ifnull(revoked, 0), ifnull(failed, 0), ifnull(last, 0)
		FROM (SELECT id, store FROM register UNION SELECT register, store FROM enrolled) e
		LEFT JOIN register r ON r.id = e.id
		LEFT JOIN enrolled k ON k.register = e.id
		LEFT JOIN newcomer n ON n.register = e.id
		LEFT JOIN certificate c ON c.serial = (SELECT serial FROM certificate WHERE register = e.id ORDER BY made DESC, rowid DESC LIMIT 1)
		ORDER BY 1, 2`)
	linked := map[string]bool{}
	for _, l := range b.linked(func(*link) bool { return true }) {
		if c := l.who(); c != nil && c.asked == nil {
			linked[c.register] = true
		}
	}
	for i := range all {
		all[i].Linked = linked[all[i].ID]
	}
	return all, err
}
