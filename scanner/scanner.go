// Package scanner is a serial port that comes back. It opens the port, gives a
// frame for every scan, brings the unit the answer that it beeps by, notices when
// the cable is pulled and opens the port again when it returns, for as long as the
// till runs.
//
// One goroutine, the caller's of Run, owns the port: it alone opens, reads and
// closes. On a read that times out the serial package says the same as on a
// port that is gone (0 and io.EOF; a gone port says EIO at other times), so
// Run then writes nothing at all to the port, which the kernel refuses when the
// other end has hung up and which sends no byte when it has not.
//
// A port that was just opened is not believed. A USB scanner that talks before
// the port is set raw hears its own bytes echoed and the till hears CR as LF;
// other programs may have spoken to it; and the first byte read may stand in
// the middle of a code. So what waits in the port is flushed, and what it says
// is dropped until it has been silent for 50 ms. Only then is the unit set up and
// let scan, and Connected comes; from then on every scan is either a frame or a
// reported drop: never cut, never joined with another, never trimmed. A frame
// that an unplug interrupts is forgotten.
//
// What is said to the unit goes through a second handle of the port and a
// goroutine of its own, so that a unit that takes no bytes holds up neither the
// reading nor whoever answers a scan. Bytes that do not go through within a second
// mean that the unit is as good as unplugged: the port is opened anew, and Connected
// comes once the unit takes the first of them, if it is told anything.
//
// A unit that was told to wait for a verdict scans again with the answer, when
// the port is closed or opened, and at the latest 60 s later (I8).
//
// The path should be one that survives replugging, /dev/serial/by-id/… or a
// link made by udev: the kernel numbers ports anew while the old one is held. A
// link that is gone, or leads nowhere, is ReasonAbsent, and is followed anew with
// every attempt to open.
//
// A port is read by one program: a second reader steals bytes out of the middle
// of a code. Another scanner of this package finds it busy by its lock (flock), and
// other programs by the kernel's mark (TIOCEXCL), which those with CAP_SYS_ADMIN
// pass over: ModemManager must be told to keep away (ID_MM_DEVICE_IGNORE).
package scanner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sekisho/scanner/framing"
)

const (
	// readTimeout is how long a read waits on a silent line, and so how late
	// an ended context is noticed. The serial package counts in tenths of a
	// second and has none shorter.
	readTimeout = 100 * time.Millisecond
	// reopenDelay lies between two attempts to open the port. With it the unit was
	// measured to scan again 70 ms after replugging, freshQuiet included.
	reopenDelay = 20 * time.Millisecond
	// readSize is more than any code; a longer burst takes several reads.
	readSize = 1024
	// freshQuiet is how long a port that was just opened must be silent before it
	// is believed. Nothing that a person scans in earnest falls into the gap: a
	// scanner takes longer than this to start.
	freshQuiet = 50 * time.Millisecond
)

// Config says which port to read.
type Config struct {
	Path   string         // of the device, stable across replugging
	Family framing.Family // which protocol the unit speaks; "" means raw
	Baud   int            // 1200 to 921600, 8 data bits, no parity, 1 stop bit; 0 means 9600; USB scanners ignore it
}

// ErrConfig is inside the error of a Config that can never work.
var ErrConfig = errors.New("scanner: bad configuration")

// Check refuses, with ErrConfig, what no port could ever do.
func (c Config) Check() error {
	switch {
	case c.Path == "":
		return fmt.Errorf("%w: no path", ErrConfig)
	case c.Family != "" && framing.New(c.Family) == nil:
		return fmt.Errorf("%w: family %q is not known; the families are %s", ErrConfig, string(c.Family), families())
	}
	switch c.Baud {
	case 0, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600:
		return nil
	}
	return fmt.Errorf("%w: baud rate %d; scanners have 9600, 19200, 38400, 57600 or 115200", ErrConfig, c.Baud)
}

