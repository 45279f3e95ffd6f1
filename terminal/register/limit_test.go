package register_test

import (
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// I5: what the backend told last of an account counts, by the time of its answers:
// one that comes late, twice or out of order lowers a limit and raises none.
func TestI5ALateAnswerRaisesNoLimit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		begun := time.Now()
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		account := w.payment(id).Account
		at := func(after time.Duration, yen, count int64) func(*wire.Answer) {
			return func(a *wire.Answer) {
				a.Key, a.Time, a.Limits = string(account), begun.Add(after).UnixMilli(), &wire.Limits{Yen: yen, Count: count}
			}
		}
		step := func(name string, outcome wire.Outcome, change func(*wire.Answer), yen terminal.Yen, count int64) {
			t.Helper()
			w.answer(id, outcome, change)
			if l := w.limitOf(account); l == nil || l.Yen != yen || l.Count != count {
				t.Fatalf("%s: %+v is kept, want %d yen in %d payments", name, l, yen, count)
			}
		}
		step("the first", wire.OutcomeApproved, at(0, 3000, 6), 3000, 6)
		w.wantState(id, terminal.Approved, "")
		w.after(20 * time.Minute)
		step("another", wire.OutcomeApproved, at(10*time.Minute, 2000, 5), 2000, 5)
		step("one from before", wire.OutcomeApproved, at(9*time.Minute, 9000, 9), 2000, 5)
		step("one from before that lowers", wire.OutcomeApproved, at(9*time.Minute, 9000, 4), 2000, 4)
		step("a newer one", wire.OutcomeApproved, at(12*time.Minute, 149, 9), 149, 9)
		step("one of before again", wire.OutcomeApproved, at(10*time.Minute, 2000, 5), 149, 5)
		size := len(w.leaves())
		step("of the same time", wire.OutcomeApproved, at(12*time.Minute, 140, 7), 140, 7)
		step("a decision of nothing", wire.OutcomeNotSeen, at(13*time.Minute, 145, 7), 145, 7)
		if len(w.leaves()) != size {
			t.Error("a limit alone is in the journal")
		}
		w.restart()
		w.up("")
		step("one of before after a restart", wire.OutcomeApproved, at(10*time.Minute, 2000, 5), 145, 5)
		_, err := w.reg.HandOver(t.Context(), id)
		w.must(err)
		w.up("") // the time is right again
		w.down()
		w.sells("s2", riceBall)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.OfflineLimit)
	})
}

// I8: a time that the backend told by a clock that was wrong gives way with the
// next session, and not to a message that only comes late.
func TestI8ALimitFromAWrongClockGivesWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		account := w.payment(id).Account
		told := func(ahead time.Duration, yen int64) {
			t.Helper()
			w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) {
				a.Key, a.Time, a.Limits = string(account), time.Now().Add(ahead).UnixMilli(), &wire.Limits{Yen: yen, Count: 1}
			})
		}
		want := func(yen terminal.Yen) {
			t.Helper()
			if l := w.limitOf(account); l == nil || l.Yen != yen {
				t.Fatalf("%+v is kept, want %d yen", l, yen)
			}
		}
		years := 12 * 365 * 24 * time.Hour
		w.welcomed(func(m *wire.Welcome) { m.Time += years.Milliseconds() })
		told(years, 10)
		want(10)
		told(0, 2000)
		want(10) // as far as this session can tell it is late
		w.welcomed(func(*wire.Welcome) {})
		told(0, 2000)
		want(2000)
		told(-time.Hour, 3000)
		want(2000)
	})
}

// limitOf gives what is kept of an account.
func (w *world) limitOf(account terminal.AccountKey) (told *register.AccountLimit) {
	w.t.Helper()
	_, err := w.disk.Store.Decide(w.t.Context(), register.Scope{Account: account}, func(u register.Usage) (register.Changes, error) {
		told = u.Account.Limit
		return register.Changes{}, nil
	})
	w.must(err)
	return told
}
