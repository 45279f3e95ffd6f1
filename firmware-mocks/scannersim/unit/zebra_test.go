package unit_test

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// bytes turns "04 D0 04 00 FF 28" into what it says; text stands in quotation
// marks.
func bytes(t *testing.T, spelled string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(spelled, `"`) {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		piece, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", spelled, err)
		}
		out = append(out, piece...)
	}
	return out
}

// bench is a unit on a table, with a clock that the test turns.
type bench struct {
	t    *testing.T
	unit unit.Unit
	now  time.Duration
	out  unit.Out
}

// powered gives a unit that has got its power, and nothing left to say.
func powered(t *testing.T, u unit.Unit) *bench {
	b := &bench{t: t, unit: u}
	u.PowerOn(0, &b.out)
	b.out.Reset()
	return b
}

// tell gives it bytes and holds its answer against the document.
func (b *bench) tell(spelled, want string, deeds ...unit.Deed) {
	b.t.Helper()
	b.unit.Hear(b.now, bytes(b.t, spelled), &b.out)
	b.said(want, deeds...)
}

// see shows it a symbol that it must read.
func (b *bench) see(identifier, data, want string, deeds ...unit.Deed) {
	b.t.Helper()
	if !b.unit.See(b.now, unit.Symbol{Identifier: identifier, Data: data}, &b.out) {
		b.t.Errorf("it did not read %s", identifier)
	}
	b.said(want, deeds...)
}

// blind shows it a symbol that it must not read.
func (b *bench) blind(identifier, data string) {
	b.t.Helper()
	if b.unit.See(b.now, unit.Symbol{Identifier: identifier, Data: data}, &b.out) {
		b.t.Errorf("it read %s", identifier)
	}
	b.said("")
}

// pass lets time go by.
func (b *bench) pass(d time.Duration, want string, deeds ...unit.Deed) {
	b.t.Helper()
	b.now += d
	b.unit.Tick(b.now, &b.out)
	b.said(want, deeds...)
}

// said compares what it did with what it should have done.
func (b *bench) said(want string, deeds ...unit.Deed) {
	b.t.Helper()
	if line := bytes(b.t, want); string(b.out.Line) != string(line) {
		b.t.Errorf("it said % X, want % X", b.out.Line, line)
	}
	if !slices.Equal(b.out.Deeds, deeds) {
		b.t.Errorf("it did %q, want %q", b.out.Deeds, deeds)
	}
	b.out.Reset()
}

// Messages of the reference table of this project's sources and of the SE-923
// guide, table 6-8.
const (
	tillAck      = `04 D0 04 00 FF 28`
	unitAck      = `04 D0 00 00 FF 2C`
	tillResend   = `05 D1 04 00 01 FF 25`
	unitDenied   = `05 D1 00 00 06 FF 24`
	packetsOn    = `07 C6 04 00 FF EE 01 FD 41`
	scanEnable   = `04 E9 04 00 FF 0F`
	scanDisable  = `04 EA 04 00 FF 0E`
	beep0        = `05 E6 04 00 00 FF 11`
	ledOn1       = `05 E7 04 00 01 FF 0F`
	flushQueue   = `04 D2 04 00 FF 26`
	startSession = `04 E4 04 00 FF 14`
	stopSession  = `04 E5 04 00 FF 13`
	requestRev   = `04 A3 04 00 FF 55`
	rice         = "4901234567894"
	ricePacket   = `12 F3 00 00 0B "4901234567894" FC 42`
	riceAgain    = `12 F3 00 01 0B "4901234567894" FC 41`
	segmentAck   = `04 74 04 00 FF 84`
)

// packeted is a unit that sends packets.
func packeted(t *testing.T, settings unit.ZebraSettings) *bench {
	t.Helper()
	b := powered(t, unit.NewZebra(settings))
	b.unit.Hear(0, bytes(t, packetsOn), &b.out)
	b.out.Reset()
	return b
}

func TestZebraIsRawUntilItIsToldOtherwise(t *testing.T) {
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.see("]E0", rice, `"4901234567894"`, unit.BeepGood)
	if _, waits := b.unit.Due(); waits {
		t.Error("raw data is not waited for")
	}
	b.tell(packetsOn, unitAck)
	b.see("]E0", rice, ricePacket, unit.BeepGood)

	b = powered(t, unit.NewZebra(unit.ZebraSettings{Suffix: true}))
	b.see("]E0", rice, `"4901234567894" 0D`, unit.BeepGood)
}

