package register_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// What is held is reserved and the rest asked for; the grant that comes with the
// approval covers it, once.
func TestI3NeedIsGrantedWithTheApproval(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 3))
		w.sells("s1", packs(5)...)
		id := w.pays("account-1")
		a := w.line.take(wire.TypeAuthorise)[0].Authorise
		want := wire.Spend{Cap: "tobacco-day", Window: string(w.day()), Reserved: wire.Amount{Units: 3}, Need: wire.Amount{Units: 2}}
		if len(a.Spends) != 1 || a.Spends[0] != want {
			t.Fatalf("spends %+v, want %+v", a.Spends, want)
		}
		w.wantUnits("tobacco-day", 3, 3, 0)
		for range 2 {
			w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) {
				a.Grants = []wire.Grant{w.units("tobacco-day", 6), w.units("tobacco-day", 4)}
			})
		}
		w.wantState(id, terminal.Approved, "")
		w.wantUnits("tobacco-day", 6, 5, 0)
		w.grant(w.units("tobacco-day", 4)) // an older message comes late
		w.wantUnits("tobacco-day", 6, 5, 0)
	})
}

// Without a covering grant an approval is undone.
func TestI3ApprovalWithoutGrantIsReversed(t *testing.T) {
	for name, grants := range map[string]func(w *world) []wire.Grant{
		"none":           func(*world) []wire.Grant { return nil },
		"one unit short": func(w *world) []wire.Grant { return []wire.Grant{w.units("tobacco-day", 4)} },
		"another cap's":  func(w *world) []wire.Grant { return []wire.Grant{w.units("tobacco-offline", 9)} },
		"another window's": func(*world) []wire.Grant {
			return []wire.Grant{{Cap: "tobacco-day", Window: "1999-12-31", Total: wire.Amount{Units: 9}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.grant(w.units("tobacco-day", 3))
				w.sells("s1", packs(5)...)
				id := w.pays("account-1")
				w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = grants(w) })
				w.wantState(id, terminal.Reversing, terminal.AllotmentMissing)
				if v := w.reg.View(); v.Verdict.Outcome != terminal.OutcomeDeclined || v.Sale.State != terminal.SaleReady {
					t.Fatalf("%+v", v.Verdict)
				}
				if m := w.line.take(wire.TypeReversal); len(m) != 1 || m[0].Reversal.Why != "allotment" {
					t.Fatalf("reversals: %v", m)
				}
				if c := w.counter("tobacco-day"); c.Used.Units != 3 || c.Released.Units != 0 {
					t.Fatalf("released before the backend acknowledged: %+v", c)
				}
				w.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
				if c := w.counter("tobacco-day"); c.Used.Units != 3 || c.Released.Units != 3 {
					t.Fatalf("not released: %+v", c)
				}
			})
		})
	}
}

// A decline releases what was reserved, once.
func TestI3DeclineReleases(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 3))
		w.sells("s1", packs(5)...)
		id := w.pays("account-1")
		w.after(6 * time.Second)
		for range 2 {
			w.answer(id, wire.OutcomeDeclined, func(a *wire.Answer) { a.Reason = "cap.store" })
		}
		w.wantState(id, terminal.Declined, terminal.CapStore)
		w.wantUnits("tobacco-day", 3, 3, 3)
	})
}

// A void gives the whole back, and only when the backend has acknowledged it.
func TestI3VoidReleasesOnAcknowledgement(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 3))
		w.sells("s1", packs(5)...)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 5)} })
		_, err := w.reg.Void(t.Context(), id)
		w.must(err)
		synctest.Wait()
		w.wantUnits("tobacco-day", 5, 5, 0)
		w.ack(id, wire.TypeVoid, wire.StatusRejected, "backend.declined")
		w.wantUnits("tobacco-day", 5, 5, 0)
		for range 2 {
			w.ack(id, wire.TypeVoid, wire.StatusAccepted, "")
			w.wantUnits("tobacco-day", 5, 5, 5)
		}
	})
}

// After a reboot the payment of the old incarnation settles with its own
// counters, and the new one holds nothing of them.
func TestI3OldIncarnationSettles(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 3))
		w.sells("s1", packs(5)...)
		id := w.pays("account-1")
		w.stop()
		w.inc, w.anchor = inc2, register.Anchor{}
		w.start()
		w.up("", w.units("tobacco-day", 1))
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 2)} })
		w.wantState(id, terminal.Approved, "")
		w.wantUnits("tobacco-day", 2, 0, 0)
		w.inc = inc1
		w.wantUnits("tobacco-day", 5, 5, 0)
	})
}

