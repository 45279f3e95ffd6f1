package register_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/scanner/aim"
	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// shopsCode is the example of EMVCo's merchant-presented mode 1.1, annex B.7.
const shopsCode = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
	"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"

// What is shown by mistake.
var mistakes = []struct {
	name   string
	symbol aim.ID
	text   string
	why    terminal.Reason
}{
	{"a shop's code", aim.QR, shopsCode, terminal.CodeMerchant},
	{"a bill", aim.GS1128, "91123456789012345678901234567890123456789012", terminal.CodeBill},
	{"a web address", aim.QR, "https://pay.example/shop/1", terminal.CodeNotPayment},
	{"digits that nobody uses", aim.QR, "12345", terminal.CodeNotPayment},
	{"an article with a wrong check digit", aim.QR, "4902777130836", terminal.CodeNotPayment},
	{"text", aim.QR, "good morning", terminal.CodeNotPayment},
	{"half of a container", aim.QR, "hQVDUFYwMW*", terminal.CodeNotPayment},
}

func (w *world) shows(symbol aim.ID, text string) {
	w.reg.Scanned(w.t.Context(), symbol, text, w.hear())
	synctest.Wait()
}

// A till that has lost one of its scanners is in trouble, whichever it is.
func TestAllScannersMustBeThere(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.scanners = 2
		w.start()
		for _, step := range []struct {
			scanner int
			up      bool
			want    string
		}{
			{1, true, "disconnected"}, {1, true, "disconnected"}, {0, true, "connected"}, {0, true, "connected"},
			{1, false, "disconnected"}, {1, false, "disconnected"}, {1, true, "connected"}, {0, false, "disconnected"},
		} {
			w.reg.ScannerUp(t.Context(), step.scanner, step.up)
			synctest.Wait()
			if got := w.reg.View().Scanner; got != step.want {
				t.Errorf("%+v: the page says %s", step, got)
			}
			if last := w.shown.events[len(w.shown.events)-1].Data.(register.Scan); last.Kind != step.want {
				t.Errorf("%+v: told %+v", step, last)
			}
		}
	})
}

// A scan that is no customer's code is told by its reason and is no attempt to
// pay: two hundred of them change nothing on the disk, and the next pass pays.
func TestI8WhatIsNoPaymentCodeChangesNothing(t *testing.T) {
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				before, sale, asked := w.leaves(), w.reg.View().Sale, 0
				w.disk.fault(func() error { asked++; return nil }, nil)
				for range 200 {
					w.shows(c.symbol, c.text)
				}
				w.wantNotice(c.why)
				if v := w.reg.View(); len(w.leaves()) != len(before) || asked != 0 || v.Verdict != nil || v.Sale.State != sale.State || v.Sale.Payment != "" {
					t.Fatalf("the disk was asked %d times, %d entries of %d; %+v", asked, len(w.leaves()), len(before), v)
				}
				if n := w.reg.View().Notice.Sentence; len(n) != len(terminal.Languages) {
					t.Errorf("the cashier reads %v", n)
				}
				id := w.pays("account-1")
				w.wantNotice("")
				w.wantState(id, terminal.Sent, "")
				if p := w.payment(id); p.Number != int64(len(before)) {
					t.Errorf("the payment is entry %d, want %d", p.Number, len(before))
				}
			})
		})
	}
}

// When it is not the time for any code, that is what the cashier is told, and a
// verdict stays on the screen.
func TestI2AMistakeHidesNoVerdict(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.shows(aim.QR, shopsCode)
		w.wantNotice(terminal.SaleNotReady)
		w.sells("s1", riceBall)
		id := w.pays("account-1")
		w.shows(aim.QR, shopsCode)
		w.wantNotice(terminal.Busy)
		w.answer(id, wire.OutcomeDeclined)
		w.shows(aim.QR, shopsCode)
		w.wantNotice(terminal.CodeMerchant)
		if v := w.reg.View().Verdict; v == nil || v.Payment != id || v.Outcome != terminal.OutcomeDeclined {
			t.Fatalf("the verdict has gone: %+v", v)
		}
		second := w.pays("account-2")
		w.answer(second, wire.OutcomeApproved)
		w.shows(aim.QR, shopsCode)
		w.wantNotice(terminal.SaleTaken)
		w.wantState(second, terminal.Approved, "")
	})
}

func of(c terminal.Category, l terminal.Line) terminal.Line {
	l.Category, l.Units = c, 1
	return l
}

const beer = "[[category]]\nid = \"beer\"\n"

// A category that the policy does not name would be sold past every cap: it is
// refused with the names that are known, and nothing is changed.
func TestI5UnknownCategoryIsRefused(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up(w.sign(policyText(1, issuerKey(), watchPacks+beer)))
		s, err := w.put("s1", false, of("beer", riceBall), of("", riceBall), of("tobacco", riceBall))
		if err != nil || len(s.Lines) != 3 || s.Lines[0].Category != "beer" || s.Lines[2].Category != "tobacco" {
			t.Fatalf("known categories: %+v, %v", s, err)
		}
		for _, wrong := range []terminal.Category{"Tobacco", "tabako", " tobacco", "x"} {
			for name, try := range map[string]func() error{
				"put":          func() error { _, err := w.put("s1", true, riceBall, of(wrong, riceBall)); return err },
				"put anew":     func() error { _, err := w.put("s2", true, riceBall, of(wrong, riceBall)); return err },
				"put, watched": func() error { _, err := w.put("s1", true, riceBall, of(wrong, packet)); return err },
				"add lines": func() error {
					_, err := w.reg.AddLines(t.Context(), "s1", []terminal.Line{riceBall, of(wrong, riceBall)})
					return err
				},
			} {
				err := try()
				wantCode(t, err, register.CodeSaleInvalid)
				if !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "beer, tobacco") {
					t.Errorf("%s: %v", name, err)
				}
				if v := w.reg.View(); v.Sale.Ref != "s1" || v.Sale.Revision != 1 || v.Sale.State != terminal.SaleOpen || len(v.Sale.Lines) != 3 {
					t.Fatalf("%s changed %+v", name, v.Sale)
				}
			}
		}
		if s, err := w.reg.AddLines(t.Context(), "s1", []terminal.Line{of("beer", riceBall)}); err != nil || len(s.Lines) != 4 {
			t.Errorf("a known category added: %+v, %v", s, err)
		}
		var e *register.Error
		if _, err := w.reg.AddLines(t.Context(), "s9", []terminal.Line{of("x", riceBall)}); !errors.As(err, &e) || e.Code != register.CodeSaleUnknown {
			t.Errorf("added to no sale: %v", err)
		}
	})
}

