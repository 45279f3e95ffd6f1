package register_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// aged adds entries to the register's journal, and lets some time go by in which
// it stands still. It is told the time at its beginning.
func (w *world) aged(entries int, old time.Duration) {
	w.t.Helper()
	running := w.stop != nil
	if running {
		w.stop()
	}
	w.seed(func(register.Usage) (c register.Changes, err error) {
		for range entries {
			c.Entries = append(c.Entries, journal.Draft{Entry: journal.Entry{Type: journal.TypeStop, Incarnation: inc1}})
		}
		return c, nil
	})
	w.suspended(25 * time.Hour) // the store notes a journal's age once a day
	mark := terminal.MillisOf(time.Now())
	w.seed(func(register.Usage) (register.Changes, error) { return register.Changes{Mark: &mark}, nil })
	w.suspended(old)
	if running {
		w.start()
	}
}

// wantFirst checks where the journal begins.
func (w *world) wantFirst(want int64) {
	w.t.Helper()
	if got := w.kept().Pruned; got != want {
		w.t.Fatalf("the journal begins with entry %d, want %d", got, want)
	}
}

// told gives, of the entries that tell that older ones were deleted, the first one
// that each says is kept. Each names a checkpoint of this journal over all that goes.
func (w *world) told() (firsts []int64) {
	w.t.Helper()
	now := terminal.MillisOf(time.Now())
	for _, e := range w.leaves() {
		if e.Type != journal.TypePruned {
			continue
		}
		kept, err := journal.HeadOf(e.Size, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return w.disk.Hashes(w.t.Context(), at) }))
		w.must(err)
		if e.First > e.Size || e.Size > e.Seq || e.Root != kept.Hex() || e.Incarnation != w.inc || e.Time > now || e.Time < now-terminal.Millis((4*time.Hour).Milliseconds()) {
			w.t.Errorf("entry %d tells of %+v", e.Seq, e)
		}
		firsts = append(firsts, e.First)
	}
	return firsts
}

// wantTold checks them.
func (w *world) wantTold(want ...int64) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		w.t.Fatalf("entries tell of %v, want %v", got, want)
	}
}

// What is old and with the backend goes, a little at a time; what is left is
// proved by the hashes of what is gone.
func TestOldEntriesArePruned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.aged(1200, register.KeepEntries+time.Minute)
		old := w.headNow().Size - 1 // without the start that followed
		var steps []int64
		w.disk.fault(nil, func(c register.Changes, err error) error {
			if c.Prune > 0 {
				steps = append(steps, c.Prune)
			}
			return err
		})
		a := &archive{keeper: keeper{w: w}}
		a.opens()
		w.wantFirst(500) // the rest is in no hurry
		w.wantTold(old)
		w.after(10 * time.Second)
		w.wantFirst(old)
		if len(steps) != 3 || steps[0] != 500 || steps[1] != 1000 || steps[2] != old {
			t.Fatalf("in steps to %v", steps)
		}
		w.wantTold(old) // one for the pass
		handedOver(w)
		w.after(time.Minute)
		a.all()
		if h := w.headNow(); a.kept != h || int64(len(a.leaves)) != h.Size {
			t.Fatalf("checkpoint of %d and %d leaves of %d", a.kept.Size, len(a.leaves), h.Size)
		}
		w.after(3 * time.Hour)
		w.wantFirst(old)
		w.wantTold(old)
	})
}

// I6: of a journal that begins later than 0 an entry says why, also where the pass
// broke off and where a later one goes further.
func TestI6AnEntryTellsOfWhatWasPruned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.aged(600, register.KeepEntries+time.Minute)
		old := w.headNow().Size - 1
		a := &archive{keeper: keeper{w: w}}
		a.opens()
		w.wantFirst(500)
		w.wantTold(old)
		kept := a.kept.Size // what was written since it does not have as the next session begins
		w.restart()
		w.wantFirst(500)
		a.opens()
		w.wantFirst(old)
		w.wantTold(old, old)
		for _, e := range w.leaves() {
			if e.Type == journal.TypePruned && e.Size != kept {
				t.Errorf("it names a checkpoint of %d entries, the backend had one of %d", e.Size, kept)
			}
		}
		w.aged(10, register.KeepEntries+time.Minute)
		a.opens()
		w.after(10 * time.Second)
		later, told := w.kept().Pruned, w.told()
		if later < old+10 || told[len(told)-1] != later {
			t.Fatalf("the journal begins with %d after another year, and entries tell of %v", later, told)
		}
	})
}

