package register_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/scanner/aim"
	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

var errFull = fmt.Errorf("disk full: %w", register.ErrNotStored)

func refuses() error { return errFull }

// A full disk: no approval, a clear word, and selling goes on when it is back.
func TestI8StorageFailsAndRecovers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.disk.fault(refuses, nil)
		w.scan(digits)
		w.wantNotice(terminal.Storage)
		if v := w.reg.View(); v.Storage != "failed" || v.Verdict != nil || v.Sale.State != terminal.SaleReady {
			t.Fatalf("%+v", v)
		}
		if m := w.line.take(wire.TypeAuthorise); len(m) != 0 {
			t.Fatal("sent what is not on the disk")
		}
		_, err := w.put("s1", true, riceBall, riceBall)
		wantCode(t, err, register.CodeStorage)
		if s := w.reg.View().Sale; len(s.Lines) != 1 {
			t.Fatalf("changed all the same: %+v", s)
		}
		w.disk.fault(nil, nil)
		id := w.pays("account-1")
		w.wantState(id, terminal.Sent, "")
		if v := w.reg.View(); v.Storage != "ok" || v.Notice != nil {
			t.Fatalf("%+v", v)
		}
	})
}

// The disk refuses each step of an unknown in turn: nothing is told that is not
// kept, nothing spins, and it ends when the disk is back.
func TestI8UnknownEndsWhenTheDiskIsBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		tries := 0
		w.disk.fault(func() error { tries++; return errFull }, nil)
		w.after(time.Minute)
		if tries < 40 || tries > 70 {
			t.Fatalf("the disk was tried %d times in a minute, want about once a second", tries)
		}
		w.wantState(id, terminal.Sent, "")
		w.disk.fault(nil, nil)
		w.after(2 * time.Second)
		w.wantState(id, terminal.Reversing, terminal.BackendSilent)
		w.wantToldAfterKept()
	})
}

// After a doubtful commit the ledger is opened again, as often as it takes, and
// what it holds counts. Nothing is sent for a payment whose commit was in doubt.
func TestI8InDoubtReopens(t *testing.T) {
	for name, c := range map[string]struct {
		online bool
		stored bool
		want   terminal.State
	}{
		"stored, online":      {true, true, terminal.Unknown},
		"stored, offline":     {false, true, terminal.ApprovedOffline},
		"not stored, online":  {true, false, ""},
		"not stored, offline": {false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				if !c.online {
					w.down()
				}
				opened, once := 0, true
				w.disk.reopen = func() error {
					if opened++; opened < 3 {
						return register.ErrInDoubt
					}
					return nil
				}
				doubt := func() error {
					if once {
						once = false
						return fmt.Errorf("fsync: %w", register.ErrInDoubt)
					}
					return nil
				}
				if c.stored {
					w.disk.fault(nil, func(_ register.Changes, err error) error { return errors.Join(err, doubt()) })
				} else {
					w.disk.fault(doubt, nil)
				}
				w.scan(w.passOf("account-1", 100*24*time.Hour))
				w.after(4 * time.Second)
				v := w.reg.View()
				if opened != 3 || v.Storage != "ok" || len(w.line.take(wire.TypeAuthorise)) != 0 {
					t.Fatalf("opened %d times, storage %q", opened, v.Storage)
				}
				if c.want == "" {
					w.wantNotice(terminal.Storage)
					if v.Verdict != nil || v.Sale.State != terminal.SaleReady {
						t.Fatalf("%+v", v)
					}
					return
				}
				w.wantNotice("") // never "take cash" beside a payment that may be charged
				w.wantState(w.current(), c.want, map[terminal.State]terminal.Reason{terminal.Unknown: terminal.BackendSilent}[c.want])
			})
		})
	}
}

// A sale whose commit was in doubt is there after all: the POS is not told that
// nothing was changed, and putting it again settles it.
func TestI8SaleInDoubt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.disk.fault(refuses, nil)
		_, refused := w.put("s1", true, riceBall)
		wantCode(t, refused, register.CodeStorage)
		w.disk.fault(nil, func(register.Changes, error) error { w.disk.fault(nil, nil); return register.ErrInDoubt })
		_, err := w.put("s1", true, riceBall)
		wantCode(t, err, register.CodeStorage)
		if err.Error() == refused.Error() {
			t.Fatalf("in doubt the POS is told: %v", err)
		}
		synctest.Wait()
		if s := w.reg.View().Sale; s == nil || s.State != terminal.SaleReady {
			t.Fatalf("%+v", s)
		}
		if s, err := w.put("s1", true, riceBall); err != nil || s.Revision != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

