package unit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong between a code and the till.
type Fault string

// The faults there are. A frame is what a unit says at once; a message is what
// the till does.
const (
	Split    Fault = "split"     // a pause in the middle of a frame
	Merge    Fault = "merge"     // a frame waits and comes at once, with what follows close behind
	Lose     Fault = "lose"      // a byte of a frame never comes
	Flip     Fault = "flip"      // a bit of a frame is turned round
	Checksum Fault = "checksum"  // the last byte of a frame, where a checksum stands, is wrong
	Double   Fault = "double"    // the eye reads a symbol again, a moment later
	Delay    Fault = "delay"     // a frame comes late, by seconds
	Unplug   Fault = "unplug"    // the cable is pulled in the middle of a frame
	Baud     Fault = "baud"      // a frame is read at the wrong rate: bytes with the high bit set
	AckLost  Fault = "ack-lost"  // a whole message never comes
	TillLose Fault = "till-lose" // a byte of a message never comes
	TillFlip Fault = "till-flip" // a bit of a message is turned round
)

// Where a fault strikes.
var (
	onEye  = []Fault{Double}
	onUnit = []Fault{Split, Merge, Lose, Flip, Checksum, Delay, Unplug, Baud}
	onTill = []Fault{AckLost, TillLose, TillFlip}
)

// AllFaults lists them by name.
func AllFaults() []Fault { return slices.Concat(onUnit, onEye, onTill) }

// How long faults take, at the most. A pause is shorter than what the makers
// allow between two bytes; a delay is longer than a unit waits for its answer.
const (
	pause      = 60 * time.Millisecond
	waiting    = 400 * time.Millisecond
	lateness   = 3 * time.Second
	secondLook = 700 * time.Millisecond
)

// Away is how long a cable that Unplug pulled stays out.
const Away = time.Second

// usual is one frame in how many suffers where nobody says otherwise.
const usual = 4

// Faults decides what goes wrong, the same way for the same seed. A nil Faults
// lets everything pass. It is not safe for concurrent use.
type Faults struct {
	names  []Fault
	oneIn  int
	random *rand.Rand
}

// NewFaults strikes one frame, message or look in oneIn, on an average, with one
// of the named faults.
func NewFaults(seed uint64, oneIn int, names ...Fault) *Faults {
	return &Faults{names: slices.Clone(names), oneIn: max(1, oneIn), random: rand.New(rand.NewPCG(seed, 0))}
}

// ParseFaults reads a list such as "flip,ack-lost", or "all", and strikes one in
// four. An empty list is no faults, nil; the error for a name that there is not
// lists those there are.
func ParseFaults(list string, seed uint64) (*Faults, error) {
	var names []Fault
	for name := range strings.SplitSeq(list, ",") {
		switch name := Fault(strings.TrimSpace(name)); {
		case name == "":
		case name == "all":
			names = AllFaults()
		case slices.Contains(AllFaults(), name):
			names = append(names, name)
		default:
			return nil, fmt.Errorf("unit: no fault is called %q: take all or some of %v", name, AllFaults())
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return NewFaults(seed, usual, names...), nil
}

// Piece is a part of a frame as the till gets it.
type Piece struct {
	Pause time.Duration // before it
	Data  []byte
	Burst bool // comes at once, not a byte after the other
	Pull  bool // behind it the cable is pulled, and nothing follows
}

// Frame gives what becomes of a frame on its way to the till.
func (f *Faults) Frame(frame []byte) []Piece {
	struck := f.strike(onUnit)
	if struck == "" || len(frame) == 0 {
		return []Piece{{Data: frame}}
	}
	at := f.random.IntN(len(frame))
	switch struck {
	case Split:
		return []Piece{{Data: frame[:at]}, {Pause: f.upTo(pause), Data: frame[at:]}}
	case Merge:
		return []Piece{{Pause: f.upTo(waiting), Data: frame, Burst: true}}
	case Delay:
		return []Piece{{Pause: f.upTo(lateness), Data: frame}}
	case Unplug:
		return []Piece{{Data: frame[:at], Pull: true}}
	case Baud:
		return []Piece{{Data: f.garbage(len(frame))}}
	case Lose:
		return []Piece{{Data: without(frame, at)}}
	case Checksum:
		at = len(frame) - 1
	}
	return []Piece{{Data: f.flipped(frame, at)}}
}

// Message gives what the unit hears of a message; nothing if it was lost.
func (f *Faults) Message(message []byte) []byte {
	struck := f.strike(onTill)
	if struck == "" || len(message) == 0 {
		return message
	}
	at := f.random.IntN(len(message))
	switch struck {
	case TillLose:
		return without(message, at)
	case TillFlip:
		return f.flipped(message, at)
	}
	return nil
}

// Look tells whether the eye looks at a symbol once more, and how much later.
func (f *Faults) Look() (after time.Duration, again bool) {
	if f.strike(onEye) == "" {
		return 0, false
	}
	return f.upTo(secondLook), true
}

// strike picks one of the faults of a place, or none.
func (f *Faults) strike(place []Fault) Fault {
	if f == nil {
		return ""
	}
	here := make([]Fault, 0, len(place))
	for _, name := range f.names {
		if slices.Contains(place, name) {
			here = append(here, name)
		}
	}
	if len(here) == 0 || f.random.IntN(f.oneIn) != 0 {
		return ""
	}
	return here[f.random.IntN(len(here))]
}

// upTo is a time of at least a millisecond and less than most.
func (f *Faults) upTo(most time.Duration) time.Duration {
	return time.Millisecond + time.Duration(f.random.Int64N(int64(most-time.Millisecond)))
}

// garbage is what a line at the wrong rate gives.
func (f *Faults) garbage(n int) []byte {
	noise := make([]byte, n)
	for i := range noise {
		noise[i] = 0x80 | byte(f.random.Uint32())
	}
	return noise
}

// flipped is p with one bit of one byte turned round.
func (f *Faults) flipped(p []byte, at int) []byte {
	out := bytes.Clone(p)
	out[at] ^= 1 << f.random.IntN(8)
	return out
}

// without is p less one byte.
func without(p []byte, at int) []byte { return append(bytes.Clone(p[:at]), p[at+1:]...) }
