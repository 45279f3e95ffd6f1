package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"sekisho/cmd/settings"
)

// errVersion says that only the release was asked for.
var errVersion = errors.New("the release was asked for")

// errSetPIN says that the PIN of the manager's page is to be set.
var errSetPIN = errors.New("the PIN is to be set")

// config is what the daemon runs by.
type config struct {
	settings.Settings
	insecureDev bool // the backend may be ws:// on this machine, without certificates
}

// secure says whether the backend is dialled over TLS. What is neither wss:// nor
// ws:// uplink refuses.
func (c config) secure() bool { return strings.HasPrefix(strings.ToLower(c.Backend), "wss:") }

// configure reads flags, file and environment, in rising order of precedence:
// file, environment, flags.
func configure(args, environ []string, stderr io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("sekishod", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "configuration `FILE` (TOML)")
	data := flags.String("data", "", "data `DIR`: ledger.db, cache.db, keys/")
	run := flags.String("run", "", "run `DIR`: lasts from one boot to the next")
	flags.BoolVar(&cfg.insecureDev, "insecure-dev", false, "for development: take a backend at ws:// on this machine, without certificates")
	setPIN := flags.Bool("set-pin", false, "set the PIN of the manager's page from standard input and end")
	version := flags.Bool("version", false, "print the release and end")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if *version {
		return cfg, errVersion
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("%q is no flag; see sekishod -help", flags.Arg(0))
	}
	var err error
	if cfg.Settings, err = settings.Read(*file, environ); err != nil {
		return cfg, err
	}
	if *data != "" {
		cfg.Data = *data
	}
	if *run != "" {
		cfg.Run = *run
	}
	if err := cfg.Check(); err != nil {
		return cfg, err
	}
	if *setPIN {
		return cfg, errSetPIN
	}
	return cfg, nil
}
