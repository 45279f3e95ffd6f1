package register

import (
	"maps"
	"time"

	"sekisho/scanner/payload"
	"sekisho/terminal"
)

// doubles knows what was read a moment ago: a unit that an article or a phone
// stays in front of reads it again and again.
//
// A read is a double while it comes within the window of the one before, so that
// an article that stays in view is taken once, however long it stays, also past
// the Total key. What was taken is the first; one that was refused is tried again.
//
// Goods are never passed over across two sales: all is forgotten when a sale is
// paid, or closed unpaid. What is read after that is the next sale's, so a sale
// that begins forgets nothing, nor does the handing over of the one before: a POS
// puts its sale on account of that very read.
type doubles struct {
	window  time.Duration // 0: every read counts
	goods   recent[article]
	refused recent[article] // goods that were told all the same
	stage   stage

	codes recent[terminal.SeenKey] // that pay, or have just paid: a phone may show two at once
	sale  terminal.SaleRef         // which they were shown for
}

// article is what goods are told apart by.
type article struct {
	gtin  terminal.GTIN
	addOn string // a magazine's issue
}

func articleOf(c payload.Code) article {
	return article{terminal.GTIN(c.GTIN).Canonical(), c.AddOn}
}

// stage is where the register's sale stands; zero for no sale.
type stage struct {
	ref   terminal.SaleRef
	state terminal.SaleState
}

// recent is when things that were taken were last read, on the boot clock.
type recent[K comparable] map[K]time.Duration

// again tells whether a thing is read within the window of the last time, and if
// so takes note of it.
func (r recent[K]) again(k K, at, window time.Duration) bool {
	last, known := r[k]
	if !known || at-last >= window {
		return false
	}
	r[k] = max(last, at)
	return true
}

// note gives the reads with one more, and without those that are over.
func (r recent[K]) note(k K, at, window time.Duration) recent[K] {
	maps.DeleteFunc(r, func(_ K, last time.Duration) bool { return at-last >= window })
	if window <= 0 {
		return r
	}
	if r == nil {
		r = recent[K]{}
	}
	r[k] = at
	return r
}

// passOver tells whether an article is a double read.
func (d *doubles) passOver(a article, at time.Duration) bool { return d.goods.again(a, at, d.window) }

// took notes an article that was taken, read at.
func (d *doubles) took(a article, at time.Duration) { d.goods = d.goods.note(a, at, d.window) }

// refusedAgain tells whether an article that is refused was so a moment ago, and
// takes note of it.
func (d *doubles) refusedAgain(a article, at time.Duration) bool {
	if d.refused.again(a, at, d.window) {
		return true
	}
	d.refused = d.refused.note(a, at, d.window)
	return false
}

// passOverCode tells whether a customer's code is a double read of one that pays
// or has just paid. For another sale that is ready it is shown anew.
func (d *doubles) passOverCode(key terminal.SeenKey, at time.Duration) bool {
	another := d.stage.state == terminal.SaleReady && d.stage.ref != d.sale
	return !another && d.codes.again(key, at, d.window)
}

// tookCode notes a code with which a sale is being paid, read at.
func (d *doubles) tookCode(key terminal.SeenKey, at time.Duration, sale terminal.SaleRef) {
	if sale != d.sale {
		clear(d.codes)
	}
	d.codes, d.sale = d.codes.note(key, at, d.window), sale
}

// forgetCode lets a code whose payment did not begin be shown anew.
func (d *doubles) forgetCode(key terminal.SeenKey) { delete(d.codes, key) }

// follow takes note of the sale as it stands.
func (d *doubles) follow(s *terminal.Sale) {
	was := d.stage
	d.stage = stage{}
	if s != nil {
		d.stage = stage{s.Ref, s.State}
	}
	if was.ref != "" && was.state != terminal.SalePaid && (d.stage.ref != was.ref || d.stage.state == terminal.SalePaid) {
		clear(d.goods)
	}
}
