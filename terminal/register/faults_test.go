package register_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// line records what the register sends, and refuses while it is down.
type line struct {
	t    *testing.T
	mu   sync.Mutex
	up   bool
	full bool // up, but its queue takes nothing
	sent []wire.Message

	redials int
}

// Redial implements register.Backend; the test brings the line down itself.
func (l *line) Redial() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.redials++
}

func (l *line) set(up bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up = up
}

func (l *line) is() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// fill lets the line's queue take nothing, or something again.
func (l *line) fill(full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}

// Send implements register.Backend. Each message must be one that the wire takes.
func (l *line) Send(m wire.Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := wire.Encode(m); err != nil {
		l.t.Errorf("%s cannot be sent: %v", m.Type, err)
	}
	if !l.up || l.full {
		return false
	}
	l.sent = append(l.sent, m)
	return true
}

// take gives what was sent of a type since the last take, and forgets it.
func (l *line) take(kind wire.Type) []wire.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	var got []wire.Message
	l.sent = slices.DeleteFunc(l.sent, func(m wire.Message) bool {
		if m.Type == kind {
			got = append(got, m)
		}
		return m.Type == kind
	})
	return got
}

// shown keeps events and commits in the order in which they came.
type shown struct {
	mu     sync.Mutex
	events []register.Event
	order  []string // "kept ID STATE" by the disk, "told ID STATE" by the signal
}

// Emit implements register.Signal.
func (s *shown) Emit(e register.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	if v, ok := e.Data.(terminal.Verdict); ok {
		s.order = append(s.order, fmt.Sprintf("told %s %s", v.Payment, v.State))
	}
}

// all gives the events so far.
func (s *shown) all() []register.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *shown) kept(list []terminal.Payment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range list {
		s.order = append(s.order, fmt.Sprintf("kept %s %s", p.ID, p.State))
	}
}

// disk is the real store with faults in front of and behind it.
type disk struct {
	register.Store
	t       *testing.T
	shown   *shown
	mu      sync.Mutex
	before  func() error                        // an error keeps the store from being asked
	after   func(register.Changes, error) error // may replace the error
	reopen  func() error
	refuses func(register.Changes) bool // changes that the store does not take
	changed atomic.Int64                // transactions
	loaded  func(*register.Snapshot)
}

// Load implements register.Store.
func (d *disk) Load(ctx context.Context) (register.Snapshot, error) {
	s, err := d.Store.Load(ctx)
	if d.loaded != nil {
		d.loaded(&s)
	}
	return s, err
}

func (d *disk) fault(before func() error, after func(register.Changes, error) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before, d.after = before, after
}

// Decide implements register.Store.
func (d *disk) Decide(ctx context.Context, s register.Scope, decide func(register.Usage) (register.Changes, error)) (register.Receipt, error) {
	d.mu.Lock()
	before, after := d.before, d.after
	d.mu.Unlock()
	if before != nil {
		if err := before(); err != nil {
			return register.Receipt{}, err
		}
	}
	var made register.Changes
	receipt, err := d.Store.Decide(ctx, s, func(u register.Usage) (c register.Changes, err error) {
		made, err = decide(u)
		if err == nil && d.refused(made) {
			return register.Changes{}, register.ErrNotStored
		}
		return made, err
	})
	if err == nil {
		d.shown.kept(made.Payments)
		d.changed.Add(1)
	}
	if after != nil {
		err = after(made, err)
	}
	return receipt, err
}

// refuse names the changes that the store does not take from now on; nil for none.
func (d *disk) refuse(which func(register.Changes) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuses = which
}

func (d *disk) refused(c register.Changes) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refuses != nil && d.refuses(c)
}

// Reopen implements register.Store.
func (d *disk) Reopen(ctx context.Context) error {
	d.mu.Lock()
	fails := d.reopen
	d.mu.Unlock()
	if fails != nil {
		if err := fails(); err != nil {
			return err
		}
	}
	return d.Store.Reopen(ctx)
}
