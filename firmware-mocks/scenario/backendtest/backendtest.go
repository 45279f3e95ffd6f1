// Package backendtest serves the reference backend to a test of a command, as an
// operator would run it: over TLS, with keys and policy of its own.
package backendtest

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
)

// Serve gives a backend that knows no register yet, and its address. It ends with
// the test.
func Serve(t testing.TB) (*backendsim.Backend, string) {
	t.Helper()
	return ServeAt(t, time.Now)
}

// ServeAt is Serve for a backend with a clock of its own.
func ServeAt(t testing.TB, now func() time.Time) (*backendsim.Backend, string) {
	t.Helper()
	b, err := scenario.OpenOperatorsBackend(t.Context(), t.TempDir(), backendsim.Config{Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.ServeTLS(listener, "127.0.0.1") }()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return b, "wss://" + listener.Addr().String() + backendsim.Path
}
