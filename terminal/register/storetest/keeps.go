package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

func key(cap string) terminal.CounterKey {
	return terminal.CounterKey{Cap: terminal.CapID(cap), Window: day, Incarnation: incarnation}
}

func amount(yen, units int64) terminal.Amount { return terminal.Amount{Yen: yen, Units: units} }

// refuses checks that changes are not taken, and that the journal stays.
func refuses(t *testing.T, s register.Store, what string, c register.Changes) {
	t.Helper()
	before := loaded(t, s)
	_, err := s.Decide(ctx(t), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil })
	if !errors.Is(err, register.ErrNotStored) {
		t.Errorf("%s: error is %v, want ErrNotStored", what, err)
	}
	check(t, what, loaded(t, s), before)
}

func testSeqAndRoot(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	checkHead(t, s, loaded(t, s).Head)
	for i := range 9 { // past a whole tree of eight leaves
		p := payment(terminal.PaymentID(fmt.Sprint("p", i)), terminal.Approved)
		c := register.Changes{Payments: []terminal.Payment{p}}
		for range i % 4 { // none, one, some at once
			c.Entries = append(c.Entries, entry(p))
		}
		before := loaded(t, s).Head
		got, u := decide(t, s, register.Scope{}, c)
		check(t, "usage's head", u.Head, before)
		if got.Head.Size != before.Size+int64(i%4) {
			t.Fatalf("size is %d after %d and %d entries", got.Head.Size, before.Size, i%4)
		}
		checkHead(t, s, got.Head)
	}
	if none, err := s.Entries(ctx(t), 0, 0); err != nil || len(none) != 0 {
		t.Errorf("at most 0 entries: %d, %v", len(none), err)
	}
}

func testPrivate(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	p := payment("p1", terminal.Approved)
	mark := journal.OfMark(p, incarnation, noon, journal.MarkHandedOver, "cashier")
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{entry(p), entry(p), mark}})
	leaves, err := s.Entries(ctx(t), 0, 10)
	if err != nil || len(leaves) != 3 {
		t.Fatalf("Entries: %d, %v", len(leaves), err)
	}
	for _, l := range leaves[:2] {
		e, err := journal.Parse(l.Bytes)
		if err != nil || len(l.Salt) != journal.SaltSize {
			t.Fatalf("entry %d: %v, salt of %d bytes", l.Seq, err, len(l.Salt))
		}
		if want := journal.HashPrivate([journal.SaltSize]byte(l.Salt), l.Private); e.Private != want {
			t.Errorf("entry %d holds %s, its private part gives %s", l.Seq, e.Private, want)
		}
		if bytes.Contains(l.Bytes, []byte("1234")) || !bytes.Contains(l.Private, []byte("1234")) {
			t.Errorf("the masked account belongs into the private part: %s, %s", l.Bytes, l.Private)
		}
	}
	if bytes.Equal(leaves[0].Salt, leaves[1].Salt) {
		t.Error("two entries have one salt")
	}
	if e, _ := journal.Parse(leaves[2].Bytes); leaves[2].Private != nil || leaves[2].Salt != nil || e.Private != "" {
		t.Errorf("an entry without a private part has one: %+v", leaves[2])
	}
}

func testCounters(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	full := terminal.Counter{
		Key: key("c"), Granted: amount(1000, 10), Used: amount(500, 5), Released: amount(50, 2),
		Returned: amount(40, 1), Sent: amount(30, 1), Got: amount(20, 1),
	}
	decide(t, s, register.Scope{}, register.Changes{Counters: []terminal.Counter{full}})
	_, u := decide(t, s, register.Scope{Counters: []terminal.CounterKey{key("c"), key("new")}}, register.Changes{})
	check(t, "counter", u.Counters[key("c")], full)
	check(t, "new counter", u.Counters[key("new")], terminal.Counter{Key: key("new")})

	for name, change := range map[string]func(*terminal.Counter){
		"granted shrinks":          func(c *terminal.Counter) { c.Granted.Yen-- },
		"granted units shrink":     func(c *terminal.Counter) { c.Granted.Units-- },
		"used shrinks":             func(c *terminal.Counter) { c.Used.Units-- },
		"released shrinks":         func(c *terminal.Counter) { c.Released.Yen-- },
		"returned shrinks":         func(c *terminal.Counter) { c.Returned.Yen-- },
		"sent shrinks":             func(c *terminal.Counter) { c.Sent.Units-- },
		"got shrinks":              func(c *terminal.Counter) { c.Got.Yen-- },
		"yen held below nothing":   func(c *terminal.Counter) { c.Used.Yen += c.Held().Yen + 1 },
		"units held below nothing": func(c *terminal.Counter) { c.Sent.Units += c.Held().Units + 1 },
		"released above used":      func(c *terminal.Counter) { c.Released.Yen = c.Used.Yen + 1 },
	} {
		c := full
		change(&c)
		refuses(t, s, name, register.Changes{Counters: []terminal.Counter{c}})
	}
	refuses(t, s, "below zero", register.Changes{Counters: []terminal.Counter{{Key: key("n"), Granted: amount(5, 0), Returned: amount(-1, 0)}}})

	full.Used = full.Used.Plus(full.Held()) // all of it
	decide(t, s, register.Scope{}, register.Changes{Counters: []terminal.Counter{full, {Key: key("a")}}})
	other := terminal.Counter{Key: terminal.CounterKey{Cap: "c", Window: day, Incarnation: "other"}}
	decide(t, s, register.Scope{}, register.Changes{Counters: []terminal.Counter{other}})
	got, err := s.Counters(ctx(t), incarnation, day)
	if err != nil {
		t.Fatalf("Counters: %v", err)
	}
	check(t, "counters", got, []terminal.Counter{{Key: key("a")}, full})
}

