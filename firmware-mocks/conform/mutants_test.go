package conform_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"sekisho/firmware-mocks/conform"
	"sekisho/firmware-mocks/conform/own"
	"sekisho/terminal/wire"
)

// mutant is a backend that breaks a rule.
type mutant struct {
	rule string
	m    mutation
}

// mutants has for each rule of the link at least one.
var mutants = []mutant{
	{"link.subprotocol", mutation{noProtocol: true}},
	{"link.unknown-protocol", mutation{anyProtocol: true}},
	{"link.ping", mutation{noPongs: true}},
	{"link.in-order", mutation{up: overtaken}},
	{"link.binary", frames(func(_ *leg, kind int, _ []byte) bool { return kind == websocket.TextMessage })},
	{"link.oversize", frames(func(_ *leg, _ int, data []byte) bool { return len(data) <= wire.MaxMessage })},
	{"link.one", mutation{deaf: true}},
	{"link.one-each", mutation{up: lonely}},

	{"error.syntax", frames(func(_ *leg, _ int, data []byte) bool { return json.Valid(data) && data[0] == '{' })},
	{"error.version", up(func(m *wire.Message) { m.Version = 1 })},
	{"error.type", code(wire.CodeType, wire.CodeBody)},
	{"error.wrong-way", code(wire.CodeType, wire.CodeSession)},
	{"error.body", code(wire.CodeBody, wire.CodeTrouble)},
	{"error.currency", up(func(m *wire.Message) {
		if m.Authorise != nil {
			m.Authorise.Currency = wire.Currency
		}
	})},
	{"error.body-missing", code(wire.CodeBody, wire.CodeType)},
	{"error.ten-bad", mutation{deaf: true}},
	{"error.type-is-free", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Type == "novelty" {
			if l.p.count["novelty"]++; l.p.count["novelty"] > 10 {
				l.client.Close()
			}
		}
		return true
	}}},
	{"error.not-answered", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Error != nil {
			l.reply(*m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "type", Text: "an error?"}})
		}
		return true
	}}},
	{"fields.ignored", frames(func(l *leg, _ int, data []byte) bool {
		var m wire.Message
		if !strings.Contains(string(data), `"novelty"`) || json.Unmarshal(data, &m) != nil {
			return true
		}
		l.reply(m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeBody, Text: "unknown field"}})
		return false
	})},
	{"envelope.backend", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			m.ID = "b"
		}
		return true
	}}},
	{"envelope.backend", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			m.Session++
		}
		return true
	}}},

	{"hello.first", code(wire.CodeSession, wire.CodeRefused)},
	{"session.grows", oneSession},
	{"session.old", mutation{up: inSession}},
	{"session.future", mutation{up: inSession}},
	{"session.restart", oneSession},
	{"hello.other-store", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Hello != nil {
			if l.once(m.Hello.Register) {
				l.p.words[m.Hello.Register] = m.Hello.Store
			}
			m.Hello.Store = l.p.words[m.Hello.Register]
		}
		return true
	}}},
	{"hello.shorter", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Hello == nil {
			l.p.words[l.register] = headText(m.Journal)
		} else if before := l.p.words[l.register]; before != "" {
			_ = json.Unmarshal([]byte(before), &m.Journal)
		}
		return true
	}}},
	{"journal.other-root", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Journal != nil && strings.HasPrefix(m.Journal.Root, "dddd") {
			m.Journal.Size += 1000
		}
		return true
	}}},
	{"journal.overtaken", mutation{up: func(l *leg, m *wire.Message) bool {
		last := l.p.count[l.register]
		if m.Journal != nil && int(m.Journal.Size) < last {
			l.reply(*m, wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: wire.CodeRefused, Text: "shorter"}})
			return false
		}
		if m.Journal != nil {
			l.p.count[l.register] = int(m.Journal.Size)
		}
		return true
	}}},
	{"welcome.policy", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			if m.Welcome.Policy == "" {
				m.Welcome.Policy = l.p.words["policy"]
			}
			l.p.words["policy"] = m.Welcome.Policy
		}
		return true
	}}},
	{"welcome.policy", welcome(func(w *wire.Welcome) { w.Policy = "" })},
	{"welcome.note", welcome(func(w *wire.Welcome) { w.Policy = "version = 3\n" })},
	{"welcome.denials", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Denials == nil }}},
	{"time.now", answers(func(_ wire.Message, a *wire.Answer) { a.Time -= time.Hour.Milliseconds() })},
	{"time.now", acks(func(_ wire.Message, a *wire.Ack) { a.Time -= 1000 })},
	{"time.again", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil {
			if l.once(m.Answer.Payment) {
				l.p.count["time"] = int(m.Answer.Time)
			}
			m.Answer.Time = int64(l.p.count["time"])
		}
		return true
	}}},

	{"authorise.amount", answers(func(_ wire.Message, a *wire.Answer) { a.Amount++ })},
	{"authorise.amount", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"authorise.once", newApproval},
	{"authorise.once", mutation{up: forgetful, down: remembered}},
	{"authorise.once-raced", newApproval},
	{"authorise.declined-once", mutation{up: forgetful, down: remembered}},
	{"authorise.other-content", mutation{up: forgetful, down: remembered}},
	{"authorise.sessions", mutation{up: forgetful, down: remembered}},
	{"authorise.restart", mutation{up: forgetful, down: remembered}},
	{"authorise.late", up(func(m *wire.Message) {
		if m.Authorise != nil {
			m.Authorise.NotAfter += time.Hour.Milliseconds()
		}
	})},
	{"authorise.funds", approves("backend.declined")},
	{"authorise.account", answers(func(_ wire.Message, a *wire.Answer) { a.Account = "conform-1234" })},
	{"authorise.account", answers(func(_ wire.Message, a *wire.Answer) { a.Key = "0123456789abcdef" })},
	{"authorise.stopped", approves("account.denied")},
	{"authorise.new-device", approves("device.new")},
	{"answer.no-amount", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeDeclined {
			a.Amount = 1
		}
	})},
	{"answer.no-amount", answers(func(_ wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeReversed {
			a.Amount = 1
		}
	})},
	{"authorise.stopped", mutation{down: func(_ *leg, m *wire.Message) bool { return m.Denials == nil }}},
	{"query.not-seen", outcomes(wire.OutcomeNotSeen, wire.OutcomeDeclined)},
	{"query.tells", newApproval},
	{"query.tells", outcomes(wire.OutcomeDeclined, wire.OutcomeNotSeen)},
	{"payment.others", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Error != nil && req.Reversal != nil {
			*m = wire.Message{Version: 1, Type: wire.TypeAck, ID: m.ID, Re: m.Re, Session: m.Session, Ack: acknowledge(req)}
		}
		return true
	}}},

	{"pass.once", approves("code.replayed")},
	{"pass.once-reversed", approves("code.replayed")},
	{"pass.once-text", approves("code.replayed")},
	{"pass.once-stores", approves("code.replayed")},
	{"pass.once-raced", approves("code.replayed")},
	{"pass.not-used-up", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Answer != nil && req.Authorise != nil && !l.once(req.Authorise.Code) {
			m.Answer.Outcome, m.Answer.Reason = wire.OutcomeDeclined, "code.replayed"
		}
		return true
	}}},
	{"pass.forged", approves("code.forged")},
	{"pass.audience", approves("code.forged")},
	{"pass.malformed", approves("code.forged")},
	{"pass.expired", approves("code.expired")},
	{"pass.future", approves("code.expired")},

	{"reversal.credits", swallowed(wire.TypeReversal)},
	{"reversal.credits", outcomes(wire.OutcomeReversed, wire.OutcomeApproved)},
	{"reversal.once", secondTime(wire.TypeReversal, "rejected")},
	{"reversal.tombstone", swallowed(wire.TypeReversal)},
	{"reversal.tombstone-session", swallowed(wire.TypeReversal)},
	{"reversal.authorise-again", swallowed(wire.TypeReversal)},
	{"reversal.declined", acksAs(wire.TypeReversal, wire.StatusRejected, "backend.declined")},
	{"void.credits", swallowed(wire.TypeVoid)},
	{"void.once", secondTime(wire.TypeVoid, "rejected")},
	{"void.nothing", acksAs(wire.TypeVoid, wire.StatusAccepted, "")},
	{"void.rejected-once", secondTime(wire.TypeVoid, "accepted")},
	{"void.refunded", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"refund.parts", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},
	{"refund.parts", swallowed(wire.TypeRefund)},
	{"refund.keeps", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Answer != nil && l.p.asked[m.Re].Query != nil {
			m.Answer.Amount = 0
		}
		return true
	}}},
	{"refund.once", secondTime(wire.TypeRefund, "rejected")},
	{"refund.once", mutation{up: freshRefunds, down: oldRefunds}},
	{"refund.other-amount", acceptsRefused},
	{"refund.other-payment", acceptsRefused},
	{"refund.nothing", acksAs(wire.TypeRefund, wire.StatusAccepted, "")},

	{"caps.need", answers(func(_ wire.Message, a *wire.Answer) { a.Grants = nil })},
	{"caps.counted", approves("allotment.missing")},
	{"caps.reserved", approves("allotment.missing")},
	{"caps.limit", approves("cap.store")},
	{"caps.all-or-nothing", answers(func(req wire.Message, a *wire.Answer) {
		if a.Outcome == wire.OutcomeDeclined {
			raise(a.Grants, 1_000_000)
		}
	})},
	{"caps.raced", approves("cap.store")},
	{"caps.store", mutation{down: func(l *leg, m *wire.Message) bool {
		if req := l.p.asked[m.Re]; m.Answer != nil && req.Authorise != nil && len(req.Authorise.Spends) > 0 && strings.HasSuffix(l.register, "r5") {
			m.Answer.Outcome, m.Answer.Reason = wire.OutcomeDeclined, "cap.store"
		}
		return true
	}}},
	{"caps.window", approves("clock")},
	{"caps.grow", acks(func(_ wire.Message, a *wire.Ack) { raise(a.Grants, -1_000_000) })},
	{"caps.merge", acksAs(wire.TypeGrants, wire.StatusAccepted, "")},
	{"caps.incarnation", mutation{down: func(l *leg, m *wire.Message) bool {
		if m.Welcome != nil {
			raise(m.Welcome.Grants, 1_000_000)
		}
		return true
	}}},
	{"caps.reserve", welcome(func(w *wire.Welcome) { raise(w.Grants, 1_000_000) })},
	{"caps.account", approves("cap.account")},
	{"caps.account-undone", approves("cap.account")},
	{"caps.account-undone", swallowed(wire.TypeReversal)},
	{"grants.back", swallowed(wire.TypeGrants)},
	{"grants.back-twice", secondTime(wire.TypeGrants, "rejected")},
	{"grants.beyond", acksAs(wire.TypeGrants, wire.StatusAccepted, "")},
	{"grants.stopped", acks(func(req wire.Message, a *wire.Ack) {
		if req.Reversal != nil {
			raise(a.Grants, 5)
		}
	})},
	{"grants.back-own", acceptsRefused},

	{"advice.accepted", acksAs(wire.TypeAdvice, wire.StatusRejected, "offline.limit")},
	{"advice.once", secondTime(wire.TypeAdvice, "rejected")},
	{"advice.rejected-once", secondTime(wire.TypeAdvice, "rejected")},
	{"advice.query", outcomes(wire.OutcomeApproved, wire.OutcomeNotSeen)},
	{"advice.other-payment", acceptsAdvice},
	{"advice.forged", acceptsAdvice},
	{"advice.expired", acceptsAdvice},
	{"advice.expired", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "" })},
	{"advice.then", up(func(m *wire.Message) {
		if m.Advice != nil {
			m.Advice.Created = time.Now().UnixMilli()
		}
	})},
	{"advice.second-use", acceptsAdvice},
	{"advice.second-use-elsewhere", acceptsAdvice},
	{"advice.second-use-elsewhere", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},
	{"advice.ahead", acceptsAdvice},
	{"advice.uses-up", approves("code.replayed")},
	{"advice.floor", acceptsAdvice},
	{"advice.count", acceptsAdvice},
	{"advice.ceiling", acceptsAdvice},
	{"advice.aged", up(func(m *wire.Message) {
		if m.Advice != nil {
			m.Advice.ContactAge = 0
		}
	})},
	{"advice.age-unknown", acceptsAdvice},
	{"advice.boot", acceptsAdvice},
	{"advice.boot-goods", acceptsAdvice},
	{"advice.new-device", acceptsAdvice},
	{"advice.uncounted", acceptsAdvice},
	{"advice.allotment", acksAs(wire.TypeAdvice, wire.StatusRejected, "allotment.missing")},
	{"advice.old-incarnation", mutation{up: func(l *leg, m *wire.Message) bool {
		if m.Hello != nil {
			l.p.words["now"] = m.Incarnation
		}
		m.Incarnation = l.p.words["now"]
		return true
	}}},
	{"advice.reversal", acksAs(wire.TypeReversal, wire.StatusAccepted, "")},
	{"advice.void", acksAs(wire.TypeVoid, wire.StatusRejected, "backend.declined")},
	{"advice.void", swallowed(wire.TypeVoid)},
	{"advice.below-zero", acksAs(wire.TypeAdvice, wire.StatusRejected, "backend.declined")},
	{"advice.stopped", acceptsAdvice},
	{"advice.stopped", acks(func(_ wire.Message, a *wire.Ack) { a.Bearer = "store" })},

	{"checkpoint.first", welcome(func(w *wire.Welcome) { w.Checkpoint, w.Challenge = nil, nil })},
	{"checkpoint.extends", secondTime(wire.TypeCheckpoint, "rejected")},
	{"checkpoint.again", secondTime(wire.TypeCheckpoint, "rejected")},
	{"checkpoint.stale", acceptsRefused},
	{"checkpoint.other-key", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.origin", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.forked", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.forked", mutation{deaf: true}},
	{"checkpoint.smaller", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"challenge.asked", welcome(func(w *wire.Welcome) { w.Challenge = nil })},
	{"challenge.asked", mutation{down: challengedAlways}},
	{"challenge.anew", welcome(func(w *wire.Welcome) {
		if w.Challenge != nil {
			*w.Challenge = 0
		}
	})},
	{"challenge.anew", mutation{down: challengedOnce}},
	{"challenge.unproved", welcome(func(w *wire.Welcome) {
		if w.Challenge != nil {
			w.Grants = giftToday()
		}
	})},
	{"challenge.none", welcome(func(w *wire.Welcome) {
		w.Checkpoint, w.Challenge = &wire.Head{Size: 1, Root: strings.Repeat("0", 64)}, new(int64)
	})},
	{"upload.accepted", acks(func(_ wire.Message, a *wire.Ack) { a.Size = min(a.Size, 1) })},
	{"upload.accepted", welcome(func(w *wire.Welcome) { w.Uploaded = 0 })},
	{"upload.again", secondTime(wire.TypeJournal, "rejected")},
	{"upload.gap", acks(func(req wire.Message, a *wire.Ack) {
		if req.Entries != nil {
			a.Size = req.Entries.From + int64(len(req.Entries.Leaves))
		}
	})},
	{"upload.unproved", acceptsRefused},
	{"upload.changed", acksAs(wire.TypeJournal, wire.StatusAccepted, "")},
	{"upload.changed", trusting},
	{"upload.mismatch", acksAs(wire.TypeJournal, wire.StatusAccepted, "")},
	{"challenge.wrong", trusting},
	{"challenge.wrong", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"clone.doubted", trusting},
	{"clone.doubted", mutation{up: neverRetired}},
	{"advice.overspent", acceptsAdvice},
	{"advice.overspent", trusting},

	{"hello.older", trusting},
	{"hello.forked", trusting},
	{"quarantine.own-word", trusting},
	{"quarantine.incarnation", onceInDoubt},
	{"quarantine.restart", onceInDoubt},
	{"quarantine.sells", welcome(func(w *wire.Welcome) { w.Grants = append(w.Grants, giftToday()...) })},
	{"quarantine.released", welcome(func(w *wire.Welcome) { w.Released = "" })},
	{"quarantine.ordered", trusting},
}

