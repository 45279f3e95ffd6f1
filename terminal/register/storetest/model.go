package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// model is what a store should hold, kept in the plainest way.
type model struct {
	payments []terminal.Payment // in the order in which they came
	counters map[terminal.CounterKey]terminal.Counter
	seen     map[terminal.SeenKey]terminal.PaymentID
	outbox   []register.OutboxItem
	entries  int64
}

var errOwn = errors.New("decided against")

// testModel takes random decisions, good ones and impossible ones, opens the
// store again at random moments, and compares with the model after each. rapid
// prints the seed of a failure.
func testModel(t *testing.T, open Open) {
	rapid.Check(t, func(r *rapid.T) {
		place := t.TempDir()
		s := open(t, place)
		defer func() { s.Close() }()
		m := &model{counters: map[terminal.CounterKey]terminal.Counter{}, seen: map[terminal.SeenKey]terminal.PaymentID{}}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch rapid.IntRange(0, 5).Draw(r, "step") {
			case 0:
				s.Close()
				s = open(t, place)
			case 1:
				m.step(r, s, errOwn)
			default:
				m.step(r, s, nil)
			}
			m.compare(r, s)
		}
	})
}

// step draws changes, says whether a store must take them, and offers them.
func (m *model) step(r *rapid.T, s register.Store, own error) {
	next := m.clone()
	c, good := next.draw(r)
	_, err := s.Decide(ctx(r), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, own })
	switch {
	case own != nil && err != own:
		r.Fatalf("error is %v, want decide's own", err)
	case own == nil && good && err != nil:
		r.Fatalf("refused: %v", err)
	case own == nil && !good && !errors.Is(err, register.ErrNotStored):
		r.Fatalf("error is %v, want ErrNotStored", err)
	case err == nil:
		next.learn(r, s)
		*m = *next
	}
}

func (m *model) clone() *model {
	c := &model{payments: slices.Clone(m.payments), outbox: slices.Clone(m.outbox), entries: m.entries,
		counters: map[terminal.CounterKey]terminal.Counter{}, seen: map[terminal.SeenKey]terminal.PaymentID{}}
	for k, v := range m.counters {
		c.counters[k] = v
	}
	for k, v := range m.seen {
		c.seen[k] = v
	}
	return c
}

var states = []terminal.State{terminal.Refused, terminal.Sent, terminal.Unknown, terminal.Reversing, terminal.Approved, terminal.Settled}

func (m *model) draw(r *rapid.T) (register.Changes, bool) {
	var c register.Changes
	id := terminal.PaymentID(fmt.Sprint("p", rapid.IntRange(0, 5).Draw(r, "payment")))
	p := payment(id, rapid.SampledFrom(states).Draw(r, "state"))
	c.Payments = append(c.Payments, p)
	if i := slices.IndexFunc(m.payments, func(q terminal.Payment) bool { return q.ID == id }); i >= 0 {
		m.payments[i] = p
	} else {
		m.payments = append(m.payments, p)
	}
	for range rapid.IntRange(0, 3).Draw(r, "entries") {
		c.Entries = append(c.Entries, entry(p))
		m.entries++
	}
	good := m.drawSeen(r, id, &c)
	good = m.drawCounter(r, &c) && good
	m.drawOutbox(r, id, &c)
	return c, good
}

func (m *model) drawSeen(r *rapid.T, id terminal.PaymentID, c *register.Changes) bool {
	n := rapid.IntRange(0, 9).Draw(r, "seen")
	if n > 3 {
		return true
	}
	k := terminal.SeenKey(fmt.Sprint("k", n))
	c.Seen = &register.SeenCode{Key: k, Payment: id, Keep: noon}
	old, there := m.seen[k]
	m.seen[k] = id
	return !there || old == id
}

