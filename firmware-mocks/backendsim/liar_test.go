package backendsim

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// everything is what a register can say of a payment, by what it is.
func (w *world) everything(id, code string) map[string]wire.Message {
	return map[string]wire.Message{
		"authorise": w.buy(id, code, 720, nil), "query": w.query(id), "reversal": w.reverse(id),
		"advice": w.advise(id, code, 720, nil, nil), "void": w.undo(id, newID(w.t)), "refund": w.giveBack(id, newID(w.t), 1),
	}
}

func TestI1AnothersPaymentIsRefusedWhateverIsSaidOfIt(t *testing.T) {
	w := running(t)
	owner, liar := w.till("r1", "i1"), w.till("r2", "i1")
	buyer, thief := w.phone("account-0001", boundLongAgo), w.phone("account-0002", boundLongAgo)
	approved, declined, advised, dead := newID(t), newID(t), newID(t), newID(t)
	outcome(t, owner.ask(w.buy(approved, buyer.show(), 720, nil)), wire.OutcomeApproved, "")
	outcome(t, owner.ask(w.buy(declined, "no pass", 720, nil)), wire.OutcomeDeclined, "code.forged")
	acked(t, owner.ask(w.advise(advised, buyer.show(), 720, nil, nil)), wire.StatusAccepted, "", "")
	acked(t, owner.ask(w.reverse(dead)), wire.StatusAccepted, "", "")
	before := w.ledgerNow()
	for _, id := range []string{approved, declined, advised, dead} {
		for name, m := range w.everything(id, thief.show()) {
			reply := liar.ask(m)
			if reply.Type != wire.TypeError || reply.Error.Code != wire.CodeRefused {
				t.Errorf("%s of another's payment was answered by %v %+v %+v", name, reply, reply.Answer, reply.Ack)
			}
		}
	}
	if after := w.ledgerNow(); after != before {
		t.Errorf("the ledger went from\n%s\nto\n%s", before, after)
	}
	// And an operation's id of another's does not serve for a payment of its own.
	refund, own := newID(t), newID(t)
	acked(t, owner.ask(w.giveBack(approved, refund, 20)), wire.StatusAccepted, "", "")
	outcome(t, liar.ask(w.buy(own, thief.show(), 720, nil)), wire.OutcomeApproved, "")
	refused(t, liar.ask(w.giveBack(own, refund, 20)), wire.CodeRefused)
	moved(t, w, own, 720)
}

// ledgerNow prints payments, money and caps.
func (w *world) ledgerNow() string {
	w.t.Helper()
	ctx := context.Background()
	payments, err := w.b.Ledger().Payments(ctx)
	must(w.t, err)
	charges, err := w.b.Ledger().Charges(ctx, "")
	must(w.t, err)
	caps, err := w.b.Ledger().Caps(ctx)
	must(w.t, err)
	return fmt.Sprintf("%+v\n%+v\n%+v", payments, charges, caps)
}

