package backendsim

import (
	"context"
	"reflect"
	"testing"

	"sekisho/terminal/wire"
)

// timeless is a reply without what is always of the moment, and without its ids.
func timeless(m wire.Message) wire.Message {
	m.ID, m.Re, m.Session = "", "", 0
	m.Answer = withAnswer(&m, func(a *wire.Answer) { a.Time, a.Grants, a.Limits = 0, nil, nil })
	m.Ack = withAck(&m, func(a *wire.Ack) { a.Time, a.Grants = 0, nil })
	return m
}

// Whatever a register said, it may say again after a restart of the backend: the
// answer is the same and nothing happens a second time, whether the first answer
// came or was lost.
func TestI1EveryMessageMayBeSaidAgainAfterARestart(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for _, c := range []struct {
			name string
			make func(*world, *ledgerOf, *till) wire.Message
		}{
			{"an approval", func(w *world, _ *ledgerOf, _ *till) wire.Message {
				return w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 600, tobacco(1), need("tobacco-day", 600, 1))
			}},
			{"a decline", func(w *world, _ *ledgerOf, _ *till) wire.Message { return w.buy(newID(t), "no pass", 600, nil) }},
			{"query", func(w *world, _ *ledgerOf, r *till) wire.Message { id, _ := r.bought(); return w.query(id) }},
			{"reversal", func(w *world, _ *ledgerOf, r *till) wire.Message { id, _ := r.bought(); return w.reverse(id) }},
			{"reversal of what was never seen", func(w *world, _ *ledgerOf, _ *till) wire.Message { return w.reverse(newID(t)) }},
			{"void", func(w *world, _ *ledgerOf, r *till) wire.Message { id, _ := r.bought(); return w.undo(id, newID(t)) }},
			{"refund", func(w *world, _ *ledgerOf, r *till) wire.Message {
				id, _ := r.bought()
				return w.giveBack(id, newID(t), 20)
			}},
			{"too large a refund", func(w *world, _ *ledgerOf, r *till) wire.Message {
				id, _ := r.bought()
				return w.giveBack(id, newID(t), 721)
			}},
			{"advice", func(w *world, _ *ledgerOf, _ *till) wire.Message {
				return w.advise(newID(t), w.phone("account-0001", boundLongAgo).show(), 720, nil, nil)
			}},
			{"an advice out of the rules", func(w *world, _ *ledgerOf, _ *till) wire.Message {
				return w.advise(newID(t), w.phone("account-0001", boundLongAgo).show(), 3001, nil, nil)
			}},
			{"checkpoint", func(_ *world, l *ledgerOf, _ *till) wire.Message { return l.point(0) }},
			{"journal", func(_ *world, l *ledgerOf, _ *till) wire.Message { return l.entries(0, 4) }},
			{"grants", func(*world, *ledgerOf, *till) wire.Message {
				return giveUp(counted(wire.Amount{}, wire.Amount{}, wire.Amount{Yen: 3000, Units: 2}))
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				w.start()
				defer func() { w.stop() }()
				l := newLedgerOf(t, "r1")
				must(t, w.b.Enrol(context.Background(), store, "r1", l.vkey))
				l.grow(5, "leaf")
				size := int64(100)
				w.sizes["r1i1"] = &size
				r := w.till("r1", "i1")
				m := c.make(w, l, r)
				var first wire.Message
				if lost {
					must(t, w.b.Set(Fault{Kind: DropAfter, Type: m.Type, Count: 1}))
					r.tell(m)
					r.ask(w.reverse(newID(t))) // it is through
				} else {
					first = r.ask(m)
				}
				w.stop()
				w.start()
				again := w.till("r1", "i1")
				before, uploads := w.ledgerNow(), w.uploadsNow()
				second := again.ask(m)
				if second.Type == wire.TypeError || (!lost && !reflect.DeepEqual(timeless(first), timeless(second))) {
					t.Errorf("said again it was answered by\n%+v\nwant\n%+v", timeless(second), timeless(first))
				}
				if after := w.ledgerNow(); after != before || !reflect.DeepEqual(uploads, w.uploadsNow()) {
					t.Errorf("said again it changed the ledger from\n%s\nto\n%s", before, after)
				}
			})
		}
	}
}

func (w *world) uploadsNow() []Uploaded {
	w.t.Helper()
	all, err := w.b.Ledger().Uploads(context.Background())
	must(w.t, err)
	return all
}
