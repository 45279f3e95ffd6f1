package scannersim

import (
	"context"
	"errors"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// flood is a unit that says more at once than the kernel holds for a till that
// does not read.
type flood struct{ *unit.Raw }

func (flood) See(_ time.Duration, _ unit.Symbol, out *unit.Out) bool {
	out.Line = append(out.Line, make([]byte, 1<<20)...)
	return true
}

// flooded gives a desk with such a unit whose cable is in.
func flooded(t *testing.T) (*Scanner, *desk) {
	t.Helper()
	s, err := Open(t.TempDir()+"/link", Options{Unit: flood{unit.NewRaw(unit.RawSettings{})}, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.plugged()
}

func TestAShowToATillThatDoesNotReadEndsWithItsContext(t *testing.T) {
	_, d := flooded(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	shown := show{ctx: ctx, result: make(chan error, 1)}
	d.shows <- shown
	if err := <-shown.result; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("show: %v, want DeadlineExceeded", err)
	}
}

func TestUnplugEndsAShowThatWaits(t *testing.T) {
	s, d := flooded(t)
	shown := show{ctx: context.Background(), result: make(chan error, 1)}
	d.shows <- shown
	if _, err := d.cable.slave.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := <-shown.result; !errors.Is(err, ErrUnplugged) {
		t.Errorf("show: %v, want ErrUnplugged", err)
	}
}

// A fault puts back only the cable that it pulled.
func TestACableThatSomebodyElsePulledStaysOut(t *testing.T) {
	s, d := flooded(t)
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	s.fall(d)
	if s.plugged() != nil {
		t.Error("the cable is in again")
	}
}

// I8: Close does not wait until a cable would be put back.
func TestCloseEndsTheWaitForACable(t *testing.T) {
	s, d := flooded(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.fall(d)
	if took := time.Since(start); took >= unit.Away {
		t.Errorf("it took %v", took)
	}
}
