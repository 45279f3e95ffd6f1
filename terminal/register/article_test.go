package register

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
)

// A till that scans all day without a sale of its own, as under a POS that is paid
// in cash, remembers no more than the articles of the last moment.
func TestDoublesForgetWhatIsOver(t *testing.T) {
	d := doubles{window: 300 * time.Millisecond}
	for i := range 10_000 {
		d.took(article{gtin: terminal.GTIN(fmt.Sprint(i))}, time.Duration(i)*100*time.Millisecond)
	}
	if len(d.goods) != 3 {
		t.Fatalf("%d articles", len(d.goods))
	}
}

const ms = time.Millisecond

// Two units read beside each other, and what one read first may come second.
func TestDoublesOutOfOrder(t *testing.T) {
	d := doubles{window: 300 * ms}
	d.took(article{}, 100*ms)
	for _, at := range []time.Duration{350 * ms, 90 * ms, 649 * ms} {
		if !d.passOver(article{}, at) {
			t.Errorf("the read at %v counts", at)
		}
	}
	if d.passOver(article{}, 949*ms) {
		t.Error("a read after the window is passed over")
	}
	off := doubles{}
	off.took(article{}, 100*ms)
	off.tookCode("1", 100*ms, "s1")
	if off.passOver(article{}, 90*ms) || off.passOverCode("1", 90*ms) {
		t.Error("passed over, although every read counts")
	}
}

// The codes of a sale are forgotten with the first one of the next.
func TestDoublesOfTheNextSalesCodes(t *testing.T) {
	d := doubles{window: 300 * ms}
	d.tookCode("1", 0, "s1")
	d.follow(&terminal.Sale{Ref: "s2", State: terminal.SaleReady})
	if d.passOverCode("1", 10*ms) {
		t.Error("the code of the sale before is passed over")
	}
	d.tookCode("2", 20*ms, "s2")
	if !d.passOverCode("2", 30*ms) || d.passOverCode("1", 30*ms) {
		t.Error("this sale's code counts, or that of the one before is passed over")
	}
}
