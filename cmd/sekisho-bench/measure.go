package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// figure is one measured promise.
type figure struct {
	name      string
	value     time.Duration // the product's median
	limitName string
	limit     time.Duration // the bare work's median
	goal      float64       // the greatest ratio of the two that is well; 0: nothing is promised
}

// String is the figure's line, in microseconds.
func (f figure) String() string {
	line := fmt.Sprintf("bench: %s %.1f us limit=%s:%.1f ratio=%.2f", f.name, micros(f.value), f.limitName, micros(f.limit), f.ratio())
	switch {
	case f.goal == 0:
		return line
	case f.ratio() <= f.goal:
		return fmt.Sprintf("%s goal<=%.2f ok", line, f.goal)
	}
	return fmt.Sprintf("%s goal<=%.2f short", line, f.goal)
}

func (f figure) ratio() float64 { return float64(f.value) / float64(f.limit) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// figures are several that need the same preparation.
type figures []fmt.Stringer

// String is a line for each.
func (f figures) String() string {
	var lines []string
	for _, one := range f {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// inTurn runs product and limit once each per round, with the round's number,
// the one that goes first changing from round to round, and returns the medians
// of their times.
func inTurn(rounds int, product, limit func(round int) error) (time.Duration, time.Duration, error) {
	work := [2]func(int) error{product, limit}
	var times [2][]time.Duration
	for round := range rounds {
		for i := range work {
			side := (i + round) % 2
			began := time.Now()
			if err := work[side](round); err != nil {
				return 0, 0, err
			}
			times[side] = append(times[side], time.Since(began))
		}
	}
	return median(times[0]), median(times[1]), nil
}

// median sorts times, of which there is at least one.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