func testSeen(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	p := payment("p1", terminal.Sent)
	seen := register.SeenCode{Key: "k", Payment: "p1", Keep: noon}
	_, u := decide(t, s, register.Scope{Seen: "k"}, register.Changes{Payments: []terminal.Payment{p}, Seen: &seen})
	_, v := decide(t, s, register.Scope{Seen: "k"}, register.Changes{Seen: &seen})
	_, w := decide(t, s, register.Scope{Seen: "other"}, register.Changes{})
	if u.Seen || !v.Seen || w.Seen {
		t.Errorf("seen before, after, another: %t %t %t, want false true false", u.Seen, v.Seen, w.Seen)
	}
	refuses(t, s, "seen with another payment", register.Changes{
		Payments: []terminal.Payment{payment("p2", terminal.Sent)}, Seen: &register.SeenCode{Key: "k", Payment: "p2", Keep: noon},
	})
	refuses(t, s, "seen with no payment", register.Changes{Seen: &register.SeenCode{Key: "k3", Payment: "p3", Keep: noon}})
}

func testAccount(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	const since = noon
	for i, c := range []struct {
		state   terminal.State
		offline bool
		change  func(*terminal.Payment)
		counts  bool
	}{
		{terminal.ApprovedOffline, true, func(*terminal.Payment) {}, true},
		{terminal.Advised, true, func(*terminal.Payment) {}, true},
		{terminal.Settled, true, func(*terminal.Payment) {}, true},
		{terminal.Rejected, true, func(*terminal.Payment) {}, true}, // not charged, but the goods may be gone
		{terminal.ApprovedOffline, true, func(p *terminal.Payment) { p.Created = since - 1 }, false},
		{terminal.ApprovedOffline, true, func(p *terminal.Payment) { p.Account = "other" }, false},
		{terminal.ApprovedOffline, true, func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v"} }, true}, // the backend does not know
		{terminal.Settled, true, func(p *terminal.Payment) { p.Void = &terminal.Void{ID: "v", Acknowledged: true} }, false},
		{terminal.Advised, true, func(p *terminal.Payment) { p.Void, p.SetAside = &terminal.Void{ID: "v"}, noon }, true}, // and never will
		{terminal.Settled, true, func(p *terminal.Payment) { p.Void, p.SetAside = &terminal.Void{ID: "v", Acknowledged: true}, noon }, false},
		{terminal.Approved, false, func(*terminal.Payment) {}, false},
		{terminal.Refused, true, func(*terminal.Payment) {}, false},
	} {
		before := usageOf1(t, s, since)
		p := payment(terminal.PaymentID(fmt.Sprint("p", i)), c.state)
		p.Offline = c.offline
		c.change(&p)
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
		want := before
		if c.counts {
			want.OfflineCount++
			want.OfflineYen += p.Amount
		}
		check(t, fmt.Sprintf("account after %s, case %d", c.state, i), usageOf1(t, s, since), want)
	}
	p := payment("declined", terminal.Declined)
	p.Decided, p.Reason = since, terminal.CapStore
	decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
	if usageOf1(t, s, since).Declined {
		t.Error("a decline because of the store's cap bars the account")
	}
	p.Reason = terminal.BackendDeclined
	for _, at := range []terminal.Millis{since - 1, since} {
		p.Decided = at
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
		if got := usageOf1(t, s, since).Declined; got != (at >= since) {
			t.Errorf("declined at %d, since %d: %t", at, since, got)
		}
	}
}

func usageOf1(t *testing.T, s register.Store, since terminal.Millis) register.AccountUsage {
	_, u := decide(t, s, register.Scope{Account: "a1", Since: since, Barred: since}, register.Changes{})
	return u.Account
}

func testOutbox(t *testing.T, open Open) {
	s, place := fresh(t, open)
	add := func(id terminal.PaymentID, kinds ...register.OutboxKind) {
		c := register.Changes{Payments: []terminal.Payment{payment(id, terminal.ApprovedOffline)}}
		for _, k := range kinds {
			c.Outbox = append(c.Outbox, register.OutboxItem{Kind: k, Payment: id, Body: []byte(string(id) + string(k))})
		}
		got, _ := decide(t, s, register.Scope{}, c)
		check(t, "items of the receipt", got.Outbox, slices.DeleteFunc(itemsOf(t, s), func(i register.OutboxItem) bool { return i.Payment != id }))
	}
	add("p1", register.OutAdvice, register.OutVoid)
	add("p2", register.OutReversal)
	all := itemsOf(t, s)
	if len(all) != 3 || all[0].Kind != register.OutAdvice || string(all[1].Body) != "p1void" || all[2].Payment != "p2" || all[0].ID >= all[1].ID || all[1].ID >= all[2].ID {
		t.Fatalf("outbox is not in the order in which it was written: %+v", all)
	}
	_, u := decide(t, s, register.Scope{Items: []int64{all[2].ID, 1 << 40, all[0].ID}, Payments: []terminal.PaymentID{"p2", "none"}}, register.Changes{})
	check(t, "items that were asked for", u.Items, []register.OutboxItem{all[2], all[0]})
	if p, there := u.Payments["p2"]; len(u.Payments) != 1 || !there || p.ID != "p2" {
		t.Errorf("payments that were asked for: %+v", u.Payments)
	}
	light := loaded(t, s).Outbox
	if len(light) != 3 || light[0].Body != nil || light[0].ID != all[0].ID || string(light[1].Body) != "p1void" || string(light[2].Body) != "p2reversal" {
		t.Errorf("what a start reads: %+v", light)
	}

	last := all[2].ID
	for range 2 { // a doubled acknowledgement changes nothing
		decide(t, s, register.Scope{}, register.Changes{Done: []int64{all[0].ID, last}, Parked: []int64{all[1].ID, last + 1000}})
	}
	all[1].Parked = true
	check(t, "what is left", itemsOf(t, s), all[1:2])
	s.Close()
	s = open(t, place)
	defer s.Close()
	check(t, "what is left after opening again", itemsOf(t, s), all[1:2])
	add("p3", register.OutAdvice)
	if got := loaded(t, s).Outbox; len(got) != 2 || got[1].ID <= last {
		t.Errorf("an id was used again: %+v, the last was %d", got, last)
	}
	testAside(t, s)
	refuses(t, s, "no such payment", register.Changes{Outbox: []register.OutboxItem{{Kind: register.OutVoid, Payment: "none"}}})
	refuses(t, s, "no such kind", register.Changes{Outbox: []register.OutboxItem{{Kind: "parcel", Payment: "p1"}}})
}

// testAside sets the whole outbox aside: items are kept apart, in their order, and
// are not sent again.
func testAside(t *testing.T, s register.Store) {
	var ids []int64
	want := itemsOf(t, s)
	for i := range want {
		ids, want[i].Parked = append(ids, want[i].ID), false
	}
	p := payment("p1", terminal.ApprovedOffline)
	p.SetAside = 7
	for range 2 {
		decide(t, s, register.Scope{}, register.Changes{Aside: append([]int64{1 << 40}, ids...), Payments: []terminal.Payment{p}})
	}
	got, err := s.Aside(ctx(t))
	if err != nil || len(got) != 2 {
		t.Fatalf("set aside: %+v, %v", got, err)
	}
	check(t, "what was set aside", got, want)
	if left := loaded(t, s); len(left.Outbox) != 0 || slices.ContainsFunc(left.Unresolved, func(p terminal.Payment) bool { return p.ID == "p1" }) {
		t.Errorf("%+v, %+v", left.Outbox, left.Unresolved)
	}
}

// testRejected: who asks for rejected payments gets them all, the latest first.
func testRejected(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	for i, state := range []terminal.State{terminal.Rejected, terminal.Settled, terminal.Rejected, terminal.Declined, terminal.Rejected} {
		p := payment(terminal.PaymentID(fmt.Sprint("p", i)), state)
		p.Decided, p.Bearer = terminal.Millis(100+i), "store"
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
	}
	for since, want := range map[terminal.Millis]int{0: 3, 102: 2, 103: 1, 105: 0} {
		list, err := s.Rejected(ctx(t), since)
		if err != nil || len(list) != want || want > 0 && (list[0].ID != "p4" || list[0].Bearer != "store") {
			t.Errorf("since %d: %+v, %v", since, list, err)
		}
	}
}

func testSale(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	sale := terminal.Sale{
		Ref: "s1", Revision: 1, Total: 720, State: terminal.SaleReady,
		Lines: []terminal.Line{{GTIN: "4901234567894", Name: "弁当", Quantity: 1, Price: 720}},
	}
	decide(t, s, register.Scope{}, register.Changes{Sale: &sale})
	snap := loaded(t, s)
	check(t, "sale", snap.Sale, &sale)
	if snap.Current != nil {
		t.Errorf("a sale without an attempt has a payment: %+v", snap.Current)
	}
	p := payment("p1", terminal.Approved)
	sale.Revision, sale.State, sale.Payment = 2, terminal.SalePaid, "p1"
	decide(t, s, register.Scope{}, register.Changes{Sale: &sale, Payments: []terminal.Payment{p}})
	snap = loaded(t, s)
	check(t, "sale", snap.Sale, &sale)
	check(t, "current", snap.Current, &p)
	sale.State = terminal.SaleClosed
	decide(t, s, register.Scope{}, register.Changes{Sale: &sale})
	if snap = loaded(t, s); snap.Sale != nil || snap.Current != nil {
		t.Errorf("a closed sale is still there: %+v", snap)
	}
	got, err := s.Payment(ctx(t), "p1")
	if err != nil {
		t.Fatalf("Payment: %v", err)
	}
	check(t, "payment", got, p)
	if _, err := s.Payment(ctx(t), "none"); !errors.Is(err, register.ErrNotFound) {
		t.Errorf("no such payment: %v, want ErrNotFound", err)
	}
	refuses(t, s, "no such state", register.Changes{Payments: []terminal.Payment{payment("p2", "maybe")}})
}

func testPolicy(t *testing.T, open Open) {
	s, place := fresh(t, open)
	if snap := loaded(t, s); snap.PolicyVersion != 0 || snap.PolicyNote != "" {
		t.Errorf("a policy from nowhere: %+v", snap)
	}
	for _, v := range []int64{2, 2, 5} {
		note := fmt.Sprint("note ", v, "\n")
		decide(t, s, register.Scope{}, register.Changes{Policy: &register.PolicyCopy{Version: v, Note: note}})
		if snap := loaded(t, s); snap.PolicyVersion != v || snap.PolicyNote != note {
			t.Errorf("policy is %d %q, want %d %q", snap.PolicyVersion, snap.PolicyNote, v, note)
		}
	}
	refuses(t, s, "older policy", register.Changes{Policy: &register.PolicyCopy{Version: 4, Note: "old"}})
	refuses(t, s, "newer policy beside what cannot be", register.Changes{
		Policy: &register.PolicyCopy{Version: 6, Note: "new"}, Counters: []terminal.Counter{{Key: key("c"), Used: amount(1, 0)}},
	})
	s.Close()
	s = open(t, place)
	defer s.Close()
	if snap := loaded(t, s); snap.PolicyVersion != 5 || snap.PolicyNote != "note 5\n" {
		t.Errorf("after opening again: %+v", snap)
	}
}

// A sale is taken while its payment is undecided or approved; a decline, a
// reversal under way and a void make it free again.
func testTaken(t *testing.T, open Open) {
	s, _ := fresh(t, open)
	for _, c := range []struct {
		state  terminal.State
		voided bool
		taken  bool
	}{
		{terminal.Refused, false, false}, {terminal.Sent, false, true}, {terminal.Unknown, false, true},
		{terminal.Declined, false, false}, {terminal.Reversing, false, false}, {terminal.Approved, false, true},
		{terminal.ApprovedOffline, false, true}, {terminal.Settled, false, true}, {terminal.Approved, true, false},
	} {
		sale := terminal.SaleRef("sale " + string(c.state))
		p := terminal.Payment{ID: terminal.PaymentID("taken-" + string(c.state)), Sale: sale, State: c.state}
		if c.voided {
			p.Void = &terminal.Void{ID: "v1"}
		}
		decide(t, s, register.Scope{}, register.Changes{Payments: []terminal.Payment{p}})
		_, u := decide(t, s, register.Scope{Sale: sale}, register.Changes{})
		if taken := u.Taken != nil; taken != c.taken {
			t.Errorf("%s, voided %v: taken %v, must be %v", c.state, c.voided, taken, c.taken)
		}
	}
}
