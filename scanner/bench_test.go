package scanner_test

import (
	"context"
	"testing"
	"time"

	"github.com/tarm/serial"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// benchScan is a scan of the length of a wallet's digits.
const benchScan = "900012345678901234567890\r"

// How long after the last byte of a scan was written the event is there, ...
func BenchmarkScanToEvent(b *testing.B) {
	c := newCable(b)
	c.plug()
	ctx, stop := context.WithCancel(context.Background())
	events, ended := make(chan scanner.EventKind), make(chan error)
	s := scanner.New(scanner.Config{Path: c.link}, nil)
	go func() { ended <- s.Run(ctx, func(e scanner.Event) { events <- e.Kind }) }()
	<-events // connected
	for b.Loop() {
		c.say(benchScan)
		<-events
	}
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
	lines, said := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(lines)
		buf := make([]byte, 1024)
		for range said {
			for got := 0; got < len(benchScan); {
				n, _ := port.Read(buf) // 0 and io.EOF is silence
				got += n
			}
			lines <- struct{}{}
		}
	}()
	for b.Loop() {
		said <- struct{}{}
		c.say(benchScan)
		<-lines
	}
	close(said)
	<-lines
}

// ... how long after a scan its answer is at the unit, ...
func BenchmarkScanToBeep(b *testing.B) {
	c := newCable(b)
	c.plug()
	x := runTalker(b, c.link)
	x.want(scanner.Connected, "")
	c.hear("S")
	for b.Loop() {
		c.say(benchScan)
		x.next().Reply(framing.Good)
		c.hear("g")
	}
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
