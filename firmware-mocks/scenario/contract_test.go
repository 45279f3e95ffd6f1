package scenario

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// pos is a POS at a running daemon.
type pos struct {
	t   *testing.T
	ctx context.Context
	w   *World
}

// ask sends a request and gives the problem's code, "" for none.
func (p *pos) ask(method, path string, body, into any) string {
	p.t.Helper()
	err := p.w.Till.call(p.ctx, method, path, body, into)
	var problem *Problem
	if errors.As(err, &problem) {
		return problem.Code
	}
	if err != nil && !(into == nil && strings.Contains(err.Error(), "EOF")) {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return ""
}

func (p *pos) must(want, method, path string, body, into any) {
	p.t.Helper()
	if got := p.ask(method, path, body, into); got != want {
		p.t.Errorf("%s %s: %q, want %q", method, path, got, want)
	}
}

// pay sells a lunch to a new customer and waits until the state is reached.
func (p *pos) pay(state terminal.State) terminal.PaymentID {
	p.t.Helper()
	ref := p.w.NextRef()
	if err := p.w.Till.Put(p.ctx, ref, []terminal.Line{lunch}); err != nil {
		p.t.Fatal(err)
	}
	c, err := p.w.NewCustomer(p.ctx, "contract", longAgo, wellOff)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := c.Phone.Pass()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.w.ShowText(p.ctx, text); err != nil {
		p.t.Fatal(err)
	}
	s, err := p.w.Till.Await(p.ctx, func(s State) bool { return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.State == state })
	if err != nil {
		p.t.Fatalf("no %s: %v", state, err)
	}
	return s.Verdict.Payment
}

func newRefund() string { return uuid.Must(uuid.NewV7()).String() }

// TestTheWholeAPIIsAsDescribed sends every operation of docs/openapi.yaml to a
// running daemon, so that each is taken and, where it can be, refused; newWorld
// holds every exchange against the description.
func TestTheWholeAPIIsAsDescribed(t *testing.T) {
	var ahead atomic.Int64 // how far the backend's clock is ahead of the machine's
	rules := DemoRules()
	rules.Answer, rules.GiveUp = time.Second, time.Minute
	w, c := worldWith(t, Setup{Rules: rules, Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	if err := w.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	p := &pos{t: t, ctx: ctx, w: w}
	p.sales()
	old := p.payments()
	p.open()
	p.read()
	p.turnedAway()
	p.must("erase.too-young", "POST", "v1/payments/"+string(old)+"/erase", nil, nil)
	p.later(&ahead, 40*24*time.Hour)
	p.must("", "POST", "v1/payments/"+string(old)+"/erase", nil, nil)

	for _, operation := range c.Operations() {
		statuses := c.Seen(operation)
		if !slices.ContainsFunc(statuses, func(s int) bool { return s < 300 }) {
			t.Errorf("%s was never taken: %v", operation, statuses)
		}
		if !slices.ContainsFunc(statuses, func(s int) bool { return s >= 400 }) {
			t.Errorf("%s was never refused: %v", operation, statuses)
		}
	}
}

func (p *pos) sales() {
	type object = map[string]any
	line := object{"gtin": lunch.GTIN, "quantity": 1, "unit_price": lunch.Price}
	p.must("", "PUT", "v1/sales/a%2Fb%20c", object{"lines": []object{line}, "total": lunch.Price}, nil)
	p.must("", "PUT", "v1/sales/a%2Fb%20c", object{"lines": []object{}, "total": 0, "ready": false}, nil)
	p.must("", "POST", "v1/sales/a%2Fb%20c/lines", object{"lines": []object{{"gtin": lunch.GTIN}}}, nil)
	p.must("", "POST", "v1/sales/a%2Fb%20c/ready", nil, nil)
	p.must("sale.other", "PUT", "v1/sales/z", object{"lines": []object{line}, "total": lunch.Price}, nil)
	p.must("sale.unknown", "POST", "v1/sales/z/lines", object{"lines": []object{line}}, nil)
	p.must("sale.unknown", "POST", "v1/sales/z/ready", nil, nil)
	p.must("sale.unknown", "POST", "v1/sales/z/cancel", nil, nil)
	p.must("sale.invalid", "PUT", "v1/sales/z", object{"lines": []object{{"gtin": "1"}}, "total": 0}, nil)
	p.must("request.invalid", "PUT", "v1/sales/z", object{"lines": []object{line}}, nil)
	p.must("request.too-large", "PUT", "v1/sales/z", object{"lines": []object{}, "total": 0, "x": strings.Repeat("x", 1<<20)}, nil)
	p.must("", "POST", "v1/sales/a%2Fb%20c/cancel", nil, nil)
}

// payments gives one that was handed over and given back.
func (p *pos) payments() terminal.PaymentID {
	type object = map[string]any
	undone := p.pay(terminal.Approved)
	p.must("", "POST", "v1/payments/"+string(undone)+"/void", nil, nil)
	p.must("payment.not-held", "POST", "v1/payments/"+string(undone)+"/handed-over", nil, nil)

	id := p.pay(terminal.Approved)
	path := "v1/payments/" + string(id)
	refund := newRefund()
	p.must("refund.invalid", "POST", path+"/refunds", object{"id": refund, "amount": 1}, nil)
	p.must("", "POST", path+"/handed-over", nil, nil)
	p.must("payment.too-late", "POST", path+"/void", nil, nil)
	p.must("", "POST", path+"/refunds", object{"id": refund, "amount": 50}, nil)
	p.must("", "POST", path+"/refunds", object{"id": refund, "amount": 50}, nil)
	p.must("refund.invalid", "POST", path+"/refunds", object{"id": refund, "amount": 51}, nil)
	p.must("refund.invalid", "POST", path+"/refunds", object{"id": newRefund(), "amount": int64(lunch.Price)}, nil)
	if err := p.w.Settled(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	var v terminal.Verdict
	p.must("", "GET", path, nil, &v)
	if len(v.Refunds) != 1 || v.Refunds[0].State != terminal.RefundDone || v.Refunds[0].Amount != 50 {
		p.t.Errorf("refunds: %+v", v.Refunds)
	}
	p.must("payment.resolved", "POST", path+"/resolve", object{}, nil)
	p.must("payment.not-aside", "POST", path+"/set-aside", nil, nil)
	p.stuck(refund)
	p.must("payment.unknown", "GET", "v1/payments/"+newRefund(), nil, nil)
	p.must("request.invalid", "GET", "v1/payments/12", nil, nil)
	return id
}

// stuck pays, and gives back under the id of another payment's refund, which the
// backend refuses for good; then it sets that aside.
func (p *pos) stuck(refund string) {
	path := "v1/payments/" + string(p.pay(terminal.Approved))
	p.must("", "POST", path+"/handed-over", nil, nil)
	p.must("", "POST", path+"/refunds", map[string]any{"id": refund, "amount": 50}, nil)
	if _, err := p.w.Till.Await(p.ctx, func(s State) bool { return s.Parked == 1 }); err != nil {
		p.t.Fatal(err)
	}
	p.must("", "POST", path+"/set-aside", nil, nil)
	if err := p.w.Settled(p.ctx); err != nil {
		p.t.Fatal(err)
	}
}

// open leaves a payment unknown, looks at it, asks again and gives it up.
func (p *pos) open() {
	type object = map[string]any
	if err := p.w.Backend().Set(backendsim.Fault{Kind: backendsim.DropBefore, Count: 1000}); err != nil {
		p.t.Fatal(err)
	}
	id := p.pay(terminal.Unknown)
	var list struct{ Payments []terminal.Verdict }
	p.must("", "GET", "v1/payments?unresolved=true", nil, &list)
	if len(list.Payments) != 1 || list.Payments[0].Payment != id {
		p.t.Errorf("unresolved: %+v", list)
	}
	p.must("request.invalid", "GET", "v1/payments", nil, nil)
	p.must("", "POST", "v1/payments/"+string(id)+"/resolve", object{}, nil)
	var v terminal.Verdict
	p.must("", "POST", "v1/payments/"+string(id)+"/resolve", object{"reverse": true}, &v)
	if v.Outcome != terminal.OutcomeDeclined {
		p.t.Errorf("given up, it is %s", v.Outcome)
	}
	p.w.Backend().Clear("")
	if err := p.w.Settled(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	p.must("payment.resolved", "POST", "v1/payments/"+string(id)+"/resolve", object{"reverse": true}, nil)
}

func (p *pos) read() {
	for _, path := range []string{"v1/state", "v1/caps", "v1/policy", "v1/journal", "v1/journal?from=2&limit=3"} {
		p.must("", "GET", path, nil, nil)
	}
	p.must("request.invalid", "GET", "v1/journal?limit=0", nil, nil)
	events, err := p.w.Till.watch(p.ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := events.next(); err != nil {
		p.t.Error(err)
	}
	events.close()
}

// turnedAway asks without the right token, for nothing that is there, and in the
// wrong way.
func (p *pos) turnedAway() {
	staff := p.w.Till.token
	posToken, err := p.w.token("pos")
	if err != nil {
		p.t.Fatal(err)
	}
	p.w.Till.token = posToken
	for _, path := range []string{"v1/journal", "v1/policy", "v1/payments?unresolved=true"} {
		p.must("request.forbidden", "GET", path, nil, nil)
	}
	p.w.Till.token = "guess"
	for _, path := range []string{"v1/state", "v1/caps", "v1/events", "v1/journal", "v1/policy"} {
		p.must("request.token", "GET", path, nil, nil)
	}
	p.w.Till.token = staff
	p.must("route.unknown", "GET", "v1/nothing", nil, nil)
	p.must("route.method", http.MethodDelete, "v1/state", nil, nil)
}

// later moves the backend's clock ahead, and waits until the register has heard
// the time from it.
func (p *pos) later(ahead *atomic.Int64, by time.Duration) {
	p.t.Helper()
	ahead.Store(int64(by))
	if err := p.w.CloseBackend(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.w.OpenBackend(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	want := terminal.MillisOf(time.Now().Add(by / 2))
	if _, err := p.w.Till.Await(p.ctx, func(s State) bool { return s.Link.Up && s.Time > want }); err != nil {
		p.t.Fatal(err)
	}
}
