package register_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// freeze signs a freeze over what is stopped; with lift by head office's policy
// key, else by the freeze key alone.
func (w *world) freeze(version int64, stops string, lift bool) string {
	w.t.Helper()
	signer := keys().freezer
	if lift {
		signer = keys().signer
	}
	text, err := policy.SignFreeze(fmt.Sprintf("version = %d\nrealm = %q\n%s\n", version, realm, stops), signer)
	w.must(err)
	return text
}

func (w *world) freezes(text string) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: text}})
}

func (w *world) wantRules(change func(register.Rules) bool, what string) {
	w.t.Helper()
	rules, err := w.reg.Rules(w.t.Context())
	w.must(err)
	if !change(rules) {
		w.t.Fatalf("%s: rules are %+v", what, rules)
	}
}

func (w *world) wantFrozen(want ...string) {
	w.t.Helper()
	if got := w.reg.View().Frozen; !slices.Equal(got, want) {
		w.t.Fatalf("frozen: %q, want %q", got, want)
	}
}

// wantReport checks that one thing was reported up, and nothing else.
func (w *world) wantReport(code policy.Code) {
	w.t.Helper()
	sent := w.line.take(wire.TypeError)
	if len(sent) != 1 || sent[0].Error.Code != wire.ErrorCode(code) || sent[0].Error.Text == "" || sent[0].Re != "b" {
		w.t.Fatalf("reported %+v, want %s", sent, code)
	}
}

// A freeze takes effect for the next scan, on the page, and over a restart; it
// never changes a payment that was sent.
func TestI5AFreezeStopsTheNextScan(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		sent := w.pays("account-1")
		text := w.freeze(3, `all = true`, false)
		w.freezes(text)
		w.wantFrozen("all")
		w.wantState(sent, terminal.Sent, "")
		w.answer(sent, wire.OutcomeApproved)
		w.wantState(sent, terminal.Approved, "")
		w.sells("s2", riceBall)
		w.wantState(w.pays("account-2"), terminal.Refused, terminal.Frozen)
		w.wantRules(func(r register.Rules) bool { return r.FreezeVersion == 3 && r.Freeze == text }, "frozen")
		w.restart()
		w.wantFrozen("all")
		w.wantState(w.pays("account-3"), terminal.Refused, terminal.Frozen) // without the line
		hello, err := w.reg.Hello(t.Context())
		w.must(err)
		if hello.Hello.Versions.Freeze != 3 || hello.Hello.Versions.Policy != 1 || hello.Hello.Roles != 1 {
			t.Fatalf("hello tells %+v, roles %d", hello.Hello.Versions, hello.Hello.Roles)
		}
	})
}

// I6: the freeze key can only stop more; what it stopped is lifted by the policy
// key alone. What is older, another's or no note changes nothing and is reported.
func TestI6OnlyHeadOfficeLiftsAFreeze(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.freezes(w.freeze(3, `categories = ["tobacco"]`, false))
		w.freezes(w.freeze(4, `categories = ["tobacco"]
issuers = ["wallet"]`, false))
		w.wantFrozen("tobacco", "wallet")
		w.freezes(w.freeze(5, `issuers = ["wallet"]`, false))
		w.wantReport(policy.CodeLift)
		w.freezes(w.freeze(3, `all = true`, true))
		w.wantReport(policy.CodeVersion)
		w.freezes("nonsense")
		w.wantReport(policy.CodeSignature)
		w.wantFrozen("tobacco", "wallet")
		w.freezes(w.freeze(4, `categories = ["tobacco"]
issuers = ["wallet"]`, false)) // the same again
		if n := len(w.line.take(wire.TypeError)); n != 0 {
			t.Fatalf("%d reports of the same freeze again", n)
		}
		w.freezes(w.freeze(6, "", true))
		w.wantFrozen()
		w.restart()
		w.wantFrozen()
		w.wantRules(func(r register.Rules) bool { return r.FreezeVersion == 6 }, "lifted")
	})
}

// What stops rules before the disk has it; what lifts, only after.
func TestI5AFreezeDoesNotWaitForTheDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		failing := func() error { return register.ErrNotStored }
		w.disk.fault(failing, nil)
		w.freezes(w.freeze(3, `all = true`, false))
		w.wantFrozen("all")
		w.disk.fault(nil, nil)
		w.freezes(w.freeze(4, `all = true`, false))
		w.disk.fault(failing, nil)
		w.freezes(w.freeze(5, "", true))
		w.wantFrozen("all")
	})
}

// A freeze whose keys are in office no more stays in force; one that cannot be
// read stops everything until a newer one comes.
func TestI5AFreezeOutlivesItsKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.freezes(w.freeze(3, `categories = ["tobacco"]`, false))
		w.rotates(2)
		w.restart()
		w.wantFrozen("tobacco")
		w.loaded = func(s *register.Snapshot) { s.Freeze.Note = "nonsense" }
		w.restart()
		w.wantFrozen("all")
	})
}

