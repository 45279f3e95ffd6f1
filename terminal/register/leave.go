package register

import "sekisho/terminal"

// leaving is what the store holds of items that are to go.
type leaving struct {
	items map[int64]OutboxItem
	incs  map[terminal.PaymentID]terminal.Incarnation
	stuck map[terminal.PaymentID]error // whose payments do not take the step
	batch
}

// leave is the step of items that go: an advice's payment is advised from now on.
func leave(u Usage, inc terminal.Incarnation, now terminal.Millis) leaving {
	l := leaving{items: map[int64]OutboxItem{}, incs: map[terminal.PaymentID]terminal.Incarnation{}, stuck: map[terminal.PaymentID]error{}, batch: batch{from: u.Head.Size}}
	for _, i := range u.Items {
		l.items[i.ID] = i
		p, known := u.Payments[i.Payment]
		if !known {
			continue
		}
		l.incs[p.ID] = p.Incarnation
		if i.Kind != OutAdvice || p.State != terminal.ApprovedOffline {
			continue
		}
		after, err := p.Move(terminal.Advised, "", now)
		if err != nil {
			l.stuck[p.ID] = err
			continue
		}
		l.add(moved(after, inc))
	}
	return l
}

// remember keeps what the line had no room for, a batch at most: the next try,
// a second later, asks the store nothing.
func (l leaving) remember(batch []*queued) {
	for _, q := range batch {
		if i, there := l.items[q.id]; there && l.stuck[q.payment] == nil {
			q.held = &held{i, l.incs[q.payment]}
		}
	}
}

// remembered is what was read before of items that did not leave.
func remembered(batch []*queued) leaving {
	l := leaving{items: map[int64]OutboxItem{}, incs: map[terminal.PaymentID]terminal.Incarnation{}}
	for _, q := range batch {
		l.items[q.id], l.incs[q.payment] = q.held.item, q.held.inc
	}
	return l
}
