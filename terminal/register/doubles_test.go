package register_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"sekisho/scanner/framing"
	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// window is the double-read time of these tests.
const window = 300 * time.Millisecond

// doubling is inWorld with a double-read time, and a price file where the scanner
// makes the sales.
func doubling(t *testing.T, own bool, test func(*testing.T, *world)) {
	t.Helper()
	bare(t, func(t *testing.T, w *world) {
		w.double = window
		if own {
			w.items = map[terminal.GTIN]register.Item{riceBall.GTIN: {Price: 150}, packet.GTIN: {Price: 580}, bread.GTIN: {Price: 120}}
		}
		w.start()
		w.up(w.policy(1))
		test(t, w)
	})
}

// toldGoods counts the articles that the POS was told of.
func (w *world) toldGoods() int {
	w.shown.mu.Lock()
	defer w.shown.mu.Unlock()
	n := 0
	for _, e := range w.shown.events {
		if scan, ok := e.Data.(register.Scan); ok && scan.Kind == "goods" {
			n++
		}
	}
	return n
}

// An article that stays in view is taken once, however long it stays, and again
// when it comes back after the window; an article with another number at once.
func TestDoubleReadsOfGoods(t *testing.T) {
	doubling(t, true, func(t *testing.T, w *world) {
		lines := func(want int) {
			t.Helper()
			if s := w.reg.View().Sale; len(s.Lines) != want || w.toldGoods() != want {
				t.Fatalf("%d lines, %d told, want %d", len(s.Lines), w.toldGoods(), want)
			}
		}
		rice, pack := string(riceBall.GTIN), string(packet.GTIN)
		w.goods(rice)
		w.wantHeard(good)
		for range 10 {
			w.after(window - time.Millisecond)
			w.goods(rice)
			w.wantHeard(done)
		}
		lines(1)
		w.goods(pack) // and both stay in view
		w.wantHeard(good)
		w.goods(rice)
		w.wantHeard(done)
		w.goods(pack)
		w.wantHeard(done)
		lines(2)
		w.after(window)
		w.goods(rice)
		w.wantHeard(good)
		lines(3)
	})
	inWorld(t, func(t *testing.T, w *world) { // switched off
		w.goods(string(riceBall.GTIN))
		w.goods(string(riceBall.GTIN))
		if n := w.toldGoods(); n != 2 {
			t.Fatalf("%d", n)
		}
	})
}

// What was refused is not passed over when it is tried again.
func TestRefusedGoodsAreNoDoubleRead(t *testing.T) {
	doubling(t, true, func(t *testing.T, w *world) {
		for range 2 {
			w.goods("4901234567887") // not in the file
			w.wantHeard(bad)
			w.wantNotice(terminal.GoodsNoPrice)
		}
		w.disk.fault(refuses, nil)
		w.goods(string(riceBall.GTIN))
		w.wantHeard(bad)
		w.disk.fault(nil, nil)
		w.goods(string(riceBall.GTIN))
		w.wantHeard(good)
	})
}

// Two sales are never mixed up, however soon the second follows: where the first is
// paid, or closed unpaid, the same article counts again. What only goes on with a
// sale, or begins one on account of the read, changes nothing: the article may
// still lie before the unit.
func TestDoubleReadsEndWithTheSale(t *testing.T) {
	rice := string(riceBall.GTIN)
	for _, c := range []struct {
		name            string
		own             bool
		before, between func(w *world)
		heard           framing.Answer
	}{
		{"nothing", true, nil, func(*world) {}, done},
		{"the POS puts the sale", false, nil, func(w *world) { w.must1(w.put("s1", false, riceBall)) }, done},
		{"the POS changes the sale", false, func(w *world) { w.must1(w.put("s1", false, riceBall)) },
			func(w *world) { w.must1(w.put("s1", false, riceBall, riceBall)) }, done},
		{"the POS puts the next sale", false, func(w *world) {
			w.sells("s1", packet)
			w.down()
			w.sells("s1", riceBall)
			w.pays("account-1")
		}, func(w *world) { w.must1(w.put("s2", false, riceBall)) }, done},
		{"the POS puts the sale as ready", false, nil, func(w *world) { w.sells("s1", riceBall) }, done},
		{"the POS puts the next sale as ready", false, func(w *world) {
			w.down()
			w.sells("s1", riceBall)
			w.pays("account-1")
		}, func(w *world) { w.sells("s2", riceBall) }, done},
		{"the Total key", true, nil, func(w *world) { w.must1(w.reg.Ready(w.t.Context(), w.reg.View().Sale.Ref)) }, done},
		{"not ready after all", false, func(w *world) { w.sells("s1", riceBall) },
			func(w *world) { w.must1(w.put("s1", false, riceBall)) }, done},
		{"declined", false, func(w *world) { w.sells("s1", riceBall) }, func(w *world) {
			w.answer(w.pays("account-1"), wire.OutcomeDeclined)
		}, done},
		{"cancelled", true, nil, func(w *world) { w.must1(w.reg.CancelSale(w.t.Context(), w.reg.View().Sale.Ref)) }, good},
		{"paid", false, func(w *world) { w.down(); w.sells("s1", riceBall) }, func(w *world) { w.pays("account-1") }, good},
		{"handed over", false, func(w *world) { w.down(); w.sells("s1", riceBall); w.pays("account-1") }, func(w *world) {
			_, err := w.reg.HandOver(w.t.Context(), w.current())
			w.must(err)
		}, done}, // it was read after the payment
	} {
		t.Run(c.name, func(t *testing.T) {
			doubling(t, c.own, func(t *testing.T, w *world) {
				if c.before != nil {
					c.before(w)
				}
				w.goods(rice)
				w.wantHeard(good)
				c.between(w)
				w.goods(rice)
				w.wantHeard(c.heard)
			})
		})
	}
}

