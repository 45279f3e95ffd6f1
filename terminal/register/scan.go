package register

import (
	"context"
	"errors"
	"time"

	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
	"sekisho/scanner/payload"
	"sekisho/terminal"
)

// Scanned takes what the scanner read. Text goes no further than its meaning:
// it is neither logged nor kept.
//
// The unit that read it hears by reply what became of it, always and sooner or
// later, also where the register ends: Good for goods that were taken and for an
// approval once it is durable and told; Bad for whatever the cashier gets a
// notice of, a payment that is not made or not known, and a scan that was lost;
// Done for a double read. Wait comes first where the ledger or the backend is
// asked about a payment, and a later verdict on it is told again as long as it
// is on the screen. Reply must not block; it comes from the register's goroutine
// or from the caller's. It may be nil.
func (r *Register) Scanned(ctx context.Context, symbology aim.ID, text string, reply func(framing.Answer)) {
	read := read{at: r.cfg.Clock.Boot(), beep: r.beeps.due(reply)}
	posted := r.post(ctx, event{
		run: func() {
			read.code = payload.Classify(symbology, text, r.codes().wallets)
			r.carryOut(read.beep, func() { r.scanned(read) })
		},
		refuse: func(err *Error) {
			read.beep.giveUp()
			r.showNotice(noticeOf(err))
		},
	})
	if !posted {
		read.beep.giveUp()
	}
}

// read is what the scanner read, and when.
type read struct {
	code payload.Code
	at   time.Duration // on the boot clock
	beep *beep
}

// staleScan is how long a customer's code may wait for the disk. After that the
// customer may have paid in another way, or gone; the code is to be shown again.
const staleScan = slowDisk

// noticeOf tells the cashier why a scan could not be taken.
func noticeOf(err *Error) terminal.Reason {
	switch err.Code {
	case CodeGoodsNoPrice:
		return terminal.GoodsNoPrice
	case CodeStorage:
		return terminal.Storage
	}
	return terminal.Busy
}

// Unreadable takes a frame that the scanner had to drop: what it was is not
// known, so the cashier is asked to scan again.
func (r *Register) Unreadable(ctx context.Context) {
	r.post(ctx, event{run: func() { r.showNotice(terminal.CodeNotPayment) }})
}

// ScannerUp says whether one of the till's scanners is there; they count from 0.
// What the cashier and the POS are told is of all together: a till that has lost
// one is in trouble, whichever the customer is shown to.
func (r *Register) ScannerUp(ctx context.Context, scanner int, up bool) {
	r.post(ctx, event{at: true, run: func() {
		if up {
			r.scannersUp[scanner] = true
		} else {
			delete(r.scannersUp, scanner)
		}
		r.publish()
		r.cfg.Signal.Emit(Event{Type: EventScanner, Journal: -1, Data: Scan{Kind: r.scannerState()}})
	}})
}

// scannerState is "connected" where all of the till's scanners are there.
func (r *Register) scannerState() string {
	if len(r.scannersUp) < max(1, r.cfg.Scanners) {
		return "disconnected"
	}
	return "connected"
}

func (r *Register) scanned(read read) {
	if read.code.Kind == payload.Goods {
		r.scannedGoods(read)
		return
	}
	switch why := notPayment(read.code.Kind); {
	case r.doubles.passOverCode(r.readKey(read.code), read.at):
		read.beep.say(framing.Done)
	case r.cfg.Clock.Boot()-read.at > staleScan:
		r.showNotice(terminal.CodeExpired)
	case r.stopping:
		r.showNotice(terminal.Busy)
	case r.sale == nil || r.sale.State == terminal.SaleOpen:
		r.showNotice(terminal.SaleNotReady)
	case why != "" && r.sale.State == terminal.SaleReady:
		r.showNotice(why)
	case r.sale.State == terminal.SaleReady && r.knownCategories(watched(*r.sale, r.policy).Lines) != nil:
		// Put before this policy came: the Total key tells the POS which line.
		r.showNotice(terminal.SaleNotReady)
	case r.sale.State == terminal.SalePaying:
		r.showNotice(terminal.Busy)
	case r.sale.State == terminal.SalePaid:
		r.showNotice(terminal.SaleTaken)
	default:
		r.pay(read)
	}
}

