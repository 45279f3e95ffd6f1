package register_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// wantQuarantine checks the reason, "" for none, as the page, the next hello and
// a restart have it.
func (w *world) wantQuarantine(want string) {
	w.t.Helper()
	hello, err := w.reg.Hello(w.t.Context())
	w.must(err)
	s, err := w.disk.Load(w.t.Context())
	w.must(err)
	if v := w.reg.View(); v.Quarantine != want || hello.Hello.Quarantine != want || s.Quarantine != want {
		w.t.Fatalf("page %q, hello %q, ledger %q; want %q", v.Quarantine, hello.Hello.Quarantine, s.Quarantine, want)
	}
}

// doubted puts a register of two granted packs in quarantine by a welcome.
func doubted(w *world) {
	w.t.Helper()
	w.grant(w.units("tobacco-day", 2), w.units("tobacco-offline", 2))
	w.down()
	w.welcomed(func(m *wire.Welcome) { m.Quarantine = "over-spent" })
	w.wantQuarantine(register.InDoubt)
}

// I3: in quarantine nothing is sold from what is held: online all of it is need,
// offline everything is refused, also after a restart.
func TestI3QuarantineSpendsNothingThatIsHeld(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		doubted(w)
		w.restart()
		w.wantQuarantine(register.InDoubt)
		w.down()
		w.sells("s1", riceBall)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.Quarantined)
		w.up("")
		w.wantQuarantine(register.InDoubt) // a welcome that says nothing ends nothing
		_, err := w.put("s1", true, packs(1)...)
		w.must(err)
		id := w.pays("account-2")
		w.wantState(id, terminal.Sent, "")
		sent := w.line.take(wire.TypeAuthorise)[0].Authorise
		for _, s := range sent.Spends {
			if s.Reserved != (wire.Amount{}) || s.Need.Units != 1 {
				t.Errorf("spends %+v", s)
			}
		}
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 3)} })
		w.wantState(id, terminal.Approved, "")
		w.wantStopped(w.stops())
		w.wantBack("tobacco-day", 3, 1, 0) // what is in doubt is not given back either
	})
}

// I8: head office ends a quarantine, and the register begins as another
// incarnation: saved first, journalled, and told with a new hello.
func TestI8HeadOfficeEndsAQuarantine(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		doubted(w)
		w.down()
		w.welcomed(func(m *wire.Welcome) { m.Quarantine, m.Released = "over-spent", "another" })
		w.wantQuarantine(register.InDoubt)
		w.down()
		w.welcomed(func(m *wire.Welcome) { m.Released = string(inc1) })
		w.wantQuarantine("")
		next := w.reg.View().Incarnation
		if next == inc1 || len(next) != 32 || w.anchor.Incarnation != next {
			t.Fatalf("incarnation %s, the anchor has %s", next, w.anchor.Incarnation)
		}
		if w.line.redials != 1 || w.reg.View().Link.Up {
			t.Fatalf("%d redials; %+v", w.line.redials, w.reg.View().Link)
		}
		var marks []terminal.Reason
		for _, e := range w.leaves() {
			if e.Type == journal.TypeQuarantine {
				marks = append(marks, e.Reason)
			}
		}
		if len(marks) != 2 || marks[0] != register.InDoubt || marks[1] != "" {
			t.Fatalf("journalled %q", marks)
		}
		// Released names the incarnation that is no more: nothing begins again.
		w.welcomed(func(m *wire.Welcome) { m.Released = string(inc1) })
		if w.reg.View().Incarnation != next || w.line.redials != 1 {
			t.Fatal("it began anew twice")
		}
		hello, err := w.reg.Hello(t.Context())
		w.must(err)
		if hello.Incarnation != string(next) || len(hello.Hello.Counters) != 0 {
			t.Fatalf("hello of %s with %+v", hello.Incarnation, hello.Hello.Counters)
		}
		w.down()
		w.sells("s1", packs(1)...)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.CapOffline)
	})
}

