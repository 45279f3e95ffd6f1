package register

import (
	"maps"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// publish puts up the present picture for everybody who looks without waiting.
func (r *Register) publish() {
	v := r.picture()
	r.view.Store(&v)
}

// View gives the present picture. It may be called from any goroutine.
func (r *Register) View() View {
	v := *r.view.Load()
	if later := time.Duration(r.time.frames.Load()) - v.asOf; v.Link.State != terminal.LineDown && later > 0 {
		v.Link.LastContact = v.Time + terminal.Millis(later.Milliseconds())
	}
	v.Time += terminal.Millis((r.cfg.Clock.Boot() - v.asOf).Milliseconds())
	return v
}

func (r *Register) picture() View {
	v := View{
		Register: r.cfg.Identity.Register, Store: r.cfg.Identity.Store, Incarnation: r.cfg.Incarnation,
		asOf: r.cfg.Clock.Boot(), Time: r.now(), Clock: r.time.quality(), Storage: r.storage, Notice: r.notice,
		Link:       r.lineView(),
		Scanner:    r.scannerState(),
		Policy:     PolicyView{State: "missing"},
		Unresolved: len(r.unresolved), Outbox: r.outbox.size, Parked: r.outbox.parked,
		Quarantine: r.quarantine, Frozen: r.frozen(), Stopping: r.stopping,
		silence: policy.DefaultSilence, redial: policy.DefaultRedial,
	}
	if p := r.policy; p != nil {
		v.silence, v.redial = p.Times.Silence, p.Times.Redial
		v.BusinessDay = p.Business.Day(r.time.now())
		v.Policy = PolicyView{Version: p.Version, GoodUntil: terminal.MillisOf(p.GoodUntil), State: "in-force"}
		if r.time.now().After(p.GoodUntil) {
			v.Policy.State = "stale"
		}
	}
	if r.sale != nil {
		s := *r.sale
		v.Sale = &s
	}
	if r.current != nil && r.sale != nil && r.sale.Payment == r.current.ID {
		verdict := terminal.VerdictOf(*r.current, r.proof())
		v.Verdict = &verdict
	}
	return v
}

// pending is what of the View changes without an event of its own.
type pending struct {
	unresolved, outbox, parked int
	storage                    string
}

// tellPending signals a View when more or less waits than POS and page were
// told, or the disk fails or comes back.
func (r *Register) tellPending() {
	v := r.view.Load()
	now := pending{v.Unresolved, v.Outbox, v.Parked, v.Storage}
	if now != r.told {
		r.told = now
		r.tellView(EventCaps)
	}
}

func (r *Register) proof() terminal.Proof {
	return terminal.Proof{Size: r.head.Size, Root: r.head.Short()}
}

// tell signals a payment whose state has just become durable with the journal's
// last entry.
func (r *Register) tell(t EventType, p terminal.Payment) { r.tellAt(t, p, r.head.Size-1) }

// tellAt signals a payment whose state has become durable with an entry.
func (r *Register) tellAt(t EventType, p terminal.Payment, entry int64) {
	r.publish()
	r.cfg.Signal.Emit(Event{Type: t, Journal: entry, Data: terminal.VerdictOf(p, r.proof())})
}

// tellView signals what is no journal entry.
func (r *Register) tellView(t EventType) {
	r.publish()
	r.cfg.Signal.Emit(Event{Type: t, Journal: -1, Data: *r.view.Load()})
}

// noticeEvery is how often the same notice is told. A unit may read what lies
// before it 50 times a second, and the page sounds each notice.
const noticeEvery = time.Second

// showNotice tells the cashier about a scan that was no payment, or that could
// not even be journalled.
func (r *Register) showNotice(why terminal.Reason) {
	now := r.cfg.Clock.Boot()
	if r.notice != nil && r.notice.Reason == why && now < r.hushed {
		return
	}
	r.hushed = now + noticeEvery
	r.notice = &Scan{Kind: "notice", Reason: why, Sentence: maps.Clone(why.Sentences())}
	r.publish()
	r.cfg.Signal.Emit(Event{Type: EventScanner, Journal: -1, Data: *r.notice})
}
