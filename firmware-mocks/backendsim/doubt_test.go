package backendsim

import (
	"context"
	"strings"
	"testing"

	"sekisho/terminal/wire"
)

// known is a backend that keeps a checkpoint of r1 and its seven leaves, and asks
// new incarnations for leaf 3.
func known(t *testing.T) (*world, *ledgerOf) {
	w, l, r := enrolled(t)
	w.b.ledger.pick = func(n int64) int64 {
		if n != 7 {
			t.Errorf("asked for a leaf below %d, want 7", n)
		}
		return 3
	}
	l.grow(7, "leaf")
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	has(t, r.ask(l.entries(0, 7)), 7)
	return w, l
}

// beyond is a head of the journal far above its checkpoints and those of the
// messages before it.
func (l *ledgerOf) beyond() *wire.Head {
	l.told += 100
	return &wire.Head{Size: 1000 + l.told, Root: sixtyFour}
}

func reserve(grants []wire.Grant) bool { return total(grants, "tobacco-day") != (wire.Amount{}) }

// ends checks that head office's word ends the doubt of r1, whose link is told
// and whose last hello was of an incarnation.
func (w *world) ends(told *till, l *ledgerOf, incarnation string) {
	w.t.Helper()
	must(w.t, w.b.Release(context.Background(), "r1"))
	told.closed()
	_, welcome := w.helloWith(incarnation, "", l.beyond())
	if welcome.Released != incarnation || welcome.Quarantine != "" || welcome.Challenge != nil || welcome.Checkpoint != nil {
		w.t.Errorf("after the release the welcome is %+v", welcome)
	}
	fresh, welcome := w.helloWith("after-"+incarnation, "", l.beyond())
	if welcome.Quarantine != "" || welcome.Released != "" || welcome.Challenge != nil || !reserve(welcome.Grants) {
		w.t.Errorf("the new incarnation is welcomed with %+v", welcome)
	}
	acked(l.t, fresh.ask(l.point(0)), wire.StatusAccepted, "", "")
	if got := w.doubt("r1"); got != "" {
		w.t.Errorf("the doubt is %q still", got)
	}
}

func TestI6ARetiredIncarnationThatComesBackIsACopy(t *testing.T) {
	w, l := known(t)
	w.proves("i2", l)
	before := w.capNow("tobacco-day")
	copied, welcome := w.helloWith("i1", "", l.fork(2).head()) // its journal may be older: it is a copy
	if welcome.Quarantine != DoubtCloned || w.doubt("r1") != DoubtCloned {
		t.Fatalf("the welcome says %q, the ledger %q", welcome.Quarantine, w.doubt("r1"))
	}
	if got := w.capNow("tobacco-day"); got.Granted != before.Granted || got.Returned != before.Returned {
		t.Errorf("the row went from %+v to %+v", before, got)
	}
	// What it held stays burnt: it gives nothing back, not with a hello either.
	back := counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3000, Units: 2})
	refused(t, copied.ask(giveUp(back)), wire.CodeRefused)
	must(t, copied.conn.Close())
	w.sizes["r1i1"] = new(int64)
	*w.sizes["r1i1"] = 300
	again := w.till("r1", "i1", back)
	if got := w.capNow("tobacco-day"); got.Returned != before.Returned {
		t.Errorf("given back is %v", got.Returned)
	}
	if again.welcome.Quarantine != DoubtCloned {
		t.Errorf("the welcome says %q", again.welcome.Quarantine)
	}
	// The other machine is in doubt as well; the word ends it for who said hello last.
	real, welcome := w.helloWith("i2", "", l.beyond())
	if welcome.Quarantine != DoubtCloned {
		t.Errorf("the other's welcome says %q", welcome.Quarantine)
	}
	w.ends(real, l, "i2")
	if _, welcome := w.helloWith("i1", "", l.beyond()); welcome.Quarantine != DoubtCloned {
		t.Errorf("after the release the copy is welcomed with %+v", welcome)
	}
}

