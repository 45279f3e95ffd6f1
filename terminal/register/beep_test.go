package register_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

const (
	wait, good, bad, done = framing.Wait, framing.Good, framing.Bad, framing.Done
)

var priceFile = map[terminal.GTIN]register.Item{
	riceBall.GTIN: {Name: "rice ball", Price: 150}, packet.GTIN: {Name: "packet", Price: 580},
}

// ways are all ends that a payment can come to, and how they sound on the unit
// that read the customer's code.
var ways = []struct {
	name  string
	play  func(w *world)
	heard []framing.Answer
}{
	{"approved", func(w *world) { w.answer(w.pays("account-1"), wire.OutcomeApproved) }, []framing.Answer{wait, good}},
	{"declined", func(w *world) { w.answer(w.pays("account-1"), wire.OutcomeDeclined) }, []framing.Answer{wait, bad}},
	{"on its way", func(w *world) { w.pays("account-1") }, []framing.Answer{wait}},
	{"refused on the spot", func(w *world) {
		w.scan(w.passAt(time.Now().Add(-time.Hour), "account-1", time.Hour))
		w.wantState(w.current(), terminal.Refused, terminal.CodeExpired)
	}, []framing.Answer{wait, bad}},
	{"approved offline", func(w *world) {
		w.down()
		w.wantState(w.pays("account-1"), terminal.ApprovedOffline, "")
	}, []framing.Answer{wait, good}},
	{"the line takes nothing", func(w *world) {
		w.line.fill(true)
		w.wantState(w.pays("account-1"), terminal.Reversing, terminal.BackendSilent)
	}, []framing.Answer{wait, bad}},
	{"unknown", func(w *world) {
		w.pays("account-1")
		w.after(6 * time.Second)
	}, []framing.Answer{wait, bad}},
	{"unknown, approved", func(w *world) {
		id := w.pays("account-1")
		w.after(6 * time.Second)
		w.answer(id, wire.OutcomeApproved)
	}, []framing.Answer{wait, bad, good}},
	{"unknown, reversed", func(w *world) {
		id := w.pays("account-1")
		w.after(time.Minute)
		w.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
		w.wantState(id, terminal.Reversed, terminal.BackendSilent)
	}, []framing.Answer{wait, bad, bad}},
	{"cancelled", func(w *world) {
		w.pays("account-1")
		_, err := w.reg.CancelSale(w.t.Context(), "s1")
		w.must(err)
	}, []framing.Answer{wait, bad}},
	{"unknown, cancelled", func(w *world) {
		w.pays("account-1")
		w.after(6 * time.Second)
		_, err := w.reg.CancelSale(w.t.Context(), "s1")
		w.must(err)
	}, []framing.Answer{wait, bad, bad}},
	{"given up by the manager", func(w *world) {
		_, err := w.reg.Resolve(w.t.Context(), w.pays("account-1"), true)
		w.must(err)
	}, []framing.Answer{wait, bad}},
	{"approved, voided", func(w *world) {
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.Void(w.t.Context(), id)
		w.must(err)
		w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
	}, []framing.Answer{wait, good}},
	{"approved, handed over", func(w *world) {
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		_, err := w.reg.HandOver(w.t.Context(), id)
		w.must(err)
	}, []framing.Answer{wait, good}},
	{"approved, and the disk is full when the goods leave", func(w *world) {
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved)
		w.disk.fault(refuses, nil)
		if _, err := w.reg.HandOver(w.t.Context(), id); err == nil {
			w.t.Fatal("handed over on a full disk")
		}
	}, []framing.Answer{wait, good}},
	{"approved, the next sale", func(w *world) {
		w.answer(w.pays("account-1"), wire.OutcomeApproved)
		w.sells("s2", riceBall)
	}, []framing.Answer{wait, good}},
	{"approved offline, rejected while the goods are here", func(w *world) { w.rejectsLate(func(terminal.PaymentID) {}) }, []framing.Answer{wait, good, bad}},
	{"approved offline, rejected when the goods have left", func(w *world) {
		w.rejectsLate(func(id terminal.PaymentID) {
			_, err := w.reg.HandOver(w.t.Context(), id)
			w.must(err)
		})
	}, []framing.Answer{wait, good}},
	{"the disk is full", func(w *world) {
		w.disk.fault(refuses, nil)
		w.scan(digits)
		w.wantNotice(terminal.Storage)
	}, []framing.Answer{wait, bad}},
	{"the disk is full when the approval comes, and mended", func(w *world) {
		id := w.pays("account-1")
		w.disk.fault(refuses, nil)
		w.answer(id, wire.OutcomeApproved)
		w.wantHeard(wait, bad)
		w.disk.fault(nil, nil)
		w.answer(id, wire.OutcomeApproved)
	}, []framing.Answer{wait, bad, good}},
	{"the disk is full when the approval comes, and the payment is given up", func(w *world) {
		id := w.pays("account-1")
		w.disk.fault(refuses, nil)
		w.answer(id, wire.OutcomeApproved)
		w.disk.fault(nil, nil)
		w.after(time.Minute)
		w.wantState(id, terminal.Reversing, terminal.BackendSilent)
	}, []framing.Answer{wait, bad, bad}},
}

