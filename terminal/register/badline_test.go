package register_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// slow makes the line bad, as two slow pongs do.
func (w *world) slow() {
	w.t.Helper()
	for range 2 {
		w.reg.RoundTrip(w.t.Context(), 2*time.Second)
	}
	synctest.Wait()
	w.wantLine(terminal.LineBad, terminal.LineSlow)
}

func (w *world) wantLine(state terminal.LineState, why terminal.LineReason) {
	w.t.Helper()
	l := w.reg.View().Link
	if l.State != state || l.Reason != why || l.Up != (state == terminal.LineUp) {
		w.t.Fatalf("the line is %+v, want %s (%s)", l, state, why)
	}
}

// Over a bad line a pass within the offline limits is approved at once, and the
// advice goes up over that same line.
func TestI5ABadLineKeepsNobodyWaiting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slow()
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.wantState(id, terminal.Advised, "")
		if sent := w.line.take(wire.TypeAuthorise); len(sent) != 0 {
			t.Errorf("%d authorises went out", len(sent))
		}
		if sent := w.line.take(wire.TypeAdvice); len(sent) != 1 {
			t.Errorf("%d advices went out", len(sent))
		}
		w.ack(id, wire.TypeAdvice, wire.StatusAccepted, "")
		w.wantState(id, terminal.Settled, "")
	})
}

// What the offline rules refuse is asked of the backend, as over a good line:
// digits, more than the floor limit, goods for which nothing is held.
func TestI5ABadLineRefusesNothingThatAGoodOneSells(t *testing.T) {
	lot := riceBall
	lot.Quantity = 40 // 6,000 yen, above the floor limit
	for name, c := range map[string]struct {
		lines []terminal.Line
		pays  func(w *world)
	}{
		"digits":                {[]terminal.Line{riceBall}, func(w *world) { w.scan(digits) }},
		"above the floor limit": {[]terminal.Line{lot}, func(w *world) { w.pays("account-1") }},
		"nothing is held":       {packs(3), func(w *world) { w.pays("account-1") }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.slow()
				w.sells("s1", c.lines...)
				c.pays(w)
				id := w.current()
				w.wantState(id, terminal.Sent, "")
				sent := w.line.take(wire.TypeAuthorise)
				if len(sent) != 1 {
					t.Fatalf("%d authorises went out", len(sent))
				}
				var grants []wire.Grant
				for _, s := range sent[0].Authorise.Spends {
					if s.Cap == "tobacco-offline" {
						t.Error("a cap on offline sales is spent online")
					}
					grants = append(grants, wire.Grant{Cap: s.Cap, Window: s.Window, Total: s.Need})
				}
				w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = grants })
				w.wantState(id, terminal.Approved, "")
			})
		})
	}
}

// What neither may sell is refused with the online rule's reason.
func TestABadLineSellsNothingToTheDenied(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slow()
		w.freezes(w.freeze(1, "all = true", false))
		w.sells("s1", riceBall)
		w.scan(digits)
		w.wantState(w.current(), terminal.Refused, terminal.Frozen)
	})
}

// A register in doubt sells online only: also over a bad line.
func TestABadLineAsksForARegisterInDoubt(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.found = register.LedgerOlder
		w.start()
		w.up(w.policy(1))
		w.slow()
		w.sells("s1", riceBall)
		w.wantState(w.pays("account-1"), terminal.Sent, "")
	})
}

// I1, I4: what was asked and not answered stays unknown when the line turns bad
// or good; it is asked about over the bad line, and never decided a second time.
func TestI4ABadLineDecidesNothingTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.slow()
		w.after(5 * time.Second)
		w.wantState(id, terminal.Unknown, terminal.BackendSilent)
		w.line.take(wire.TypeQuery)
		w.after(3 * time.Second)
		if sent := w.line.take(wire.TypeQuery); len(sent) == 0 {
			t.Error("nobody asks about it")
		}
		w.scan(w.passOf("account-1", 100*24*time.Hour))
		if w.current() != id {
			t.Fatal("the sale was paid a second time")
		}
		if sent := w.line.take(wire.TypeAdvice); len(sent) != 0 {
			t.Error("an unknown was approved offline")
		}
		w.answer(id, wire.OutcomeApproved)
		w.wantState(id, terminal.Approved, "")
	})
}

