package scenario

import (
	"bytes"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/web/contract"
)

// newWorld opens a store for a test, on any free port and an unpaced line. Every
// request that the till's register takes, every answer and every event is held
// against the description of the local API.
func newWorld(t *testing.T, rules Rules) *World {
	t.Helper()
	w, _ := worldWith(t, Setup{Rules: rules})
	return w
}

func worldWith(t *testing.T, setup Setup) (*World, *contract.Contract) {
	t.Helper()
	c, err := contract.Load("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	setup.Dir, setup.Binary, setup.Listen, setup.Fast = t.TempDir(), binary, "127.0.0.1:0", true
	if setup.Log == nil {
		setup.Log = &log
	}
	setup.Door = func(next http.RoundTripper) http.RoundTripper {
		return c.Transport(next, func(err error) { t.Errorf("not as described: %v", err) })
	}
	w, err := NewWorld(t.Context(), setup)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Errorf("the store did not close in good order: %v", err)
		}
		if t.Failed() {
			t.Logf("log of daemon and backend:\n%s", tail(log.String(), 20_000))
		}
	})
	return w, c
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// TestShift plays the demo's shift: every verdict and reason, in the API and in
// both ledgers, before and after a restart.
func TestShift(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, cancel := context.WithTimeout(t.Context(), 2*testTime)
	defer cancel()
	var out bytes.Buffer
	s, err := PlayShift(ctx, w, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if len(s.Results) < 70 {
		t.Errorf("only %d verdicts: the shift did not play to its end\n%s", len(s.Results), out.String())
	}
	everyReason(t, s.Reasons())
}

// elsewhere are the reasons that the shift does not reach, and the tests that
// reach them by the daemon's public doors.
var elsewhere = map[terminal.Reason]string{
	terminal.CodeBill:      "TestOtherNotices", // a bill is no QR code, which is all that the shift's scanner is shown
	terminal.GoodsNoPrice:  "TestOtherNotices",
	terminal.SaleNotReady:  "TestOtherNotices",
	terminal.SaleTaken:     "TestOtherNotices",
	terminal.PolicyMissing: "TestI5BeforeAnyPolicyNothingIsApproved",
	terminal.Quarantined:   "TestI8AnOlderLedgerPutBackIsReleasedByHeadOffice",
	terminal.Storage:       "TestI2ALockedLedgerApprovesNothing",
}

// everyReason fails for a reason that nothing reaches, and for one that is listed
// as reached elsewhere and no longer has to be, or by a test that is not there.
func everyReason(t *testing.T, reached map[terminal.Reason]bool) {
	t.Helper()
	names := reasonNames(t)
	for why, test := range elsewhere {
		if !testsNaming(t, names[why])[test] {
			t.Errorf("%s is listed as reached by %s, which does not name terminal.%s", why, test, names[why])
		}
	}
	for _, why := range terminal.Reasons() {
		if _, listed := elsewhere[why]; listed == reached[why] {
			t.Errorf("%s: reached by the shift: %v, listed as reached elsewhere: %v", why, reached[why], listed)
		}
	}
}

// reasonNames gives the name of each reason's constant.
func reasonNames(t *testing.T) map[terminal.Reason]string {
	t.Helper()
	names := map[terminal.Reason]string{}
	file, err := parser.ParseFile(token.NewFileSet(), "../../terminal/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 {
			return true
		}
		if code, ok := spec.Values[0].(*ast.BasicLit); ok && code.Kind == token.STRING {
			text, err := strconv.Unquote(code.Value)
			if err != nil {
				t.Fatal(err)
			}
			names[terminal.Reason(text)] = spec.Names[0].Name
		}
		return true
	})
	return names
}

// testsNaming gives the tests of this package in which a constant of terminal
// stands.
func testsNaming(t *testing.T, name string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			test, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(test.Name.Name, "Test") {
				continue
			}
			ast.Inspect(test, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
					found[test.Name.Name] = true
				}
				return true
			})
		}
	}
	return found
}
