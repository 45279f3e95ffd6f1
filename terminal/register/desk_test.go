package register_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/scanner/aim"
	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// At a till without a POS the scanner begins the sale, and the price file prices
// it.
func TestScannedGoodsMakeASale(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.items = map[terminal.GTIN]register.Item{
			riceBall.GTIN: {Name: "rice ball", Price: 150}, packet.GTIN: {Name: "packet", Price: 580},
		}
		w.start()
		w.up(w.policy(1))
		goods := func(gtin terminal.GTIN) {
			w.reg.Scanned(t.Context(), aim.EAN13, string(gtin), w.hear())
			synctest.Wait()
		}
		goods(riceBall.GTIN)
		goods(packet.GTIN)
		goods("4901234567894") // not in the file
		w.wantNotice(terminal.GoodsNoPrice)
		s := w.reg.View().Sale
		if s == nil || !s.Own || s.State != terminal.SaleOpen || len(s.Lines) != 2 || s.Total != 730 || s.Lines[1].Category != "tobacco" || s.Lines[0].Name != "rice ball" {
			t.Fatalf("%+v", s)
		}
		w.scan(digits)
		w.wantNotice(terminal.SaleNotReady)
		_, err := w.reg.Ready(t.Context(), s.Ref)
		w.must(err)
		id := w.pays("account-1")
		goods(riceBall.GTIN) // while it is being paid
		w.wantNotice(terminal.Busy)
		w.answer(id, wire.OutcomeApproved, func(a *wire.Answer) { a.Grants = []wire.Grant{w.units("tobacco-day", 1)} })
		w.wantNotice("")
		goods(riceBall.GTIN) // the next customer's
		if p := w.payment(id); p.HandedOver != terminal.ByNextSale {
			t.Fatalf("handed over by %q", p.HandedOver)
		}
		if next := w.reg.View().Sale; next.Ref == s.Ref || len(next.Lines) != 1 || next.Revision != 1 {
			t.Fatalf("%+v", next)
		}
		told := 0
		for _, e := range w.shown.events {
			if scan, ok := e.Data.(register.Scan); ok && scan.Kind == "goods" {
				told++
			}
		}
		if told != 5 {
			t.Fatalf("the POS was told of %d articles, want 5", told)
		}
	})
}

// Where a POS leads, goods scanned are told and change no sale.
func TestScannedGoodsOfAPOS(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		w.reg.Scanned(t.Context(), aim.EAN13, string(packet.GTIN), w.hear())
		synctest.Wait()
		last := w.shown.events[len(w.shown.events)-1]
		if scan, ok := last.Data.(register.Scan); !ok || scan.GTIN != packet.GTIN || last.Journal != -1 {
			t.Fatalf("%+v", last)
		}
		if s := w.reg.View().Sale; len(s.Lines) != 1 {
			t.Fatalf("%+v", s)
		}
	})
}

// What the scanner reads when it is not the time for it.
func TestNotices(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.scan(digits)
		w.wantNotice(terminal.SaleNotReady)
		w.sells("s1", riceBall)
		w.wantNotice("")
		w.reg.Unreadable(t.Context())
		synctest.Wait()
		w.wantNotice(terminal.CodeNotPayment)
		id := w.pays("account-1")
		w.wantNotice("")
		w.scan(digits) // a second look at the phone
		w.wantNotice(terminal.Busy)
		w.answer(id, wire.OutcomeApproved)
		w.wantNotice("")
		w.scan(digits)
		w.wantNotice(terminal.SaleTaken)
		if v := w.reg.View(); v.Verdict.Outcome != terminal.OutcomeApproved {
			t.Fatalf("%+v", v.Verdict)
		}
	})
}

func TestSalesThatAreNotTaken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		_, err := w.put("s1", true)
		wantCode(t, err, register.CodeSaleEmpty)
		_, err = w.put("", true, riceBall)
		wantCode(t, err, register.CodeSaleInvalid)
		unpriced := riceBall
		unpriced.Price = -1
		_, err = w.reg.PutSale(t.Context(), terminal.Sale{Ref: "s1", Lines: []terminal.Line{unpriced}}, false)
		wantCode(t, err, register.CodeGoodsNoPrice)
		dear := riceBall
		dear.Price, dear.Quantity = terminal.MaxSale, 2
		_, err = w.put("s1", false, dear)
		wantCode(t, err, register.CodeSaleInvalid)
		for name, ask := range map[string]func() error{
			"ready":  func() error { _, err := w.reg.Ready(t.Context(), "s1"); return err },
			"cancel": func() error { _, err := w.reg.CancelSale(t.Context(), "s1"); return err },
			"add":    func() error { _, err := w.reg.AddLines(t.Context(), "s1", []terminal.Line{riceBall}); return err },
		} {
			t.Log(name)
			wantCode(t, ask(), register.CodeSaleUnknown)
		}
		_, err = w.reg.HandOver(t.Context(), "01890000-0000-7000-8000-000000000000")
		wantCode(t, err, register.CodePaymentUnknown)
		_, err = w.put("s1", false, riceBall)
		w.must(err)
		s, err := w.reg.AddLines(t.Context(), "s1", []terminal.Line{riceBall})
		if err != nil || s.Total != 300 || s.Revision != 2 || len(s.Lines) != 2 {
			t.Fatalf("%+v, %v", s, err)
		}
	})
}

