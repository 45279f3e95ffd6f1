package sekisho_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of the project's own packages.
const module = "sekisho/"

// Groups of packages, by path inside the module. A path that ends in "/..."
// stands for all packages below it.
var (
	core = []string{
		"terminal", "terminal/pass", "terminal/wire", "terminal/policy", "terminal/journal", "terminal/denials", "terminal/enrol",
		"scanner/aim", "scanner/framing", "scanner/payload", "scanner/payload/gs1", "scanner/payload/emv",
	}
	register = []string{"terminal/register"}
	adapters = []string{"terminal/uplink", "terminal/web", "scanner", "offline"}
	mocks    = []string{"firmware-mocks/..."}
)

// rule says what a package may import of the project.
type rule struct {
	packages []string
	may      []string
}

// rules is the whole table: a package without a row is an error, so whoever
// makes one decides where it belongs. The first row that fits counts.
var rules = []rule{
	{[]string{"terminal", "terminal/pass", "terminal/wire", "terminal/enrol", "scanner/aim"}, nil},
	{[]string{"scanner/framing"}, []string{"scanner/aim"}},
	{[]string{"scanner/sheet"}, []string{"scanner/framing"}},
	{[]string{"scanner/payload"}, []string{"scanner/aim", "scanner/payload/gs1", "scanner/payload/emv"}},
	{[]string{"scanner/payload/gs1", "scanner/payload/emv"}, nil},
	{[]string{"terminal/journal", "terminal/policy", "terminal/denials"}, []string{"terminal"}},
	{register, core},
	{[]string{"terminal/web/contract"}, nil},
	{[]string{"terminal/register/storetest"}, []string{"terminal", "terminal/journal", "terminal/register"}},
	{[]string{"terminal/web"}, slices.Concat(core, register, []string{"terminal/web/pin"})},
	{[]string{"terminal/web/pin"}, nil},
	{adapters, slices.Concat(core, register)},
	// The mocks have no use for framing and payload: they write scanner bytes
	// and payment codes from the documents.
	{mocks, slices.Concat(mocks, []string{
		"terminal", "terminal/pass", "terminal/wire", "terminal/policy", "terminal/journal", "terminal/denials", "terminal/enrol", "scanner/aim",
	})},
	// The simulator reaches the daemon by its public doors only.
	{[]string{"cmd/sekisho-sim"}, slices.Concat(core, mocks)},
	{[]string{"cmd/sekisho-bench"}, slices.Concat(core, register, adapters, mocks)},
	{[]string{"cmd/settings", "cmd/prompt"}, nil},
	{[]string{"cmd/keys"}, core},
	{[]string{"cmd/sekisho"}, slices.Concat(core, register, adapters, []string{"cmd/settings", "cmd/keys", "cmd/prompt", "scanner/sheet"})},
	{[]string{"cmd/sekishod"}, slices.Concat(core, register, adapters, []string{"cmd/settings", "cmd/keys", "cmd/prompt", "terminal/web/pin"})},
}

// daemon is the program that runs in a store, and absent what must not be in it
// by whatever way: mocks and their faults, and what only tests use.
const daemon = "cmd/sekishod"

var absent = []string{
	module + "firmware-mocks/...",
	module + "terminal/register/storetest",
	module + "terminal/web/contract",
	"github.com/getkin/kin-openapi/...",
	"testing", "testing/...",
	"pgregory.net/rapid/...",
	"go.uber.org/goleak/...",
	"github.com/rogpeppe/go-internal/...",
	"github.com/makiuchi-d/gozxing/...",
	"github.com/boombuler/barcode/...",
	"github.com/creack/pty/...",
	"github.com/Shopify/toxiproxy/...",
}

// outside is what the core and the register must not import of the standard
// library: they do no I/O. (What they use may: fmt imports os.)
var outside = []string{"database/sql/...", "net", "net/http/...", "os", "os/...", "syscall"}

// listed is a package as go list tells of it. Imports are those of its ordinary
// files: tests may import what they like.
type listed struct {
	ImportPath        string
	GoFiles, CgoFiles []string
	Imports           []string // direct
	Deps              []string // all, however far
}

func TestImports(t *testing.T) {
	packages := list(t)
	for _, broken := range violations(packages) {
		t.Error(broken)
	}
	if !slices.ContainsFunc(packages, func(p listed) bool { return p.ImportPath == module+daemon }) {
		t.Errorf("%s is gone: nothing proves any more that the mocks stay out of the daemon", daemon)
	}
}