func TestZebraAnswersCommands(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.tell(beep0, unitAck, unit.BeepGood)
	b.tell(ledOn1, unitAck, unit.GreenOn)
	b.tell(`05 E8 04 00 01 FF 0E`, unitAck, unit.GreenOff)
	b.tell(`05 E6 04 00 13 FE FE`, unitAck, unit.BeepBad)
	b.tell(`05 E6 04 00 14 FE FD`, unitAck, unit.BeepOther)
	b.tell(`05 E6 04 00 40 FE D1`, unitDenied)
	b.tell(`05 E7 04 00 02 FF 0E`, unitAck)
	b.tell(startSession, unitAck)
	b.tell(stopSession, unitAck)
	b.tell(requestRev, `19 A4 00 00 "SEKISHO-SIM F 00 0000" FA 51`)
	b.tell(`04 C5 04 00 FF 33`, unitDenied)                // AIM_ON
	b.tell(`04 D3 04 00 FF 25`, `05 D1 00 00 02 FF 28`)    // CAPABILITIES: BAD_CONTEXT
	b.tell(`04 E6 04 00 FF 12`, `05 D1 00 00 02 FF 28`)    // a beep of no code
	b.tell(`05 E6 04 00 00 FF 10`, `05 D1 00 00 01 FF 29`) // a wrong checksum: RESEND
	b.tell(tillAck+tillResend, ``)                         // for nothing that was sent
}

// SE955 guide, table 10-4: high and low beeps, warbles and mixtures.
func TestZebraKnowsItsBeeps(t *testing.T) {
	for code, want := range map[int]unit.Deed{
		0x00: unit.BeepGood, 0x04: unit.BeepGood, 0x05: unit.BeepBad, 0x09: unit.BeepBad,
		0x0A: unit.BeepGood, 0x0E: unit.BeepGood, 0x0F: unit.BeepBad, 0x13: unit.BeepBad,
		0x14: unit.BeepOther, 0x19: unit.BeepOther,
	} {
		b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
		b.tell(fmt.Sprintf(`05 E6 04 00 %02X %04X`, code, 0xFF11-code), unitAck, want)
	}
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`05 E6 04 00 1A FE F7`, unitDenied)
}

func TestZebraHearsAMessageInPieces(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.tell(`00 05 E6`, ``)
	b.now += 150 * time.Millisecond
	b.tell(`04 00 00`, ``)
	b.now += 150 * time.Millisecond
	b.tell(`FF 11 05 E7 04 00 01 FF 0F 04`, unitAck+unitAck, unit.BeepGood, unit.GreenOn)

	b.now += 201 * time.Millisecond // too late for that 04 to belong to what comes
	b.tell(beep0, unitAck, unit.BeepGood)
}

func TestZebraIsHeldWhileDisabled(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.tell(scanDisable, unitAck, unit.Blind)
	b.tell(scanDisable, unitAck)
	b.blind("]E0", rice)
	b.tell(scanEnable, unitAck, unit.Seeing)
	b.tell(scanEnable, unitAck)
	b.tell(scanDisable, unitAck, unit.Blind)
	b.unit.PowerOn(b.now, &b.out)
	b.out.Reset()
	b.see("]E0", rice, `"4901234567894"`, unit.BeepGood)
}

func TestZebraWaitsForTheAckAndGivesUp(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.blind("]E4", "49400762") // one at a time
	b.tell(tillAck, ``)
	b.pass(time.Minute, ``)

	onLine := 20 * unit.ByteTime // the packet's bytes
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.pass(2*time.Second+onLine-1, ``)
	b.pass(1, riceAgain)
	b.pass(2*time.Second+onLine-1, ``)
	b.pass(1, riceAgain)
	b.pass(2*time.Second+onLine-1, ``)
	b.pass(1, ``, unit.BeepBad, unit.Lost)
	b.pass(time.Minute, ``)
	b.see("]E4", "49400762", `0D F3 00 00 0A "49400762" FD 56`, unit.BeepGood)
}

func TestZebraObeysARefusal(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.tell(tillResend, riceAgain)
	b.tell(tillResend, riceAgain)
	b.tell(tillResend, ``, unit.BeepBad, unit.Lost)
	for _, cause := range []string{`02 FF 24`, `06 FF 20`, `0A FF 1C`} {
		b.see("]E0", rice, ricePacket, unit.BeepGood)
		b.tell(`05 D1 04 00 `+cause, ``, unit.Lost)
	}
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.tell(flushQueue, unitAck, unit.Lost)
	b.tell(flushQueue, unitAck)
	if _, waits := b.unit.Due(); waits {
		t.Error("it waits for the till's word on what was flushed")
	}
}

