// Package scannersim is a serial barcode scanner, on a pty, that is shown
// pictures. It is never linked into sekishod.
//
// # Nouns
//
// A Scanner is the unit with its cable. A picture goes through a real decoder;
// what was printed in it goes to the line as a raw scanner sends it: an AIM
// identifier if it is set to send one, the data, a terminator. A link is the
// stable name under which a till finds the device, like those of
// /dev/serial/by-id: replugging gives the device another number and the link
// follows.
//
// # Guarantees
//
//   - What is on the line was in a picture. A picture without a code that the
//     decoder can vouch for gives an error and not one byte.
//   - The bytes are those of the symbol, in its order, none changed or trimmed,
//     and frames are never mixed, however many goroutines call Show.
//   - As on a wire of 9600 baud a byte takes 1.04 ms, so that a till reads a
//     code in many pieces and an unplug can fall inside one.
//   - Unplug is what pulling the cable is: the device hangs up on whoever holds
//     it and its name is gone, in the middle of a byte if need be.
//
// A raw unit listens to nothing: what the till writes is read and thrown away.
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
	"os"
	"sync"
	"time"
)

// ByteTime is how long a byte takes on the line at 9600 baud, the rate with
// which serial scanners leave the factory: a start bit, 8 data bits, a stop bit.
const ByteTime = 10 * time.Second / 9600

// maxPixels is more than any picture of a code needs, and little enough that a
// small file cannot ask for gigabytes.
const maxPixels = 16 << 20

// Errors that Show returns; test for them with errors.Is.
var (
	ErrUnreadable = errors.New("scannersim: no code that can be read in the picture")
	ErrUnplugged  = errors.New("scannersim: unplugged")
)

// Terminator is how a raw scanner marks the end of a code.
type Terminator uint8

// The terminators in use; CR is the most common default.
const (
	CR     Terminator = iota // data 0D
	LF                       // data 0A
	CRLF                     // data 0D 0A
	STXETX                   // 02 data 03
)

// wrap holds what stands before and behind the data.
var wrap = map[Terminator][2]string{
	CR:     {"", "\x0D"},
	LF:     {"", "\x0A"},
	CRLF:   {"", "\x0D\x0A"},
	STXETX: {"\x02", "\x03"},
}

// Options is what a scanner is set to by its manual's menu codes. The zero
// value is a unit as it leaves the factory.
type Options struct {
	Terminator Terminator
	Identifier bool // sends the AIM identifier in front of the data
	Unpaced    bool // sends a frame at once, not a byte every ByteTime
}

// Scanner is one unit. It may be used by several goroutines.
type Scanner struct {
	link string
	opts Options
	busy chan struct{} // holds one element while a code is being sent

	mu     sync.Mutex
	cable  *cable // nil while unplugged
	closed bool
}

// Open makes a scanner and plugs it in. Link is where its device is to be
// found; the folder must exist. A link that a killed simulator left there is
// replaced, anything else at that path is an error.
func Open(link string, opts Options) (*Scanner, error) {
	if _, ok := wrap[opts.Terminator]; !ok {
		return nil, fmt.Errorf("scannersim: no terminator has the number %d", opts.Terminator)
	}
	s := &Scanner{link: link, opts: opts, busy: make(chan struct{}, 1)}
	if err := s.Plug(); err != nil {
		return nil, err
	}
	return s, nil
}

// ShowPNG shows a picture that is a PNG file's bytes.
func (s *Scanner) ShowPNG(ctx context.Context, file []byte) error {
	config, err := png.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("scannersim: not a PNG: %w", err)
	}
	if config.Width > maxPixels/max(config.Height, 1) {
		return fmt.Errorf("scannersim: a picture of %d by %d is too large", config.Width, config.Height)
	}
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("scannersim: not a whole PNG: %w", err)
	}
	return s.Show(ctx, picture)
}

// Show holds a picture before the scanner and returns when the code's last byte
// is on the line. The error is ErrUnreadable when nothing was sent for want of
// a code, ErrUnplugged when there is no cable or it was pulled in the middle. A
// ctx that ends in the middle leaves the code cut short.
func (s *Scanner) Show(ctx context.Context, picture image.Image) error {
	symbol, err := decode(picture)
	if err != nil {
		return err
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c := s.plugged()
	if c == nil {
		return ErrUnplugged
	}
	return c.send(ctx, s.opts.frame(symbol), s.opts.byteTime())
}

// Plug puts the cable in: a new device, under the same link. A scanner that is
// plugged in stays as it is.
func (s *Scanner) Plug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("scannersim: plug: %w", os.ErrClosed)
	}
	if s.cable != nil {
		return nil
	}
	c, err := newCable()
	if err != nil {
		return fmt.Errorf("scannersim: plug: %w", err)
	}
	if err := setLink(s.link, c.device()); err != nil {
		c.close()
		return fmt.Errorf("scannersim: plug: %w", err)
	}
	s.cable = c
	return nil
}

// Unplug pulls the cable: link and device are gone when it returns. A scanner
// that is unplugged stays as it is.
func (s *Scanner) Unplug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unplug()
}

// unplug does it; s.mu is held.
func (s *Scanner) unplug() error {
	if s.cable == nil {
		return nil
	}
	err := removeLink(s.link, s.cable.device())
	s.cable.close()
	s.cable = nil
	if err != nil {
		return fmt.Errorf("scannersim: unplug: %w", err)
	}
	return nil
}

// Close unplugs the scanner for good.
func (s *Scanner) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.unplug()
}

// plugged gives the cable, nil when there is none.
func (s *Scanner) plugged() *cable {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cable
}

// frame is the bytes that a symbol puts on the line.
func (o Options) frame(symbol symbol) []byte {
	around := wrap[o.Terminator]
	frame := []byte(around[0])
	if o.Identifier {
		frame = append(frame, symbol.identifier...)
	}
	frame = append(frame, symbol.data...)
	return append(frame, around[1]...)
}

// byteTime is how long a byte takes, 0 when the line is not paced.
func (o Options) byteTime() time.Duration {
	if o.Unpaced {
		return 0
	}
	return ByteTime
}
