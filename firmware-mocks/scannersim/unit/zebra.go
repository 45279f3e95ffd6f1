package unit

import (
	"maps"
	"time"
)

// ZebraSettings are what a Zebra unit is set to by its manual's codes, and what
// sort of unit it is. The zero value is an older unit as it leaves the factory.
type ZebraSettings struct {
	Suffix bool // sends a CR behind the data, in packets too (parameter EB = 1)
	// Newer units send long reads in numbered segments and set bits in the status
	// byte that stand in no document.
	Newer bool
}

// Zebra is a unit that speaks SSI. Its bytes are those of the SE-923 (70-37052)
// and SE955 (72E-72322) Integration Guides and of the DS9908 Product Reference
// Guide; segments as enioka_scan observed them.
//
// It leaves the factory sending raw data without a terminator, and listens to
// commands all the same. Once told to (parameter EE) it sends packets, keeps
// each until the till acknowledges it, sends it twice more, and then gives the
// read up with a beep. Until that is over it reads nothing else.
//
// What is not here: CAPABILITIES (SE955's table does not have it: it is refused
// as unknown), multipacket options 2 and 3, RSM, images.
//
// Assumed, since none of the pages that could be seen tells: beep codes from 05
// on (SE955 guide, table 10-4, was not at hand), that parameter 80 is the power
// mode, and that FLUSH_QUEUE, which neither SE-923's nor SE955's table has, gives
// up a read that is not acknowledged.
type Zebra struct {
	settings ZebraSettings
	stored   map[uint16]byte // parameters that outlive the power
	set      map[uint16]byte // those in force

	disabled  bool
	heard     []byte // of a message that is not whole
	heardAt   time.Duration
	sending   delivery
	answer    timer // when the till's word is overdue
	idle      timer // when it falls asleep
	asleep    bool
	deafUntil time.Duration
}

// delivery is something that the till has to acknowledge.
type delivery struct {
	packets [][]byte // those not taken; the first is on the line
	resent  int      // times that the first was sent again
	read    bool     // a read, not an event
}

// How long things take. The answer is waited for by parameter 9B, in tenths of
// a second.
const (
	tenth         = 100 * time.Millisecond
	characterGap  = 200 * time.Millisecond // between two bytes of a message (DS9908 guide, parameter EF)
	wakingUp      = 10 * time.Millisecond  // deaf after a wake-up (DS8108 guide, page 5-7)
	awakeAtLeast  = time.Second            // before low power (SE-923 guide, WAKEUP)
	resends       = 2
	bootedUp      = 0x03 // the event of a power-up (DS9908 guide, table 18)
	zebraRevision = "SEKISHO-SIM F 00 0000"
)

// ByteTime is how long a byte takes on the line at 9600 baud, the rate with
// which serial scanners leave the factory: a start bit, 8 data bits, a stop bit.
const ByteTime = 10 * time.Second / 9600

// NewZebra makes a unit with settings of its own, without power.
func NewZebra(settings ZebraSettings) *Zebra {
	z := &Zebra{settings: settings, stored: factoryParameters()}
	if settings.Suffix {
		z.stored[paramFormat] = 1
	}
	z.set = maps.Clone(z.stored)
	return z
}

// PowerOn makes it forget what was temporary, and an unfinished delivery.
func (z *Zebra) PowerOn(now time.Duration, out *Out) {
	*z = Zebra{settings: z.settings, stored: z.stored, set: maps.Clone(z.stored)}
	out.Deeds = append(out.Deeds, BeepOther)
	if z.set[paramBootEvent] == 1 {
		z.deliver(now, delivery{packets: [][]byte{packet(opEvent, fromUnit, 0, bootedUp)}}, out)
	}
	z.stir(now)
}

// See sends a symbol, raw or in packets. The trigger also wakes the unit.
func (z *Zebra) See(now time.Duration, s Symbol, out *Out) bool {
	kind, data, known := coded(s)
	if !known || z.disabled || len(z.sending.packets) > 0 {
		return false
	}
	z.asleep = false
	z.stir(now)
	if z.set[paramGoodBeep] == 1 {
		out.Deeds = append(out.Deeds, BeepGood)
	}
	if z.set[paramFormat] == 1 {
		data += "\r"
	}
	if z.set[paramPackets] == 0 {
		out.Line = append(out.Line, data...)
		return true
	}
	packets := decodeData
	if z.settings.Newer {
		packets = segments
	}
	z.deliver(now, delivery{packets: packets(kind, data), read: true}, out)
	return true
}

// Tick resends what was not acknowledged, or falls asleep.
func (z *Zebra) Tick(now time.Duration, out *Out) {
	if z.answer.fired(now) {
		z.resend(now, out)
	}
	if z.idle.fired(now) {
		if len(z.sending.packets) > 0 {
			z.stir(now)
			return
		}
		z.asleep = true
	}
}

// Due is when it resends or sleeps.
func (z *Zebra) Due() (time.Duration, bool) { return earliest(z.answer, z.idle) }

// stir is a sign of life, after which it stays awake for a while.
func (z *Zebra) stir(now time.Duration) {
	if z.set[paramPower] == 1 {
		z.idle.start(now + awakeAtLeast)
	}
}

// deliver begins to send packets; without handshaking that is all.
func (z *Zebra) deliver(now time.Duration, d delivery, out *Out) {
	if z.set[paramHandshake] == 0 {
		for _, p := range d.packets {
			out.Line = append(out.Line, p...)
		}
		return
	}
	z.sending = d
	z.put(now, d.packets[0], out)
}

// put puts a packet on the line and waits for the till's word from its end on.
func (z *Zebra) put(now time.Duration, p []byte, out *Out) {
	out.Line = append(out.Line, p...)
	z.answer.start(now + time.Duration(len(p))*ByteTime + time.Duration(z.set[paramTimeout])*tenth)
}

// taken goes on to the next packet.
func (z *Zebra) taken(now time.Duration, out *Out) {
	if len(z.sending.packets) == 0 {
		return
	}
	z.answer.stop()
	z.sending.packets, z.sending.resent = z.sending.packets[1:], 0
	if len(z.sending.packets) > 0 {
		z.put(now, z.sending.packets[0], out)
	}
}

// resend sends a packet again, and gives up in the end: the guide has it sound
// four low beeps then (SE955 guide, page 10-9).
func (z *Zebra) resend(now time.Duration, out *Out) {
	if len(z.sending.packets) == 0 {
		return
	}
	if z.sending.resent == resends {
		out.Deeds = append(out.Deeds, BeepBad)
		z.drop(out)
		return
	}
	z.sending.resent++
	z.put(now, retransmitted(z.sending.packets[0]), out)
}

// drop forgets what is being sent.
func (z *Zebra) drop(out *Out) {
	if len(z.sending.packets) > 0 && z.sending.read {
		out.Deeds = append(out.Deeds, Lost)
	}
	z.sending = delivery{}
	z.answer.stop()
}
