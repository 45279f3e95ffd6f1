package web

import (
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/contract"
)

const apiFile = "../../docs/openapi.yaml"

func described(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func schema(t *testing.T, c *contract.Contract, name string) *openapi3.Schema {
	t.Helper()
	s, ok := c.Doc.Components.Schemas[name]
	if !ok {
		t.Fatalf("no schema %s", name)
	}
	return s.Value
}

func TestEveryRouteIsDescribedAndEveryDescribedRouteIsThere(t *testing.T) {
	c := described(t)
	var served []string
	for _, r := range newTill(t).server.api() {
		operation := r.method + " " + r.pattern
		served = append(served, operation)
		item := c.Doc.Paths.Value(r.pattern)
		if item == nil || item.GetOperation(r.method) == nil {
			t.Errorf("%s is not described", operation)
			continue
		}
		who := item.GetOperation(r.method).Security
		if staff := who != nil && len(*who) == 1 && (*who)[0]["staff"] != nil; staff != (r.least == forStaff) {
			t.Errorf("%s: the description says of the staff's token %v", operation, staff)
		}
	}
	slices.Sort(served)
	if got := c.Operations(); !slices.Equal(got, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(got, "\n"), strings.Join(served, "\n"))
	}
}

// sent are the schemas of what the register says, with the type that says it.
var sent = map[string]any{
	"Line": terminal.Line{}, "Sale": terminal.Sale{}, "Verdict": terminal.Verdict{}, "Proof": terminal.Proof{}, "Amount": terminal.Amount{},
	"View": register.View{}, "LinkView": register.LinkView{}, "PolicyView": register.PolicyView{}, "Scan": register.Scan{},
	"Holding": register.Holding{}, "Rules": register.Rules{}, "Refund": terminal.Refund{}, "Leaf": leaf{}, "Leaves": leaves{},
}

func TestEveryFieldIsDescribedAndThereWhereItMustBe(t *testing.T) {
	c := described(t)
	for name, v := range sent {
		var fields, always []string
		for f := range reflect.TypeOf(v).Fields() {
			if !f.IsExported() {
				continue
			}
			tag, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, tag)
			if !strings.Contains(rest, "omit") {
				always = append(always, tag)
			}
		}
		slices.Sort(fields)
		slices.Sort(always)
		s := schema(t, c, name)
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, fields) {
			t.Errorf("%s: described %q, sent %q", name, got, fields)
		}
		if got := slices.Sorted(slices.Values(s.Required)); !slices.Equal(got, always) {
			t.Errorf("%s: required [%s], always sent [%s]", name, strings.Join(got, ", "), strings.Join(always, ", "))
		}
	}
	if got, want := slices.Sorted(maps.Keys(schema(t, c, "LinePut").Properties)), slices.Sorted(maps.Keys(schema(t, c, "Line").Properties)); !slices.Equal(got, want) {
		t.Errorf("LinePut takes %q, Line has %q", got, want)
	}
}

func enum[T ~string](t *testing.T, c *contract.Contract, name, property string, want []T) {
	t.Helper()
	described := schema(t, c, name)
	if property != "" {
		p, ok := described.Properties[property]
		if !ok {
			t.Fatalf("%s has no %s", name, property)
		}
		described = p.Value
	}
	var got, texts []string
	for _, v := range described.Enum {
		got = append(got, v.(string))
	}
	for _, v := range want {
		texts = append(texts, string(v))
	}
	slices.Sort(got)
	slices.Sort(texts)
	if !slices.Equal(got, texts) {
		t.Errorf("%s.%s: described %q, used %q", name, property, got, texts)
	}
}

func TestEveryCodeAndStateIsDescribed(t *testing.T) {
	c := described(t)
	own := []register.Code{codeRequest, codeMediaType, codeTooLarge, codeToken, codeForbidden, codeHost, codeOrigin,
		codeRoute, codeMethod, codeClients, codeLate, codePruned, codeInternal}
	enum(t, c, "Problem", "code", append(own, codes(t)...))
	enum(t, c, "Verdict", "state", []terminal.State{terminal.Refused, terminal.Sent, terminal.Approved, terminal.Declined, terminal.Unknown,
		terminal.Reversing, terminal.Reversed, terminal.ApprovedOffline, terminal.Advised, terminal.Settled, terminal.Rejected})
	enum(t, c, "Verdict", "outcome", []terminal.Outcome{terminal.OutcomeApproved, terminal.OutcomeDeclined, terminal.OutcomeUnknown})
	enum(t, c, "Refund", "state", []terminal.RefundState{terminal.RefundAsked, terminal.RefundDone, terminal.RefundRefused})
	enum(t, c, "Reason", "", terminal.Reasons())
	enum(t, c, "LinkView", "state", []terminal.LineState{terminal.LineUp, terminal.LineBad, terminal.LineDown})
	enum(t, c, "LinkView", "reason", terminal.LineReasons())
	for _, reason := range []string{"Verdict", "Scan", "Refund"} {
		if p := schema(t, c, reason).Properties["reason"]; p == nil || !strings.HasSuffix(p.Ref, "/Reason") {
			t.Errorf("%s: the reason is not described as one", reason)
		}
	}
}

// An example that is not as its schema says must not pass: this is what makes
// the examples worth reading.
func TestExamplesAreChecked(t *testing.T) {
	c := described(t)
	without := map[string]bool{"Line": true, "LinkView": true, "PolicyView": true, "Proof": true, "Amount": true, "Leaf": true, "Reason": true, "ID": true}
	for name, s := range c.Doc.Components.Schemas {
		if s.Value.Example == nil && len(s.Value.Examples) == 0 && !without[name] {
			t.Errorf("%s has no example", name)
		}
	}
}

// Every code that the register can give comes to the client as it is described.
func TestEveryProblemIsAsDescribed(t *testing.T) {
	c := described(t)
	x := newTill(t)
	var broken []error
	x.Client().Transport = c.Transport(x.Client().Transport, func(err error) { broken = append(broken, err) })
	for _, code := range codes(t) {
		x.desk.err = &register.Error{Code: code, Text: "do this"}
		for _, r := range x.server.api() {
			if r.pattern == "/v1/events" || r.pattern == "/v1/state" || r.pattern == "/v1/journal" {
				continue
			}
			body := ""
			switch {
			case r.method == http.MethodPut:
				body = `{"lines":[` + tea + `],"total":300}`
			case strings.HasSuffix(r.pattern, "/lines"):
				body = `{"lines":[` + tea + `]}`
			case strings.HasSuffix(r.pattern, "/refunds"):
				body = `{"id":"` + someRefund + `","amount":1}`
			case strings.HasSuffix(r.pattern, "/resolve"):
				body = `{}`
			}
			query := ""
			if r.pattern == "/v1/payments" {
				query = "?unresolved=true"
			}
			x.ledger.open = []terminal.Payment{{ID: somePayment}}
			path := strings.NewReplacer("{ref}", "POS%2F7%201", "{id}", somePayment).Replace(r.pattern) + query
			if a := x.do(t, r.method, path, body); a.status != statusOf[code] {
				t.Errorf("%s of %s %s: %d %s", code, r.method, r.pattern, a.status, a.body)
			}
		}
	}
	x.desk.err = errors.New("of no kind that is meant for people")
	x.do(t, "GET", "/v1/caps", "")
	for _, err := range broken {
		t.Error(err)
	}
}
