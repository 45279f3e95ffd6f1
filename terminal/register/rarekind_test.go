package register_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// rareKinds are the transactions that not every day sees.
var rareKinds = []kind{
	{"roles", func(w *world) (func(), func() bool) {
		roles, _ := w.nextRoles()
		return func() { w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Roles: roles}}) },
			func() bool { return w.kept().Roles.Version == 2 && w.rules().RolesVersion == 2 }
	}},
	{"roles, a policy and a freeze in one welcome", func(w *world) (func(), func() bool) {
		roles, office := w.nextRoles()
		p, err := policy.Sign(policyText(2, issuerKey(), watchPacks), office)
		w.must(err)
		f, err := policy.SignFreeze(fmt.Sprintf("version = 1\nrealm = %q\ncategories = [\"tobacco\"]\n", realm), office)
		w.must(err)
		w.down()
		return func() { w.welcomed(func(m *wire.Welcome) { m.Roles, m.Policy, m.Freeze = roles, p, f }) },
			func() bool {
				s, r := w.kept(), w.rules()
				return s.Roles.Version == 2 && s.PolicyVersion == 2 && s.Freeze.Version == 1 &&
					r.RolesVersion == 2 && r.PolicyVersion == 2 && r.FreezeVersion == 1
			}
	}},
	{"an account's limit", func(w *world) (func(), func() bool) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		p := w.payment(id)
		return func() {
				w.receive(wire.Message{Type: wire.TypeAnswer, Answer: &wire.Answer{
					Payment: string(id), Outcome: wire.OutcomeApproved, Amount: int64(p.Amount), Approval: "A1", Time: time.Now().UnixMilli(),
					Limits: &wire.Limits{Yen: 149, Count: 9},
				}})
			}, func() bool {
				told := w.limitOf(p.Account)
				return told != nil && told.Yen == 149 && w.payment(id).State == terminal.Approved
			}
	}},
	{"the time is marked", func(w *world) (func(), func() bool) {
		w.after(2 * time.Minute)
		before := w.kept().Mark
		put := w.saleIs("s1", terminal.SaleReady)
		return w.putting("s1", riceBall), func() bool {
			return put() && w.kept().Mark >= before+terminal.Millis(100*time.Second.Milliseconds())
		}
	}},
	{"a checkpoint", func(w *world) (func(), func() bool) {
		k := &keeper{w: w}
		k.takes()
		put := w.putting("s1", riceBall)
		// I6: each extends the last, and none tells of what the disk did not take.
		return func() { put(); w.after(61 * time.Second) }, func() bool {
			k.takes()
			return w.saleIs("s1", terminal.SaleReady)() && k.kept == w.headNow()
		}
	}},
	{"old entries are pruned", func(w *world) (func(), func() bool) {
		w.aged(20, register.KeepEntries+time.Hour)
		a := &archive{keeper: keeper{w: w}}
		return func() { a.opens(); w.after(61 * time.Minute) }, func() bool {
			first := w.kept().Pruned
			return first >= 20 && slices.ContainsFunc(w.leaves(), func(e journal.Entry) bool { return e.Type == journal.TypePruned && e.First >= first })
		}
	}},
	{"an unknown is resolved", func(w *world) (func(), func() bool) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.after(6 * time.Second)
		return w.asking(func(ctx context.Context) error { _, err := w.reg.Resolve(ctx, id, true); return err }), w.stateIs(id, terminal.Reversing)
	}},
	{"a refund is refused", func(w *world) (func(), func() bool) {
		id, refund := w.sold(), refundID()
		w.refunds(id, refund, 50)
		return func() { w.ackRefund(id, refund, wire.StatusRejected) }, w.refundIs(id, terminal.RefundRefused)
	}},
	{"a rejected advice ends its refund", func(w *world) (func(), func() bool) {
		id := w.offlineSale()
		_, err := w.reg.HandOver(w.t.Context(), id)
		w.must(err)
		w.refunds(id, refundID(), 50)
		w.up("")
		ended := w.refundIs(id, terminal.RefundRefused)
		return func() { w.ack(id, wire.TypeAdvice, wire.StatusRejected, terminal.AccountDenied) },
			func() bool { return w.payment(id).State == terminal.Rejected && ended() }
	}},
	{"a quarantine ends", func(w *world) (func(), func() bool) {
		doubted(w)
		w.down()
		return func() { w.welcomed(func(m *wire.Welcome) { m.Released = string(w.reg.View().Incarnation) }) }, func() bool {
			w.inc = w.reg.View().Incarnation // as the run directory has it for the next start
			return w.kept().Quarantine == "" && w.reg.View().Quarantine == ""
		}
	}},
	{"a clean stop without the line", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.down()
		return w.asking(w.reg.Stop), func() bool { return w.entries(journal.TypeStop) > 0 }
	}},
	{"a start", func(w *world) (func(), func() bool) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.stop()
		return w.starting(), func() bool {
			return w.stop != nil && w.entries(journal.TypeStart) > 1 && w.payment(id).State == terminal.Unknown
		}
	}},
	{"a start after an unclean end", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.stop()
		w.unclean()
		return w.starting(), func() bool { return w.stop != nil && w.entries(journal.TypeStart) > 1 }
	}},
	{"a start with an older ledger", func(w *world) (func(), func() bool) {
		w.grant(w.units("tobacco-day", 2))
		w.stop()
		w.inc, w.anchor, w.found = inc2, register.Anchor{Incarnation: inc2}, register.LedgerOlder
		start := w.starting()
		return func() {
			if start(); w.stop != nil {
				w.found = "" // the anchor is this ledger's now: no later start finds it
			}
		}, func() bool { return w.stop != nil && w.kept().Quarantine == register.LedgerOlder }
	}},
}

// starting ends the register where one runs, and starts one where the ledger can
// be opened.
func (w *world) starting() func() {
	return func() {
		if w.stop != nil {
			w.stop()
		}
		store, err := offline.Open(w.t.Context(), w.dir, offline.Options{})
		if err != nil {
			w.stop = nil
			return
		}
		w.runs(store)
	}
}

// unclean takes the mark of a clean end off the ledger.
func (w *world) unclean() {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(w.dir, "ledger.db"))
	w.must(err)
	_, err = db.ExecContext(w.t.Context(), "UPDATE meta SET value = 0 WHERE key = 'clean'")
	w.must(err)
	w.must(db.Close())
}

// entries counts the journal's entries of a type.
func (w *world) entries(of journal.Type) int {
	w.t.Helper()
	return len(slices.DeleteFunc(w.leaves(), func(e journal.Entry) bool { return e.Type != of }))
}

func (w *world) rules() register.Rules {
	w.t.Helper()
	r, err := w.reg.Rules(w.t.Context())
	w.must(err)
	return r
}

func (w *world) refundIs(id terminal.PaymentID, want terminal.RefundState) func() bool {
	return func() bool { return w.payment(id).Refunds[0].State == want }
}

// nextRoles gives roles 2, which name another key for policies and freezes.
func (w *world) nextRoles() (text string, office note.Signer) {
	w.t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "office-2")
	w.must(err)
	office, err = note.NewSigner(private)
	w.must(err)
	text, err = policy.SignRoles(w.rolesText(2, public), keys().root)
	w.must(err)
	return text, office
}
