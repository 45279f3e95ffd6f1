package register

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"sekisho/scanner/payload"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// usageSpan is over how long an account's offline payments are summed.
const usageSpan = 24 * time.Hour

// pay decides what becomes of a code shown for the sale that is ready.
func (r *Register) pay(read read) {
	shown, id, key := read.code, terminal.PaymentID(newID()), r.readKey(read.code)
	r.doubles.tookCode(key, read.at, r.sale.Ref)
	read.beep.wait()
	evidence := r.seal(id, shown)
	f := r.facts(r.presents(shown))
	scope, draft := f.scope(), r.newPayment(id, f)
	var paid terminal.Payment
	var sale terminal.Sale
	var ask wire.Authorise
	r.decide(scope, func(u Usage) (Changes, error) {
		d := judge(f, u)
		p, err := draft.Move(d.state, d.reason, draft.Created)
		if err != nil {
			return Changes{}, err
		}
		p.Number, p.Spends, p.Counts, p.Offline = u.Head.Size, d.spends, d.counts, d.state == terminal.ApprovedOffline
		paid, sale, ask = p, saleAfter(f.sale, p), authorise(f, p, d)
		return changesFor(f, p, sale, d, evidence)
	}, func(err error) {
		switch {
		case err == nil:
			r.payer = payer{beep: read.beep, id: id}
			r.paid(paid, sale, ask)
		case r.current != nil && r.current.ID == draft.ID:
			// It was in doubt, and the ledger opened again has it, as was told.
			// Its request did not leave and never will: if it is "sent", it is about
			// to be unknown.
			r.payer = payer{beep: read.beep, id: id}
		default:
			r.doubles.forgetCode(key)
			r.showNotice(terminal.Storage)
		}
	})
}

// seal gives what seals the code of a payment approved offline to the backend.
// Where that may be wanted it begins now, beside the checks of the code and the
// ledger: it takes as long as they do, and a code that is refused in the end has
// cost the till nothing that it lacks.
func (r *Register) seal(id terminal.PaymentID, shown payload.Code) func() (string, error) {
	to := r.cfg.Sealer
	evidence := sync.OnceValues(func() (string, error) { return wire.SealEvidence(to, string(id), shown.Reveal()) })
	if !r.online() && r.policy != nil && shown.Kind == payload.Pass {
		r.beside.all.Go(func() { _, _ = evidence() }) // who needs it hears of an error
	}
	return evidence
}

func (r *Register) facts(code presented) facts {
	f := r.moment()
	f.sale, f.code = watched(*r.sale, r.policy), code
	return f.weighed()
}

// moment is what of the facts is true whatever is sold.
func (r *Register) moment() facts {
	f := facts{
		policy: r.policy, freeze: r.freeze, denials: r.denials, quarantine: r.quarantine,
		now: r.time.now(), mark: r.time.mark, clock: r.time.quality(),
		linkUp: r.online(), stands: r.session != 0, contactAge: r.time.age(),
		incarnation: r.cfg.Incarnation,
	}
	if r.policy != nil {
		f.day = r.policy.Business.Day(f.now)
	} else {
		f.day = terminal.Business{Zone: time.UTC}.Day(f.now)
	}
	return f
}

// scope is what the rules need to see of the ledger.
func (f facts) scope() Scope {
	s := Scope{Sale: f.sale.Ref, Seen: f.code.seen, Account: f.code.account, Since: terminal.MillisOf(f.reckoned().Add(-usageSpan))}
	if f.policy == nil {
		return s
	}
	s.Barred = terminal.MillisOf(f.reckoned().Add(-f.policy.Offline.DeclineBars))
	s.Tallies = f.tallies()
	s.Boot, s.Incarnation = !f.linkUp && f.clock != wire.ClockAuthenticated, f.incarnation
	for _, spend := range f.takes.spends {
		s.Counters = append(s.Counters, keyOf(spend, f.incarnation))
	}
	return s
}

// newPayment is the payment before anything is decided about it.
func (r *Register) newPayment(id terminal.PaymentID, f facts) terminal.Payment {
	p := terminal.Payment{
		ID: id, Sale: f.sale.Ref, Revision: f.sale.Revision, SaleHash: f.sale.Hash(),
		Amount: f.sale.Total, Code: f.code.kind, Issuer: f.code.issuer, Masked: f.code.masked,
		Account: f.code.account, Seen: f.code.seen, Incarnation: f.incarnation, Day: f.day,
		Created: terminal.MillisOf(f.now), Versions: terminal.Versions(r.versions()),
	}
	if f.policy != nil {
		p.NotAfter = terminal.MillisOf(f.now.Add(f.policy.Times.Answer))
		p.Categories = categories(f)
	}
	return p
}

// categories are those of the sale's goods that the policy knows.
func categories(f facts) []terminal.Category {
	var found []terminal.Category
	for c := range f.takes.goods {
		if f.policy.Knows(c) {
			found = append(found, c)
		}
	}
	slices.Sort(found)
	return found
}

