package registers

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"

	"sekisho/terminal/wire"
)

// telling has for each rule of what is told later at least one mutant.
var telling = []mutant{
	{"offline.advice", drops(wire.TypeAdvice)},
	{"offline.advice", advices(func(a *wire.Advice) { a.Payment = newID() })},
	{"offline.no-authorise", asksToo},
	{"advice.content", advices(func(a *wire.Advice) { a.Amount-- })},
	{"advice.content", advices(func(a *wire.Advice) { a.Kind = "digits" })},
	{"advice.content", advices(func(a *wire.Advice) { a.Created = 1 })},
	{"advice.content", advices(func(a *wire.Advice) { a.NotAfter = now() })},
	{"advice.content", advices(func(a *wire.Advice) { a.Sale.Hash = strings.Repeat("0", 64) })},
	{"advice.evidence", advices(func(a *wire.Advice) { a.Evidence = "AAAA" })},
	{"advice.acknowledged", again(wire.TypeAuthorise, wire.TypeAdvice)},
	{"advice.session", later(wire.TypeAdvice, func(m *wire.Message) { m.Advice.Amount++ })},
	{"advice.session", later(wire.TypeAdvice, func(m *wire.Message) { m.Advice.Payment = newID() })},
	{"advice.session", later(wire.TypeAdvice, gone)},
	{"advice.resent", later(wire.TypeAdvice, gone)},
	{"advice.rejected", again(wire.TypeAuthorise, wire.TypeAdvice)},
	{"advice.rejected", accepting},
	{"advice.once-code", asksToo},
	{"advice.old-incarnation", up(func(m *wire.Message) {
		if m.Advice != nil {
			m.Incarnation = newID()
		}
	})},
	{"advice.killed", drops(wire.TypeAdvice)},

	{"void.id", voids(func(v *wire.Void) { v.ID = v.Payment })},
	{"void.again", later(wire.TypeVoid, func(m *wire.Message) { m.Void.ID = newID() })},
	{"void.again", later(wire.TypeVoid, gone)},
	{"void.acknowledged", again(wire.TypeAuthorise, wire.TypeVoid)},
	{"refund.ids", refunds(func(r *wire.Refund) { r.ID = newID() })},
	{"refund.ids", refunds(func(r *wire.Refund) { r.Amount++ })},
	{"refund.again", later(wire.TypeRefund, func(m *wire.Message) { m.Refund.ID = newID() })},
	{"refund.again", later(wire.TypeRefund, func(m *wire.Message) { m.Refund.Amount++ })},
	{"refund.rejected", again(wire.TypeAuthorise, wire.TypeRefund)},
	{"outbox.urgent", again(wire.TypeVoid, wire.TypeAdvice)},
	{"outbox.one-payment", instead(wire.TypeAdvice, func(l *link, m wire.Message) []wire.Message {
		void := deep(m)
		void.Type, void.ID, void.Advice = wire.TypeVoid, newID(), nil
		void.Void = &wire.Void{Common: m.Advice.Common, ID: newID()}
		return []wire.Message{m, void}
	})},
	{"outbox.parked", drops(wire.TypeVoid)},
	{"outbox.other-ack", later(wire.TypeVoid, gone)},

	{"offline.floor", tap{deaf: true}},
	{"offline.count", tap{deaf: true}},
	{"offline.limits", answers(func(_ *link, a *wire.Answer) { a.Limits = nil })},
	{"offline.barred", tap{deaf: true}},
	{"offline.allotment", down(func(_ *link, m *wire.Message) {
		if m.Grants != nil {
			for i := range m.Grants.Grants {
				m.Grants.Grants[i].Total.Units *= 10
			}
		}
	})},
	{"offline.allotment", advices(func(a *wire.Advice) { a.Spends = nil })},
	{"offline.allotment", advices(func(a *wire.Advice) {
		for i := range a.Spends {
			a.Spends[i].Need, a.Spends[i].Reserved = a.Spends[i].Reserved, wire.Amount{}
		}
	})},
	{"offline.boot", tap{deaf: true}},
	{"offline.boot", advices(func(a *wire.Advice) { a.Clock = wire.ClockAuthenticated })},
	{"offline.digits", tap{deaf: true}},
	{"offline.digits", authorises(func(a *wire.Authorise) { a.Kind = "pass" })},
	{"offline.frozen", tap{deaf: true}},
	{"link.bad", asksToo},
	{"link.bad", asksOnly},

	{"caps.need", spending(func(s *wire.Spend) { s.Need = wire.Amount{} })},
	{"caps.reserved", spending(func(s *wire.Spend) { s.Reserved, s.Need.Units = wire.Amount{}, s.Need.Units+s.Reserved.Units })},
	{"caps.counters", tallying(func(c *wire.Counter) { c.Used = wire.Amount{} })},
	{"caps.counters", up(func(m *wire.Message) {
		if m.Hello != nil {
			m.Hello.Counters = nil
		}
	})},
	{"caps.decline", tallying(func(c *wire.Counter) { c.Released = wire.Amount{} })},
	{"caps.reversal", drops(wire.TypeReversal)},
	{"caps.reversal", spending(func(s *wire.Spend) { s.Reserved, s.Need = wire.Amount{Units: 3}, wire.Amount{} })},
	{"caps.refund", spending(func(s *wire.Spend) { s.Reserved, s.Need = wire.Amount{Units: 3}, wire.Amount{} })},
	{"grants.merge", down(func(_ *link, m *wire.Message) { // the last word counts
		if m.Grants != nil {
			m.Grants.Grants[0].Total.Units = 2
		}
	})},
	{"grants.twice", added},
	{"grants.unknown", up(func(m *wire.Message) {
		if m.Authorise != nil {
			m.Authorise.Counters = append(m.Authorise.Counters, wire.Counter{Cap: "novelty", Window: "2026-01-05"})
		}
	})},
	{"grants.back", up(func(m *wire.Message) {
		if m.Grants != nil {
			m.Grants.Counters[0].Returned.Units++
		}
	})},
	{"incarnation.killed", later(wire.TypeHello, func(m *wire.Message) { m.Incarnation = newID() })},
	{"incarnation.killed", later(wire.TypeHello, func(m *wire.Message) { m.Hello.Counters[0].Used = wire.Amount{} })},
	{"incarnation.boot", oneIncarnation},
}

