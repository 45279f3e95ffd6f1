package backendsim

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

func TestAfterABootOrdinaryGoodsAreSoldUpToASum(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	n := 0
	sold := func(yen int64, clock string, lines ...wire.Line) wire.Message {
		n++
		var spends []wire.Spend
		if len(lines) > 0 {
			spends = []wire.Spend{held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0)}
		}
		m := w.advise(newID(t), w.phone(fmt.Sprintf("account-%04d", n), boundLongAgo).show(), yen, lines, nil, spends...)
		m.Advice.Clock = clock
		return m
	}
	voided := sold(1000, wire.ClockWall)
	acked(t, r.ask(voided), wire.StatusAccepted, "", "")
	acked(t, r.ask(w.undo(voided.Advice.Payment, newID(t))), wire.StatusAccepted, "", "")
	acked(t, r.ask(sold(3000, wire.ClockAuthenticated)), wire.StatusAccepted, "", "")
	acked(t, r.ask(sold(3000, wire.ClockWall)), wire.StatusAccepted, "", "")
	acked(t, r.ask(sold(1001, wire.ClockWall)), wire.StatusRejected, "offline.limit", "store")
	acked(t, r.ask(sold(600, wire.ClockWall, tobacco(1)...)), wire.StatusRejected, "offline.limit", "store")
	acked(t, r.ask(sold(1000, wire.ClockWall)), wire.StatusAccepted, "", "")
	acked(t, r.ask(sold(1, wire.ClockWall)), wire.StatusRejected, "offline.limit", "store")
	unknown := sold(1, wire.ClockAuthenticated)
	unknown.Advice.ContactAge = -1
	acked(t, r.ask(unknown), wire.StatusRejected, "offline.limit", "store")
	acked(t, w.till("r1", "i2").ask(sold(3000, wire.ClockWall)), wire.StatusAccepted, "", "")
}

func TestOnlineANewDeviceBuysFewHighResaleGoods(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	fresh, long := w.phone("account-0001", boundNow), w.phone("account-0002", boundLongAgo)
	buy := func(p *phone, packs int64) wire.Message {
		return r.ask(w.buy(newID(t), p.show(), 600*packs, tobacco(packs), need("tobacco-day", 600*packs, packs)))
	}
	outcome(t, buy(fresh, 2), wire.OutcomeDeclined, "device.new")
	outcome(t, buy(fresh, 1), wire.OutcomeApproved, "")
	outcome(t, buy(long, 2), wire.OutcomeApproved, "")
	outcome(t, r.ask(w.buy(newID(t), fresh.show(), 700, nil)), wire.OutcomeApproved, "")
}

func TestPastItsEndAPolicySellsNoHighResaleGoods(t *testing.T) {
	w := newWorld(t)
	p := w.cfg.Policy
	for _, c := range []struct {
		at   time.Time
		what string
		want terminal.Reason
	}{
		{p.GoodUntil, "tobacco", ""},
		{p.GoodUntil.Add(time.Millisecond), "tobacco", terminal.PolicyStale},
		{p.GoodUntil.Add(time.Millisecond), "rice", ""},
	} {
		if got := wary(p, payer{}, sale([]wire.Line{{Category: c.what, Units: 1}}), c.at, 1); got != c.want {
			t.Errorf("%s at %v: %q, want %q", c.what, c.at, got, c.want)
		}
	}
}

func TestWhoBearsASecondUse(t *testing.T) {
	w := running(t)
	one, two := w.till("r1", "i1"), w.till("r2", "i1")
	code := w.phone("account-0001", boundLongAgo).show()
	outcome(t, one.ask(w.buy(newID(t), code, 100, nil)), wire.OutcomeApproved, "")
	acked(t, two.ask(w.advise(newID(t), code, 100, nil, nil)), wire.StatusRejected, "code.replayed", "operator")
	acked(t, one.ask(w.advise(newID(t), code, 100, nil, nil)), wire.StatusRejected, "code.replayed", "store")
}

func TestWhatWasNotChargedHasNoAmount(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	tells := func(name string, m wire.Message, want wire.Outcome) {
		t.Helper()
		if a := m.Answer; a == nil || a.Outcome != want || a.Amount != 0 {
			t.Errorf("%s: got %v %+v, want %s of 0 yen", name, m, a, want)
		}
	}
	declined, undone, advised := newID(t), newID(t), newID(t)
	tells("declined", r.ask(w.buy(declined, "SK1:0", 100, nil)), wire.OutcomeDeclined)
	tells("declined, asked again", r.ask(w.query(declined)), wire.OutcomeDeclined)
	outcome(t, r.ask(w.buy(undone, w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	r.ask(w.reverse(undone))
	tells("reversed", r.ask(w.query(undone)), wire.OutcomeReversed)
	acked(t, r.ask(w.advise(advised, "SK1:0", 100, nil, nil)), wire.StatusRejected, "code.forged", "store")
	tells("rejected", r.ask(w.query(advised)), wire.OutcomeDeclined)
}

func TestAnAdviceFromAheadIsRejected(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	for _, c := range []struct {
		ahead          time.Duration
		status         wire.Status
		reason, bearer string
	}{
		{windowSlack, wire.StatusAccepted, "", ""},
		{windowSlack + time.Millisecond, wire.StatusRejected, "clock", "store"},
	} {
		w.pass(c.ahead)
		m := w.advise(newID(t), w.phone("account-0001", boundLongAgo).show(), 100, nil, nil)
		w.pass(-c.ahead)
		acked(t, r.ask(m), c.status, c.reason, c.bearer)
	}
}

// The first register of a new store takes no more of an offline-only cap than the
// registers that are enrolled there leave it.
func TestAnOfflineShareIsByTheRegistersEnrolled(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	w.enrolled("r2")
	if got := total(m.till("i1").welcome.Grants, "tobacco-offline"); got.Yen != 2500 {
		t.Errorf("the first of two got %d of 5,000 yen, want half", got.Yen)
	}
}
