package conform_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/firmware-mocks/conform"
)

var update = flag.Bool("update", false, "write the list of rules into docs/conformance.md")

// ruleList is the table of rules as the document has it.
func ruleList() string {
	var b strings.Builder
	b.WriteString("| rule | says | where |\n|---|---|---|\n")
	for _, r := range conform.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.Says, r.Doc)
	}
	return b.String()
}

func TestTheDocumentListsTheRules(t *testing.T) {
	const file, begins = "../../docs/conformance.md", "| rule | says | where |"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(text), begins)
	if want := before + ruleList(); *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s lists other rules than the kit has; run this test with -update", file)
	}
}

// TestRulesPointIntoTheDocuments looks for each rule's section.
func TestRulesPointIntoTheDocuments(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range conform.Rules() {
		if seen[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		seen[r.ID] = true
		file, section, _ := strings.Cut(r.Doc, ", ")
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "# "+section+"\n") {
			t.Errorf("%s: %s has no section %q", r.ID, file, section)
		}
	}
}
