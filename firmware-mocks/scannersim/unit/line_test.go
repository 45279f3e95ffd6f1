package unit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// notebook is a till that writes down what happens, and says what it was told
// to say.
type notebook struct {
	said   strings.Builder
	answer map[string][]byte // by what came
	at     []time.Duration   // when bytes came
	quiet  int
}

func (n *notebook) Plugged(now time.Duration) []byte {
	fmt.Fprintf(&n.said, "<in %v>", now)
	return n.answer["in"]
}

func (n *notebook) Hear(now time.Duration, p []byte) []byte {
	n.said.Write(p)
	n.at = append(n.at, now)
	return n.answer[string(p)]
}

func (n *notebook) Quiet(time.Duration) []byte { n.quiet++; return nil }

func (n *notebook) Unplugged(now time.Duration) { fmt.Fprintf(&n.said, "<out %v>", now) }

// shown gives a line that was plugged in.
func shown(t *testing.T, u unit.Unit, till *notebook, f *unit.Faults) *unit.Line {
	t.Helper()
	l := unit.NewLine(u, till, f)
	l.Run(time.Second)
	if got := till.said.String(); !strings.HasPrefix(got, "<in 50ms>") {
		t.Fatalf("after a second: %q", got)
	}
	till.said.Reset()
	return l
}

func TestALinePacesItsBytes(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewRaw(unit.RawSettings{}), till, nil)
	if till.quiet != 9 {
		t.Errorf("the till was told %d times in 950 ms that the line is quiet", till.quiet)
	}
	start := l.Now()
	l.Show(unit.Symbol{Data: "123"})
	l.Show(unit.Symbol{Data: "4"})
	if l.Settled() {
		t.Error("settled with bytes on the way")
	}
	l.Run(6*unit.ByteTime - 1)
	if got := till.said.String(); got != "123\r4" {
		t.Errorf("the till heard %q before the last byte was due", got)
	}
	l.Run(1)
	if got := till.said.String(); got != "123\r4\r" || !l.Settled() {
		t.Errorf("the till heard %q, settled %v", got, l.Settled())
	}
	for i, at := range till.at {
		if want := start + time.Duration(i+1)*unit.ByteTime; at != want {
			t.Errorf("byte %d came at %v, want %v", i, at, want)
		}
	}
	if l.Now() != start+6*unit.ByteTime {
		t.Errorf("it is %v", l.Now())
	}
}

func TestALineCarriesTheTillsWord(t *testing.T) {
	till := &notebook{answer: map[string][]byte{"in": bytes(t, packetsOn), "\x42": bytes(t, tillAck)}}
	l := shown(t, unit.NewZebra(unit.ZebraSettings{}), till, nil)
	till.said.Reset()
	l.Show(unit.Symbol{Identifier: "]E0", Data: rice})
	l.Run(time.Second)
	if got := till.said.String(); got != string(bytes(t, ricePacket)) || !l.Settled() {
		t.Errorf("the till heard % X, settled %v", got, l.Settled())
	}
	l.Write(bytes(t, ledOn1))
	l.Run(7*unit.ByteTime - 1)
	if got := l.Deeds(); len(got) != 2 {
		t.Errorf("deeds %q before the light's last byte", got)
	}
	l.Run(1)
	if got := fmt.Sprint(l.Deeds()); got != "[beep other beep good green on]" {
		t.Errorf("deeds %s", got)
	}
	if got := l.Reads(); len(got) != 1 || got[0].Lost || got[0].Cut || got[0].Symbol.Data != rice {
		t.Errorf("reads %+v", got)
	}
}

func TestALineWhoseAcksAreLost(t *testing.T) {
	till := &notebook{answer: map[string][]byte{"\x42": bytes(t, tillAck), "\x41": bytes(t, tillAck)}}
	f := unit.NewFaults(1, 1, unit.AckLost)
	zebra := unit.NewZebra(unit.ZebraSettings{})
	var ignored unit.Out
	zebra.Hear(0, bytes(t, `07 C6 04 08 FF EE 01 FD 39`), &ignored) // packets for good
	l := shown(t, zebra, till, f)
	l.Show(unit.Symbol{Identifier: "]E0", Data: rice})
	l.Run(10 * time.Second)
	want := string(bytes(t, ricePacket+riceAgain+riceAgain))
	if got := till.said.String(); got != want {
		t.Errorf("the till heard % X", got)
	}
	if got := l.Reads(); len(got) != 1 || !got[0].Lost || !l.Settled() {
		t.Errorf("reads %+v, settled %v", got, l.Settled())
	}
}

