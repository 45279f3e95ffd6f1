package register

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// basket is what a customer wants: units and yen by category, "" for ordinary
// goods. With bare the POS tells the total only.
type basket struct {
	units, yen map[terminal.Category]int64
	bare       bool
	paid       int64 // by this code; the rest is paid in another way
}

var kinds = []terminal.Category{"", "tobacco", "gift-card", "beer"}

func drawBasket(t *rapid.T, p *policy.Policy) basket {
	b := basket{units: map[terminal.Category]int64{}, yen: map[terminal.Category]int64{}}
	if b.bare = rapid.IntRange(0, 9).Draw(t, "bare") == 0; b.bare {
		b.paid = rapid.Int64Range(1, 2000).Draw(t, "total")
		b.units[p.Goods.Unitemised], b.yen[p.Goods.Unitemised] = 1, b.paid
		return b
	}
	for range rapid.IntRange(1, 3).Draw(t, "lines") {
		c := rapid.SampledFrom(kinds).Draw(t, "category")
		n, price := rapid.Int64Range(1, 4).Draw(t, "units"), rapid.Int64Range(0, 900).Draw(t, "price")
		b.units[c] += n
		b.yen[c] += n * price
		b.paid += n * price
	}
	if rapid.IntRange(0, 3).Draw(t, "part") == 0 {
		b.paid /= 2
	}
	b.paid = max(b.paid, 1)
	return b
}

// sale puts the basket on the counter, half of the goods in cartons of two.
func (b basket) sale(number int) terminal.Sale {
	s := terminal.Sale{Ref: terminal.SaleRef(fmt.Sprint("s", number)), Revision: 1, Total: terminal.Yen(b.paid)}
	for _, c := range kinds {
		if b.bare || b.units[c] == 0 {
			continue
		}
		l := terminal.Line{GTIN: "4902777130835", Category: c, Quantity: 1, Units: b.units[c], Price: terminal.Yen(b.yen[c])}
		s.Lines = append(s.Lines, l)
	}
	return s
}

// bought is a line of the books: what a payment took, by the basket and not by
// the payment.
type bought struct {
	payment terminal.PaymentID
	basket  basket
	account terminal.AccountKey
	at      terminal.Millis
	day     terminal.BusinessDay
	offline bool
	inc     terminal.Incarnation
}

// takes sums what a cap counts of it.
func (b bought) takes(c terminal.Cap) terminal.Amount {
	var sum terminal.Amount
	for category, n := range b.basket.units {
		if c.Category == "" || c.Category == category {
			sum.Yen, sum.Units = sum.Yen+b.basket.yen[category], sum.Units+n
		}
	}
	return sum
}

// enter writes down a payment that was not refused, and checks what holds at
// that moment.
func (h *history) enter(t *rapid.T, p terminal.Payment, b basket, f facts, replayed bool) {
	h.books = append(h.books, bought{p.ID, b, p.Account, p.Created, p.Day, p.Offline, p.Incarnation})
	risky := int64(0)
	for c, n := range b.units {
		if h.policy.HighResale[c] {
			risky += n
		}
		if h.freeze != nil && (h.freeze.All || h.freeze.Categories[c]) {
			t.Fatalf("%q is sold and frozen", c)
		}
	}
	newDevice := f.code.pass != nil && f.now.Sub(f.code.pass.BoundAt) < h.policy.Device.NewFor
	switch {
	case replayed:
		t.Fatal("a code paid twice")
	case b.bare && h.policy.Goods.Refuse:
		t.Fatal("goods were sold that nobody itemised")
	case risky > 0 && h.time.told.IsZero():
		t.Fatal("I5: high-resale goods were sold before the backend told the time")
	case risky > 0 && f.now.After(h.policy.GoodUntil):
		t.Fatal("I5: high-resale goods were sold under a stale policy")
	case newDevice && (risky > 1 || risky > 0 && p.Offline):
		t.Fatal("I5: a new device bought high-resale goods")
	case p.Account != "" && h.denials.Has(p.Account, f.now):
		t.Fatal("a denied account bought")
	case h.time.told.IsZero() && h.Wall().Before(h.time.mark.Time()):
		t.Fatal("the clock is before the mark")
	}
	if p.Offline {
		h.checkOffline(t, p, f)
	}
}

