package scanner_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tarm/serial"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// benchScan is a scan of the length of a wallet's digits.
const benchScan = "900012345678901234567890\r"

// median reports how long do takes; the mean of a machine with other work says little.
func median(b *testing.B, do func()) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "median-ns")
}

// How long after the last byte of a scan was written the event is there, ...
func BenchmarkScanToEvent(b *testing.B) {
	c := newCable(b)
	c.plug()
	ctx, stop := context.WithCancel(context.Background())
	events, ended := make(chan scanner.EventKind), make(chan error)
	s := scanner.New(scanner.Config{Path: c.link}, nil)
	go func() { ended <- s.Run(ctx, func(e scanner.Event) { events <- e.Kind }) }()
	<-events // connected
	median(b, func() {
		c.say(benchScan)
		<-events
	})
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// ... against the serial package's own read of the same bytes, ...
func BenchmarkBareRead(b *testing.B) {
	c := newCable(b)
	c.plug()
	port, err := serial.OpenPort(&serial.Config{Name: c.link, Baud: 9600, ReadTimeout: 100 * time.Millisecond})
	if err != nil {
		b.Fatal(err)
	}
	defer port.Close()
	lines, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(lines)
		buf := make([]byte, 1024)
		for got := 0; ; {
			n, _ := port.Read(buf) // 0 and io.EOF is silence
			if got += n; got < len(benchScan) {
				select {
				case <-stop:
					return
				default:
					continue
				}
			}
			got = 0
			lines <- struct{}{}
		}
	}()
	median(b, func() {
		c.say(benchScan)
		<-lines
	})
	close(stop)
	<-lines
}

// ... how long after a scan its answer is at the unit, ...
func BenchmarkScanToBeep(b *testing.B) {
	c := newCable(b)
	c.plug()
	x := runTalker(b, c.link)
	x.want(scanner.Connected, "")
	c.hear("S")
	median(b, func() {
		c.say(benchScan)
		x.next().Reply(framing.Good)
		c.hear("g")
	})
}

// ... and how long after a replug the unit is let scan.
func BenchmarkReplugToConnected(b *testing.B) {
	c := newCable(b)
	x := runTalker(b, c.link)
	x.next()
	for b.Loop() {
		c.plug()
		x.next()
		b.StopTimer()
		c.unplug()
		x.next()
		b.StartTimer()
	}
}
