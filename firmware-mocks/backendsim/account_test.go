package backendsim

import (
	"testing"
	"time"

	"sekisho/terminal/wire"
)

// 2,500 yen of everything in two hours, and 3 packs in a day, for one account.
const onAccounts = `[[cap]]
id = "account-two-hours"
scope = "account"
window = "rolling"
over = "2h"
yen = 2500
[[cap]]
id = "account-tobacco"
scope = "account"
window = "rolling"
over = "24h"
category = "tobacco"
units = 3
`

func withAccountCaps(t *testing.T) *world {
	w := newWorld(t)
	w.also = onAccounts
	w.cfg.Note, w.cfg.Policy = w.policy(3, 20)
	w.start()
	t.Cleanup(w.stop)
	return w
}

func TestI3AnAccountsCapIsExactOverAllRegistersAndRolls(t *testing.T) {
	w := withAccountCaps(t)
	one, two := w.till("r1", "i1"), w.till("r2", "i1")
	buyer, other := w.phone("account-0001", boundLongAgo), w.phone("account-0002", boundLongAgo)
	buy := func(r *till, p *phone, yen int64, want wire.Outcome, why string) {
		t.Helper()
		outcome(t, r.ask(w.buy(newID(t), p.show(), yen, nil)), want, why)
	}
	buy(one, buyer, 1500, wire.OutcomeApproved, "")
	w.pass(time.Hour)
	buy(two, buyer, 1001, wire.OutcomeDeclined, "cap.account")
	buy(two, buyer, 1000, wire.OutcomeApproved, "")
	buy(one, buyer, 1, wire.OutcomeDeclined, "cap.account")
	buy(one, other, 2500, wire.OutcomeApproved, "")
	w.pass(time.Hour)
	buy(one, buyer, 1, wire.OutcomeDeclined, "cap.account") // created exactly two hours ago counts
	w.pass(time.Millisecond)
	buy(one, buyer, 1501, wire.OutcomeDeclined, "cap.account")
	buy(one, buyer, 1500, wire.OutcomeApproved, "")
}

// Gross lines count, also where only a part is paid this way.
func TestI3AnAccountsCapCountsGrossUnits(t *testing.T) {
	w := withAccountCaps(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 100, tobacco(2), need("tobacco-day", 1200, 2))), wire.OutcomeApproved, "")
	before := w.capNow("tobacco-day").Granted
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 100, tobacco(2), need("tobacco-day", 1200, 2))), wire.OutcomeDeclined, "cap.account")
	if got := w.capNow("tobacco-day").Granted; got != before {
		t.Errorf("the store's grants went from %v to %v with a decline", before, got)
	}
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 100, tobacco(1), need("tobacco-day", 600, 1))), wire.OutcomeApproved, "")
}

func TestI3VoidsAndReversalsGiveAnAccountItsCapBackAndRefundsDoNot(t *testing.T) {
	w := withAccountCaps(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	paid := func(yen int64) string {
		id := newID(t)
		outcome(t, r.ask(w.buy(id, buyer.show(), yen, nil)), wire.OutcomeApproved, "")
		return id
	}
	acked(t, r.ask(w.undo(paid(2500), newID(t))), wire.StatusAccepted, "", "")
	acked(t, r.ask(w.reverse(paid(2500))), wire.StatusAccepted, "", "")
	id := paid(2500)
	acked(t, r.ask(w.giveBack(id, newID(t), 2500)), wire.StatusAccepted, "", "")
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 1, nil)), wire.OutcomeDeclined, "cap.account")
}

// Offline a register may sell one allowance, whatever other registers sold; its
// advices count for everybody.
func TestI3AnAdviceIsHeldAgainstOneAllowanceAndCountsForAll(t *testing.T) {
	w := withAccountCaps(t)
	one, two := w.till("r1", "i1"), w.till("r2", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	advise := func(r *till, yen int64, want wire.Status, why, bearer string) {
		t.Helper()
		acked(t, r.ask(w.advise(newID(t), buyer.show(), yen, nil, nil)), want, why, bearer)
	}
	outcome(t, two.ask(w.buy(newID(t), buyer.show(), 2000, nil)), wire.OutcomeApproved, "")
	advise(one, 2500, wire.StatusAccepted, "", "")
	advise(one, 1, wire.StatusRejected, "cap.account", "store")
	advise(two, 501, wire.StatusRejected, "cap.account", "store")
	w.pass(2*time.Hour - time.Minute)
	outcome(t, two.ask(w.buy(newID(t), buyer.show(), 1, nil)), wire.OutcomeDeclined, "cap.account")
	advise(one, 100, wire.StatusAccepted, "", "") // the clocks may differ by so much
}

func TestTheLimitsOfAnAccountAreToldWithItsAnswers(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	id := newID(t)
	if m := r.ask(w.buy(id, buyer.show(), 100, nil)); m.Answer.Limits != nil {
		t.Errorf("limits %+v were told that nobody set", m.Answer.Limits)
	}
	must(t, w.b.SetLimits(t.Context(), "demo-wallet", "account-0001", 0, 2))
	for _, m := range []wire.Message{r.ask(w.query(id)), r.ask(w.buy(newID(t), buyer.show(), 9_000_000, nil))} {
		if m.Answer.Limits == nil || *m.Answer.Limits != (wire.Limits{Yen: 0, Count: 2}) {
			t.Errorf("%q: told %+v", m.Answer.Outcome, m.Answer.Limits)
		}
	}
	if m := r.ask(w.buy(newID(t), w.phone("account-0002", boundLongAgo).show(), 100, nil)); m.Answer.Limits != nil {
		t.Errorf("another account was told %+v", m.Answer.Limits)
	}
}
