package offline

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"sekisho/firmware-mocks/disk"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

const (
	sellers = 4
	cutDay  = terminal.BusinessDay("2026-03-31")
	cutInc  = terminal.Incarnation("i1")
)

var cutKey = terminal.CounterKey{Cap: "c", Window: cutDay, Incarnation: cutInc}

// seller decides payments from their approval to the end, one after the other,
// and tells the record of each step that the store acknowledged.
type seller struct {
	s    *Store
	disk *disk.Disk
	run  int
	me   int
}

// beCut sells until the process is killed. It prints a line once a first sale
// was acknowledged.
func beCut(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	d, err := disk.Inside()
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), j.Dir, Options{})
	if err != nil {
		return err
	}
	if j.Normal {
		if _, err := s.ledger.Exec("PRAGMA synchronous=NORMAL"); err != nil {
			return err
		}
	}
	if j.Fail > 0 {
		if err := d.Fail(j.Fail, j.How); err != nil {
			return err
		}
	}
	if err := (seller{s: s, disk: d}).settleUp(); err != nil {
		return err
	}
	ended, first := make(chan error, sellers), sync.OnceFunc(func() { fmt.Println("sells") })
	for me := range sellers {
		go func() { ended <- seller{s: s, disk: d, run: j.Run, me: me}.sell(first) }()
	}
	return <-ended
}

func (s seller) sell(told func()) error {
	var open []*terminal.Payment // the last ones
	for n := 0; ; n++ {
		p := terminal.Payment{
			ID: terminal.PaymentID(fmt.Sprintf("p-%d-%d-%d", s.run, s.me, n)), State: terminal.ApprovedOffline, Offline: true,
			Sale: terminal.SaleRef(fmt.Sprintf("s-%d-%d-%d", s.run, s.me, n)), Amount: 720, Code: terminal.CodePass, Account: "a1",
			Seen: terminal.SeenKey(fmt.Sprintf("k-%d-%d-%d", s.run, s.me, n)), Incarnation: cutInc, Day: cutDay, Created: 1, Decided: 1,
			Spends: []terminal.Spend{{Cap: cutKey.Cap, Window: cutDay, Reserved: terminal.Amount{Yen: 580, Units: 1}}},
		}
		steps := []func(*terminal.Payment, register.Usage) register.Changes{approve, []func(*terminal.Payment, register.Usage) register.Changes{agree, void, nothing}[n%3]}
		for _, step := range steps {
			if err := s.step(&p, step); err != nil {
				return err
			}
			told()
		}
		if open = append(open, &p); len(open) > 3 {
			if err := s.step(open[0], agree); err != nil {
				return err
			}
			open = open[1:]
		}
		if err := s.besides(n); err != nil {
			return err
		}
	}
}

// besides is what one of the sellers does between its payments.
func (s seller) besides(n int) error {
	switch {
	case s.me == 0 && n%20 == 0:
		return s.newPolicy()
	case s.me == 1 && n%4 == 3:
		return s.prune()
	}
	return nil
}

// step carries one change through, again where the disk did not take it, and
// tells of it.
func (s seller) step(p *terminal.Payment, change func(*terminal.Payment, register.Usage) register.Changes) error {
	scope := register.Scope{Counters: []terminal.CounterKey{cutKey}, Payment: p.ID}
	before, inDoubt := *p, false
	for {
		after := before
		var err error
		if scope.Items, err = s.items(p.ID); err != nil {
			if err := s.recover(err); err != nil {
				return err
			}
			continue
		}
		_, err = s.s.Decide(context.Background(), scope, func(u register.Usage) (register.Changes, error) {
			c := change(&after, u)
			if c.Payments == nil && !inDoubt && moved(before, after) {
				return c, errStoredAfterAll
			}
			return c, nil
		})
		if err == nil {
			*p = after
			return s.disk.Told(fmt.Sprintf("%s %s %t", p.ID, p.State, p.Voided()))
		}
		if errors.Is(err, register.ErrInDoubt) {
			inDoubt = true
		}
		if err := s.recover(err); err != nil {
			return err
		}
	}
}

