package framing_test

import (
	"testing"
	"time"

	"sekisho/scanner/framing"
)

// An enable that was lost three times would leave the unit blind for good: no
// scan comes of it, and so no other answer. It is told again until it confirms.
func TestI8SSIIsToldForEverThatItMayScan(t *testing.T) {
	l := settled(t)
	l.answer(framing.Wait)
	l.feed(raw(t, unitACK))
	l.quiet(time.Minute)
	l.expectSent(t, "held while the till thinks", scanDisable)
	l.answer(framing.Done)
	l.quiet(10 * time.Second)
	again := "04 E9 04 01 FF 0E"
	l.expectSent(t, "three tries, and once more", scanEnable, again, again, scanEnable)
	l.quiet(6 * time.Second)
	l.expectSent(t, "and again", scanEnable)
	l.quiet(5 * time.Second)
	l.feed(raw(t, unitACK)) // too late to be for this one, but it is
	l.said()
	l.quiet(5 * time.Second)
	l.said()
	l.feed(raw(t, unitACK))
	l.quiet(time.Minute)
	l.expectSent(t, "confirmed")
}

// I2: a good beep sounds for the scan that it is meant for, not while the next one
// is still being decided: neither one that waits, nor one that is sent again for a
// NAK which is for the ACK of that next scan.
func TestI2SSIDoesNotBeepForTheNextScan(t *testing.T) {
	l := settled(t)
	l.answer(framing.Good)
	l.expectSent(t, "good", beepGood)
	l.feed(raw(t, ean))
	l.answer(framing.Wait)
	l.expectSent(t, "the next scan", hostACK)
	l.feed(raw(t, unitRESEND))
	l.expectSent(t, "a NAK", scanDisable)

	l = settled(t)
	l.answer(framing.Bad)
	l.answer(framing.Good)
	l.answer(framing.Wait)
	for range 4 {
		l.feed(raw(t, unitACK))
	}
	l.expectSent(t, "good, which waits for the answer to another beep", beepBad, scanDisable)

	l = settled(t)
	l.answer(framing.Bad)
	l.answer(framing.Good)
	l.said()
	l.feed(raw(t, ean+unitACK))
	l.expectSent(t, "good, which waits, and the next scan before the answer", hostACK)

	l = settled(t)
	l.answer(framing.Good)
	l.feed(raw(t, unitRESEND))
	l.expectSent(t, "a NAK at once", beepGood, "05 E6 04 01 00 FF 10")
}
