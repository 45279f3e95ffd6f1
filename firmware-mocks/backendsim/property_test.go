package backendsim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal/wire"
)

// model is a store of two registers as the protocol's prose describes them,
// with counters written here and nowhere else.
type model struct {
	t     *rapid.T
	w     *world
	b     *Backend
	tills []*modelTill
	gone  [2]int64 // yen and packs that retired incarnations used and did not release
	buyer *phone
	paid  map[string]int64
}

type modelTill struct {
	name, incarnation string
	size              int64
	caller            *caller
	granted           [2]int64
	used, released    [2]int64
	returned          [2]int64
	stopped           bool   // it sells nothing before its next hello
	open              []*try // neither answered nor reversed yet
	flying            []wire.Message
}

// try is one payment that was sent.
type try struct {
	id             string
	reserved, need [2]int64
	incarnation    string
	ask            wire.Message
	approved       bool // its goods have left
	reversing      bool
}

func (r *modelTill) held(i int) int64 {
	return r.granted[i] - r.used[i] + r.released[i] - r.returned[i]
}

func (m *model) hello(r *modelTill) {
	hello := wire.Message{
		Type: wire.TypeHello, ID: "h", Incarnation: r.incarnation, Journal: &wire.Head{Size: r.size, Root: sixtyFour},
		Hello: &wire.Hello{Register: r.name, Store: store, Software: "model", Counters: m.counters(r)},
	}
	err := m.b.ledger.change(context.Background(), func(t *tx) error {
		c, w, err := m.b.ledger.hello(t, hello, m.b.inForce(), m.w.clock(), false)
		if err == nil {
			r.caller, r.stopped = &c, false
			m.merge(r, w.Grants)
		}
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) counters(r *modelTill) []wire.Counter {
	pair := func(v [2]int64) wire.Amount { return wire.Amount{Yen: v[0], Units: v[1]} }
	return []wire.Counter{{Cap: "tobacco-day", Window: day, Granted: pair(r.granted), Used: pair(r.used), Released: pair(r.released), Returned: pair(r.returned)}}
}

func (m *model) merge(r *modelTill, grants []wire.Grant) {
	g := total(grants, "tobacco-day")
	r.granted = [2]int64{max(r.granted[0], g.Yen), max(r.granted[1], g.Units)}
}

// deliver hands a message to the backend; an answer may be lost on the way.
func (m *model) deliver(r *modelTill, msg wire.Message) {
	d, err := m.b.decide(context.Background(), nil, r.caller, msg)
	reply := d.reply
	if code := codeOf(err); err != nil && code != wire.CodeSession && code != wire.CodeRefused {
		m.t.Fatal(err)
	}
	if err != nil || m.chance("answer lost") {
		return
	}
	switch reply.Type {
	case wire.TypeAnswer:
		m.answered(r, reply.Answer)
	case wire.TypeAck:
		m.acked(r, reply.Ack)
	}
}

func codeOf(err error) wire.ErrorCode {
	if told, ok := err.(*wire.Error); ok {
		return told.Code
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return codeOf(joined.Unwrap()[0])
	}
	return ""
}

func (m *model) find(r *modelTill, id string) (int, *try) {
	for i, p := range r.open {
		if p.id == id {
			return i, p
		}
	}
	return 0, nil
}

func (m *model) answered(r *modelTill, a *wire.Answer) {
	m.merge(r, a.Grants)
	_, p := m.find(r, a.Payment)
	if p == nil || p.reversing || p.approved || p.incarnation != r.incarnation {
		return
	}
	switch a.Outcome {
	case wire.OutcomeApproved:
		// What was granted for it may have come with another answer and be
		// spent by now: an approval without the right to sell is reversed.
		if r.held(0) < p.need[0] || r.held(1) < p.need[1] {
			p.reversing = true
			return
		}
		p.approved = true
		r.used[0] += p.need[0]
		r.used[1] += p.need[1]
	case wire.OutcomeDeclined:
		m.close(r, p)
	}
}

// close releases what was reserved and forgets the payment.
func (m *model) close(r *modelTill, p *try) {
	i, _ := m.find(r, p.id)
	r.open = append(r.open[:i], r.open[i+1:]...)
	for i := range 2 {
		r.released[i] += p.reserved[i]
		if p.approved {
			r.released[i] += p.need[i]
		}
	}
}

func (m *model) acked(r *modelTill, a *wire.Ack) {
	m.merge(r, a.Grants)
	if a.Of != wire.TypeReversal && a.Of != wire.TypeVoid {
		return // a refund gives nothing back, and what was returned is gone already
	}
	if _, p := m.find(r, a.Payment); p != nil && a.Status == wire.StatusAccepted {
		m.close(r, p)
	}
}

func (m *model) wrap(r *modelTill, msg wire.Message) wire.Message {
	r.size++
	msg.ID, msg.Session, msg.Incarnation = "m", r.caller.session, r.incarnation
	msg.Journal = &wire.Head{Size: r.size, Root: sixtyFour}
	return msg
}

func (m *model) chance(what string) bool { return rapid.IntRange(0, 3).Draw(m.t, what) == 0 }

func (m *model) till() *modelTill {
	return m.tills[rapid.IntRange(0, len(m.tills)-1).Draw(m.t, "till")]
}

// send puts a message on the line: lost, late, twice or as it should be.
func (m *model) send(r *modelTill, msg wire.Message) {
	msg = m.wrap(r, msg)
	switch rapid.IntRange(0, 5).Draw(m.t, "fate") {
	case 0:
	case 1:
		r.flying = append(r.flying, msg)
	case 2:
		m.deliver(r, msg)
		m.deliver(r, msg)
	default:
		m.deliver(r, msg)
	}
}

func (m *model) sell() {
	r := m.till()
	if r.stopped {
		return
	}
	packs := rapid.Int64Range(1, 8).Draw(m.t, "packs")
	p := &try{id: newID(m.w.t), incarnation: r.incarnation}
	for i, want := range [2]int64{600 * packs, packs} {
		p.reserved[i] = min(want, r.held(i))
		p.need[i] = want - p.reserved[i]
		r.used[i] += p.reserved[i]
	}
	spend := wire.Spend{
		Cap: "tobacco-day", Window: day, Reserved: wire.Amount{Yen: p.reserved[0], Units: p.reserved[1]},
		Need: wire.Amount{Yen: p.need[0], Units: p.need[1]},
	}
	p.ask = m.w.buy(p.id, m.buyer.show(), 600*packs, tobacco(packs), spend)
	p.ask.Authorise.Counters = m.counters(r)
	m.paid[p.id] = 600 * packs
	r.open = append(r.open, p)
	m.send(r, p.ask)
}

// undo reverses a payment that is not known, or voids one that is approved.
func (m *model) undo() {
	r := m.till()
	if len(r.open) == 0 {
		return
	}
	p := r.open[rapid.IntRange(0, len(r.open)-1).Draw(m.t, "which")]
	switch {
	case p.incarnation != r.incarnation:
	case p.approved:
		m.send(r, m.w.undo(p.id, p.id))
	default:
		p.reversing = true
		m.send(r, m.w.reverse(p.id))
	}
}

// refund gives a part of an approved payment back, perhaps too much.
func (m *model) refund() {
	r := m.till()
	for _, p := range r.open {
		if p.approved {
			m.send(r, m.w.giveBack(p.id, newID(m.w.t), rapid.Int64Range(1, m.paid[p.id]).Draw(m.t, "yen")))
			return
		}
	}
}

// stop gives back what is held. The message may be lost, which burns it, or come
// twice.
func (m *model) stop() {
	r := m.till()
	for i := range 2 {
		r.returned[i] += r.held(i)
	}
	r.stopped = true
	m.send(r, giveUp(m.counters(r)...))
}

func (m *model) ask() {
	r := m.till()
	if len(r.open) > 0 {
		m.send(r, m.w.query(r.open[rapid.IntRange(0, len(r.open)-1).Draw(m.t, "which")].id))
	}
}

func (m *model) land() {
	r := m.till()
	if len(r.flying) > 0 {
		i := rapid.IntRange(0, len(r.flying)-1).Draw(m.t, "which")
		m.deliver(r, r.flying[i])
	}
}

func (m *model) redial() { m.hello(m.till()) }

// reboot loses what was held; what was used stays sold.
func (m *model) reboot() {
	r := m.till()
	for i := range 2 {
		m.gone[i] += r.used[i] - r.released[i]
	}
	r.granted, r.used, r.released, r.returned, r.open = [2]int64{}, [2]int64{}, [2]int64{}, [2]int64{}, nil
	r.incarnation = newID(m.w.t)
	m.hello(r)
}

// restart ends the backend and starts it on its file.
func (m *model) restart() {
	if m.w.cfg.File == "" {
		return // memory does not outlive it
	}
	must(m.w.t, m.b.Close())
	b, err := Open(context.Background(), m.w.cfg)
	must(m.w.t, err)
	m.b, m.w.b = b, b
}

// check holds I3 and I1 after every step.
func (m *model) check(*rapid.T) {
	sold := m.gone
	for _, r := range m.tills {
		for i := range 2 {
			sold[i] += r.used[i] - r.released[i]
			if r.held(i) < 0 {
				m.t.Fatalf("%s holds %d", r.name, r.held(i))
			}
		}
	}
	c := m.w.capNow("tobacco-day")
	if sold[0] > 30_000 || sold[1] > 20 || c.Granted.Yen-c.Returned.Yen > 30_000 || c.Granted.Units-c.Returned.Units > 20 {
		m.t.Fatalf("sold %v of 30000 yen and 20 packs, granted %+v", sold, c)
	}
	charges, err := m.b.Ledger().Charges(context.Background(), "")
	if err != nil {
		m.t.Fatal(err)
	}
	net := map[string]int64{}
	for _, k := range charges {
		if k.Kind == Charge {
			net[k.Payment] += k.Amount
		} else {
			net[k.Payment] -= k.Amount
		}
		if n := net[k.Payment]; n < 0 || n > m.paid[k.Payment] {
			m.t.Fatalf("a payment of %d yen came to %d", m.paid[k.Payment], n)
		}
	}
	m.account()
}

// What the account may buy in a minute at both registers together, in yen.
const accountMinute = 9000

// account holds the account's cap: in the minute before each payment that stands,
// it and those that stand came to no more. What was refunded stands.
func (m *model) account() {
	all, err := m.b.Ledger().Payments(context.Background())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, last := range all {
		sum := int64(0)
		for _, p := range all {
			if p.State == Approved && p.Decided <= last.Decided && p.Decided >= last.Decided-60_000 {
				sum += p.Amount
			}
		}
		if sum > accountMinute {
			m.t.Fatalf("the account bought for %d yen in a minute", sum)
		}
	}
}

// The caps of store and account hold whatever is lost, doubled, late, refunded,
// given back or rebooted; rapid prints its seed on failure.
func TestI3NoHistoryGrantsMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.also = fmt.Sprintf("[[cap]]\nid = \"account-minute\"\nscope = \"account\"\nwindow = \"rolling\"\nover = \"1m\"\nyen = %d\n", accountMinute)
		w.cfg.Note, w.cfg.Policy = w.policy(3, 20)
		if rapid.Bool().Draw(rt, "in memory") {
			w.cfg.File = ""
		}
		b, err := Open(context.Background(), w.cfg)
		must(t, err)
		w.b = b
		defer func() { must(t, w.b.Close()) }()
		m := &model{t: rt, w: w, b: b, buyer: w.phone("account-0001", boundLongAgo), paid: map[string]int64{}}
		for _, name := range []string{"r1", "r2"} {
			r := &modelTill{name: name, incarnation: newID(t)}
			m.hello(r)
			m.tills = append(m.tills, r)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"sell": func(*rapid.T) { m.sell() }, "sell too": func(*rapid.T) { m.sell() },
			"undo": func(*rapid.T) { m.undo() }, "query": func(*rapid.T) { m.ask() },
			"land": func(*rapid.T) { m.land() }, "redial": func(*rapid.T) { m.redial() },
			"reboot": func(*rapid.T) { m.reboot() },
			"stop":   func(*rapid.T) { m.stop() }, "refund": func(*rapid.T) { m.refund() },
			"restart": func(*rapid.T) { m.restart() },
			"rest":    func(*rapid.T) { w.pass(40 * time.Second) },
			"wait":    func(*rapid.T) { w.pass(4 * time.Second) },
			"":        m.check,
		})
	})
}

