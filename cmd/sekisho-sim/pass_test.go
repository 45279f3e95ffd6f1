package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/pass"
)

// A first paid sale at a register of one's own needs a customer: his pass is one
// that a till believes, of the account and the phone that were asked for.
func TestAPassOfTheCommandIsBelieved(t *testing.T) {
	dir := t.TempDir()
	keys, err := scenario.OperatorKeys(filepath.Join(dir, "operator"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := passCommand()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--dir", dir, "--account", "customer-0001", "--bound", "1h", "--offline-yen", "700", "--offline-count", "2"})
	before := time.Now()
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, whole := strings.CutSuffix(out.String(), "\n")
	p, err := pass.Verify(text, keys.Customers().Trust())
	if err != nil || !whole {
		t.Fatalf("%q: %v", out.String(), err)
	}
	c := p.Credential
	if c.Account != "customer-0001" || c.OfflineYen != 700 || c.OfflineCount != 2 || before.Sub(c.BoundAt).Round(time.Minute) != time.Hour {
		t.Errorf("%+v", c)
	}
}
