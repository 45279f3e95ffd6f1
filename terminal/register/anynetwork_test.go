package register_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// I1 I2 I3 I4 I8: whatever a network does to the messages between a register and
// its backend (lost, doubled, late, in any order, of sessions that are over), and
// however often both are killed and the machine is booted anew, in the end the
// books are equal, nothing was charged twice, no pass paid twice, no store cap was
// exceeded, and nothing waits.
func TestI1I3I4AnyNetworkAndAnyKill(t *testing.T) {
	few(t)
	rapid.Check(t, func(r *rapid.T) {
		// rapid's own draws are near 0 as a rule: a network must not be. It gives the
		// seed, and finds how few steps do.
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		steps := rapid.IntRange(30, 90).Draw(r, "steps")
		bare(t, func(t *testing.T, w *world) {
			n := &network{w: w, dice: dice, approved: map[terminal.PaymentID]bool{}}
			n.bank = newBank(t, func() bool { return n.draw(7) == 0 }, func(most int64) int64 { return int64(n.draw(int(most))) })
			w.start()
			n.connects(w.policy(1))
			for range steps {
				n.step()
			}
			n.settles()
			n.compare()
		})
	})
}

// network is what lies between a register and the bank, and the people at the till.
type network struct {
	w        *world
	dice     *rand.Rand
	bank     *bank
	up       []wire.Message // on their way to the bank
	down     []wire.Message // on their way to the register
	honest   bool
	burst    bool // replies come in one breath
	sales    int
	boots    int
	ids      []terminal.PaymentID
	codes    []string
	approved map[terminal.PaymentID]bool // as the page said
}

// draw gives a number from 0 to most.
func (n *network) draw(most int) int { return n.dice.IntN(max(most, 0) + 1) }

// connects opens a session, as the link does.
func (n *network) connects(policy string) {
	w := n.w
	hello, err := w.reg.Hello(w.t.Context())
	if err != nil {
		return
	}
	day := string(w.day())
	if day == "" {
		day = "2000-01-01" // before there is a policy
	}
	welcome := n.bank.hello(hello, day)
	welcome.Policy = policy
	w.session = welcome.Session
	w.line.set(true)
	w.reg.LinkUp(w.t.Context(), welcome)
	synctest.Wait()
	if policy != "" {
		n.tells(wire.Message{Type: wire.TypeDenials, Session: w.session, Denials: &wire.Denials{To: 1, Part: 1, Parts: 1}})
	}
	n.collect()
}

// tells delivers a message of the present session, as the link does: those of
// others it drops.
func (n *network) tells(m wire.Message) {
	if m.Session != n.w.session || !n.w.line.is() {
		return
	}
	m.Version, m.ID = wire.Version, "b"
	n.w.reg.Received(n.w.t.Context(), m)
	if !n.burst {
		synctest.Wait()
	}
}

// bursts lets several of the bank's replies come in one breath, so that they wait
// for the disk together.
func (n *network) bursts() {
	n.collect()
	for _, m := range n.up {
		n.bankHears(m)
	}
	n.up, n.burst = nil, true
	n.dice.Shuffle(len(n.down), func(i, j int) { n.down[i], n.down[j] = n.down[j], n.down[i] })
	for _, m := range n.down {
		n.tells(m)
	}
	n.down, n.burst = nil, false
	synctest.Wait()
}

// collect takes what the register sent.
func (n *network) collect() {
	l := n.w.line
	l.mu.Lock()
	defer l.mu.Unlock()
	n.up = append(n.up, l.sent...)
	l.sent = nil
}

// step lets one thing happen.
func (n *network) step() {
	w := n.w
	switch k := n.draw(29); k {
	case 0, 1, 2, 3, 4, 5, 6, 7, 8:
		n.sells()
	case 9:
		n.backlog()
	case 10, 11, 12:
		n.cashier()
	case 13, 14:
		n.refunds()
	case 15, 16:
		w.after(time.Duration(1+n.draw(5)) * time.Second)
	case 17:
		w.after(time.Duration(1+n.draw(50)) * time.Second)
	case 18:
		w.down()
	case 19, 20, 23, 24:
		w.down() // the bank was killed, or the line broke: a session of its own either way
		n.connects("")
		if n.draw(2) == 0 {
			n.regrets()
		}
	case 25:
		n.bursts()
	case 26: // the line takes nothing for a while
		w.line.fill(true)
		n.crowded()
		w.line.fill(false)
	case 21:
		n.restarts(n.draw(2) == 0)
	case 22:
		n.disk()
	default:
		for range 1 + n.draw(6) {
			n.moves()
		}
	}
	n.collect()
	n.look()
}

