package register_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// The leaves go up from where the backend stands, up to the checkpoint that it
// keeps and no further, each once.
func TestI6LeavesGoUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		if _, came := a.took(); came {
			t.Fatal("leaves before a checkpoint was kept")
		}
		a.all()
		a.wantWhole()
		before := len(a.leaves)
		handedOver(w)
		w.after(time.Minute)
		if _, came := a.took(); came {
			t.Fatal("leaves that no kept checkpoint has")
		}
		a.takes()
		m, _ := a.took()
		if m.Entries == nil || m.Entries.From != int64(before) {
			t.Fatalf("it goes on with %+v after %d", m.Entries, before)
		}
		a.acks(m)
		a.all()
		a.wantWhole()
		w.after(time.Hour)
		if _, came := a.took(); came {
			t.Fatal("leaves that the backend has came again")
		}
	})
}

// A message that is not acknowledged goes again, after a while or with the next
// session, from what the backend says that it has; an acknowledgement that comes
// twice or late changes nothing.
func TestI6LeavesGoOnFromWhatTheBackendHas(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.takes()
		first, _ := a.took()
		w.after(29 * time.Second)
		if _, came := a.took(); came {
			t.Fatal("a second message beside the first")
		}
		w.after(2 * time.Second)
		again, came := a.took()
		if !came || again.ID == first.ID || again.Entries.From != first.Entries.From {
			t.Fatalf("%t %+v", came, again.Entries)
		}
		a.acks(first, func(a *wire.Ack) { a.Size = 1 }) // late
		a.acks(again)
		a.acks(again, func(a *wire.Ack) { a.Size = 1 }) // twice
		w.after(time.Hour)
		if m, came := a.took(); came {
			t.Fatalf("leaves from %d on came again", m.Entries.From)
		}
		handedOver(w)
		w.after(time.Minute)
		a.takes()
		a.took() // lost
		a.leaves = a.leaves[:2]
		a.welcomes()
		if m, came := a.took(); !came || m.Entries.From != 2 {
			t.Fatalf("%t %+v", came, m.Entries)
		}
		a.takes()
		w.after(31 * time.Second)
		a.all()
		a.wantWhole()
	})
}

// Nobody waits at the till for the upload: while a payment is being decided, or
// what was decided waits to be told, no leaves go out.
func TestLeavesWaitForPayments(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		a.takes()
		if _, came := a.took(); came {
			t.Fatal("leaves beside a payment that is being decided")
		}
		w.answer(id, wire.OutcomeApproved)
		if _, came := a.took(); !came {
			t.Fatal("no leaves after it was decided")
		}
	})
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.all()
		w.down()
		for i := range 17 { // one more than may be on the line at once
			w.sells(terminal.SaleRef(fmt.Sprint("s", i)), riceBall)
			id := w.pays(fmt.Sprint("account-", i))
			w.wantState(id, terminal.ApprovedOffline, "")
			_, err := w.reg.HandOver(t.Context(), id)
			w.must(err)
		}
		a.welcomes()
		w.line.fill(true) // no advice gets on the line, and so none is on its way
		w.after(time.Second)
		a.takes()
		w.line.fill(false)
		if _, came := a.took(); came {
			t.Fatal("leaves before the advices")
		}
		w.after(2 * time.Second)
		if n := len(w.line.take(wire.TypeAdvice)); n == 0 {
			t.Fatal("no advices")
		}
		w.after(time.Minute)
		a.takes()
		if len(w.line.take(wire.TypeJournal)) == 0 {
			t.Fatal("an advice that nobody acknowledges holds up the journal for ever")
		}
	})
}

// A backend that does not take the journal is left alone for the session.
func TestLeavesAreNotForced(t *testing.T) {
	for _, code := range []wire.ErrorCode{wire.CodeType, wire.CodeRefused, wire.CodeBody} {
		inWorld(t, func(t *testing.T, w *world) {
			a := &archive{keeper: keeper{w: w}}
			a.takes()
			m, _ := a.took()
			w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: code, Text: "no"}})
			for range 60 {
				handedOver(w)
				w.after(time.Minute)
				a.takes()
				if _, came := a.took(); came {
					t.Fatal("it was sent again")
				}
			}
			if v := w.reg.View(); v.Quarantine != "" {
				t.Fatalf("in doubt: %s", v.Quarantine)
			}
			a.leaves = nil
			a.welcomes()
			a.takes()
			if _, came := a.took(); !came {
				t.Fatal("the next session does not try")
			}
		})
	}
}

// A backend in trouble is asked again later.
func TestI8LeavesGoAgainAfterTrouble(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.takes()
		m, _ := a.took()
		w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeTrouble, Text: "later"}})
		if _, came := a.took(); came {
			t.Fatal("at once")
		}
		w.after(31 * time.Second)
		if _, came := a.took(); !came {
			t.Fatal("never again")
		}
	})
}

