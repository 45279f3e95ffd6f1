package register

import (
	"maps"
	"time"

	"sekisho/terminal"
)

// doubles knows what was read a moment ago: a unit that an article or a phone
// stays in front of reads it again and again.
//
// A read is a double while it comes within the window of the one before, so that
// an article that stays in view is taken once, however long it stays. What was
// taken is the first; one that was refused is tried again.
//
// Goods are never passed over across two sales: all is forgotten when a sale is
// ready, paid, closed or handed over. A sale that begins forgets nothing, because
// a POS puts its sale on account of that very read.
type doubles struct {
	window time.Duration // 0: every read counts
	goods  map[article]time.Duration
	stage  stage

	code   terminal.SeenKey // of the code that pays, or has just paid; "" for none
	codeAt time.Duration
	sale   terminal.SaleRef // which it was shown for
}

// article is what goods are told apart by.
type article struct {
	gtin  terminal.GTIN
	addOn string // a magazine's issue
}

// stage is where the register's sale stands; zero for no sale.
type stage struct {
	ref   terminal.SaleRef
	state terminal.SaleState
}

// passOver tells whether an article is a double read, and if so takes note of it.
func (d *doubles) passOver(a article, at time.Duration) bool {
	last, known := d.goods[a]
	if !known || at-last >= d.window {
		return false
	}
	d.goods[a] = max(last, at)
	return true
}

// took notes an article that was taken, read at.
func (d *doubles) took(a article, at time.Duration) {
	if d.window <= 0 {
		return
	}
	maps.DeleteFunc(d.goods, func(_ article, last time.Duration) bool { return at-last >= d.window })
	if d.goods == nil {
		d.goods = map[article]time.Duration{}
	}
	d.goods[a] = at
}

// passOverCode tells whether a customer's code is a double read of the one that
// pays or has just paid, and if so takes note of it. For another sale that is
// ready it is shown anew.
func (d *doubles) passOverCode(key terminal.SeenKey, at time.Duration) bool {
	another := d.stage.state == terminal.SaleReady && d.stage.ref != d.sale
	if key != d.code || at-d.codeAt >= d.window || another {
		return false
	}
	d.codeAt = max(d.codeAt, at)
	return true
}

// tookCode notes the code with which a sale is being paid, read at.
func (d *doubles) tookCode(key terminal.SeenKey, at time.Duration, sale terminal.SaleRef) {
	d.code, d.codeAt, d.sale = key, at, sale
}

// forgetCode lets a code whose payment did not begin be shown anew.
func (d *doubles) forgetCode() { d.code = "" }

// follow takes note of the sale as it stands.
func (d *doubles) follow(s *terminal.Sale) {
	was := d.stage
	d.stage = stage{}
	if s != nil {
		d.stage = stage{s.Ref, s.State}
	}
	begun := d.stage.state == terminal.SaleOpen && (was.ref == "" || was.state == terminal.SalePaid)
	if d.stage != was && !begun {
		clear(d.goods)
	}
}
