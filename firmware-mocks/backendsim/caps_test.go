package backendsim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

func TestI3AWelcomeBringsAReserveAndNoMore(t *testing.T) {
	w := running(t)
	one := w.till("r1", "i1").welcome.Grants
	if got, want := total(one, "tobacco-day"), (wire.Amount{Yen: 3000, Units: 2}); got != want {
		t.Errorf("the reserve is %v, want a tenth of the cap, %v", got, want)
	}
	if got, want := total(one, "gift-day"), (wire.Amount{Yen: 5000}); got != want {
		t.Errorf("the reserve is %v, want %v: a measure without a limit is not granted", got, want)
	}
	if got, want := total(one, "tobacco-offline"), (wire.Amount{Yen: 5000}); got != want {
		t.Errorf("a lone register's offline allowance is %v, want the whole, %v", got, want)
	}
	for _, r := range []string{"r2", "r3", "r4"} {
		w.till(r, "i1")
	}
	if got, want := w.capNow("tobacco-day").Granted, (terminal.Amount{Yen: 9000, Units: 6}); got != want {
		t.Errorf("four registers hold %v in reserve, want at most three tenths, %v", got, want)
	}
}

func TestI3AnotherSessionGrantsNoSecondReserve(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	again := w.till("r1", "i1")
	if got, want := total(again.welcome.Grants, "tobacco-day"), (wire.Amount{Yen: 3000, Units: 2}); got != want {
		t.Errorf("the totals after a second hello are %v, want %v", got, want)
	}
}

func TestI3TheWholeNeedIsGrantedWithTheApproval(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	answer := r.ask(w.buy(newID(t), buyer.show(), 3000, tobacco(5), need("tobacco-day", 3000, 5)))
	outcome(t, answer, wire.OutcomeApproved, "")
	if got, want := total(answer.Answer.Grants, "tobacco-day"), (wire.Amount{Yen: 6000, Units: 7}); got != want {
		t.Errorf("granted in all %v, want reserve and need, %v", got, want)
	}
}

func TestI3TheReserveIsFilledUpWithTheApproval(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	m := w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 3000, tobacco(5),
		wire.Spend{Cap: "tobacco-day", Window: day, Reserved: wire.Amount{Yen: 3000, Units: 2}, Need: wire.Amount{Units: 3}})
	m.Authorise.Counters = []wire.Counter{{Cap: "tobacco-day", Window: day, Used: wire.Amount{Yen: 3000, Units: 2}}}
	if got, want := total(r.ask(m).Answer.Grants, "tobacco-day"), (wire.Amount{Yen: 6000, Units: 7}); got != want {
		t.Errorf("granted in all %v, want the old reserve, the need and a new reserve, %v", got, want)
	}
}

func TestI3ADeclineGrantsNothingOfAnyCap(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	lines := append(tobacco(5), wire.Line{Category: "gift-card", Yen: 60_000, Units: 1})
	before := w.capNow("tobacco-day").Granted
	id := newID(t)
	answer := r.ask(w.buy(id, buyer.show(), 63_000, lines, need("tobacco-day", 3000, 5), need("gift-day", 60_000, 0)))
	outcome(t, answer, wire.OutcomeDeclined, "cap.store")
	if got := w.capNow("tobacco-day").Granted; got != before {
		t.Errorf("the tobacco cap's grants went from %v to %v", before, got)
	}
	moved(t, w, id)
}

func TestI3TheDaySellsTheCapAndNotOnePackMore(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	counter := wire.Counter{Cap: "tobacco-day", Window: day}
	counter.Granted = total(r.welcome.Grants, "tobacco-day")
	sold := int64(0)
	for range 6 { // five packs each; the first two come from the reserve
		spend := wire.Spend{Cap: "tobacco-day", Window: day}
		free := wire.Amount{Yen: counter.Granted.Yen - counter.Used.Yen, Units: counter.Granted.Units - counter.Used.Units}
		spend.Reserved = wire.Amount{Yen: min(3000, free.Yen), Units: min(5, free.Units)}
		spend.Need = wire.Amount{Yen: 3000 - spend.Reserved.Yen, Units: 5 - spend.Reserved.Units}
		counter.Used = wire.Amount{Yen: counter.Used.Yen + spend.Reserved.Yen, Units: counter.Used.Units + spend.Reserved.Units}
		m := w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 3000, tobacco(5), spend)
		m.Authorise.Counters = []wire.Counter{counter}
		answer := r.ask(m).Answer
		if answer.Outcome != wire.OutcomeApproved {
			if answer.Reason != "cap.store" || sold != 20 {
				t.Fatalf("after %d packs: %q %q", sold, answer.Outcome, answer.Reason)
			}
			counter.Released.Yen += spend.Reserved.Yen
			counter.Released.Units += spend.Reserved.Units
			break
		}
		sold += 5
		counter.Granted = total(answer.Grants, "tobacco-day")
		counter.Used = wire.Amount{Yen: counter.Used.Yen + spend.Need.Yen, Units: counter.Used.Units + spend.Need.Units}
	}
	if c := w.capNow("tobacco-day"); sold != 20 || c.Sold.Units != 20 || c.Granted.Units > 20 {
		t.Errorf("sold %d, the row says %+v", sold, c)
	}
}

