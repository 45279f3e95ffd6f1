package register_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// about fails unless the register's time is the true one, give or take by.
func (w *world) about(by time.Duration) {
	w.t.Helper()
	if wrong := time.Until(w.reg.View().Time.Time()); wrong.Abs() > by {
		w.t.Fatalf("the register's time is wrong by %v", wrong)
	}
}

// The machine's clock runs 50 millionths fast or slow, the session stays up for
// days: answers alone, acknowledgements alone or welcomes alone keep the time,
// so that no pass expires in the customer's hand and not_after is right.
func TestI5EveryWordOfTheBackendTellsTheTime(t *testing.T) {
	uninformed := func(w *world) func(*wire.Answer) {
		return func(a *wire.Answer) { a.Time = int64(w.reg.View().Time) }
	}
	for name, tell := range map[string]func(*world, terminal.PaymentID){
		"answer": func(w *world, id terminal.PaymentID) {
			w.answer(id, wire.OutcomeApproved)
		},
		"ack": func(w *world, id terminal.PaymentID) {
			w.answer(id, wire.OutcomeApproved, uninformed(w))
			_, err := w.reg.Void(w.t.Context(), id)
			w.must(err)
			w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		},
		"welcome": func(w *world, id terminal.PaymentID) {
			w.answer(id, wire.OutcomeApproved, uninformed(w))
			w.down()
			w.up("")
		},
	} {
		for _, ppm := range []time.Duration{-50, 50} {
			t.Run(fmt.Sprintf("%s, %d ppm", name, ppm), func(t *testing.T) {
				bare(t, func(t *testing.T, w *world) {
					w.ppm = ppm
					w.start()
					w.up(w.policy(1))
					for n := range 8 * 6 {
						w.after(4 * time.Hour) // 0.72 s of drift; 35 s in 8 days, and a pass from 30 s ahead is refused
						w.sells(terminal.SaleRef(fmt.Sprint("s", n)), riceBall)
						id := w.pays("account-1")
						w.wantState(id, terminal.Sent, "")
						wrong := time.Until(w.payment(id).NotAfter.Time()) - 5*time.Second
						if wrong.Abs() > time.Second {
							t.Fatalf("day %d: not_after is wrong by %v", n/6, wrong)
						}
						tell(w, id)
						w.about(200 * time.Millisecond)
					}
				})
			})
		}
	}
}

// What the backend said while the disk hung is as old as it is when its turn
// comes: the clock is not set back by it.
func TestI5AWordThatWaitedForTheDiskSetsNoClockBack(t *testing.T) {
	for name, says := range map[string]func(*world, terminal.PaymentID){
		"answer": func(w *world, id terminal.PaymentID) { w.answer(id, wire.OutcomeDeclined) },
		"ack":    func(w *world, id terminal.PaymentID) { w.ack(id, wire.TypeReversal, wire.StatusAccepted, "") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				id := w.pays("account-1")
				hold := make(chan struct{})
				w.disk.fault(func() error { <-hold; return nil }, nil)
				w.answer(id, wire.OutcomeDeclined)
				says(w, id) // queued
				w.after(3 * time.Minute)
				w.disk.fault(nil, nil)
				close(hold)
				synctest.Wait()
				w.about(10 * time.Millisecond)
				w.wantState(w.pays("account-2"), terminal.Sent, "")
			})
		})
	}
}

// The line was up with nothing to say, the process is killed and starts again
// without the line: the backend was heard a minute ago, not six hours. What
// passed while it was dead counts.
func TestI5LastContactOutlivesAKill(t *testing.T) {
	for _, c := range []struct {
		name string
		dead time.Duration
		yen  terminal.Yen
		why  terminal.Reason
	}{
		{"killed and started", 20 * time.Second, 5000, ""},
		{"dead for half of the time, half of the floor limit", 12*time.Hour + 20*time.Minute, 2500, ""},
		{"dead for half of the time, more", 12*time.Hour + 30*time.Minute, 2600, terminal.OfflineLimit},
		{"dead for a day", 24 * time.Hour, 1, terminal.OfflineLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.after(6*time.Hour + 50*time.Second)
				w.stop()
				w.after(c.dead)
				w.start()
				w.about(10 * time.Millisecond)
				size := len(w.leaves())
				w.sells("s1", terminal.Line{GTIN: riceBall.GTIN, Quantity: 1, Price: c.yen})
				id := w.pays("account-1")
				if c.why != "" {
					w.wantState(id, terminal.Refused, c.why)
					return
				}
				w.wantState(id, terminal.ApprovedOffline, "")
				if n := len(w.leaves()); n != size+1 {
					t.Fatalf("%d entries, want %d", n, size+1)
				}
				w.up("")
				age := time.Duration(w.line.take(wire.TypeAdvice)[0].Advice.ContactAge) * time.Millisecond
				if age < c.dead || age > c.dead+time.Minute+time.Second {
					t.Errorf("the advice says that the backend was heard %v before", age)
				}
			})
		})
	}
}

