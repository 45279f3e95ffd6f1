package register_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// capsOverTime are three packs an hour at this register, and three a day for an
// account.
const capsOverTime = `
[[cap]]
id = "packs-hour"
scope = "register"
window = "hour"
category = "tobacco"
units = %d
[[cap]]
id = "packs-account"
scope = "account"
window = "rolling"
over = "24h"
category = "tobacco"
units = %d
`

// pump is a till where one cap lets three packs through, with the line down.
type pump struct {
	*world
	n   int
	why terminal.Reason // of the pack that is one too many
}

// pumps runs a test for each kind of cap that counts over time.
func pumps(t *testing.T, test func(t *testing.T, p *pump)) {
	for _, c := range []struct {
		why                  terminal.Reason
		store, hour, account int64
	}{
		{terminal.CapStore, 3, 100, 100},
		{terminal.CapRegister, 100, 3, 100},
		{terminal.CapAccount, 100, 100, 3},
	} {
		t.Run(string(c.why), func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				w.start()
				w.up(w.sign(policyText(1, issuerKey(), watchPacks+fmt.Sprintf(capsOverTime, c.hour, c.account))))
				w.grant(w.units("tobacco-day", c.store), w.units("tobacco-offline", 100))
				w.down()
				test(t, &pump{world: w, why: c.why})
			})
		})
	}
}

// buys rings up packs and shows a fresh pass of the same account; the sale that
// is not paid is cancelled.
func (p *pump) buys(packets int64, want terminal.State) terminal.PaymentID {
	p.t.Helper()
	p.n++
	ref := terminal.SaleRef(fmt.Sprint("s", p.n))
	p.sells(ref, packs(packets)...)
	id := p.pays("account-1")
	why := terminal.Reason("")
	if want == terminal.Refused {
		why = p.why
	}
	p.wantState(id, want, why)
	if want == terminal.Refused {
		_, err := p.reg.CancelSale(p.t.Context(), ref)
		p.must(err)
	}
	return id
}

// Buy, void, buy: what was undone counts until the backend has acknowledged the
// void, and no longer.
func TestI3BuyVoidBuyPumpsNothing(t *testing.T) {
	pumps(t, func(t *testing.T, p *pump) {
		id := p.buys(3, terminal.ApprovedOffline)
		_, err := p.reg.Void(t.Context(), id)
		p.must(err)
		p.buys(1, terminal.Refused)
		p.up("")
		p.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		p.down()
		p.buys(1, terminal.Refused)
		p.up("")
		p.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
		p.down()
		id = p.buys(3, terminal.ApprovedOffline)
		_, err = p.reg.HandOver(t.Context(), id)
		p.must(err)
		p.buys(1, terminal.Refused)
	})
}

// Buy, hand over, refund, buy: money given back is no quota given back.
func TestI3BuyRefundBuyPumpsNothing(t *testing.T) {
	pumps(t, func(t *testing.T, p *pump) {
		const refund = "0190163d-8694-739b-aea5-966c26f8ad90"
		id := p.buys(3, terminal.ApprovedOffline)
		_, err := p.reg.HandOver(t.Context(), id)
		p.must(err)
		p.up("")
		p.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		_, err = p.reg.Refund(t.Context(), id, refund, p.payment(id).Amount)
		p.must(err)
		p.receive(wire.Message{Type: wire.TypeAck, Ack: &wire.Ack{
			Payment: string(id), Of: wire.TypeRefund, Op: refund, Status: wire.StatusAccepted, Time: time.Now().UnixMilli(),
		}})
		if r := p.payment(id).Refunds; len(r) != 1 || r[0].State != terminal.RefundDone {
			t.Fatalf("%+v", r)
		}
		p.down()
		p.buys(1, terminal.Refused)
	})
}

// A rejected advice was an approval: its goods may have left, so that it counts.
func TestI3ARejectedAdviceCounts(t *testing.T) {
	pumps(t, func(t *testing.T, p *pump) {
		id := p.buys(3, terminal.ApprovedOffline)
		p.up("")
		p.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AdviceRejected)
		p.wantState(id, terminal.Rejected, terminal.AdviceRejected)
		p.down()
		p.buys(1, terminal.Refused)
	})
}

// What the backend declined never counted; what it did not answer counts until
// the reversal is acknowledged.
func TestI3DeclinesAndReversalsGiveBackWhatTheyTook(t *testing.T) {
	pumps(t, func(t *testing.T, p *pump) {
		p.up("")
		id := p.buys(3, terminal.Sent)
		p.answer(id, wire.OutcomeDeclined, func(a *wire.Answer) { a.Reason = string(terminal.CapStore) })
		_, err := p.reg.CancelSale(t.Context(), "s1")
		p.must(err)
		id = p.buys(3, terminal.Sent)
		p.after(46 * time.Second)
		p.wantState(id, terminal.Reversing, terminal.BackendSilent)
		_, err = p.reg.CancelSale(t.Context(), "s2")
		p.must(err)
		p.down()
		p.buys(1, terminal.Refused)
		p.up("")
		p.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
		p.down()
		p.buys(3, terminal.ApprovedOffline)
	})
}

