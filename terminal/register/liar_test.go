package register_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// believes gives what no lie may change.
func (w *world) believes() string {
	w.t.Helper()
	rules, err := w.reg.Rules(w.t.Context())
	w.must(err)
	held, err := w.disk.Counters(w.t.Context(), w.inc, w.day())
	w.must(err)
	v := w.reg.View()
	return fmt.Sprintf("rules %d %d %d %d, held %v, doubt %q, frozen %v, outbox %d, unresolved %d, journal %d",
		rules.PolicyVersion, rules.FreezeVersion, rules.RolesVersion, rules.Denials, held, v.Quarantine, v.Frozen, v.Outbox, v.Unresolved, len(w.leaves()))
}

// What a backend says that is not so changes nothing: the payment that is being
// decided stays as it is, what is held stays held, and the next word that is true
// counts.
func TestI4LiesOfTheBackendChangeNothing(t *testing.T) {
	const other = "01890000-0000-7000-8000-00000000000f"
	answer := func(change func(*wire.Answer)) func(*world, terminal.PaymentID) []wire.Message {
		return func(_ *world, id terminal.PaymentID) []wire.Message {
			a := &wire.Answer{Payment: string(id), Outcome: wire.OutcomeApproved, Amount: 150, Approval: "A1", Time: time.Now().UnixMilli()}
			change(a)
			return []wire.Message{{Type: wire.TypeAnswer, Answer: a}}
		}
	}
	ack := func(of wire.Type, s wire.Status) func(*world, terminal.PaymentID) []wire.Message {
		return func(_ *world, id terminal.PaymentID) []wire.Message {
			return []wire.Message{{Type: wire.TypeAck, Ack: &wire.Ack{Payment: string(id), Of: of, Op: other, Status: s, Time: time.Now().UnixMilli()}}}
		}
	}
	plain := func(m ...wire.Message) func(*world, terminal.PaymentID) []wire.Message {
		return func(*world, terminal.PaymentID) []wire.Message { return m }
	}
	grants := func(g ...wire.Grant) func(*world, terminal.PaymentID) []wire.Message {
		return plain(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: g}})
	}
	note := func(text func(w *world) wire.Message) func(*world, terminal.PaymentID) []wire.Message {
		return func(w *world, _ terminal.PaymentID) []wire.Message { return []wire.Message{text(w)} }
	}
	policyNote := func(text func(w *world) string) func(*world, terminal.PaymentID) []wire.Message {
		return note(func(w *world) wire.Message {
			return wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: text(w)}}
		})
	}
	part := func(d wire.Denials) wire.Message { return wire.Message{Type: wire.TypeDenials, Denials: &d} }
	one := base64.StdEncoding.EncodeToString(make([]byte, 12))
	for name, lie := range map[string]func(*world, terminal.PaymentID) []wire.Message{
		"approved, of another payment":  answer(func(a *wire.Answer) { a.Payment = other }),
		"approved, a yen more":          answer(func(a *wire.Answer) { a.Amount++ }),
		"approved, a yen less":          answer(func(a *wire.Answer) { a.Amount-- }),
		"approved, for nothing":         answer(func(a *wire.Answer) { a.Amount = 0 }),
		"an outcome in capitals":        answer(func(a *wire.Answer) { a.Outcome = "APPROVED" }),
		"an outcome of a later release": answer(func(a *wire.Answer) { a.Outcome = "half-approved" }),
		"not seen":                      answer(func(a *wire.Answer) { a.Outcome = wire.OutcomeNotSeen }),

		"an accepted reversal that was never sent": ack(wire.TypeReversal, wire.StatusAccepted),
		"an accepted advice that was never sent":   ack(wire.TypeAdvice, wire.StatusAccepted),
		"a rejected advice that was never sent":    ack(wire.TypeAdvice, wire.StatusRejected),
		"an accepted void that was never asked":    ack(wire.TypeVoid, wire.StatusAccepted),
		"an accepted refund that was never asked":  ack(wire.TypeRefund, wire.StatusAccepted),
		"a status of a later release":              ack(wire.TypeReversal, "perhaps"),

		"grants of a cap that there is not": grants(wire.Grant{Cap: "gold-day", Window: "2000-01-01", Total: wire.Amount{Units: 9}}),
		"grants of a cap on one sale":       func(w *world, _ terminal.PaymentID) []wire.Message { return grants(w.units("tobacco-sale", 99))(w, "") },
		"grants for a day long gone":        grants(wire.Grant{Cap: "tobacco-day", Window: "1999-01-01", Total: wire.Amount{Units: 9}}),
		"grants for a day far off":          grants(wire.Grant{Cap: "tobacco-day", Window: "2099-01-01", Total: wire.Amount{Units: 9}}),
		"grants for no day":                 grants(wire.Grant{Cap: "tobacco-day", Window: "2000-99-99", Total: wire.Amount{Units: 9}}),
		"less than was granted":             func(w *world, _ terminal.PaymentID) []wire.Message { return grants(w.units("tobacco-day", 1))(w, "") },

		"the policy once more": policyNote(func(w *world) string { return w.policy(2) }),
		"an older policy":      policyNote(func(w *world) string { return w.policy(1) }),
		"a forged policy":      policyNote(func(w *world) string { return strings.Replace(w.policy(9), "units = 20", "units = 99", 1) }),
		"no policy":            policyNote(func(*world) string { return "version = 9" }),
		"a policy for another chain": policyNote(func(w *world) string {
			return w.sign(strings.Replace(policyText(9, issuerKey(), ""), realm, "other/chain", 1))
		}),
		"a forged freeze": note(func(w *world) wire.Message {
			return wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: strings.Replace(w.freeze(3, "categories = []", false), "categories = []", "all = true", 1)}}
		}),
		"forged roles": note(func(w *world) wire.Message {
			return wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Roles: strings.Replace(w.freeze(2, "all = true", false), "all", "root", 1)}}
		}),

		"the second part alone":       plain(part(wire.Denials{From: 1, To: 2, Part: 2, Parts: 2, Add: one})),
		"parts of two changes":        plain(part(wire.Denials{From: 1, To: 2, Part: 1, Parts: 2, Add: one}), part(wire.Denials{From: 1, To: 3, Part: 2, Parts: 2, Add: one})),
		"a part twice":                plain(part(wire.Denials{From: 1, To: 2, Part: 1, Parts: 3, Add: one}), part(wire.Denials{From: 1, To: 2, Part: 1, Parts: 3, Add: one}), part(wire.Denials{From: 1, To: 2, Part: 3, Parts: 3, Add: one})),
		"parts without an end":        plain(part(wire.Denials{From: 1, To: 2, Part: 1, Parts: 1000, Add: one}), part(wire.Denials{From: 1, To: 2, Part: 2, Parts: 1000, Add: one})),
		"a change of another version": plain(part(wire.Denials{From: 7, To: 8, Part: 1, Parts: 1, Add: one})),

		"an error about it": note(func(*world) wire.Message { return wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "tea"}} }),
		"trouble about something": note(func(*world) wire.Message {
			return wire.Message{Type: wire.TypeError, Re: "x", Error: &wire.Error{Code: wire.CodeTrouble}}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: w.policy(2)}})
				w.grant(w.units("tobacco-day", 3))
				w.freezes(w.freeze(2, "issuers = [\"nobody\"]", false))
				w.sells("s1", riceBall)
				id := w.pays("account-1")
				before := w.believes()
				for _, m := range lie(w, id) {
					w.receive(m)
				}
				if after := w.believes(); after != before {
					t.Fatalf("%s\nwas %s", after, before)
				}
				w.wantState(id, terminal.Sent, "")
				w.answer(id, wire.OutcomeApproved)
				w.wantState(id, terminal.Approved, "")
			})
		})
	}
}

