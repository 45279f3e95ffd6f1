package register

import (
	"cmp"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// outbox is what was decided here and must be told, as the loop knows it: of
// which kind, for which payment and how far each item is. What it says stays in
// the store until it goes, so that a day without the line costs no memory. No step
// costs more when more waits, but for a new session.
//
// Reading it removes nothing, only an acknowledgement does; the backend dedupes.
// The items of one payment go one after the other, each after the last one's
// acknowledgement, also where that one is parked: a void must never overtake its
// advice. Across payments reversals and voids go first, then what was never sent,
// so that items which the backend does not acknowledge hold up no others.
type outbox struct {
	of      map[terminal.PaymentID][]*queued // oldest first
	fresh   [2]fifo                          // never sent in this session; urgent ones, and the rest
	late    [2]fifo                          // sent, and to be sent again
	away    fifo                             // sent, in the order in which they are late
	byID    map[string]*queued               // sent, by message
	size    int
	parked  int
	due     int           // may go and did not in this session
	taken   [2]int        // on their way to the line, or on it; urgent ones, and the rest
	notTill time.Duration // nothing is taken before, on the boot clock
	singly  int           // how many go to the store alone, since it refused them together
}

// queued is an item of the outbox.
type queued struct {
	id      int64
	kind    OutboxKind
	payment terminal.PaymentID
	refund  terminal.RefundID // of a refund: a payment may have several
	place   place
	fresh   bool   // not sent in this session
	acked   bool   // its acknowledgement waits for the store
	message string // the id under which it went last
	why     string // it was parked
	held    *held  // what the line had no room for; nil for nothing
	again   time.Duration
}

// held is an item as the store holds it, and whose rights its payment spent.
type held struct {
	item OutboxItem
	inc  terminal.Incarnation
}

// place is where an item of the outbox is.
type place int

const (
	placeBehind place = iota // waits for another of its payment
	placeReady               // may go
	placeTaken               // at the store, to be read and marked before it goes
	placeAway                // sent, not acknowledged
	placeParked              // cannot be sent, or the backend does not take it
	placeGone
)

// urgent gives the index of an item's lines: 0 goes before 1.
func (q *queued) urgent() int {
	if q.kind == OutAdvice || q.kind == OutRefund {
		return 1
	}
	return 0
}

func newOutbox(items []OutboxItem) *outbox {
	o := &outbox{of: map[terminal.PaymentID][]*queued{}, byID: map[string]*queued{}}
	o.add(items)
	return o
}

// add takes new items, which are younger than all that are there.
func (o *outbox) add(items []OutboxItem) {
	for _, i := range items {
		q := &queued{id: i.ID, kind: i.Kind, payment: i.Payment, fresh: true}
		if i.Kind == OutRefund {
			q.refund = refundOf(i)
		}
		before := o.of[i.Payment]
		o.of[i.Payment] = append(before, q)
		o.size++
		switch {
		case i.Parked:
			q.place = placeParked
			o.parked++
		case len(before) == 0:
			o.ready(q)
		}
	}
}

// ready lets an item go when its turn comes.
func (o *outbox) ready(q *queued) {
	q.place = placeReady
	lines := &o.late
	if q.fresh {
		lines = &o.fresh
		o.due++
	}
	lines[q.urgent()].push(q, 0)
}

// room is how many urgent items, or others, may go now. Each has some that the
// others never take: what the backend does not acknowledge may be many.
func (o *outbox) room(class int) int {
	left := window - o.taken[0] - o.taken[1]
	if class == 0 {
		return left + urgentRoom
	}
	return max(left, otherRoom-o.taken[class])
}

// take gives the items that go now, at most n and no more than the window allows.
func (o *outbox) take(now time.Duration, n int) []*queued {
	o.tellLate(now)
	if now < o.notTill {
		return nil
	}
	if o.singly > 0 {
		n = 1
	}
	var out []*queued
	for class := range o.taken {
		n := min(n, len(out)+o.room(class))
		for _, line := range []*fifo{&o.fresh[class], &o.late[class]} {
			for len(out) < n && !line.empty() {
				q, _ := line.pop()
				if q.place != placeReady || q.fresh != (line == &o.fresh[class]) {
					continue // it went another way meanwhile
				}
				q.place = placeTaken
				if q.fresh {
					o.due--
				}
				o.taken[class]++
				out = append(out, q)
			}
		}
	}
	o.singly = max(0, o.singly-len(out))
	return out
}

// tellLate lets those go again that were not acknowledged in time.
func (o *outbox) tellLate(now time.Duration) {
	for !o.away.empty() {
		q, at := o.away.first()
		if at > now {
			return
		}
		o.away.pop()
		if q.place == placeAway && q.again == at {
			o.taken[q.urgent()]--
			o.ready(q)
		}
	}
}

// sent notes that a taken item left under a message's id; "" where it did not
// leave and is tried again like one that did.
func (o *outbox) sent(q *queued, message string, now time.Duration) {
	o.forget(q)
	q.place, q.fresh, q.message, q.held, q.again = placeAway, false, message, nil, now+resendAfter
	if message != "" {
		o.byID[message] = q
	}
	o.away.push(q, q.again)
}

// putBack returns taken items that did not leave to the head of their lines.
func (o *outbox) putBack(batch []*queued) {
	for _, q := range slices.Backward(batch) {
		if q.place != placeTaken {
			continue
		}
		o.taken[q.urgent()]--
		q.place = placeReady
		lines := &o.late
		if q.fresh {
			lines = &o.fresh
			o.due++
		}
		lines[q.urgent()].putBack(q)
	}
}

// renew is for a new session: all may go, also what was parked.
func (o *outbox) renew() {
	o.fresh, o.late, o.away = [2]fifo{}, [2]fifo{}, fifo{}
	o.due, o.taken, o.parked, o.notTill = 0, [2]int{}, 0, 0
	clear(o.byID)
	heads := make([]*queued, 0, len(o.of))
	for _, list := range o.of {
		for _, q := range list {
			q.place, q.fresh, q.message, q.held = placeBehind, true, "", nil
		}
		heads = append(heads, list[0])
	}
	slices.SortFunc(heads, func(a, b *queued) int { return cmp.Compare(a.id, b.id) })
	for _, q := range heads {
		o.ready(q)
	}
}

// leave takes an item from where it is.
func (o *outbox) leave(q *queued, to place) {
	switch q.place {
	case placeReady:
		if q.fresh {
			o.due--
		}
	case placeTaken, placeAway:
		o.taken[q.urgent()]--
	case placeParked:
		o.parked--
	}
	o.forget(q)
	q.place, q.held = to, nil
}

func (o *outbox) forget(q *queued) {
	if q.message != "" {
		delete(o.byID, q.message)
		q.message = ""
	}
}

func (o *outbox) park(q *queued, why error) {
	if q.place == placeGone || q.place == placeParked {
		return
	}
	q.why = why.Error()
	q.why = q.why[:min(len(q.why), maxWhy)]
	o.leave(q, placeParked)
	o.parked++
}

// maxWhy bounds what is kept of why an item is parked, in bytes: the backend's
// words may be long.
const maxWhy = 300

// done forgets an item that was acknowledged, and lets the next one of its
// payment go.
func (o *outbox) done(q *queued) {
	if q.place == placeGone {
		return
	}
	o.leave(q, placeGone)
	o.size--
	list := slices.DeleteFunc(o.of[q.payment], func(other *queued) bool { return other == q })
	if len(list) == 0 {
		delete(o.of, q.payment)
		return
	}
	o.of[q.payment] = list
	if list[0].place == placeBehind {
		o.ready(list[0])
	}
}

// askAgain lets a payment's items go now, also what was parked.
func (o *outbox) askAgain(id terminal.PaymentID) {
	list := o.of[id]
	for _, q := range list {
		if q.place != placeTaken {
			o.leave(q, placeBehind)
			q.fresh = true
		}
	}
	if len(list) > 0 && list[0].place == placeBehind {
		o.ready(list[0])
	}
}

// acknowledgedBy gives the item that an acknowledgement is about; nil for none. A
// payment has one reversal, advice or void at most, and refunds by their own ids.
func (o *outbox) acknowledgedBy(a wire.Ack) *queued {
	for _, q := range o.of[terminal.PaymentID(a.Payment)] {
		if q.kind == outKinds[a.Of] && (q.kind != OutRefund || q.refund == terminal.RefundID(a.Op)) {
			return q
		}
	}
	return nil
}

// next gives when an item may go again for which nothing else is to happen first;
// false where there is none.
func (o *outbox) next(now time.Duration) (time.Duration, bool) {
	if o.notTill > now {
		return o.notTill, true
	}
	if o.away.empty() {
		return 0, false
	}
	_, at := o.away.first()
	return at, at > now
}

// fifo is a line of items, each with a time. An item may stand in it that went
// another way: whoever takes it from there looks at its place.
type fifo struct {
	list []slot
	head int
}

type slot struct {
	item *queued
	at   time.Duration
}

func (f *fifo) empty() bool { return f.head == len(f.list) }

func (f *fifo) push(q *queued, at time.Duration) { f.list = append(f.list, slot{q, at}) }

func (f *fifo) first() (*queued, time.Duration) { return f.list[f.head].item, f.list[f.head].at }

func (f *fifo) pop() (*queued, time.Duration) {
	s := f.list[f.head]
	f.list[f.head] = slot{}
	if f.head++; f.head > len(f.list)/2 {
		left := copy(f.list, f.list[f.head:])
		clear(f.list[left:])
		f.list, f.head = f.list[:left], 0
	}
	return s.item, s.at
}

func (f *fifo) putBack(q *queued) {
	if f.head == 0 {
		f.list = slices.Insert(f.list, 0, slot{})
		f.head = 1
	}
	f.head--
	f.list[f.head] = slot{item: q}
}