// rotates brings roles with other keys for policies and freezes, signed by root.
func (w *world) rotates(version int64) note.Signer {
	w.t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "office-2")
	w.must(err)
	signer, err := note.NewSigner(private)
	w.must(err)
	text, err := policy.SignRoles(w.rolesText(version, public), keys().root)
	w.must(err)
	w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Roles: text}})
	return signer
}

func (w *world) rolesText(version int64, office string) string {
	return fmt.Sprintf("version = %d\nrealm = %q\nroot = %q\n[policy]\nthreshold = 1\nkeys = [%q]\n[freeze]\nthreshold = 1\nkeys = [%q]\n",
		version, realm, keys().rootText, office, office)
}

// I6: roles come first, by which the policy in the same message is verified; the
// keys of before sign nothing any more; roles never go back a version.
func TestI6RolesComeFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		private, public, err := note.GenerateKey(rand.Reader, "office-2")
		w.must(err)
		signer, err := note.NewSigner(private)
		w.must(err)
		roles, err := policy.SignRoles(w.rolesText(2, public), keys().root)
		w.must(err)
		p, err := policy.Sign(policyText(2, issuerKey(), watchPacks), signer)
		w.must(err)
		bring := func(b wire.Policy) { w.receive(wire.Message{Type: wire.TypePolicy, Policy: &b}) }
		bring(wire.Policy{Note: p})
		w.wantReport(policy.CodeSignature)
		bring(wire.Policy{Note: p, Roles: roles})
		w.wantRules(func(r register.Rules) bool { return r.PolicyVersion == 2 && r.Policy == p && r.RolesVersion == 2 }, "rotated")
		bring(wire.Policy{Note: w.policy(3)}) // signed by the key of before
		w.wantReport(policy.CodeSignature)
		old, err := policy.SignRoles(w.rolesText(1, public), keys().root)
		w.must(err)
		bring(wire.Policy{Roles: old})
		w.wantReport(policy.CodeVersion)
		older, err := policy.Sign(policyText(1, issuerKey(), watchPacks), signer)
		w.must(err)
		bring(wire.Policy{Note: older})
		w.wantReport(policy.CodeVersion)
		w.restart()
		w.wantRules(func(r register.Rules) bool { return r.PolicyVersion == 2 && r.Policy == p && r.RolesVersion == 2 }, "after a restart")
		forged, err := policy.SignRoles(w.rolesText(9, public), signer)
		w.must(err)
		w.up("")
		bring(wire.Policy{Roles: forged})
		w.wantReport(policy.CodeSignature)
	})
}

// The welcome brings all of them at once.
func TestWelcomeBringsTheRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.down()
		w.welcomed(func(m *wire.Welcome) {
			m.Freeze, m.Policy = w.freeze(1, `categories = ["tobacco"]`, false), w.policy(2)
		})
		w.wantFrozen("tobacco")
		w.wantRules(func(r register.Rules) bool { return r.PolicyVersion == 2 && r.FreezeVersion == 1 }, "welcomed")
	})
}

// deny gives a part of a change that denies accounts for a day.
func deny(from, to int64, part, parts int, accounts ...string) wire.Denials {
	var add []byte
	for _, a := range accounts {
		id, _ := hex.DecodeString(string(terminal.NewAccountKey("wallet", "account-"+a)))
		add = binary.BigEndian.AppendUint32(append(add, id...), uint32(time.Now().Add(24*time.Hour).Unix()/60))
	}
	return wire.Denials{From: from, To: to, Part: part, Parts: parts, Add: base64.StdEncoding.EncodeToString(add)}
}

func (w *world) denied(parts ...wire.Denials) {
	w.t.Helper()
	for _, d := range parts {
		w.receive(wire.Message{Type: wire.TypeDenials, Denials: &d})
	}
	w.after(time.Millisecond)
}

func (w *world) wantDenied(version int64, accounts int) {
	w.t.Helper()
	w.wantRules(func(r register.Rules) bool { return r.Denials == version && r.Denied == accounts },
		fmt.Sprintf("want %d accounts of version %d", accounts, version))
}

// Denials come whole or as a delta to what is held, in parts or not; they count
// once the last part is there, and over a restart.
func TestDenialsInParts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.denied(deny(0, 7, 1, 3, "a", "b"), deny(0, 7, 2, 3, "c"))
		w.wantRules(func(r register.Rules) bool { return r.Denials != 7 }, "before the last part")
		w.denied(deny(0, 7, 3, 3, "d"))
		w.wantDenied(7, 4)
		w.sells("s1", riceBall)
		w.wantState(w.pays("account-c"), terminal.Refused, terminal.AccountDenied)
		w.denied(deny(7, 8, 1, 1, "e"), deny(8, 9, 1, 1, "f")) // at once
		w.wantDenied(9, 6)
		w.restart()
		w.wantDenied(9, 6)
		w.wantState(w.pays("account-f"), terminal.Refused, terminal.AccountDenied)
		w.denied(deny(0, 10, 1, 1, "z"))
		w.wantDenied(10, 1)
	})
}

