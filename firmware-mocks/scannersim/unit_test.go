package scannersim_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
)

// Messages of SSI (package unit has more of them, and their sources).
const (
	packetsOn   = "\x07\xC6\x04\x00\xFF\xEE\x01\xFD\x41"
	unitAck     = "\x04\xD0\x00\x00\xFF\x2C"
	tillAck     = "\x04\xD0\x04\x00\xFF\x28"
	scanDisable = "\x04\xEA\x04\x00\xFF\x0E"
	scanEnable  = "\x04\xE9\x04\x00\xFF\x0F"
	packet      = "\x0D\xF3\x00\x00\x0A49400762\xFD\x56"
	again       = "\x0D\xF3\x00\x01\x0A49400762\xFD\x55"
)

// tell writes a message of the till.
func tell(t *testing.T, f *os.File, message string) {
	t.Helper()
	if _, err := f.WriteString(message); err != nil {
		t.Fatal(err)
	}
}

// await waits until the deeds end like this.
func await(t *testing.T, s *scannersim.Scanner, deeds ...unit.Deed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last []unit.Deed
	err := s.Await(ctx, func(all []unit.Deed) bool {
		last = all
		return strings.HasSuffix(joined(all), joined(deeds))
	})
	if err != nil {
		t.Fatalf("the deeds are %q, want them to end with %q", last, deeds)
	}
}

// joined is deeds as one text.
func joined(deeds []unit.Deed) string {
	var all strings.Builder
	for _, d := range deeds {
		all.WriteString("<" + string(d) + ">")
	}
	return all.String()
}

func TestAZebraSpeaksItsProtocolOnAPty(t *testing.T) {
	s, link := open(t, scannersim.Options{Model: "zebra-ssi"})
	f := till(t, link)
	picture := drawEAN(t, "49400762")
	show(t, s, picture)
	want(t, f, "49400762")
	tell(t, f, packetsOn)
	want(t, f, unitAck)
	show(t, s, picture)
	want(t, f, packet)
	if err := s.Show(t.Context(), picture); !errors.Is(err, scannersim.ErrBlind) {
		t.Errorf("Show while the unit waits for the till: %v, want ErrBlind", err)
	}
	tell(t, f, tillAck+scanDisable)
	want(t, f, unitAck)
	await(t, s, unit.BeepOther, unit.BeepGood, unit.BeepGood, unit.Blind)
	if err := s.Show(t.Context(), picture); !errors.Is(err, scannersim.ErrBlind) {
		t.Errorf("Show to a disabled unit: %v, want ErrBlind", err)
	}
	tell(t, f, scanEnable)
	want(t, f, unitAck)
	await(t, s, unit.Seeing)
}

func TestAZebraOnAPtySendsAgainByItself(t *testing.T) {
	s, link := open(t, scannersim.Options{Model: "zebra-ssi", Unpaced: true})
	f := till(t, link)
	tell(t, f, packetsOn+"\x07\xC6\x04\x00\xFF\x9B\x01\xFD\x94") // and wait a tenth of a second
	want(t, f, unitAck+unitAck)
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, packet+again+again)
	await(t, s, unit.BeepGood, unit.BeepBad, unit.Lost)
}

func TestAReplugMakesTheUnitForget(t *testing.T) {
	s, link := open(t, scannersim.Options{Model: "zebra-ssi", Unpaced: true})
	f := till(t, link)
	tell(t, f, packetsOn+scanDisable)
	want(t, f, unitAck+unitAck)
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := s.Plug(); err != nil {
		t.Fatal(err)
	}
	again := till(t, link)
	show(t, s, drawEAN(t, "49400762"))
	want(t, again, "49400762")
	await(t, s, unit.BeepOther, unit.Blind, unit.BeepOther, unit.BeepGood)
}

func TestAUnitOfOnesOwnSettings(t *testing.T) {
	s, link := open(t, scannersim.Options{Unit: unit.NewZebra(unit.ZebraSettings{Suffix: true}), Unpaced: true})
	f := till(t, link)
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
}