// Nothing goes that is not old enough, or of which the backend has not said in
// this session that it has it under a checkpoint, or that is in doubt.
func TestI6NothingIsPrunedThatMustStay(t *testing.T) {
	for name, try := range map[string]func(w *world, a *archive){
		"not old enough": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries-30*time.Hour)
			a.opens()
		},
		"not uploaded": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			a.welcomes()
			a.takes()
		},
		"uploaded but for the last": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			a.welcomes()
			a.takes()
			m, _ := a.took()
			a.acks(m, func(k *wire.Ack) { k.Size = a.kept.Size - 1 })
		},
		"uploaded in the session before": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			w.disk.fault(nil, func(c register.Changes, err error) error {
				if c.Prune > 0 {
					w.t.Error("it was pruned while a payment was decided")
				}
				return err
			})
			a.welcomes()
			a.takes()
			m, _ := a.took()
			w.sells("busy", riceBall)
			w.pays("account-1")
			a.acks(m)
			a.leaves = nil
			a.welcomes()
		},
		"the backend takes none": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			a.welcomes()
			a.takes()
			m, _ := a.took()
			w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeType, Text: "no"}})
		},
		"the backend takes no more": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries-30*time.Hour)
			a.opens()
			handedOver(w)
			w.after(time.Minute)
			a.takes()
			m, _ := a.took()
			w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeType, Text: "no"}})
			w.suspended(40 * time.Hour)
		},
		"uploaded, and lost again in the same session": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries-25*time.Hour-30*time.Minute)
			a.opens()
			handedOver(w)
			w.after(time.Minute)
			a.takes()
			m, _ := a.took()
			a.acks(m, func(k *wire.Ack) { k.Size = 3 })
		},
		"old by the backend's clock alone": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries-48*time.Hour)
			a.opens()
			w.receive(wire.Message{Type: wire.TypeAck, Re: "none", Ack: &wire.Ack{
				Of: wire.TypeJournal, Status: wire.StatusAccepted, Time: time.Now().Add(72 * time.Hour).UnixMilli(),
			}})
		},
		"in doubt": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			a.opens(func(m *wire.Welcome) { m.Quarantine = "backend" })
		},
		"stopping": func(w *world, a *archive) {
			w.aged(20, register.KeepEntries+time.Hour)
			a.welcomes()
			a.takes()
			m, _ := a.took()
			w.stops()
			a.acks(m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				try(w, &archive{keeper: keeper{w: w}})
				w.after(2 * time.Hour)
				w.wantFirst(0)
			})
		})
	}
}

// The entries of a payment that is not resolved stay, and all after them, until
// it is.
func TestI1EntriesOfAnUnresolvedPaymentStay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := offlineApproval(w, "account-1")
		first := w.payment(id).Number
		w.aged(20, register.KeepEntries+time.Hour)
		a := &archive{keeper: keeper{w: w}}
		a.opens()
		w.after(2 * time.Hour)
		w.wantFirst(first)
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.after(2 * time.Hour)
		if got := w.kept().Pruned; got <= first+20 {
			t.Fatalf("the journal begins with %d after it was resolved", got)
		}
	})
}

// After a release the backend begins anew with what is left, and takes the rest
// from what was uploaded before. One that has lost it is no reason to send
// without end.
func TestTheUploadBeginsAnewWithWhatIsLeft(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.aged(20, register.KeepEntries+time.Hour)
		a := &archive{keeper: keeper{w: w}}
		a.opens()
		w.after(time.Minute)
		first := w.kept().Pruned
		if first < 20 {
			t.Fatalf("the journal begins with %d", first)
		}
		w.restart()
		w.down()
		w.welcomed(func(m *wire.Welcome) {})
		sent := w.line.take(wire.TypeCheckpoint)
		w.ackCheckpoint(sent[len(sent)-1], wire.StatusAccepted)
		leaves := w.line.take(wire.TypeJournal)
		if len(leaves) != 1 || leaves[0].Entries.From != first {
			t.Fatalf("it begins with %+v, not with %d", leaves, first)
		}
		a.acks(leaves[0], func(k *wire.Ack) { k.Size = 3 })
		w.after(time.Hour)
		if more := w.line.take(wire.TypeJournal); len(more) > 0 {
			t.Fatalf("%d messages more, which fill no gap", len(more))
		}
		told := w.line.take(wire.TypeError)
		if len(told) != 1 || told[0].Re != leaves[0].ID || told[0].Error.Code != "journal.gap" {
			t.Fatalf("head office is told %+v", told)
		}
		if v := w.reg.View(); v.Quarantine != "" {
			t.Fatalf("in doubt: %s", v.Quarantine)
		}
	})
}

// What the law wants erased goes also where the entries are pruned.
func TestEraseAfterThePrune(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		id := handedOver(w)
		w.aged(1, register.KeepEntries+time.Hour)
		a := &archive{keeper: keeper{w: w}}
		a.opens()
		w.suspended(register.KeepPrivate)
		a.opens()
		w.after(time.Minute)
		if left, err := w.disk.CaseEntries(t.Context(), id); err != nil || len(left) != 0 {
			t.Fatalf("%d entries are left, %v", len(left), err)
		}
		if p := w.payment(id); p.Account == "" || p.Masked == "" {
			t.Fatal("nothing is left to erase")
		}
		for range 2 {
			w.must(w.reg.Erase(t.Context(), id))
			if p := w.payment(id); p.Account != "" || p.Masked != "" || p.Seen != "" {
				t.Fatalf("%+v", p)
			}
		}
		told := 0
		size := w.headNow().Size
		list, err := w.disk.Entries(t.Context(), w.kept().Pruned, int(size))
		w.must(err)
		for _, l := range list {
			if e, err := journal.Parse(l.Bytes); err == nil && e.Type == journal.TypeErase {
				told++
			}
		}
		if told != 1 {
			t.Fatalf("%d entries tell of it", told)
		}
		var gone *register.PrunedError
		if _, err := w.disk.Entries(t.Context(), 0, 1); !errors.As(err, &gone) {
			t.Fatalf("entry 0: %v", err)
		}
	})
}
