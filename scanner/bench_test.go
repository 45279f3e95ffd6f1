package scanner_test

import (
	"slices"
	"testing"
	"time"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// benchScan is a scan of the length of a wallet's digits.
const benchScan = "900012345678901234567890\r"

// How long after a scan its answer is at the unit. Of a machine with other work the
// mean says little.
func BenchmarkScanToBeep(b *testing.B) {
	c := newCable(b)
	c.plug()
	x := runTalker(b, c.link)
	x.want(scanner.Connected, "")
	c.hear("S")
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		c.say(benchScan)
		x.next().Reply(framing.Good)
		c.hear("g")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "median-ns")
}
