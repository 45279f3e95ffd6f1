package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// config is the whole configuration: one flat TOML file. Each setting can be
// overridden by SEKISHO_ and its name in capitals.
type config struct {
	Data             string `toml:"data"`              // ledger, cache and keys
	Run              string `toml:"run"`               // lasts from one boot to the next
	Listen           string `toml:"listen"`            // local API and pages; loopback only
	Backend          string `toml:"backend"`           // wss://…
	InsecureLoopback bool   `toml:"insecure_loopback"` // allows ws:// to this machine, for development
	Scanner          string `toml:"scanner"`           // device path, best under /dev/serial/by-id
	ScannerBaud      int    `toml:"scanner_baud"`      // 9600 where 0
	Items            string `toml:"items"`             // price file, where no POS leads; "" for none
}

func defaults() config {
	return config{Data: "/var/lib/sekisho/register", Run: "/run/sekisho/register", Listen: "127.0.0.1:8470"}
}

// configure reads flags, file and environment, in rising order of precedence:
// file, environment, flags.
func configure(args, environ []string, stderr io.Writer) (config, error) {
	cfg := defaults()
	flags := flag.NewFlagSet("sekishod", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "configuration `FILE` (TOML)")
	data := flags.String("data", "", "data `DIR`: ledger.db, cache.db, keys/")
	run := flags.String("run", "", "run `DIR`: lasts from one boot to the next")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("%q is no flag; see sekishod -help", flags.Arg(0))
	}
	if *file != "" {
		text, err := os.ReadFile(*file)
		if err != nil {
			return cfg, fmt.Errorf("the configuration cannot be read: %w", err)
		}
		if err := parseConfig(string(text), &cfg); err != nil {
			return cfg, fmt.Errorf("%s: %w", *file, err)
		}
	}
	if err := override(environ, &cfg); err != nil {
		return cfg, err
	}
	if *data != "" {
		cfg.Data = *data
	}
	if *run != "" {
		cfg.Run = *run
	}
	return cfg, cfg.check()
}

func (c config) check() error {
	var errs []error
	for _, s := range []struct{ name, value string }{
		{"data", c.Data}, {"run", c.Run}, {"listen", c.Listen}, {"backend", c.Backend}, {"scanner", c.Scanner},
	} {
		if s.value == "" {
			errs = append(errs, fmt.Errorf("the setting %q is missing", s.name))
		}
	}
	return errors.Join(errs...)
}

// parseConfig refuses unknown keys with their line and the key probably meant.
// The decoder takes "Data" for "data", and of both either: that is unknown too.
func parseConfig(text string, cfg *config) error {
	meta, err := toml.Decode(text, cfg)
	if err != nil {
		return fmt.Errorf("the configuration is no TOML of this shape: %w", err)
	}
	known := settings(cfg)
	for _, key := range meta.Keys() {
		name := key.String()
		if _, ok := known[name]; ok {
			continue
		}
		return fmt.Errorf("line %d: unknown setting %q; probably meant: %q", lineOf(text, name), name, nearest(name))
	}
	return nil
}

// lineOf finds the line on which a key stands; 0 where it cannot be told.
func lineOf(text, key string) int {
	first, _, _ := strings.Cut(key, ".")
	for i, line := range strings.Split(text, "\n") {
		rest, found := strings.CutPrefix(strings.TrimLeft(line, " \t\"'["), first)
		if found && strings.TrimLeft(rest, " \t\"'.]=") != rest {
			return i + 1
		}
	}
	return 0
}

// settings gives each setting's name and field.
func settings(cfg *config) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	v := reflect.ValueOf(cfg).Elem()
	for i := range v.NumField() {
		out[v.Type().Field(i).Tag.Get("toml")] = v.Field(i)
	}
	return out
}

func override(environ []string, cfg *config) error {
	known := settings(cfg)
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(name, "SEKISHO_")
		if !ours {
			continue
		}
		field, ok := known[strings.ToLower(name)]
		if !ok {
			return fmt.Errorf("environment: SEKISHO_%s is no setting; probably meant: SEKISHO_%s", name, strings.ToUpper(nearest(strings.ToLower(name))))
		}
		if err := set(field, value); err != nil {
			return fmt.Errorf("environment: SEKISHO_%s: %w", name, err)
		}
	}
	return nil
}

func set(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("must be true or false")
		}
		field.SetBool(b)
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("must be a whole number")
		}
		field.SetInt(int64(n))
	default:
		field.SetString(value)
	}
	return nil
}

// nearest gives the setting whose name needs the fewest edits (Levenshtein).
func nearest(name string) string {
	best, fewest := "", 1<<30
	for known := range settings(&config{}) {
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