// The ceilings of an account are whole too after a kill.
func TestI5FullCeilingsAfterAKill(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(6 * time.Hour)
		w.stop()
		w.start()
		for i, yen := range []terminal.Yen{5000, 2000, 500, 500} { // the pass's 8,000 yen and 4 payments
			w.sells(terminal.SaleRef(fmt.Sprint("s", i)), terminal.Line{GTIN: riceBall.GTIN, Quantity: 1, Price: yen})
			w.wantState(w.pays("account-1"), terminal.ApprovedOffline, "")
		}
	})
}

// While the line is up the backend is being heard, however long nothing was said.
func TestContactAgeIsNothingWhileTheLineIsUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(6 * time.Hour)
		w.sells("s1", riceBall)
		w.pays("account-1")
		if a := w.line.take(wire.TypeAuthorise)[0].Authorise; a.ContactAge != 0 || a.Clock != wire.ClockAuthenticated {
			t.Errorf("contact age %d, clock %q", a.ContactAge, a.Clock)
		}
		if ago := time.Since(w.reg.View().Link.LastContact.Time()); ago.Abs() > 10*time.Millisecond {
			t.Errorf("the page says that the backend was heard %v ago", ago)
		}
		w.down()
		w.after(10 * time.Minute)
		if ago := time.Since(w.reg.View().Link.LastContact.Time()); (ago - 10*time.Minute).Abs() > time.Second {
			t.Errorf("after ten minutes without the line: heard %v ago", ago)
		}
	})
}

// The anchor is saved each minute, also while the disk takes nothing: that is no
// word about the disk, it forgets no head. The disk is tried each second, and the
// loop sleeps in between.
func TestI8SavingTheAnchorSaysNothingOfTheDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.disk.fault(func() error { asked++; return errFull }, nil)
		_, err := w.put("s1", true, riceBall)
		wantCode(t, err, register.CodeStorage)
		before := w.anchor.HeardAt
		w.asked.Store(0)
		w.after(10 * time.Minute)
		if s := w.reg.View().Storage; s != "failed" || asked < 590 || asked > 610 {
			t.Errorf("storage is %q, and the disk was asked %d times", s, asked)
		}
		if n := w.asked.Load(); n > int64(50*asked) {
			t.Errorf("the loop looked at the clock %d times in ten minutes", n)
		}
		if w.anchor.HeardAt < before+9*time.Minute {
			t.Errorf("the anchor was saved last at %v, put down at %v", w.anchor.HeardAt, before)
		}
		w.disk.fault(nil, nil)
		hello, err := w.reg.Hello(t.Context())
		w.must(err)
		if size := int64(len(w.leaves())); hello.Journal.Size != size || w.anchor.Head.Size != size {
			t.Errorf("the journal has %d entries, the hello says %d, the anchor %d", size, hello.Journal.Size, w.anchor.Head.Size)
		}
		w.sells("s1", riceBall)
		if s := w.reg.View().Storage; s != "ok" {
			t.Errorf("storage is %q after the disk took something", s)
		}
	})
}

// With the line down nothing is heard, and nothing says so.
func TestI5NoAnchorSaysThatADeadLineWasHeard(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(time.Hour)
		w.down()
		w.after(2 * time.Hour)
		w.sells("s1", riceBall)
		if heard := w.anchor.HeardAt; heard > time.Hour+time.Second {
			t.Errorf("the anchor says heard at %v, and the line went down at 1h", heard)
		}
	})
}
