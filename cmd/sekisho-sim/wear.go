package main

import (
	"context"
	"fmt"
	"image"
	"strconv"
	"strings"

	"sekisho/firmware-mocks/walletsim/wear"
)

// spoil wears what is shown from now on: a name, a strength, 1 if left out, and a
// seed, that of the faults if left out.
func (c *console) spoil(_ context.Context, how string) (string, error) {
	fields := strings.Fields(how)
	if len(fields) == 0 {
		c.worn = nil
		return "ok", nil
	}
	w, ok := wear.Named(fields[0])
	if !ok {
		return "", fmt.Errorf("no wear is called %q: take one of %s", fields[0], wears())
	}
	strength, seed, ok := wearNumbers(fields[1:], c.seed)
	if !ok {
		return "", fmt.Errorf("wear %s may have a strength from 0 to %v behind it and then a seed, a whole number", w.Name, wear.Ruin)
	}
	c.worn = func(clean image.Image) image.Image { return w.Apply(clean, strength, seed) }
	return "ok", nil
}

// wearNumbers reads a strength and a seed, each of which may be left out.
func wearNumbers(fields []string, usual uint64) (strength float64, seed uint64, ok bool) {
	var errStrength, errSeed error
	strength, seed = 1, usual
	if len(fields) > 0 {
		strength, errStrength = strconv.ParseFloat(fields[0], 64)
	}
	if len(fields) > 1 {
		seed, errSeed = strconv.ParseUint(fields[1], 10, 64)
	}
	fits := strength >= 0 && strength <= wear.Ruin
	return strength, seed, len(fields) <= 2 && errStrength == nil && errSeed == nil && fits
}

// wears names them all.
func wears() string {
	var names []string
	for _, w := range wear.All() {
		names = append(names, w.Name)
	}
	return strings.Join(names, ", ")
}