// checkOffline: nothing is approved offline beyond the least ceiling.
func (h *history) checkOffline(t *rapid.T, p terminal.Payment, f facts) {
	o := h.policy.Offline
	age := h.Boot() - h.time.lastHeard()
	if h.time.told.IsZero() {
		age = h.Wall().Sub(h.time.mark.Time())
	}
	most, count := min(int64(o.AccountYen), 6000), min(o.AccountCount, 5)
	if l, ok := h.limits[p.Account]; ok {
		most, count = min(most, int64(l.Yen)), min(count, l.Count)
	}
	var yen, times, boot int64
	for _, b := range h.books {
		q := h.payment(b.payment)
		gone := q != nil && q.Voided()
		if b.offline && !gone && b.account == p.Account && b.at.Time().After(f.now.Add(-24*time.Hour)) {
			yen, times = yen+b.basket.paid, times+1
		}
		if b.offline && !gone && b.inc == p.Incarnation {
			boot += b.basket.paid
		}
	}
	left := func(ceiling int64) int64 { // after ageing, in a straight line
		if age <= o.FullFor {
			return ceiling
		}
		return int64(float64(ceiling) * max(0, float64(o.NothingAfter-age)/float64(o.NothingAfter-o.FullFor)))
	}
	switch {
	case f.code.pass == nil:
		t.Fatal("digits were approved offline")
	case int64(p.Amount) > left(int64(o.Floor)):
		t.Fatalf("%d yen offline, the floor limit after %v is %d", p.Amount, age, left(int64(o.Floor)))
	case yen > left(most):
		t.Fatalf("%d yen of an account offline, after %v at most %d", yen, age, left(most))
	case times > count:
		t.Fatalf("%d payments of an account offline, at most %d", times, count)
	case h.time.told.IsZero() && boot > int64(o.BootYen):
		t.Fatalf("%d yen after a boot, at most %d", boot, o.BootYen)
	}
	for _, c := range h.policy.Caps {
		this := h.books[len(h.books)-1]
		if c.Scope == terminal.ScopeAccount && !c.Counted(this.takes(c)).Zero() && !h.sum(func(b bought) bool {
			return b.account == p.Account && b.at.Time().After(f.now.Add(-c.Span))
		}, c).Within(c.Limit) {
			t.Fatalf("cap %s of an account is exceeded offline", c.ID)
		}
	}
}

func (h *history) payment(id terminal.PaymentID) *terminal.Payment {
	if i, stored := h.index[id]; stored {
		return &h.payments[i]
	}
	return nil
}

// sum adds up what a cap counts of the sales of a kind whose goods may have left:
// approved, an approval rejected afterwards too, and not voided. A line of the
// books whose payment is not yet stored is the one being entered.
func (h *history) sum(of func(bought) bool, c terminal.Cap) terminal.Amount {
	var sum terminal.Amount
	for _, b := range h.books {
		p := h.payment(b.payment)
		gone := p != nil && (p.Voided() || !p.State.Approval() && p.State != terminal.Rejected)
		if took := b.takes(c); !gone && of(b) && !c.Counted(took).Zero() {
			sum = sum.Plus(took)
		}
	}
	return sum
}

