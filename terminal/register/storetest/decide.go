package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// everything is one change of each kind.
func everything(id terminal.PaymentID) register.Changes {
	p, mark, doubt := counted(id, terminal.Sent), noon+terminal.Millis(len(id)), "doubt of "+string(id)
	return register.Changes{
		Payments: []terminal.Payment{p},
		Counters: []terminal.Counter{{Key: key(string(id)), Granted: amount(1000, 2), Used: amount(580, 1)}},
		Seen:     &register.SeenCode{Key: terminal.SeenKey("seen-" + id), Payment: id, Keep: noon + 1},
		Sale:     &terminal.Sale{Ref: terminal.SaleRef("sale-" + id), Revision: 2, Total: 720, State: terminal.SalePaying, Payment: id},
		Outbox:   []register.OutboxItem{{Kind: register.OutAdvice, Payment: id, Body: []byte(`{"n":1}`)}},
		Policy:   &register.PolicyCopy{Version: 3, Note: "text of " + string(id)},
		Entries:  []journal.Draft{entry(p)},

		Mark:       &mark,
		Roles:      &register.NoteCopy{Version: 1, Note: "roles of " + string(id)},
		Freeze:     &register.NoteCopy{Version: 1, Note: "freeze of " + string(id)},
		Limit:      &register.AccountLimit{Account: "a1", Yen: 1, Told: mark},
		Denials:    &register.DenialsCopy{Version: 1, Reset: true, Bodies: [][]byte{[]byte(id)}},
		Quarantine: &doubt,
	}
}

func scopeOf(id terminal.PaymentID) register.Scope {
	return register.Scope{
		Payment: id, Counters: []terminal.CounterKey{key(string(id))}, Seen: terminal.SeenKey("seen-" + id),
		Account: "a1", Payments: []terminal.PaymentID{id, "none"}, Items: []int64{1, 2}, Tallies: []register.Tally{{Cap: "hourly", Since: noon}}, Boot: true, Incarnation: incarnation,
	}
}

func usageOf(t testing.TB, s register.Store, id terminal.PaymentID) register.Usage {
	t.Helper()
	_, u := decide(t, s, scopeOf(id), register.Changes{})
	return u
}

// usageText makes usages comparable: a map with a struct for its key has no
// JSON.
func usageText(u register.Usage) any {
	var cs []terminal.Counter
	for _, c := range u.Counters {
		cs = append(cs, c)
	}
	return []any{u.Head, u.Payment, cs, u.Seen, u.Account, u.Payments, u.Items, u.Tallies[register.Tally{Cap: "hourly", Since: noon}], u.BootYen}
}

func testAllOrNothing(t *testing.T, open Open) {
	s, place := fresh(t, open)
	decide(t, s, register.Scope{}, everything("p1"))
	before, usage := loaded(t, s), usageText(usageOf(t, s, "p2"))

	broken := everything("p2") // its last counter cannot be
	broken.Policy.Version = 4
	broken.Counters = append(broken.Counters, terminal.Counter{Key: key("x"), Used: amount(1, 0)})
	_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) { return broken, nil })
	if !errors.Is(err, register.ErrNotStored) {
		t.Fatalf("error is %v, want ErrNotStored", err)
	}
	check(t, "snapshot after refusal", loaded(t, s), before)
	check(t, "usage after refusal", usageText(usageOf(t, s, "p2")), usage)

	decide(t, s, register.Scope{}, everything("p2"))
	after, usage := loaded(t, s), usageText(usageOf(t, s, "p2"))
	if len(after.Unresolved) != 2 || after.Current == nil || after.Current.ID != "p2" {
		t.Fatalf("the second decision is not there: %+v", after)
	}
	s.Close()
	s = open(t, place)
	defer s.Close()
	check(t, "snapshot after opening again", loaded(t, s), after)
	check(t, "usage after opening again", usageText(usageOf(t, s, "p2")), usage)
	checkHead(t, s, after.Head)
}

