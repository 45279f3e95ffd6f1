package registers

import (
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var outboxRules = []rule{
	{"void.id", "A void has an id of its own, and names the payment.", aVoid, voidID},
	{"void.again", "A void that was not acknowledged goes again by its own id, in the next session too.", thePromises, voidAgain},
	{"void.acknowledged", "A void that was accepted is told no more.", thePromises, voidAcknowledged},
	{"refund.ids", "Refunds go by the ids that the POS gave, each with its amount.", aRefund, refundIDs},
	{"refund.again", "A refund that was not acknowledged goes again by its own id and amount.", thePromises, refundAgain},
	{"refund.rejected", "A rejected refund is told no more.", aRefund, refundRejected},
	{"outbox.urgent", "Voids and reversals go before advices.", thePromises, outboxUrgent},
	{"outbox.one-payment", "Of one payment the next message goes once the last is acknowledged.", thePromises, outboxOnePayment},
	{"outbox.parked", "An item that the backend refuses holds up no others.", thePromises, outboxParked},
	{"outbox.other-ack", "The acknowledgement of another payment's void settles nothing.", anAck, outboxOtherAck},
}

// voided asks for the void of a payment.
func (p *play) voided(payment string) {
	p.do("void", func() error { return p.world.Till.Void(p.ctx, terminal.PaymentID(payment)) })
}

func (p *play) refunded(payment, id string, yen int64) {
	p.do("refund", func() error {
		return p.world.Till.Refund(p.ctx, terminal.PaymentID(payment), terminal.RefundID(id), terminal.Yen(yen))
	})
}

// settled waits until nothing waits to be told.
func (p *play) settled() { p.waiting(0) }

func voidID(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.voided(a.Payment)
	v := l.want(wire.TypeVoid)
	p.want(v.Void.Payment == a.Payment, "the void is of another payment")
	p.want(v.Void.ID != a.Payment, "the void has no id of its own")
	l.accept(v)
	p.settled()
}

func voidAgain(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.voided(a.Payment)
	one := l.want(wire.TypeVoid)
	next := l.again()
	two := next.want(wire.TypeVoid)
	p.want(two.Void.ID == one.Void.ID && two.Void.Payment == a.Payment, "the void that was sent again has another id, or is of another payment")
	next.accept(two)
	p.settled()
}

func voidAcknowledged(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.voided(a.Payment)
	l.accept(l.want(wire.TypeVoid))
	p.settled()
	next := l.again()
	p.ready()
	next.works()
	p.none(next, wire.TypeVoid)
}

func refundIDs(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.handOver(a.Payment)
	for _, yen := range []int64{500, 100} {
		id := newID()
		p.refunded(a.Payment, id, yen)
		r := l.want(wire.TypeRefund)
		p.want(r.Refund.ID == id && r.Refund.Payment == a.Payment && r.Refund.Amount == yen, "the refund of %d yen is told otherwise", yen)
		l.accept(r)
	}
	p.settled()
}

func refundAgain(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.handOver(a.Payment)
	id := newID()
	p.refunded(a.Payment, id, 500)
	l.want(wire.TypeRefund)
	next := l.again()
	r := next.want(wire.TypeRefund)
	p.want(r.Refund.ID == id && r.Refund.Amount == 500, "the refund that was sent again has another id or amount")
	next.accept(r)
	p.settled()
}

func refundRejected(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.handOver(a.Payment)
	p.refunded(a.Payment, newID(), 500)
	l.ack(l.want(wire.TypeRefund), wire.StatusRejected, string(terminal.RefundDenied))
	p.settled()
	next := l.again()
	p.ready()
	next.works()
	p.none(next, wire.TypeRefund)
}

func outboxUrgent(p *play) {
	_, advised, l := p.sold()
	l.advised(advised)
	p.handOver(advised)
	p.ready()
	a := l.paid(lunch)
	p.voided(a.Payment)
	l.want(wire.TypeVoid)
	next := l.again()
	for !p.over() {
		m, there := next.next("void")
		p.want(there, "the link ended, and no void came")
		p.want(m.Type != wire.TypeAdvice, "an advice came before a void")
		if m.Type == wire.TypeVoid {
			next.accept(m)
			break
		}
	}
	next.accept(next.advised(advised))
	p.settled()
}

func outboxOnePayment(p *play) {
	p.begin().down()
	_, payment := p.offline(lunch)
	p.voided(payment)
	l := p.link()
	l.greet(nil)
	m := l.advised(payment)
	p.ready()
	l.works() // the register has had its time to say more
	p.want(l.counted(wire.TypeVoid) == 0, "the void came before the advice was acknowledged")
	l.accept(m)
	v := l.want(wire.TypeVoid)
	p.want(v.Void.Payment == payment, "the void is of another payment")
	l.accept(v)
	p.settled()
}

func outboxParked(p *play) {
	_, payment, l := p.sold()
	m := l.advised(payment)
	l.write(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "the kit takes no advice"}})
	p.handOver(payment)
	p.ready()
	a := l.paid(lunch)
	p.voided(a.Payment)
	l.accept(l.want(wire.TypeVoid))
	p.waiting(1)
}

func outboxOtherAck(p *play) {
	l := p.begin()
	a := l.paid(lunch)
	p.voided(a.Payment)
	v := l.want(wire.TypeVoid)
	other := deepCopy(v)
	other.Void.Payment = newID()
	l.accept(other)
	next := l.again()
	next.accept(next.want(wire.TypeVoid))
	p.settled()
}