func TestI3SpendsAreCountedHereToo(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	for _, c := range []struct {
		name   string
		spends []wire.Spend
		reason string
	}{
		{"none at all", nil, "allotment.missing"},
		{"less than the lines", []wire.Spend{need("tobacco-day", 3000, 4)}, "allotment.missing"},
		{"of another cap as well", []wire.Spend{need("tobacco-day", 3000, 5), need("old-cap", 1, 1)}, "allotment.missing"},
		{"the same cap twice", []wire.Spend{need("tobacco-day", 3000, 5), need("tobacco-day", 0, 0)}, "allotment.missing"},
		{"from what was never granted", []wire.Spend{held("tobacco-day", 3000, 5)}, "allotment.missing"},
		{"of tomorrow", []wire.Spend{{Cap: "tobacco-day", Window: "2026-01-06", Need: wire.Amount{Yen: 3000, Units: 5}}}, "clock"},
	} {
		t.Log(c.name)
		outcome(t, r.ask(w.buy(newID(t), buyer.show(), 3000, tobacco(5), c.spends...)), wire.OutcomeDeclined, c.reason)
	}
	told := w.buy(newID(t), buyer.show(), 600, tobacco(1), need("tobacco-day", 600, 1))
	told.Authorise.Counters = []wire.Counter{{Cap: "tobacco-day", Window: day, Used: wire.Amount{Yen: 3001}}}
	outcome(t, r.ask(told), wire.OutcomeDeclined, "allotment.missing")
}

func TestI3WhatARetiredIncarnationHeldIsBurnt(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	fresh := w.till("r1", "i2")
	c := w.capNow("tobacco-day")
	if want := (terminal.Amount{Yen: 3000, Units: 2}); c.Burned != want || c.Granted != (terminal.Amount{Yen: 6000, Units: 4}) {
		t.Errorf("the row is %+v, want %v burnt and as much granted anew", c, want)
	}
	if got := total(fresh.welcome.Grants, "tobacco-offline"); got != (wire.Amount{}) {
		t.Errorf("the offline allowance was granted twice: %v", got)
	}
}

func TestI3ALateAdviceCountsAgainstItsOwnIncarnation(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	used := []wire.Counter{
		{Cap: "tobacco-day", Window: day, Used: wire.Amount{Yen: 1200, Units: 2}},
		{Cap: "tobacco-offline", Window: day, Used: wire.Amount{Yen: 1200}},
	}
	advice := w.advise(newID(t), buyer.show(), 1200, tobacco(2), used, held("tobacco-day", 1200, 2), held("tobacco-offline", 1200, 0))
	r := w.till("r1", "i2")
	old := r.wrap(advice)
	old.Incarnation = "i1"
	data, err := wire.Encode(old)
	must(t, err)
	must(t, r.conn.WriteMessage(1, data))
	acked(t, r.await(old.ID), wire.StatusAccepted, "", "")
	if got, want := w.capNow("tobacco-day").Burned, (terminal.Amount{Yen: 1800}); got != want {
		t.Errorf("burnt is %v, want %v", got, want)
	}
}

func TestI3WhatWasReturnedIsFreeAgain(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	back := wire.Counter{Cap: "tobacco-day", Window: day, Returned: wire.Amount{Yen: 3000, Units: 2}}
	w.till("r1", "i1", back)
	more := back
	more.Returned.Units = 200 // more than it ever held: not believed
	w.till("r1", "i1", more)
	if c := w.capNow("tobacco-day"); c.Returned.Units > 4 || c.Granted.Units-c.Returned.Units != 2 {
		t.Errorf("the row is %+v", c)
	}
}

func TestI3ALoweredCapBindsWhatIsNotYetGranted(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 3000, tobacco(5), need("tobacco-day", 3000, 5))), wire.OutcomeApproved, "")
	text, lower := w.policy(4, 6)
	w.b.SetPolicy(text, lower)
	if m := r.push(wire.TypePolicy); m.Policy.Note != text {
		t.Fatalf("got %v, want the policy pushed", m)
	}
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 600, tobacco(1), need("tobacco-day", 600, 1))), wire.OutcomeDeclined, "cap.store")
	if c := w.capNow("tobacco-day"); c.Limit.Units != 6 || c.Highest.Units != 20 {
		t.Errorf("the row is %+v", c)
	}
}

