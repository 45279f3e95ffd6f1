package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

func TestRequestsReachTheRegisterAsTheyWereMeant(t *testing.T) {
	line := terminal.Line{GTIN: "4901085141434", Name: "お茶 <緑>", Quantity: 2, Price: 160}
	bare := terminal.Line{GTIN: "0036000291452", Quantity: 1, Price: -1} // UPC-A, neither price nor quantity
	full := terminal.Line{GTIN: "4901085141434", Quantity: 1, Price: 6000, Category: "tobacco", Units: 10}
	const ref = "POS/7 1"
	tests := []struct {
		method, path, body string
		want               call
	}{
		{"PUT", someSale, `{"lines":[` + tea + `],"total":300,"ready":true}`, call{name: "put", ready: true, sale: terminal.Sale{Ref: ref, Lines: []terminal.Line{line}, Total: 300}}},
		{"PUT", someSale, `{"lines":[],"total":0}`, call{name: "put", sale: terminal.Sale{Ref: ref, Lines: []terminal.Line{}}}},
		{"PUT", someSale, `{"lines":[{"gtin":"036000291452"}],"total":10000000}`, call{name: "put", sale: terminal.Sale{Ref: ref, Lines: []terminal.Line{bare}, Total: 10_000_000}}},
		{"PUT", someSale, `{"lines":[{"gtin":"036000291452","unit_price":null}],"total":5,"ready":false}`, call{name: "put", sale: terminal.Sale{Ref: ref, Lines: []terminal.Line{bare}, Total: 5}}},
		{"POST", someSale + "/lines", `{"lines":[{"gtin":"4901085141434","category":"tobacco","units":10,"unit_price":6000}]}`, call{name: "add", sale: terminal.Sale{Ref: ref, Lines: []terminal.Line{full}}}},
		{"POST", someSale + "/ready", "", call{name: "ready", sale: terminal.Sale{Ref: ref}}},
		{"POST", someSale + "/cancel", "{}", call{name: "cancel", sale: terminal.Sale{Ref: ref}}},
		{"GET", "/v1/payments/" + somePayment, "", call{name: "verdict", id: somePayment}},
		{"POST", "/v1/payments/" + somePayment + "/handed-over", "", call{name: "hand over", id: somePayment}},
		{"POST", "/v1/payments/" + somePayment + "/void", "", call{name: "void", id: somePayment}},
		{"POST", "/v1/payments/" + somePayment + "/refunds", `{"id":"` + someRefund + `","amount":160}`, call{name: "refund", id: somePayment, refund: someRefund, amount: 160}},
		{"POST", "/v1/payments/" + somePayment + "/resolve", `{}`, call{name: "resolve", id: somePayment}},
		{"POST", "/v1/payments/" + somePayment + "/resolve", `{"reverse":true}`, call{name: "resolve", id: somePayment, reverse: true}},
		{"GET", "/v1/policy", "", call{name: "rules"}},
		{"GET", "/v1/caps", "", call{name: "caps"}},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path+" "+tt.body, func(t *testing.T) {
			x := newTill(t)
			a := x.do(t, tt.method, tt.path, tt.body)
			if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, %s", a.status, a.body)
			}
			if got := x.desk.asked(); len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
				t.Errorf("the register was asked\n%+v, want\n%+v", got, tt.want)
			}
			if bytes.Contains(a.body, []byte(`"lines":null`)) {
				t.Errorf("lines are null: %s", a.body)
			}
		})
	}
}

