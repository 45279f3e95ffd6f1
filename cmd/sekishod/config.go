package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"sekisho/cmd/settings"
)

// errVersion says that only the release was asked for.
var errVersion = errors.New("the release was asked for")

// configure reads flags, file and environment, in rising order of precedence:
// file, environment, flags.
func configure(args, environ []string, stderr io.Writer) (settings.Settings, error) {
	var cfg settings.Settings
	flags := flag.NewFlagSet("sekishod", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "configuration `FILE` (TOML)")
	data := flags.String("data", "", "data `DIR`: ledger.db, cache.db, keys/")
	run := flags.String("run", "", "run `DIR`: lasts from one boot to the next")
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
	cfg, err := settings.Read(*file, environ)
	if err != nil {
		return cfg, err
	}
	if *data != "" {
		cfg.Data = *data
	}
	if *run != "" {
		cfg.Run = *run
	}
	return cfg, cfg.Check()
}