func TestZebraNamesTheSymbology(t *testing.T) {
	for _, c := range []struct{ identifier, data, kind, sent string }{
		{"]A0", "A", "01", "A"}, {"]F0", "1", "02", "1"}, {"]C0", "A", "03", "A"}, {"]I0", "12", "06", "12"},
		{"]E0", "0036000291452", "08", "036000291452"}, {"]E4", "49400762", "0A", "49400762"},
		{"]E0", rice, "0B", rice}, {"]C1", "9112", "0F", "9112"}, {"]L0", "A", "11", "A"},
		{"]d1", "A", "1B", "A"}, {"]Q1", "A", "1C", "A"}, {"]z0", "A", "2D", "A"}, {"]e0", "01", "30", "01"},
		{"]d2", "A", "C1", "A"}, {"]Q3", "A", "C2", "A"},
		{"]E3", rice + "12", "4B", rice + "12"}, {"]E3", rice + "12345", "8B", rice + "12345"},
	} {
		b := packeted(t, unit.ZebraSettings{})
		b.unit.See(0, unit.Symbol{Identifier: c.identifier, Data: c.data}, &b.out)
		got := fmt.Sprintf("%X %s", b.out.Line[4], b.out.Line[5:len(b.out.Line)-2])
		if want := strings.TrimLeft(c.kind, "0") + " " + c.sent; got != want {
			t.Errorf("%s: %s, want %s", c.identifier, got, want)
		}
	}
	b := packeted(t, unit.ZebraSettings{})
	b.blind("]X0", "A")
	b.blind("]E0", "49400762")
	b.blind("", "A")
}

func TestZebraForgetsWhatIsTemporary(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.tell(`07 C6 04 00 FF 38 00 FD F8`, unitAck) // no beep after a good decode
	b.see("]E0", rice, ricePacket)
	b.unit.PowerOn(b.now, &b.out)
	b.out.Reset()
	b.see("]E0", rice, `"4901234567894"`, unit.BeepGood)

	b.tell(`07 C6 04 08 FF EE 01 FD 39`, unitAck) // packets for good
	b.unit.PowerOn(b.now, &b.out)
	b.out.Reset()
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.tell(`04 C8 04 00 FF 30`, unitAck) // PARAM_DEFAULTS
	b.unit.PowerOn(b.now, &b.out)
	b.out.Reset()
	b.see("]E0", rice, `"4901234567894"`, unit.BeepGood)
}

func TestZebraTellsItsParameters(t *testing.T) {
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`06 C7 04 00 EE 9B FD A6`, `09 C6 00 00 FF EE 00 9B 14 FC 95`)
	b.tell(`05 C7 04 00 01 FF 2F`, `05 C6 00 00 FF FE 36`) // one that it does not know
	b.tell(`05 C7 04 00 FE FE 32`, `14 C6 00 00 FF 38 01 80 00 9B 14 9F 01 EB 00 EE 00 F0 02 00 F9 54`)
	// A number that it does not know, one above 255, one of two bytes, and a value
	// that it does not have are passed over; the last one counts.
	b.tell(`14 C6 04 00 FF 01 07 F1 07 01 F8 09 5E 01 38 07 EE 01 9B 05 F9 F4`, unitAck)
	b.tell(`07 C7 04 00 38 EE 9B FD 6D`, `0B C6 00 00 FF 38 01 EE 01 9B 05 FC 68`)
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.pass(500*time.Millisecond+20*unit.ByteTime, riceAgain)
}

func TestZebraBeepsWithAParameter(t *testing.T) {
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`07 C6 04 00 00 EE 01 FE 40`, unitAck, unit.BeepGood)
	b.see("]E0", rice, ricePacket, unit.BeepGood)
}

func TestZebraWithoutHandshaking(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	b.tell(`07 C6 04 00 FF 9F 00 FD 91`, ``)
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.see("]E0", rice, ricePacket, unit.BeepGood)
	b.tell(beep0, ``, unit.BeepGood)
	b.tell(`05 E6 04 00 00 FF 10`, ``)
	b.pass(time.Minute, ``)
}

func TestZebraTellsOfAPowerUpIfItIsSetTo(t *testing.T) {
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`08 C6 04 08 FF F0 02 01 FD 34`, unitAck)
	b.unit.PowerOn(b.now, &b.out)
	event := `05 F6 00 00 03 FF 02`
	b.said(event, unit.BeepOther)
	b.tell(tillAck, ``)
	b.see("]E0", rice, `"4901234567894"`, unit.BeepGood)

	b.unit.PowerOn(b.now, &b.out)
	b.said(event, unit.BeepOther)
	again := `05 F6 00 01 03 FF 01`
	b.pass(3*time.Second, again)
	b.pass(3*time.Second, again)
	b.pass(3*time.Second, ``, unit.BeepBad) // no read was lost
}

