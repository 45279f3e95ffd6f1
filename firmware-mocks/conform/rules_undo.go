package conform

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var undoRules = []Rule{
	{"reversal.credits", "The reversal of an approval is accepted; the payment is reversed and nothing of it is charged.", aReversal, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(price)
		t.accepted(t.reverse(payment))
		t.outcome(payment, wire.OutcomeReversed)
		t.notCharged(payment)
	}},
	{"reversal.once", "A reversal may come again, in the next session too, and is accepted again.", thePromises, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(price)
		t.accepted(t.reverse(payment))
		t.accepted(t.reverse(payment))
		t = t.rejoin()
		t.accepted(t.reverse(payment))
		t.outcome(payment, wire.OutcomeReversed)
	}},
	{"reversal.tombstone", "The reversal of an id not seen is accepted and refuses the authorise that comes after it.", aReversal, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.accepted(t.reverse(payment))
		a := t.answer(t.buy(payment, p.fresh(), price))
		p.want(a.Outcome == wire.OutcomeReversed, "an authorise after its own reversal was answered %s, not reversed", a.Outcome)
		t.outcome(payment, wire.OutcomeReversed)
		t.notCharged(payment)
	}},
	{"reversal.tombstone-session", "The tombstone stands in later sessions.", aReversal, func(p *play) {
		t, payment := p.join(p.a()), newID()
		t.accepted(t.reverse(payment))
		t = t.rejoin()
		a := t.answer(t.buy(payment, p.fresh(), price))
		p.want(a.Outcome == wire.OutcomeReversed, "an authorise after its own reversal was answered %s in the next session", a.Outcome)
	}},
	{"reversal.authorise-again", "An authorise that comes again after its reversal is answered reversed.", anAuthorise, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), p.fresh(), price)
		t.approved(m)
		t.accepted(t.reverse(m.Authorise.Payment))
		m.ID = ""
		a := t.answer(m)
		p.want(a.Outcome == wire.OutcomeReversed, "an authorise after its own reversal was answered %s, not reversed", a.Outcome)
		t.notCharged(m.Authorise.Payment)
	}},
	{"reversal.declined", "The reversal of what was declined is accepted, and it stays declined or reversed.", aReversal, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), "SK1:0", price)
		t.declined(m, "")
		t.accepted(t.reverse(m.Authorise.Payment))
		a := t.answer(t.query(m.Authorise.Payment))
		p.want(a.Outcome == wire.OutcomeDeclined || a.Outcome == wire.OutcomeReversed, "a declined payment is %s after its reversal", a.Outcome)
		t.notCharged(m.Authorise.Payment)
	}},
	{"void.credits", "The void of an approval is accepted, and nothing of it is charged.", aVoid, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(price)
		t.accepted(t.void(payment, newID()))
		a := t.answer(t.query(payment))
		p.want(a.Outcome == wire.OutcomeReversed, "a voided payment is %s", a.Outcome)
		t.notCharged(payment)
	}},
	{"void.once", "A void that comes again by its own id gets the same acknowledgement, in the next session too.", thePromises, func(p *play) {
		t, id := p.join(p.a()), newID()
		payment := t.paid(price)
		t.accepted(t.void(payment, id))
		t.accepted(t.void(payment, id))
		t = t.rejoin()
		t.accepted(t.void(payment, id))
		t.notCharged(payment)
	}},
	{"void.nothing", "A void is rejected where there is no approval to undo: declined, reversed.", aVoid, func(p *play) {
		t := p.join(p.a())
		m := t.buy(newID(), "SK1:0", price)
		t.declined(m, "")
		t.rejected(t.void(m.Authorise.Payment, newID()), "")
		payment := t.paid(price)
		t.accepted(t.reverse(payment))
		t.rejected(t.void(payment, newID()), "")
	}},
	{"void.again", "A void of what was voided already, by whatever id, is accepted, and so is one of an advice that was rejected: nothing of it is charged.", aVoid, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(price)
		t.accepted(t.void(payment, newID()))
		t.accepted(t.void(payment, newID()))
		t.notCharged(payment)
		bad := newID()
		t.rejected(t.advise(bad, p.shownAt(time.Hour), price), "")
		t.accepted(t.void(bad, newID()))
		t.notCharged(bad)
	}},
	{"void.not-seen", "A void of an id that was not seen is rejected, and takes it for nobody.", aVoid, func(p *play) {
		a, b, payment := p.join(p.a()), p.join(p.b()), newID()
		a.rejected(a.void(payment, newID()), "")
		b.approved(b.buy(payment, p.fresh(), price))
		b.charged(payment, price)
	}},
	{"void.rejected-once", "A void that was rejected is rejected ever after by its id.", thePromises, func(p *play) {
		t, id := p.join(p.a()), newID()
		m := t.buy(newID(), "SK1:0", price)
		t.declined(m, "")
		first := t.rejected(t.void(m.Authorise.Payment, id), "")
		second := t.rejected(t.void(m.Authorise.Payment, id), "")
		p.want(first.Reason == second.Reason, "a void was rejected with %s, then with %s", first.Reason, second.Reason)
	}},
	{"refund.parts", "Refunds in parts are accepted up to what was charged, and no yen more: refund.refused.", aRefund, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(1000)
		t.accepted(t.refund(payment, newID(), 400))
		t.rejected(t.refund(payment, newID(), 601), string(terminal.RefundDenied))
		t.accepted(t.refund(payment, newID(), 600))
		t.rejected(t.refund(payment, newID(), 1), string(terminal.RefundDenied))
	}},
	{"refund.keeps", "A refund undoes no approval: the payment stays approved with its whole amount.", aRefund, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(price)
		t.accepted(t.refund(payment, newID(), price))
		a := t.outcome(payment, wire.OutcomeApproved)
		p.want(a.Amount == price || p.over(), "after a refund the payment is of %d yen", a.Amount)
	}},
	{"refund.once", "A refund that comes again by its own id gets the same acknowledgement and pays once.", thePromises, func(p *play) {
		t, id := p.join(p.a()), newID()
		payment := t.paid(1000)
		t.accepted(t.refund(payment, id, 400))
		t.accepted(t.refund(payment, id, 400))
		t = t.rejoin()
		t.accepted(t.refund(payment, id, 400))
		t.accepted(t.refund(payment, newID(), 600))
	}},
	{"refund.other-amount", "The same refund id with another amount is an error refused, and gives nothing back.", aRefund, func(p *play) {
		t, id := p.join(p.a()), newID()
		payment := t.paid(1000)
		t.accepted(t.refund(payment, id, 400))
		t.refused(t.refund(payment, id, 500), wire.CodeRefused)
		t.accepted(t.refund(payment, newID(), 600))
	}},
	{"refund.other-payment", "The same refund id for another payment is an error refused.", aRefund, func(p *play) {
		t, id := p.join(p.a()), newID()
		one, two := t.paid(price), t.paid(price)
		t.accepted(t.refund(one, id, price))
		t.refused(t.refund(two, id, price), wire.CodeRefused)
		t.charged(two, price)
	}},
	{"refund.nothing", "A refund of what was voided, reversed, declined or never seen is rejected with refund.refused.", aRefund, func(p *play) {
		t := p.join(p.a())
		voided, reversed := t.paid(price), t.paid(price)
		t.accepted(t.void(voided, newID()))
		t.accepted(t.reverse(reversed))
		m := t.buy(newID(), "SK1:0", price)
		t.declined(m, "")
		for _, payment := range []string{voided, reversed, m.Authorise.Payment, newID()} {
			t.notCharged(payment)
		}
	}},
	{"void.refunded", "The void of a payment that was refunded in part leaves nothing to give back.", aVoid, func(p *play) {
		t := p.join(p.a())
		payment := t.paid(1000)
		t.accepted(t.refund(payment, newID(), 400))
		if t.ack(t.void(payment, newID())).Status == wire.StatusAccepted {
			t.notCharged(payment)
		} else {
			t.rejected(t.refund(payment, newID(), 601), "")
		}
	}},
}
