package scenario

import (
	"context"
	"image"
	"testing"
	"time"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// TestTheTillSaysWhy reaches, through the scanner and the local API, reasons
// that no customer of the shift brings about.
func TestTheTillSaysWhy(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := w.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	p := &pos{t: t, ctx: ctx, w: w}
	customer, err := w.NewCustomer(ctx, "why", longAgo, wellOff)
	if err != nil {
		t.Fatal(err)
	}
	pass := func() image.Image {
		text, err := customer.Phone.Pass()
		if err != nil {
			t.Fatal(err)
		}
		return p.drawn(walletsim.QR(text))
	}
	p.noticed(pass(), terminal.SaleNotReady)
	p.noticed(p.drawn(walletsim.EAN("4901085141434")), terminal.GoodsNoPrice)

	ref := w.NextRef()
	if err := w.Till.Put(ctx, ref, []terminal.Line{lunch}); err != nil {
		t.Fatal(err)
	}
	p.noticed(p.drawn(walletsim.Code128("91"+"123456789012345678901234567890123456789012")), terminal.CodeBill)
	p.shows(pass())
	s, err := w.Till.Await(ctx, func(s State) bool { return s.Verdict != nil && s.Verdict.Outcome == terminal.OutcomeApproved })
	if err != nil {
		t.Fatal(err)
	}
	p.noticed(pass(), terminal.SaleTaken)
	p.must("", "POST", "v1/payments/"+string(s.Verdict.Payment)+"/handed-over", nil, nil)

	if err := w.Backend().StopAccount(ctx, Issuer, customer.Phone.Account()); err != nil {
		t.Fatal(err)
	}
	ref = w.NextRef()
	if err := w.Till.Put(ctx, ref, []terminal.Line{lunch}); err != nil {
		t.Fatal(err)
	}
	p.shows(pass())
	s, err = w.Till.Await(ctx, func(s State) bool {
		return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome == terminal.OutcomeDeclined
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Verdict.Reason != terminal.AccountDenied {
		t.Errorf("a stopped account: %s, want %s", s.Verdict.Reason, terminal.AccountDenied)
	}
}

func (p *pos) drawn(picture image.Image, err error) image.Image {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	return picture
}

func (p *pos) shows(picture image.Image) {
	p.t.Helper()
	if err := p.w.Scanner().Show(p.ctx, picture); err != nil {
		p.t.Fatal(err)
	}
}

// noticed shows a picture and waits until the till says why it takes none.
func (p *pos) noticed(picture image.Image, want terminal.Reason) {
	p.t.Helper()
	p.shows(picture)
	s, err := p.w.Till.Await(p.ctx, func(s State) bool { return s.Notice != nil && s.Notice.Reason == want })
	if err != nil {
		p.t.Fatalf("no %s (the notice is %+v): %v", want, s.Notice, err)
	}
}