// Before a policy nothing is approved; one that does not verify, is another
// chain's, or is older changes nothing; also after the cache was lost.
func TestI6PolicyNeverGoesBack(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up("")
		w.sells("s1", riceBall)
		w.scan(digits)
		w.wantState(w.current(), terminal.Refused, terminal.PolicyMissing)
		send := func(note string) {
			w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: note}})
		}
		inForce := func(want int64) {
			t.Helper()
			if v := w.reg.View().Policy; v.Version != want {
				t.Fatalf("version %d (%s) is in force, want %d", v.Version, v.State, want)
			}
		}
		good := w.policy(5)
		send(good[:len(good)-9] + "AAAAAAA=\n")
		inForce(0)
		send(good)
		inForce(5)
		send(w.policy(4))
		inForce(5)
		send("version = 9")
		inForce(5)
		size := len(w.leaves())
		send(good)
		if len(w.leaves()) != size {
			t.Fatal("the same policy was journalled again")
		}
		w.restart()
		inForce(5)
		if p := w.pays("account-1"); w.payment(p).State == terminal.Refused && w.payment(p).Reason == terminal.PolicyMissing {
			t.Fatal("the cached policy is not in force")
		}
		older := w.policy(4)
		w.loaded = func(s *register.Snapshot) { s.PolicyNote = older } // another text in the cache
		w.restart()
		inForce(0)
		w.loaded = nil
		w.stop()
		w.loseCache()
		w.start()
		inForce(0)
		send(w.policy(4))
		inForce(0)
		if s := w.reg.View().Storage; s != "ok" {
			t.Fatalf("an old policy counts as a disk that is %q", s)
		}
		send(good)
		inForce(5)
	})
}

func TestHelloTellsWhatTheRegisterHolds(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		first, err := w.reg.Hello(t.Context())
		w.must(err)
		if _, err := wire.Encode(first); err != nil || first.Hello.Versions.Policy != 0 || len(first.Hello.Counters) != 0 {
			t.Fatalf("%+v, %v", first.Hello, err)
		}
		w.up(w.policy(3))
		w.grant(w.units("tobacco-day", 7))
		w.sells("s1", packs(2)...)
		w.pays("account-1")
		m, err := w.reg.Hello(t.Context())
		w.must(err)
		if _, err := wire.Encode(m); err != nil {
			t.Fatal(err)
		}
		want := wire.Counter{Cap: "tobacco-day", Window: string(w.day()), Granted: wire.Amount{Units: 7}, Used: wire.Amount{Units: 2}}
		h := m.Hello
		if h.Register != "r1" || h.Store != "s1" || h.Software != register.Software || h.Versions.Policy != 3 ||
			m.Incarnation != string(inc1) || m.Session != 0 || m.Journal.Size != int64(len(w.leaves())) ||
			len(h.Counters) != 1 || h.Counters[0] != want {
			t.Fatalf("%+v %+v", m, h)
		}
	})
}

// The line comes and goes while the clerk is at a payment: what was decided for
// an open line is not sent on a line that is down, and the other way round.
func TestI4LineChangesWhileThePaymentIsStored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		step := func(change func()) terminal.PaymentID {
			hold := make(chan struct{})
			w.disk.fault(func() error { <-hold; return nil }, nil)
			w.scan(w.passOf("account-1", 100*24*time.Hour))
			change()
			w.disk.fault(nil, nil)
			close(hold)
			synctest.Wait()
			return w.current()
		}
		w.sells("s1", riceBall)
		cut := step(w.down)
		w.wantState(cut, terminal.Reversing, terminal.BackendSilent)
		w.line.take(wire.TypeReversal)
		back := step(func() { w.up("", w.units("tobacco-day", 4)) })
		w.wantState(back, terminal.Advised, "")
		if r, a := w.line.take(wire.TypeReversal), w.line.take(wire.TypeAdvice); len(r) != 1 || len(a) != 1 {
			t.Fatalf("%d reversals, %d advices", len(r), len(a))
		}
		w.wantUnits("tobacco-day", 4, 0, 0) // the welcome's grants waited for the clerk
		// Down and up again: the session is the last one's.
		w.sells("s2", riceBall)
		last := step(func() { w.down(); w.up("") })
		w.wantState(last, terminal.Sent, "")
		if m := w.line.take(wire.TypeAuthorise); len(m) != 1 || m[0].Session != w.session {
			t.Fatalf("%v", m)
		}
	})
}

// After a restart within one boot the time of the backend goes on; after a boot
// only the wall clock is left, and tobacco waits.
func TestTimeAcrossRestarts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.sells("s0", riceBall) // a commit writes the anchor
		w.restart()
		if v := w.reg.View(); v.Clock != wire.ClockAuthenticated || v.Link.LastContact == 0 {
			t.Fatalf("%+v", v)
		}
		w.stop()
		w.inc, w.anchor = inc2, register.Anchor{}
		w.start()
		// The mark says when the backend was last heard, at the latest.
		if v := w.reg.View(); v.Clock != wire.ClockWall || v.Link.LastContact != terminal.MillisOf(time.Now()) {
			t.Fatalf("%+v", v)
		}
		_, err := w.put("s0", true, packs(1)...)
		w.must(err)
		w.wantState(w.pays("account-1"), terminal.Refused, terminal.ClockDoubt)
	})
}

// Everybody may look at any time: run under -race.
func TestViewIsSafeToRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		stop := make(chan struct{})
		for range 2 {
			all.Go(func() {
				for {
					v := w.reg.View()
					if v.Sale != nil && len(v.Sale.Lines) == 0 {
						t.Error("a sale without lines")
					}
					select {
					case <-stop:
						return
					case <-time.After(time.Millisecond):
					}
				}
			})
		}
		for i := range 20 {
			w.sells(terminal.SaleRef(string(rune('a'+i))), riceBall)
			id := w.pays("account-1")
			w.answer(id, wire.OutcomeApproved)
		}
		close(stop)
		all.Wait()
	})
}