// drawCounter moves each total of one counter a little, at times backwards, and
// judges the outcome itself.
func (m *model) drawCounter(r *rapid.T, c *register.Changes) bool {
	k := key(fmt.Sprint("c", rapid.IntRange(0, 2).Draw(r, "cap")))
	old := m.counters[k]
	move := func(name string, a terminal.Amount) terminal.Amount {
		step := rapid.SampledFrom([]int64{0, 0, 0, 0, 1, 1, 2, 3, -1})
		return terminal.Amount{Yen: a.Yen + step.Draw(r, name), Units: a.Units + step.Draw(r, name)}
	}
	n := terminal.Counter{
		Key: k, Granted: move("granted", old.Granted).Plus(amount(4, 4)), Used: move("used", old.Used), Released: old.Released,
		Returned: move("returned", old.Returned), Sent: old.Sent, Got: move("got", old.Got),
	}
	good := true
	for _, two := range [][2]terminal.Amount{{old.Used, n.Used}, {old.Returned, n.Returned}, {old.Got, n.Got}} {
		good = good && two[0].Yen <= two[1].Yen && two[0].Units <= two[1].Units
	}
	good = good && n.Granted.Yen+n.Got.Yen >= n.Used.Yen+n.Returned.Yen && n.Granted.Units+n.Got.Units >= n.Used.Units+n.Returned.Units
	c.Counters = append(c.Counters, n)
	m.counters[k] = n
	return good
}

func (m *model) drawOutbox(r *rapid.T, id terminal.PaymentID, c *register.Changes) {
	if len(m.outbox) > 0 && rapid.Bool().Draw(r, "done") {
		i := rapid.IntRange(0, len(m.outbox)-1).Draw(r, "which")
		c.Done = append(c.Done, m.outbox[i].ID)
		m.outbox = slices.Delete(m.outbox, i, i+1)
	}
	if len(m.outbox) > 0 && rapid.Bool().Draw(r, "parked") {
		i := rapid.IntRange(0, len(m.outbox)-1).Draw(r, "which")
		c.Parked = append(c.Parked, m.outbox[i].ID)
		m.outbox[i].Parked = true
	}
	for range rapid.IntRange(0, 2).Draw(r, "items") {
		item := register.OutboxItem{Kind: register.OutAdvice, Payment: id, Body: []byte(fmt.Sprint(m.entries))}
		c.Outbox = append(c.Outbox, item)
		m.outbox = append(m.outbox, item)
	}
}

// learn takes over the ids that the store gave to new items, after a check that
// they grow.
func (m *model) learn(t tb, s register.Store) {
	got := loaded(t, s).Outbox
	if len(got) != len(m.outbox) {
		t.Fatalf("outbox has %d items, want %d", len(got), len(m.outbox))
	}
	for i := range m.outbox {
		if m.outbox[i].ID == 0 {
			m.outbox[i].ID = got[i].ID
		}
		if i > 0 && m.outbox[i].ID <= m.outbox[i-1].ID {
			t.Fatalf("outbox ids do not grow: %+v", got)
		}
	}
}

func (m *model) compare(t tb, s register.Store) {
	snap := loaded(t, s)
	var open []terminal.Payment
	for _, p := range m.payments {
		if p.State == terminal.Sent || p.State == terminal.Unknown || p.State == terminal.Reversing {
			open = append(open, p)
		}
		got, err := s.Payment(ctx(t), p.ID)
		if err != nil {
			t.Fatalf("payment %s: %v", p.ID, err)
		}
		check(t, "payment", got, p)
	}
	check(t, "unresolved", snap.Unresolved, open)
	check(t, "outbox", append([]register.OutboxItem{}, itemsOf(t, s)...), append([]register.OutboxItem{}, m.outbox...))
	if snap.Head.Size != m.entries {
		t.Fatalf("journal has %d entries, want %d", snap.Head.Size, m.entries)
	}
	checkHead(t, s, snap.Head)
	for k, want := range m.counters {
		_, u := decide(t, s, register.Scope{Counters: []terminal.CounterKey{k}}, register.Changes{})
		check(t, "counter", u.Counters[k], want)
	}
	for n := range 4 {
		k := terminal.SeenKey(fmt.Sprint("k", n))
		_, want := m.seen[k]
		if _, u := decide(t, s, register.Scope{Seen: k}, register.Changes{}); u.Seen != want {
			t.Fatalf("seen %s is %t, want %t", k, u.Seen, want)
		}
	}
}
