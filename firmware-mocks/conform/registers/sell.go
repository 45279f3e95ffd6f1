package registers

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// What the POS sells: articles of the demo's policy.
var (
	lunch = terminal.Line{GTIN: "4902777130835", Name: "bento and tea", Quantity: 1, Price: 720}
	pack  = terminal.Line{GTIN: "2000000000015", Name: "cigarettes, pack", Quantity: 1, Price: 580}
)

// The demo's store cap on tobacco, and the category.
const (
	tobaccoDay = "tobacco-day"
	tobacco    = "tobacco"
)

func packs(n int64) terminal.Line {
	l := pack
	l.Quantity = n
	return l
}

// sale is what a customer wants, with the code that was shown for it.
type sale struct {
	ref   terminal.SaleRef
	total int64
	code  string
}

// customer is a phone of an account that was never seen before.
func (p *play) customer() *walletsim.Phone {
	owner := walletsim.Owner{
		Account: "conform-" + uuid.NewString()[:12], BoundAt: time.Now().Add(-400 * day),
		Ceilings: walletsim.Ceilings{Yen: 1_000_000, Count: 1000},
	}
	phone, err := walletsim.NewPhone(p.k.keys.Customers(), owner, 0, time.Now)
	if err != nil {
		p.fail("the kit made no phone: %w", err)
	}
	return phone
}

// pass is a phone's next pass.
func (p *play) pass(phone *walletsim.Phone) string {
	if p.over() {
		return ""
	}
	text, err := phone.Pass()
	if err != nil {
		p.fail("the kit made no pass: %w", err)
	}
	return text
}

// sell puts a sale, and a customer who was not here before shows a pass.
func (p *play) sell(lines ...terminal.Line) sale {
	return p.sellTo(p.pass(p.customer()), lines...)
}

func (p *play) sellTo(code string, lines ...terminal.Line) sale {
	s := sale{code: code}
	if p.over() {
		return s
	}
	s.ref = p.world.NextRef()
	for _, l := range lines {
		s.total += int64(l.Price) * l.Quantity
	}
	if err := p.world.Till.Put(p.ctx, s.ref, lines); err != nil {
		p.fail("the till took no sale: %w", err)
		return s
	}
	if err := p.world.ShowText(p.ctx, code); err != nil {
		p.fail("the scanner read no code: %w", err)
	}
	return s
}

// till waits until the register's state fits, and gives it.
func (p *play) till(fits func(scenario.State) bool, what string) scenario.State {
	return p.awaited(fits, what, pictured)
}

// awaited is till with a word of what was shown instead.
func (p *play) awaited(fits func(scenario.State) bool, what string, instead func(scenario.State) string) scenario.State {
	if p.over() {
		return scenario.State{}
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.k.cfg.Patience)
	defer cancel()
	var last scenario.State
	s, err := p.world.Till.Await(ctx, func(now scenario.State) bool {
		last = now
		return fits(now)
	})
	switch {
	case err == nil:
	case ctx.Err() == nil:
		p.fail("the till did not show %s: %w", what, err)
	default:
		p.fail("the till did not show %s: it shows %s", what, instead(last))
	}
	return s
}

// pictured says of a till what a developer looks for first.
func pictured(s scenario.State) string {
	var parts []string
	switch {
	case s.Verdict != nil:
		parts = append(parts, named(*s.Verdict))
	case s.Sale != nil:
		parts = append(parts, fmt.Sprintf("a sale that is %s", s.Sale.State))
	}
	if s.Notice != nil {
		parts = append(parts, fmt.Sprintf("the notice %s", s.Notice.Reason))
	}
	if s.Link.State != terminal.LineUp {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("a line that is %s %s", s.Link.State, s.Link.Reason)))
	}
	if s.Quarantine != "" {
		parts = append(parts, "quarantine")
	}
	if len(s.Frozen) > 0 {
		parts = append(parts, fmt.Sprintf("a freeze of %v", s.Frozen))
	}
	if s.Outbox > 0 {
		parts = append(parts, fmt.Sprintf("%d to be told", s.Outbox))
	}
	if len(parts) == 0 {
		return "nothing but a line that is up"
	}
	return strings.Join(parts, ", ")
}

func named(v terminal.Verdict) string {
	return strings.TrimSpace(fmt.Sprintf("a payment that is %s %s", v.State, v.Reason))
}

// shows is what the till shows where no message came, which often says more.
func (p *play) shows() string {
	if p.world == nil || !p.runs {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.k.cfg.Patience)
	defer cancel()
	s, err := p.world.Till.State(ctx)
	if err != nil {
		return "; and the till answers nothing"
	}
	return "; the till shows " + pictured(s)
}

// becomes waits until a payment is in one of some states.
func (p *play) becomes(payment string, states ...terminal.State) terminal.Verdict {
	var v terminal.Verdict
	var last error
	p.awaited(func(scenario.State) bool {
		now, err := p.world.Till.Payment(p.ctx, terminal.PaymentID(payment))
		if last = err; err == nil {
			v = now
		}
		return last == nil && slices.Contains(states, v.State)
	}, fmt.Sprintf("the payment as %v", states), func(scenario.State) string {
		if v.State == "" {
			return "no such payment"
		}
		return named(v)
	})
	return v
}