// list asks go for every package of the module.
func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,GoFiles,CgoFiles,Imports,Deps", "./...").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("go list: %v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// violations tells which packages break which rule.
func violations(packages []listed) []string {
	var broken []string
	for _, p := range packages {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours || len(p.GoFiles)+len(p.CgoFiles) == 0 { // the root, and folders of tests alone
			continue
		}
		broken = append(broken, direct(path, p.Imports)...)
		if path == daemon {
			for _, dep := range p.Deps {
				if matches(absent, dep) {
					broken = append(broken, fmt.Sprintf("%s must not be linked into %s", dep, daemon))
				}
			}
		}
	}
	return broken
}

// direct holds one package's own imports against the table.
func direct(path string, imports []string) []string {
	i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.packages, path) })
	if i < 0 {
		return []string{path + " has no row in the table of import rules: give it one"}
	}
	var broken []string
	for _, imported := range imports {
		name, ours := strings.CutPrefix(imported, module)
		if ours && !matches(rules[i].may, name) {
			broken = append(broken, fmt.Sprintf("%s must not import %s", path, name))
		}
		if matches(slices.Concat(core, register), path) && matches(outside, imported) {
			broken = append(broken, fmt.Sprintf("%s does no I/O and must not import %s", path, imported))
		}
	}
	return broken
}

// matches tells whether a path is one of the patterns or below one that ends in
// "/...".
func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		folder, all := strings.CutSuffix(pattern, "/...")
		return path == folder || all && strings.HasPrefix(path, folder+"/")
	})
}

// TestImportRulesBite breaks each rule once on paper.
func TestImportRulesBite(t *testing.T) {
	for _, c := range []struct{ from, imported, want string }{
		{"terminal", "sekisho/terminal/wire", "terminal must not import terminal/wire"},
		{"terminal/pass", "sekisho/terminal", "terminal/pass must not import terminal"},
		{"scanner/aim", "sekisho/scanner", "scanner/aim must not import scanner"},
		{"scanner/framing", "sekisho/scanner/aim", ""},
		{"scanner/framing", "sekisho/scanner/payload", "scanner/framing must not import scanner/payload"},
		{"terminal/policy", "sekisho/terminal", ""},
		{"terminal/policy", "sekisho/terminal/journal", "terminal/policy must not import terminal/journal"},
		{"terminal/register", "sekisho/scanner/payload", ""},
		{"terminal/register", "sekisho/offline", "terminal/register must not import offline"},
		{"terminal/register", "database/sql", "terminal/register does no I/O and must not import database/sql"},
		{"terminal", "os", "terminal does no I/O and must not import os"},
		{"terminal/register/storetest", "sekisho/terminal/wire", "terminal/register/storetest must not import terminal/wire"},
		{"offline", "sekisho/terminal/register", ""},
		{"offline", "net/http", ""},
		{"offline", "sekisho/terminal/uplink", "offline must not import terminal/uplink"},
		{"offline", "sekisho/terminal/register/storetest", "offline must not import terminal/register/storetest"},
		{"scanner", "sekisho/terminal/web", "scanner must not import terminal/web"},
		{"terminal/web", "sekisho/firmware-mocks/walletsim", "terminal/web must not import firmware-mocks/walletsim"},
		{"firmware-mocks/backendsim", "sekisho/terminal/wire", ""},
		{"firmware-mocks/backendsim", "sekisho/firmware-mocks/walletsim", ""},
		{"firmware-mocks/backendsim", "sekisho/terminal/register", "firmware-mocks/backendsim must not import terminal/register"},
		{"firmware-mocks/scannersim", "sekisho/scanner/framing", "firmware-mocks/scannersim must not import scanner/framing"},
		{"cmd/sekisho-sim", "sekisho/offline", "cmd/sekisho-sim must not import offline"},
		{"cmd/sekishod", "sekisho/offline", ""},
		{"cmd/sekishod", "sekisho/firmware-mocks/scenario", "cmd/sekishod must not import firmware-mocks/scenario"},
		{"newcomer", "fmt", "newcomer has no row in the table of import rules: give it one"},
	} {
		got := strings.Join(violations([]listed{{
			ImportPath: module + c.from, GoFiles: []string{"a.go"}, Imports: []string{c.imported},
		}}), "; ")
		if got != c.want {
			t.Errorf("%s imports %s: %q, want %q", c.from, c.imported, got, c.want)
		}
	}
}

func TestNothingOfATestIsLinkedIntoTheDaemon(t *testing.T) {
	for _, dep := range []string{
		"sekisho/firmware-mocks/backendsim", "sekisho/terminal/register/storetest", "testing", "github.com/creack/pty",
	} {
		got := violations([]listed{{ImportPath: module + daemon, GoFiles: []string{"main.go"}, Deps: []string{"fmt", dep}}})
		if want := dep + " must not be linked into " + daemon; !slices.Equal(got, []string{want}) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
