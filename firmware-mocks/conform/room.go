package conform

import (
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// rights are what one incarnation was granted, sold and gave back.
type rights struct {
	store    string
	counters map[counterKey]*wire.Counter
}

// book gives an incarnation's counters. The kit plays every register of its
// stores, so their sum is what the backend's rows have to say.
func (k *Kit) book(store, incarnation string) map[counterKey]*wire.Counter {
	if _, known := k.rights[incarnation]; !known {
		k.rights[incarnation] = rights{store, map[counterKey]*wire.Counter{}}
	}
	return k.rights[incarnation].counters
}

// room is needed in the day's caps for what a payment asks for: the run may have
// used them up. More than a cap's limit has no backend to give.
func (t *till) room(m wire.Message) {
	if m.Authorise == nil {
		return
	}
	for _, s := range m.Authorise.Spends {
		c, ok := t.p.k.policy.Cap(terminal.CapID(s.Cap))
		if !ok || c.OfflineOnly {
			continue
		}
		limit, taken := limitOf(c), t.p.k.taken(t.m.Store, counterKey{s.Cap, t.p.today()})
		taken = count(c, taken.Yen, []wire.Line{{Category: string(c.Category), Yen: taken.Yen, Units: taken.Units}})
		t.p.want(atLeast(limit, taken), "of the cap %s, whose limit is %v, the store's registers were granted %v in all", s.Cap, limit, taken)
		t.p.need(atLeast(limit, plus(taken, s.Need)), "more room in the cap "+s.Cap+": the run has used up the day's")
	}
}

// taken is what all incarnations of a store's registers have of a cap.
func (k *Kit) taken(store string, of counterKey) wire.Amount {
	var sum wire.Amount
	for _, r := range k.rights {
		if c := r.counters[of]; c != nil && r.store == store {
			sum = plus(sum, wire.Amount{Yen: c.Granted.Yen - c.Returned.Yen, Units: c.Granted.Units - c.Returned.Units})
		}
	}
	return sum
}
