package register

import (
	"errors"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// answered takes the backend's word on a payment: after an authorise or a query,
// early, late or twice.
func (r *Register) answered(a wire.Answer) {
	p, known := r.unresolved[terminal.PaymentID(a.Payment)]
	account := accountOf(p, a)
	if (!known || !p.State.Undecided()) && (a.Limits == nil || account == "") {
		// It decides nothing, but what it grants is this register's.
		r.mergeGrants(a.Grants)
		return
	}
	if p.State == terminal.Sent {
		r.asked(p.ID, false)
	}
	now, inc, latest := r.now(), r.cfg.Incarnation, r.time.latest()
	scope, sale := scopeOf(p), r.sale
	if a.Limits != nil {
		scope.Account, scope.Since, scope.Barred = account, now, now
	}
	var after *terminal.Payment
	r.decide(scope, func(u Usage) (Changes, error) {
		c, err := Changes{}, errNothing
		if u.Payment != nil {
			c, err = settle(*u.Payment, u, a, inc, now)
		}
		if err != nil && !errors.Is(err, errNothing) {
			return c, err
		}
		if err == nil {
			after = &c.Payments[0]
			c.Sale = followSale(sale, *after)
		}
		if c.Limit = limitOf(account, u.Account.Limit, a, latest); c.Limit != nil {
			err = nil
		}
		return c, err
	}, func(err error) {
		if err == nil && after != nil {
			r.settled(*after)
		}
		r.mergeGrants(a.Grants)
	})
}

// scopeOf is what a later step of a payment needs to see.
func scopeOf(p terminal.Payment) Scope {
	s := Scope{Payment: p.ID}
	for _, sp := range p.Spends {
		s.Counters = append(s.Counters, keyOf(sp, p.Incarnation))
	}
	return s
}

// settle is what an answer makes of a payment that was not decided. Its first
// changed payment is the payment's last state. It gives errNothing where the
// answer decides nothing: "not seen" and words that this release does not know
// are no decline, and an approval of something else is no approval.
func settle(p terminal.Payment, u Usage, a wire.Answer, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	if !p.State.Undecided() {
		return Changes{}, errNothing
	}
	switch a.Outcome {
	case wire.OutcomeApproved:
		if a.Amount != int64(p.Amount) {
			return Changes{}, errNothing
		}
		return settleApproved(p, u, a, inc, now)
	case wire.OutcomeDeclined, wire.OutcomeReversed:
		return settleDeclined(p, u, a, inc, now)
	}
	return Changes{}, errNothing
}

func settleApproved(p terminal.Payment, u Usage, a wire.Answer, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	counters, covered := spendGranted(p, u, a.Grants, inc)
	if !covered {
		// Without the right to sell, an approval is undone (I3).
		return giveUp(p, terminal.AllotmentMissing, inc, now)
	}
	after, err := p.Move(terminal.Approved, "", now)
	if err != nil {
		return Changes{}, err
	}
	after.Approval = a.Approval
	after = learn(after, a)
	c := moved(after, inc)
	c.Counters = counters
	return c, nil
}

// moved is what makes a payment's new state durable: the payment and its entry.
func moved(p terminal.Payment, inc terminal.Incarnation) Changes {
	return Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, inc)}}
}

// learn takes from an answer what a receipt wants to know.
func learn(p terminal.Payment, a wire.Answer) terminal.Payment {
	if p.Issuer == "" {
		p.Issuer = a.Issuer
	}
	if a.Account != "" {
		p.Masked = masked(a.Account)
	}
	p.Account = accountOf(p, a)
	return p
}

// accountOf gives the account of a payment; "" where neither the code told it nor
// the answer.
func accountOf(p terminal.Payment, a wire.Answer) terminal.AccountKey {
	if p.Account == "" && len(a.Key) == 16 {
		return terminal.AccountKey(a.Key)
	}
	return p.Account
}

// spendGranted merges the grants and spends the payment's need from them; false
// where they do not cover it. The need of an incarnation that is no more was
// granted in the very transaction that approved the payment; its totals are told
// no longer, and nothing else can spend it.
func spendGranted(p terminal.Payment, u Usage, grants []wire.Grant, inc terminal.Incarnation) ([]terminal.Counter, bool) {
	var out []terminal.Counter
	for _, s := range p.Spends {
		c := u.counter(keyOf(s, p.Incarnation))
		if p.Incarnation == inc {
			c = c.Grant(totalFor(grants, s))
		} else {
			c = c.Grant(c.Granted.Plus(s.Need))
		}
		c, ok := c.Use(s.Need)
		if !ok {
			return nil, false
		}
		out = append(out, c)
	}
	return out, true
}

