package register_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// backlogAtABank sells offline beside a bank that refuses nothing and a network
// that does nothing: two advices, one of which is voided meanwhile, a refund and
// a reversal wait.
func backlogAtABank(t *testing.T, w *world) *network {
	t.Helper()
	n := &network{w: w, dice: rand.New(rand.NewPCG(1, 1)), approved: map[terminal.PaymentID]bool{}, honest: true}
	n.bank = newBank(t, func() bool { return false }, func(most int64) int64 { return most })
	w.start()
	n.connects(w.policy(1))
	w.sells("s-online", riceBall)
	w.pays("account-0") // nobody answers
	n.look()
	n.collect()
	n.up = nil
	w.down()
	_, err := w.reg.CancelSale(t.Context(), "s-online")
	w.must(err)
	w.sells("s-1", packs(1)...)
	first := w.pays("account-1")
	n.look()
	_, err = w.reg.HandOver(t.Context(), first)
	w.must(err)
	w.refunds(first, refundID(), 80)
	w.sells("s-2", riceBall)
	second := w.pays("account-2")
	n.look()
	_, err = w.reg.Void(t.Context(), second)
	w.must(err)
	synctest.Wait()
	if v := w.reg.View(); v.Outbox != 5 || v.Unresolved != 3 {
		t.Fatalf("%d wait, %d unresolved", v.Outbox, v.Unresolved)
	}
	return n
}

// wantToldOnce lets all that waits go up, and compares the books.
func (n *network) wantToldOnce() {
	n.w.t.Helper()
	n.settles()
	n.compare()
	var sum int64
	for _, c := range n.bank.charges {
		sum += c.paid()
	}
	if len(n.bank.charges) != 3 || sum != 500 {
		n.w.t.Errorf("%d payments at the bank, %d yen", len(n.bank.charges), sum)
	}
}

// I1: what waits outlives an upgrade: the ledger of the release before is taken
// over with all that it has to tell.
func TestI1TheOutboxOutlivesAnUpgrade(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		n := backlogAtABank(t, w)
		w.stop()
		w.spoil(`DROP INDEX payment_rejected; DROP TRIGGER aside_never_changes; DROP TRIGGER aside_never_goes; DROP TABLE aside;
			UPDATE meta SET value = 3 WHERE key = 'schema'`)
		w.start()
		n.wantToldOnce()
	})
}

// I1: what waits outlives the machine's boot and an enrolment anew, which both
// make another incarnation: what the one before sold is told as its own.
func TestI1TheOutboxOutlivesAnotherIncarnation(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		n := backlogAtABank(t, w)
		w.reboots(0, 0)
		w.line.fill(true) // what was read for a line without room is still the other's
		n.connects("")
		w.after(2 * time.Second)
		w.line.fill(false)
		w.after(2 * time.Second)
		n.collect()
		for len(n.up)+len(n.down) > 0 {
			n.moves()
			n.collect()
		}
		w.sells("s-3", packs(2)...) // from rights of its own
		w.pays("account-3")
		n.look()
		_, err := w.reg.CancelSale(t.Context(), "s-3")
		w.must(err)
		n.settles()
		if c := n.bank.charges[string(n.ids[len(n.ids)-1])]; c == nil || c.paid() != 0 {
			t.Errorf("the sale that was cancelled: %v", c)
		}
		delete(n.bank.charges, string(n.ids[len(n.ids)-1]))
		n.wantToldOnce()
	})
}

// I1: a ledger that was put back tells what it still holds once more, under the
// same ids, in quarantine too: the bank knows them, and charges nothing again.
func TestI1AnOlderLedgerTellsNothingTwice(t *testing.T) {
	for name, doubt := range map[string]string{"unnoticed": "", "in quarantine": register.LedgerOlder} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				n := backlogAtABank(t, w)
				w.stop()
				kept := t.TempDir()
				w.must(os.CopyFS(kept, os.DirFS(w.dir)))
				w.start()
				n.wantToldOnce()
				w.stop()
				w.emptied()
				w.must(os.CopyFS(w.dir, os.DirFS(kept)))
				w.inc, w.anchor, w.found = inc2, register.Anchor{}, doubt
				w.start()
				if v := w.reg.View(); v.Outbox != 5 || v.Quarantine != doubt {
					t.Fatalf("%d wait, quarantine %q", v.Outbox, v.Quarantine)
				}
				n.wantToldOnce()
			})
		})
	}
}

// emptied removes what lies in a stopped register's folder.
func (w *world) emptied() {
	w.t.Helper()
	w.must(filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			err = os.Remove(path)
		}
		return err
	}))
}
