package backendsim

import (
	"context"
	"fmt"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// counted is a register's word on tobacco-day.
func counted(used, released, returned wire.Amount) wire.Counter {
	return wire.Counter{Cap: "tobacco-day", Window: day, Used: used, Released: released, Returned: returned}
}

func giveUp(counters ...wire.Counter) wire.Message {
	return wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: []wire.Grant{}, Counters: counters}}
}

// A stop that gave everything back burns nothing: the next boot finds the cap as
// if the register had never held any of it.
func TestI3ACleanStopGivesTheQuotaBack(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	m := w.buy(newID(t), buyer.show(), 600, tobacco(1), held("tobacco-day", 600, 1))
	m.Authorise.Counters = []wire.Counter{counted(wire.Amount{Yen: 600, Units: 1}, wire.Amount{}, wire.Amount{})}
	granted := total(r.ask(m).Answer.Grants, "tobacco-day")
	rest := wire.Amount{Yen: granted.Yen - 600, Units: granted.Units - 1}
	back := giveUp(counted(wire.Amount{Yen: 600, Units: 1}, wire.Amount{}, rest))
	for range 2 {
		reply := r.ask(back)
		acked(t, reply, wire.StatusAccepted, "", "")
		if a := reply.Ack; a.Of != wire.TypeGrants || a.Payment != "" {
			t.Errorf("the ack is of %q and of payment %q", a.Of, a.Payment)
		}
	}
	c := w.capNow("tobacco-day")
	if free := c.Limit.Units - c.Granted.Units + c.Returned.Units; free != 19 || c.Limit.Yen-c.Granted.Yen+c.Returned.Yen != 29_400 {
		t.Errorf("after the stop the row is %+v, want all but one pack free", c)
	}
	r.ask(w.query(newID(t))) // a late message does not fill it up again
	acked(t, r.ask(w.reverse(newID(t))), wire.StatusAccepted, "", "")
	if again := w.capNow("tobacco-day"); again != c {
		t.Errorf("after the stop the row went from %+v to %+v", c, again)
	}
	fresh := w.till("r1", "i2")
	if got, want := total(fresh.welcome.Grants, "tobacco-day"), (wire.Amount{Yen: 3000, Units: 2}); got != want {
		t.Errorf("the next boot holds %v, want %v", got, want)
	}
	if c := w.capNow("tobacco-day"); c.Burned != (terminal.Amount{}) {
		t.Errorf("the reboot burnt %v", c.Burned)
	}
}

// What a retired incarnation took is not the present one's reserve, nor a second
// share of what is shared once a window.
func TestI3EachBootHoldsAReserveAndTheShareIsTakenOnce(t *testing.T) {
	w := running(t)
	must(t, w.b.Enrol(context.Background(), store, "r2", newLedgerOf(t, "r2").vkey)) // its half stays free
	r := w.till("r1", "i1")
	acked(t, r.ask(giveUp(wire.Counter{Cap: "tobacco-offline", Window: day, Returned: wire.Amount{Yen: 1000}})), wire.StatusAccepted, "", "")
	for boot, share := range []int64{1000, 0, 0, 0} {
		grants := w.till("r1", fmt.Sprint("i", boot+2)).welcome.Grants
		if got, want := total(grants, "tobacco-day"), (wire.Amount{Yen: 3000, Units: 2}); got != want {
			t.Errorf("boot %d holds a reserve of %v, want %v", boot+2, got, want)
		}
		if got := total(grants, "tobacco-offline").Yen; got != share {
			t.Errorf("boot %d got %d yen of the share, want %d: what was given back, once", boot+2, got, share)
		}
	}
}

// The daemon may start again within one boot, with its incarnation.
func TestI3AStoppedIncarnationThatComesBackHoldsAReserveAgain(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	acked(t, r.ask(giveUp(counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3000, Units: 2}))), wire.StatusAccepted, "", "")
	again := w.till("r1", "i1")
	if got, want := total(again.welcome.Grants, "tobacco-day"), (wire.Amount{Yen: 6000, Units: 4}); got != want {
		t.Errorf("the totals are %v, want %v: what was given back and as much again", got, want)
	}
}

func TestI3OnlyWhatWasHeldIsTakenBack(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	r := w.till("r1", "i2")
	old := r.wrap(giveUp(counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3000, Units: 2})))
	old.Incarnation = "i1"
	r.put(old)
	refused(t, r.await(old.ID), wire.CodeRefused) // a retired incarnation's rights are burnt
	before := w.capNow("tobacco-day")
	acked(t, r.ask(giveUp(counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3001, Units: 2}))), wire.StatusRejected, "allotment.missing", "")
	acked(t, r.ask(giveUp(counted(wire.Amount{Units: 1}, wire.Amount{}, wire.Amount{Units: 2}))), wire.StatusRejected, "allotment.missing", "")
	if got := w.capNow("tobacco-day"); got != before {
		t.Errorf("the row went from %+v to %+v", before, got)
	}
	acked(t, r.ask(giveUp(wire.Counter{Cap: "no-such-cap", Window: day, Returned: wire.Amount{Yen: 1}})), wire.StatusAccepted, "", "")
}