func totalFor(grants []wire.Grant, s terminal.Spend) terminal.Amount {
	var total terminal.Amount
	for _, g := range grants {
		if g.Cap == string(s.Cap) && g.Window == string(s.Window) {
			total = total.Max(terminal.Amount(g.Total))
		}
	}
	return total
}

func settleDeclined(p terminal.Payment, u Usage, a wire.Answer, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	why := terminal.Reason(a.Reason)
	if !why.Known() {
		why = terminal.BackendDeclined
	}
	after, err := p.Move(terminal.Declined, why, now)
	if err != nil {
		return Changes{}, err
	}
	after = learn(after, a)
	c := moved(after, inc)
	c.Counters = release(p, u, reservedOf)
	return c, nil
}

// limitOf gives what the backend allows the account offline from now on; nil
// where it says nothing new. What it says is of the answer's time: an answer from
// before the one that was heard last may lower a limit and raises none. Only what
// is of a time that this session cannot have reached yet, at latest, was told by a
// clock that was wrong, and gives way.
func limitOf(account terminal.AccountKey, kept *AccountLimit, a wire.Answer, latest terminal.Millis) *AccountLimit {
	if a.Limits == nil || account == "" {
		return nil
	}
	told := AccountLimit{Account: account, Yen: terminal.Yen(a.Limits.Yen), Count: a.Limits.Count, Told: terminal.Millis(a.Time)}
	if kept != nil && told.Told < kept.Told && kept.Told <= latest {
		told.Yen, told.Count, told.Told = min(told.Yen, kept.Yen), min(told.Count, kept.Count), kept.Told
	}
	if kept != nil && told == *kept {
		return nil
	}
	return &told
}

func reservedOf(s terminal.Spend) terminal.Amount { return s.Reserved }

func wholeOf(s terminal.Spend) terminal.Amount { return s.Want() }

