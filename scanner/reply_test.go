package scanner_test

import (
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// connect plugs a unit in and gives its till, once the unit was let scan.
func connect(t *testing.T) (*cable, *till) {
	c := newCable(t)
	c.plug()
	x := runTalker(t, c.link)
	x.want(scanner.Connected, "")
	c.hear("S")
	return c, x
}

// scan has the unit scan something, and gives the means to answer it.
func scan(c *cable, x *till, text string) func(framing.Answer) {
	c.say(text + "\r")
	return x.scanned(text).Reply
}

func TestAnswersReachTheUnitInOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	c, x := connect(t)
	reply := scan(c, x, "49400762")
	var want strings.Builder
	for range 50 {
		a := framing.Answer(1 + random.IntN(4))
		reply(a)
		want.WriteString(a.String()[:1])
	}
	x.stop()
	c.hear(want.String() + "X") // let go before the close
}

func TestWhatWasDroppedIsAnswered(t *testing.T) {
	c, x := connect(t)
	c.say("\xf8\x80\r")
	x.next().Reply(framing.Bad)
	c.hear("b")
}

// A second scan that is refused does not let the unit scan while the first one's
// payment is being decided.
func TestAUnitIsHeldUntilNoScanWaits(t *testing.T) {
	c, x := connect(t)
	first, second := scan(c, x, "1"), scan(c, x, "2")
	first(framing.Wait)
	second(framing.Bad)
	c.hear("wbw")
	second(framing.Wait)
	first(framing.Wait)
	first(framing.Good)
	c.hear("wwgw")
	second(framing.Done)
	second(framing.Good) // the verdict came after all
	c.hear("dg")
}

func TestI8AHoldEndsAfterAMinuteWithoutAnswer(t *testing.T) {
	c := newCable(t)
	c.plug()
	var clock warp
	s := scanner.New(scanner.Config{Path: c.link}, nil)
	s.SetDriver(new(talker))
	s.SetClock(clock.now)
	x := runThis(t, s)
	x.want(scanner.Connected, "")
	c.hear("S")
	first, second := scan(c, x, "1"), scan(c, x, "2")
	first(framing.Wait)
	clock.ahead.Add(int64(30 * time.Second))
	second(framing.Wait)
	c.hear("ww")
	clock.ahead.Add(int64(31 * time.Second))
	scan(c, x, "3")(framing.Done) // the first waits no longer, the second does
	c.hear("dw")
	clock.ahead.Add(int64(30 * time.Second))
	c.hear("d")
	second(framing.Good)
	c.hear("g")
	first(framing.Wait)
	clock.ahead.Add(int64(30 * time.Second))
	first(framing.Wait) // to be told again is no answer
	c.hear("ww")
	clock.ahead.Add(int64(31 * time.Second))
	c.hear("d")
}

func TestI8AnUnpluggedHoldEndsWithTheReplug(t *testing.T) {
	c, x := connect(t)
	first, second := scan(c, x, "1"), scan(c, x, "2")
	first(framing.Wait)
	c.hear("w")
	c.unplug()
	x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	second(framing.Wait) // nobody hears it
	c.plug()
	x.want(scanner.Connected, "")
	c.hear("S")
	second(framing.Bad)
	first(framing.Good)
	c.hear("bg") // and holds nothing any more
}

// Whoever crashed while the unit was held told it nothing more.
func TestI8AHeldUnitIsReleasedByTheNextRun(t *testing.T) {
	c, x := connect(t)
	scan(c, x, "1")(framing.Wait)
	x.stop()
	c.hear("wX")
	x = runTalker(t, c.link)
	x.want(scanner.Connected, "")
	c.hear("S")
}

// talkative is a unit that reads nothing of the much that it is told, and has
// scanned once.
func talkative(t *testing.T) (*cable, *till, func(framing.Answer)) {
	c := newCable(t)
	c.plug()
	s := scanner.New(scanner.Config{Path: c.link}, nil)
	s.SetDriver(&talker{size: 4096})
	x := runThis(t, s)
	x.want(scanner.Connected, "")
	return c, x, scan(c, x, "1")
}

// A unit that takes no bytes, wedged or stopped by XOFF, blocks neither who
// answers nor the reading, and is opened anew.
func TestI8AUnitThatHearsNothingBlocksNobody(t *testing.T) {
	c, x, reply := talkative(t)
	for range 40 {
		reply(framing.Good)
	}
	scan(c, x, "2")
	x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	x.want(scanner.Connected, "")
	reply = scan(c, x, "3")
	for range 40 {
		reply(framing.Good)
	}
	x.stop()
	reply(framing.Good) // to nobody
}

// A unit that stays wedged is not there until it takes what it is told first: the
// page does not go to and fro between the attempts.
func TestI8AWedgedUnitIsNotThereUntilItTakesBytes(t *testing.T) {
	c := newCable(t)
	c.plug()
	opened := make(chan struct{}, 2)
	s := scanner.New(scanner.Config{Path: c.link}, slog.New(watcher{func() {
		select {
		case opened <- struct{}{}:
		default: // on a slow machine there are more of them than anybody waits for
		}
	}}))
	s.SetDriver(&talker{begins: 100_000}) // more than a pty holds
	x := runThis(t, s)
	x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	for range 2 {
		<-opened
	}
	if len(x.events) != 0 {
		t.Fatalf("told of %v", x.next().Kind)
	}
	c.hearPast("S")
	x.want(scanner.Connected, "")
	scan(c, x, "1")(framing.Good)
	c.hear("g")
}

func TestI8TooManyAnswersAreAWedgedUnit(t *testing.T) {
	_, x, reply := talkative(t)
	for range 1000 {
		reply(framing.Good)
	}
	x.want(scanner.Disconnected, scanner.ReasonUnplugged)
}

// Answers come from everywhere, while the cable is pulled and plugged in.
func TestAnswersFromEverywhere(t *testing.T) {
	c := newCable(t)
	x := runTalker(t, c.link)
	x.want(scanner.Disconnected, scanner.ReasonAbsent)
	var all sync.WaitGroup
	for range 5 {
		c.plug()
		x.want(scanner.Connected, "")
		reply := scan(c, x, "1")
		for range 4 {
			all.Go(func() {
				for a := framing.Wait; a <= framing.Done; a++ {
					reply(a)
				}
			})
		}
		c.unplug()
		x.want(scanner.Disconnected, scanner.ReasonUnplugged)
	}
	all.Wait()
}

func TestTwoProgramsOnOnePort(t *testing.T) {
	c, first := connect(t)
	second := runTalker(t, c.link)
	second.want(scanner.Disconnected, scanner.ReasonBusy)
	scan(c, first, "1")(framing.Good)
	c.hear("g")
	first.stop() // its X may be flushed by the second
	second.want(scanner.Connected, "")
	c.hearPast("S")
	scan(c, second, "2")(framing.Good)
	c.hear("g")
}