func TestBadInputSaysWhatIsWrongAndReachesNothing(t *testing.T) {
	put := func(body string) [3]string { return [3]string{"PUT", someSale, body} }
	line := func(fields string) [3]string {
		return put(`{"total":0,"lines":[` + tea + `,{"gtin":"4901085141434",` + fields + `}]}`)
	}
	refund := func(body string) [3]string {
		return [3]string{"POST", "/v1/payments/" + somePayment + "/refunds", body}
	}
	tests := []struct {
		request [3]string
		status  int
		code    string
		says    string
	}{
		{put(`{`), 400, "request.invalid", "at byte 1"},
		{put(`[]`), 400, "request.invalid", "the body must be a JSON object"},
		{put(`{"lines":[],"total":0} {}`), 400, "request.invalid", "at byte 24"},
		{put(`{"lines":[],"total":0,"Total":1}`), 400, "request.invalid", `"Total" is not known`},
		{put(`{"lines":[],"total":0,"total":1}`), 400, "request.invalid", "total is there twice"},
		{put(`{"lines":[],"total":0,"tip":1}`), 400, "request.invalid", `"tip" is not known`},
		{put(`{"lines":[],"` + strings.Repeat("x", 9000) + `":1}`), 400, "request.invalid", `x…" is not known`},
		{put(`{"total":0}`), 400, "request.invalid", "lines is missing"},
		{put(`{"lines":{},"total":0}`), 400, "request.invalid", "lines must be a list"},
		{put(`{"lines":[7],"total":0}`), 400, "request.invalid", "lines[0] must be a JSON object"},
		{put(`{"lines":[]}`), 400, "request.invalid", "total is missing"},
		{put(`{"lines":[],"total":null}`), 400, "request.invalid", "total is missing"},
		{put(`{"lines":[],"total":12.5}`), 400, "request.invalid", "total must be a whole number, without point"},
		{put(`{"lines":[],"total":1e3}`), 400, "request.invalid", "total must be a whole number"},
		{put(`{"lines":[],"total":"12"}`), 400, "request.invalid", "total must be a whole number, without quotes"},
		{put(`{"lines":[],"total":-1}`), 400, "request.invalid", "total must not be below 0"},
		{put(`{"lines":[],"total":99999999999999999999}`), 400, "request.invalid", "total is too large"},
		{put(`{"lines":[],"total":10000001}`), 422, "sale.invalid", "total must be from 0 to 10000000"},
		{put(`{"lines":[],"total":0,"ready":1}`), 400, "request.invalid", "ready must be true or false"},
		{put(`{"lines":[` + tea + `],"total":321}`), 422, "sale.invalid", "the lines come to 320 yen"},
		{line(`"quantity":1.0`), 400, "request.invalid", "lines[1].quantity must be a whole number"},
		{line(`"quantity":0`), 422, "sale.invalid", "line 2: the quantity"},
		{line(`"unit_price":-1`), 400, "request.invalid", "lines[1].unit_price must not be below 0"},
		{line(`"unit_price":10000000,"quantity":10000`), 422, "sale.invalid", "line 2"},
		{line(`"quantity":10001`), 422, "sale.invalid", "line 2: the quantity"},
		{line(`"price":5`), 400, "request.invalid", `lines[1]."price" is not known`},
		{line(`"name":7`), 400, "request.invalid", "lines[1].name must be text"},
		{line(`"name":"a\u0007"`), 422, "sale.invalid", "line 2: the name"},
		{line(`"name":"\xff"`), 400, "request.invalid", "the body is not one JSON object"},
		{line("\"name\":\"\xff\""), 422, "sale.invalid", "line 2: the name"},
		{put(`{"lines":[{"gtin":4901085141434}],"total":0}`), 400, "request.invalid", "lines[0].gtin must be text in quotes"},
		{put(`{"lines":[{"gtin":"4901085141435"}],"total":0}`), 422, "sale.invalid", "line 1: the article number"},
		{put(`{"lines":[{"quantity":1}],"total":0}`), 422, "sale.invalid", "line 1: the article number"},
		{put(`{"lines":[` + strings.Repeat(tea+",", terminal.MaxLines) + tea + `],"total":0}`), 422, "sale.invalid", "at most 500 lines"},
		{put(strings.Repeat(" ", maxBody) + "{}"), 413, "request.too-large", "1048576 bytes"},
		{put(strings.Repeat(`{"lines":`, 20000)), 400, "request.invalid", "not one JSON object"},
		{[3]string{"PUT", "/v1/sales/a%00b", `{"lines":[],"total":0}`}, 422, "sale.invalid", "reference"},
		{[3]string{"PUT", "/v1/sales/" + strings.Repeat("a", 201), `{"lines":[],"total":0}`}, 422, "sale.invalid", "reference"},
		{[3]string{"POST", "/v1/sales/a%0Ab/ready", ""}, 422, "sale.invalid", "reference"},
		{put(`{"lines":[{"gtin":"4901085141434"}],"total":10000001}`), 422, "sale.invalid", "total must be from 0 to 10000000"},
		{[3]string{"POST", someSale + "/lines", `{"lines":[{"gtin":"4901085141435"}]}`}, 422, "sale.invalid", "line 1: the article number"},
		{[3]string{"POST", someSale + "/lines", `{"lines":[]}`}, 400, "request.invalid", "no line to add"},
		{[3]string{"POST", someSale + "/lines", `{"lines":[` + tea + `],"total":1}`}, 400, "request.invalid", `"total" is not known`},
		{[3]string{"POST", someSale + "/cancel", `{"why":1}`}, 400, "request.invalid", `"why" is not known`},
		{[3]string{"POST", someSale + "/ready", `yes`}, 400, "request.invalid", "not one JSON object"},
		{[3]string{"GET", "/v1/payments/12", ""}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"GET", "/v1/payments/" + strings.ToUpper(somePayment), ""}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"POST", "/v1/payments/f47ac10b-58cc-4372-a567-0e02b2c3d479/void", ""}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"GET", "/v1/journal?from=-1", ""}, 400, "request.invalid", "from must be"},
		{[3]string{"GET", "/v1/journal?limit=1001", ""}, 400, "request.invalid", "from 1 to 1000"},
		{[3]string{"GET", "/v1/journal?limit=0", ""}, 400, "request.invalid", "from 1 to 1000"},
		{[3]string{"GET", "/v1/journal?size=1", ""}, 400, "request.invalid", `"size" is not known`},
		{refund(``), 415, "request.content-type", "application/json"},
		{refund(`{"amount":1}`), 400, "request.invalid", "id must be a UUIDv7"},
		{refund(`{"id":"7","amount":1}`), 400, "request.invalid", "id must be a UUIDv7"},
		{refund(`{"id":"` + someRefund + `"}`), 400, "request.invalid", "amount must be 1 or more"},
		{refund(`{"id":"` + someRefund + `","amount":0}`), 400, "request.invalid", "amount must be 1 or more"},
		{refund(`{"id":"` + someRefund + `","amount":1.5}`), 400, "request.invalid", "amount must be a whole number"},
		{refund(`{"id":"` + someRefund + `","amount":10000001}`), 400, "request.invalid", "amount is more than any sale"},
		{refund(`{"id":"` + someRefund + `","amount":1,"why":""}`), 400, "request.invalid", `"why" is not known`},
		{[3]string{"POST", "/v1/payments/12/refunds", `{"id":"` + someRefund + `","amount":1}`}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"POST", "/v1/payments/" + somePayment + "/resolve", `{"reverse":"yes"}`}, 400, "request.invalid", "reverse must be true or false"},
		{[3]string{"POST", "/v1/payments/" + somePayment + "/resolve", `{"outcome":"approved"}`}, 400, "request.invalid", `"outcome" is not known`},
		{[3]string{"POST", "/v1/payments/12/resolve", `{}`}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"POST", "/v1/payments/12/erase", ""}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"POST", "/v1/payments/12/set-aside", ""}, 400, "request.invalid", "UUIDv7"},
		{[3]string{"GET", "/v1/payments", ""}, 400, "request.invalid", "unresolved=true"},
		{[3]string{"GET", "/v1/payments?unresolved=true&from=1", ""}, 400, "request.invalid", "unresolved=true"},
		{[3]string{"GET", "/v1/payments?unresolved=false", ""}, 400, "request.invalid", "unresolved=true"},
		{[3]string{"GET", "/v2", ""}, 404, "route.unknown", "nothing at this address"},
		{[3]string{"DELETE", someSale, ""}, 405, "route.method", "PUT only"},
		{[3]string{"GET", someSale + "/ready", ""}, 405, "route.method", "POST only"},
		{[3]string{"OPTIONS", "/v1/state", ""}, 405, "route.method", "GET only"},
	}
	x := newTill(t)
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", i, tt.says), func(t *testing.T) {
			a := x.do(t, tt.request[0], tt.request[1], tt.request[2])
			code, detail := a.problem(t)
			if a.status != tt.status || code != tt.code || !strings.Contains(detail, tt.says) {
				t.Errorf("%d %s %q, want %d %s %q", a.status, code, detail, tt.status, tt.code, tt.says)
			}
			if len(detail) > 300 {
				t.Errorf("the answer throws %d bytes back", len(detail))
			}
		})
	}
	if got := x.desk.asked(); len(got) != 0 {
		t.Errorf("bad input reached the register: %+v", got)
	}
}

