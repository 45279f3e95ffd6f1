// Package scanner is a serial port that comes back. It opens the port, gives a
// frame for every scan, notices when the cable is pulled and opens the port
// again when it returns, for as long as the till runs.
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
// is dropped until it has been silent for 50 ms. Only then comes Connected, and
// from then on every scan is either a frame or a reported drop: never cut,
// never joined with another, never trimmed. A frame that an unplug interrupts
// is forgotten.
//
// The path should be one that survives replugging, /dev/serial/by-id/… or a
// link made by udev: the kernel numbers ports anew while the old one is held.
// The serial package takes no lock on the port, so a second program that opens
// it steals bytes; ModemManager must be told to keep away
// (ID_MM_DEVICE_IGNORE).
package scanner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"syscall"
	"time"

	"github.com/tarm/serial"

	"sekisho/scanner/framing"
)

const (
	// readTimeout is how long a read waits on a silent line, and so how late
	// an ended context is noticed. The serial package counts in tenths of a
	// second and has none shorter.
	readTimeout = 100 * time.Millisecond
	// reopenDelay lies between two attempts to open the port. With it the first
	// scan after replugging was measured 65 ms later.
	reopenDelay = 50 * time.Millisecond
	// readSize is more than any code; a longer burst takes several reads.
	readSize = 1024
	// defaultBaud is what serial scanners leave the factory with.
	defaultBaud = 9600
)

// Config says which port to read.
type Config struct {
	Path   string         // of the device, stable across replugging
	Family framing.Family // which protocol the unit speaks; "" means raw
	Baud   int            // 1200 to 921600, 8 data bits, no parity, 1 stop bit; 0 means 9600; USB scanners ignore it
}

// ErrConfig is inside the error that Run returns for a Config that can never work.
var ErrConfig = errors.New("scanner: bad configuration")

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
	// Connected: the port is open and takes codes from now on.
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
	ReasonUnplugged = "unplugged"  // Disconnected: the open port went away
	ReasonAbsent    = "absent"     // Disconnected: nothing at the path
	ReasonDenied    = "denied"     // Disconnected: the file's permissions forbid it
	ReasonBusy      = "busy"       // Disconnected: another program holds it exclusively
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
	// does nothing.
	Reply func(framing.Answer)
}

// Scanner reads one serial port.
type Scanner struct {
	port serial.Config
	log  *slog.Logger
	line framing.Driver
	out  framing.Out
	down string // the Reason last sent with Disconnected; empty while connected or before the first attempt
}

// New makes a scanner that Run will open. It logs when the port comes and goes,
// to log, or nowhere if log is nil.
func New(cfg Config, log *slog.Logger) *Scanner {
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if cfg.Family == "" {
		cfg.Family = framing.FamilyRaw
	}
	return &Scanner{
		line: framing.New(cfg.Family),
		port: serial.Config{Name: cfg.Path, Baud: cfg.Baud, ReadTimeout: readTimeout},
		log:  log.With("port", cfg.Path),
	}
}

// Run keeps the port open and hands every event to on until ctx ends, then
// closes the port and returns nil, at most 100 ms later. It returns an error,
// at once, only for a Config that can never work. It calls on from its own
// goroutine: while on runs nothing is read, and the kernel keeps 4,096 bytes.
// A Scanner is run once at a time.
func (s *Scanner) Run(ctx context.Context, on func(Event)) error {
	if err := s.check(); err != nil {
		return err
	}
	s.down = ""
	for ctx.Err() == nil {
		s.disconnected(s.once(ctx, on), on)
		wait(ctx, reopenDelay)
	}
	return nil
}

// check refuses what no port could ever do.
func (s *Scanner) check() error {
	if s.port.Name == "" {
		return fmt.Errorf("%w: no path", ErrConfig)
	}
	switch s.port.Baud {
	case 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600:
		return nil
	}
	return fmt.Errorf("%w: baud rate %d; scanners have 9600, 19200, 38400, 57600 or 115200", ErrConfig, s.port.Baud)
}

