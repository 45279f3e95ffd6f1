package offline

import (
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// BenchmarkDecide is one payment's commit: payment, counter, code seen, sale and
// journal entry. Its floor is one fsync of the disk under the test's folder.
func BenchmarkDecide(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	key := terminal.CounterKey{Cap: "c", Window: "2026-03-31", Incarnation: "i1"}
	for b.Loop() {
		_, err := s.Decide(b.Context(), register.Scope{Payment: "p", Counters: []terminal.CounterKey{key}, Account: "a1"}, func(u register.Usage) (register.Changes, error) {
			c := u.Counters[key].Grant(terminal.Amount{Yen: u.Head.Size + 1})
			p := terminal.Payment{ID: paymentID(u.Head.Size), State: terminal.Approved, Amount: 720, Created: 1, Decided: 1}
			return register.Changes{
				Payments: []terminal.Payment{p}, Counters: []terminal.Counter{c},
				Seen:    &register.SeenCode{Key: terminal.SeenKey(p.ID), Payment: p.ID},
				Sale:    &terminal.Sale{Ref: "s", State: terminal.SalePaid, Payment: p.ID},
				Entries: []journal.Draft{journal.OfPayment(p, "i1")},
			}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
