package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"sekisho/offline"
	"sekisho/scanner"
	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/web"
)

// Each thing that the scanner says reaches the register as what it is; what was
// dropped is logged with its reason and size, and no text is logged at all (I7). The unit hears
// what became of it.
func TestI7WhatTheScannerSays(t *testing.T) {
	frame := framing.Frame{Symbology: aim.QR, Text: "900012345678901234567890"}
	for _, c := range []struct {
		name   string
		event  scanner.Event
		notice terminal.Reason
		log    string
		heard  framing.Answer // by the unit; zero for nothing
	}{
		{"a code before a sale", scanner.Event{Kind: scanner.Scanned, Frame: frame}, terminal.SaleNotReady, "", framing.Bad},
		{"half a code", scanner.Event{Kind: scanner.Dropped, Frame: frame, Reason: string(framing.Unterminated), Bytes: 17}, terminal.CodeNotPayment, "unterminated 17", framing.Bad},
		{"noise", scanner.Event{Kind: scanner.Dropped, Reason: string(framing.Garbled), Bytes: 3}, terminal.CodeNotPayment, "garbled 3", framing.Bad},
		{"a port just opened", scanner.Event{Kind: scanner.Dropped, Reason: scanner.ReasonFresh, Bytes: 9}, "", "fresh 9", 0},
		{"the port", scanner.Event{Kind: scanner.Connected}, "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard framing.Answer
			c.event.Reply = func(a framing.Answer) { heard = a }
			notice, connected, logged := told(t, c.event)
			if heard != c.heard {
				t.Errorf("the unit heard %s, want %s", heard, c.heard)
			}
			if notice != c.notice || connected != (c.event.Kind == scanner.Connected) {
				t.Errorf("notice %q, connected %v", notice, connected)
			}
			if strings.Contains(logged, "9000123") {
				t.Errorf("the log shows a code: %s", logged)
			}
			var row struct {
				Level, Reason string
				Bytes         json.Number
			}
			got := ""
			if json.Unmarshal([]byte(logged), &row) == nil && row.Level == "INFO" {
				got = row.Reason + " " + row.Bytes.String()
			}
			if got != c.log {
				t.Errorf("logged %q, want %q", logged, c.log)
			}
		})
	}
}

// told gives the notice and the scanner as a register shows them after an event,
// and what was logged.
func told(t *testing.T, e scanner.Event) (notice terminal.Reason, connected bool, logged string) {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		store, err := offline.Open(t.Context(), t.TempDir(), offline.Options{})
		if err != nil {
			t.Fatal(err)
		}
		reg := register.New(register.Config{Roles: &policy.Roles{},
			Store: store, Signal: web.NewEvents(), Clock: machineClock{}, Anchors: forgetful{}, Log: slog.New(slog.DiscardHandler),
		})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- reg.Run(ctx) }()
		to := feed{reg: reg, log: slog.New(slog.NewJSONHandler(&log, nil))}
		to.take(ctx, e)
		synctest.Wait()
		v := reg.View()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		connected = v.Scanner == "connected"
		if v.Notice != nil {
			notice = v.Notice.Reason
		}
	})
	return notice, connected, log.String()
}

// forgetful keeps no anchor: these registers are never started again.
type forgetful struct{}

func (forgetful) Save(register.Anchor) error { return nil }