// verdict waits for the verdict on a sale that has no payment message.
func (p *play) verdict(s sale, states ...terminal.State) terminal.Verdict {
	got := p.till(func(st scenario.State) bool {
		return st.Verdict != nil && st.Verdict.Sale == s.ref && slices.Contains(states, st.Verdict.State)
	}, fmt.Sprintf("the sale as %v", states))
	if got.Verdict == nil {
		return terminal.Verdict{}
	}
	return *got.Verdict
}

// is wants a payment to be in one of some states by now.
func (p *play) is(payment string, states ...terminal.State) {
	if p.over() {
		return
	}
	v, err := p.world.Till.Payment(p.ctx, terminal.PaymentID(payment))
	p.want(err == nil, "the till knows no payment: %v", err)
	p.want(slices.Contains(states, v.State), "the payment is %s at the till, not %v", v.State, states)
}

// do has the POS do something.
func (p *play) do(what string, err func() error) {
	if p.over() {
		return
	}
	if wrong := err(); wrong != nil {
		p.fail("the till did not %s: %w", what, wrong)
	}
}

// handOver ends a paid sale.
func (p *play) handOver(payment string) {
	p.do("hand over", func() error { return p.world.Till.HandOver(p.ctx, terminal.PaymentID(payment)) })
}

// cancel gives a sale up.
func (p *play) cancel(s sale) {
	p.do("cancel", func() error { return p.world.Till.Cancel(p.ctx, s.ref) })
}

// approval is an answer that approves what was asked, and grants its needs.
func (p *play) approval(a *wire.Authorise) *wire.Answer {
	answer := &wire.Answer{Payment: a.Payment, Outcome: wire.OutcomeApproved, Amount: a.Amount, Approval: "KIT001", Grants: []wire.Grant{}, Time: now()}
	for _, s := range a.Spends {
		answer.Grants = append(answer.Grants, wire.Grant{Cap: s.Cap, Window: s.Window, Total: wire.Amount{Yen: 1_000_000, Units: 1000}})
	}
	return answer
}

// approve answers an authorise, or a query about it.
func (l *link) approve(re received, a *wire.Authorise) {
	l.answer(re, l.p.approval(a))
}

func (l *link) answer(re received, a *wire.Answer) {
	if a.Grants == nil {
		a.Grants = []wire.Grant{}
	}
	a.Time = now()
	l.write(wire.Message{Type: wire.TypeAnswer, Re: re.ID, Answer: a})
}

// ack acknowledges an item of the outbox.
func (l *link) ack(m received, status wire.Status, reason string) {
	a := &wire.Ack{Of: m.Type, Status: status, Reason: reason, Time: now()}
	switch m.Type {
	case wire.TypeReversal:
		a.Payment = m.Reversal.Payment
	case wire.TypeAdvice:
		a.Payment = m.Advice.Payment
	case wire.TypeVoid:
		a.Payment, a.Op = m.Void.Payment, m.Void.ID
	case wire.TypeRefund:
		a.Payment, a.Op = m.Refund.Payment, m.Refund.ID
	}
	if status == wire.StatusRejected && m.Type == wire.TypeAdvice {
		a.Bearer = "operator"
	}
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: a})
}

func (l *link) accept(m received) { l.ack(m, wire.StatusAccepted, "") }

// paid is a payment that the backend approved, the goods not handed over.
func (l *link) paid(lines ...terminal.Line) *wire.Authorise {
	s := l.p.sell(lines...)
	m := l.want(wire.TypeAuthorise)
	for m.Authorise.Sale.Ref != string(s.ref) && !l.p.over() { // what asks for another is seen by the rule
		m = l.want(wire.TypeAuthorise)
	}
	l.approve(m, m.Authorise)
	l.p.becomes(m.Authorise.Payment, terminal.Approved)
	return m.Authorise
}

// works wants that the line still serves a payment.
func (l *link) works() {
	l.p.handOver(l.paid(lunch).Payment)
}

// down cuts the link and waits until the till knows. The next dial waits.
func (l *link) down() {
	l.close(1000)
	l.p.till(func(s scenario.State) bool { return !s.Link.Up }, "the line to be down")
}

// offline sells without the line.
func (p *play) offline(lines ...terminal.Line) (sale, string) {
	s := p.sell(lines...)
	return s, string(p.verdict(s, terminal.ApprovedOffline).Payment)
}

// waiting waits until so much waits to be told.
func (p *play) waiting(n int) {
	p.till(func(s scenario.State) bool { return s.Outbox == n }, fmt.Sprintf("%d to be told", n))
}

// headOf reads the head in a checkpoint's note, whoever signed it.
func headOf(note string) (wire.Head, error) {
	var origin, root string
	var size int64
	if _, err := fmt.Sscanf(note, "%s\n%d\n%s\n", &origin, &size, &root); err != nil {
		return wire.Head{}, err
	}
	raw, err := base64.StdEncoding.DecodeString(root)
	return wire.Head{Size: size, Root: hex.EncodeToString(raw)}, err
}

func unbase64(text string) []byte {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// origin is the name of the register's checkpoints.
func origin() string { return journal.Origin(storeID, registerID) }

// text is a message's JSON.
func text(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return data
}

// deepCopy copies a message.
func deepCopy(m received) received {
	var c wire.Message
	if json.Unmarshal(text(m.Message), &c) != nil { // it was just read
		return m
	}
	return received{Message: c, at: m.at}
}