// crowded lets what waits meet a line that is up and has no room.
func (n *network) crowded() {
	n.w.down()
	n.sells()
	n.connects("")
	n.w.after(time.Duration(1+n.draw(3)) * time.Second)
}

// moves lets one message come, whichever, and perhaps twice, or loses it.
func (n *network) moves() {
	n.collect()
	list, hear := &n.up, n.bankHears
	if len(n.up) == 0 || len(n.down) > 0 && n.draw(1) == 0 {
		list, hear = &n.down, n.tells
	}
	if len(*list) == 0 {
		return
	}
	i := 0
	if !n.honest {
		i = n.draw(len(*list) - 1)
	}
	m := (*list)[i]
	fate := 0
	if !n.honest {
		fate = n.draw(7)
	}
	if fate != 1 { // doubled: it is still on its way
		*list = slices.Delete(*list, i, i+1)
	}
	if fate != 2 { // lost
		hear(m)
	}
}

func (n *network) bankHears(m wire.Message) {
	if reply, any := n.bank.hears(m); any {
		n.down = append(n.down, reply)
	}
}

// restarts kills the register, or boots its machine, with the line down.
func (n *network) restarts(boot bool) {
	w := n.w
	w.disk.refuse(nil)
	w.line.set(false)
	n.collect()
	w.stop()
	if boot {
		n.boots++
		w.inc = terminal.Incarnation(fmt.Sprintf("%032x", n.boots))
		w.anchor, w.boot = register.Anchor{}, time.Now()
	}
	w.start()
	if n.draw(3) > 0 {
		n.connects("")
	}
}

// disk lets the ledger take nothing for a while, or leaves a commit in doubt.
func (n *network) disk() {
	w := n.w
	switch n.draw(3) {
	case 0, 1:
		// It takes no two payments at once. What may wait is read anew by a session.
		w.disk.refuse(func(c register.Changes) bool { return len(c.Payments) > 1 })
		w.down()
		n.connects("")
		n.bursts()
		n.bursts()
		w.disk.refuse(nil)
		return
	case 2:
		w.disk.fault(nil, func(_ register.Changes, err error) error {
			w.disk.fault(nil, nil)
			return errors.Join(err, register.ErrInDoubt)
		})
		return
	}
	w.disk.refuse(func(register.Changes) bool { return true })
	for range 1 + n.draw(3) {
		n.moves()
	}
	w.after(time.Duration(n.draw(3)) * time.Second)
	if n.draw(2) == 0 {
		n.restarts(false)
	}
	w.disk.refuse(nil)
}

// settles lets the network be honest until nothing waits. What is not known is
// given up after the policy's 45 seconds.
func (n *network) settles() {
	w := n.w
	n.honest = true
	w.disk.refuse(nil)
	w.disk.fault(nil, nil)
	w.down()
	n.up, n.down = slices.DeleteFunc(n.up, func(wire.Message) bool { return n.draw(1) == 0 }), nil // the rest comes late
	n.connects("")
	for range 30 {
		n.collect()
		for len(n.up)+len(n.down) > 0 {
			n.moves()
			n.collect()
		}
		if v := w.reg.View(); v.Outbox == 0 && v.Unresolved == 0 {
			return
		}
		w.after(3 * time.Second)
	}
	v := w.reg.View()
	w.t.Fatalf("after 90 s with an honest line %d messages wait, %d parked, %d unresolved", v.Outbox, v.Parked, v.Unresolved)
}

// few lets a test whose every run is long make fewer of them, unless somebody
// says how many.
func few(t *testing.T) {
	f := flag.Lookup("rapid.checks")
	if f.Value.String() == f.DefValue {
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
		_ = f.Value.Set("30")
	}
}
