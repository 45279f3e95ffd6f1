package offline

import (
	"context"
	"database/sql"
	"errors"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// seenBatch is how many codes one decision forgets at most: more than a till can
// take in the minute between two marks, and little beside a commit.
const seenBatch = 100

const forget = "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE keep < ? ORDER BY keep LIMIT ?)"

// forgetSeen drops codes whose time to be kept is over.
func forgetSeen(ctx context.Context, tx *sql.Tx, now terminal.Millis) error {
	_, err := tx.ExecContext(ctx, forget, now, seenBatch)
	return err
}

// erase drops the private parts of entries, and what their payments say of
// account and code. The leaves, and with them every proof, stay; so does the
// code in the table of codes seen, which is a keyed hash. Of an entry that is
// pruned nothing is left to erase.
func erase(ctx context.Context, tx *sql.Tx, pruned int64, seqs []int64) error {
	for _, seq := range seqs {
		if seq < pruned {
			continue
		}
		var leaf []byte
		err := tx.QueryRowContext(ctx, "SELECT leaf FROM journal WHERE seq = ?", seq).Scan(&leaf)
		if errors.Is(err, sql.ErrNoRows) {
			return refused("there is no journal entry %d to erase from", seq)
		}
		if err != nil {
			return err
		}
		e, err := journal.Parse(leaf)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE journal SET private = NULL, salt = NULL WHERE seq = ?", seq); err != nil {
			return err
		}
		if err := erasePayment(ctx, tx, e.Payment); err != nil {
			return err
		}
	}
	return nil
}

func erasePayment(ctx context.Context, tx *sql.Tx, id terminal.PaymentID) error {
	p, err := findPayment(ctx, tx, id)
	if err != nil || p == nil {
		return err
	}
	p.Account, p.Masked, p.Seen = "", "", ""
	return putPayments(ctx, tx, []terminal.Payment{*p})
}
