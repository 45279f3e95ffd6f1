package register_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// I4: a payment without an answer is given up also while others ask without a
// pause.
func TestI4NobodyWhoAsksKeepsAPaymentUndecided(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.disk.fault(func() error { <-time.After(time.Millisecond); return nil }, nil)
		end := time.Now().Add(time.Minute)
		asking := make(chan error)
		for range 3 {
			go func() {
				var err error
				for time.Now().Before(end) {
					_, err = w.reg.HandOver(t.Context(), "none")
				}
				asking <- err
			}()
		}
		for range 3 {
			w.wantCode(<-asking, register.CodePaymentUnknown)
		}
		w.wantState(id, terminal.Reversing, terminal.BackendSilent)
	})
}

// I8: what is lost because too much waits comes with the next session; what the
// loop waits for itself is never lost.
func TestI8WhatIsLostComesWithTheNextSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.grant(w.units("tobacco-day", 1))
		w.denied(deny(1, 2, 1, 1, "a"))
		for range 1000 {
			w.grant(w.units("tobacco-day", 1))
		}
		if w.line.redials == 0 {
			t.Fatal("the line stays up")
		}
		close(hold)
		synctest.Wait()
		w.disk.fault(nil, nil)
		w.down()
		w.up("")
		w.denied(deny(2, 3, 1, 1, "b"))
		w.wantDenied(3, 2)
	})
}

// I8: a stop ends also where a ledger was opened again in the middle of several
// steps: the clerk has one job at a time. With two, it is a matter of chance which
// of them the end finds, so it is tried more than once.
func TestI8OneJobAtATime(t *testing.T) {
	for range 10 {
		inWorld(t, func(t *testing.T, w *world) {
			hold := make(chan struct{})
			w.disk.fault(nil, func(_ register.Changes, err error) error {
				w.disk.fault(func() error { <-hold; return nil }, nil)
				return errors.Join(err, register.ErrInDoubt)
			})
			w.welcomed(func(m *wire.Welcome) {
				m.Policy, m.Freeze = w.policy(2), w.freeze(1, `categories = ["tobacco"]`, false)
			})
			ended := make(chan struct{})
			go func() { w.stop(); close(ended) }()
			synctest.Wait()
			close(hold)
			<-ended
		})
	}
}
