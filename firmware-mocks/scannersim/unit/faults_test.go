package unit_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

const tries = 500

// certain gives a fault that always strikes.
func certain(t *testing.T, name unit.Fault) *unit.Faults {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return unit.NewFaults(seed, 1, name)
}

// joined is all that comes of a frame.
func joined(pieces []unit.Piece) string {
	var all strings.Builder
	for _, p := range pieces {
		all.Write(p.Data)
	}
	return all.String()
}

// differing counts the bits in which two texts of one length differ, and tells
// where the last of them is.
func differing(a, b string) (n, last int) {
	for i := range len(a) {
		if d := bits.OnesCount8(a[i] ^ b[i]); d > 0 {
			n, last = n+d, i
		}
	}
	return n, last
}

// shortened tells whether a is b less one byte.
func shortened(a, b string) bool {
	for i := range b {
		if a == b[:i]+b[i+1:] {
			return true
		}
	}
	return false
}

func TestEachFaultOfAFrameDoesWhatItsNameSays(t *testing.T) {
	const frame = "4901234567894\r"
	for name, holds := range map[unit.Fault]func([]unit.Piece) bool{
		unit.Split: func(p []unit.Piece) bool {
			return len(p) == 2 && joined(p) == frame && p[0].Pause == 0 && within(p[1].Pause, 60*time.Millisecond)
		},
		unit.Merge: func(p []unit.Piece) bool {
			return len(p) == 1 && joined(p) == frame && p[0].Burst && within(p[0].Pause, 400*time.Millisecond)
		},
		unit.Delay: func(p []unit.Piece) bool {
			return len(p) == 1 && joined(p) == frame && !p[0].Burst && within(p[0].Pause, 3*time.Second)
		},
		unit.Unplug: func(p []unit.Piece) bool {
			return len(p) == 1 && p[0].Pull && strings.HasPrefix(frame, joined(p)) && joined(p) != frame
		},
		unit.Lose: func(p []unit.Piece) bool { return len(p) == 1 && shortened(joined(p), frame) },
		unit.Flip: func(p []unit.Piece) bool {
			n, _ := differing(joined(p), frame)
			return len(joined(p)) == len(frame) && n == 1
		},
		unit.Checksum: func(p []unit.Piece) bool {
			n, last := differing(joined(p), frame)
			return len(joined(p)) == len(frame) && n == 1 && last == len(frame)-1
		},
		unit.Baud: func(p []unit.Piece) bool {
			low := strings.ContainsFunc(joined(p), func(r rune) bool { return r < 0x80 })
			return len(joined(p)) == len(frame) && !low
		},
	} {
		f, seen := certain(t, name), map[string]bool{}
		for range tries {
			pieces := f.Frame([]byte(frame))
			if !holds(pieces) {
				t.Errorf("%s made %+v of it", name, pieces)
				break
			}
			seen[joined(pieces)+pieces[0].Pause.String()+pieces[len(pieces)-1].Pause.String()] = true
		}
		if len(seen) < 5 {
			t.Errorf("%s: %d different ways in %d frames", name, len(seen), tries)
		}
		if got := f.Message([]byte(frame)); string(got) != frame {
			t.Errorf("%s strikes a message: % X", name, got)
		}
		if _, again := f.Look(); again {
			t.Errorf("%s strikes the eye", name)
		}
		if got := f.Frame(nil); len(joined(got)) != 0 {
			t.Errorf("%s made %+v of nothing", name, got)
		}
	}
}

// within tells whether a pause is one, and shorter than most.
func within(pause, most time.Duration) bool { return 0 < pause && pause < most }

func TestEachFaultOfAMessageDoesWhatItsNameSays(t *testing.T) {
	const message = "\x04\xD0\x04\x00\xFF\x28"
	for name, holds := range map[unit.Fault]func(string) bool{
		unit.AckLost:  func(got string) bool { return got == "" },
		unit.TillLose: func(got string) bool { return shortened(got, message) },
		unit.TillFlip: func(got string) bool {
			n, _ := differing(got, message)
			return len(got) == len(message) && n == 1
		},
	} {
		f := certain(t, name)
		for range tries {
			if got := string(f.Message([]byte(message))); !holds(got) {
				t.Errorf("%s made % X of it", name, got)
				break
			}
		}
		if got := f.Frame([]byte(message)); joined(got) != message || got[0].Pause != 0 {
			t.Errorf("%s strikes a frame: %+v", name, got)
		}
		f.Message(nil)
	}
}

func TestTheEyeLooksAgain(t *testing.T) {
	f := certain(t, unit.Double)
	for range tries {
		if after, again := f.Look(); !again || !within(after, 700*time.Millisecond) {
			t.Fatalf("again %v after %v", again, after)
		}
	}
}

func TestFaultsComeOutTheSameForTheSameSeed(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	all := func(seed uint64) string {
		f, err := unit.ParseFaults("all", seed)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for range 200 {
			out.WriteString(joined(f.Frame([]byte("4901234567894\r"))))
			out.Write(f.Message([]byte("\x06\x15")))
			after, _ := f.Look()
			out.WriteString(after.String())
		}
		return out.String()
	}
	if all(seed) != all(seed) {
		t.Error("two shifts of one seed differ")
	}
	if all(seed) == all(seed+1) {
		t.Error("two shifts of two seeds are the same")
	}
}

func TestFaultsStrikeAsOftenAsTheyAreTo(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f, err := unit.ParseFaults("ack-lost", seed)
	if err != nil {
		t.Fatal(err)
	}
	struck := 0
	for range 10_000 {
		if f.Message([]byte{6}) == nil {
			struck++
		}
	}
	if struck < 2200 || struck > 2800 { // one in four; six deviations are 260
		t.Errorf("%d of 10,000 were struck, want about 2,500", struck)
	}
}

func TestFaultsAreReadByName(t *testing.T) {
	for _, none := range []string{"", " ", ","} {
		f, err := unit.ParseFaults(none, 1)
		if err != nil || f != nil {
			t.Errorf("%q: %v, %v", none, f, err)
		}
		if got := f.Frame([]byte("A")); joined(got) != "A" || string(f.Message([]byte("B"))) != "B" {
			t.Error("no faults did something")
		}
	}
	for _, name := range unit.AllFaults() {
		if f, err := unit.ParseFaults("split, "+string(name), 1); err != nil || f == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := unit.ParseFaults("flip,gremlins", 1)
	if err == nil || !strings.Contains(err.Error(), "gremlins") || !strings.Contains(err.Error(), "ack-lost") {
		t.Errorf("no such fault: %v, want its name and those there are", err)
	}
	if all := unit.AllDeeds(); len(all) != 9 || !slices.Contains(all, unit.Lost) {
		t.Errorf("all deeds are %q", all)
	}
	if all := unit.AllFaults(); len(all) != 12 || !slices.Contains(all, unit.Unplug) {
		t.Errorf("all faults are %v", all)
	}
}