// I8: a disk that fails at the end of a quarantine leaves it in force, and the
// next session ends it.
func TestI8QuarantineEndsWithTheNextSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		doubted(w)
		w.down()
		w.disk.fault(func() error { return register.ErrNotStored }, nil)
		w.welcomed(func(m *wire.Welcome) { m.Released = string(inc1) })
		w.disk.fault(nil, nil)
		w.wantQuarantine(register.InDoubt)
		next := w.reg.View().Incarnation
		w.welcomed(func(m *wire.Welcome) { m.Released = string(next) })
		w.wantQuarantine("")
	})
}

// A ledger that start found to be older than the boot's last entry.
func TestI3AnOlderLedgerPutBackIsQuarantined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.stop()
		w.inc, w.anchor, w.found = inc2, register.Anchor{Incarnation: inc2}, register.LedgerOlder
		w.start()
		w.wantQuarantine(register.LedgerOlder)
		w.found = ""
		w.restart()
		w.wantQuarantine(register.LedgerOlder)
		w.welcomed(func(m *wire.Welcome) { m.Released = string(inc2) })
		w.wantQuarantine("")
	})
}

// older starts a register on a ledger that was put back, on a disk that takes
// nothing.
func older(w *world) {
	w.t.Helper()
	w.start()
	w.stop()
	w.inc, w.anchor, w.found = inc2, register.Anchor{Incarnation: inc2}, register.LedgerOlder
	w.loaded = func(*register.Snapshot) {
		w.disk.fault(func() error { return register.ErrNotStored }, nil)
	}
	w.start()
	w.found, w.loaded = "", nil
}

// I3: what start found is stored once the disk takes something.
func TestI3AnOlderLedgerOnAFullDiskIsQuarantined(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		older(w)
		w.disk.fault(nil, nil)
		w.up(w.policy(1))
		w.wantQuarantine(register.LedgerOlder)
	})
}

// I3: the first commit stores it, whatever that is of, since the anchor saved
// with it hides from the next start what was found. No anchor is saved before.
func TestI3TheFirstCommitKeepsTheQuarantine(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		older(w)
		w.up("")
		w.reg.HelloRefused(t.Context(), &wire.Error{Code: wire.CodeRefused, Text: "retired"})
		w.after(3 * time.Minute)
		if w.anchor.Head.Size != 0 {
			t.Fatalf("saved %+v", w.anchor)
		}
		w.disk.fault(nil, func(register.Changes, error) error {
			w.disk.fault(func() error { return register.ErrNotStored }, nil)
			return nil
		})
		w.sells("s1", riceBall)
		w.restart()
		w.wantQuarantine(register.LedgerOlder)
	})
}

// I3: what the backend still tells the incarnation that was released is not the
// new one's.
func TestI3TotalsOfTheReleasedIncarnationStayWithIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		doubted(w)
		w.down()
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.welcomed(func(m *wire.Welcome) { m.Released = string(inc1) })
		w.grant(w.units("tobacco-day", 5), w.units("tobacco-offline", 2))
		close(hold)
		w.after(time.Millisecond)
		w.wantQuarantine("")
		w.inc = w.reg.View().Incarnation
		w.wantUnits("tobacco-day", 0, 0, 0)
		w.up("", w.units("tobacco-day", 1))
		w.wantUnits("tobacco-day", 1, 0, 0)
	})
}

// I8: a register that is in doubt already begins anew too where its incarnation
// was retired meanwhile: else no hello would ever be taken.
func TestI8ARefusedHelloInQuarantine(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		doubted(w)
		w.down()
		refused := func() terminal.Incarnation {
			w.reg.HelloRefused(t.Context(), &wire.Error{Code: wire.CodeRefused, Text: "retired"})
			synctest.Wait()
			return w.reg.View().Incarnation
		}
		next := refused()
		if again := refused(); next == inc1 || again != next {
			t.Fatalf("%s, then %s after %s", next, again, inc1)
		}
		w.wantQuarantine(register.InDoubt)
		w.welcomed(func(m *wire.Welcome) { m.Released = string(next) })
		w.wantQuarantine("")
	})
}