// The disk hangs: the page says so after two seconds, the view answers, the loop
// sleeps, and a code that waited is not charged afterwards.
func TestI8DiskHangs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.answer(id, wire.OutcomeDeclined)
		w.after(2*time.Second - 10*time.Millisecond)
		if s := w.reg.View().Storage; s != "ok" {
			t.Fatalf("storage is %q before two seconds", s)
		}
		w.after(20 * time.Millisecond)
		if s := w.reg.View().Storage; s != "slow" {
			t.Fatalf("storage is %q after two seconds", s)
		}
		w.scan(w.passOf("account-2", 100*24*time.Hour))
		w.asked.Store(0)
		w.after(5 * time.Minute)
		if n := w.asked.Load(); n > 500 {
			t.Fatalf("the loop looked at the clock %d times in five minutes", n)
		}
		w.disk.fault(nil, nil)
		close(hold)
		synctest.Wait()
		w.wantState(id, terminal.Declined, terminal.BackendDeclined)
		w.wantNotice(terminal.CodeExpired)
		if v := w.reg.View(); v.Storage != "ok" || v.Verdict.Payment != id {
			t.Fatalf("%+v", v)
		}
	})
}

// After the disk has failed nobody is kept waiting for it; what the backend said
// meanwhile is not lost.
func TestI8FailedDiskKeepsNobodyWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.disk.fault(refuses, nil)
		w.answer(id, wire.OutcomeApproved)
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.answer(id, wire.OutcomeApproved)
		_, err := w.put("s2", true, riceBall)
		wantCode(t, err, register.CodeStorage)
		w.scan(digits)
		w.wantNotice(terminal.Storage)
		w.up("", w.units("tobacco-day", 3))
		w.disk.fault(nil, nil)
		close(hold)
		synctest.Wait()
		w.wantState(id, terminal.Approved, "")
		w.wantUnits("tobacco-day", 3, 0, 0)
	})
}

// While a ledger in doubt cannot be reopened the till says that the disk failed,
// not that it is slow, and whoever asked is told so and not kept waiting.
func TestI8LedgerInDoubtKeepsNobodyWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.disk.fault(nil, func(_ register.Changes, err error) error { return errors.Join(err, register.ErrInDoubt) })
		w.disk.mu.Lock()
		w.disk.reopen = func() error { return errors.New("no room") }
		w.disk.mu.Unlock()
		w.answer(id, wire.OutcomeApproved)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := w.reg.CancelSale(ctx, "s1")
		wantCode(t, err, register.CodeStorage)
		if v := w.reg.View(); v.Storage != "failed" || time.Since(began) > 2*time.Second {
			t.Fatalf("after %v storage is %q", time.Since(began), v.Storage)
		}
		w.disk.fault(nil, nil)
		w.disk.mu.Lock()
		w.disk.reopen = nil
		w.disk.mu.Unlock()
		w.after(2 * time.Second)
		w.wantState(id, terminal.Approved, "")
		if v := w.reg.View(); v.Storage != "ok" {
			t.Fatalf("storage is %q", v.Storage)
		}
	})
}

// A disk that was slow and then had nothing to store is not slow for ever.
func TestI8SlowDiskIsWellAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.answer(id, wire.OutcomeNotSeen)
		w.after(3 * time.Second)
		w.disk.fault(nil, nil)
		close(hold)
		synctest.Wait()
		if s := w.reg.View().Storage; s != "ok" {
			t.Fatalf("storage is %q", s)
		}
	})
}

// With the line down and things to tell, the loop sleeps.
func TestI8NothingSpins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.pays("account-1")
		w.after(46 * time.Second) // a reversal is on the line
		w.down()
		w.asked.Store(0)
		w.after(10 * time.Minute)
		if n := w.asked.Load(); n > 1000 {
			t.Fatalf("line down: the loop looked at the clock %d times in ten minutes", n)
		}
		w.up("")
		w.line.fill(true)
		w.asked.Store(0)
		w.after(time.Minute)
		// It tries once a second, and asks the store nothing but the first time.
		if n := w.asked.Load(); n > 2000 {
			t.Fatalf("line full: the loop looked at the clock %d times in a minute", n)
		}
		w.line.fill(false)
		w.line.take(wire.TypeReversal)
		w.after(1100 * time.Millisecond)
		if len(w.line.take(wire.TypeReversal)) == 0 {
			t.Fatal("the reversal does not go when the line has room again")
		}
	})
}