// trusting has for each rule of head office, journal, doubt and TLS at least one.
var trusting = []mutant{
	{"policy.newer", inForce(wire.Versions{Policy: 1, Denials: 1})},
	{"policy.older", inForce(wire.Versions{Policy: 1, Denials: 1})},
	{"policy.older", noErrors},
	{"policy.older-boot", inForce(wire.Versions{Policy: 1, Denials: 1})},
	{"policy.older-boot", hellos(func(m *wire.Message) { m.Hello.Versions.Policy = 0 })},
	{"policy.stale", tap{deaf: true}},
	{"policy.threshold", inForce(wire.Versions{Policy: 2, Denials: 1})},
	{"policy.threshold", noErrors},
	{"policy.forged", inForce(wire.Versions{Policy: 2, Denials: 1})},
	{"policy.forged", noErrors},
	{"policy.realm", inForce(wire.Versions{Policy: 2, Denials: 1})},
	{"policy.class", inForce(wire.Versions{Policy: 2, Denials: 1})},
	{"policy.spelling", inForce(wire.Versions{Policy: 2, Denials: 1})},
	{"roles.newer", hellos(func(m *wire.Message) { m.Hello.Roles = 1 })},
	{"roles.successors", hellos(func(m *wire.Message) { m.Hello.Roles = 1 })},
	{"roles.successors", down(func(_ *link, m *wire.Message) {
		if m.Policy != nil {
			m.Policy.Roles = m.Policy.Roles[strings.LastIndex(m.Policy.Roles, "\f")+1:]
		}
	})},
	{"roles.policy", inForce(wire.Versions{Policy: 1, Denials: 1})},
	{"roles.policy", noErrors},
	{"roles.forged", hellos(func(m *wire.Message) { m.Hello.Roles = 2 })},
	{"roles.forged", noErrors},
	{"freeze.stops", without(wire.TypeFreeze)},
	{"freeze.issuer", tap{deaf: true}},
	{"freeze.forged", inForce(wire.Versions{Policy: 1, Freeze: 2, Denials: 1})},
	{"freeze.forged", noErrors},
	{"freeze.older", inForce(wire.Versions{Policy: 1, Freeze: 1, Denials: 1})},
	{"freeze.older", noErrors},
	{"freeze.lift", noErrors},
	{"freeze.boot", hellos(func(m *wire.Message) { m.Hello.Versions.Freeze = 0 })},
	{"denials.stop", undenied},
	{"denials.offline", undenied},
	{"denials.order", sorted},
	{"denials.parts", undenied},
	{"denials.gap", down(func(_ *link, m *wire.Message) {
		if d := m.Denials; d != nil && d.From == 5 {
			d.From = 1
		}
	})},
	{"denials.removed", down(func(_ *link, m *wire.Message) {
		if m.Denials != nil {
			m.Denials.Remove = ""
		}
	})},
	{"denials.whole", down(func(_ *link, m *wire.Message) {
		if d := m.Denials; d != nil && d.To == 3 {
			d.From = 2
		}
	})},
	{"denials.boot", hellos(func(m *wire.Message) { m.Hello.Versions.Denials = 0 })},
	{"denials.issued-before", down(func(_ *link, m *wire.Message) {
		if m.Denials != nil {
			m.Denials.Before = nil
		}
	})},

	{"checkpoint.first", checkpoints(func(c *wire.Checkpoint) { c.Note = strings.Replace(c.Note, "r", "q", 1) })},
	{"checkpoint.first", checkpoints(func(c *wire.Checkpoint) { c.From = 1 })},
	{"checkpoint.extends", later(wire.TypeCheckpoint, func(m *wire.Message) { m.Checkpoint.Proof = m.Checkpoint.Proof[1:] })},
	{"checkpoint.extends", later(wire.TypeCheckpoint, func(m *wire.Message) { m.Checkpoint.From-- })},
	{"checkpoint.stop", later(wire.TypeCheckpoint, gone)},
	{"checkpoint.nothing", again(wire.TypeError, wire.TypeCheckpoint)},
	{"challenge.met", checkpoints(func(c *wire.Checkpoint) { c.Leaf = nil })},
	{"challenge.met", checkpoints(func(c *wire.Checkpoint) {
		if c.Leaf != nil {
			c.Leaf.Hash = strings.Repeat("0", 64)
		}
	})},
	{"challenge.first", instead(wire.TypeCheckpoint, func(_ *link, m wire.Message) []wire.Message {
		first := m
		first.Type, first.ID, first.Checkpoint = wire.TypeGrants, newID(), nil
		first.Grants = &wire.Grants{Grants: []wire.Grant{}, Counters: []wire.Counter{}}
		return []wire.Message{first, m}
	})},
	{"challenge.first", drops(wire.TypeAuthorise)},
	{"upload.order", uploads(func(e *wire.Entries) { e.From++ })},
	{"upload.order", uploads(func(e *wire.Entries) { e.Leaves[0] = "e30=" })},
	{"upload.from", uploads(func(e *wire.Entries) { e.From = 0 })},
	{"upload.size", uploads(func(e *wire.Entries) { e.From = 0 })},
	{"upload.checkpoint", uploads(func(e *wire.Entries) { e.Leaves = append(e.Leaves, e.Leaves...) })},
	{"upload.refused", again(wire.TypeAuthorise, wire.TypeJournal)},

	{"quarantine.told", hellos(func(m *wire.Message) { m.Hello.Quarantine = "" })},
	{"quarantine.allotments", spending(func(s *wire.Spend) { s.Reserved, s.Need = s.Need, wire.Amount{} })},
	{"quarantine.offline", undoubted},
	{"quarantine.boot", hellos(func(m *wire.Message) { m.Hello.Quarantine = "" })},
	{"quarantine.released", oneIncarnation},
	{"quarantine.released", hellos(func(m *wire.Message) { m.Hello.Quarantine = "ledger.forked" })},
	{"quarantine.other-release", hellos(func(m *wire.Message) { m.Hello.Quarantine = "" })},
	{"quarantine.older", down(func(_ *link, m *wire.Message) {
		if m.Welcome != nil {
			m.Welcome.Checkpoint = nil
		}
	})},
	{"quarantine.older", hellos(func(m *wire.Message) { m.Hello.Quarantine = "ledger.forked" })},
	{"quarantine.forked", hellos(func(m *wire.Message) { m.Hello.Quarantine = "" })},
	{"quarantine.checkpoint", accepting},
	{"quarantine.refused", oneIncarnation},
	{"quarantine.refused", hellos(func(m *wire.Message) { m.Hello.Quarantine = "" })},

	{"enrol.request", tap{request: func(r *http.Request) { r.Method = http.MethodPut }}},
	{"enrol.request", tap{request: func(r *http.Request) { r.TLS.Version = tls.VersionTLS12 }}},
	{"enrol.other-ca", tap{deaf: true}},
	{"tls.certificate", tap{dial: func(d *dial) { d.r.TLS.PeerCertificates = nil }}},
	{"tls.version", tap{deaf: true}},
	{"tls.other-ca", tap{deaf: true}},
	{"tls.host", tap{deaf: true}},
	{"tls.expired", tap{deaf: true}},
	{"tls.not-asked", tap{deaf: true}},
	{"certificate.refused", thrice()},
	{"renew.request", tap{renewal: func(a *asked) { a.key = nil }}},
	{"renew.request", tap{renewal: func(a *asked) { a.shown = nil }}},
	{"renew.used", tap{renewal: func(a *asked) { a.gave = nil }}},
}