func testOwnError(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	own := errors.New("own")
	_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) { return everything("p1"), own })
	if err != own {
		t.Fatalf("error is %v, want decide's own, unchanged", err)
	}
	if snap := loaded(t, s); snap.Head.Size != 0 || snap.Sale != nil || len(snap.Unresolved) != 0 {
		t.Fatalf("stored in spite of the error: %+v", snap)
	}
}

func testPanic(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) { panic("a bug") })
	if !errors.Is(err, register.ErrNotStored) {
		t.Fatalf("error is %v, want ErrNotStored", err)
	}
	got, _ := decide(t, s, register.Scope{}, everything("p1"))
	checkHead(t, s, got.Head)
}

func testCancelled(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	done, cancel := context.WithCancel(ctx(t))
	cancel()
	for range 200 { // an idle store and a dead context are a race that the context must win
		loaded(t, s)
		ran := false
		_, err := s.Decide(done, register.Scope{}, func(register.Usage) (register.Changes, error) {
			ran = true
			return everything("p1"), nil
		})
		if !errors.Is(err, register.ErrNotStored) || !errors.Is(err, context.Canceled) || ran {
			t.Fatalf("error is %v (ran: %t), want ErrNotStored and the context's", err, ran)
		}
	}
	if snap := loaded(t, s); snap.Head.Size != 0 {
		t.Fatalf("stored in spite of the error: %+v", snap)
	}
}

// testCancelledQueued gives up waiting behind another decision, which goes on.
func testCancelledQueued(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	running, goOn, first := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) {
			close(running)
			<-goOn
			return everything("p1"), nil
		})
		first <- err
	}()
	<-running
	short, cancel := context.WithTimeout(ctx(t), time.Millisecond)
	defer cancel()
	_, err := s.Decide(short, register.Scope{}, func(register.Usage) (register.Changes, error) { return everything("p2"), nil })
	if !errors.Is(err, register.ErrNotStored) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want ErrNotStored and the context's", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("the decision in front: %v", err)
	}
	if snap := loaded(t, s); snap.Head.Size != 1 {
		t.Errorf("journal has %d entries, want 1", snap.Head.Size)
	}
}

func testCancelledLate(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	late, cancel := context.WithCancel(ctx(t))
	_, err := s.Decide(late, register.Scope{}, func(register.Usage) (register.Changes, error) {
		cancel()
		return everything("p1"), nil
	})
	if err != nil {
		t.Fatalf("a decision that runs ends whatever the context says: %v", err)
	}
	if snap := loaded(t, s); snap.Head.Size != 1 {
		t.Fatalf("not stored: %+v", snap)
	}
}

func testReopen(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	decide(t, s, register.Scope{}, everything("p1"))
	before := loaded(t, s)
	if err := s.Reopen(ctx(t)); err != nil {
		t.Fatalf("Reopen: %v", err)
	}
	check(t, "snapshot", loaded(t, s), before)
	got, _ := decide(t, s, register.Scope{}, everything("p2"))
	checkHead(t, s, got.Head)
}

func testClosed(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	decide(t, s, register.Scope{}, everything("p1"))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) { return everything("p2"), nil })
	if !errors.Is(err, register.ErrNotStored) {
		t.Errorf("Decide: %v, want ErrNotStored", err)
	}
	if _, err := s.Load(ctx(t)); err == nil {
		t.Error("Load works after Close")
	}
	if _, err := s.Payment(ctx(t), "p1"); err == nil || errors.Is(err, register.ErrNotFound) {
		t.Errorf("Payment after Close: %v, want an error that is not ErrNotFound", err)
	}
	if err := s.Reopen(ctx(t)); err == nil {
		t.Error("Reopen works after Close")
	}
}