// readKey names a customer's code, to know it when it is read twice.
func (r *Register) readKey(c payload.Code) terminal.SeenKey {
	return seenKey(r.cfg.StoreKey, "read", []byte(c.Reveal()))
}

// notPayment says why a code is no customer's payment code at all; "" where it
// is one. Such a scan is no attempt to pay: the cashier is told, and the ledger
// stays as it is.
func notPayment(k payload.Kind) terminal.Reason {
	switch k {
	case payload.Pass, payload.WalletDigits, payload.EMVContainer:
		return ""
	case payload.MerchantCode:
		return terminal.CodeMerchant
	case payload.Bill:
		return terminal.CodeBill
	}
	return terminal.CodeNotPayment
}

// priceRow is the payload's number for the second of a book's two rows.
const priceRow = 2

// presents reads a code by the policy in force. Without one nothing is approved,
// and nothing needs to be read.
func (r *Register) presents(c payload.Code) presented {
	if r.policy == nil {
		return presented{kind: terminal.CodeOther, masked: c.Masked(), seen: seenKey(r.cfg.StoreKey, "text", []byte(c.Reveal()))}
	}
	return present(c, r.codes().trust, r.cfg.StoreKey)
}

// scannedGoods tells the POS, which shares this scanner, and where no POS leads
// adds the article to the sale.
//
// A book's second row tells its price and is no article of its own: a POS may
// want it, a price file has no line for it.
func (r *Register) scannedGoods(read read) {
	switch {
	case r.doubles.passOver(articleOf(read.code), read.at):
		read.beep.say(framing.Done)
	case r.posLeads():
		r.tookGoods(read)
	case read.code.Row == priceRow:
		r.tellGoods(read.code)
		read.beep.say(framing.Done)
	default:
		r.addGoods(read)
	}
}

// posLeads says whether the sale is a POS's, which is told of goods and adds them
// itself.
func (r *Register) posLeads() bool {
	return len(r.cfg.Items) == 0 || r.sale != nil && !r.sale.Own && r.sale.State != terminal.SalePaid
}

// addGoods adds an article to this register's own sale. One that is refused is told
// as well, once for as long as it stays before the unit: somebody may know its price.
func (r *Register) addGoods(read read) {
	ref := terminal.SaleRef("")
	if r.sale != nil && r.sale.State != terminal.SalePaid {
		ref = r.sale.Ref
	}
	line := terminal.Line{GTIN: terminal.GTIN(read.code.GTIN), Quantity: 1, Price: unpriced}
	r.addLines(ref, []terminal.Line{line}, func(s terminal.Sale, err *Error) {
		if err == nil || errors.Is(err, ErrInDoubt) && r.kept(s) {
			r.tookGoods(read)
			return
		}
		if !r.doubles.refusedAgain(articleOf(read.code), read.at) {
			r.tellGoods(read.code)
		}
		r.showNotice(noticeOf(err))
	})
}

// kept says whether a sale whose commit was in doubt is in the ledger that was
// opened again.
func (r *Register) kept(s terminal.Sale) bool { return r.sale != nil && r.sale.Same(s) }

// tookGoods tells POS and unit that an article was taken.
func (r *Register) tookGoods(read read) {
	r.doubles.took(articleOf(read.code), read.at)
	r.tellGoods(read.code)
	read.beep.say(framing.Good)
}

// tellGoods tells of an article, which takes a notice off the page: the next one is
// news.
func (r *Register) tellGoods(c payload.Code) {
	r.hushed = 0
	scan := Scan{Kind: "goods", GTIN: terminal.GTIN(c.GTIN), AddOn: c.AddOn}
	r.cfg.Signal.Emit(Event{Type: EventScanner, Journal: -1, Data: scan})
}