func advices(change func(*wire.Advice)) tap {
	return up(func(m *wire.Message) {
		if m.Advice != nil {
			change(m.Advice)
		}
	})
}

func voids(change func(*wire.Void)) tap {
	return up(func(m *wire.Message) {
		if m.Void != nil {
			change(m.Void)
		}
	})
}

func refunds(change func(*wire.Refund)) tap {
	return up(func(m *wire.Message) {
		if m.Refund != nil {
			change(m.Refund)
		}
	})
}

func checkpoints(change func(*wire.Checkpoint)) tap {
	return up(func(m *wire.Message) {
		if m.Checkpoint != nil {
			change(m.Checkpoint)
		}
	})
}

func uploads(change func(*wire.Entries)) tap {
	return up(func(m *wire.Message) {
		if m.Entries != nil {
			change(m.Entries)
		}
	})
}

func hellos(change func(*wire.Message)) tap {
	return up(func(m *wire.Message) {
		if m.Hello != nil {
			change(m)
		}
	})
}

func spending(change func(*wire.Spend)) tap {
	return authorises(func(a *wire.Authorise) {
		for i := range a.Spends {
			change(&a.Spends[i])
		}
	})
}

func tallying(change func(*wire.Counter)) tap {
	return authorises(func(a *wire.Authorise) {
		for i := range a.Counters {
			change(&a.Counters[i])
		}
	})
}

