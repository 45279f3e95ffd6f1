package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

const wholeConfig = `# a register of the demo store
data = "/srv/r1"
run = "/run/r1"
listen = "127.0.0.1:8471"
backend = "wss://pay.example/v1"
scanner = "/dev/serial/by-id/usb-scanner"
scanner_baud = 115200
scanner_family = "zebra-ssi"
second_scanner = "/dev/serial/by-id/usb-second"
second_scanner_baud = 57600
second_scanner_family = "newland"
double_read_ms = 500
items = "/srv/r1/items.csv"
`

func wholeSettings() Settings {
	return Settings{
		Data: "/srv/r1", Run: "/run/r1", Listen: "127.0.0.1:8471", Backend: "wss://pay.example/v1",
		Scanner: "/dev/serial/by-id/usb-scanner", ScannerBaud: 115200, ScannerFamily: "zebra-ssi",
		SecondScanner: "/dev/serial/by-id/usb-second", SecondScannerBaud: 57600, SecondScannerFamily: "newland",
		DoubleReadMS: 500, Items: "/srv/r1/items.csv",
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFromFileAndEnvironment(t *testing.T) {
	file := write(t, t.TempDir(), "r1.toml", wholeConfig)
	short := write(t, t.TempDir(), "short.toml", "backend = \"wss://pay.example\"\nscanner = \"/dev/ttyACM0\"\n")
	for _, c := range []struct {
		name    string
		file    string
		environ []string
		want    func(*Settings)
	}{
		{"the file", file, nil, func(*Settings) {}},
		{"what is not ours in the environment", file, []string{"PATH=/bin", "DATA=/x", "XSEKISHO_DATA=/x", "SEKISHO"}, func(*Settings) {}},
		{"the environment before the file", file, []string{"SEKISHO_DATA=/e", "SEKISHO_SCANNER_BAUD=9600", "SEKISHO_ITEMS=", "SEKISHO_DOUBLE_READ_MS=0"},
			func(c *Settings) {
				c.Data, c.ScannerBaud, c.Items, c.DoubleReadMS = "/e", 9600, "", 0
			}},
		{"a value with an equals sign", file, []string{"SEKISHO_BACKEND=wss://pay.example/?a=b"}, func(c *Settings) { c.Backend = "wss://pay.example/?a=b" }},
		{"defaults", short, nil, func(c *Settings) {
			*c = Settings{Data: "/var/lib/sekisho/register", Run: "/run/sekisho/register", Listen: "127.0.0.1:8470", Backend: "wss://pay.example", Scanner: "/dev/ttyACM0", DoubleReadMS: 300}
		}},
		{"no file at all", "", []string{"SEKISHO_BACKEND=wss://b", "SEKISHO_SCANNER=/dev/ttyACM0"}, func(c *Settings) {
			*c = Settings{Data: "/var/lib/sekisho/register", Run: "/run/sekisho/register", Listen: "127.0.0.1:8470", Backend: "wss://b", Scanner: "/dev/ttyACM0", DoubleReadMS: 300}
		}},
	} {
		want := wholeSettings()
		c.want(&want)
		got, err := Read(c.file, c.environ)
		if err != nil || got != want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
}

func TestI8ConfigurationSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, text string
		environ    []string
		want       []string
	}{
		{"an unknown setting", wholeConfig + "scaner = \"x\"\n", nil, []string{`r1.toml: unknown setting "scaner" (line 14); probably meant: "scanner"`}},
		{"one that another begins with", wholeConfig + "scan = \"x\"\n", nil, []string{`unknown setting "scan" (line 14); the settings are "backend", "data", "double_read_ms", "items", "listen", "run", "scanner", "scanner_baud", "scanner_family", "second_scanner", "second_scanner_baud", "second_scanner_family"`}},
		{"quoted, with spaces before", "  \"liste\" = \"x\"\n" + wholeConfig, nil, []string{`"liste" (line 1); probably meant: "listen"`}},
		{"a table", wholeConfig + "\n[backends]\nurl = \"x\"\n", nil, []string{`unknown setting "backends" (line 15)`, `meant: "backend"`}},
		{"a dotted key", wholeConfig + "backend_.url = \"x\"\n", nil, []string{`unknown setting "backend_" (line 14)`}},
		{"capitals", strings.Replace(wholeConfig, "data =", "Data =", 1), nil, []string{`unknown setting "Data" (line 2); probably meant: "data"`}},
		{"both spellings", "DATA = \"x\"\n" + wholeConfig, nil, []string{`unknown setting "DATA" (line 1); probably meant: "data"`}},
		{"a field's name", wholeConfig + "ScannerBaud = 1\n", nil, []string{"(line 14)", `meant: "scanner_baud"`}},
		{"a number for a text", strings.Replace(wholeConfig, `"/srv/r1"`, "1", 1), nil, []string{`r1.toml: setting "data" must be a text in quotes (line 2)`}},
		{"a text for a number", strings.Replace(wholeConfig, "115200", `"fast"`, 1), nil, []string{`setting "scanner_baud" must be a whole number (line 7)`}},
		{"half a baud", strings.Replace(wholeConfig, "115200", "9600.5", 1), nil, []string{`setting "scanner_baud" must be a whole number (line 7)`}},
		{"a date for a number", strings.Replace(wholeConfig, "115200", "2026-01-05", 1), nil, []string{`setting "scanner_baud" must be a whole number (line 7)`}},
		{"beyond 64 bits", strings.Replace(wholeConfig, "115200", "9223372036854775808", 1), nil, []string{"no TOML", "9223372036854775808"}},
		{"a list", strings.Replace(wholeConfig, `"/srv/r1"`, `["/srv/r1"]`, 1), nil, []string{`setting "data" must be a text in quotes (line 2)`}},
		{"a setting as a table", strings.Replace(wholeConfig, "items =", "items.file =", 1), nil, []string{`setting "items" must be a text in quotes (line 13)`}},
		{"a setting as tables", wholeConfig[:strings.Index(wholeConfig, "items")] + "[[items]]\nfile = 1\n", nil, []string{`setting "items" must be a text in quotes (line 13)`}},
		{"nothing like it", wholeConfig + "colour = \"red\"\n", nil, []string{`unknown setting "colour" (line 14); the settings are "backend"`}},
		{"a setting twice", wholeConfig + "data = \"x\"\n", nil, []string{"no TOML", "line 14", "data"}},
		{"no TOML", "data\n", nil, []string{"no TOML", "line 1"}},
		{"missing", "data = \"\"\n", nil, []string{`"data" is missing`, `"backend" is missing`, `"scanner" is missing`}},
		{"a double read before the first", strings.Replace(wholeConfig, "500", "-1", 1), nil, []string{`"double_read_ms" must be 0 to 5000, not -1`}},
		{"a double read for ever", wholeConfig, []string{"SEKISHO_DOUBLE_READ_MS=5001"}, []string{`"double_read_ms" must be 0 to 5000, not 5001`}},
		{"emptied by the environment", wholeConfig, []string{"SEKISHO_LISTEN="}, []string{`"listen" is missing`}},
		{"an unknown variable", wholeConfig, []string{"SEKISHO_SCANER=x"}, []string{"SEKISHO_SCANER is no setting; probably meant: SEKISHO_SCANNER"}},
		{"a variable like no other", wholeConfig, []string{"SEKISHO_HOME=x"}, []string{"SEKISHO_HOME is no setting; the settings are SEKISHO_BACKEND, SEKISHO_DATA"}},
		{"a bad number there", wholeConfig, []string{"SEKISHO_SCANNER_BAUD=fast"}, []string{"SEKISHO_SCANNER_BAUD: must be a whole number"}},
	} {
		file := write(t, t.TempDir(), "r1.toml", c.text)
		got, err := Read(file, c.environ)
		if err == nil {
			err = got.Check()
		}
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		for _, jargon := range []string{"destination", "float64", "map[", "interface"} {
			if strings.Contains(err.Error(), jargon) {
				t.Errorf("%s: %q speaks of %s", c.name, err, jargon)
			}
		}
		for _, words := range c.want {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q does not say %q", c.name, err, words)
			}
		}
	}
}

// The fixed points: one flat file, at most 15 settings.
func TestSettingsAreFewAndFlat(t *testing.T) {
	all := fields(&Settings{})
	if len(all) > 15 || len(all) != reflect.TypeFor[Settings]().NumField() {
		t.Errorf("%d settings in %d fields", len(all), reflect.TypeFor[Settings]().NumField())
	}
	for name, field := range all {
		switch field.Kind() {
		case reflect.String, reflect.Int:
		default:
			t.Errorf("%s is no flat setting", name)
		}
		if name == "" || name != strings.ToLower(name) || !strings.Contains(wholeConfig, "\n"+name+" = ") {
			t.Errorf("%q: a name in lower case, and this file's example should have it", name)
		}
		if got := meant(name+"x", strconv.Quote); got != fmt.Sprintf("probably meant: %q", name) {
			t.Errorf("%sx: %s", name, got)
		}
	}
}

// Levenshtein's distance, with the textbooks' examples.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"kitten", "sitting", 3}, {"saturday", "sunday", 3}, {"", "abc", 3}, {"abc", "", 3}, {"", "", 0}, {"data", "data", 0}, {"flaw", "lawn", 2}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