// check: no cap is exceeded in any of its windows, whichever a sale lies in.
func (h *history) check(t *rapid.T) {
	if !h.changed {
		return
	}
	h.changed = false
	for _, c := range h.policy.Caps {
		for _, at := range h.books {
			same := func(b bought) bool { return b.payment == at.payment }
			zone, begun := h.policy.Business, at.at.Time()
			switch {
			case c.Scope == terminal.ScopeAccount:
				continue // see checkOffline; online it is the backend's
			case c.Scope == terminal.ScopeStore:
				same = func(b bought) bool { return b.day == at.day && (b.offline || !c.OfflineOnly) }
			case c.Window == terminal.PerHour: // Tokyo's hours are those of UTC
				same = func(b bought) bool { return b.at.Time().Truncate(time.Hour).Equal(begun.Truncate(time.Hour)) }
			case c.Window == terminal.PerDay:
				same = func(b bought) bool { return zone.Day(b.at.Time()) == zone.Day(begun) }
			case c.Window == terminal.Rolling:
				same = func(b bought) bool { return !b.at.Time().Before(begun) && !b.at.Time().After(begun.Add(c.Span)) }
			}
			if sum := h.sum(same, c); !sum.Within(c.Limit) {
				t.Fatalf("I3: %s of %+v: %+v is sold in the window of %v", c.ID, c.Limit, sum, at.at)
			}
		}
	}
}

// drawPolicy makes a policy whose ceilings are near what customers buy.
func drawPolicy(t *rapid.T, base *policy.Policy) *policy.Policy {
	p := *base
	limit := func() terminal.Amount {
		a := terminal.Amount{Yen: terminal.Unlimited, Units: terminal.Unlimited}
		which := rapid.IntRange(1, 3).Draw(t, "measures")
		if which&1 != 0 {
			a.Yen = rapid.Int64Range(0, 9000).Draw(t, "yen")
		}
		if which&2 != 0 {
			a.Units = rapid.Int64Range(0, 15).Draw(t, "units")
		}
		return a
	}
	p.Caps = nil
	for i := range rapid.IntRange(1, 7).Draw(t, "caps") {
		c := terminal.Cap{ID: terminal.CapID(fmt.Sprint("c", i)), Category: rapid.SampledFrom(kinds).Draw(t, "category"), Limit: limit()}
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			c.Scope, c.Window = terminal.ScopeStore, terminal.PerDay
		case 1:
			c.Scope, c.Window, c.OfflineOnly = terminal.ScopeStore, terminal.PerDay, true
		case 2:
			c.Scope, c.Window = terminal.ScopeRegister, terminal.PerSale
		case 3:
			c.Scope, c.Window = terminal.ScopeRegister, terminal.PerHour
		case 4:
			c.Scope, c.Window = terminal.ScopeRegister, terminal.PerDay
		case 5:
			c.Scope, c.Window, c.Span = terminal.ScopeRegister, terminal.Rolling, rapid.SampledFrom([]time.Duration{time.Minute, 90 * time.Minute, 50 * time.Hour}).Draw(t, "span")
		default:
			c.Scope, c.Window, c.Span = terminal.ScopeAccount, terminal.Rolling, 24*time.Hour
		}
		p.Caps = append(p.Caps, c)
	}
	p.Goods = rapid.SampledFrom([]policy.GoodsRules{{Refuse: true}, {}, {Unitemised: "tobacco"}}).Draw(t, "goods")
	p.Offline.BootYen = terminal.Yen(rapid.Int64Range(0, 3000).Draw(t, "boot"))
	p.GoodUntil = rulesNow.Add(rapid.SampledFrom([]time.Duration{time.Hour, 1000 * time.Hour}).Draw(t, "good for"))
	return &p
}

