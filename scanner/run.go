package scanner

import (
	"context"
	"errors"
	"io"
	"time"

	"sekisho/scanner/framing"
)

// once opens the port and reads it until it goes away, and says why it did or
// why it could not be opened. The reason is empty when ctx ended.
func (s *Scanner) once(ctx context.Context, on func(Event)) (reason string) {
	p, err := openPort(s.cfg)
	if err != nil {
		return openReason(err)
	}
	defer func() { p.close(reason == "") }()
	s.log.Debug("scanner opened")
	if !settle(ctx, p, on) {
		return ReasonUnplugged
	}
	if ctx.Err() != nil {
		return ""
	}
	defer func() { s.unplug(reason == "") }()
	if !s.plug(p, on) {
		return ReasonUnplugged
	}
	return s.read(ctx, p, on)
}

// fresh is what settle needs of a port.
type fresh interface {
	io.Reader
	silent(time.Duration) (bool, error)
}

// settle drops what a port that was just opened says, until it has been silent
// for long enough or ctx ends. It is false where the port went away.
func settle(ctx context.Context, p fresh, on func(Event)) bool {
	buf := make([]byte, readSize)
	for told := false; ctx.Err() == nil; told = true {
		silent, err := p.silent(freshQuiet)
		if err != nil || silent {
			return err == nil
		}
		n, err := p.Read(buf)
		if err != nil {
			return false
		}
		if !told {
			on(Event{Kind: Dropped, Reason: ReasonFresh, Bytes: n, Reply: unheard})
		}
	}
	return true
}

// read hands on what the port says until it goes away or ctx ends.
func (s *Scanner) read(ctx context.Context, p *port, on func(Event)) (reason string) {
	buf := make([]byte, readSize)
	for ctx.Err() == nil {
		n, err := p.Read(buf)
		switch {
		case n > 0:
			s.drive(func(now time.Duration) { s.line.Feed(now, buf[:n], &s.out) }, on)
		case err != nil && !errors.Is(err, io.EOF), p.gone():
			return ReasonUnplugged
		default:
			s.drive(func(now time.Duration) { s.line.Tick(now, &s.out) }, on)
		}
		if p.stuck.Load() {
			return ReasonUnplugged
		}
	}
	return ""
}

// plug begins with a port that is quiet: whatever the unit was told to wait for,
// before the till crashed or the cable was pulled, it may scan now. A unit that
// does not take the word for it is not there: plug is false.
func (s *Scanner) plug(p *port, on func(Event)) bool {
	s.drive(func(now time.Duration) {
		s.port = p
		s.line.Start(now, &s.out)
	}, on)
	if !p.drained(time.Now().Add(writeTime)) {
		return false
	}
	s.down = ""
	s.log.Info("scanner connected")
	on(Event{Kind: Connected, Reply: unheard})
	return true
}

// unplug ends with the port, and has the unit told so if it still listens.
func (s *Scanner) unplug(listens bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if listens {
		s.line.Stop(&s.out)
		s.send()
	}
	clear(s.holds)
	s.port = nil
}

// drive has the driver take one step, sends what it has to say, and hands on
// what it made of the line.
func (s *Scanner) drive(step func(now time.Duration), on func(Event)) {
	got := s.step(step)
	for _, g := range got {
		switch g.Kind {
		case framing.GotFrame:
			on(Event{Kind: Scanned, Frame: g.Frame, Reply: s.replier()})
		case framing.GotDrop:
			on(Event{Kind: Dropped, Reason: string(g.Dropped.Reason), Bytes: g.Dropped.Bytes, Reply: s.replier()})
		case framing.GotUnit:
			s.log.Info("scanner named itself", "unit", g.Unit)
		}
	}
	clear(got) // texts are secret
	s.spare = got[:0]
}

// step takes one step and gives what the line said.
func (s *Scanner) step(step func(now time.Duration)) []framing.Got {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	step(now)
	if s.holds.expire(now) {
		s.log.Warn("scanner was held too long and scans again; no answer came")
		s.line.Answer(now, framing.Done, &s.out)
	}
	s.send()
	got := s.out.Got
	s.out.Got = s.spare
	return got
}

// send passes what the driver has to say to the port. The caller holds mu.
func (s *Scanner) send() {
	if s.port != nil {
		s.port.send(s.out.Send)
	}
	s.out.Send = s.out.Send[:0]
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

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
