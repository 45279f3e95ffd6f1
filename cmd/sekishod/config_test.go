package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/cmd/settings"
)

const someConfig = `data = "/srv/r1"
run = "/run/r1"
backend = "wss://pay.example/v1"
scanner = "/dev/serial/by-id/usb-scanner"
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What the file and the environment can say is tested where they are read.
func TestFlagsComeBeforeEnvironmentAndFile(t *testing.T) {
	file := write(t, t.TempDir(), "r1.toml", someConfig)
	for _, c := range []struct {
		name    string
		args    []string
		environ []string
		want    func(*settings.Settings)
	}{
		{"the file", []string{"-config", file}, nil, func(*settings.Settings) {}},
		{"the environment before the file", []string{"--config", file}, []string{"SEKISHO_DATA=/e"}, func(c *settings.Settings) { c.Data = "/e" }},
		{"flags before both", []string{"-config", file, "-data", "/f", "-run", "/g"}, []string{"SEKISHO_DATA=/e"}, func(c *settings.Settings) { c.Data, c.Run = "/f", "/g" }},
	} {
		want := settings.Settings{
			Data: "/srv/r1", Run: "/run/r1", Listen: "127.0.0.1:8470", Backend: "wss://pay.example/v1", Scanner: "/dev/serial/by-id/usb-scanner", DoubleReadMS: 300,
		}
		c.want(&want)
		got, err := configure(c.args, c.environ, new(bytes.Buffer))
		if err != nil || got.Settings != want || got.insecureDev {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
	if got, err := configure([]string{"-config", file, "--insecure-dev"}, nil, new(bytes.Buffer)); err != nil || !got.insecureDev {
		t.Errorf("the flag for development: %+v, %v", got, err)
	}
	if _, err := configure([]string{"-config", file}, []string{"SEKISHO_LISTEN="}, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), `"listen" is missing`) {
		t.Errorf("a missing setting: %v", err)
	}
}

func TestFlagsThatAreNone(t *testing.T) {
	for _, args := range [][]string{{"-speed"}, {"-config"}, {"-config", "/nowhere/r1.toml"}, {"r1.toml"}} {
		if _, err := configure(args, nil, new(bytes.Buffer)); err == nil {
			t.Errorf("%q: taken", args)
		}
	}
	var help bytes.Buffer
	if _, err := configure([]string{"-help"}, nil, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-config FILE") {
		t.Errorf("got %v and %q", err, help.String())
	}
}
