// Package scannersim is a serial barcode scanner, on a pty, that is shown
// pictures. It is never linked into sekishod.
//
// # Nouns
//
// A Scanner is a unit with its eye and its cable. The unit is the firmware of one
// make (package unit): a raw one sends an AIM identifier if it is set to, the
// data, a terminator, and listens to nothing; another speaks its maker's
// protocol with the till. A picture goes through a real decoder, and what was
// printed in it is what the unit sees. Deeds are what people hear and see of it.
// Faults go wrong on the line by name and seed. A link is the stable name under
// which a till finds the device, like those of /dev/serial/by-id: replugging
// gives the device another number and the link follows.
//
// # Guarantees
//
//   - A read on the line was in a picture. A picture without a code that the
//     decoder can vouch for gives an error and not one byte.
//   - The data is that of the symbol, in its order, none changed or trimmed unless
//     a fault was asked for, and frames are never mixed, however many goroutines
//     call Show.
//   - As on a wire of 9600 baud a byte takes 1.04 ms, so that a till reads a
//     code in many pieces and an unplug can fall inside one.
//   - Unplug is what pulling the cable is: the device hangs up on whoever holds
//     it and its name is gone, in the middle of a byte if need be. Plug gives the
//     unit its power again: it has forgotten what was temporary.
//   - One goroutine runs a unit: what it hears, sees and does has one order.
//
// # What a pty cannot do
//
// It has no baud rate, parity or stop bits. A till may set any and reads the
// same bytes, so a wrong setting does not show here, and the bytes that one
// would garble have to be sent broken on purpose. It has no modem lines. The
// kernel holds some kilobytes for a till that does not read and then makes the
// scanner wait, where a real one loses them. Pacing is as even as the machine's
// scheduler: on a busy one the bytes come in small bursts, never early.
package scannersim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"sync"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// ByteTime is how long a byte takes on the line at 9600 baud.
const ByteTime = unit.ByteTime

// maxPixels is more than any picture of a code needs, and little enough that a
// small file cannot ask for gigabytes.
const maxPixels = 16 << 20

// Errors that Show returns; test for them with errors.Is.
var (
	ErrUnreadable = errors.New("scannersim: no code that can be read in the picture")
	ErrUnplugged  = errors.New("scannersim: unplugged")
	ErrBlind      = errors.New("scannersim: the unit reads nothing now: it is disabled or waits for the till")
)

// Terminator is how a raw scanner marks the end of a code.
type Terminator = unit.Terminator

// The terminators in use; CR is the most common default.
const (
	CR     = unit.CR     // data 0D
	LF     = unit.LF     // data 0A
	CRLF   = unit.CRLF   // data 0D 0A
	STXETX = unit.STXETX // 02 data 03
)

// Options is which unit it is and what it is set to by its manual's menu codes.
// The zero value is a raw unit as it leaves the factory.
type Options struct {
	Model      string       // one of unit.Models; empty for raw
	Unit       unit.Unit    // instead of Model: a unit with settings of its own, not used elsewhere
	Faults     *unit.Faults // nil for none; not used elsewhere
	Terminator Terminator   // of a raw unit
	Identifier bool         // of a raw unit: sends the AIM identifier in front of the data
	Unpaced    bool         // sends a frame at once, not a byte every ByteTime
}

// Scanner is one unit. It may be used by several goroutines.
type Scanner struct {
	link   string
	opts   Options
	unit   unit.Unit
	opened time.Time
	diary  *diary

	closing chan struct{}  // closed by Close
	errands sync.WaitGroup // those that put a cable back that a fault pulled

	mu     sync.Mutex
	cable  *cable // nil while unplugged
	desk   *desk  // nil while unplugged
	fell   *desk  // whose cable a fault pulled, until it is put back or Unplug
	closed bool
}

// Open makes a scanner and plugs it in. Link is where its device is to be
// found; the folder must exist. A link that a killed simulator left there is
// replaced, anything else at that path is an error.
func Open(link string, opts Options) (*Scanner, error) {
	u, err := opts.unit()
	if err != nil {
		return nil, fmt.Errorf("scannersim: %w", err)
	}
	s := &Scanner{
		link: link, opts: opts, unit: u, opened: time.Now(),
		diary: newDiary(), closing: make(chan struct{}),
	}
	if err := s.Plug(); err != nil {
		return nil, err
	}
	return s, nil
}

// unit makes the unit that the options describe.
func (o Options) unit() (unit.Unit, error) {
	raw := unit.RawSettings{Terminator: o.Terminator, Identifier: o.Identifier}
	switch plain := o.Unit == nil && (o.Model == "" || o.Model == "raw"); {
	case plain && !o.Terminator.Known():
		return nil, fmt.Errorf("no terminator has the number %d", o.Terminator)
	case plain:
		return unit.NewRaw(raw), nil
	case raw != unit.RawSettings{}:
		return nil, errors.New("terminator and identifier are settings of a raw unit: leave them out")
	case o.Unit != nil:
		return o.Unit, nil
	}
	return unit.New(o.Model)
}

// ReadPNG reads a picture for Show from a PNG file's bytes.
func ReadPNG(file []byte) (image.Image, error) {
	config, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("scannersim: not a PNG: %w", err)
	}
	if config.Width > maxPixels/max(config.Height, 1) {
		return nil, fmt.Errorf("scannersim: a picture of %d by %d is too large", config.Width, config.Height)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("scannersim: not a whole PNG: %w", err)
	}
	return picture, nil
}

// Show holds a picture before the scanner and returns when the code's last byte
// is on the line. The error is ErrUnreadable when nothing was sent for want of
// a code, ErrBlind when the unit read nothing, ErrUnplugged when there is no
// cable or it was pulled in the middle. A ctx that ends in the middle leaves the
// code cut short.
func (s *Scanner) Show(ctx context.Context, picture image.Image) error {
	symbol, err := decode(picture)
	if err != nil {
		return err
	}
	d := s.plugged()
	if d == nil {
		return ErrUnplugged
	}
	shown := show{ctx: ctx, symbol: symbol, result: make(chan error, 1)}
	select {
	case d.shows <- shown:
		return <-shown.result
	case <-d.done:
		return ErrUnplugged
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plugged gives the desk that the unit lies on, nil while it is unplugged.
func (s *Scanner) plugged() *desk {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desk
}