// Offline the offline-only cap counts as well, online it does not.
func TestI3OfflineOnlyCapCountsOffline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 8), w.units("tobacco-offline", 2))
		w.sells("s1", packs(5)...)
		w.answer(w.pays("account-1"), wire.OutcomeApproved)
		w.wantUnits("tobacco-day", 8, 5, 0)
		w.wantUnits("tobacco-offline", 2, 0, 0)
		w.down()
		w.sells("s2", packs(2)...)
		w.wantState(w.pays("account-2"), terminal.ApprovedOffline, "")
		w.wantUnits("tobacco-day", 8, 7, 0)
		w.wantUnits("tobacco-offline", 2, 2, 0)
		w.sells("s3", packs(1)...)
		w.wantState(w.pays("account-3"), terminal.Refused, terminal.CapOffline)
		w.wantUnits("tobacco-day", 8, 7, 0)
	})
}

// The business day changes between reservation and answer: the window of the
// reservation counts.
func TestI3WindowOfTheReservationCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		// The bubble begins at 09:00 in Tokyo; the day changes at 05:00.
		w.after(20*time.Hour - 10*time.Second)
		w.grant(w.units("tobacco-day", 3))
		w.sells("s1", packs(5)...)
		id, before := w.pays("account-1"), w.day()
		grant := w.units("tobacco-day", 5)
		w.after(20 * time.Second)
		if w.day() == before {
			t.Fatal("the day did not change")
		}
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{grant} })
		w.wantState(id, terminal.Approved, "")
		w.wantUnits("tobacco-day", 0, 0, 0)
		list, err := w.disk.Counters(t.Context(), inc1, before)
		w.must(err)
		if len(list) != 1 || list[0].Used.Units != 5 || list[0].Granted.Units != 5 {
			t.Fatalf("%+v", list)
		}
		if p := w.payment(id); p.Day != before {
			t.Fatalf("the payment's day is %s", p.Day)
		}
	})
}

// A grants message may be for caps and windows that nobody knows, and name one
// twice: the disk does not count as failed, and the larger total holds.
func TestI3GrantsOfAnyKind(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.grant(w.units("tobacco-day", 7), w.units("tobacco-day", 4), w.units("of-a-later-policy", 1),
			wire.Grant{Cap: "tobacco-day", Window: "2031-01-01", Total: wire.Amount{Units: 1}})
		w.wantUnits("tobacco-day", 7, 0, 0)
		if s := w.reg.View().Storage; s != "ok" {
			t.Fatalf("storage is %q", s)
		}
		caps, err := w.reg.Caps(t.Context())
		if err != nil || len(caps) != 2 || caps[1].Held.Units != 7 || caps[1].Window != w.day() || caps[1].Counts[0] != "units" {
			t.Fatalf("%+v, %v", caps, err)
		}
	})
}

// A late approval of a payment that was given up still brings its grant.
func TestI3GrantOfALateApprovalIsHeld(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", packs(2)...)
		id := w.pays("account-1")
		w.after(46 * time.Second)
		w.ack(id, wire.TypeReversal, wire.StatusAccepted, "")
		w.wantState(id, terminal.Reversed, terminal.BackendSilent)
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 2)} })
		w.wantUnits("tobacco-day", 2, 0, 0)
	})
}

// The line is down: rice balls on a pass are sold, tobacco without a grant is
// not, digits are not.
func TestI5OpenForRiceBalls(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.sells("s1", packs(1)...)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.CapOffline)
		_, err := w.reg.CancelSale(t.Context(), "s1")
		w.must(err)
		w.sells("s2", riceBall)
		w.scan(digits)
		w.wantState(w.current(), terminal.Refused, terminal.CodeUnknownOff)
		id := w.pays("account-1")
		w.wantState(id, terminal.ApprovedOffline, "")
		if v := w.reg.View().Verdict; v.Outcome != terminal.OutcomeApproved || !v.Offline {
			t.Fatalf("%+v", v)
		}
		w.up("")
		w.wantState(id, terminal.Advised, "")
		m := w.line.take(wire.TypeAdvice)
		if len(m) != 1 || m[0].Advice.Payment != string(id) {
			t.Fatalf("advices: %v", m)
		}
		code, err := wire.OpenEvidence(keys().sealer, string(id), m[0].Advice.Evidence)
		if err != nil || code[:4] != "SK1:" {
			t.Fatalf("the evidence does not open: %v", err)
		}
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.wantState(id, terminal.Settled, "")
	})
}

// A sale put before a policy, or under an older one, is watched by the policy in
// force when it is paid.
func TestI5SaleIsWatchedByThePolicyInForce(t *testing.T) {
	for name, first := range map[string]string{"no policy": "", "an older policy": policyText(1, issuerKey(), "")} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				w.start()
				if first != "" {
					w.up(w.sign(first))
				}
				w.sells("s1", packs(16)...)
				w.up(w.policy(2))
				w.wantState(w.pays("account-1"), terminal.Refused, terminal.CapRegister)
				if s := w.reg.View().Sale; s.Lines[0].Category != "tobacco" {
					t.Fatalf("%+v", s)
				}
				if s, err := w.put("s1", true, packs(16)...); err != nil || s.Revision != 1 {
					t.Fatalf("the same put again: %+v, %v", s, err)
				}
			})
		})
	}
}