// items are the payment's in the outbox.
func (s seller) items(id terminal.PaymentID) (found []int64, err error) {
	err = s.s.lend(func(db *sql.DB) (err error) {
		found, err = collect(context.Background(), db, "SELECT id FROM outbox WHERE payment = ?", []any{id}, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) })
		return err
	})
	return found, err
}

// errStoredAfterAll ends the child: a change of which the store said that it was
// not stored was there.
var errStoredAfterAll = errors.New("a change was stored although the store said that it was not")

func moved(before, after terminal.Payment) bool {
	return before.Number != after.Number || before.State != after.State || before.Voided() != after.Voided()
}

// recover is what a register does after a failed change. The disk is mended
// before the ledger is looked at again.
func (s seller) recover(err error) error {
	if _, mend := s.disk.Mend(); mend != nil {
		return mend
	}
	switch {
	case errors.Is(err, register.ErrInDoubt):
		return s.s.Reopen(context.Background())
	case errors.Is(err, register.ErrNotStored):
		return nil
	}
	return err
}

// approve approves offline: with the counter, the code, the outbox and the entry.
// What a doubtful commit stored already is not stored again.
func approve(p *terminal.Payment, u register.Usage) register.Changes {
	if u.Payment != nil {
		*p = *u.Payment
		return register.Changes{}
	}
	p.Number = u.Head.Size
	c := u.Counters[cutKey]
	c.Key = cutKey
	c, _ = c.Grant(terminal.Amount{Yen: c.Used.Yen + 580, Units: c.Used.Units + 1}).Use(p.Spends[0].Reserved)
	return register.Changes{
		Payments: []terminal.Payment{*p}, Counters: []terminal.Counter{c},
		Seen:    &register.SeenCode{Key: p.Seen, Payment: p.ID, Keep: 1},
		Outbox:  []register.OutboxItem{{Kind: register.OutAdvice, Payment: p.ID, Body: []byte(`{"sealed":"` + string(p.ID) + `"}`)}},
		Entries: []journal.Draft{journal.OfPayment(*p, cutInc)},
	}
}

// agree is the backend's acknowledgement of the advice, and of its void. What a
// doubtful commit stored already is not stored again.
func agree(p *terminal.Payment, u register.Usage) register.Changes {
	if u.Payment != nil && u.Payment.State == terminal.Settled {
		*p = *u.Payment
		return register.Changes{}
	}
	p.State = terminal.Settled
	c := register.Changes{Entries: []journal.Draft{journal.OfPayment(*p, cutInc)}}
	if p.Voided() {
		void := *p.Void
		void.Acknowledged = true
		p.Void = &void
		c.Entries = append(c.Entries, journal.OfMark(*p, cutInc, 2, journal.MarkVoided, ""))
	}
	for _, o := range u.Items {
		c.Done = append(c.Done, o.ID)
	}
	c.Payments = []terminal.Payment{*p}
	return c
}

// void undoes the approval before its advice was sent: both go up as one, and
// the quota is free again.
func void(p *terminal.Payment, u register.Usage) register.Changes {
	if u.Payment != nil && u.Payment.Voided() {
		*p = *u.Payment
		return register.Changes{}
	}
	p.Void = &terminal.Void{ID: terminal.VoidID("v" + string(p.ID)), At: 2}
	c, _ := u.Counters[cutKey].Release(p.Spends[0].Reserved)
	return register.Changes{
		Payments: []terminal.Payment{*p}, Counters: []terminal.Counter{c},
		Outbox:  []register.OutboxItem{{Kind: register.OutVoid, Payment: p.ID, Body: []byte("{}")}},
		Entries: []journal.Draft{journal.OfMark(*p, cutInc, 2, journal.MarkVoid, "")},
	}
}

func nothing(*terminal.Payment, register.Usage) register.Changes { return register.Changes{} }

// newPolicy puts the next policy in force; its text is in the other file.
func (s seller) newPolicy() error {
	for {
		snap, err := s.s.Load(context.Background())
		var version int64
		if err == nil {
			version = snap.PolicyVersion + 1
			_, err = s.s.Decide(context.Background(), register.Scope{}, func(register.Usage) (register.Changes, error) {
				return register.Changes{Policy: &register.PolicyCopy{Version: version, Note: noteOf(version)}}, nil
			})
		}
		if err == nil {
			return s.disk.Told(fmt.Sprintf("policy %d true", version))
		}
		if err := s.recover(err); err != nil {
			return err
		}
	}
}

