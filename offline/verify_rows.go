package offline

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// said is what the journal says of things that it does not hold itself.
type said struct {
	policy     int64   // the highest version that came into force
	quarantine *string // the last word on it; nil for none
}

func (s *said) hear(e journal.Entry) {
	switch e.Type {
	case journal.TypePolicy:
		s.policy = max(s.policy, e.Policy)
	case journal.TypeQuarantine:
		reason := string(e.Reason)
		s.quarantine = &reason
	}
}

// verifyStanding holds policy version and quarantine against the journal. Of the
// quarantine only where the journal has not grown since.
func verifyStanding(ctx context.Context, db *sql.DB, head journal.Head, what said) error {
	return inView(ctx, db, func(tx *sql.Tx) error {
		at, err := readPosition(ctx, tx)
		if err != nil {
			return err
		}
		var snap register.Snapshot
		if err := standing(ctx, tx, &snap); err != nil {
			return err
		}
		if at.policy < what.policy {
			return fmt.Errorf("%w: policy version %d was in force, the ledger says %d", ErrDamaged, what.policy, at.policy)
		}
		if what.quarantine != nil && at.tree.head == head && *what.quarantine != snap.Quarantine {
			return fmt.Errorf("%w: the quarantine is %q, the journal says %q", ErrDamaged, snap.Quarantine, *what.quarantine)
		}
		return nil
	})
}

