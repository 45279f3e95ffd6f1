package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/pin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	somePayment = "01912d68-783e-7a03-8467-5661c1243ad4"
	someRefund  = "01912d68-783e-7a03-8467-5661c1243ad5"
	someSale    = "/v1/sales/POS%2F7%201"
	tea         = `{"gtin":"4901085141434","name":"お茶 <緑>","quantity":2,"unit_price":160}`
)

// desk is the register as this package sees it: it notes what it was asked and
// answers what it was told to.
type desk struct {
	mu    sync.Mutex
	calls []call
	view  register.View

	verdict terminal.Verdict
	err     error
	caps    []register.Holding
	parked  []register.ParkedItem
	rules   register.Rules
}

type call struct {
	name  string
	sale  terminal.Sale
	ready bool
	id    terminal.PaymentID

	refund  terminal.RefundID
	amount  terminal.Yen
	reverse bool
}

func (d *desk) note(c call) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, c)
	return d.err
}

func (d *desk) asked() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]call(nil), d.calls...)
}

func (d *desk) PutSale(_ context.Context, s terminal.Sale, ready bool) (terminal.Sale, error) {
	return s, d.note(call{name: "put", sale: s, ready: ready})
}

func (d *desk) AddLines(_ context.Context, ref terminal.SaleRef, lines []terminal.Line) (terminal.Sale, error) {
	s := terminal.Sale{Ref: ref, Lines: lines}
	return s, d.note(call{name: "add", sale: s})
}

func (d *desk) Ready(_ context.Context, ref terminal.SaleRef) (terminal.Sale, error) {
	s := terminal.Sale{Ref: ref}
	return s, d.note(call{name: "ready", sale: s})
}

func (d *desk) CancelSale(_ context.Context, ref terminal.SaleRef) (terminal.Sale, error) {
	s := terminal.Sale{Ref: ref}
	return s, d.note(call{name: "cancel", sale: s})
}

func (d *desk) HandOver(_ context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	return terminal.Verdict{Payment: id}, d.note(call{name: "hand over", id: id})
}

func (d *desk) Void(_ context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	return terminal.Verdict{Payment: id}, d.note(call{name: "void", id: id})
}

func (d *desk) Verdict(_ context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	v := d.verdict
	v.Payment = id
	return v, d.note(call{name: "verdict", id: id})
}

func (d *desk) Refund(_ context.Context, id terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen) (terminal.Verdict, error) {
	return terminal.Verdict{Payment: id}, d.note(call{name: "refund", id: id, refund: refund, amount: amount})
}

func (d *desk) Resolve(_ context.Context, id terminal.PaymentID, reverse bool) (terminal.Verdict, error) {
	return terminal.Verdict{Payment: id}, d.note(call{name: "resolve", id: id, reverse: reverse})
}

func (d *desk) Erase(_ context.Context, id terminal.PaymentID) error {
	return d.note(call{name: "erase", id: id})
}

func (d *desk) SetAside(_ context.Context, id terminal.PaymentID) error {
	return d.note(call{name: "set aside", id: id})
}

func (d *desk) Parked(context.Context) ([]register.ParkedItem, error) { return d.parked, nil }

func (d *desk) Rules(context.Context) (register.Rules, error) {
	return d.rules, d.note(call{name: "rules"})
}

func (d *desk) Caps(context.Context) ([]register.Holding, error) {
	return d.caps, d.note(call{name: "caps"})
}

func (d *desk) View() register.View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view
}

// ledger is the read-only side of a store.
type ledger struct {
	register.Reader
	leaves  []register.Leaf
	whole   bool // leaves are the journal from its beginning
	first   int64
	open    []terminal.Payment
	refused []terminal.Payment
	from    int64
	limit   int
}

func (l *ledger) Payment(context.Context, terminal.PaymentID) (terminal.Payment, error) {
	return terminal.Payment{}, register.ErrNotFound
}

