package backendsim

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal/wire"
)

// at is noon and some minutes.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// links are times, in minutes after noon, in which a register was heard.
func links(began int, of ...[2]int) *heard {
	h := &heard{began: at(began)}
	for _, link := range of {
		for minute := link[0]; minute <= link[1]; minute++ {
			h.note("r1", at(minute))
		}
	}
	return h
}

// Whatever was the line's fate: a register that tells when it heard the backend is
// never below what the backend says is least, and one that makes it later is, by more
// than the slack.
func TestTheLeastAgeIsNeverAboveTheTruth(t *testing.T) {
	never := [2]int{1, 0}
	for _, c := range []struct {
		name          string
		h             *heard
		created, last int // minutes after noon: of the advice, and of the last contact in truth
		least         int // in minutes
	}{
		{"in the session", links(-60, [2]int{0, 600}), 300, 300, 0},
		{"after a session that was open for long", links(-60, [2]int{0, 600}), 700, 600, 95},
		{"and with one since", links(-60, [2]int{0, 600}, [2]int{710, 720}), 700, 600, 95},
		{"between several sessions", links(-60, [2]int{0, 10}, [2]int{100, 110}, [2]int{200, 210}, [2]int{300, 310}), 190, 110, 75},
		{"in an older of them", links(-60, [2]int{0, 10}, [2]int{100, 110}, [2]int{200, 210}, [2]int{300, 310}), 205, 205, 0},
		{"a little before the next session, by another clock", links(-60, [2]int{0, 10}, [2]int{100, 110}), 96, 96, 0},
		{"a little after the last word that came here", links(-60, [2]int{0, 10}), 14, 14, 0},
		{"not heard since the backend began", links(0, never), 60, -300, 55},
		{"before it began", links(200, [2]int{200, 210}), 60, 60, 0},
		{"before it began, and it was put back from a backup", links(200, [2]int{200, 210}), 199, 190, 0},
		{"since the last link before it began", links(200, [2]int{250, 260}), 240, 190, 35},
		{"a link that came and went every few minutes", links(-60, [2]int{0, 0}, [2]int{4, 4}, [2]int{8, 8}, [2]int{12, 12}), 7, 4, 0},
	} {
		got := c.h.least("r1", at(c.created).UnixMilli())
		if want := time.Duration(c.least) * time.Minute; got != want.Milliseconds() {
			t.Errorf("%s: the least age is %v, want %v", c.name, time.Duration(got)*time.Millisecond, want)
		}
		if truth := at(c.created).Sub(at(c.last)).Milliseconds(); truth < got {
			t.Errorf("%s: the truth is below the least age", c.name)
		}
		if other := c.h.least("r2", at(c.created).UnixMilli()); other < got {
			t.Errorf("%s: another register, never heard, may say %d", c.name, other)
		}
	}
}

// The backend's clock may be set while a register is linked, which follows it later.
func TestAClockThatWasSetAccusesNobody(t *testing.T) {
	for _, by := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		now := time.Now()
		h := heard{began: now.Add(-24 * time.Hour)}
		h.note("r1", now)
		// What a clock shows that was set: another date, and the monotonic clock goes on.
		h.of["r1"][0].from, h.of["r1"][0].to = now.Add(-by).UnixMilli(), now.Add(-by).UnixMilli()
		h.note("r1", now.Add(time.Minute))
		for _, contact := range []time.Time{now.Add(-by), now.Add(time.Minute)} {
			if got := h.least("r1", contact.UnixMilli()); len(h.of["r1"]) != 1 || got != 0 {
				t.Errorf("set by %v: at a contact the least age is %d", by, got)
			}
		}
	}
}

// A line that breaks all day takes no more memory than that, and accuses nobody.
func TestWhenARegisterWasHeardIsBounded(t *testing.T) {
	h := heard{began: noon}
	for i := range 10 * maxStretches {
		h.note("r1", at(20*i))
	}
	if n := len(h.of["r1"]); n != maxStretches {
		t.Errorf("%d are kept", n)
	}
	for i := range 10 * maxStretches {
		if got := h.least("r1", at(20*i).UnixMilli()); got != 0 {
			t.Errorf("at contact %d the least age is %d", i, got)
		}
	}
	if got := h.least("r1", at(20*(10*maxStretches-1)-10).UnixMilli()); got != 5*time.Minute.Milliseconds() {
		t.Errorf("between the two last the least age is %d", got)
	}
}

// I6: a register that says it had heard the backend just now, so that its ceilings
// are whole, is shown to head office. No honest one is, and nobody is rejected for it.
func TestI6ALieAboutTheLastContactIsShown(t *testing.T) {
	w := newWorld(t)
	w.start()
	defer func() { w.stop() }()
	link := func() *till {
		r := w.till("r1", "i1")
		w.pass(2 * windowSlack)
		outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
		return r
	}
	sold := func(age time.Duration, clock string) wire.Message {
		m := w.advise(newID(t), w.phone(fmt.Sprint("account-", newID(t)), boundLongAgo).show(), 100, nil, nil)
		m.Advice.ContactAge, m.Advice.Clock = age.Milliseconds(), clock
		return m
	}
	link().conn.Close()
	w.pass(2 * time.Hour)
	lie := sold(time.Hour, wire.ClockAuthenticated)
	honest := []wire.Message{sold(2*time.Hour, wire.ClockAuthenticated), sold(2*time.Hour-windowSlack, wire.ClockAuthenticated), sold(time.Minute, wire.ClockWall)}
	w.pass(time.Hour)
	w.till("r1", "i1").conn.Close() // a session of no more than a hello
	honest = append(honest, sold(0, wire.ClockAuthenticated))
	w.pass(time.Hour)
	r := link()
	honest = append(honest, sold(0, wire.ClockAuthenticated), sold(time.Hour, wire.ClockAuthenticated)) // the line was bad
	acked(t, r.ask(lie), wire.StatusAccepted, "", "")
	for _, m := range honest {
		acked(t, r.ask(m), wire.StatusAccepted, "", "")
	}
	acked(t, r.ask(lie), wire.StatusAccepted, "", "")
	shown := func() {
		t.Helper()
		rows, err := w.b.Ledger().Ages(t.Context())
		must(t, err)
		if a := lie.Advice; len(rows) != 1 || rows[0].Payment != a.Payment || rows[0].Told != time.Hour.Milliseconds() ||
			rows[0].Least != (2*time.Hour-windowSlack).Milliseconds() || rows[0].Register != "r1" || rows[0].Amount != 100 || rows[0].State != AdvisedAccepted {
			t.Errorf("head office is shown %+v", rows)
		}
	}
	shown()
	unknown := sold(-time.Millisecond, wire.ClockAuthenticated)
	acked(t, r.ask(unknown), wire.StatusRejected, "offline.limit", "store")
	// Of the time before its start a backend that comes back says nothing.
	late := sold(0, wire.ClockAuthenticated)
	w.stop()
	w.pass(3 * time.Hour)
	w.start()
	acked(t, link().ask(late), wire.StatusAccepted, "", "")
	shown()
}
