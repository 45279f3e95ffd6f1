package scanner

import (
	"context"
	"errors"
	"io"
	"time"

	"sekisho/scanner/framing"
)

// askTime is how long a unit has to say who it is. The longest answer, Honeywell's,
// takes 0.4 s at 9600 baud, and Newland's comes after three others.
const askTime = time.Second

// PortError says why a port could not be had: Reason is one of this package's.
type PortError struct {
	Reason string
	Err    error // of the system; nil where the port went away
}

// Error gives the reason and not the path, which the caller has.
func (e *PortError) Error() string { return "scanner: the port is " + e.Reason }

// Unwrap gives the system's error.
func (e *PortError) Unwrap() error { return e.Err }

// Ask opens a port, asks the unit in the language of each family in turn who it is,
// for a second each, and gives the first family that it answered in and what it
// said of itself; "" and "" where it was silent. Cfg.Family is not looked at. The
// error is a *PortError, ErrConfig or the context's.
//
// One family's question may be another's command: some units take single letters.
// So whoever asks in several languages ends in all of them, with the words that let
// a unit scan; ask in one where it is known.
func Ask(ctx context.Context, cfg Config, families []framing.Family) (family framing.Family, unit string, err error) {
	if err := cfg.Check(); err != nil {
		return "", "", err
	}
	p, err := openPort(cfg)
	if err != nil {
		return "", "", &PortError{openReason(err), err}
	}
	defer p.close(true)
	defer release(p, families)
	if !settle(ctx, p, func(Event) {}) {
		return "", "", &PortError{Reason: ReasonUnplugged}
	}
	for _, f := range families {
		if unit, err = question(ctx, p, framing.New(f)); unit != "" || err != nil {
			return f, unit, err
		}
	}
	return "", "", ctx.Err()
}

// release lets the unit scan, in every language that it may have been spoken to.
func release(p *port, asked []framing.Family) {
	if len(asked) > 1 {
		asked = framing.Families()
	}
	var out framing.Out
	for _, f := range asked {
		framing.New(f).Stop(&out)
	}
	p.send(out.Send)
}

// question asks in one language, and gives "" where nothing that can be understood
// comes in time.
func question(ctx context.Context, p *port, line framing.Driver) (unit string, err error) {
	var out framing.Out
	defer out.Reset()
	buf := make([]byte, readSize)
	end := machineTime() + askTime
	line.Start(machineTime(), &out)
	for ctx.Err() == nil && machineTime() < end {
		p.send(out.Send)
		out.Reset()
		n, err := p.Read(buf)
		switch {
		case n > 0:
			line.Feed(machineTime(), buf[:n], &out)
		case err != nil && !errors.Is(err, io.EOF), p.gone():
			return "", &PortError{Reason: ReasonUnplugged}
		default:
			line.Tick(machineTime(), &out)
		}
		for _, g := range out.Got {
			if g.Kind == framing.GotUnit && g.Unit != "" {
				return g.Unit, nil
			}
		}
	}
	return "", ctx.Err()
}