// The disk works on something: who asks waits, the last of very many are told to
// try again, and the register's end answers all.
func TestI8QueueIsBoundedAndEndAnswers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const keeps, callers = 1000, 1100
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		answers := make(chan error, callers+1)
		go func() {
			_, err := w.put("s1", false)
			answers <- err
		}()
		synctest.Wait()
		for range callers {
			go func() {
				_, err := w.reg.Ready(t.Context(), "none")
				answers <- err
			}()
		}
		synctest.Wait()
		want := func(n int, code register.Code) {
			t.Helper()
			if len(answers) != n {
				t.Fatalf("%d answers, want %d", len(answers), n)
			}
			for range n {
				wantCode(t, <-answers, code)
			}
		}
		want(callers-keeps, register.CodeBusy)
		w.disk.fault(nil, nil)
		stop, ended := w.stop, make(chan struct{})
		go func() { defer close(ended); stop() }()
		synctest.Wait()
		want(keeps+1, register.CodeShutdown)
		close(hold)
		<-ended
		_, err := w.reg.Ready(t.Context(), "none")
		wantCode(t, err, register.CodeShutdown)
	})
}

// A refused item is parked and shown, and holds up no other; items that nobody
// acknowledges hold up no others either.
func TestI8ParkedItemsLetOthersPass(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		var ids []terminal.PaymentID
		for i := range 64 + 4 {
			w.sells(terminal.SaleRef(fmt.Sprint("s", i)), riceBall)
			ids = append(ids, w.pays(fmt.Sprintf("account-%02d", i)))
			_, err := w.reg.HandOver(t.Context(), ids[i])
			w.must(err)
		}
		w.up("")
		if sent := w.line.take(wire.TypeAdvice); len(sent) != 64 {
			t.Fatalf("%d advices on the line at once, want 64", len(sent))
		}
		w.after(6 * time.Second)
		told := map[string]bool{}
		for range 3 {
			for _, m := range w.line.take(wire.TypeAdvice) {
				told[m.Advice.Payment] = true
			}
			w.after(6 * time.Second)
		}
		if len(told) != len(ids) {
			t.Fatalf("%d of %d advices were sent while none was acknowledged", len(told), len(ids))
		}
		for _, id := range ids {
			w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		}
		w.restart()
		w.up("")
		if v := w.reg.View(); v.Outbox != 0 || v.Unresolved != 0 {
			t.Fatalf("%+v", v)
		}
		w.sells("v", riceBall)
		id := w.pays("account-v")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		for range 2 {
			w.ack(id, wire.TypeVoid, wire.StatusRejected, "")
		}
		if v := w.reg.View(); v.Parked != 1 || v.Outbox != 1 {
			t.Fatalf("%+v", v)
		}
		w.line.take(wire.TypeVoid)
		w.asked.Store(0)
		w.after(10 * time.Minute)
		if n, m := w.asked.Load(), w.line.take(wire.TypeVoid); n > 1000 || len(m) != 0 {
			t.Fatalf("a parked item: the clock was looked at %d times, %d voids were sent", n, len(m))
		}
		w.restart()
		if v := w.reg.View(); v.Parked != 1 {
			t.Fatalf("after a restart: %+v", v)
		}
	})
}

// An advice that the backend refuses: the customer keeps the goods, the manager
// is told who pays.
func TestI8RefusedAdviceIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.up("")
		w.receive(wire.Message{Type: wire.TypeAck, Ack: &wire.Ack{
			Payment: string(id), Of: wire.TypeAdvice, Status: wire.StatusRejected, Reason: "account.denied", Bearer: "store", Time: 1,
		}})
		w.wantState(id, terminal.Rejected, terminal.AccountDenied)
		if p := w.payment(id); p.Bearer != "store" {
			t.Fatalf("borne by %q", p.Bearer)
		}
		if v := w.reg.View(); v.Unresolved != 0 || v.Outbox != 0 {
			t.Fatalf("%+v", v)
		}
	})
}

// A ledger that cannot be read at start ends Run, and whoever asks is told.
func TestI8NoLedgerNoRegister(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		store := w.disk.Store
		w.stop()
		w.must(closeOnly(store))
		reg := register.New(register.Config{Store: store, Backend: w.line, Signal: w.shown, Clock: w, Anchors: w})
		if err := reg.Run(t.Context()); err == nil {
			t.Fatal("Run gave no error")
		}
		_, err := reg.Ready(t.Context(), "s1")
		wantCode(t, err, register.CodeShutdown)
		reg.Scanned(t.Context(), aim.QR, digits, nil) // nobody waits, nothing blocks
	})
}

func closeOnly(s register.Store) error { return s.(interface{ Close() error }).Close() }
