package offline

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// apply writes changes within tx, to a ledger that stands at at, and gives where
// it will stand, and the outbox items with their ids.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, at position, c register.Changes) (position, []register.OutboxItem, error) {
	next := at
	if err := putMoney(ctx, tx, c); err != nil {
		return next, nil, err
	}
	added, err := putOutbox(ctx, tx, c)
	if err != nil {
		return next, nil, err
	}
	if err := putStanding(ctx, tx, c); err != nil {
		return next, nil, err
	}
	if err := erase(ctx, tx, at.pruned, c.Erase); err != nil {
		return next, nil, err
	}
	if c.Mark != nil {
		if err := noteAge(ctx, tx, *c.Mark, at.tree.head.Size); err != nil {
			return next, nil, err
		}
	}
	if next.tree, err = putEntries(ctx, tx, at.tree, c.Entries); err != nil {
		return next, nil, err
	}
	if err := prune(ctx, tx, &next, c.Prune); err != nil {
		return next, nil, err
	}
	if err := s.putPolicy(ctx, tx, c.Policy, &next); err != nil {
		return next, nil, err
	}
	s.cacheDenials(ctx, c.Denials)
	s.cacheLimit(ctx, c.Limit)
	return next, added, nil
}

// putMoney writes payments, counters, code seen and sale.
func putMoney(ctx context.Context, tx *sql.Tx, c register.Changes) error {
	if err := putPayments(ctx, tx, c.Payments); err != nil {
		return err
	}
	for _, n := range c.Counters {
		if err := putCounter(ctx, tx, n); err != nil {
			return err
		}
	}
	if err := putSeen(ctx, tx, c.Seen); err != nil {
		return err
	}
	return putSale(ctx, tx, c.Sale)
}

// putPayments writes payments, and what they take of the caps that sum them.
func putPayments(ctx context.Context, tx *sql.Tx, all []terminal.Payment) error {
	var were []terminal.PaymentID
	for _, p := range all {
		was, err := putPayment(ctx, tx, p)
		if err != nil {
			return err
		}
		if was {
			were = append(were, p.ID)
		}
	}
	return putTallies(ctx, tx, all, were)
}