// families lists them for people.
func families() string {
	var names []string
	for _, f := range framing.Families() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// EventKind is what happened on the port.
type EventKind uint8

// What can happen on the port.
const (
	// Scanned: a frame came, in Event.Frame.
	Scanned EventKind = iota + 1
	// Dropped: the line said something that is no sure frame, and the customer
	// must show the code again. Event.Reason is one of framing's reasons, or
	// ReasonFresh.
	Dropped
	// Connected: the port is open, the unit took what it was told first, and codes
	// are taken from now on.
	Connected
	// Disconnected: there is no port; Event.Reason says why. It comes once when
	// the port is lost or cannot be opened at the start, and again only when the
	// reason changes; that nothing is at the path after an unplug is no change.
	Disconnected
)

// String names the kind in lower case.
func (k EventKind) String() string {
	switch k {
	case Scanned:
		return "scanned"
	case Dropped:
		return "dropped"
	case Connected:
		return "connected"
	case Disconnected:
		return "disconnected"
	}
	return "unknown"
}

// Reasons beyond those of package framing.
const (
	ReasonFresh     = "fresh"      // Dropped: said by a port that was just opened; told once per opening
	ReasonUnplugged = "unplugged"  // Disconnected: the open port went away, or takes no bytes any more
	ReasonAbsent    = "absent"     // Disconnected: nothing at the path
	ReasonDenied    = "denied"     // Disconnected: the file's permissions forbid it
	ReasonBusy      = "busy"       // Disconnected: another program holds it
	ReasonNotAPort  = "not-a-port" // Disconnected: what is at the path is no serial port
	ReasonFailed    = "failed"     // Disconnected: any other error from the system
)

// Event is one thing that happened on the port.
type Event struct {
	Kind   EventKind
	Frame  framing.Frame // Scanned only; secret
	Reason string        // Dropped and Disconnected only
	Bytes  int           // Dropped only: how many had come when it was reported; more may have followed

	// Reply is never nil. It tells the unit what became of a scan, or of what was
	// dropped, from any goroutine and without waiting; for other kinds of event it
	// does nothing. It may come more than once, and late: after a replug the unit
	// that is there now sounds, and without one nothing happens. While several
	// scans wait, the last answer among them lets the unit scan again.
	Reply func(framing.Answer)
}

// Scanner reads one serial port.
type Scanner struct {
	cfg   Config
	log   *slog.Logger
	clock func() time.Duration
	down  string        // the Reason last sent with Disconnected; empty while connected or before the first attempt
	spare []framing.Got // empty; the memory that out.Got takes turns with
	scans uint64        // how many there were that can be answered

	mu    sync.Mutex // of what follows; never held while an event is handed on
	line  framing.Driver
	out   framing.Out
	port  *port // nil while none is connected
	holds holds
}

// New makes a scanner that Run will open. It logs when the port comes and goes,
// to log, or nowhere if log is nil.
func New(cfg Config, log *slog.Logger) *Scanner {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if cfg.Family == "" {
		cfg.Family = framing.FamilyRaw
	}
	return &Scanner{cfg: cfg, log: log.With("port", cfg.Path), clock: machineTime, line: framing.New(cfg.Family), holds: holds{}}
}

// began is the beginning of machineTime.
var began = time.Now()

// machineTime is Go's monotonic clock.
func machineTime() time.Duration { return time.Since(began) }

// Run keeps the port open and hands every event to on until ctx ends, then lets
// the unit scan, closes the port and returns nil: at most 100 ms later, or a second
// more for a unit that takes no bytes. It returns an error, at once, only for a
// Config that can never work. It calls on from its own goroutine: while on runs
// nothing is read, and the kernel keeps 4,096 bytes. A Scanner is run once at a time.
func (s *Scanner) Run(ctx context.Context, on func(Event)) error {
	if err := s.cfg.Check(); err != nil {
		return err
	}
	s.down = ""
	for ctx.Err() == nil {
		s.disconnected(s.once(ctx, on), on)
		wait(ctx, reopenDelay)
	}
	return nil
}