// rejectsLate has a payment approved offline whose advice the backend rejects.
func (w *world) rejectsLate(before func(terminal.PaymentID)) {
	w.down()
	id := w.pays("account-1")
	w.up("")
	before(id)
	w.receive(wire.Message{Type: wire.TypeAck, Ack: &wire.Ack{
		Payment: string(id), Of: wire.TypeAdvice, Status: wire.StatusRejected, Reason: "account.denied", Bearer: "store", Time: 1,
	}})
	w.wantState(id, terminal.Rejected, terminal.AccountDenied)
}

// The unit says what the page shows: good after an approval, bad after anything
// else, and each later verdict as long as the payment is on the screen.
func TestI8EveryPaymentIsHeard(t *testing.T) {
	for _, c := range ways {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				c.play(w)
				w.wantHeard(c.heard...)
			})
		})
	}
}

// A good beep comes after the approval is on the disk and after page and POS were
// told, never before (I2).
func TestI2BeepAfterDurable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.scan(w.passOf("account-1", 100*24*time.Hour))
		w.wantHeard(wait)
		hold <- struct{}{}
		synctest.Wait()
		id := w.current()
		w.answer(id, wire.OutcomeApproved)
		w.wantHeard(wait)
		close(hold)
		synctest.Wait()
		w.wantHeard(wait, good)
		told := slices.Index(w.shown.order, fmt.Sprintf("told %s %s", id, terminal.Approved))
		beep := slices.Index(w.shown.order, "beep 0 good")
		if told < 0 || beep < told {
			t.Fatalf("%q", w.shown.order)
		}
	})
}

// What is no payment beeps bad with its notice, goods that are taken beep good.
func TestI8GoodsAndMistakesAreHeard(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.items = priceFile
		w.start()
		w.up(w.policy(1))
		w.goods(string(riceBall.GTIN))
		w.wantHeard(good)
		w.goods("4901234567894") // not in the file
		w.wantHeard(bad)
		w.scan(digits) // the sale is not ready
		w.wantHeard(bad)
		_, err := w.reg.Ready(t.Context(), w.reg.View().Sale.Ref)
		w.must(err)
		for _, c := range mistakes {
			w.shows(c.symbol, c.text)
			w.wantHeard(bad)
		}
		w.pays("account-1")
		w.goods(string(riceBall.GTIN)) // while it is being paid
		w.wantHeard(bad)
		w.scan(digits)
		w.wantHeard(bad)
	})
	inWorld(t, func(t *testing.T, w *world) {
		w.goods(string(riceBall.GTIN)) // a POS leads
		w.wantHeard(good)
	})
}

// A ledger in doubt keeps no unit waiting, and what it holds when it is open again
// is heard.
func TestI8InDoubtIsHeard(t *testing.T) {
	for name, c := range map[string]struct {
		online, stored bool
		opens          int // attempts
		heard          []framing.Answer
	}{
		"stored, online":               {true, true, 1, []framing.Answer{wait, bad}},
		"stored, offline":              {false, true, 1, []framing.Answer{wait, good}},
		"not stored":                   {true, false, 1, []framing.Answer{wait, bad}},
		"stored, offline, opens late":  {false, true, 3, []framing.Answer{wait, bad, good}},
		"stored, online, opens late":   {true, true, 3, []framing.Answer{wait, bad, bad}},
		"not stored, opens late":       {true, false, 3, []framing.Answer{wait, bad}},
		"not stored offline, and late": {false, false, 3, []framing.Answer{wait, bad}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				if !c.online {
					w.down()
				}
				w.doubts(c.stored, c.opens)
				w.scan(w.passOf("account-1", 100*24*time.Hour))
				w.after(4 * time.Second)
				w.wantHeard(c.heard...)
			})
		})
	}
}

// doubts leaves the next commit in doubt; the ledger opens at the given attempt.
func (w *world) doubts(stored bool, opens int) {
	w.disk.reopen = func() error {
		if opens--; opens > 0 {
			return register.ErrInDoubt
		}
		return nil
	}
	if stored {
		w.disk.fault(nil, func(_ register.Changes, err error) error {
			w.disk.fault(nil, nil)
			return errors.Join(err, register.ErrInDoubt)
		})
		return
	}
	w.disk.fault(func() error { w.disk.fault(nil, nil); return register.ErrInDoubt }, nil)
}

// The approval's own commit is in doubt: whether it is there is heard when the
// ledger is open again.
func TestI8ApprovalInDoubtIsHeard(t *testing.T) {
	for _, stored := range []bool{true, false} {
		inWorld(t, func(t *testing.T, w *world) {
			w.sells("s1", riceBall)
			id := w.pays("account-1")
			w.doubts(stored, 1)
			w.answer(id, wire.OutcomeApproved)
			if stored {
				w.wantHeard(wait, good)
				return
			}
			w.wantHeard(wait, bad) // it was found sent: unknown
			w.answer(id, wire.OutcomeApproved)
			w.wantHeard(wait, bad, good)
		})
	}
}