// I8: a cable that was pulled comes back.
func TestALineThatIsPulledIsPluggedInAgain(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewRaw(unit.RawSettings{}), till, unit.NewFaults(3, 1, unit.Unplug))
	l.Show(unit.Symbol{Data: "1234567890"})
	l.Run(20 * unit.ByteTime)
	if l.Settled() || l.Show(unit.Symbol{Data: "1"}) {
		t.Error("the cable is still in")
	}
	l.Write([]byte("R"))
	l.Run(2 * time.Second)
	heard, rest, _ := strings.Cut(till.said.String(), "<out ")
	if !strings.HasPrefix("1234567890", heard) || !l.Settled() {
		t.Errorf("the till heard %q, settled %v", heard, l.Settled())
	}
	pulled := time.Second + time.Duration(len(heard))*unit.ByteTime
	if want := fmt.Sprintf("%v><in %v>", pulled, pulled+time.Second+50*time.Millisecond); rest != want {
		t.Errorf("%q, want %q", rest, want)
	}
	if got := l.Reads(); len(got) != 1 || !got[0].Cut {
		t.Errorf("reads %+v", got)
	}
}

// What a port says first is thrown away until it is quiet.
func TestALineThrowsAwayWhatAFreshPortSays(t *testing.T) {
	zebra := unit.NewZebra(unit.ZebraSettings{})
	var ignored unit.Out
	zebra.Hear(0, bytes(t, `08 C6 04 08 FF F0 02 01 FD 34`), &ignored) // an event at power-up
	till := &notebook{}
	l := unit.NewLine(zebra, till, nil)
	l.Run(time.Second)
	if want := fmt.Sprintf("<in %v>", 7*unit.ByteTime+50*time.Millisecond); till.said.String() != want {
		t.Errorf("the till heard %q, want %q", till.said.String(), want)
	}
}

func TestALineWithSecondLooks(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewRaw(unit.RawSettings{}), till, unit.NewFaults(1, 1, unit.Double))
	for _, data := range []string{"1", "2", "3", "4"} {
		l.Show(unit.Symbol{Data: data})
		l.Run(10 * time.Millisecond)
	}
	if l.Settled() {
		t.Error("settled before the second looks")
	}
	l.Run(time.Second)
	if got := till.said.String(); len(l.Reads()) != 8 || len(got) != 16 || !l.Settled() {
		t.Errorf("%d reads, the till heard %q", len(l.Reads()), got)
	}
}

func TestALineThatIsLateGivesAllAtOnce(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewRaw(unit.RawSettings{}), till, unit.NewFaults(1, 1, unit.Merge))
	l.Show(unit.Symbol{Data: "1234567890"})
	l.Run(time.Second)
	if got := till.said.String(); got != "1234567890\r" || len(till.at) != 1 {
		t.Errorf("the till heard %q in %d pieces", got, len(till.at))
	}
}

func TestWhatTheTillSaysHasAnOrder(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewZebra(unit.ZebraSettings{}), till, nil)
	l.Write(bytes(t, ledOn1))
	l.Write(bytes(t, beep0))
	l.Run(14*unit.ByteTime - 1)
	if got := fmt.Sprint(l.Deeds()); got != "[beep other green on]" {
		t.Errorf("before the second message is through: %s", got)
	}
	l.Run(1)
	if got := fmt.Sprint(l.Deeds()); got != "[beep other green on beep good]" {
		t.Errorf("after it: %s", got)
	}
}

// Of what was on its way when the cable was pulled nothing comes, from either
// side, and nobody hears of the other until it is back.
func TestAPulledLineIsEmpty(t *testing.T) {
	zebra := unit.NewZebra(unit.ZebraSettings{})
	var ignored unit.Out
	zebra.Hear(0, bytes(t, `09 C6 04 08 FF EE 01 9B 01 FC 9B`), &ignored) // packets, and a short wait
	till := &notebook{}
	l := shown(t, zebra, till, unit.NewFaults(3, 1, unit.Unplug))
	l.Show(unit.Symbol{Identifier: "]E0", Data: rice})
	for range 10 {
		l.Write(bytes(t, beep0))
	}
	quiet := 0
	for !strings.Contains(till.said.String(), "<out") {
		l.Run(unit.ByteTime)
		quiet = till.quiet
	}
	l.Write(bytes(t, beep0))
	deeds := len(l.Deeds())
	l.Run(unit.Away - 2*unit.ByteTime)
	if got := l.Deeds(); len(got) != deeds || till.quiet != quiet {
		t.Errorf("while it was out the unit did %q and the till heard %d times of quiet", got[deeds:], till.quiet-quiet)
	}
	l.Run(time.Second)
	if got := fmt.Sprint(l.Deeds()[deeds:]); got != "[beep other]" {
		t.Errorf("after it was back: %s", got)
	}
}

func TestAFreshLineIsFree(t *testing.T) {
	till := &notebook{}
	l := shown(t, unit.NewRaw(unit.RawSettings{}), till, unit.NewFaults(3, 1, unit.Unplug))
	for range 1000 {
		l.Show(unit.Symbol{Data: "1234567890"}) // ten seconds of bytes
	}
	l.Run(2 * time.Second)
	till.at = nil
	start := l.Now()
	l.Show(unit.Symbol{Data: strings.Repeat("1", 1000)})
	l.Run(2 * time.Second)
	if len(till.at) == 0 || till.at[0] != start+unit.ByteTime {
		t.Errorf("shown at %v, bytes came at %v", start, till.at)
	}
}