// A backend that takes nothing, or less with each time, is sent a message a
// minute and no more, and the last word on what it has counts.
func TestLeavesThatAreNotTakenAreNoFlood(t *testing.T) {
	for name, has := range map[string]func(int64) int64{
		"the same":    func(had int64) int64 { return had },
		"less":        func(had int64) int64 { return max(0, had-1) },
		"nothing":     func(int64) int64 { return 0 },
		"here, there": func(had int64) int64 { return 2 - min(had, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				a := &archive{keeper: keeper{w: w}}
				handedOver(w)
				a.all()
				handedOver(w)
				w.after(time.Minute)
				a.takes()
				had, sent := int64(len(a.leaves)), 0
				for range 60 {
					for range 20 {
						m, came := a.took()
						if !came {
							break
						}
						sent++
						if m.Entries.From != had {
							t.Fatalf("it goes on from %d, not from %d", m.Entries.From, had)
						}
						had = has(had)
						a.acks(m, func(a *wire.Ack) { a.Size = had })
					}
					w.after(time.Minute)
				}
				if sent < 30 || sent > 125 {
					t.Fatalf("%d messages in an hour", sent)
				}
			})
		})
	}
}

// I6: a backend that has other leaves, or more than there are, has seen what is
// not here any more.
func TestI6TheUploadFindsAnotherPast(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*wire.Ack)
		want    string
		redials int // to tell what the backend does not know
	}{
		"other leaves": {func(a *wire.Ack) { a.Status, a.Reason = wire.StatusRejected, "register.quarantine" }, register.LedgerForked, 0},
		"more leaves":  {func(a *wire.Ack) { a.Size = 1000 }, register.LedgerOlder, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				a := &archive{keeper: keeper{w: w}}
				a.takes()
				m, _ := a.took()
				a.acks(m, c.change)
				w.wantQuarantine(c.want)
				if w.line.redials != c.redials {
					t.Errorf("%d other sessions to tell it in, want %d", w.line.redials, c.redials)
				}
				w.after(time.Hour)
				a.takes()
				if _, came := a.took(); came {
					t.Fatal("the upload goes on in doubt")
				}
			})
		})
	}
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.welcomed(func(m *wire.Welcome) { m.Uploaded = w.headNow().Size + 1 })
		w.wantQuarantine(register.LedgerOlder)
		if w.line.redials != 1 {
			t.Errorf("%d other sessions to tell it in, want 1", w.line.redials)
		}
	})
}

// longJournal opens a session of a register whose journal has 150,000 bytes and
// more, and gives its checkpoint to the backend.
func (a *archive) longJournal() {
	w := a.w
	w.stop()
	draft := journal.Draft{Entry: journal.Entry{Type: journal.TypeStop, Incarnation: inc1}}
	w.seed(func(register.Usage) (c register.Changes, err error) {
		for range 600 {
			c.Entries = append(c.Entries, draft)
		}
		draft.Entry.Sale = "s"
		draft.Entry.SaleHash = strings.Repeat("x", 2000)
		for range 100 {
			c.Entries = append(c.Entries, draft)
		}
		return c, nil
	})
	w.start()
	a.welcomes(func(m *wire.Welcome) { m.Checkpoint = nil })
	a.takes()
}

// inBase64 gives how long a message's leaves are.
func inBase64(m wire.Message) (size int) {
	for _, l := range m.Entries.Leaves {
		size += len(l)
	}
	return size
}

// A message is small beside what a line carries in a second.
func TestLeavesComeInSmallMessages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.longJournal()
		messages, largest := 0, 0
		for ; ; messages++ {
			m, came := a.took()
			if !came {
				break
			}
			size := inBase64(m)
			if len(m.Entries.Leaves) > 250 || size > 96<<10 || messages == 0 && size > 12<<10 {
				t.Fatalf("%d leaves of %d bytes", len(m.Entries.Leaves), size)
			}
			largest = max(largest, size)
			a.acks(m)
		}
		a.wantWhole()
		if messages < 6 || messages > 16 || largest < 64<<10 {
			t.Errorf("%d messages, the largest of %d bytes", messages, largest)
		}
	})
}

// On a narrow line the messages get as small as it wants them: a ping behind one of
// 64 kB would take half a minute at 20 kbit/s, and the upload would keep the line
// bad, or never get a message through in time.
func TestI5TheUploadFitsANarrowLine(t *testing.T) {
	const bytesPerSecond = 2500
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.longJournal()
		for messages := 0; ; messages++ {
			m, came := a.took()
			if !came {
				break
			}
			took := time.Duration(inBase64(m)) * time.Second / bytesPerSecond
			if messages > 4 && took > 2*time.Second && len(m.Entries.Leaves) > 1 {
				t.Fatalf("message %d takes %v", messages, took)
			}
			w.after(took)
			a.acks(m)
			w.line.take(wire.TypeCheckpoint)
		}
		a.wantWhole()
	})
}

// One that is not acknowledged at all is followed by smaller ones.
func TestI8UnacknowledgedLeavesComeInSmallerMessages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := &archive{keeper: keeper{w: w}}
		a.longJournal()
		first, _ := a.took()
		w.after(31 * time.Second)
		second, came := a.took()
		if !came || inBase64(second) > inBase64(first)*2/3 {
			t.Fatalf("%t: %d bytes after %d", came, inBase64(second), inBase64(first))
		}
	})
}