// Scans that wait for a disk which fails, or of which there are too many, are
// answered as they are refused.
func TestI8WhatWaitsForTheDiskIsHeard(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.doubts(false, 3)
		hold := make(chan struct{})
		first := w.disk.before
		w.disk.fault(func() error { <-hold; return first() }, nil)
		w.scan(w.passOf("account-1", 100*24*time.Hour))
		w.goods(string(riceBall.GTIN))
		w.wantHeard() // it waits its turn
		close(hold)
		synctest.Wait()
		w.wantHeard(bad)
		w.goods(string(riceBall.GTIN)) // the ledger is not open yet
		w.wantHeard(bad)
		w.after(4 * time.Second)
	})
	inWorld(t, func(t *testing.T, w *world) {
		hold := make(chan struct{})
		w.disk.fault(func() error { <-hold; return nil }, nil)
		w.grant(w.units("tobacco-day", 1))
		for range 1000 {
			w.goods(string(riceBall.GTIN))
		}
		w.wantHeard()
		w.goods(string(riceBall.GTIN)) // the queue is full
		w.wantHeard(bad)
		close(hold)
		synctest.Wait()
		if got := w.ears.of(1); !slices.Equal(got, []framing.Answer{good}) {
			t.Fatalf("%v", got)
		}
	})
}

// Wherever a scan stands when the register ends, its unit is let go.
func TestI8TheEndIsHeard(t *testing.T) {
	for name, play := range map[string]func(w *world){
		"a payment on its way": func(w *world) { w.pays("account-1") },
		"a transaction at the disk": func(w *world) {
			w.disk.fault(func() error { <-time.After(time.Second); return nil }, nil)
			w.scan(w.passOf("account-1", 100*24*time.Hour))
		},
		"a scan behind it": func(w *world) {
			w.disk.fault(func() error { <-time.After(time.Second); return nil }, nil)
			w.scan(w.passOf("account-1", 100*24*time.Hour))
			w.goods(string(riceBall.GTIN))
		},
		"a ledger that does not open": func(w *world) {
			w.doubts(false, 1000)
			w.scan(w.passOf("account-1", 100*24*time.Hour))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				play(w)
				w.stop() // checks that each unit heard an end
				w.goods(string(riceBall.GTIN))
				w.wantHeard(bad)
			})
		})
	}
}

// A register that nobody runs takes what its inbox holds; more is lost with the
// caller's context, and what is inside ends with the register.
func TestI8LostScansAreHeard(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		store := w.disk.Store
		w.stop()
		w.must(closeOnly(store))
		reg := register.New(register.Config{Store: store, Backend: w.line, Signal: w.shown, Clock: w, Anchors: w})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 64 {
			reg.Scanned(ctx, aim.QR, digits, w.hear())
		}
		w.wantHeard()
		reg.Scanned(ctx, aim.QR, digits, w.hear())
		w.wantHeard(bad)
		if err := reg.Run(t.Context()); err == nil {
			t.Fatal("Run gave no error")
		}
		w.ears.wantEnds(t)
		reg.Scanned(t.Context(), aim.QR, digits, w.hear())
		w.wantHeard(bad)
	})
}

// During a clean stop a code is refused aloud, and a unit that hears nothing does
// no harm.
func TestI8AStopIsHeard(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.reg.Scanned(t.Context(), aim.QR, digits, nil)
		synctest.Wait()
		w.answer(w.current(), wire.OutcomeDeclined)
		go w.reg.Stop(t.Context())
		synctest.Wait()
		w.scan(strings.Replace(digits, "9000", "9001", 1))
		w.wantNotice(terminal.Busy)
		w.wantHeard(bad)
	})
}

// Goods whose commit was in doubt are taken where the ledger has them when it is
// open again: told that they are not, the cashier would scan them a second time.
func TestI8GoodsInDoubtAreHeard(t *testing.T) {
	for _, c := range []struct {
		stored bool
		opens  int
		heard  []framing.Answer
		told   int // articles
	}{
		{true, 1, []framing.Answer{good}, 1},
		{true, 3, []framing.Answer{bad, good}, 1},
		{false, 1, []framing.Answer{bad}, 1},
		{false, 3, []framing.Answer{bad}, 1},
	} {
		for _, more := range []bool{false, true} { // the sale's first article, or another
			bare(t, func(t *testing.T, w *world) {
				w.items = priceFile
				w.start()
				w.up(w.policy(1))
				lines, told := 0, c.told
				if more {
					w.goods(string(packet.GTIN))
					lines, told = 1, told+1
				}
				w.doubts(c.stored, c.opens)
				w.goods(string(riceBall.GTIN))
				w.after(4 * time.Second)
				w.wantHeard(c.heard...)
				if c.stored {
					lines++
					w.wantNotice("")
				} else {
					w.wantNotice(terminal.Storage)
				}
				got := 0
				if s := w.reg.View().Sale; s != nil {
					got = len(s.Lines)
				}
				if got != lines || w.toldGoods() != told {
					t.Errorf("%+v: %d lines, %d told; want %d, %d", c, got, w.toldGoods(), lines, told)
				}
			})
		}
	}
}
