package conform_test

import (
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/conform"
	"sekisho/firmware-mocks/scenario"
)

// TestCapsThatTheRunUsesUpFailNothing tries the rules of caps on the demo's small
// ones, again and again: as long as there is room they hold, and then they are not
// checked.
func TestCapsThatTheRunUsesUpFailNothing(t *testing.T) {
	const rounds = 3
	k, err := conform.Open(t.Context(), demo(t))
	if err != nil {
		t.Fatal(err)
	}
	held, usedUp := 0, 0
	for range rounds {
		k.Run(t.Context(), "caps.", func(r conform.Result) {
			switch {
			case r.Status == conform.Failed:
				t.Error(r)
			case r.Status == conform.Holds:
				held++
			case strings.Contains(r.Why, "used up"):
				usedUp++
			}
		})
	}
	if held == 0 || usedUp == 0 {
		t.Errorf("%d rules held and %d found the caps used up", held, usedUp)
	}
}

// demo serves what sekisho-sim backend does, without TLS.
func demo(t *testing.T) conform.Config {
	t.Helper()
	dir := t.TempDir()
	b, err := scenario.OpenOperatorsBackend(t.Context(), dir, backendsim.Config{Dials: 1_000_000, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serve := func(by func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() {
			if err := by(l); err != nil {
				t.Error(err)
			}
		})
		return l.Addr().String()
	}
	link, admin := serve(b.Serve), "http://"+serve(b.ServeAdmin)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
	keys, err := scenario.OperatorKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	registers, err := conform.MakeUp(t.Context(), admin, 0)
	if err != nil {
		t.Fatal(err)
	}
	return conform.Config{URL: "ws://" + link + backendsim.Path, Wallet: keys.Wallet, Backend: keys.Backend.PublicKey(), Admin: admin, Registers: registers}
}
