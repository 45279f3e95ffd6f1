package scenario

import (
	"database/sql"
	"testing"

	"sekisho/terminal"
)

// A ledger that takes nothing, here since another process keeps it locked,
// approves nothing: the till says so, and sells again once it is free (I2, I8).
func TestI2ALockedLedgerApprovesNothing(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	ken, err := w.NewCustomer(ctx, "ken", longAgo, wellOff)
	must(err)
	ref := w.NextRef()
	must(w.Till.Put(ctx, ref, times(1, lunch)))

	db, err := sql.Open("sqlite3", "file:"+w.LedgerFile()+"?_txlock=immediate&_busy_timeout=5000")
	must(err)
	defer db.Close()
	lock, err := db.BeginTx(ctx, nil)
	must(err)
	text, err := ken.Phone.Pass()
	must(err)
	must(s.showFor(ctx, text, terminal.Storage))
	must(lock.Rollback())
	_, err = w.Till.Await(ctx, func(st State) bool { return st.Storage == "ok" }) // though nobody sells
	must(err)

	rows, err := w.backend.Ledger().Payments(ctx)
	must(err)
	for _, p := range rows {
		if p.Amount != 0 {
			t.Errorf("the backend was asked for %d yen while nothing could be kept", p.Amount)
		}
	}
	fresh, err := ken.Phone.Pass()
	must(err)
	must(w.ShowText(ctx, fresh))
	_, err = w.Till.Await(ctx, func(st State) bool {
		return st.Verdict != nil && st.Verdict.Sale == ref && st.Verdict.Outcome == terminal.OutcomeApproved
	})
	must(err)
}
