package main

import (
	"encoding/base64"
	"fmt"
	"time"

	"sekisho/scanner/payload/emv"
)

const (
	decodeRounds = 1000
	decodesEach  = 100 // in one round, so that the clock's own time does not count
	cpmGoal      = 2   // checking every object may take as long again as the base64
	// mpmLimit is the promise: a tenth of 35 us for each.
	mpmLimit = decodesEach * 35 * time.Microsecond / 10
)

// cpmFigure measures the decoding of a customer's code into memory that is there,
// against bare base64 of the same text.
func cpmFigure() (fmt.Stringer, error) {
	dst, text := make([]byte, len(exampleCPM)), []byte(exampleCPM)
	value, limit, err := inTurn(decodeRounds,
		func(int) error {
			return times(decodesEach, func() error { _, err := emv.Decode(dst, exampleCPM); return err })
		},
		func(int) error {
			return times(decodesEach, func() error { _, err := base64.StdEncoding.Decode(dst, text); return err })
		},
	)
	return figure{"cpm-100-decodes", value, "base64", limit, cpmGoal}, err
}

// mpmFigure measures the decoding of a shop's code.
func mpmFigure() (fmt.Stringer, error) {
	value, _, err := inTurn(decodeRounds,
		func(int) error {
			return times(decodesEach, func() error { _, err := emv.DecodeMerchant(exampleMPM); return err })
		},
		func(int) error { return nil },
	)
	return figure{"mpm-100-decodes", value, "promise", mpmLimit, 1}, err
}