// once opens the port and reads it until it goes away, and says why it did or
// why it could not be opened. The reason is empty when ctx ended.
func (s *Scanner) once(ctx context.Context, on func(Event)) (reason string) {
	port, err := serial.OpenPort(&s.port)
	if err != nil {
		return openReason(err)
	}
	defer port.Close()
	if err := port.Flush(); err != nil {
		return ReasonUnplugged
	}
	s.log.Debug("scanner opened")
	s.line.Start(machineTime(), &s.out)
	return s.read(ctx, port, on)
}

// read hands on what the port says until it goes away or ctx ends.
func (s *Scanner) read(ctx context.Context, port io.ReadWriter, on func(Event)) (reason string) {
	buf := make([]byte, readSize)
	fresh := settling{since: time.Now()}
	for ctx.Err() == nil {
		n, err := port.Read(buf)
		switch {
		case n > 0:
			s.heard(&fresh, buf[:n], on)
		case err != nil && !errors.Is(err, io.EOF), gone(port):
			return ReasonUnplugged
		default:
			s.quiet(&fresh, on)
		}
	}
	return ""
}

// gone asks a port that said nothing whether it is still there.
func gone(port io.Writer) bool {
	_, err := port.Write(nil)
	return err != nil
}

// heard takes bytes from the port.
func (s *Scanner) heard(fresh *settling, p []byte, on func(Event)) {
	switch fresh.heard(time.Now()) {
	case distrust:
		if fresh.tell() {
			on(Event{Kind: Dropped, Reason: ReasonFresh, Bytes: len(p), Reply: unheard})
		}
		return
	case settled:
		s.connected(on)
	}
	s.line.Feed(machineTime(), p, &s.out)
	s.tell(on)
}

// quiet takes note of a read that timed out.
func (s *Scanner) quiet(fresh *settling, on func(Event)) {
	if fresh.quiet() == settled {
		s.connected(on)
	}
	s.line.Tick(machineTime(), &s.out)
	s.tell(on)
}

// tell hands on what the driver made of the line.
func (s *Scanner) tell(on func(Event)) {
	for _, got := range s.out.Got {
		switch got.Kind {
		case framing.GotFrame:
			on(Event{Kind: Scanned, Frame: got.Frame, Reply: unheard})
		case framing.GotDrop:
			on(Event{Kind: Dropped, Reason: string(got.Dropped.Reason), Bytes: got.Dropped.Bytes, Reply: unheard})
		}
	}
	s.out.Reset()
}

// unheard is the reply to a unit that hears nothing.
func unheard(framing.Answer) {}

// began is the beginning of machineTime.
var began = time.Now()

// machineTime is Go's monotonic clock.
func machineTime() time.Duration { return time.Since(began) }

// connected tells that the port takes codes.
func (s *Scanner) connected(on func(Event)) {
	s.down = ""
	s.log.Info("scanner connected")
	on(Event{Kind: Connected, Reply: unheard})
}

// disconnected tells that there is no port, unless that is known already.
func (s *Scanner) disconnected(reason string, on func(Event)) {
	known := reason == s.down || reason == ReasonAbsent && s.down == ReasonUnplugged
	if reason == "" || known {
		return
	}
	s.down = reason
	s.log.Warn("scanner disconnected", "reason", reason)
	on(Event{Kind: Disconnected, Reason: reason, Reply: unheard})
}

// openReason says why a port could not be opened. EIO is a port that went away
// between opening and setting it.
func openReason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EIO):
		return ReasonAbsent
	case errors.Is(err, fs.ErrPermission):
		return ReasonDenied
	case errors.Is(err, syscall.EBUSY):
		return ReasonBusy
	case errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EISDIR):
		return ReasonNotAPort
	}
	return ReasonFailed
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
