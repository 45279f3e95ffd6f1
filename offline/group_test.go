package offline

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

var errAgainst = errors.New("decided against")

// outcome is what a caller of Decide was told.
type outcome struct {
	id      terminal.PaymentID
	receipt register.Receipt
	err     error
}

// together makes n decisions wait behind one that runs, in order, and gives what
// each was told once they go on. It runs in a synctest bubble, which sees that
// all of them wait.
func together(t *testing.T, s *Store, n int, change func(i int, c *register.Changes) error) []outcome {
	t.Helper()
	out := make([]outcome, n)
	running, goOn := make(chan struct{}), make(chan struct{})
	var callers sync.WaitGroup
	callers.Go(func() {
		s.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) {
			close(running)
			<-goOn
			return register.Changes{}, nil
		})
	})
	<-running
	for i := range n {
		callers.Go(func() {
			o := &out[i]
			o.receipt, o.err = s.Decide(t.Context(), register.Scope{}, func(u register.Usage) (register.Changes, error) {
				o.id = paymentID(u.Head.Size)
				p := terminal.Payment{ID: o.id, Number: u.Head.Size, State: terminal.ApprovedOffline, Amount: 720, Created: 1, Decided: 1}
				c := register.Changes{
					Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, "i1")},
					Outbox: []register.OutboxItem{{Kind: register.OutAdvice, Payment: p.ID}},
				}
				return c, change(i, &c)
			})
		})
		synctest.Wait() // it waits now, behind those before it
	}
	close(goOn)
	callers.Wait()
	return out
}

// grouped runs a test with a store in a bubble.
func grouped(t *testing.T, test func(t *testing.T, s *Store)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, s)
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func stay(int, *register.Changes) error { return nil }

// TestI2WaitingDecisionsShareACommit: all that wait, up to a bound, are stored by
// one commit; each is told its own place.
func TestI2WaitingDecisionsShareACommit(t *testing.T) {
	grouped(t, func(t *testing.T, s *Store) {
		var sizes []int64
		s.commit = func(tx *sql.Tx) error {
			var n int64
			if err := tx.QueryRow("SELECT count(*) FROM journal").Scan(&n); err != nil {
				return err
			}
			sizes = append(sizes, n)
			return tx.Commit()
		}
		for i, o := range together(t, s, 70, stay) {
			if o.err != nil || o.receipt.Head.Size != int64(i+1) || len(o.receipt.Outbox) != 1 || o.receipt.Outbox[0].ID != int64(i+1) {
				t.Errorf("decision %d: %+v", i, o)
			}
		}
		// The one that they waited behind is the first group's first.
		if len(sizes) != 2 || sizes[0] != groupSize-1 || sizes[1] != 70 {
			t.Errorf("commits after %v entries, want %d and 70", sizes, groupSize-1)
		}
		snap, err := s.Load(t.Context())
		if err != nil || snap.Head.Size != 70 || len(snap.Outbox) != 70 {
			t.Errorf("%d entries, %d items: %v", snap.Head.Size, len(snap.Outbox), err)
		}
	})
}

// TestI1FailedSharedCommitIsLookedUpForAll: none of a group is told another
// outcome than the rest; and who decided against, by what others changed, is not
// told so by what never was.
func TestI1FailedSharedCommitIsLookedUpForAll(t *testing.T) {
	for name, c := range map[string]struct {
		fail   func(*sql.Tx) error
		stored bool
	}{
		"committed all the same": {failAfter, true},
		"not committed":          {failBefore, false},
	} {
		t.Run(name, func(t *testing.T) {
			grouped(t, func(t *testing.T, s *Store) {
				s.commit = c.fail
				all := together(t, s, 6, func(i int, _ *register.Changes) error {
					if i == 3 {
						return errAgainst
					}
					return nil
				})
				s.commit = (*sql.Tx).Commit
				for i, o := range all {
					switch {
					case c.stored && i == 3 && o.err != errAgainst, c.stored && i != 3 && o.err != nil:
						t.Errorf("decision %d: %v", i, o.err)
					case !c.stored && (!errors.Is(o.err, register.ErrNotStored) || o.receipt.Head.Size != 0):
						t.Errorf("decision %d: %+v, want ErrNotStored", i, o)
					}
					if i != 3 {
						_, err := s.Payment(t.Context(), o.id)
						if (err == nil) != c.stored {
							t.Errorf("payment %s: %v, stored %t", o.id, err, c.stored)
						}
					}
				}
				mustSell(t, s)
			})
		})
	}
}