// A register that says more than it may hear the answers to waits by itself: of
// what is decided, others get their turn.
func TestI8AFloodLeavesTheOthersTheirTurn(t *testing.T) {
	w := running(t)
	honest, flood := w.till("r2", "i1"), w.till("r1", "i1")
	stop, ended := make(chan struct{}), make(chan struct{})
	query := flood.wrap(w.query(newID(t)))
	data, err := wire.Encode(query)
	must(t, err)
	go func() { // reads what it gets, so that nothing but its turn holds it up
		defer close(ended)
		for {
			if _, _, err := flood.conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for {
			select {
			case <-stop:
				return
			default:
				if flood.conn.WriteMessage(websocket.TextMessage, data) != nil {
					return
				}
			}
		}
	}()
	handled := func() (n int) {
		must(t, w.b.ledger.view(t.Context(), func(x *tx) error {
			return x.row("SELECT count(*) FROM event WHERE register = 'r1'").Scan(&n)
		}))
		return n
	}
	for handled() < 50 { // it is in full flow
		honest.ask(w.query(newID(t)))
	}
	const asked = 100
	before, worst := handled(), time.Duration(0)
	for range asked {
		begun := time.Now()
		outcome(t, honest.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
		worst = max(worst, time.Since(begun))
	}
	between := handled() - before
	close(stop)
	must(t, flood.conn.Close())
	<-sent
	<-ended
	t.Logf("of the flood %d messages were handled beside %d honest ones, the slowest of which took %v", between, asked, worst)
	if between > 10*asked {
		t.Errorf("the flood had %d turns while another had %d", between, asked)
	}
}

// A register that never reads loses its link, and nobody waits for it.
func TestI8ARegisterThatNeverReadsLosesItsLink(t *testing.T) {
	w := running(t)
	deaf := w.till("r1", "i1")
	must(t, deaf.conn.NetConn().(*net.TCPConn).SetReadBuffer(4096))
	data, err := wire.Encode(deaf.wrap(w.query(newID(t))))
	must(t, err)
	for {
		must(t, deaf.conn.SetWriteDeadline(time.Now().Add(patience)))
		if err := deaf.conn.WriteMessage(websocket.TextMessage, data); err != nil {
			break // the backend has ended it
		}
	}
	must(t, deaf.conn.Close())
	outcome(t, w.till("r1", "i1").ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
}

func TestI8AMessageThatIsTooLongIsAnsweredAndAnEndlessOneEndsTheLink(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	long := make([]byte, wire.MaxMessage+1)
	for i := range long {
		long[i] = ' '
	}
	must(t, r.conn.WriteMessage(websocket.TextMessage, long))
	refused(t, r.push(wire.TypeError), wire.CodeSyntax)
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "") // the link stays
	out, err := r.conn.NextWriter(websocket.TextMessage)
	must(t, err)
	for err == nil { // until the backend has had enough
		_, err = out.Write(long)
	}
	must(t, r.conn.Close())
	w.till("r1", "i1")
}

// Hello upon hello is a session upon session, and costs the others nothing.
func TestI8AHelloStormHarmsNobodyElse(t *testing.T) {
	w := running(t)
	honest, storm := w.till("r2", "i1"), w.till("r1", "i1")
	before := w.capNow("tobacco-day").Granted
	for i := range 50 {
		again := storm.ask(storm.hello())
		if again.Type != wire.TypeWelcome || again.Welcome.Session != storm.session+1 {
			t.Fatalf("hello %d was answered by %v %+v", i, again, again.Error)
		}
		storm.session = again.Welcome.Session
	}
	outcome(t, storm.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	outcome(t, honest.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	if got := w.capNow("tobacco-day").Granted; got != before {
		t.Errorf("granted went from %v to %v", before, got)
	}
}

func TestI6AForgedCheckpointChangesNothingForOthers(t *testing.T) {
	w, l, r := enrolled(t)
	other := newLedgerOf(t, "r2")
	must(t, w.b.Enrol(context.Background(), store, "r2", other.vkey))
	liar := w.till("r2", "i1")
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	l.grow(9, "leaf")
	stolen := l.point(5) // r1's own, sent by r2
	acked(t, liar.ask(stolen), wire.StatusRejected, "register.quarantine", "")
	liar.closed()
	if w.doubt("r2") != DoubtCheckpoint || w.doubt("r1") != "" {
		t.Errorf("the doubts are %q of the liar and %q of the other", w.doubt("r2"), w.doubt("r1"))
	}
	acked(t, r.ask(stolen), wire.StatusAccepted, "", "")
	third := newLedgerOf(t, "r3") // nothing, under a root that is not that of nothing
	must(t, w.b.Enrol(context.Background(), store, "r3", third.vkey))
	m := third.point(0)
	m.Checkpoint.Note = third.sign(0, strings.Repeat("A", 43)+"=")
	acked(t, w.till("r3", "i1").ask(m), wire.StatusRejected, "register.quarantine", "")
	if got := w.doubt("r3"); got != DoubtCheckpoint {
		t.Errorf("the doubt is %q, want %q", got, DoubtCheckpoint)
	}
}