// Whatever is bought, paid, declined, reversed, voided, refunded, rebooted and
// told of the time, in any order: no cap is exceeded by its own definition,
// nothing is approved offline beyond the least ceiling, and what cannot be
// checked is refused for high-resale goods. The seed is printed with a failure.
func TestI3I5NoCapIsExceededUnderAnyHistory(t *testing.T) {
	base := rulesPolicy(t)
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(drawPolicy(t, base))
		wrong := rapid.SampledFrom([]time.Duration{0, 0, time.Minute, -time.Minute, 3 * time.Hour, -3 * time.Hour, 100000 * time.Hour, -400000 * time.Hour})
		pay := func(t *rapid.T) { h.buys(t) }
		actions := map[string]func(*rapid.T){
			"":           func(t *rapid.T) { h.check(t) },
			"buys":       pay,
			"buys again": pay,
			"buys more":  pay,
			"answers":    func(t *rapid.T) { h.answers(t) },
			"goes on":    func(t *rapid.T) { h.goesOn(t) },
			"and on":     func(t *rapid.T) { h.goesOn(t) },
			"reserves":   func(t *rapid.T) { h.reserves(t) },
			"time passes": func(t *rapid.T) {
				h.truth = h.truth.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Minute, 25 * time.Minute, 5 * time.Hour}).Draw(t, "for"))
				if h.up && rapid.Bool().Draw(t, "awake") {
					h.time.frames.Store(int64(h.Boot()))
				}
			},
			"line up": func(t *rapid.T) {
				h.up = true
				said := h.truth.Add(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Hour, -time.Hour}).Draw(t, "the backend is wrong by"))
				h.time.tell(terminal.MillisOf(said), h.Boot())
			},
			"line down":  func(*rapid.T) { h.up = false },
			"wall jumps": func(t *rapid.T) { h.wrong = wrong.Draw(t, "by") },
			"reboots":    func(t *rapid.T) { h.reboots(wrong.Draw(t, "the wall clock is wrong by")) },
			"killed":     func(*rapid.T) { h.killed() },
			"told": func(t *rapid.T) {
				h.limits["00000000000000aa"] = AccountLimit{Yen: terminal.Yen(rapid.Int64Range(0, 4000).Draw(t, "yen")), Count: rapid.Int64Range(0, 3).Draw(t, "count")}
			},
			"freezes": func(t *rapid.T) {
				h.freeze = &policy.Freeze{Categories: map[terminal.Category]bool{rapid.SampledFrom(kinds[1:]).Draw(t, "what"): rapid.Bool().Draw(t, "frozen")}}
			},
		}
		for range 6 { // a day at the till; one run is some thirty steps
			t.Repeat(actions)
		}
	})
}

// The history must reach what it is about: sales online and offline, after a
// boot, and each reason of a cap. Else it would prove nothing.
func TestHistoryReachesEveryRule(t *testing.T) {
	reached := map[string]int{}
	base := rulesPolicy(t)
	for seed := range 300 {
		rapid.Custom(func(t *rapid.T) bool {
			h := newHistory(drawPolicy(t, base))
			h.up = true
			h.time.tell(terminal.MillisOf(h.truth), 0)
			for i := range 24 {
				switch i {
				case 1:
					h.reserves(t)
				case 8:
					h.up = false
				case 16:
					h.reboots(time.Minute)
				}
				h.truth = h.truth.Add(time.Minute)
				h.buys(t)
				h.answers(t)
			}
			for _, p := range h.payments {
				reached[string(p.State)]++
				reached[string(p.Reason)]++
				if p.Offline && p.Incarnation == h.inc {
					reached["after the boot"]++
				}
			}
			return true
		}).Example(seed)
	}
	for _, want := range []string{
		string(terminal.ApprovedOffline), string(terminal.Approved), string(terminal.Declined), "after the boot",
		string(terminal.CapStore), string(terminal.CapRegister), string(terminal.CapAccount), string(terminal.CapOffline), string(terminal.OfflineLimit),
		string(terminal.ClockDoubt), string(terminal.DeviceNew), string(terminal.GoodsNotListed), string(terminal.CodeReplayed), string(terminal.BackendDeclined),
	} {
		if reached[want] == 0 {
			t.Errorf("%s was never reached: %v", want, reached)
		}
	}
}
