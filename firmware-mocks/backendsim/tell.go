package backendsim

import (
	"context"
	"time"

	"sekisho/terminal/wire"
)

// told is what a register was told of head office's rules, or said that it holds.
type told struct {
	policy, roles   string // the notes
	freeze, denials int64  // versions
	doubt           bool   // that its rights are in doubt
}

// welcomed remembers what hello and welcome said, and tells what came since.
func (l *link) welcomed() {
	l.mu.Lock()
	c, h := l.caller, l.caller.hello
	l.told = &told{
		policy: c.rules.note, roles: c.rules.rolesNote, freeze: max(h.Versions.Freeze, c.freeze),
		denials: h.Versions.Denials, doubt: c.toldDoubt,
	}
	l.mu.Unlock()
	l.poke()
}

// inDoubt says whether the register was told that its rights are in doubt.
func (l *link) inDoubt() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told != nil && l.told.doubt
}

// poke has the link's teller look whether there is something new.
func (l *link) poke() {
	select {
	case l.news <- struct{}{}:
	default: // it will look soon anyway
	}
}

// tellAll has every link tell its register what it was not told yet.
func (b *Backend) tellAll() {
	for _, l := range b.linked(func(*link) bool { return true }) {
		l.poke()
	}
}

// tell tells the register what is new, whenever poked, until the link ends. It
// is the only goroutine that changes what told points to.
func (l *link) tell() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-l.news:
		}
		l.mu.Lock()
		t := l.told
		l.mu.Unlock()
		if t == nil {
			continue // before the welcome; it will poke
		}
		if err := l.bring(t); err != nil && l.ctx.Err() == nil {
			l.b.log.Error("a register was not told what is new", "error", err)
			l.stop() // its next hello asks anew
		}
	}
}

// tellTimeout is how long it may take to read what a register was not told: a set
// of 1,500,000 accounts takes seconds.
const tellTimeout = time.Minute

// bring sends what is in force and was not told, what stops goods first.
func (l *link) bring(t *told) error {
	ctx, cancel := context.WithTimeout(l.ctx, tellTimeout)
	defer cancel()
	r := l.b.inForce()
	var stops stops
	var lacks change
	err := l.b.ledger.view(ctx, func(x *tx) (err error) {
		if stops, err = x.stops(l.b.now().UnixMilli()); err != nil {
			return err
		}
		lacks, err = x.denialsSince(t.denials)
		return err
	})
	if err != nil {
		return err
	}
	if m := newer(t, r); m != (wire.Policy{}) {
		l.send(wire.Message{Type: wire.TypePolicy, Policy: &m})
		t.policy, t.roles = r.note, r.rolesNote
	}
	if stops.Version > t.freeze {
		l.send(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: stops.note}})
		t.freeze = stops.Version
	}
	if lacks.to == t.denials {
		return nil
	}
	for _, part := range lacks.parts() {
		l.sendAll(wire.Message{Type: wire.TypeDenials, Denials: &part})
	}
	t.denials = lacks.to
	return nil
}

// newer gives the notes that the register was not told.
func newer(t *told, r *rules) wire.Policy {
	var m wire.Policy
	if t.policy != r.note {
		m.Note = r.note
	}
	if t.roles != r.rolesNote {
		m.Roles = r.rolesNote
	}
	return m
}