func TestAdvicesAreCheckedAgain(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	long, new := w.phone("account-0001", boundLongAgo), w.phone("account-0002", boundNow)
	day1 := func(yen, units int64) []wire.Spend {
		return []wire.Spend{held("tobacco-day", yen, units), held("tobacco-offline", yen, 0)}
	}
	stolen := w.phone("stolen-0001", boundLongAgo)
	before := w.advise(newID(t), stolen.show(), 500, nil, nil)
	w.pass(time.Second)
	must(t, w.b.StopAccount(context.Background(), "demo-wallet", "stolen-0001"))
	w.pass(time.Second)
	other := w.advise(newID(t), long.show(), 500, nil, nil)
	other.Advice.Payment = newID(t) // evidence sealed for another payment
	old := w.advise(newID(t), long.show(), 500, nil, nil)
	old.Advice.Created += (2 * time.Minute).Milliseconds()
	aged := w.advise(newID(t), long.show(), 500, nil, nil)
	aged.Advice.ContactAge = (23 * time.Hour).Milliseconds()
	future := w.advise(newID(t), long.show(), 500, nil, nil)
	future.Advice.Versions.Policy = 99
	needy := w.advise(newID(t), w.phone("account-0003", boundLongAgo).show(), 600, tobacco(1), nil, need("tobacco-day", 600, 1), need("tobacco-offline", 600, 0))
	for _, c := range []struct {
		name           string
		m              wire.Message
		reason, bearer string
	}{
		{"within all rules", w.advise(newID(t), long.show(), 600, tobacco(1), nil, day1(600, 1)...), "", ""},
		{"paid before its account was stopped", before, "", ""},
		{"paid after its account was stopped", w.advise(newID(t), stolen.show(), 500, nil, nil), "account.denied", "operator"},
		{"evidence of another payment", other, "code.forged", "store"},
		{"a pass too old when it paid", old, "code.expired", "store"},
		{"over the floor limit", w.advise(newID(t), long.show(), 3001, nil, nil), "offline.limit", "store"},
		{"long without the backend", aged, "offline.limit", "store"},
		{"a policy that never was", future, "policy.missing", "store"},
		{"a new device and tobacco", w.advise(newID(t), new.show(), 600, tobacco(1), nil, day1(600, 1)...), "device.new", "store"},
		{"no spends for its tobacco", w.advise(newID(t), long.show(), 600, tobacco(1), nil), "allotment.missing", "store"},
		{"a second of the account", w.advise(newID(t), long.show(), 3000, nil, nil), "", ""},
		{"over the account's limit", w.advise(newID(t), long.show(), 1401, nil, nil), "offline.limit", "store"},
		{"up to the account's limit", w.advise(newID(t), long.show(), 1400, nil, nil), "", ""},
		{"over the account's count", w.advise(newID(t), long.show(), 1, nil, nil), "offline.limit", "store"},
		{"spends that ask", needy, "allotment.missing", "store"},
	} {
		t.Log(c.name)
		reply := r.ask(c.m)
		want, yen := wire.StatusAccepted, []int64{c.m.Advice.Amount}
		if c.reason != "" {
			want, yen = wire.StatusRejected, nil
		}
		acked(t, reply, want, c.reason, c.bearer)
		moved(t, w, c.m.Advice.Payment, yen...)
	}
}

// A cap that came with a later policy is no fault of an advice from before; a cap
// of the policy that it was approved under is.
func TestAnAdviceIsHeldAgainstThePolicyOfItsTime(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	good := w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0))
	less := w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, held("tobacco-day", 600, 1))
	w.also = "[[cap]]\nid = \"all-day\"\nscope = \"store\"\nwindow = \"day\"\nyen = 90000\n"
	text, next := w.policy(4, 20)
	w.b.SetPolicy(text, next)
	late := w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0))
	late.Advice.Versions.Policy = 4
	acked(t, r.ask(good), wire.StatusAccepted, "", "")
	acked(t, r.ask(less), wire.StatusRejected, "allotment.missing", "store")
	acked(t, r.ask(late), wire.StatusRejected, "allotment.missing", "store")
}

func TestI3AnAdviceBeyondTheAllotmentIsRejected(t *testing.T) {
	spends := []wire.Spend{held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0)}
	t.Run("by what it tells", func(t *testing.T) {
		w := running(t)
		told := []wire.Counter{{Cap: "tobacco-day", Window: day, Used: wire.Amount{Yen: 600, Units: 3}}}
		m := w.advise(newID(t), w.phone("account-0001", boundLongAgo).show(), 600, tobacco(1), told, spends...)
		acked(t, w.till("r1", "i1").ask(m), wire.StatusRejected, "allotment.missing", "store")
	})
	t.Run("by what is known here", func(t *testing.T) {
		w := running(t)
		r := w.till("r1", "i1")
		for i, want := range []wire.Status{wire.StatusAccepted, wire.StatusAccepted, wire.StatusRejected} {
			buyer := w.phone(fmt.Sprintf("account-000%d", i), boundLongAgo)
			reply := r.ask(w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, spends...))
			if reply.Type != wire.TypeAck || reply.Ack.Status != want {
				t.Errorf("advice %d: %v %+v, want %q", i, reply, reply.Ack, want)
			}
		}
	})
}