// A register's cap counts what was sold with the line up too, and a restart
// forgets nothing of it; the next hour is another window.
func TestI3RegisterCapOverLineAndRestart(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up(w.sign(policyText(1, issuerKey(), watchPacks+fmt.Sprintf(capsOverTime, 3, 100))))
		w.grant(w.units("tobacco-day", 10), w.units("tobacco-offline", 10))
		p := &pump{world: w, why: terminal.CapRegister}
		w.after(59 * time.Minute) // the bubble began at a whole hour
		p.answer(p.buys(2, terminal.Sent), wire.OutcomeApproved)
		p.buys(2, terminal.Refused)
		p.down()
		p.buys(1, terminal.ApprovedOffline)
		p.restart()
		synctest.Wait()
		p.buys(1, terminal.Refused)
		if own := p.own(); own.Cap != "packs-hour" || own.Per != terminal.PerHour || own.Used.Units != 3 || !own.Held.Zero() {
			t.Errorf("%+v", own)
		}
		p.after(time.Minute)
		if own := p.own(); !own.Used.Zero() {
			t.Errorf("%+v, and the hour has just begun", own)
		}
		p.buys(2, terminal.ApprovedOffline)
	})
}

// A cap that one cap refuses takes nothing of the others.
func TestI3SeveralCapsAllOrNone(t *testing.T) {
	pumps(t, func(t *testing.T, p *pump) {
		p.buys(2, terminal.ApprovedOffline)
		used := p.counter("tobacco-offline").Used
		id := p.buys(2, terminal.Refused)
		if after := p.payment(id); len(after.Spends)+len(after.Counts) != 0 || p.counter("tobacco-offline").Used != used {
			t.Errorf("refused, and takes %+v %+v", after.Spends, after.Counts)
		}
		p.buys(1, terminal.ApprovedOffline)
	})
}

// Goods of which the POS tells only the total are what the policy says: told at
// the Total key, and again at the scan where the policy came in between.
func TestI5GoodsThatNobodyItemised(t *testing.T) {
	total := func(w *world, ready bool) error {
		_, err := w.reg.PutSale(w.t.Context(), terminal.Sale{Ref: "s1", Total: 500}, ready)
		return err
	}
	bare(t, func(t *testing.T, w *world) { // refused by default
		w.start()
		w.must(total(w, true)) // no policy yet
		w.up(w.policy(1))
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.GoodsNotListed)
		wantCode(t, total(w, true), register.CodeGoodsNotListed)
		w.must(total(w, false))
		_, err := w.reg.Ready(t.Context(), "s1")
		wantCode(t, err, register.CodeGoodsNotListed)
		w.sells("s1", riceBall)
		w.wantState(w.pays("account-1"), terminal.Sent, "")
	})
	bare(t, func(t *testing.T, w *world) { // as tobacco
		w.start()
		w.up(w.sign("goods = { unitemised = \"tobacco\" }\n" + policyText(1, issuerKey(), watchPacks)))
		w.must(total(w, true))
		w.wantState(w.pays("account-1"), terminal.Sent, "")
		a := w.line.take(wire.TypeAuthorise)[0].Authorise
		if len(a.Sale.Lines) != 1 || a.Sale.Lines[0] != (wire.Line{Category: "tobacco", Yen: 500, Units: 1}) || a.Spends[0].Need.Units != 1 {
			t.Errorf("%+v %+v", a.Sale.Lines, a.Spends)
		}
	})
}

// A new article of a watched maker counts as the policy says, also where the POS
// says something milder.
func TestI5ANewArticleOfAWatchedMaker(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		maker := "[[maker]]\nprefix = \"490277\"\ncategory = \"tobacco\"\nunits = 10\n[[category]]\nid = \"sweets\"\n"
		w.up(w.sign(policyText(1, issuerKey(), maker)))
		l := riceBall // another's, by its number
		l.Category = "sweets"
		w.sells("s1", l)
		if got := w.reg.View().Sale.Lines[0]; got.Category != "tobacco" || got.Units != 10 {
			t.Fatalf("%+v", got)
		}
		l.Quantity = 2 // 20 units, of 15 a sale
		w.sells("s1", l)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.CapRegister)
	})
}

// own gives what the desk tells of this register's only cap over time.
func (p *pump) own() register.Holding {
	p.t.Helper()
	all, err := p.reg.Caps(p.t.Context())
	p.must(err)
	last := all[len(all)-1]
	if len(all) != 3 || all[0].Scope != terminal.ScopeStore || last.Scope != terminal.ScopeRegister {
		p.t.Fatalf("%+v", all)
	}
	return last
}