// testConcurrent lets callers spend one counter at once, while others read:
// nothing is spent twice.
func testConcurrent(t *testing.T, open Open) {
	const callers, each = 8, 10
	s, _ := fresh(t, open)
	k := key("c")
	decide(t, s, register.Scope{}, register.Changes{Counters: []terminal.Counter{{Key: k, Granted: amount(callers*each-5, 0)}}})
	empty := errors.New("empty")
	var work sync.WaitGroup
	var mu sync.Mutex
	spent := 0
	for c := range callers {
		work.Go(func() {
			for i := range each {
				id := terminal.PaymentID(fmt.Sprintf("p-%d-%d", c, i))
				_, err := s.Decide(ctx(t), register.Scope{Counters: []terminal.CounterKey{k}}, func(u register.Usage) (register.Changes, error) {
					n, ok := u.Counters[k].Use(amount(1, 0))
					if !ok {
						return register.Changes{}, empty
					}
					p := payment(id, terminal.Approved)
					return register.Changes{Payments: []terminal.Payment{p}, Counters: []terminal.Counter{n}, Entries: []journal.Draft{entry(p)}}, nil
				})
				_, readErr := s.Payment(ctx(t), id)
				if (err == nil) != (readErr == nil) || (err != nil && err != empty) {
					t.Errorf("%s: decided %v, read %v", id, err, readErr)
				}
				if err == nil {
					mu.Lock()
					spent++
					mu.Unlock()
				}
			}
		})
	}
	work.Wait()
	if spent != callers*each-5 {
		t.Errorf("spent %d of %d", spent, callers*each-5)
	}
	checkHead(t, s, loaded(t, s).Head)
}

// testShared lets decisions wait behind one that runs, so that a store may commit
// them together: each that fails, by its own word or the store's, fails alone,
// and each sees those before it.
func testShared(t *testing.T, open Open) {
	const callers = 20
	s, _ := fresh(t, open)
	running, goOn := make(chan struct{}), make(chan struct{})
	own := errors.New("own")
	var work sync.WaitGroup
	work.Go(func() {
		s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) {
			close(running)
			<-goOn
			return register.Changes{}, own
		})
	})
	<-running
	errs, receipts := make([]error, callers), make([]register.Receipt, callers)
	for i := range callers {
		work.Go(func() {
			receipts[i], errs[i] = s.Decide(ctx(t), register.Scope{}, func(u register.Usage) (register.Changes, error) {
				p := payment(terminal.PaymentID(fmt.Sprint("p", i)), terminal.ApprovedOffline)
				c := register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{entry(p)}, Outbox: []register.OutboxItem{{Kind: register.OutAdvice, Payment: p.ID}}}
				switch i % 4 {
				case 1:
					return c, own
				case 2:
					panic("a bug")
				case 3:
					c.Counters = []terminal.Counter{{Key: key("c"), Used: amount(1, 0)}}
				}
				return c, nil
			})
		})
	}
	close(goOn)
	work.Wait()
	sizes := map[int64]bool{}
	for i, err := range errs {
		switch {
		case i%4 == 0:
			if err != nil || len(receipts[i].Outbox) != 1 || receipts[i].Outbox[0].ID == 0 {
				t.Errorf("decision %d: %+v, %v", i, receipts[i], err)
			}
			sizes[receipts[i].Head.Size] = true
		case i%4 == 1 && err != own, i%4 > 1 && !errors.Is(err, register.ErrNotStored):
			t.Errorf("decision %d: %v", i, err)
		}
		_, err := s.Payment(ctx(t), terminal.PaymentID(fmt.Sprint("p", i)))
		if (err == nil) != (i%4 == 0) {
			t.Errorf("payment %d: %v", i, err)
		}
	}
	snap := loaded(t, s)
	if snap.Head.Size != callers/4 || len(snap.Outbox) != callers/4 || len(sizes) != callers/4 {
		t.Errorf("journal of %d, outbox of %d, heads %v", snap.Head.Size, len(snap.Outbox), sizes)
	}
	checkHead(t, s, snap.Head)
}
