package backendsim

import (
	"testing"
	"time"

	"sekisho/terminal/wire"
)

// I3: sums stay sums, whatever a register that lies says was sold: its advices
// keep nobody else's register from deciding about the account.
func TestI3NoWordOfARegisterOverflowsAnAccountsSum(t *testing.T) {
	w := withAccountCaps(t)
	liar, honest := w.till("r1", "i1"), w.till("r2", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	lines := make([]wire.Line, 1000)
	for i := range lines {
		lines[i] = wire.Line{Category: "tobacco", Yen: 1 << 53, Units: 1 << 53}
	}
	for range 3 {
		reply := liar.ask(w.advise(newID(t), buyer.show(), 100, lines, nil))
		if reply.Type != wire.TypeAck || reply.Ack.Status != wire.StatusRejected {
			t.Fatalf("the advice was answered by %v %+v %+v", reply, reply.Ack, reply.Error)
		}
	}
	outcome(t, honest.ask(w.buy(newID(t), buyer.show(), 100, nil)), wire.OutcomeDeclined, "cap.account")
	outcome(t, honest.ask(w.buy(newID(t), buyer.show(), 100, tobacco(1), need("tobacco-day", 600, 1))), wire.OutcomeDeclined, "cap.account")
	w.pass(2*time.Hour + time.Second)
	outcome(t, honest.ask(w.buy(newID(t), buyer.show(), 100, nil)), wire.OutcomeApproved, "")
}