// inForce has every authorise name versions.
func inForce(v wire.Versions) tap {
	return authorises(func(a *wire.Authorise) { a.Versions = v })
}

// asksToo asks for what an advice tells of as well, by the same code.
var asksToo = instead(wire.TypeAdvice, func(l *link, m wire.Message) []wire.Message { return append([]wire.Message{m}, askedInstead(l, m)...) })

// asksOnly asks for it in the advice's place.
var asksOnly = instead(wire.TypeAdvice, askedInstead)

func askedInstead(l *link, m wire.Message) []wire.Message {
	code, err := wire.OpenEvidence(l.p.k.keys.Backend, m.Advice.Payment, m.Advice.Evidence)
	if err != nil {
		return nil
	}
	ask := deep(m)
	ask.Type, ask.ID, ask.Advice = wire.TypeAuthorise, newID(), nil
	ask.Authorise = &wire.Authorise{Common: m.Advice.Common, Amount: m.Advice.Amount, Code: code}
	return []wire.Message{ask}
}

// without leaves out what the backend says of a type.
func without(kind wire.Type) tap {
	return passes(func(_ *link, _ int, data []byte) bool {
		return !strings.Contains(string(data), `"type":"`+string(kind)+`"`)
	})
}

// undenied tells of no account that is denied.
var undenied = down(func(_ *link, m *wire.Message) {
	if m.Denials != nil {
		m.Denials.Add = ""
	}
})

// sorted puts the parts of denials in order.
var sorted = tap{down: func(l *link, kind int, data []byte) (int, []byte, bool) {
	m := parsed(data)
	if d := m.Denials; d != nil && d.Parts == 3 {
		if d.Part == 3 && l.p.k.tap.first("third") {
			return kind, data, false
		}
	}
	return kind, data, true
}}

// added has totals count as differences.
var added = tap{down: func(l *link, kind int, data []byte) (int, []byte, bool) {
	m := parsed(data)
	if m.Grants != nil && !l.p.k.tap.first("grants") {
		m.Grants.Grants[0].Total.Units *= 2
		return kind, text(m), true
	}
	return kind, data, true
}}

// accepting accepts whatever the backend rejects.
var accepting = down(func(_ *link, m *wire.Message) {
	if m.Ack != nil {
		m.Ack.Status, m.Ack.Reason, m.Ack.Bearer = wire.StatusAccepted, "", ""
	}
})

// undoubted welcomes without doubt.
var undoubted = down(func(_ *link, m *wire.Message) {
	if m.Welcome != nil {
		m.Welcome.Quarantine = ""
	}
})

// oneIncarnation names that of the first hello for ever.
var oneIncarnation = tap{up: func(l *link, m wire.Message) []wire.Message {
	m = deep(m)
	t := &l.p.k.tap
	if t.words == nil {
		t.words = map[string]wire.Message{"first": m}
	}
	m.Incarnation = t.words["first"].Incarnation
	return []wire.Message{m}
}}

// thrice dials three times, and no more.
func thrice() tap {
	n, gone := 0, make(chan struct{})
	close(gone)
	return tap{dial: func(d *dial) {
		if n++; n > 3 {
			d.gone = gone
		}
	}}
}

// parsed reads the backend's message.
func parsed(data []byte) (m wire.Message) {
	_ = json.Unmarshal(data, &m) // what is none changes nothing
	return m
}