func TestEveryModelLiesOnTheDesk(t *testing.T) {
	for _, m := range unit.Models() {
		s, link := open(t, scannersim.Options{Model: m.Name, Unpaced: true})
		f := till(t, link)
		show(t, s, drawEAN(t, "49400762"))
		text := make([]byte, 1)
		if _, err := io.ReadFull(f, text); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	link := t.TempDir() + "/link"
	for name, opts := range map[string]scannersim.Options{
		"no such model":        {Model: "abacus"},
		"a zebra's terminator": {Model: "zebra-ssi", Terminator: scannersim.LF},
		"a zebra's identifier": {Model: "zebra-ssi", Identifier: true},
		"one's own identifier": {Unit: unit.NewRaw(unit.RawSettings{}), Identifier: true},
		"no such terminator":   {Terminator: 9},
		"nor of a named raw":   {Model: "raw", Terminator: 9},
	} {
		if s, err := scannersim.Open(link, opts); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestAFaultStrikesOnThePty(t *testing.T) {
	s, link := open(t, scannersim.Options{Faults: unit.NewFaults(1, 1, unit.Lose), Unpaced: true})
	f := till(t, link)
	show(t, s, drawEAN(t, "49400762"))
	got := make([]byte, len("49400762"))
	if _, err := io.ReadFull(f, got); err != nil || string(got) == "49400762" {
		t.Errorf("the line said %q, %v: nothing is missing", got, err)
	}
}

func TestAFrameIsLateOnThePty(t *testing.T) {
	const seed = 2
	late := unit.NewFaults(seed, 1, unit.Delay).Frame([]byte("1"))[0].Pause
	s, _ := open(t, scannersim.Options{Faults: unit.NewFaults(seed, 1, unit.Delay), Unpaced: true})
	picture := drawEAN(t, "49400762")
	start := time.Now()
	show(t, s, picture)
	if took := time.Since(start); took < late {
		t.Errorf("it came after %v, want %v", took, late)
	}
}

func TestALookAgainOnThePty(t *testing.T) {
	s, link := open(t, scannersim.Options{Faults: unit.NewFaults(1, 1, unit.Double), Unpaced: true})
	f := till(t, link)
	show(t, s, drawEAN(t, "49400762"))
	show(t, s, drawEAN(t, "4902777130835"))
	got := make([]byte, 2*len("49400762\r4902777130835\r"))
	if _, err := io.ReadFull(f, got); err != nil ||
		strings.Count(string(got), "49400762\r") != 2 || strings.Count(string(got), "4902777130835\r") != 2 {
		t.Errorf("the line said %q, %v", got, err)
	}
}

func TestAnAckThatIsLostOnThePty(t *testing.T) {
	zebra := unit.NewZebra(unit.ZebraSettings{})
	zebra.Hear(0, []byte("\x09\xC6\x04\x08\xFF\xEE\x01\x9B\x01\xFC\x9B"), new(unit.Out)) // packets for good
	s, link := open(t, scannersim.Options{Unit: zebra, Faults: unit.NewFaults(1, 1, unit.AckLost), Unpaced: true})
	f := till(t, link)
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, packet)
	tell(t, f, tillAck)
	want(t, f, again)
	await(t, s, unit.Lost)
}

// I8: a cable that a fault pulled comes back, and meanwhile the till is told.
func TestACableThatAFaultPulledComesBack(t *testing.T) {
	s, link := open(t, scannersim.Options{
		Model: "zebra-ssi", Faults: unit.NewFaults(1, 1, unit.Unplug), Unpaced: true,
	})
	f := till(t, link)
	start := time.Now()
	if err := s.Show(t.Context(), drawEAN(t, "49400762")); !errors.Is(err, scannersim.ErrUnplugged) {
		t.Errorf("Show: %v, want ErrUnplugged", err)
	}
	if got, err := io.ReadAll(f); len(got) >= 8 || err != nil && !errors.Is(err, syscall.EIO) {
		t.Errorf("the till reads %q, %v", got, err)
	}
	await(t, s, unit.BeepOther, unit.BeepGood, unit.BeepOther)
	if took := time.Since(start); took < unit.Away {
		t.Errorf("it was back after %v", took)
	}
	till(t, link)
}

// A cable pulled by a fault stays out when somebody else pulls it too, or for
// good.
func TestAHandOnTheCableOutlivesAFault(t *testing.T) {
	s, link := open(t, scannersim.Options{Faults: unit.NewFaults(1, 1, unit.Unplug), Unpaced: true})
	picture := drawEAN(t, "49400762")
	if err := s.Show(t.Context(), picture); !errors.Is(err, scannersim.ErrUnplugged) {
		t.Errorf("Show: %v, want ErrUnplugged", err)
	}
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := s.Plug(); err != nil {
		t.Fatal(err)
	}
	till(t, link)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is there after Close: %v", err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	s, _ := open(t, scannersim.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Await(ctx, func([]unit.Deed) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("Await: %v, want Canceled", err)
	}
	if got := s.Deeds(); len(got) != 0 {
		t.Errorf("deeds of a raw unit that saw nothing: %q", got)
	}
}
