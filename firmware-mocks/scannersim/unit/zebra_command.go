package unit

import "time"

// Hear takes the till's messages.
func (z *Zebra) Hear(now time.Duration, p []byte, out *Out) {
	for _, b := range p {
		z.listen(now, b, out)
	}
}

// listen takes one byte. Asleep, the unit hears only that something came, and
// wakes up: what comes in the first 10 ms is lost with the byte that woke it. A
// length that no message has, the NUL of a wake-up above all, is passed over.
func (z *Zebra) listen(now time.Duration, b byte, out *Out) {
	z.stir(now)
	if z.asleep {
		z.asleep, z.deafUntil, z.heard = false, now+wakingUp, z.heard[:0]
	}
	if now < z.deafUntil {
		return
	}
	if now-z.heardAt > characterGap {
		z.heard = z.heard[:0]
	}
	z.heardAt = now
	if len(z.heard) == 0 && b < packetHead {
		return
	}
	z.heard = append(z.heard, b)
	if length := int(z.heard[0]); len(z.heard) == length+packetCheck {
		z.whole(now, z.heard, out)
		z.heard = z.heard[:0]
	}
}

// whole takes a whole message. After a damaged one the next byte begins another,
// which is a guess: no document tells where a unit takes up again.
func (z *Zebra) whole(now time.Duration, message []byte, out *Out) {
	if !sound(message) {
		z.refuse(nakResend, out)
		return
	}
	z.obey(now, message[1], message[3], message[packetHead:len(message)-packetCheck], out)
}

// obey carries out one message.
func (z *Zebra) obey(now time.Duration, op, status byte, data []byte, out *Out) {
	switch op {
	case opAck, opSegmentAck:
		z.taken(now, out)
	case opNak:
		z.refused(now, data, out)
	case opRequestRevision:
		z.reply(opReplyRevision, []byte(zebraRevision), out)
	case opParamRequest:
		z.reply(opParamSend, append([]byte{silent}, requested(z.set, data)...), out)
	case opAimOn, opAimOff: // it has no aiming pattern
		z.refuse(nakDenied, out)
	case opParamSend, opBeep, opLEDOn, opLEDOff:
		z.obeyWith(op, status, data, out)
	case opParamDefaults, opFlushQueue, opStartSession, opStopSession, opScanEnable, opScanDisable, opSleep:
		z.obeyPlain(op, out)
	default:
		z.refuse(nakBadContext, out)
	}
}

// obeyWith is for commands that begin with one byte: a beep code, or which
// lights.
func (z *Zebra) obeyWith(op, status byte, data []byte, out *Out) {
	if len(data) == 0 {
		z.refuse(nakBadContext, out)
		return
	}
	deed, known := beep(data[0])
	if op == opBeep && !known {
		z.refuse(nakDenied, out)
		return
	}
	switch green := data[0]&decodeLED != 0; {
	case op == opBeep, op == opParamSend && known:
		out.Deeds = append(out.Deeds, deed)
	case op == opLEDOn && green:
		out.Deeds = append(out.Deeds, GreenOn)
	case op == opLEDOff && green:
		out.Deeds = append(out.Deeds, GreenOff)
	}
	if op == opParamSend {
		z.parameters(status, data[1:])
	}
	z.acknowledge(out)
}

// parameters sets what a PARAM_SEND lists, until power is lost or for good.
func (z *Zebra) parameters(status byte, list []byte) {
	store(z.set, list)
	if status&statusPermanent != 0 {
		store(z.stored, list)
	}
}

// obeyPlain is for commands without data. A session changes nothing in a unit
// that reads at its own trigger.
func (z *Zebra) obeyPlain(op byte, out *Out) {
	switch op {
	case opParamDefaults:
		z.stored, z.set = factoryParameters(), factoryParameters()
	case opFlushQueue:
		z.drop(out)
	case opScanEnable:
		out.close(&z.disabled, false)
	case opScanDisable:
		out.close(&z.disabled, true)
	}
	z.acknowledge(out)
	if op == opSleep {
		z.asleep = true
	}
}

// refused is the till's refusal of what was sent: a broken packet is sent again,
// any other is not (SE955 guide, table 10-5).
func (z *Zebra) refused(now time.Duration, data []byte, out *Out) {
	if len(data) > 0 && data[0] == nakResend {
		z.resend(now, out)
		return
	}
	z.drop(out)
}

// acknowledge says that a command was carried out.
func (z *Zebra) acknowledge(out *Out) { z.reply(opAck, nil, out) }

// refuse says that it was not, and why.
func (z *Zebra) refuse(cause byte, out *Out) { z.reply(opNak, []byte{cause}, out) }

// reply answers a command. Without handshaking ACK and NAK are not sent.
func (z *Zebra) reply(op byte, data []byte, out *Out) {
	if z.set[paramHandshake] == 0 && (op == opAck || op == opNak) {
		return
	}
	var status byte
	if z.settings.Newer {
		status = statusDirect
	}
	out.Line = append(out.Line, packet(op, fromUnit, status, data...)...)
}

// decodeLED is the bit of the green light.
const decodeLED = 0x01

// silent is the beep code of a PARAM_SEND that asks for no beep.
const silent = 0xFF

// beep tells what a beep code sounds like; false for a code that there is not
// (SE955 guide, table 10-4, as far as it is known here). High ones are those of a good read, low ones those
// of an error, warbles and mixtures are neither.
func beep(code byte) (Deed, bool) {
	switch {
	case code <= 0x04, 0x0A <= code && code <= 0x0E: // one to five high: short, long
		return BeepGood, true
	case code <= 0x09, 0x0F <= code && code <= 0x13: // one to five low: short, long
		return BeepBad, true
	case code <= 0x19:
		return BeepOther, true
	}
	return "", false
}