// Two answers that did not come in time over a line that stood make it bad; a
// break meanwhile is a break and no late answer.
func TestI8LateAnswersMakeABadLine(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		late := func(ref terminal.SaleRef, meanwhile func()) {
			t.Helper()
			w.sells(ref, riceBall)
			id := w.pays("account-" + string(ref))
			meanwhile()
			w.after(5 * time.Second)
			w.wantState(id, terminal.Unknown, terminal.BackendSilent)
			w.answer(id, wire.OutcomeDeclined)
			if _, err := w.reg.CancelSale(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		late("s1", func() {})
		late("s2", func() { w.down(); w.up("") })
		w.wantLine(terminal.LineUp, "")
		late("s3", func() {})
		w.wantLine(terminal.LineBad, terminal.LineSlow)
	})
}

// Answers in time push the late ones out.
func TestAnswersInTimeKeepTheLineGood(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for n := range 18 {
			ref := terminal.SaleRef("s" + string(rune('a'+n)))
			w.sells(ref, riceBall)
			id := w.pays("account-" + string(ref))
			if n%6 == 0 {
				w.after(5 * time.Second)
			}
			w.answer(id, wire.OutcomeDeclined)
			if _, err := w.reg.CancelSale(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		w.wantLine(terminal.LineUp, "")
	})
}

// The view says how the line is, why, since when, and when the backend was heard;
// each change is told once.
func TestTheViewTellsOfTheLine(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.wantLine(terminal.LineDown, terminal.LineStarting)
		tries := func(n int, why terminal.LineReason) int {
			t.Helper()
			before := w.shown.count(register.EventLink)
			for range n {
				w.reg.LinkDown(t.Context(), why)
			}
			synctest.Wait()
			w.wantLine(terminal.LineDown, why)
			return w.shown.count(register.EventLink) - before
		}
		if n := tries(5, terminal.LineUnreachable); n != 1 {
			t.Errorf("told %d times", n)
		}
		w.after(time.Minute)
		tries(1, terminal.LineUntrusted)
		if since := time.Since(w.reg.View().Link.Since.Time()); (since - time.Minute).Abs() > time.Second {
			t.Errorf("down since %v", since)
		}
		w.up(w.policy(1))
		w.wantLine(terminal.LineUp, "")
		w.after(20 * time.Second)
		w.slow()
		w.after(30 * time.Second)
		l := w.reg.View().Link
		if since := time.Since(l.Since.Time()); (since - 30*time.Second).Abs() > time.Second {
			t.Errorf("bad since %v", since)
		}
		if heard := time.Since(l.LastContact.Time()); heard > time.Second {
			t.Errorf("heard %v ago over a bad line that answers", heard)
		}
		for range 10 {
			<-time.After(2 * time.Second)
			w.reg.RoundTrip(t.Context(), 100*time.Millisecond)
		}
		synctest.Wait()
		w.wantLine(terminal.LineUp, "")
		w.down()
		w.wantLine(terminal.LineDown, terminal.LineUnreachable)
	})
}

// The pace of the line is the policy's, and the default before there is one.
func TestThePaceIsThePolicys(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		if silence, redial := w.reg.Pace(); silence != 6*time.Second || redial != 3*time.Second {
			t.Errorf("%v, %v before any policy", silence, redial)
		}
		w.up(w.sign(policyText(1, issuerKey(), "")))
		if silence, redial := w.reg.Pace(); silence != 6*time.Second || redial != 3*time.Second {
			t.Errorf("%v, %v by a policy that says nothing", silence, redial)
		}
		w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: w.sign(fast(policyText(2, issuerKey(), "")))}})
		if silence, redial := w.reg.Pace(); silence != 300*time.Millisecond || redial != 50*time.Millisecond {
			t.Errorf("%v, %v", silence, redial)
		}
		w.restart()
		if silence, redial := w.reg.Pace(); silence != 300*time.Millisecond || redial != 50*time.Millisecond {
			t.Errorf("%v, %v after a restart", silence, redial)
		}
	})
}

// count gives how many events of a type were told.
func (s *shown) count(kind register.EventType) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// fast gives a policy's text at the pace of a test.
func fast(text string) string {
	return strings.Replace(text, `give_up = "45s"`, `give_up = "45s", silence = "300ms", redial = "50ms"`, 1)
}