// A welcome with an odd time or session is taken, since a backend that was put
// back must be able to go on; it opens nothing, and the next one that is right
// ends it.
func TestI8AWelcomeThatIsOddPasses(t *testing.T) {
	for name, change := range map[string]func(*wire.Welcome){
		"1970":                       func(m *wire.Welcome) { m.Time = 1 },
		"2100":                       func(m *wire.Welcome) { m.Time = time.Date(2100, 6, 1, 0, 0, 0, 0, time.UTC).UnixMilli() },
		"the last millisecond":       func(m *wire.Welcome) { m.Time = 253_402_300_799_999 },
		"the session before":         func(m *wire.Welcome) { m.Session = 1 },
		"released, of somebody else": func(m *wire.Welcome) { m.Released = "somebody" },
		"a policy that is none":      func(m *wire.Welcome) { m.Policy = "x" },
		"grants for a day far off": func(m *wire.Welcome) {
			m.Grants = []wire.Grant{{Cap: "tobacco-day", Window: "2999-01-01", Total: wire.Amount{Units: 5}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.down()
				w.line.set(true)
				w.session = 2
				welcome := wire.Welcome{Session: 2, Time: time.Now().UnixMilli()}
				change(&welcome)
				w.reg.LinkUp(t.Context(), welcome)
				synctest.Wait()
				w.put("odd", true, packs(1)...)
				w.scan(w.passOf("account-1", 100*24*time.Hour))
				if v := w.reg.View().Verdict; v != nil && v.State.Approval() {
					t.Fatalf("it sold %+v", v)
				}
				if w.reg.View().Quarantine != "" {
					t.Fatal(w.reg.View().Quarantine)
				}
				w.down()
				w.up("")
				w.reg.CancelSale(t.Context(), "odd")
				synctest.Wait()
				w.sells("s1", riceBall)
				id := w.pays("account-2")
				w.answer(id, wire.OutcomeApproved)
				w.wantState(id, terminal.Approved, "")
			})
		})
	}
}
