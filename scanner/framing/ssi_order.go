package framing

import (
	"slices"
	"time"
)

// ssiOrder is something the till tells the unit to do.
type ssiOrder uint8

const (
	toEnable ssiOrder = iota
	toDisable
	toSendPackets
	toPace
	toBeSilent
	toSayRevision
	toBeepGood
	toBeepBad
	toShine
	toGoDark
)

// ssiWritten says how each order is written. Parameters are temporary: the unit
// forgets them with its power, so one that is taken to another till is as it was.
//
// The numbers of beeps are those of the MK1000 MicroKiosk Product Reference
// Guide, table 5-8, and of Zebra's Scanner SDK (RMD_ATTR_VALUE_ACTION_…, which
// goes on where the table was cut); LED 1 is the green one. Parameter 0xEE is
// "decode data packet format", 0xF0 0x4E "multipacket option" (DS9908 Product
// Reference Guide, table 17); 0x38 is "beep after good decode", parameter 56, for
// which only the sources of public drivers could be found.
var ssiWritten = [...]struct {
	op     byte
	data   string
	undoes ssiOrder // the order that this one makes pointless; itself if none
	once   bool     // worth nothing when it comes late, and heard twice when sent twice
}{
	toEnable:      {opEnable, "", toDisable, false},
	toDisable:     {opDisable, "", toEnable, false},
	toSendPackets: {opParameter, "\xff\xee\x01", toSendPackets, false},
	toPace:        {opParameter, "\xff\xf0\x4e\x00", toPace, false},
	toBeSilent:    {opParameter, "\xff\x38\x00", toBeSilent, false},
	toSayRevision: {opAskRev, "", toSayRevision, false},
	toBeepGood:    {opBeep, "\x00", toBeepBad, true},  // one short high
	toBeepBad:     {opBeep, "\x10", toBeepGood, true}, // two long low
	toShine:       {opLightOn, "\x01", toGoDark, true},
	toGoDark:      {opLightOff, "\x01", toShine, true},
}

const (
	// ssiPatience is how long the unit may take to answer, the same as it gives
	// the till: parameter 0x9B, 2 s as it leaves the factory.
	ssiPatience = 2 * time.Second
	// ssiTries is how often an order is sent: once, and twice more as the unit does.
	// The host is to limit its retries (SE955 Integration Guide, "CMD_ACK").
	ssiTries = 3
	// ssiPause lies between orders to a unit that does not answer at all: its
	// handshaking is off, or it speaks another protocol.
	ssiPause = 200 * time.Millisecond
)

// ssiOrders holds what the unit is still to be told, in order. One order is on its
// way at a time. It holds each order at most once, and never an order together
// with its opposite.
type ssiOrders struct {
	waiting []ssiOrder
	sent    ssiOrder // on its way while tries > 0
	tries   int
	at      time.Duration // when it was last sent
	gap     time.Duration // from the order before it
	deaf    bool          // the unit has let an order go unanswered, and none since was answered
	parted  bool          // the till has said something else since
}

// want adds an order behind the others, in place of what it makes pointless.
func (o *ssiOrders) want(all ...ssiOrder) {
	for _, w := range all {
		o.waiting = slices.DeleteFunc(o.waiting, func(x ssiOrder) bool { return x == w || x == ssiWritten[w].undoes })
		o.waiting = append(o.waiting, w)
	}
}

// forget takes orders back that still wait.
func (o *ssiOrders) forget(all ...ssiOrder) {
	o.waiting = slices.DeleteFunc(o.waiting, func(x ssiOrder) bool { return slices.Contains(all, x) })
}

// next sends the next order if none is on its way.
func (o *ssiOrders) next(now time.Duration, out *Out) {
	if o.tries > 0 || len(o.waiting) == 0 {
		return
	}
	o.sent, o.gap = o.waiting[0], now-o.at
	o.waiting = slices.Delete(o.waiting, 0, 1)
	o.send(now, out)
}

// send writes the order that is on its way, the second time with the bit that
// says so.
func (o *ssiOrders) send(now time.Duration, out *Out) {
	var status byte
	if o.tries > 0 {
		status = ssiResent
	}
	w := ssiWritten[o.sent]
	out.Send = appendPacket(out.Send, w.op, status, w.data)
	o.tries++
	o.at = now
	o.parted = false
}

// overdue sends the order on its way again, or gives it up.
func (o *ssiOrders) overdue(now time.Duration, out *Out) {
	switch {
	case o.tries == 0, now-o.at < o.patience():
	case o.tries < ssiTries && !o.deaf && !ssiWritten[o.sent].once:
		o.send(now, out)
	default:
		o.tries = 0
		o.deaf = o.deaf || !ssiWritten[o.sent].once
	}
}

// patience is how long to wait for an answer.
func (o *ssiOrders) patience() time.Duration {
	if o.deaf {
		return ssiPause
	}
	return ssiPatience
}

// settingUp tells whether a parameter is still to be set.
func (o *ssiOrders) settingUp() bool {
	sets := func(w ssiOrder) bool { return ssiWritten[w].op == opParameter }
	return o.tries > 0 && sets(o.sent) || slices.ContainsFunc(o.waiting, sets)
}

// answered takes note that the unit answered, and tells which order, if one was
// on its way.
func (o *ssiOrders) answered() (sent ssiOrder, ok bool) {
	ok = o.tries > 0
	o.tries, o.deaf = 0, false
	return o.sent, ok
}

// damaged is the unit's NAK for an order that came damaged. An order that keeps
// being damaged is given up, and so is a beep if the NAK may be for something that
// the till said after it: another scan may be waiting for its verdict by now.
func (o *ssiOrders) damaged(now time.Duration, out *Out) {
	o.deaf = false
	switch {
	case o.tries == 0:
	case o.tries < ssiTries && !(o.parted && ssiWritten[o.sent].once):
		o.send(now, out)
	default:
		o.tries = 0
	}
}

// idleFor tells whether nothing was to be said for a while.
func (o *ssiOrders) idleFor(now, while time.Duration) bool {
	return o.tries == 0 && len(o.waiting) == 0 && now-o.at >= while
}
