package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"

	"sekisho/cmd/settings"
	"sekisho/offline"
	"sekisho/scanner"
	"sekisho/scanner/framing"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
)

func TestScannersOfAConfiguration(t *testing.T) {
	one := settings.Settings{Scanner: "/dev/a", ScannerBaud: 115200, ScannerFamily: "raw", SecondScannerBaud: 1}
	two := one
	two.SecondScanner, two.SecondScannerBaud = "/dev/b", 0
	a := scanner.Config{Path: "/dev/a", Baud: 115200, Family: framing.FamilyRaw}
	for _, c := range []struct {
		cfg  settings.Settings
		want []scanner.Config
	}{{one, []scanner.Config{a}}, {two, []scanner.Config{a, {Path: "/dev/b"}}}} {
		got, err := scanners(c.cfg)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("got %+v, %v; want %+v", got, err, c.want)
		}
	}
	unit, link := filepath.Join(t.TempDir(), "unit"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.WriteFile(unit, nil, 0o600), os.Symlink(unit, link)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*settings.Settings){
		"no path":           func(c *settings.Settings) { c.Scanner = "" },
		"a baud rate":       func(c *settings.Settings) { c.ScannerBaud = 9601 },
		"a family":          func(c *settings.Settings) { c.ScannerFamily = "Raw" },
		"the second's baud": func(c *settings.Settings) { c.SecondScannerBaud = 9601 },
		"its family":        func(c *settings.Settings) { c.SecondScannerFamily = "x" },
		"the same twice":    func(c *settings.Settings) { c.SecondScanner = c.Scanner },
		"and written twice": func(c *settings.Settings) { c.SecondScanner = "/dev/../dev/a" },
		"and by a link":     func(c *settings.Settings) { c.Scanner, c.SecondScanner = unit, link },
	} {
		cfg := two
		change(&cfg)
		if got, err := scanners(cfg); err == nil || !needsPerson(err) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// Both scanners of a till are read, and the page says that all is well only while
// both are there.
func TestATillWithTwoScanners(t *testing.T) {
	store, err := offline.Open(t.Context(), t.TempDir(), offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	told := make(ear, 100)
	log := slog.New(slog.DiscardHandler)
	reg := register.New(register.Config{Roles: &policy.Roles{}, Scanners: 2,
		Store: store, Signal: told, Clock: machineClock{}, Anchors: forgetful{}, Log: log,
	})
	first, second := plugged(t), plugged(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	parts := scanParts([]scanner.Config{{Path: first.path}, {Path: second.path}}, reg, log)
	go func() { ended <- together(ctx, append(parts, reg.Run)...) }()
	told.want(t, "disconnected ") // one is there
	told.want(t, "connected ")    // both are
	for _, unit := range []plug{first, second} {
		if _, err := unit.master.WriteString("4902777130835\r"); err != nil {
			t.Fatal(err)
		}
		told.want(t, "goods 4902777130835")
	}
	second.master.Close()
	told.want(t, "disconnected ")
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// plug is a scanner's end of a pty, and the path of the till's.
type plug struct {
	master *os.File
	path   string
}

func plugged(t *testing.T) plug {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	return plug{master, slave.Name()}
}

// ear is what POS and page hear of the scanners.
type ear chan string

func (s ear) Emit(e register.Event) {
	if scan, ok := e.Data.(register.Scan); ok {
		s <- scan.Kind + " " + string(scan.GTIN)
	}
}

func (s ear) want(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s:
		if got != want {
			t.Fatalf("told %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("nothing is told, want %q", want)
	}
}

// A line that says nothing but garbage does not fill the log: a line a second tells
// of it, with how many it stands for.
func TestAFloodOfDropsIsLoggedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := feed{log: slog.New(slog.NewJSONHandler(&log, nil))}
		for range 3000 {
			f.logDrop(scanner.Event{Reason: string(framing.Garbled), Bytes: 2})
			<-time.After(time.Millisecond)
		}
		var unsaid []int
		for lines := json.NewDecoder(&log); lines.More(); {
			var line struct {
				NotLogged int `json:"not_logged"`
			}
			if err := lines.Decode(&line); err != nil {
				t.Fatal(err)
			}
			unsaid = append(unsaid, line.NotLogged)
		}
		if !slices.Equal(unsaid, []int{0, 999, 999}) {
			t.Errorf("not logged: %d", unsaid)
		}
	})
}
