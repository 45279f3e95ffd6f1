package sekisho_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

const threatModel = "docs/threat-model.md"

// TestTheThreatModelNamesTestsThatExist: each attacker has tests that show what
// stops him, and each of them is in the tree.
func TestTheThreatModelNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile(threatModel)
	if err != nil {
		t.Fatal(err)
	}
	there := testNames(t)
	name := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	attackers := 0
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		attackers++
		title, _, _ := strings.Cut(part, "\n")
		named := name.FindAllStringSubmatch(part, -1)
		if len(named) == 0 {
			t.Errorf("%s: no test shows what stops him", title)
		}
		for _, n := range named {
			if !there[n[1]] {
				t.Errorf("%s: there is no test %s", title, n[1])
			}
		}
	}
	if attackers != 8 {
		t.Errorf("%d attackers, want the eight that the issue names", attackers)
	}
}

// testNames are the tests of the whole module.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, n := range declared.FindAllSubmatch(text, -1) {
			names[string(n[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTheThreatModelHasTheDefaultPolicysNumbers reads the table of numbers.
func TestTheThreatModelHasTheDefaultPolicysNumbers(t *testing.T) {
	text, err := os.ReadFile("docs/policy/default.toml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	yen := map[string]terminal.Yen{
		"offline.floor": p.Offline.Floor, "offline.account_yen": p.Offline.AccountYen, "offline.boot_yen": p.Offline.BootYen,
	}
	for _, c := range p.Caps {
		yen[string(c.ID)] = terminal.Yen(c.Limit.Yen)
	}
	doc, err := os.ReadFile(threatModel)
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| [a-z-]+ \\| (?:cap )?`([a-z._-]+)` \\| ([0-9,]+) \\|$").FindAllSubmatch(doc, -1)
	if len(rows) != 12 {
		t.Errorf("%d numbers were found, want 12", len(rows))
	}
	for _, row := range rows {
		said, err := strconv.ParseInt(string(bytes.ReplaceAll(row[2], []byte(","), nil)), 10, 64)
		if want, known := yen[string(row[1])]; err != nil || !known || terminal.Yen(said) != want {
			t.Errorf("%s is %d yen in the policy, %d on the page (%v)", row[1], want, said, err)
		}
	}
}
