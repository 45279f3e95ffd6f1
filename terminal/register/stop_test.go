package register_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// stops begins a clean stop and gives how it ends, once it does.
func (w *world) stops() <-chan error {
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(w.t.Context(), 8*time.Second)
	go func() { defer cancel(); ended <- w.reg.Stop(ctx) }()
	synctest.Wait()
	return ended
}

// wantStopped acknowledges the checkpoint of the stop, if there is one, and wants
// nothing else to be waited for.
func (w *world) wantStopped(ended <-chan error) {
	w.t.Helper()
	for _, m := range w.line.take(wire.TypeCheckpoint) {
		w.ackCheckpoint(m, wire.StatusAccepted)
	}
	synctest.Wait()
	select {
	case err := <-ended:
		w.must(err)
	default:
		w.t.Fatal("the stop goes on")
	}
}

func (w *world) wantStopping(ended <-chan error) {
	w.t.Helper()
	select {
	case err := <-ended:
		w.t.Fatalf("the stop ended: %v", err)
	default:
	}
}

func (w *world) ackGrants(m wire.Message) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeGrants, Status: wire.StatusAccepted, Time: time.Now().UnixMilli()}})
}

// wantBack checks granted, used and returned units of a cap.
func (w *world) wantBack(id terminal.CapID, granted, used, returned int64) {
	w.t.Helper()
	c := w.counter(id)
	if got := [3]int64{c.Granted.Units, c.Used.Units, c.Returned.Units}; got != [3]int64{granted, used, returned} {
		w.t.Fatalf("%s: granted, used, returned = %v, want %d, %d, %d", id, got, granted, used, returned)
	}
}

// I3: a clean stop gives back what is held, durably before it is told, and waits
// for the backend. What an undecided payment reserved stays with it.
func TestI3StopGivesBackWhatIsHeld(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 7), w.units("tobacco-offline", 2))
		w.sells("s1", packs(3)...)
		id := w.pays("account-1")
		w.wantState(id, terminal.Sent, "")
		ended := w.stops()
		w.wantStopping(ended)
		w.wantBack("tobacco-day", 7, 3, 4)
		w.wantBack("tobacco-offline", 2, 0, 2)
		sent := w.line.take(wire.TypeGrants)
		if len(sent) != 1 || len(sent[0].Grants.Counters) != 2 || len(sent[0].Grants.Grants) != 0 {
			t.Fatalf("sent %+v", sent)
		}
		for _, c := range sent[0].Grants.Counters {
			if c.Cap == "tobacco-day" && (c.Returned.Units != 4 || c.Used.Units != 3 || c.Granted.Units != 7) {
				t.Errorf("told %+v", c)
			}
		}
		if e := w.leaves(); e[len(e)-1].Type != journal.TypeStop {
			t.Errorf("last entry %+v", e[len(e)-1])
		}
		checkpoints := w.line.take(wire.TypeCheckpoint)
		w.ackCheckpoint(checkpoints[len(checkpoints)-1], wire.StatusAccepted)
		w.ackGrants(wire.Message{ID: "another"})
		synctest.Wait()
		w.wantStopping(ended)
		w.ackGrants(sent[0])
		w.wantStopped(ended)

		// The next start holds nothing until the backend grants anew, and the
		// payment goes its way.
		w.restart()
		w.up("", w.units("tobacco-day", 9))
		w.wantBack("tobacco-day", 9, 3, 4)
		w.answer(id, wire.OutcomeApproved)
		w.wantState(id, terminal.Approved, "")
		w.wantBack("tobacco-day", 9, 3, 4)
	})
}

// While the register stops, nothing more is sold, and what was sold can still be
// handed over and voided.
func TestStopEndsSelling(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 1))
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		ended := w.stops()
		if !w.reg.View().Stopping {
			t.Fatal("it does not say so")
		}
		_, err := w.put("s2", true, riceBall)
		w.wantCode(err, register.CodeShutdown)
		_, err = w.reg.AddLines(t.Context(), "s1", []terminal.Line{riceBall})
		w.wantCode(err, register.CodeShutdown)
		_, err = w.reg.Ready(t.Context(), "s1")
		w.wantCode(err, register.CodeShutdown)
		_, err = w.reg.Void(t.Context(), id)
		w.must(err)
		w.scan(w.passOf("account-2", 100*24*time.Hour))
		w.wantNotice(terminal.Busy)
		w.ackGrants(w.line.take(wire.TypeGrants)[0])
		w.wantStopped(ended)
	})
}

// A sale that was ready when the stop began takes no code any more.
func TestStopTakesNoCode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		ended := w.stops()
		w.wantStopped(ended) // nothing is held
		w.scan(w.passOf("account-1", 100*24*time.Hour))
		w.wantNotice(terminal.Busy)
		if v := w.reg.View(); v.Verdict != nil {
			t.Fatalf("%+v", v.Verdict)
		}
	})
}

// Without the line nothing is given back: the register goes on with it after a
// restart, or it is burnt by a reboot.
func TestI3StopWithoutTheLineReturnsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-offline", 2), w.units("tobacco-day", 2))
		w.down()
		w.wantStopped(w.stops())
		w.wantBack("tobacco-day", 2, 0, 0)
		w.restart()
		w.sells("s1", packs(1)...)
		w.wantState(w.pays("account-1"), terminal.ApprovedOffline, "")
	})
}

// I8: a backend that says nothing, or a line that breaks, holds the stop up for
// ackTime at most; the next hello tells what was given back.
func TestI8StopDoesNotWaitForEver(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world){
		"no answer":      func(w *world) { w.after(5*time.Second + time.Millisecond) },
		"the line fails": func(w *world) { w.down() },
		"an error": func(w *world) {
			w.receive(wire.Message{Type: wire.TypeError, Re: w.line.take(wire.TypeGrants)[0].ID, Error: &wire.Error{Code: wire.CodeType, Text: "?"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.grant(w.units("tobacco-day", 2))
				ended := w.stops()
				w.wantStopping(ended)
				meanwhile(w)
				synctest.Wait()
				w.wantStopped(ended)
				w.restart()
				hello, err := w.reg.Hello(t.Context())
				w.must(err)
				if c := hello.Hello.Counters; len(c) != 1 || c[0].Returned.Units != 2 {
					t.Fatalf("the next hello tells %+v", c)
				}
			})
		})
	}
}

// I3: a disk that does not take the return keeps the rights here, and nothing is
// told.
func TestI3StopOnAFailedDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 2))
		w.disk.fault(func() error { return register.ErrNotStored }, nil)
		err := <-w.stops()
		w.wantCode(err, register.CodeStorage)
		if n := len(w.line.take(wire.TypeGrants)); n != 0 {
			t.Fatalf("%d returns were told", n)
		}
		w.disk.fault(nil, nil)
		w.wantBack("tobacco-day", 2, 0, 0)
	})
}

// A stop of a register that has ended says so at once.
func TestStopAfterTheEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.stop()
		w.wantCode(w.reg.Stop(t.Context()), register.CodeShutdown)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.reg.Stop(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}
