package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

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
	if second.Path == first.Path {
		return nil, &settingError{errors.New("the setting \"second_scanner\" is the first scanner's path; leave it out, or give the second's own")}
	}
	return []scanner.Config{first, second}, nil
}

// scanParts are what runs the scanners.
func scanParts(units []scanner.Config, reg *register.Register, log *slog.Logger) []func(context.Context) error {
	var parts []func(context.Context) error
	for i, unit := range units {
		port, log := scanner.New(unit, log), log.With("port", unit.Path)
		parts = append(parts, func(ctx context.Context) error {
			return port.Run(ctx, func(e scanner.Event) { onScan(ctx, reg, log, i, e) })
		})
	}
	return parts
}

// onScan brings what one of the scanners saw to the register. What was dropped is
// logged, for whoever looks for a bad cable or a wrong baud rate; how many bytes
// it had, and never which.
func onScan(ctx context.Context, reg *register.Register, log *slog.Logger, which int, e scanner.Event) {
	switch e.Kind {
	case scanner.Scanned:
		reg.Scanned(ctx, e.Frame.Symbology, e.Frame.Text, e.Reply)
	case scanner.Dropped:
		log.Info("the scanner said something that is no code", "reason", e.Reason, "bytes", e.Bytes)
		if e.Reason != scanner.ReasonFresh {
			reg.Unreadable(ctx)
			e.Reply(framing.Bad)
		}
	case scanner.Connected:
		reg.ScannerUp(ctx, which, true)
	case scanner.Disconnected:
		reg.ScannerUp(ctx, which, false)
	}
}
