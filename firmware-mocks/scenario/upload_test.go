package scenario

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
)

// leavesOf reads the journal of a register's file, by index.
func leavesOf(ctx context.Context, file string) (map[int64][]byte, error) {
	all := map[int64][]byte{}
	return all, eachRow(ctx, file, "SELECT seq, leaf FROM journal", func(rows *sql.Rows) error {
		var seq int64
		var leaf []byte
		err := rows.Scan(&seq, &leaf)
		all[seq] = leaf
		return err
	})
}

// uploaded reads all leaves that the backend has of the register.
func uploaded(ctx context.Context, l backendsim.Ledger) (all []backendsim.Leaf, err error) {
	for {
		more, err := l.Journal(ctx, registerID, int64(len(all)), 500)
		if all = append(all, more...); err != nil || len(more) == 0 {
			return all, err
		}
	}
}

// sameLeaves holds what was uploaded against the register's own journal, leaf by
// leaf, and against the checkpoints (I6); gone are leaves that were pruned there. It
// gives how many the backend has.
func sameLeaves(ctx context.Context, file string, gone map[int64][]byte, l backendsim.Ledger) (int64, error) {
	there, err := uploaded(ctx, l)
	if err != nil {
		return 0, err
	}
	own, err := leavesOf(ctx, file) // afterwards: it grows first
	if err != nil {
		return 0, err
	}
	for seq, leaf := range gone {
		own[seq] = leaf
	}
	var bad []error
	for n, leaf := range there {
		if leaf.Index != int64(n) || !bytes.Equal(leaf.Leaf, own[leaf.Index]) {
			bad = append(bad, wrong("I6: leaf %d at the backend, the %dth, is not the register's own", leaf.Index, n))
		}
	}
	found, err := l.Verify(ctx, registerID)
	if found.Leaves < int64(len(there)) {
		bad = append(bad, wrong("I6: %d leaves at the backend, %d of them verified", len(there), found.Leaves))
	}
	return found.Leaves, errors.Join(append(bad, err)...)
}

// awaitLeaves waits until the backend has so many leaves: nothing tells of it.
func awaitLeaves(ctx context.Context, w *World, n int64) error {
	for {
		all, err := w.backend.Ledger().Uploads(ctx)
		if err != nil || slices.ContainsFunc(all, func(u backendsim.Uploaded) bool { return u.Leaves >= n && u.Through >= n }) {
			return err
		}
		if !wait(ctx, 20*time.Millisecond) {
			return fmt.Errorf("%d leaves did not come up: %+v", n, all)
		}
	}
}

// The backend has the register's journal, leaf by leaf, also after both were
// restarted; the upload goes on where it was (I6).
func TestI6TheBackendHasTheJournalLeafByLeaf(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	for n, who := range []string{"ken", "mei4", "aoi44"} {
		must(s.soldWithoutTheLine(ctx, who))
		must(w.StopDaemon(ctx)) // a checkpoint over all of it is with the backend
		size := journalSize(t, w)
		if n == 1 { // the backend too
			must(w.CloseBackend())
			must(w.OpenBackend(ctx))
		}
		before, err := w.backend.Ledger().Uploads(ctx)
		must(err)
		must(s.startAgain(ctx))
		must(w.Ready(ctx))
		must(awaitLeaves(ctx, w, size))
		have, err := sameLeaves(ctx, w.LedgerFile(), nil, w.backend.Ledger())
		must(err)
		if have < size || have <= before[0].Leaves {
			t.Errorf("the backend has %d leaves, had %d, the journal had %d", have, before[0].Leaves, size)
		}
	}
	s.wantRight(t, ctx)
}

// A register whose entries are old deletes what the backend has for good, and
// verify, logs and export say where the journal begins (I6, I8).
func TestI6OldEntriesGoOnceTheBackendHasThem(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(s.soldWithoutTheLine(ctx, "ken"))
	must(w.StopDaemon(ctx))
	whole, err := leavesOf(ctx, w.LedgerFile())
	must(err)
	old := journalSize(t, w) - 1
	must(aged(ctx, w.LedgerFile(), old))

	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	must(awaitPruned(ctx, w.LedgerFile(), old))
	must(s.soldWithoutTheLine(ctx, "mei4")) // life goes on
	must(w.StopDaemon(ctx))
	later, err := leavesOf(ctx, w.LedgerFile())
	must(err)
	if len(later[0]) != 0 || len(later[old]) == 0 {
		t.Errorf("the journal does not begin with entry %d", old)
	}
	have, err := sameLeaves(ctx, w.LedgerFile(), whole, w.backend.Ledger())
	must(err)
	if have < old {
		t.Errorf("%d entries are gone here, the backend has %d", old, have)
	}
	begins := fmt.Sprint("entry ", old)
	for _, args := range [][]string{{"verify"}, {"logs", "--since", "2000-01-01"}, {"export", "--payment", string(s.Results[0].Verdict.Payment)}} {
		if code, out := sekisho(t, w, args...); !strings.Contains(out, begins) {
			t.Errorf("sekisho %v: exit status %d, and it does not say %q:\n%s", args, code, begins, tail(out, 1000))
		}
	}
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	s.wantRight(t, ctx)
}

// aged writes into a ledger that nobody has open, in place of how old its entries
// are, that the first of them are older than they must be kept.
func aged(ctx context.Context, file string, entries int64) error {
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		return err
	}
	defer db.Close()
	const keep = 400 * 24 * time.Hour // docs/operations.md
	_, err = db.ExecContext(ctx, "DELETE FROM age; INSERT INTO age (at, size) VALUES (?, ?)", time.Now().Add(-keep-24*time.Hour).UnixMilli(), entries)
	return err
}

// awaitPruned waits until a journal begins with an entry: nothing tells of it.
func awaitPruned(ctx context.Context, file string, first int64) error {
	for {
		var begins int64
		err := eachRow(ctx, file, "SELECT min(seq) FROM journal", func(rows *sql.Rows) error { return rows.Scan(&begins) })
		if err != nil || begins == first {
			return err
		}
		if !wait(ctx, 20*time.Millisecond) {
			return fmt.Errorf("the journal begins with entry %d, want %d", begins, first)
		}
	}
}
