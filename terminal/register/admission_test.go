package register_test

import (
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// newcomer is a register with a full outbox whose welcome asks for a leaf, and the
// backend's side of it.
func newcomer(w *world) *archive {
	w.t.Helper()
	a := &archive{keeper: keeper{w: w}}
	refunded := handedOver(w)
	w.after(time.Minute)
	a.takes()
	w.down()
	w.refunds(refunded, "019b8c1e-7a00-7000-8000-0000000000b1", 10)
	w.sells("offline", riceBall)
	w.wantState(w.pays("account-2"), terminal.ApprovedOffline, "")
	a.others()
	a.challenges(1)
	return a
}

// others gives what was sent beside checkpoints, and forgets it.
func (a *archive) others() map[wire.Type]int {
	found := map[wire.Type]int{}
	for _, kind := range []wire.Type{wire.TypeAuthorise, wire.TypeQuery, wire.TypeReversal, wire.TypeAdvice, wire.TypeVoid, wire.TypeRefund, wire.TypeGrants, wire.TypeJournal, wire.TypeError} {
		found[kind] = len(a.w.line.take(kind))
	}
	return found
}

// only checks that nothing left but checkpoints.
func (a *archive) only() {
	a.w.t.Helper()
	for kind, n := range a.others() {
		if n != 0 {
			a.w.t.Errorf("%d messages %q left before the proof was taken", n, kind)
		}
	}
}

// I6: before the proof of the journal was taken nothing else goes up; then all does,
// and a customer has waited for one round trip.
func TestI6NothingGoesBeforeTheProof(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := newcomer(w)
		w.receive(wire.Message{Type: wire.TypePolicy, ID: "p", Policy: &wire.Policy{Note: "no policy\n\n— nobody AAAA\n"}}) // of which it complains
		w.sells("s1", riceBall)
		id := w.pays("account-3")
		w.wantState(id, terminal.Sent, "")
		w.after(time.Second)
		a.only()
		a.takes()
		w.after(time.Millisecond)
		if asked := w.line.take(wire.TypeAuthorise); len(asked) != 1 || asked[0].Authorise.Payment != string(id) || asked[0].Session != w.session {
			t.Fatalf("after the proof the payment is asked for with %v", asked)
		}
		w.answer(id, wire.OutcomeApproved)
		w.wantState(id, terminal.Approved, "")
		for kind, want := range map[wire.Type]int{wire.TypeAdvice: 1, wire.TypeRefund: 1, wire.TypeError: 1} {
			if n := len(w.line.take(kind)); n != want {
				t.Errorf("%d messages %q after the proof, want %d", n, kind, want)
			}
		}
	})
}

// I4, I8: a payment that waited for a proof which nobody took never left: it is
// given up at once with the line, or when its time is over.
func TestI4APaymentThatWaitedForTheProofIsGivenUp(t *testing.T) {
	for name, end := range map[string]func(*world){
		"the line breaks":          func(w *world) { w.down() },
		"another session begins":   func(w *world) { w.up("") },
		"the backend keeps silent": func(w *world) { w.after(5 * time.Second) },
		"the cashier cancels":      func(w *world) { _, err := w.reg.CancelSale(w.t.Context(), "s1"); w.must(err) },
		"the backend refuses it":   func(w *world) { notTaken(w); w.down() },
		"it is taken after its end": func(w *world) {
			w.after(5 * time.Second)
			w.ackCheckpoint(w.line.take(wire.TypeCheckpoint)[1], wire.StatusAccepted)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				newcomer(w)
				w.sells("s1", riceBall)
				id := w.pays("account-3")
				end(w)
				w.after(time.Millisecond)
				if p := w.payment(id); p.State != terminal.Reversing {
					t.Errorf("the payment is %s (%s)", p.State, p.Reason)
				}
				w.after(time.Minute)
				if asked := w.line.take(wire.TypeAuthorise); len(asked) != 0 {
					t.Errorf("it was asked for after all: %v", asked)
				}
			})
		})
	}
}

// notTaken has the backend refuse the proof.
func notTaken(w *world) {
	m := w.line.take(wire.TypeCheckpoint)[0]
	w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "no proof"}})
}

// I8: a register that is in doubt already and finds that it can prove nothing says
// so with another hello, instead of waiting for ever.
func TestI8WhoCannotProveSaysSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := newcomer(w)
		a.takes()
		a.welcomes(func(m *wire.Welcome) { m.Quarantine = register.LedgerOlder })
		w.wantQuarantine(register.LedgerOlder)
		before := w.line.redials
		a.others()
		a.kept.Root[0]++
		a.challenges(0)
		if w.line.redials == before {
			t.Error("it stays in a session that nobody hears")
		}
		a.only()
	})
}

// I1: that the backend was put back to an older state is told also where its welcome
// asks for a proof: it is said once, and before the proof nobody would hear it.
func TestI1ABackendThatWasPutBackIsToldAfterTheProof(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := newcomer(w)
		a.takes()
		w.after(time.Millisecond)
		a.others()
		w.session -= 2
		for range 2 { // the line breaks before the first proof is taken
			a.challenges(1)
			a.only()
		}
		a.takes()
		w.after(time.Millisecond)
		m := w.line.take(wire.TypeError)
		if len(m) != 1 || m[0].Error.Code != "session.older" || m[0].Session != w.session {
			t.Fatalf("after the proof it is told %v", m)
		}
	})
}

// I8: a proof that is refused, as it came after another session or begins at another
// checkpoint than is kept by then, is given with another hello: nobody hears this
// session, also where the backend leaves it standing. One that met trouble goes
// again as it is.
func TestI8WhoseProofIsRefusedSaysHelloAnew(t *testing.T) {
	for code, want := range map[wire.ErrorCode]int{wire.CodeSession: 1, wire.CodeRefused: 1, wire.CodeTrouble: 0} {
		t.Run(string(code), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				newcomer(w)
				before := w.line.redials
				m := w.line.take(wire.TypeCheckpoint)[0]
				w.receive(wire.Message{Type: wire.TypeError, Re: "another", Error: &wire.Error{Code: code, Text: "no"}})
				if w.line.redials != before {
					t.Error("it says hello anew for an error about another message")
				}
				w.receive(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: code, Text: "no"}})
				if got := w.line.redials - before; got != want {
					t.Errorf("it says hello anew %d times, want %d", got, want)
				}
				w.after(5 * time.Second)
				if again := len(w.line.take(wire.TypeCheckpoint)); want == 0 && again != 1 {
					t.Errorf("the proof goes again %d times, want once", again)
				}
			})
		})
	}
}
