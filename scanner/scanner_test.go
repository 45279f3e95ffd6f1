package scanner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass has a real one's length, and a space at either end.
var pass = " " + strings.Repeat("SK1:AB C%*+-./", 33) + " "

func TestFramesArriveByteExact(t *testing.T) {
	texts := []string{"4902777130835", "]E04902777130835", "49400762", pass, "]Q1" + pass, "01\x1d10AB", "000201東京",
		strings.Repeat("7", framing.MaxFrame)}
	suits := map[string][2]string{"CR": {"", "\r"}, "LF": {"", "\n"}, "CRLF": {"", "\r\n"}, "STX ETX": {"\x02", "\x03"}}
	for name, suit := range suits {
		for _, size := range []int{1, 7, 100_000} {
			t.Run(fmt.Sprintf("%s in pieces of %d", name, size), func(t *testing.T) {
				c := newCable(t)
				c.plug()
				x := run(t, c.link, nil)
				x.want(scanner.Connected, "")
				var said strings.Builder
				for _, text := range texts {
					said.WriteString(suit[0] + text + suit[1])
				}
				for rest := said.String(); rest != ""; {
					n := min(size, len(rest))
					c.say(rest[:n])
					rest = rest[n:]
				}
				for _, text := range texts {
					x.want(scanner.Scanned, text)
				}
			})
		}
	}
}

// Forty unplugs, each in the middle of a frame, with a scan after each replug.
func TestReplugLosesAndJoinsNothing(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c := newCable(t)
	x := run(t, c.link, nil)
	x.want(scanner.Disconnected, scanner.ReasonAbsent)
	for range 40 {
		c.plug()
		x.want(scanner.Connected, "")
		scan := fmt.Sprintf("%016d", random.Uint64N(1e16))
		c.say(scan + "\r")
		x.want(scanner.Scanned, scan)
		c.say(strings.Repeat("7", random.IntN(20)))
		c.unplug()
		x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	}
	x.stop()
	if len(x.events) != 0 {
		t.Errorf("one event too many: %v", x.next().Kind)
	}
}

func TestAPortThatDiesFreshIsNoticed(t *testing.T) {
	c := newCable(t)
	c.plug()
	x := run(t, c.link, c.unplug)
	x.want(scanner.Disconnected, scanner.ReasonUnplugged)
}

// A port that hung up while nobody was reading may say EOF, as a silent one does.
func TestAPortThatDiesUnreadIsNoticed(t *testing.T) {
	c := newCable(t)
	x := run(t, c.link, nil)
	x.want(scanner.Disconnected, scanner.ReasonAbsent)
	for range 20 {
		c.plug()
		x.want(scanner.Connected, "")
		x.during <- c.unplug
		c.say("1\r")
		x.want(scanner.Scanned, "1")
		x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	}
}

func TestAFreshPortIsNotBelieved(t *testing.T) {
	c := newCable(t)
	c.plug()
	c.say("1111111111111\r") // before the port is open: flushed
	x := run(t, c.link, func() { c.say("777130835\r") })
	if e := x.next(); e.Kind != scanner.Dropped || e.Reason != scanner.ReasonFresh || e.Bytes < 1 || e.Bytes > 10 { // of what came first
		t.Fatalf("%v %q of %d bytes", e.Kind, e.Reason, e.Bytes)
	}
	x.want(scanner.Connected, "")
	c.say("4902777130835\r")
	x.want(scanner.Scanned, "4902777130835")
}

func TestWhatWaitsInThePortIsFlushed(t *testing.T) {
	c := newCable(t)
	c.plug()
	c.say("1111111111111\r")
	waitReadable(t, c.slave)
	x := run(t, c.link, nil)
	x.want(scanner.Connected, "")
	c.say("4902777130835\r")
	x.want(scanner.Scanned, "4902777130835")
}

func TestAScanWithoutItsEndIsDroppedAndSaid(t *testing.T) {
	c := newCable(t)
	c.plug()
	x := run(t, c.link, nil)
	x.want(scanner.Connected, "")
	c.say("49400762")
	x.wantDropped(string(framing.Unterminated), 8)
	c.say("4940\r") // may be the rest of it
	x.wantDropped(string(framing.Unterminated), 4)
	c.say("49400762\r")
	x.want(scanner.Scanned, "49400762")
	c.say("\xf8\x80\x00\r")
	x.wantDropped(string(framing.Garbled), 3)
}

func TestAPathThatIsNoPort(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink(filepath.Join(dir, "none"), dangling); err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		dangling:                    scanner.ReasonAbsent,
		file:                        scanner.ReasonNotAPort,
		dir:                         scanner.ReasonNotAPort,
		filepath.Join(dir, "none"):  scanner.ReasonAbsent,
		filepath.Join(file, "none"): scanner.ReasonFailed,
	} {
		x := run(t, path, nil)
		x.want(scanner.Disconnected, reason)
		x.stop()
		if len(x.events) != 0 {
			t.Errorf("%s is told more than once", reason)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	c := newCable(t)
	c.plug()
	x := run(t, c.link, nil)
	x.want(scanner.Connected, "")
	c.say("4902777") // in the middle of a frame
	x.stop()
	if len(x.events) != 0 {
		t.Errorf("an event came at the end: %v", x.next().Kind)
	}
}

func TestAScannerCanBeRunAgain(t *testing.T) {
	c := newCable(t)
	s := scanner.New(scanner.Config{Path: c.link}, nil)
	for range 2 {
		x := runThis(t, s)
		x.want(scanner.Disconnected, scanner.ReasonAbsent)
		x.stop()
	}
}

func TestABadConfigIsSaidAtOnce(t *testing.T) {
	for _, cfg := range []scanner.Config{{}, {Path: "x", Baud: 9601}, {Path: "x", Baud: -1}, {Path: "x", Family: "zebra"}} {
		if err := cfg.Check(); !errors.Is(err, scanner.ErrConfig) {
			t.Errorf("%+v: checked: %v", cfg, err)
		}
		err := scanner.New(cfg, nil).Run(context.Background(), func(scanner.Event) {})
		if !errors.Is(err, scanner.ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestAGoodConfigIsTaken(t *testing.T) {
	for _, baud := range []int{0, 1200, 9600, 115200, 921600} {
		for _, family := range append(framing.Families(), "") {
			if err := (scanner.Config{Path: "x", Baud: baud, Family: family}).Check(); err != nil {
				t.Errorf("%d %s: %v", baud, family, err)
			}
		}
	}
}

func TestI7AnEventHidesItsText(t *testing.T) {
	e := scanner.Event{Kind: scanner.Scanned, Frame: framing.Frame{Text: "9000818188123456"}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "event", e)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "event", e)
	if printed := fmt.Sprintf("%v %+v %#v", e, e, e) + log.String(); strings.Contains(printed, "12345") {
		t.Errorf("printed: %s", printed)
	}
}
