package register_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// withFloor is the world's policy with 1,000 yen to sell after a boot.
func (w *world) withFloor() string {
	return w.sign(strings.Replace(policyText(1, issuerKey(), watchPacks), "offline = { ", "offline = { boot_yen = 1000, ", 1))
}

// reboots ends the register, and starts it after a time on a machine whose wall
// clock is wrong by so much: with a new incarnation, and no anchor.
func (w *world) reboots(off, wrong time.Duration) {
	w.t.Helper()
	w.stop()
	<-time.After(off)
	w.inc, w.anchor, w.boot, w.wrong = inc2, register.Anchor{}, time.Now(), wrong
	w.start()
}

// buys sells one article for so much to a new account. What was not paid offline
// is not paid at all.
func (w *world) buys(yen terminal.Yen, want terminal.State, why terminal.Reason) {
	w.t.Helper()
	w.bought++
	ref := terminal.SaleRef("b" + strings.Repeat("i", w.bought))
	w.sells(ref, terminal.Line{GTIN: riceBall.GTIN, Quantity: 1, Price: yen})
	// The phone goes by the register's clock, so that only the rules on time speak;
	// no phone makes a pass in 1970.
	now := w.reg.View().Time.Time()
	if now.Year() < 2000 {
		now = time.Now()
	}
	w.scan(w.passAt(now, "account-"+string(ref), 100*24*time.Hour))
	w.wantState(w.current(), want, why)
	if want == terminal.Sent {
		w.answer(w.current(), wire.OutcomeDeclined, func(a *wire.Answer) { a.Time = int64(w.reg.View().Time) })
	}
	if want != terminal.ApprovedOffline {
		_, err := w.reg.CancelSale(w.t.Context(), ref)
		w.must(err)
	}
}

// A register that slept for half of the time has not heard the backend for so
// long, although its line never went down; nor is its going down a contact.
func TestI5ASuspendIsNoContact(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(time.Minute)
		w.suspended(12*time.Hour + 30*time.Minute)
		if ago := time.Since(w.reg.View().Link.LastContact.Time()); (ago - 12*time.Hour - 30*time.Minute).Abs() > time.Second {
			t.Errorf("the page says that the backend was heard %v ago", ago)
		}
		w.down()
		w.buys(2501, terminal.Refused, terminal.OfflineLimit)
		w.buys(2500, terminal.ApprovedOffline, "")
		w.up("")
		age := time.Duration(w.line.take(wire.TypeAdvice)[0].Advice.ContactAge) * time.Millisecond
		if (age - 12*time.Hour - 30*time.Minute).Abs() > time.Second {
			t.Errorf("the advice says that the backend was heard %v before", age)
		}
	})
}

// After a boot without the line ordinary goods sell from the small floor, all
// accounts together, and shrunk by what the wall clock says has passed.
func TestI5AfterABootTheFloorIsSmall(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up(w.withFloor())
		w.buys(100, terminal.Sent, "") // by which the mark is stored
		w.reboots(10*time.Minute, 0)
		w.sells("packs", packs(1)...)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.ClockDoubt)
		_, err := w.reg.CancelSale(t.Context(), "packs")
		w.must(err)
		w.buys(600, terminal.ApprovedOffline, "")
		w.buys(401, terminal.Refused, terminal.OfflineLimit)
		w.restart() // is no boot
		w.buys(401, terminal.Refused, terminal.OfflineLimit)
		w.buys(400, terminal.ApprovedOffline, "")
		w.buys(1, terminal.Refused, terminal.OfflineLimit)
		w.up("")
		w.down()
		w.buys(4000, terminal.ApprovedOffline, "")
	})
}

// Wall clocks that jump: they move no mark and no business day, and what they
// close is open again as soon as the backend has told the time.
func TestI8AWallClockClosesNothingForGood(t *testing.T) {
	for name, c := range map[string]struct {
		to  time.Time
		why terminal.Reason
	}{
		"1970":          {time.Unix(0, 0), terminal.ClockDoubt},
		"2038":          {time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC), terminal.OfflineLimit},
		"a second back": {time.Time{}, terminal.ClockDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				w.start()
				w.up(w.withFloor())
				w.buys(100, terminal.Sent, "")
				wrong := time.Until(c.to)
				if c.to.IsZero() {
					wrong = -time.Second - time.Minute
				}
				w.reboots(time.Minute, wrong)
				w.buys(100, terminal.Refused, c.why)
				w.buys(1, terminal.Refused, c.why)
				w.up("")
				w.about(time.Second)
				w.sells("packs", packs(1)...)
				w.answer(w.pays("account-1"), wire.OutcomeDeclined)
				_, err := w.reg.CancelSale(t.Context(), "packs")
				w.must(err)
				w.down()
				w.buys(100, terminal.ApprovedOffline, "")
				w.reboots(time.Minute, 0)
				w.buys(100, terminal.ApprovedOffline, "")
			})
		})
	}
}

// The wall clock jumps while the backend's time is known: nothing follows it.
func TestI5NothingFollowsTheWallClock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.after(19*time.Hour + 59*time.Minute) // a minute before the cut-over
		before := w.day()
		for _, wrong := range []time.Duration{20 * time.Hour, -400000 * time.Hour, 100000 * time.Hour} {
			w.wrong = wrong
			w.about(time.Second)
			w.buys(100, terminal.Sent, "")
			if w.day() != before {
				t.Errorf("wrong by %v: the day is %s, want %s", wrong, w.day(), before)
			}
		}
		w.after(time.Minute)
		if w.day() == before {
			t.Error("the day did not change at the cut-over")
		}
	})
}

// The backend's own time was wrong, and is put right: the mark comes down with
// it, and so does the business day.
func TestI8AuthenticatedTimeLowersTheMark(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up(w.withFloor())
		today := w.day()
		w.line.set(true)
		far := time.Now().Add(30 * 24 * time.Hour)
		w.reg.LinkUp(t.Context(), wire.Welcome{Session: w.session, Time: far.UnixMilli()})
		synctest.Wait()
		w.buys(100, terminal.Sent, "")
		if w.day() == today || w.mark() < terminal.MillisOf(far) {
			t.Fatalf("the day is %s, the mark %v", w.day(), w.mark())
		}
		w.up("")
		w.buys(100, terminal.Sent, "")
		if now := terminal.MillisOf(time.Now()); w.day() != today || w.mark() > now {
			t.Fatalf("the day is %s, the mark %v", w.day(), w.mark())
		}
		w.reboots(time.Minute, 0)
		w.buys(100, terminal.ApprovedOffline, "")
	})
}

// The mark is stored along with what is stored anyway, at most a minute behind.
func TestTheMarkIsStoredWithDecisions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, passed := range []time.Duration{0, 59 * time.Second, time.Second, time.Hour} {
			before := w.mark()
			w.after(passed)
			w.buys(100, terminal.Sent, "")
			after, now := w.mark(), terminal.MillisOf(time.Now())
			if now-after >= 60_000 || after > now {
				t.Errorf("after %v: the mark is %v, and it is %v", passed, after, now)
			}
			if passed < time.Minute && passed > time.Second && after != before {
				t.Errorf("after %v: the mark was moved", passed)
			}
		}
	})
}

// mark gives the stored one.
func (w *world) mark() terminal.Millis {
	w.t.Helper()
	s, err := w.disk.Load(w.t.Context())
	w.must(err)
	return s.Mark
}