// A late advice of a retired incarnation frees nothing that this one held.
func TestI3ARetiredIncarnationGivesNothingBack(t *testing.T) {
	w := running(t)
	w.till("r1", "i1")
	r := w.till("r1", "i2")
	before := w.capNow("tobacco-day")
	late := w.query(newID(t))
	late.Query.Counters = []wire.Counter{counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3000, Units: 2})}
	late = r.wrap(late)
	late.Incarnation = "i1"
	r.put(late)
	outcome(t, r.await(late.ID), wire.OutcomeNotSeen, "")
	if got := w.capNow("tobacco-day"); got != before {
		t.Errorf("the row went from %+v to %+v", before, got)
	}
}

func TestI3AdvicesOverTheAllotmentPutTheRegisterInDoubt(t *testing.T) {
	spends := []wire.Spend{held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0)}
	used := func(units int64) []wire.Counter {
		return []wire.Counter{{Cap: "tobacco-day", Window: day, Used: wire.Amount{Yen: 600, Units: units}}}
	}
	for _, c := range []struct {
		name   string
		before int // advices within the rights
		code   func(*world) string
		bad    func(*world, string) wire.Message
		reason string
	}{
		{"by what it tells", 0, nil, func(w *world, code string) wire.Message {
			return w.advise(newID(w.t), code, 600, tobacco(1), used(3), spends...)
		}, "allotment.missing"},
		{"by what is known here", 2, nil, func(w *world, code string) wire.Message {
			return w.advise(newID(w.t), code, 600, tobacco(1), nil, spends...)
		}, "allotment.missing"},
		{"with a forged pass besides", 2, nil, func(w *world, code string) wire.Message {
			m := w.advise(newID(w.t), code, 600, tobacco(1), nil, spends...)
			m.Advice.Evidence = base64OfNothing
			return m
		}, "code.forged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l, r := enrolled(t)
			for i := range c.before {
				code := w.phone("account-000"+string(rune('1'+i)), boundLongAgo).show()
				acked(t, r.ask(w.advise(newID(t), code, 600, tobacco(1), nil, spends...)), wire.StatusAccepted, "", "")
			}
			m := c.bad(w, w.phone("account-0009", boundLongAgo).show())
			acked(t, r.ask(m), wire.StatusRejected, c.reason, "store")
			moved(t, w, m.Advice.Payment)
			r.closed()
			told := w.till("r1", "i1")
			if told.welcome.Quarantine != DoubtOverspent {
				t.Errorf("the welcome says %q", told.welcome.Quarantine)
			}
			acked(t, told.ask(m), wire.StatusRejected, c.reason, "store") // for good
			*told.size = 500
			must(t, w.b.Release(context.Background(), "r1"))
			told.closed()
			_, welcome := w.helloWith("i2", "", l.beyond())
			if welcome.Quarantine != "" {
				t.Errorf("after the release the new incarnation is welcomed with %+v", welcome)
			}
		})
	}
}

// base64OfNothing opens for no payment.
var base64OfNothing = strings.Repeat("AAAA", 40)

// An approval that the register does not know of yet has brought rights that it
// may have spent since: that is a matter of a reversal, and no doubt.
func TestI3RightsThatCameWithAnUnknownApprovalAreNoDoubt(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	must(t, w.b.Set(Fault{Kind: DropAfter, Count: 1}))
	unknown := newID(t)
	r.tell(w.buy(unknown, buyer.show(), 1200, tobacco(2), need("tobacco-day", 1200, 2)))
	spends := []wire.Spend{held("tobacco-day", 1800, 3), held("tobacco-offline", 1800, 0)}
	reply := r.ask(w.advise(newID(t), buyer.show(), 1800, tobacco(3), nil, spends...))
	if reply.Type != wire.TypeAck {
		t.Fatalf("the advice was answered by %v", reply)
	}
	if got := w.doubt("r1"); got != "" {
		t.Errorf("the doubt is %q", got)
	}
	acked(t, r.ask(w.reverse(unknown)), wire.StatusAccepted, "", "")
}
