// Package settings is the configuration of one register: what sekishod runs by,
// and the staff's command finds it by.
package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Settings is the whole configuration: one flat TOML file. Each setting can be
// overridden by SEKISHO_ and its name in capitals.
type Settings struct {
	Data                string `toml:"data"`                  // ledger, cache and keys
	Run                 string `toml:"run"`                   // lasts from one boot to the next
	Listen              string `toml:"listen"`                // local API and pages; loopback only
	Backend             string `toml:"backend"`               // wss://…
	Scanner             string `toml:"scanner"`               // device path, best under /dev/serial/by-id
	ScannerBaud         int    `toml:"scanner_baud"`          // 9600 where 0
	ScannerFamily       string `toml:"scanner_family"`        // the protocol it speaks; raw where ""
	SecondScanner       string `toml:"second_scanner"`        // device path; "" for none
	SecondScannerBaud   int    `toml:"second_scanner_baud"`   // as of the first
	SecondScannerFamily string `toml:"second_scanner_family"` // as of the first
	DoubleReadMS        int    `toml:"double_read_ms"`        // how long the same read is taken for the same scan; 0 for never
	Items               string `toml:"items"`                 // price file, where no POS leads; "" for none
}

// maxDoubleReadMS is more than any unit's own time-out for the same code, and less
// than a customer's patience.
const maxDoubleReadMS = 5000

func defaults() Settings {
	return Settings{
		Data: "/var/lib/sekisho/register", Run: "/run/sekisho/register", Listen: "127.0.0.1:8470",
		DoubleReadMS: 300,
	}
}

// Read takes the defaults, the file's settings over them, and the environment's
// over both. With file "" there is no file. Nothing is checked but each value's
// form; see Check.
func Read(file string, environ []string) (Settings, error) {
	s := defaults()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return s, fmt.Errorf("the configuration cannot be read: %w", err)
		}
		if err := parse(string(text), &s); err != nil {
			return s, fmt.Errorf("%s: %w", file, err)
		}
	}
	return s, override(environ, &s)
}

// Check says which settings are missing that the daemon cannot do without, and
// which are out of bounds. What a scanner can be set to, package scanner knows.
func (c Settings) Check() error {
	var errs []error
	for _, s := range []struct{ name, value string }{
		{"data", c.Data}, {"run", c.Run}, {"listen", c.Listen}, {"backend", c.Backend}, {"scanner", c.Scanner},
	} {
		if s.value == "" {
			errs = append(errs, fmt.Errorf("the setting %q is missing", s.name))
		}
	}
	if c.DoubleReadMS < 0 || c.DoubleReadMS > maxDoubleReadMS {
		errs = append(errs, fmt.Errorf("the setting \"double_read_ms\" must be 0 to %d, not %d", maxDoubleReadMS, c.DoubleReadMS))
	}
	return errors.Join(errs...)
}

// parse refuses unknown keys with their line and the key probably meant.
// The text is decoded into no struct: the decoder would take "Data" for "data",
// and tell a wrong type in Go's words.
func parse(text string, cfg *Settings) error {
	var values map[string]any
	meta, err := toml.Decode(text, &values)
	if err != nil {
		return fmt.Errorf("the configuration is no TOML: %w", err)
	}
	known := fields(cfg)
	for _, key := range meta.Keys() {
		name := key[0]
		field, ok := known[name]
		if !ok {
			return fmt.Errorf("unknown setting %q%s; %s", name, lineOf(text, name), meant(name, strconv.Quote))
		}
		value := reflect.ValueOf(values[name])
		if !value.CanConvert(field.Type()) || kindOf(value) != kindOf(field) {
			return fmt.Errorf("setting %q must be %s%s", name, forms[kindOf(field)], lineOf(text, name))
		}
		field.Set(value.Convert(field.Type()))
	}
	return nil
}

// forms says what a setting's value must be, in words for people.
var forms = map[reflect.Kind]string{
	reflect.String: "a text in quotes",
	reflect.Int64:  "a whole number",
}

// kindOf gives a value's kind; TOML's whole numbers have 64 bits.
func kindOf(v reflect.Value) reflect.Kind {
	if v.Kind() == reflect.Int {
		return reflect.Int64
	}
	return v.Kind()
}

// lineOf names the line on which a key stands; "" where it cannot be told.
func lineOf(text, key string) string {
	for i, line := range strings.Split(text, "\n") {
		rest, found := strings.CutPrefix(strings.TrimLeft(line, " \t\"'["), key)
		if found && strings.TrimLeft(rest, " \t\"'.]=") != rest {
			return fmt.Sprintf(" (line %d)", i+1)
		}
	}
	return ""
}

// fields gives each setting's name and field.
func fields(cfg *Settings) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	v := reflect.ValueOf(cfg).Elem()
	for i := range v.NumField() {
		out[v.Type().Field(i).Tag.Get("toml")] = v.Field(i)
	}
	return out
}

func override(environ []string, cfg *Settings) error {
	known := fields(cfg)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(name, "SEKISHO_")
		if !ours {
			continue
		}
		field, ok := known[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("environment: SEKISHO_%s is no setting; %s", name, meant(name, variable))
		}
		if err := set(field, value); err != nil {
			return fmt.Errorf("environment: SEKISHO_%s: %w", name, err)
		}
	}
	return nil
}

func set(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return fmt.Errorf("must be %s", forms[reflect.Int64])
		}
		field.SetInt(int64(n))
	default:
		field.SetString(value)
	}
	return nil
}

// variable gives the name under which the environment overrides a setting.
func variable(setting string) string { return "SEKISHO_" + strings.ToUpper(setting) }

// meant says which setting an unknown name probably stands for: the nearest,
// where at most half of the name would have to change, and otherwise any of all.
func meant(name string, write func(string) string) string {
	name = strings.ToLower(name)
	if near := nearest(name); 2*edits(name, near) <= len(name) {
		return "probably meant: " + write(near)
	}
	var all []string
	for _, known := range slices.Sorted(maps.Keys(fields(&Settings{}))) {
		all = append(all, write(known))
	}
	return "the settings are " + strings.Join(all, ", ")
}

// nearest gives the setting whose name needs the fewest edits (Levenshtein).
func nearest(name string) string {
	best, fewest := "", 1<<30
	for known := range fields(&Settings{}) {
		if d := edits(name, known); d < fewest || d == fewest && known < best {
			best, fewest = known, d
		}
	}
	return best
}

func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j]+1, row[j+1]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