// saleAfter is the sale once its payment came to stand where it is.
func saleAfter(s terminal.Sale, p terminal.Payment) terminal.Sale {
	s.Payment = p.ID
	switch {
	case p.State.Undecided():
		s.State = terminal.SalePaying
	case p.State.Approval():
		s.State = terminal.SalePaid
	default:
		s.State = terminal.SaleReady
	}
	return s
}

// keepSeen is how long a code must be remembered at least: a pass has expired
// long before, and no issuer shows a code a second time within a week. The ledger
// keeps the date beside each code; nothing is deleted by it in this release.
const keepSeen = 7 * 24 * time.Hour

// changesFor is the one transaction of a payment's beginning.
func changesFor(f facts, p terminal.Payment, sale terminal.Sale, d decision, evidence func() (string, error)) (Changes, error) {
	c := moved(p, f.incarnation)
	c.Sale, c.Counters = &sale, d.counters
	if d.state == terminal.Refused {
		return c, nil
	}
	c.Seen = &SeenCode{Key: f.code.seen, Payment: p.ID, Keep: terminal.MillisOf(f.now.Add(keepSeen))}
	if d.state != terminal.ApprovedOffline {
		return c, nil
	}
	item, err := adviceItem(f, p, d, evidence)
	c.Outbox = []OutboxItem{item}
	return c, err
}

// paid carries on after the payment's first state is durable.
func (r *Register) paid(p terminal.Payment, sale terminal.Sale, ask wire.Authorise) {
	r.sale, r.current, r.notice = &sale, &p, nil
	r.keep(p)
	r.tell(EventPayment, p)
	if p.State != terminal.Sent {
		r.tell(EventVerdict, p)
		return
	}
	if !r.send(wire.Message{Type: wire.TypeAuthorise, ID: newID(), Authorise: &ask}) {
		// Nothing left the till: it need not wait to be asked about.
		r.giveUp(p.ID, terminal.BackendSilent, nil)
		return
	}
	if w := r.waits[p.ID]; w != nil {
		w.asked = r.session
	}
}

// common is what every payment message carries; age is that of the last contact.
func common(p terminal.Payment, clock string, age time.Duration, counters []terminal.Counter) wire.Common {
	c := wire.Common{
		Payment: string(p.ID), JournalIndex: p.Number, BusinessDay: string(p.Day), Window: string(p.Day),
		SaleHash: p.SaleHash, Versions: wire.Versions(p.Versions), Clock: clock, ContactAge: contactMillis(age),
		Currency: terminal.Currency,
	}
	for _, t := range counters {
		c.Counters = append(c.Counters, wireCounter(t))
	}
	return c
}

// contactMillis is an age of the last contact as the wire tells it: -1 for
// never.
func contactMillis(age time.Duration) int64 {
	if age < 0 {
		return -1
	}
	return age.Milliseconds()
}

func wireCounter(t terminal.Counter) wire.Counter {
	return wire.Counter{
		Cap: string(t.Key.Cap), Window: string(t.Key.Window), Granted: wire.Amount(t.Granted),
		Used: wire.Amount(t.Used), Released: wire.Amount(t.Released), Returned: wire.Amount(t.Returned),
	}
}

func authorise(f facts, p terminal.Payment, d decision) wire.Authorise {
	a := wire.Authorise{
		Common: common(p, f.clock, f.contactAge, d.counters), Amount: int64(p.Amount), Kind: string(p.Code), Issuer: p.Issuer,
		Code: f.code.raw, Sale: wireSale(f), Spends: wireSpends(d.spends),
	}
	a.NotAfter = int64(p.NotAfter)
	return a
}

func adviceItem(f facts, p terminal.Payment, d decision, evidence func() (string, error)) (OutboxItem, error) {
	sealed, err := evidence()
	if err != nil {
		return OutboxItem{}, err
	}
	body, err := json.Marshal(wire.Advice{
		Common: common(p, f.clock, f.contactAge, d.counters), Amount: int64(p.Amount), Kind: string(p.Code), Issuer: p.Issuer,
		Sale: wireSale(f), Spends: wireSpends(d.spends), Created: int64(p.Created), Evidence: sealed,
	})
	return OutboxItem{Kind: OutAdvice, Payment: p.ID, Body: body}, err
}

// wireSale sums the watched goods by category: the backend's caps need no more.
func wireSale(f facts) wire.Sale {
	out := wire.Sale{Ref: string(f.sale.Ref), Revision: f.sale.Revision, Hash: f.sale.Hash()}
	if f.policy == nil {
		return out
	}
	for _, c := range categories(f) {
		sum := f.takes.goods[c]
		out.Lines = append(out.Lines, wire.Line{Category: string(c), Yen: sum.Yen, Units: sum.Units})
	}
	return out
}

func wireSpends(list []terminal.Spend) []wire.Spend {
	out := make([]wire.Spend, len(list))
	for i, s := range list {
		out[i] = wire.Spend{Cap: string(s.Cap), Window: string(s.Window), Reserved: wire.Amount(s.Reserved), Need: wire.Amount(s.Need)}
	}
	return out
}