// release gives back a part of each spend to the counters of the incarnation
// that spent it.
func release(p terminal.Payment, u Usage, part func(terminal.Spend) terminal.Amount) []terminal.Counter {
	var out []terminal.Counter
	for _, s := range p.Spends {
		if back := part(s); !back.Zero() {
			if c, ok := u.counter(keyOf(s, p.Incarnation)).Release(back); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// giveUp is the transaction that decides a reversal: from here on the payment
// is not paid, whatever comes.
func giveUp(p terminal.Payment, why terminal.Reason, inc terminal.Incarnation, now terminal.Millis) (Changes, error) {
	var c Changes
	if p.State == terminal.Sent {
		unknown, err := p.Move(terminal.Unknown, terminal.BackendSilent, now)
		if err != nil {
			return c, err
		}
		p = unknown
		c.Entries = append(c.Entries, journal.OfPayment(p, inc))
	}
	p, err := p.Move(terminal.Reversing, why, now)
	if err != nil {
		return c, err
	}
	item, err := reversalItem(p)
	c.Payments = []terminal.Payment{p}
	c.Outbox = []OutboxItem{item}
	c.Entries = append(c.Entries, journal.OfPayment(p, inc))
	return c, err
}

// giveUp gives up the payment and tells the cashier that it is not paid. then,
// where it is not nil, runs after it is durable, or with the error.
func (r *Register) giveUp(id terminal.PaymentID, why terminal.Reason, then func(error)) {
	p := r.unresolved[id]
	now, inc, sale := r.now(), r.cfg.Incarnation, r.sale
	var after terminal.Payment
	r.decide(scopeOf(p), func(u Usage) (Changes, error) {
		if u.Payment == nil || !u.Payment.State.Undecided() {
			return Changes{}, errNothing
		}
		c, err := giveUp(*u.Payment, why, inc, now)
		if err != nil {
			return c, err
		}
		after = c.Payments[0]
		c.Sale = followSale(sale, after)
		return c, nil
	}, func(err error) {
		if err == nil {
			r.settled(after)
		} else {
			r.retryLater(id)
		}
		if then != nil {
			then(err)
		}
	})
}

// followSale gives the register's sale as it is after its payment moved; nil
// where the payment is of another sale.
func followSale(s *terminal.Sale, p terminal.Payment) *terminal.Sale {
	if s == nil || s.Payment != p.ID {
		return nil
	}
	after := saleAfter(*s, p)
	return &after
}

// settled carries on after a payment reached another state for good or for now.
func (r *Register) settled(p terminal.Payment) {
	if s := followSale(r.sale, p); s != nil {
		r.sale, r.notice = s, nil
	}
	r.keep(p)
	r.tell(EventPayment, p)
	r.tell(EventVerdict, p)
}

// onTime does what is due: one thing at a time, since each waits for the disk.
func (r *Register) onTime() {
	now := r.cfg.Clock.Boot()
	r.looked = now
	for id, w := range r.waits {
		p := r.unresolved[id]
		switch {
		case now >= w.giveAt:
			r.giveUp(id, terminal.BackendSilent, nil)
			return
		case p.State == terminal.Sent && now >= w.unknownAt && r.admission.holds(id):
			r.giveUp(id, terminal.BackendSilent, nil)
			return
		case p.State == terminal.Sent && now >= w.unknownAt:
			r.becomeUnknown(p)
			return
		case p.State == terminal.Unknown && now >= w.queryAt:
			r.query(p, w)
		}
	}
	r.settleAcks()
	r.pump()
	r.sendCheckpoint(false)
	r.sendLeaves()
	r.payOwed()
	r.handBack()
	r.prune()
	if !r.working && r.session != 0 && r.cfg.Quarantine == "" && now-r.saved >= saveEvery {
		r.saveAnchor()
	}
}

// becomeUnknown makes it durable that no answer came in time.
func (r *Register) becomeUnknown(p terminal.Payment) {
	r.asked(p.ID, true)
	r.step(p.ID, terminal.Unknown, terminal.BackendSilent, func(after terminal.Payment, err error) {
		if err != nil {
			r.retryLater(p.ID)
			return
		}
		r.settled(after)
	})
}

// step makes it durable that a payment moved to a state of which nothing else
// depends. then gets the payment as it is stored, or the error.
func (r *Register) step(id terminal.PaymentID, to terminal.State, why terminal.Reason, then func(terminal.Payment, error)) {
	now, inc := r.now(), r.cfg.Incarnation
	var after terminal.Payment
	r.decide(Scope{Payment: id}, func(u Usage) (Changes, error) {
		if u.Payment == nil {
			return Changes{}, errNothing
		}
		p, err := u.Payment.Move(to, why, now)
		after = p
		return moved(p, inc), err
	}, func(err error) { then(after, err) })
}

// retryLater lets a step that the disk did not take wait a second, so that a
// full disk is not asked without a pause.
func (r *Register) retryLater(id terminal.PaymentID) {
	if w := r.waits[id]; w != nil {
		later := r.cfg.Clock.Boot() + time.Second
		w.unknownAt, w.giveAt = max(w.unknownAt, later), max(w.giveAt, later)
	}
}

// query asks what became of a payment, as often as the policy says.
func (r *Register) query(p terminal.Payment, w *wait) {
	every := 3 * time.Second // the design's, until a policy says otherwise
	if r.policy != nil {
		every = r.policy.Times.Query
	}
	w.queryAt = r.cfg.Clock.Boot() + every
	r.send(wire.Message{Type: wire.TypeQuery, ID: newID(), Query: &wire.Query{Common: r.commonNow(p)}})
}

// commonNow is what a message about an older payment carries.
func (r *Register) commonNow(p terminal.Payment) wire.Common {
	return common(p, r.time.quality(), r.time.age(), nil)
}

// untilNext is how long the loop may sleep. What is overdue waits for something
// else than time: for the clerk, the line, or room on it; that is an event.
func (r *Register) untilNext() time.Duration {
	now := r.cfg.Clock.Boot()
	next := now + time.Minute // the page's age of the last contact moves on at least so often
	if r.working {
		if r.storage == storageOK {
			next = r.since + slowDisk
		}
		return max(next-now, time.Millisecond)
	}
	for id, w := range r.waits {
		next = min(next, w.giveAt)
		if r.unresolved[id].State == terminal.Sent {
			next = min(next, w.unknownAt)
		} else {
			next = min(next, w.queryAt)
		}
	}
	if c := r.checkpoints; c.due > now && c.wanted(r.head) {
		next = min(next, c.due)
	}
	for _, due := range []time.Duration{r.upload.due, r.pruning.due} {
		if due > now {
			next = min(next, due)
		}
	}
	if r.triesDisk() {
		next = min(next, r.owed.due)
	}
	if at, due := r.outbox.next(now); due && r.session != 0 {
		next = min(next, at)
	}
	return max(next-now, time.Millisecond)
}