// Buying, undoing and buying again gets nobody above a cap, and refunds get
// nobody anything: what counts is what stands, and what was refunded stands.
func TestI3PumpingByVoidReversalAndRefundGetsNobodyAboveTheCap(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	counter := counted(wire.Amount{}, wire.Amount{}, wire.Amount{})
	add := func(to *wire.Amount, packs int64) { to.Yen, to.Units = to.Yen+600*packs, to.Units+packs }
	buy := func(packs int64) (string, bool) {
		id := newID(t)
		m := w.buy(id, buyer.show(), 600*packs, tobacco(packs), need("tobacco-day", 600*packs, packs))
		m.Authorise.Counters = []wire.Counter{counter}
		ok := r.ask(m).Answer.Outcome == wire.OutcomeApproved
		if ok {
			add(&counter.Used, packs)
		}
		return id, ok
	}
	var stand int64
	for range 40 { // two packs of which one payment each is voided, reversed, refunded
		for _, end := range []func(string) wire.Message{
			func(id string) wire.Message { return w.undo(id, newID(t)) },
			func(id string) wire.Message { return w.reverse(id) },
			func(id string) wire.Message { return w.giveBack(id, newID(t), 1200) },
		} {
			id, ok := buy(2)
			if !ok {
				continue
			}
			m := end(id)
			acked(t, r.ask(m), wire.StatusAccepted, "", "")
			if m.Refund != nil {
				stand += 2
			} else {
				add(&counter.Released, 2)
			}
		}
	}
	c := w.capNow("tobacco-day")
	if stand > 20 || c.Sold.Units != stand || c.Granted.Units-c.Returned.Units > 20 {
		t.Errorf("%d packs left the store and stand; the row says %+v", stand, c)
	}
	if stand == 0 {
		t.Error("nothing was sold: the test shows nothing")
	}
}