func (l *ledger) Entries(_ context.Context, from int64, limit int) ([]register.Leaf, error) {
	l.from, l.limit = from, limit
	if !l.whole {
		return l.leaves, nil
	}
	if from < l.first {
		return nil, &register.PrunedError{First: l.first}
	}
	if from >= int64(len(l.leaves)) {
		return nil, nil
	}
	return l.leaves[from:min(len(l.leaves), int(from)+limit)], nil
}

func (l *ledger) Span(context.Context) (first, size int64, err error) {
	return l.first, int64(len(l.leaves)), nil
}

func (l *ledger) CaseEntries(_ context.Context, id terminal.PaymentID) ([]register.Leaf, error) {
	return slices.DeleteFunc(slices.Clone(l.leaves), func(leaf register.Leaf) bool { return readLeaf(leaf).Payment != id }), nil
}

// write adds an entry to a whole journal.
func (l *ledger) write(t *testing.T, e journal.Entry) {
	t.Helper()
	l.whole, e.Seq = true, int64(len(l.leaves))
	leaf, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	l.leaves = append(l.leaves, register.Leaf{Seq: e.Seq, Bytes: leaf})
}

func (l *ledger) Unresolved(context.Context) ([]terminal.Payment, error) { return l.open, nil }

func (l *ledger) Rejected(_ context.Context, since terminal.Millis) ([]terminal.Payment, error) {
	return slices.DeleteFunc(slices.Clone(l.refused), func(p terminal.Payment) bool { return p.Decided < since }), nil
}

func (l *ledger) Counters(context.Context, terminal.Incarnation, terminal.BusinessDay) ([]terminal.Counter, error) {
	return nil, nil
}

// till is a server on a real port with a fake register behind it.
type till struct {
	*httptest.Server
	desk   *desk
	ledger *ledger
	events *Events
	server *Server
	gate   *pin.Gate
	boot   time.Duration // the machine's clock
	late   LateRenewal   // zero for none
}

// someTokens are the till's.
var someTokens = Tokens{POS: "pos-token", Staff: "staff-token"}

// bearer sends a token.
func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// cookie sends the page's cookie instead of a token.
func cookie(r *http.Request) {
	r.Header.Del("Authorization")
	r.AddCookie(&http.Cookie{Name: pageCookie(r), Value: someTokens.page()})
}

func newTill(t *testing.T) *till {
	t.Helper()
	x := &till{desk: &desk{}, ledger: &ledger{}, events: NewEvents(), boot: time.Hour}
	dir := t.TempDir()
	x.gate = &pin.Gate{File: filepath.Join(dir, "pin"), Tries: filepath.Join(dir, "tries"), Boot: "boot-1", Clock: func() time.Duration { return x.boot }}
	x.server = New(Config{
		Desk: x.desk, Reader: x.ledger, Events: x.events, Tokens: someTokens, PIN: x.gate, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		LateRenewal: func() (LateRenewal, bool) { return x.late, x.late != LateRenewal{} },
	})
	x.Server = httptest.NewServer(x.server.Handler())
	t.Cleanup(func() {
		x.events.Close()
		x.Server.Close()
	})
	return x
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem reads the answer as what is wrong and fails where it is not one.
func (a answer) problem(t *testing.T) (code, detail string) {
	t.Helper()
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Fatalf("Content-Type %q of %s: want application/problem+json", kind, a.body)
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	if p.Type != "about:blank" || p.Status != a.status || p.Title != http.StatusText(a.status) || p.Detail == "" || p.Code == "" {
		t.Errorf("problem is not whole: %s with status %d", a.body, a.status)
	}
	return p.Code, p.Detail
}

// do asks with the staff's token, unless an edit takes it away.
func (x *till) do(t *testing.T, method, path, body string, edit ...func(*http.Request)) answer {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, x.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	bearer(someTokens.Staff)(req)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edit {
		e(req)
	}
	res, err := x.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return answer{status: res.StatusCode, header: res.Header, body: b.Bytes()}
}
