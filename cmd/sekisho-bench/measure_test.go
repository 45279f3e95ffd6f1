package main

import (
	"errors"
	"testing"
	"time"
)

func TestAFigureIsOneLineInTheAgreedForm(t *testing.T) {
	f := figure{"pass-verify", 130 * time.Microsecond, "bare", 100 * time.Microsecond, 1.3}
	if got, want := f.String(), "bench: pass-verify 130.0 us limit=bare:100.0 ratio=1.30 goal<=1.30 ok"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.value += time.Microsecond
	if got, want := f.String(), "bench: pass-verify 131.0 us limit=bare:100.0 ratio=1.31 goal<=1.30 short"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAFigureOfBytesHasTheSameForm(t *testing.T) {
	f := bytesFigure{"denials-entry", 12.12, "id+minute", 12, 1.01}
	if got, want := f.String(), "bench: denials-entry 12.12 bytes limit=id+minute:12.00 ratio=1.01 goal<=1.01 ok"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.value = 24
	if got, want := f.String(), "bench: denials-entry 24.00 bytes limit=id+minute:12.00 ratio=2.00 goal<=1.01 short"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestBothSidesRunInTurn(t *testing.T) {
	var order string
	note := func(side string) func(int) error {
		return func(int) error { order += side; return nil }
	}
	if _, _, err := inTurn(3, note("p"), note("l")); err != nil || order != "pllppl" {
		t.Errorf("%s %v", order, err)
	}
	broken := errors.New("broken")
	if _, _, err := inTurn(1, note("p"), func(int) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestMedianIsTheMiddle(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Errorf("%d", got)
	}
}