// A hello that the backend refuses, as of an incarnation that it has retired, is
// said again as another one, once, and the register is in doubt.
func TestI3ARefusedHelloIsQuarantined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.reg.HelloRefused(t.Context(), &wire.Error{Code: wire.CodeTrouble, Text: "later"})
		synctest.Wait()
		w.wantQuarantine("")
		refused := func() terminal.Incarnation {
			w.reg.HelloRefused(t.Context(), &wire.Error{Code: wire.CodeRefused, Text: "retired"})
			synctest.Wait()
			return w.reg.View().Incarnation
		}
		next := refused()
		if again := refused(); again != next {
			t.Fatalf("another incarnation with each refusal: %s after %s", again, next)
		}
		w.wantQuarantine(register.InDoubt)
		if next == inc1 || w.anchor.Incarnation != next {
			t.Fatalf("incarnation %s, the anchor has %s", next, w.anchor.Incarnation)
		}
		w.welcomed(func(m *wire.Welcome) { m.Released = string(next) })
		w.wantQuarantine("")
	})
}

// I6: a checkpoint that the backend refuses does not extend what it has.
func TestI6ARefusedCheckpointIsQuarantined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sent := w.line.take(wire.TypeCheckpoint)
		w.ackCheckpoint(sent[0], wire.StatusRejected)
		w.wantQuarantine(register.InDoubt)
		if m := w.line.take(wire.TypeError); len(m) != 1 || m[0].Error.Code != wire.ErrorCode(terminal.Quarantined) {
			t.Fatalf("reported %+v", m)
		}
		handedOver(w)
		w.after(5 * time.Minute)
		if n := len(w.line.take(wire.TypeCheckpoint)); n != 0 {
			t.Fatalf("%d checkpoints", n)
		}
	})
}

// What the backend finds reaches page, hello and ledger in its own word, in place
// of none, and stays; each ends with head office's release.
func TestI8TheBackendsReasonIsShown(t *testing.T) {
	for _, why := range register.Doubts() {
		t.Run(why, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				sent := w.line.take(wire.TypeCheckpoint)
				w.ackCheckpoint(sent[0], wire.StatusRejected) // for a reason that the next welcome tells
				w.wantQuarantine(register.InDoubt)
				later := []string{why, "another word"}
				if why != register.InDoubt {
					later = append(later, register.Overspent)
				}
				for _, told := range later {
					w.down()
					w.welcomed(func(m *wire.Welcome) { m.Quarantine = told })
					w.wantQuarantine(why)
				}
				w.restart()
				w.wantQuarantine(why)
				w.welcomed(func(m *wire.Welcome) { m.Released = string(inc1) })
				w.wantQuarantine("")
			})
		})
	}
}

// I1: a backend whose session numbers go back was put back to an older state, and
// has forgotten what it acknowledged: head office hears of it, each time, and the
// till goes on.
func TestI1ABackendThatWasPutBackIsTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.up("")
		if m := w.line.take(wire.TypeError); len(m) != 0 {
			t.Fatalf("it was told that %s", m[0].Error.Text)
		}
		for _, session := range []int64{2, 1} {
			w.down()
			w.session = session - 1
			w.up("")
			m := w.line.take(wire.TypeError)
			if len(m) != 1 || m[0].Error.Code != "session.older" || m[0].Session != session {
				t.Fatalf("session %d after a later one: %v", session, m)
			}
		}
		if v := w.reg.View(); v.Link.State == terminal.LineDown || v.Quarantine != "" {
			t.Errorf("the till does not go on: line %s, quarantine %q", v.Link.State, v.Quarantine)
		}
	})
}