// TestEveryRuleHasAMutant holds the table against the rules.
func TestEveryRuleHasAMutant(t *testing.T) {
	for _, r := range conform.Rules() {
		on := slices.ContainsFunc(mutants, func(m mutant) bool { return m.rule == r.ID })
		if !on && !slices.ContainsFunc(strangers, func(m stranger) bool { return m.rule == r.ID }) {
			t.Errorf("%s has no mutant: nothing shows that the kit would see it broken", r.ID)
		}
	}
}

// impatience is how long the kit waits for a mutant: half of them say nothing.
const impatience = 300 * time.Millisecond

// TestMutantsFail plays each rule against a backend that breaks it.
func TestMutantsFail(t *testing.T) {
	b := reference(t, false)
	rules := map[string]conform.Rule{}
	for _, r := range conform.Rules() {
		rules[r.ID] = r
	}
	for _, m := range mutants {
		t.Run(m.rule, func(t *testing.T) {
			cfg := anew(t, b, 1)
			p := newProxy(t, cfg.URL, m.m)
			cfg.URL = p.url()
			k, err := conform.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			k.Wait(impatience)
			p.on.Store(true)
			r := k.Check(t.Context(), rules[m.rule])
			if r.Status != conform.Failed || strings.HasPrefix(r.Why, "the kit") {
				t.Errorf("a backend that breaks the rule is not found out:\n%v", r)
			}
			t.Log(r.Why)
		})
	}
}

// TestAProxyAloneFailsNothing is the control: what the mutants fail by is not the
// proxy.
func TestAProxyAloneFailsNothing(t *testing.T) {
	cfg := anew(t, reference(t, false), conform.Spoilt)
	same := func(*leg, *wire.Message) bool { return true }
	p := newProxy(t, cfg.URL, mutation{down: same})
	p.on.Store(true)
	cfg.URL = p.url()
	k, err := conform.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	k.Run(t.Context(), "", func(r conform.Result) {
		if r.Status == conform.Failed {
			t.Error(r)
		}
	})
}

// reference is the reference backend for one test.
func reference(t *testing.T, tls bool) *own.Backend {
	t.Helper()
	b, err := own.Open(t.Context(), t.TempDir(), tls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// anew has registers that the backend never heard; so many may be spoilt.
func anew(t *testing.T, b *own.Backend, spoilt int) conform.Config {
	t.Helper()
	cfg, err := b.Config(t.Context(), spoilt)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
