package register_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// What a commit in doubt changed is told as if there had been no doubt, each
// once and with its entry, where the ledger has it: a POS that follows the events
// alone must not wait for ever (I8). What the ledger does not have is not told
// (I2).
func TestI2I8WhatACommitInDoubtChangedIsTold(t *testing.T) {
	told := map[register.EventType]int{}
	for _, k := range slices.Concat(kinds, rareKinds) {
		if strings.HasPrefix(k.name, "a start") {
			continue // it takes another disk
		}
		t.Run(k.name, func(t *testing.T) {
			want, commits := k.tells(t, -1, false)
			for n := range commits {
				got, _ := k.tells(t, n, true)
				if k.name == "an authorise goes out" && n == 0 {
					// What left in doubt is found "sent", and asked about.
					want = []string{"payment payment sent", "payment payment unknown", "verdict payment unknown"}
				}
				if strings.Contains(k.name, "given up") && n == 0 {
					want = slices.Compact(want) // the retry finds it given up, and only closes the sale
				}
				if !slices.Equal(got, want) {
					t.Errorf("commit %d in doubt and there: told %q, want %q", n, got, want)
				}
				for _, line := range got {
					told[register.EventType(strings.Fields(line)[0])]++
				}
			}
			k.tells(t, 0, false)
		})
	}
	if told[register.EventVerdict] < 8 || told[register.EventPayment] < 16 || told[register.EventSale] < 4 {
		t.Errorf("only %v were told: the kinds are not those that tell", told)
	}
}

// tells carries the kind out with its n-th commit in doubt, none where n is below
// zero, and gives what was told of payments and sales, and how many commits there
// were. there says whether the ledger has what was in doubt.
func (k kind) tells(t *testing.T, n int, there bool) (told []string, commits int) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		do, done := k.before(w)
		var sale terminal.Sale
		if v := w.reg.View(); v.Sale != nil {
			sale = *v.Sale
		}
		from := len(w.shown.all())
		w.disk.refuse(func(register.Changes) bool { return commits == n && !there })
		w.disk.fault(nil, func(_ register.Changes, err error) error {
			if err != nil && !errors.Is(err, register.ErrNotStored) {
				return err // there was nothing to commit
			}
			if commits++; commits-1 == n {
				return register.ErrInDoubt
			}
			return err
		})
		do()
		w.after(100 * time.Millisecond)
		for tries := 0; n >= 0 && !done(); tries++ {
			if tries == 3 {
				t.Fatalf("not done by a retry: %+v", w.reg.View())
			}
			do()
			w.after(time.Second)
		}
		w.disk.fault(nil, nil)
		w.disk.refuse(nil)
		told = w.toldSince(from, sale)
	})
	return told, commits
}

// toldSince gives what was told of payments and sales, sorted, and holds each
// against the journal.
func (w *world) toldSince(from int, sale terminal.Sale) []string {
	w.t.Helper()
	leaves := w.leaves()
	first := w.kept().Pruned
	var told []string
	last := sale
	for _, e := range w.shown.all()[from:] {
		switch d := e.Data.(type) {
		case terminal.Verdict:
			leaf := leaves[max(0, e.Journal-first)]
			if e.Journal < 0 || leaf.Payment != d.Payment || leaf.State != d.State {
				w.t.Errorf("%s of %s %s points at entry %d, %+v", e.Type, d.Payment, d.State, e.Journal, leaf)
			}
			told = append(told, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Type, leaf.Type, leaf.State, leaf.Mark)))
		case register.View:
			if e.Type == register.EventSale {
				if last = (terminal.Sale{}); d.Sale != nil {
					last = *d.Sale
				}
			}
		}
	}
	var now terminal.Sale
	if v := w.reg.View(); v.Sale != nil {
		now = *v.Sale
	}
	if last.Ref != now.Ref || last.Revision != now.Revision {
		w.t.Errorf("sale %q revision %d was told last, the sale is %q revision %d", last.Ref, last.Revision, now.Ref, now.Revision)
	}
	if now.Ref != sale.Ref {
		told = append(told, "sale is another")
	}
	slices.Sort(told)
	return told
}