func noteOf(version int64) string { return fmt.Sprintf("note %d\n", version) }

// lookThrough opens what a cut left and holds it against what was told. With
// lossy, what is lost is counted and no fault.
func lookThrough(t *testing.T, dir string, told []string, lossy bool) (lost, held int) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatalf("after the cut: %v", err)
	}
	defer s.Close()
	must(t, s.Verify(t.Context()))
	snap, err := s.Load(t.Context())
	must(t, err)
	all, err := payments(t.Context(), s.ledger, "ORDER BY row")
	must(t, err)
	found := map[string]terminal.Payment{}
	for _, p := range all {
		found[string(p.ID)] = p
	}
	for _, line := range told {
		if stands(found, snap, line) {
			held++
		} else if lost++; !lossy {
			t.Errorf("acknowledged and lost: %s, found %+v", line, found[firstWord(line)])
		}
	}
	if lossy {
		return lost, held
	}
	if snap.PolicyVersion > 0 && snap.PolicyNote != noteOf(snap.PolicyVersion) {
		t.Errorf("policy %d has the text %q", snap.PolicyVersion, snap.PolicyNote)
	}
	wantWhole(t, s, snap, all)
	wantPruned(t, s, snap, told)
	return lost, held
}

func firstWord(line string) (word string) {
	fmt.Sscan(line, &word)
	return word
}

// stands says whether what was told is so, or was and went on.
func stands(found map[string]terminal.Payment, snap register.Snapshot, line string) bool {
	var id, state string
	var voided bool
	fmt.Sscan(line, &id, &state, &voided)
	if is, numbered := map[string]int64{"policy": snap.PolicyVersion, "pruned": snap.Pruned, "kept": snap.Head.Size}[id]; numbered {
		n, err := strconv.ParseInt(state, 10, 64)
		return err == nil && is >= n
	}
	p, ok := found[id]
	return ok && (p.State == terminal.State(state) || p.State == terminal.Settled) && (p.Voided() || !voided)
}

// wantWhole checks that every payment has all that was stored with it, and that
// nothing else is there.
func wantWhole(t *testing.T, s *Store, snap register.Snapshot, all []terminal.Payment) {
	t.Helper()
	leaves, err := s.Entries(t.Context(), snap.Pruned, int(snap.Head.Size))
	must(t, err)
	entries, outbox := map[terminal.PaymentID]int{}, map[terminal.PaymentID]int{}
	for _, l := range leaves {
		e, err := journal.Parse(l.Bytes)
		must(t, err)
		entries[e.Payment]++
	}
	for _, o := range snap.Outbox {
		outbox[o.Payment]++
	}
	var used, released int64
	for _, p := range all {
		used++
		wantEntries, wantOutbox := 1, 1
		switch {
		case p.Voided() && p.State == terminal.Settled:
			released++
			wantEntries, wantOutbox = 4, 0
		case p.Voided():
			released++
			wantEntries, wantOutbox = 2, 2
		case p.State == terminal.Settled:
			wantEntries, wantOutbox = 2, 0
		}
		if p.Number < snap.Pruned { // the first of them are gone, or all
			wantEntries = min(wantEntries-1, entries[p.ID])
		}
		var seen int
		must(t, s.ledger.QueryRow("SELECT count(*) FROM seen WHERE payment = ?", p.ID).Scan(&seen))
		if entries[p.ID] != wantEntries || outbox[p.ID] != wantOutbox || seen != 1 {
			t.Errorf("payment %s (%s, voided %t) is half there: %d entries, %d outbox items, %d codes", p.ID, p.State, p.Voided(), entries[p.ID], outbox[p.ID], seen)
		}
	}
	counters, err := s.Counters(t.Context(), cutInc, cutDay)
	must(t, err)
	var c terminal.Counter
	if len(counters) > 0 {
		c = counters[0]
	}
	if c.Used.Units != used || c.Released.Units != released || c.Held().Negative() {
		t.Errorf("the counter is %+v, the payments took %d and gave back %d", c, used, released)
	}
}