func (w *world) must1(_ terminal.Sale, err error) {
	w.t.Helper()
	w.must(err)
}

// A phone that stays in view of the scanner pays once and is not told off: its
// code is passed over in silence while its payment is decided and just after.
func TestDoubleReadsOfAPaymentCode(t *testing.T) {
	doubling(t, false, func(t *testing.T, w *world) {
		again := func(text string) {
			t.Helper()
			w.after(window - 10*time.Millisecond)
			w.scan(text)
			w.wantHeard(done)
			w.wantNotice("")
		}
		w.sells("s1", riceBall)
		code := w.passOf("account-1", 100*24*time.Hour)
		w.scan(code)
		id := w.current()
		for range 3 {
			again(code)
		}
		w.answer(id, wire.OutcomeDeclined)
		again(code)
		if v := w.reg.View().Verdict; v.Payment != id || v.State != terminal.Declined {
			t.Fatalf("%+v", v)
		}
		code = w.passOf("account-2", 100*24*time.Hour)
		w.scan(code)
		w.answer(w.current(), wire.OutcomeApproved)
		again(code)
		_, err := w.reg.HandOver(t.Context(), w.current())
		w.must(err)
		again(code) // it is still in view, and no sale waits for it
		w.sells("s2", riceBall)
		w.scan(code)
		w.wantState(w.current(), terminal.Refused, terminal.CodeReplayed)
		w.after(window)
		w.scan(code)
		w.wantHeard(wait, bad)
	})
}

// Another code, the same one later, one whose payment could not begin, and one that
// came too early are no double reads.
func TestPaymentCodesThatAreNoDoubleRead(t *testing.T) {
	doubling(t, false, func(t *testing.T, w *world) {
		w.scan(digits)
		w.wantNotice(terminal.SaleNotReady)
		w.sells("s1", riceBall)
		w.disk.fault(refuses, nil)
		w.scan(digits)
		w.wantNotice(terminal.Storage)
		w.disk.fault(nil, nil)
		w.scan(digits)
		id := w.current()
		w.scan("900012345678901234567891")
		w.wantHeard(bad)
		w.wantNotice(terminal.Busy)
		w.after(window)
		w.scan(digits)
		w.wantHeard(bad)
		w.answer(id, wire.OutcomeApproved)
		w.scan(digits)
		w.wantNotice(terminal.SaleTaken)
	})
}