// putPayment says whether the payment was there before.
func putPayment(ctx context.Context, tx *sql.Tx, p terminal.Payment) (was bool, err error) {
	if !p.State.Known() {
		return false, refused("a payment's state %q is not known", p.State)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	if was, err = movePayment(ctx, tx, p, body); err != nil || was {
		return was, err
	}
	args := append(paymentArgs(p), string(body))
	const insert = `INSERT INTO payment
		(id, number, state, sale, account, amount, offline, approved, voided, bars, unresolved, created, decided, incarnation, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO `
	if done, err := changed(ctx, tx, insert+"NOTHING", args...); err != nil || done {
		return false, err
	}
	_, err = tx.ExecContext(ctx, insert+`UPDATE SET number = excluded.number, state = excluded.state, sale = excluded.sale,
		account = excluded.account, amount = excluded.amount, offline = excluded.offline, approved = excluded.approved,
		voided = excluded.voided, bars = excluded.bars, unresolved = excluded.unresolved, created = excluded.created,
		decided = excluded.decided, incarnation = excluded.incarnation, body = excluded.body`, args...)
	return true, err
}

// movePayment writes a payment that is there already, where only its state and
// marks changed, as they do in most steps: the indexes over the rest of it are
// left as they are. False where there is none like it.
func movePayment(ctx context.Context, tx *sql.Tx, p terminal.Payment, body []byte) (bool, error) {
	return changed(ctx, tx, `UPDATE payment SET state = ?, approved = ?, voided = ?, bars = ?, unresolved = ?, decided = ?, body = ?
		WHERE id = ? AND number = ? AND sale = ? AND account = ? AND amount = ? AND offline = ? AND created = ? AND incarnation = ?`,
		p.State, p.State.Approval(), p.Voided(), p.BarsAccount(), p.Unresolved(), p.Decided, string(body),
		p.ID, p.Number, p.Sale, p.Account, p.Amount, p.Offline, p.Created, p.Incarnation)
}

// changed says whether a statement changed a row.
func changed(ctx context.Context, tx *sql.Tx, statement string, args ...any) (bool, error) {
	done, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// paymentArgs are the columns beside a payment's body.
func paymentArgs(p terminal.Payment) []any {
	return []any{
		p.ID, p.Number, p.State, p.Sale, p.Account, p.Amount, p.Offline, p.State.Approval(),
		p.Voided(), p.BarsAccount(), p.Unresolved(), p.Created, p.Decided, p.Incarnation,
	}
}

// isAsItsBody says whether a row has just these columns.
const isAsItsBody = `SELECT EXISTS (SELECT 1 FROM payment WHERE id = ? AND number = ? AND state = ? AND sale = ? AND account = ?
	AND amount = ? AND offline = ? AND approved = ? AND voided = ? AND bars = ? AND unresolved = ? AND created = ? AND decided = ? AND incarnation = ?)`

func putCounter(ctx context.Context, tx *sql.Tx, c terminal.Counter) error {
	old, err := findCounter(ctx, tx, c.Key)
	if err != nil {
		return err
	}
	before := totals(&old)
	args := []any{c.Key.Cap, c.Key.Window, c.Key.Incarnation}
	for i, t := range totals(&c) {
		if !before[i].Within(*t) {
			return refused("the counter of cap %s shrinks", c.Key.Cap)
		}
		args = append(args, t.Yen, t.Units)
	}
	if held := c.Held(); held.Yen < 0 || held.Units < 0 {
		return refused("the counter of cap %s holds less than nothing", c.Key.Cap)
	}
	if !c.Released.Within(c.Used) {
		return refused("the counter of cap %s releases more than was used", c.Key.Cap)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO counter ("+counterColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (cap, day, incarnation) DO UPDATE SET
			granted_yen = excluded.granted_yen, granted_units = excluded.granted_units,
			used_yen = excluded.used_yen, used_units = excluded.used_units,
			released_yen = excluded.released_yen, released_units = excluded.released_units,
			returned_yen = excluded.returned_yen, returned_units = excluded.returned_units,
			sent_yen = excluded.sent_yen, sent_units = excluded.sent_units,
			got_yen = excluded.got_yen, got_units = excluded.got_units`, args...)
	return err
}

// putSeen refuses a code that another payment was seen with (promise I1). For
// the same payment the longer time counts.
func putSeen(ctx context.Context, tx *sql.Tx, c *register.SeenCode) error {
	if c == nil {
		return nil
	}
	done, err := tx.ExecContext(ctx, `INSERT INTO seen (key, payment, keep) VALUES (?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET keep = max(keep, excluded.keep) WHERE payment = excluded.payment`,
		c.Key, c.Payment, c.Keep)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return refused("this code was seen with another payment")
	}
	return nil
}

func putSale(ctx context.Context, tx *sql.Tx, s *terminal.Sale) error {
	if s == nil {
		return nil
	}
	if s.State == terminal.SaleClosed {
		_, err := tx.ExecContext(ctx, "DELETE FROM sale")
		return err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sale (only, ref, state, payment, body) VALUES (1, ?, ?, ?, ?)
		ON CONFLICT (only) DO UPDATE SET ref = excluded.ref, state = excluded.state, payment = excluded.payment, body = excluded.body`,
		s.Ref, s.State, s.Payment, string(body))
	return err
}

// putOutbox also takes what is no longer there as done or parked: the backend
// may acknowledge an item twice.
func putOutbox(ctx context.Context, tx *sql.Tx, c register.Changes) ([]register.OutboxItem, error) {
	var added []register.OutboxItem
	for _, o := range c.Outbox {
		if o.Body == nil {
			o.Body = []byte{} // nil would be NULL
		}
		done, err := tx.ExecContext(ctx, "INSERT INTO outbox (kind, payment, body, parked) VALUES (?, ?, ?, ?)", o.Kind, o.Payment, o.Body, o.Parked)
		if err != nil {
			return nil, err
		}
		if o.ID, err = done.LastInsertId(); err != nil {
			return nil, err
		}
		added = append(added, o)
	}
	if len(c.Done) > 0 {
		done, err := json.Marshal(c.Done)
		if err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM outbox WHERE id"+amongThese, string(done)); err != nil {
			return nil, err
		}
	}
	for _, id := range c.Parked {
		if _, err := tx.ExecContext(ctx, "UPDATE outbox SET parked = 1 WHERE id = ?", id); err != nil {
			return nil, err
		}
	}
	return added, putAside(ctx, tx, c.Aside)
}

// asideReader is the lowest schema number that a release must know to open a
// ledger in which something was set aside: another would take its payment for
// one that is still to be agreed on when it writes it again.
const asideReader = 4

// putAside moves items to where nothing sends or deletes them. One that is not
// there changes nothing.
func putAside(ctx context.Context, tx *sql.Tx, items []int64) error {
	if len(items) == 0 {
		return nil
	}
	for _, id := range items {
		for _, step := range []string{
			"INSERT INTO aside (id, kind, payment, body) SELECT id, kind, payment, body FROM outbox WHERE id = ?",
			"DELETE FROM outbox WHERE id = ?",
		} {
			if _, err := tx.ExecContext(ctx, step, id); err != nil {
				return err
			}
		}
	}
	_, err := tx.ExecContext(ctx, "UPDATE meta SET value = max(value, ?) WHERE key = 'min_reader'", asideReader)
	return err
}

// putPolicy stores the text before the ledger names its version, so that the
// ledger never names one that is nowhere.
func (s *Store) putPolicy(ctx context.Context, tx *sql.Tx, p *register.PolicyCopy, next *position) error {
	if p == nil {
		return nil
	}
	if p.Version < 1 || p.Version < next.policy {
		return refused("policy version %d after %d", p.Version, next.policy)
	}
	if err := s.cachePolicy(ctx, *p); err != nil {
		return err
	}
	next.policy = p.Version
	return setMeta(ctx, tx, "policy", p.Version)
}

// putEntries appends to the journal and its tree.
func putEntries(ctx context.Context, tx *sql.Tx, t tree, drafts []journal.Draft) (tree, error) {
	if len(drafts) == 0 {
		return t, nil
	}
	g := t.grow()
	first := g.nextHash()
	var hashes []byte
	for _, d := range drafts {
		more, err := putEntry(ctx, tx, g, d)
		if err != nil {
			return t, err
		}
		for _, h := range more {
			hashes = append(hashes, h[:]...)
		}
	}
	if err := putHashes(ctx, tx, first, hashes); err != nil {
		return t, err
	}
	return g.tree()
}

// putEntry writes an entry, and gives the hashes that it adds to the tree.
func putEntry(ctx context.Context, tx *sql.Tx, g *growing, d journal.Draft) ([]tlog.Hash, error) {
	e := d.Entry
	e.Version, e.Seq, e.Private = journal.Version, g.size, ""
	var salt, private []byte
	if d.Private != nil {
		var fresh [journal.SaltSize]byte
		rand.Read(fresh[:]) // never fails since Go 1.24
		salt = fresh[:]
		var err error
		if private, e.Private, err = d.Private.Seal(fresh); err != nil {
			return nil, err
		}
	}
	leaf, err := e.Leaf()
	if err != nil {
		return nil, err
	}
	_, hashes, err := g.append(leaf)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO journal (seq, leaf, private, salt) VALUES (?, ?, ?, ?)", e.Seq, leaf, private, salt)
	return hashes, err
}

// putHashes writes the hashes of all new entries, one behind the other, in one
// statement: there are two for each entry in the mean.
func putHashes(ctx context.Context, tx *sql.Tx, first int64, hashes []byte) error {
	_, err := tx.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
		INSERT INTO hash (idx, hash) SELECT ?2 + i, substr(?3, 1 + ?4 * i, ?4) FROM n`,
		len(hashes)/tlog.HashSize, first, hashes, tlog.HashSize)
	return err
}
