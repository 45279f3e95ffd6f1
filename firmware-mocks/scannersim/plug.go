package scannersim

import (
	"fmt"
	"os"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// Plug puts the cable in: a new device, under the same link. A scanner that is
// plugged in stays as it is.
func (s *Scanner) Plug() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plug()
}

// plug does it; s.mu is held.
func (s *Scanner) plug() error {
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
	s.cable, s.desk, s.fell = c, s.newDesk(c), nil
	go s.desk.run()
	return nil
}

// newDesk is a place for the unit while a cable is in.
func (s *Scanner) newDesk(c *cable) *desk {
	d := &desk{
		cable: c, unit: s.unit, faults: s.opts.Faults,
		clock: func() time.Duration { return time.Since(s.opened) },
		deeds: s.diary.add,
		shows: make(chan show), done: make(chan struct{}),
	}
	if !s.opts.Unpaced {
		d.byteTime = ByteTime
	}
	d.pull = func() { s.errands.Go(func() { s.fall(d) }) }
	return d
}

// fall pulls the cable for a fault and puts it back after a while, unless
// somebody else has done either meanwhile.
func (s *Scanner) fall(d *desk) {
	s.mu.Lock()
	if s.desk == d {
		_ = s.unplug() // the link is left behind at the worst, and Plug replaces it
		s.fell = d
	}
	s.mu.Unlock()
	select {
	case <-time.After(unit.Away):
	case <-s.closing:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fell == d {
		_ = s.plug() // who shows something next is told that there is no cable
	}
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
	s.fell = nil
	if s.cable == nil {
		return nil
	}
	err := removeLink(s.link, s.cable.device())
	s.cable.close()
	<-s.desk.done
	s.cable, s.desk = nil, nil
	if err != nil {
		return fmt.Errorf("scannersim: unplug: %w", err)
	}
	return nil
}

// Close unplugs the scanner for good.
func (s *Scanner) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	err := s.unplug()
	s.mu.Unlock()
	s.errands.Wait()
	return err
}
