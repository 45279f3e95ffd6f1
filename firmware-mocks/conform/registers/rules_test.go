package registers

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the list of rules into docs/conformance.md")

// The list stands between these two.
const (
	begins = "| the register's rule | says | where |\n"
	ends   = "\n## The rules\n"
)

func TestTheDocumentListsTheRules(t *testing.T) {
	const file = "../../../docs/conformance.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	list.WriteString(begins + "|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&list, "| `%s` | %s | %s |\n", r.ID, r.Says, r.Doc)
	}
	head, tail, found := strings.Cut(string(data), ends)
	if !found {
		t.Fatalf("%s has no section that follows the register's rules", file)
	}
	head, _, _ = strings.Cut(head, begins)
	if want := head + list.String() + ends + tail; *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(data) != want {
		t.Errorf("%s lists other rules than the kit has; run this test with -update", file)
	}
}

// TestRulesPointIntoTheDocuments looks for each rule's section.
func TestRulesPointIntoTheDocuments(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		seen[r.ID] = true
		file, section, _ := strings.Cut(r.Doc, ", ")
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "# "+section+"\n") {
			t.Errorf("%s: %s has no section %q", r.ID, file, section)
		}
	}
}