// Random customers in front of two units: articles held up for a while, read again
// and again, one sale after the other without a pause. Each article is sold as
// often as it was held up: none doubled, none lost, also across sales. DOUBLES
// sets the seed.
func TestDoubleReadsOfRandomSales(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("DOUBLES"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("DOUBLES=%d", seed)
	for _, own := range []bool{true, false} {
		doubling(t, own, func(_ *testing.T, w *world) {
			c := counter{world: w, random: rand.New(rand.NewPCG(seed, 0)), own: own}
			for n := range 100 {
				c.serve(terminal.SaleRef(fmt.Sprint("s", n)))
			}
		})
	}
}

// counter is where random customers are served.
type counter struct {
	*world
	random *rand.Rand
	own    bool // the scanner makes the sales; else a POS does, of what it is told
}

// serve sells to one customer, who comes and goes without a pause.
func (c *counter) serve(ref terminal.SaleRef) {
	c.t.Helper()
	before, held := c.toldGoods(), 0
	for more := 1 + c.random.IntN(4); more > 0; more-- {
		held += c.holdUp(ref, before)
		if more > 1 {
			c.after(window)
		}
	}
	s := c.reg.View().Sale
	if told := c.toldGoods() - before; told != held || len(s.Lines) != held {
		c.t.Fatalf("%s: %d articles were held up, %d told, %d sold", ref, held, told, len(s.Lines))
	}
	switch c.random.IntN(3) {
	case 0:
		c.must1(c.reg.CancelSale(c.t.Context(), s.Ref))
		return
	case 1:
		c.must1(c.reg.Ready(c.t.Context(), s.Ref))
		c.answer(c.pays("account-1"), wire.OutcomeApproved)
		_, err := c.reg.HandOver(c.t.Context(), c.current())
		c.must(err)
	case 2: // handed over by the next sale
		c.must1(c.reg.Ready(c.t.Context(), s.Ref))
		c.answer(c.pays("account-1"), wire.OutcomeApproved)
	}
}

// holdUp reads one article, or two at two units, as long as they are in view, and
// gives how many there were.
func (c *counter) holdUp(ref terminal.SaleRef, before int) int {
	articles := []terminal.Line{riceBall, bread}[:1+c.random.IntN(2)]
	for reads := len(articles) + c.random.IntN(8); reads > 0; reads-- {
		at := reads % len(articles)
		// Each comes at every second read, so that it is never longer out of sight.
		gap := time.Duration(c.random.Int64N(int64(window) / int64(len(articles))))
		c.after(gap)
		c.goods(string(articles[at].GTIN))
		if !c.own {
			c.putsAgain(ref, c.toldGoods()-before)
		}
	}
	return len(articles)
}

// putsAgain is a POS that puts its sale once it was told of another article.
func (c *counter) putsAgain(ref terminal.SaleRef, told int) {
	if s := c.reg.View().Sale; s == nil || s.Ref != ref || len(s.Lines) != told {
		c.must1(c.put(ref, false, slices.Repeat([]terminal.Line{riceBall}, told)...))
	}
}

// bread is watched by no policy.
var bread = terminal.Line{GTIN: "4901234567894", Quantity: 1, Price: 120}

// Two issues of a magazine have one GTIN and differ by the add-on; the POS is told
// of both.
func TestScannedAddOns(t *testing.T) {
	doubling(t, false, func(t *testing.T, w *world) {
		for _, issue := range []string{"10800", "10900"} {
			w.goods("4910027701131" + issue)
			w.wantHeard(good)
			w.goods("4910027701131" + issue)
			w.wantHeard(done)
			last := w.shown.events[len(w.shown.events)-1].Data.(register.Scan)
			if last.GTIN != "4910027701131" || last.AddOn != issue {
				t.Fatalf("%+v", last)
			}
		}
	})
}

// A book is sold by its first row; the second, with the price, goes to a POS and
// is passed over where the till has its own.
func TestScannedRowsOfABook(t *testing.T) {
	const isbn, price = "9784873115658", "1923055018006"
	for _, first := range []string{isbn, price} {
		for _, own := range []bool{true, false} {
			bare(t, func(t *testing.T, w *world) {
				if own {
					w.items = map[terminal.GTIN]register.Item{isbn: {Price: 3400}}
				}
				w.start()
				w.up(w.policy(1))
				for _, row := range []string{first, map[string]string{isbn: price, price: isbn}[first]} {
					w.goods(row)
					w.wantNotice("")
					if own && row == price {
						w.wantHeard(done)
					} else {
						w.wantHeard(good)
					}
				}
				if n := w.toldGoods(); n != 2 {
					t.Fatalf("%d told", n)
				}
				if s := w.reg.View().Sale; own && (len(s.Lines) != 1 || s.Total != 3400) {
					t.Fatalf("%+v", s)
				}
			})
		}
	}
}

// A phone shows a bar code and a picture code at once, and the unit reads now one
// and now the other: each is tried once for as long as both are in view.
func TestDoubleReadsOfTwoCodesInView(t *testing.T) {
	doubling(t, false, func(t *testing.T, w *world) {
		w.sells("s1", riceBall)
		codes := []string{w.passOf("account-1", 100*24*time.Hour), digits}
		for _, code := range codes {
			w.scan(code)
			w.wantHeard(wait)
			w.answer(w.current(), wire.OutcomeDeclined)
		}
		tried := len(w.leaves())
		for range 10 {
			for _, code := range codes {
				w.after(window/2 - time.Millisecond)
				w.scan(code)
				w.wantHeard(done)
			}
		}
		if n := len(w.leaves()); n != tried {
			t.Fatalf("%d entries, want %d", n, tried)
		}
	})
}
