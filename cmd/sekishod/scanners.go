package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sekisho/cmd/settings"
	"sekisho/scanner"
	"sekisho/scanner/framing"
	"sekisho/terminal/register"
)

// scanners gives the till's one or two scanners, and refuses what no restart could
// make work, before anything runs.
func scanners(cfg settings.Settings) ([]scanner.Config, error) {
	first := scanner.Config{Path: cfg.Scanner, Baud: cfg.ScannerBaud, Family: framing.Family(cfg.ScannerFamily)}
	if err := first.Check(); err != nil {
		return nil, fmt.Errorf("the setting \"scanner\" and those that begin with it: %w", err)
	}
	if cfg.SecondScanner == "" {
		return []scanner.Config{first}, nil
	}
	second := scanner.Config{Path: cfg.SecondScanner, Baud: cfg.SecondScannerBaud, Family: framing.Family(cfg.SecondScannerFamily)}
	if err := second.Check(); err != nil {
		return nil, fmt.Errorf("the setting \"second_scanner\" and those that begin with it: %w", err)
	}
	if sameDevice(first.Path, second.Path) {
		return nil, &settingError{errors.New("the settings \"scanner\" and \"second_scanner\" lead to the same device; leave the second out, or give it its own path")}
	}
	return []scanner.Config{first, second}, nil
}

// sameDevice says whether two paths are known to lead to one device; of one that is
// unplugged it shows later, when the second finds it busy.
func sameDevice(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// scanParts are what runs the scanners.
func scanParts(units []scanner.Config, reg *register.Register, log *slog.Logger) []func(context.Context) error {
	var parts []func(context.Context) error
	for i, unit := range units {
		port, to := scanner.New(unit, log), &feed{reg: reg, log: log.With("port", unit.Path), which: i}
		parts = append(parts, func(ctx context.Context) error {
			return port.Run(ctx, func(e scanner.Event) { to.take(ctx, e) })
		})
	}
	return parts
}

// feed brings what one of the scanners saw to the register.
type feed struct {
	reg   *register.Register
	log   *slog.Logger
	which int

	next   time.Time // when a drop may be logged again
	silent int       // how many were not since the last
}

func (f *feed) take(ctx context.Context, e scanner.Event) {
	switch e.Kind {
	case scanner.Scanned:
		f.reg.Scanned(ctx, e.Frame.Symbology, e.Frame.Text, e.Reply)
	case scanner.Dropped:
		f.logDrop(e)
		if e.Reason != scanner.ReasonFresh {
			f.reg.Unreadable(ctx)
			e.Reply(framing.Bad)
		}
	case scanner.Connected:
		f.reg.ScannerUp(ctx, f.which, true)
	case scanner.Disconnected:
		f.reg.ScannerUp(ctx, f.which, false)
	}
}

// dropLogEvery is how often a drop is logged: a loose cable or a wrong baud rate
// can give thousands a second.
const dropLogEvery = time.Second

// logDrop logs what was dropped, for whoever looks for a bad cable or a wrong baud
// rate; how many bytes it had, and never which.
func (f *feed) logDrop(e scanner.Event) {
	now := time.Now()
	if now.Before(f.next) {
		f.silent++
		return
	}
	f.log.Info("the scanner said something that is no code", "reason", e.Reason, "bytes", e.Bytes, "not_logged", f.silent)
	f.next, f.silent = now.Add(dropLogEvery), 0
}