// Before the first policy any category is taken, since nothing is approved. When
// the policy has come and does not name it, the sale is not paid as it is.
func TestI5CategoryFromBeforeThePolicy(t *testing.T) {
	for name, ready := range map[string]bool{"put open": false, "put ready": true} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				w.start()
				if s, err := w.put("s1", ready, of("Tobacco", riceBall)); err != nil || s.Lines[0].Category != "Tobacco" {
					t.Fatalf("%+v, %v", s, err)
				}
				w.up(w.policy(1))
				size := len(w.leaves())
				w.scan(w.passOf("account-1", 100*24*time.Hour))
				w.wantNotice(terminal.SaleNotReady)
				_, err := w.reg.Ready(t.Context(), "s1")
				wantCode(t, err, register.CodeSaleInvalid)
				w.scan(w.passOf("account-1", 100*24*time.Hour))
				if n := len(w.leaves()); n != size || w.reg.View().Verdict != nil {
					t.Fatalf("%d entries, want %d: %+v", n, size, w.reg.View().Verdict)
				}
				w.sells("s1", of("tobacco", riceBall))
				id := w.pays("account-1")
				if p := w.payment(id); p.State != terminal.Sent || len(p.Spends) != 1 || p.Spends[0].Cap != "tobacco-day" {
					t.Fatalf("%+v", p)
				}
			})
		})
	}
}

// A till's own sale follows the newest watch list: a category that a newer
// policy no longer names is not the cashier's to mend.
func TestI8OwnSaleUnderAPolicyThatDropsItsCategory(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.items = map[terminal.GTIN]register.Item{riceBall.GTIN: {Name: "rice ball", Price: 150}}
		w.start()
		const watched = beer + "[[watch]]\ngtin = \"4901234567894\"\ncategory = \"beer\"\nunits = 1\n"
		w.up(w.sign(policyText(1, issuerKey(), strings.ReplaceAll(watched, "4901234567894", string(riceBall.GTIN)))))
		w.reg.Scanned(t.Context(), aim.EAN13, string(riceBall.GTIN), w.hear())
		synctest.Wait()
		s := w.reg.View().Sale
		if s == nil || s.Lines[0].Category != "beer" {
			t.Fatalf("%+v", s)
		}
		w.receive(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: w.policy(2)}})
		if got, err := w.reg.Ready(t.Context(), s.Ref); err != nil || got.Lines[0].Category != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		w.answer(w.pays("account-1"), wire.OutcomeApproved)
	})
}

// notices counts how often POS and page were told of a scan that was no payment.
func (w *world) notices() int {
	w.shown.mu.Lock()
	defer w.shown.mu.Unlock()
	n := 0
	for _, e := range w.shown.events {
		if scan, ok := e.Data.(register.Scan); ok && scan.Kind == "notice" {
			n++
		}
	}
	return n
}

// What lies before a unit that reads without a pause, or a line that says nothing
// but garbage, is told once a second: the page neither flickers nor chirps, and
// every scan is answered all the same.
func TestI8AFloodOfScansIsToldOnceASecond(t *testing.T) {
	for name, scan := range map[string]func(w *world){
		"a code before its sale":     func(w *world) { w.scan(digits); w.wantHeard(bad) },
		"an article without a price": func(w *world) { w.goods("4901234567894"); w.wantHeard(bad) },
		"garbage":                    func(w *world) { w.reg.Unreadable(w.t.Context()); synctest.Wait() },
	} {
		t.Run(name, func(t *testing.T) {
			bare(t, func(t *testing.T, w *world) {
				w.items, w.double = priceFile, window
				w.start()
				w.up(w.policy(1))
				for range 500 {
					scan(w)
					w.after(10 * time.Millisecond)
				}
				if n := w.notices(); n != 5 {
					t.Errorf("told %d times in 5 s", n)
				}
				if n := w.toldGoods(); n > 1 {
					t.Errorf("told of %d articles", n)
				}
			})
		})
	}
}

// Another notice is told at once, and so is the same one when the sale went on
// meanwhile.
func TestNoticesThatAreNews(t *testing.T) {
	bare(t, func(t *testing.T, w *world) {
		w.items, w.double = priceFile, window
		w.start()
		w.up(w.policy(1))
		for i, scan := range []func(){
			func() { w.scan(digits) },
			func() { w.goods("4901234567894") },
			func() { w.scan(digits) },
			func() { w.goods(string(riceBall.GTIN)); w.scan(digits) },
			func() { w.goods("4901234567894") },
			func() { w.goods("4901234567887") }, // the page has dropped the notice for it
		} {
			scan()
			if n := w.notices(); n != i+1 {
				t.Fatalf("told of %d notices, want %d", n, i+1)
			}
		}
	})
}