func TestBodyMustBeSaidToBeJSON(t *testing.T) {
	x := newTill(t)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"} {
		a := x.do(t, "PUT", someSale, `{"lines":[],"total":0}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if code, _ := a.problem(t); a.status != http.StatusUnsupportedMediaType || code != "request.content-type" {
			t.Errorf("%q: %d %s", kind, a.status, code)
		}
	}
	if got := x.desk.asked(); len(got) != 0 {
		t.Errorf("the register was asked: %+v", got)
	}
	a := x.do(t, "PUT", someSale, `{"lines":[],"total":0}`, func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") })
	if a.status != http.StatusOK {
		t.Errorf("with a charset: %d %s", a.status, a.body)
	}
}

// codes reads the register's codes from its source, so that a new one cannot be
// forgotten in the table.
func codes(t *testing.T) []register.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../register/ports.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []register.Code
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, register.Code(text))
		}
		return true
	})
	if len(all) < 10 {
		t.Fatalf("found %d codes only: has ports.go changed its form?", len(all))
	}
	return all
}

func TestEveryCodeOfTheRegisterHasAStatus(t *testing.T) {
	all := codes(t)
	if len(all) != len(statusOf) {
		t.Errorf("%d codes, %d in the table", len(all), len(statusOf))
	}
	for _, c := range all {
		x := newTill(t)
		x.desk.err = fmt.Errorf("wrapped: %w", &register.Error{Code: c, Text: "do this", Cause: errors.New("SECRET")})
		a := x.do(t, "POST", someSale+"/ready", "")
		code, detail := a.problem(t)
		if a.status != statusOf[c] || code != string(c) || detail != "do this" {
			t.Errorf("%s: %d %s", c, a.status, a.body)
		}
	}
}

func TestErrorsNotMeantForPeopleAreNotShown(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("SECRET"), 500, "internal"},
		{fmt.Errorf("SECRET: %w", context.DeadlineExceeded), 503, "late"},
	}
	for _, tt := range tests {
		x := newTill(t)
		x.desk.err = tt.err
		a := x.do(t, "POST", "/v1/payments/"+somePayment+"/void", "")
		if code, _ := a.problem(t); a.status != tt.status || code != tt.code || bytes.Contains(a.body, []byte("SECRET")) {
			t.Errorf("%v: %d %s", tt.err, a.status, a.body)
		}
	}
}

func TestJournalKeepsTheLeavesBytesAndHidesTheirPrivateParts(t *testing.T) {
	x := newTill(t)
	raw := "{\"amount\":1,\"by\":\"<&>\u2028\",\"seq\":7}"
	x.ledger.leaves = []register.Leaf{{Seq: 7, Bytes: []byte(raw), Private: []byte(`{"account":"SECRET"}`), Salt: []byte("SECRET")}}
	a := x.do(t, "GET", "/v1/journal?from=7&limit=3", "")
	want := `{"entries":[{"seq":7,"size":8,"leaf":` + raw + `}],"next":8}` + "\n"
	if a.status != http.StatusOK || string(a.body) != want {
		t.Errorf("%d %s\nwant %s", a.status, a.body, want)
	}
	if x.ledger.from != 7 || x.ledger.limit != 3 {
		t.Errorf("asked for %d leaves from %d", x.ledger.limit, x.ledger.from)
	}
	x.ledger.leaves = nil
	if a = x.do(t, "GET", "/v1/journal?from=9", ""); string(a.body) != `{"entries":[],"next":9}`+"\n" {
		t.Errorf("at the end: %s", a.body)
	}
}

func TestErasingAnswersWithNothing(t *testing.T) {
	x := newTill(t)
	a := x.do(t, "POST", "/v1/payments/"+somePayment+"/erase", "")
	if got := x.desk.asked(); a.status != http.StatusNoContent || len(a.body) != 0 || len(got) != 1 || got[0].name != "erase" || got[0].id != somePayment {
		t.Errorf("%d %q, asked %+v", a.status, a.body, got)
	}
}

func TestUnresolvedPaymentsComeWithTheirVerdicts(t *testing.T) {
	x := newTill(t)
	if a := x.do(t, "GET", "/v1/payments?unresolved=true", ""); string(a.body) != `{"payments":[]}`+"\n" {
		t.Errorf("none: %s", a.body)
	}
	x.ledger.open = []terminal.Payment{{ID: somePayment}, {ID: someRefund}}
	a := x.do(t, "GET", "/v1/payments?unresolved=true", "")
	var got struct{ Payments []terminal.Verdict }
	if err := json.Unmarshal(a.body, &got); err != nil || len(got.Payments) != 2 || got.Payments[0].Payment != somePayment || got.Payments[1].Payment != someRefund {
		t.Errorf("%s: %v", a.body, err)
	}
	x.desk.err = &register.Error{Code: register.CodeStorage, Text: "do this"}
	if a := x.do(t, "GET", "/v1/payments?unresolved=true", ""); a.status != http.StatusServiceUnavailable {
		t.Errorf("with a failing disk: %d", a.status)
	}
}

func TestStateAndCapsAreWholeWithoutAnything(t *testing.T) {
	x := newTill(t)
	if a := x.do(t, "GET", "/v1/caps", ""); string(a.body) != `{"caps":[]}`+"\n" {
		t.Errorf("caps: %s", a.body)
	}
	if a := x.do(t, "GET", "/v1/state", ""); !bytes.Contains(a.body, []byte(`"sale":null,"verdict":null`)) {
		t.Errorf("state without a sale: %s", a.body)
	}
	x.desk.view.Sale = &terminal.Sale{Ref: "a"}
	if a := x.do(t, "GET", "/v1/state", ""); !bytes.Contains(a.body, []byte(`"lines":[]`)) {
		t.Errorf("state with an empty sale: %s", a.body)
	}
}