// TestI1OneFailsAlone: a decision that the store refuses takes nothing with it;
// one that ends the whole transaction is told, and so are all that it took along.
func TestI1OneFailsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		sale  terminal.SaleRef
		alone bool
	}{
		"one":               {"refuse", true},
		"whole transaction": {"lose", false},
	} {
		t.Run(name, func(t *testing.T) {
			grouped(t, func(t *testing.T, s *Store) {
				mustSell(t, s)
				for _, text := range []string{
					"CREATE TEMP TRIGGER refuse BEFORE INSERT ON payment WHEN NEW.sale = 'refuse' BEGIN SELECT RAISE(ABORT, 'refused'); END",
					"CREATE TEMP TRIGGER lose BEFORE INSERT ON payment WHEN NEW.sale = 'lose' BEGIN SELECT RAISE(ROLLBACK, 'lost'); END",
				} {
					if _, err := s.ledger.ExecContext(t.Context(), text); err != nil {
						t.Fatal(err)
					}
				}
				all := together(t, s, 5, func(i int, ch *register.Changes) error {
					if i == 2 {
						ch.Payments[0].Sale = c.sale
					}
					return nil
				})
				for i, o := range all {
					failed := errors.Is(o.err, register.ErrNotStored)
					_, err := s.Payment(t.Context(), o.id)
					switch {
					case c.alone && failed != (i == 2), !c.alone && i <= 2 && !failed, !c.alone && i > 2 && o.err != nil:
						t.Errorf("decision %d: %v", i, o.err)
					case o.err == nil && err != nil:
						t.Errorf("payment %s is not there: %v", o.id, err)
					}
				}
				snap, err := s.Load(t.Context())
				if want := map[bool]int64{true: 5, false: 3}[c.alone]; err != nil || snap.Head.Size != want {
					t.Errorf("%d entries, want %d: %v", snap.Head.Size, want, err)
				}
			})
		})
	}
}

// TestI1TheFirstFailsAlone: what the first decision of a shared transaction wrote
// before it failed is gone, and those behind it are kept.
func TestI1TheFirstFailsAlone(t *testing.T) {
	for name, spoil := range map[string]func(ch *register.Changes){
		"refused by the store": func(ch *register.Changes) {
			ch.Counters = []terminal.Counter{{Key: terminal.CounterKey{Cap: "c", Window: "2019-07-02", Incarnation: "i1"}, Used: terminal.Amount{Yen: 1}}}
		},
		"the transaction is ended": func(ch *register.Changes) { ch.Outbox[0].Body = []byte("lose") },
	} {
		t.Run(name, func(t *testing.T) {
			grouped(t, func(t *testing.T, s *Store) {
				mustSell(t, s)
				text := "CREATE TEMP TRIGGER lose BEFORE INSERT ON outbox WHEN NEW.body = CAST('lose' AS BLOB) BEGIN SELECT RAISE(ROLLBACK, 'lost'); END"
				if _, err := s.ledger.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
				all := together(t, s, 3, func(i int, ch *register.Changes) error {
					if i == 0 {
						ch.Payments[0].ID = "first"
						spoil(ch)
					}
					return nil
				})
				for i, o := range all {
					if errors.Is(o.err, register.ErrNotStored) != (i == 0) {
						t.Errorf("decision %d: %v", i, o.err)
					}
				}
				if _, err := s.Payment(t.Context(), "first"); !errors.Is(err, register.ErrNotFound) {
					t.Errorf("what the first wrote: %v", err)
				}
				if snap, err := s.Load(t.Context()); err != nil || snap.Head.Size != 3 {
					t.Errorf("%d entries, want 3: %v", snap.Head.Size, err)
				}
			})
		})
	}
}

// TestUndoStaysInMemory: nothing of the ledger is written to the machine's
// temporary folder.
func TestUndoStaysInMemory(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const inMemory = 2 // PRAGMA temp_store reads so
	var kept int
	if err := s.ledger.QueryRowContext(t.Context(), "PRAGMA temp_store").Scan(&kept); err != nil || kept != inMemory {
		t.Errorf("temp_store is %d: %v", kept, err)
	}
}

// TestLogBeginsAfresh: with the writer's own copying of the log into the file
// the log stays as long as it was after the first round.
func TestLogBeginsAfresh(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	var sizes []int64
	for range 4 {
		for range tidyAfter / logged(register.Changes{}) {
			if _, err := sell(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(filepath.Join(dir, ledgerFile+logSuffix))
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	if sizes[3] > sizes[0]*3/2 { // deeper trees write some pages more
		t.Errorf("the log grew: %d bytes", sizes)
	}
}

// TestI8LogOfBatchesIsAsLong: decisions about many payments, such as those of a
// backlog, let the log grow no further before it is copied, which is what the next
// customer may have to wait for.
func TestI8LogOfBatchesIsAsLong(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	for range 200 {
		_, err := s.Decide(t.Context(), register.Scope{}, func(u register.Usage) (c register.Changes, err error) {
			for n := u.Head.Size; n < u.Head.Size+64; n++ {
				p := terminal.Payment{ID: paymentID(n), Number: n, State: terminal.Approved, Amount: 720, Code: terminal.CodePass, Account: "a1", Created: 1, Decided: 1}
				c.Payments, c.Entries = append(c.Payments, p), append(c.Entries, journal.OfPayment(p, "i1"))
			}
			return c, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, ledgerFile+logSuffix))
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	if pages := info.Size() / page; pages > tidyAfter*3/2 {
		t.Errorf("the log has %d pages, and is copied after %d", pages, tidyAfter)
	}
}