// verifyFile asks SQLite, table by table, so that each view is short.
func verifyFile(ctx context.Context, db *sql.DB) error {
	tables, err := texts(ctx, db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
	if err != nil {
		return err
	}
	for _, table := range tables {
		var first string
		if err := db.QueryRowContext(ctx, "SELECT integrity_check FROM pragma_integrity_check(?) LIMIT 1", table).Scan(&first); err != nil {
			return err
		}
		if first != "ok" {
			return fmt.Errorf("%w: %s", ErrDamaged, first)
		}
	}
	return nil
}

func texts(ctx context.Context, q querier, query string, args ...any) ([]string, error) {
	return collect(ctx, q, query, args, func(rows *sql.Rows) (text string, err error) { return text, rows.Scan(&text) })
}

// kept is a payment's row.
type kept struct {
	row  int64
	id   terminal.PaymentID
	body []byte
}

// verifyPayments holds each payment against its columns, its tallies and its
// entries.
func verifyPayments(ctx context.Context, db *sql.DB) error {
	for row, more := int64(-1), true; more; {
		err := inView(ctx, db, func(tx *sql.Tx) error {
			begins, err := firstEntry(ctx, tx)
			if err != nil {
				return err
			}
			batch, err := collect(ctx, tx, "SELECT row, id, body FROM payment WHERE row > ? ORDER BY row LIMIT ?", []any{row, verifyLeaves},
				func(rows *sql.Rows) (k kept, err error) { return k, rows.Scan(&k.row, &k.id, &k.body) })
			for _, k := range batch {
				row = k.row
				err = errors.Join(err, verifyPayment(ctx, tx, k, begins))
			}
			more = len(batch) > 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func verifyPayment(ctx context.Context, tx *sql.Tx, k kept, begins int64) error {
	wrong := func(what string) error { return fmt.Errorf("%w: payment %s %s", ErrDamaged, k.id, what) }
	var p terminal.Payment
	d := json.NewDecoder(bytes.NewReader(k.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return wrong("cannot be read")
	}
	var same bool
	if err := tx.QueryRowContext(ctx, isAsItsBody, paymentArgs(p)...).Scan(&same); err != nil || !same || p.ID != k.id {
		return errors.Join(err, wrong("is not what its columns say"))
	}
	have, err := talliesIn(ctx, tx, []terminal.PaymentID{p.ID})
	if err != nil || !slices.Equal(have[p.ID], talliesOf(p)) {
		return errors.Join(err, wrong("is not what its tallies say"))
	}
	leaves, err := caseEntries(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	if what := differs(p, leaves, p.Number < begins); what != "" {
		return wrong(what)
	}
	return nil
}

// differs says in what a payment is not what its entries tell; "" for nothing. cut
// says that the first of them were pruned: what those told cannot be compared.
func differs(p terminal.Payment, leaves []register.Leaf, cut bool) string {
	var last journal.Entry
	var private []byte
	marks := map[string]bool{}
	for _, l := range leaves {
		e, err := journal.Parse(l.Bytes)
		switch {
		case err != nil:
			return "has an entry that cannot be read"
		case e.Type == journal.TypePayment:
			last, private = e, l.Private
		case e.Type == journal.TypeMark:
			marks[e.Mark] = true
		}
	}
	if what := differsInState(p, last, cut); what != "" {
		return what
	}
	acknowledged := p.Void != nil && p.Void.Acknowledged
	for mark, has := range map[string]bool{
		journal.MarkHandedOver: p.HandedOver != "", journal.MarkVoid: p.Voided(), journal.MarkVoided: acknowledged,
		journal.MarkSetAside: p.SetAside != 0,
	} {
		if marks[mark] != has && !(cut && has) {
			return "has other marks than the journal"
		}
	}
	var person journal.Private
	erased := p.Account == "" && p.Masked == "" && p.Seen == ""
	told := journal.OfPayment(p, last.Incarnation).Private
	if private != nil && !erased && (json.Unmarshal(private, &person) != nil || person != *told) {
		return "is of another account or code than the journal says"
	}
	return ""
}

// differsInState compares a payment with the last entry of its states.
func differsInState(p terminal.Payment, last journal.Entry, cut bool) string {
	if last.Type == "" {
		if cut {
			return ""
		}
		return "is in no journal entry"
	}
	want := journal.OfPayment(p, last.Incarnation)
	want.Entry.Seq, want.Entry.Private = last.Seq, last.Private
	if last.Bearer == "" {
		want.Entry.Bearer = "" // a release that did not tell it wrote the entry
	}
	a, err1 := want.Entry.Leaf()
	b, err2 := last.Leaf()
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		return "is not what the journal says"
	}
	return ""
}

// rowChecks finds rows that do not fit the others; each gives what is wrong.
var rowChecks = []string{
	"SELECT 'a row of ' || \"table\" || ' belongs to nothing' FROM pragma_foreign_key_check",
	"SELECT 'the payment of an entry is gone: ' || p FROM (SELECT " + leafPayment + " AS p FROM journal WHERE " + leafPayment + " IS NOT NULL) WHERE p NOT IN (SELECT id FROM payment)",
	`SELECT 'a code seen is not that of payment ' || id FROM seen JOIN payment ON id = seen.payment WHERE coalesce(body ->> 'seen', '') NOT IN ('', key)`,
	`SELECT 'the sale is not what its columns say' FROM sale
		WHERE ref IS NOT body ->> 'ref' OR state IS NOT body ->> 'state' OR payment IS NOT coalesce(body ->> 'payment', '')`,
	"SELECT 'what was set aside of payment ' || id || ' is gone' FROM payment WHERE body ->> 'set_aside' IS NOT NULL AND id NOT IN (SELECT payment FROM aside)",
	`WITH spent AS (
		SELECT s.value ->> 'cap' AS cap, s.value ->> 'window' AS day, incarnation,
			sum(s.value -> 'reserved' ->> 'yen') AS yen, sum(s.value -> 'reserved' ->> 'units') AS units
		FROM payment, json_each(body, '$.spends') s
		WHERE state NOT IN ('refused', 'declined', 'reversed') AND voided = 0 GROUP BY 1, 2, 3)
	SELECT 'the counter of cap ' || cap || ' has less used than its payments' FROM spent
		LEFT JOIN counter c USING (cap, day, incarnation)
		WHERE coalesce(used_yen - released_yen, 0) < yen OR coalesce(used_units - released_units, 0) < units`,
}

func verifyRows(ctx context.Context, db *sql.DB) error {
	for _, check := range rowChecks {
		found, err := texts(ctx, db, check+" LIMIT 1")
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%w: %s", ErrDamaged, found[0])
		}
	}
	return nil
}