// SE-923 guide, WAKEUP; DS8108 guide, page 5-7.
func TestZebraAsleepLosesWhatWakesIt(t *testing.T) {
	b := powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`07 C6 04 00 FF 80 01 FD AF`, unitAck) // low power
	b.pass(time.Second-1, ``)
	b.tell(beep0, unitAck, unit.BeepGood)
	b.pass(time.Second, ``)
	b.tell(beep0, ``) // lost
	b.now += 9 * time.Millisecond
	b.tell(beep0, ``) // lost as well
	b.now += time.Millisecond
	b.tell(beep0, unitAck, unit.BeepGood)
	b.pass(time.Second, ``)
	b.tell(`00`, ``)
	b.now += 10 * time.Millisecond
	b.tell(packetsOn, unitAck)
	b.pass(time.Second, ``)
	b.see("]E0", rice, ricePacket, unit.BeepGood) // the trigger wakes it
	b.pass(1500*time.Millisecond, ``)
	b.tell(tillAck, ``) // while it waits it stays awake
	b.see("]E0", rice, ricePacket, unit.BeepGood)

	b = powered(t, unit.NewZebra(unit.ZebraSettings{}))
	b.tell(`04 EB 04 00 FF 0D`, unitAck) // SLEEP
	b.tell(beep0, ``)
	b.now += 10 * time.Millisecond
	b.tell(beep0, unitAck, unit.BeepGood)
}

func TestZebraSendsALongReadInPackets(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{})
	first := `FF F3 00 02 1C "` + strings.Repeat("Z", 250) + `"`
	b.see("]Q1", strings.Repeat("Z", 255), first+` A6 0C`, unit.BeepGood)
	b.pass(2*time.Second+257*unit.ByteTime, `FF F3 00 03 1C "`+strings.Repeat("Z", 250)+`" A6 0B`)
	b.tell(tillAck, `0A F3 00 00 1C "ZZZZZ" FD 25`)
	b.tell(tillResend, `0A F3 00 01 1C "ZZZZZ" FD 24`)
	b.tell(tillResend, `0A F3 00 01 1C "ZZZZZ" FD 24`) // each packet has its own two
	b.tell(tillAck, ``)
	b.pass(time.Minute, ``)
}

func TestZebraSendsInOnePacketWhatFits(t *testing.T) {
	z := strings.Repeat("Z", 250)
	b := packeted(t, unit.ZebraSettings{})
	b.see("]Q1", z, `FF F3 00 00 1C "`+z+`" A6 0E`, unit.BeepGood)
	b = packeted(t, unit.ZebraSettings{Newer: true})
	b.see("]Q1", z, `FF F3 00 20 1C "`+z+`" A5 EE`, unit.BeepGood)
}

// The first two segments are those of enioka_scan's own test of 500 Z, checksums
// included.
func TestANewerZebraSendsALongReadInSegments(t *testing.T) {
	b := packeted(t, unit.ZebraSettings{Newer: true})
	b.see("]Q1", strings.Repeat("Z", 500),
		`FF 73 02 00 00 F3 00 00 01 F7 1C 01 01 F4 "`+strings.Repeat("Z", 241)+`" A6 D5`, unit.BeepGood)
	b.tell(segmentAck, `FF 73 00 00 01 "`+strings.Repeat("Z", 250)+`" A6 A9`)
	b.tell(segmentAck, `0E 73 00 00 02 "ZZZZZZZZZ" FC 53`)
	b.tell(segmentAck, ``)
	b.see("]E0", rice, `12 F3 00 20 0B "4901234567894" FC 22`, unit.BeepGood)
	b.tell(tillAck, ``)
	b.tell(beep0, `04 D0 00 80 FE AC`, unit.BeepGood)
}

// A damaged message is asked for again, and what follows it is heard, however the
// bytes come in.
func TestZebraHearsWhatFollowsADamagedMessage(t *testing.T) {
	damaged := `05 E6 04 00 00 FF 10`
	b := packeted(t, unit.ZebraSettings{})
	b.tell(damaged+ledOn1, `05 D1 00 00 01 FF 29`+unitAck, unit.GreenOn)
	b.tell(damaged, `05 D1 00 00 01 FF 29`)
	b.tell(ledOn1, unitAck, unit.GreenOn)
	b.tell(`04 EB 04 00 FF 0D`+beep0, unitAck) // asleep, it loses what wakes it
}
