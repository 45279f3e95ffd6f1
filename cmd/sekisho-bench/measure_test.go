package main

import (
	"errors"
	"testing"
	"time"

	"sekisho/scanner/framing"
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

func TestAFigureWithoutAPromiseHasNoGoal(t *testing.T) {
	f := figure{"replug-to-scan", 60 * time.Millisecond, "open", 50 * time.Millisecond, 0}
	if got, want := f.String(), "bench: replug-to-scan 60000.0 us limit=open:50000.0 ratio=1.20"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAFigureOfAScanIsForOneScan(t *testing.T) {
	f := scanFigure{"scan-raw-goods", scansEach * 300, scansEach * 25, 2}
	if got, want := f.String(), "bench: scan-raw-goods 300.0 ns limit=copy:25.0 ratio=12.00 allocs=2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Every figure of a scan is of the code that it names.
func TestEveryFamilyReadsWhatItIsMeasuredWith(t *testing.T) {
	for _, family := range framing.Families() {
		for _, code := range formats {
			line, err := record(family, code)
			if err != nil {
				t.Errorf("%s %s: %v", family, code.name, err)
				continue
			}
			if err := times(3, line.scan); err != nil {
				t.Errorf("%s %s: %v", family, code.name, err)
			}
		}
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