// A large set's journey takes ten times its memory; once nothing holds that any
// more it goes back to the machine, and for a small one nothing is done.
func TestALargeSetsMemoryGoesBack(t *testing.T) {
	many := make([]string, 100_000) // 1.6 MB where they are kept
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	inWorld(t, func(t *testing.T, w *world) {
		before := forced()
		w.denied(deny(0, 7, 1, 1, "a"))
		w.wantDenied(7, 1)
		if forced() != before {
			t.Error("memory was handed back for one account")
		}
		w.denied(deny(0, 8, 1, 2, many[:60_000]...), deny(0, 8, 2, 2, many[60_000:]...))
		w.wantDenied(8, len(many))
		if n := forced() - before; n != 1 {
			t.Errorf("memory was handed back %d times after a large set", n)
		}
		before = forced()
		w.restart()
		w.after(time.Millisecond)
		w.wantDenied(8, len(many))
		if n := forced() - before; n != 1 {
			t.Errorf("memory was handed back %d times after a start with a large set", n)
		}
	})
}

// What does not follow is dropped, and the next hello tells what is held.
func TestDenialsThatDoNotFollow(t *testing.T) {
	for name, parts := range map[string][]wire.Denials{
		"a delta to another version": {deny(6, 8, 1, 1, "x")},
		"a part twice":               {deny(0, 8, 1, 3, "x"), deny(0, 8, 1, 3, "x"), deny(0, 8, 3, 3, "x")},
		"a part left out":            {deny(0, 8, 1, 3, "x"), deny(0, 8, 3, 3, "x"), deny(0, 8, 2, 3, "x")},
		"parts of two":               {deny(0, 8, 1, 2, "x"), deny(0, 9, 2, 2, "x")},
		"only the last":              {deny(0, 8, 2, 2, "x")},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.denied(deny(0, 7, 1, 1, "a", "b"))
				w.denied(parts...)
				w.wantDenied(7, 2)
				hello, err := w.reg.Hello(t.Context())
				w.must(err)
				if hello.Hello.Versions.Denials != 7 {
					t.Fatalf("hello tells %d", hello.Hello.Versions.Denials)
				}
				w.denied(parts...)
				if w.line.redials != 1 {
					t.Fatalf("%d redials: without another hello nothing that comes is taken", w.line.redials)
				}
			})
		})
	}
}

// I8: denied accounts that the disk did not take are kept and used as soon as it
// does, and one that was told already is no gap.
func TestI8DenialsOnAFullDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.disk.fault(func() error { return register.ErrNotStored }, nil)
		w.denied(deny(1, 2, 1, 1, "a"))
		w.wantDenied(1, 0)
		w.disk.fault(nil, nil)
		w.after(2 * time.Second)
		w.wantDenied(2, 1)
		w.denied(deny(1, 2, 1, 1, "a"), deny(2, 3, 1, 1, "b"))
		w.wantDenied(3, 2)
		if w.line.redials != 0 {
			t.Fatalf("%d redials", w.line.redials)
		}
		w.restart()
		w.wantDenied(3, 2)
	})
}

// Many deltas are kept as one set, so that a start stays short; an issuer's time
// and a removal come along.
func TestManyDeltasAreKeptAsOneSet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := deny(0, 1, 1, 1, "gone", "stays")
		first.Before = map[string]int64{"wallet": 5}
		w.denied(first)
		gone, _ := hex.DecodeString(string(terminal.NewAccountKey("wallet", "account-gone")))
		for v := int64(1); v < 70; v++ {
			d := deny(v, v+1, 1, 1, fmt.Sprint("account ", v))
			if v == 40 {
				d.Remove = base64.StdEncoding.EncodeToString(gone)
			}
			w.denied(d)
		}
		w.wantDenied(70, 70)
		s, err := w.disk.Load(t.Context())
		w.must(err)
		if n := len(s.Denials.Bodies); n > 40 || !strings.Contains(string(s.Denials.Bodies[0]), `"issued_before":{"wallet":5}`) {
			t.Fatalf("%d bodies, the first %.100s", n, s.Denials.Bodies[0])
		}
		w.restart()
		w.wantDenied(70, 70)
		w.sells("s1", riceBall)
		w.up("")
		w.wantState(w.pays("account-stays"), terminal.Refused, terminal.AccountDenied)
		w.wantState(w.pays("account-gone"), terminal.Sent, "")
	})
}

// What the backend last told of an account bounds it offline, after an approval
// and a decline.
func TestI5TheBackendsLimitsBoundAnAccountOffline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.denied(deny(0, 1, 1, 1))
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Limits = &wire.Limits{Yen: 149, Count: 9} })
		w.down()
		w.sells("s2", riceBall)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.OfflineLimit)
		w.wantState(w.pays("account-2"), terminal.ApprovedOffline, "")
		w.up("")
		w.sells("s3", riceBall)
		id = w.pays("account-3")
		w.answer(id, wire.OutcomeDeclined, func(a *wire.Answer) {
			a.Reason, a.Limits = string(terminal.CapStore), &wire.Limits{Yen: 0, Count: 0}
		})
		w.down()
		w.wantState(w.pays("account-3"), terminal.Refused, terminal.OfflineLimit)
	})
}
