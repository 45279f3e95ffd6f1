package backendsim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// SetPolicy puts another policy in force and tells every register that is linked.
func (b *Backend) SetPolicy(note string, p *policy.Policy) {
	b.mu.Lock()
	b.rules = b.rules.with(note, p)
	b.mu.Unlock()
	b.tellAll()
}

// SetRoles puts other roles in force and tells every register that is linked.
func (b *Backend) SetRoles(note string, r *policy.Roles) {
	b.mu.Lock()
	next := *b.rules
	next.rolesNote, next.roles = note, r
	b.rules = &next
	b.mu.Unlock()
	b.tellAll()
}

// freezeStep is how far the freeze role alone may go above the version before
// (docs/policy.md).
const freezeStep = 10_000_000_000

// Freeze stops what a signed note names, here and on every register that is
// linked. The note must be newer than the last, and stop all that the last
// stopped unless the policy role signed it too; see Lift.
func (b *Backend) Freeze(ctx context.Context, note string, f *policy.Freeze) error {
	next := stopsOf(f)
	text, err := toJSON(next)
	if err != nil {
		return err
	}
	err = b.ledger.change(ctx, func(t *tx) error {
		last, err := t.stops(b.now().UnixMilli())
		switch {
		case err != nil:
			return err
		case f.Version <= last.Version:
			return fmt.Errorf("backendsim: freeze %d is no newer than %d", f.Version, last.Version)
		case !f.Lifts && last.Version > 0 && f.Version > last.Version+freezeStep:
			return fmt.Errorf("backendsim: freeze %d is more than %d above %d: no register would take it", f.Version, int64(freezeStep), last.Version)
		case !f.Lifts && !last.within(next):
			return fmt.Errorf("backendsim: freeze %d lifts something, which only the policy role may", f.Version)
		}
		return t.exec("INSERT INTO freeze (version, note, at, stops) VALUES (?, ?, ?, ?)", f.Version, note, b.now().UnixMilli(), text)
	})
	b.tellAll()
	return err
}

// Lift is Freeze for a note that takes something back.
func (b *Backend) Lift(ctx context.Context, note string, f *policy.Freeze) error {
	if !f.Lifts {
		return errors.New("backendsim: only a note that the policy role signed lifts what was stopped")
	}
	return b.Freeze(ctx, note, f)
}

// Deny stops accounts from now on, with the line and without.
func (b *Backend) Deny(ctx context.Context, all ...Denial) error {
	return b.denials(ctx, func(t *tx) error { return t.deny(b.now(), all) })
}

// Allow takes back what Deny stopped.
func (b *Backend) Allow(ctx context.Context, all ...terminal.AccountKey) error {
	return b.denials(ctx, func(t *tx) error { return t.allow(all) })
}

// VoidBefore voids the credentials that an issuer gave out before a time, from
// now on.
func (b *Backend) VoidBefore(ctx context.Context, issuer string, before time.Time) error {
	return b.denials(ctx, func(t *tx) error { return t.void(b.now(), issuer, before) })
}

func (b *Backend) denials(ctx context.Context, do func(*tx) error) error {
	err := b.ledger.change(ctx, do)
	b.tellAll()
	return err
}

// Enrol says which key signs a register's checkpoints: its verifier as
// note.NewVerifier reads it, from the register's own enrolment.
func (b *Backend) Enrol(ctx context.Context, store terminal.StoreID, register terminal.RegisterID, vkey string) error {
	if _, err := note.NewVerifier(vkey); err != nil {
		return fmt.Errorf("backendsim: enrol: %w", err)
	}
	return b.ledger.change(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO enrolled (register, store, vkey) VALUES (?, ?, ?)", string(register), string(store), vkey)
	})
}

// Quarantine puts a register in doubt: it sells online only until Release. Its
// link ends, and the next welcome tells it.
func (b *Backend) Quarantine(ctx context.Context, register terminal.RegisterID, why string) error {
	if why == "" {
		return errors.New("backendsim: a quarantine has a reason")
	}
	return b.anew(ctx, register, func(t *tx) error { return t.doubt(string(register), why) })
}

// Release ends a register's quarantine: the next welcome tells it, and it goes
// on with a new incarnation.
func (b *Backend) Release(ctx context.Context, register terminal.RegisterID) error {
	return b.anew(ctx, register, func(t *tx) error { return t.release(string(register)) })
}

// anew changes what is held of a known register and has it say hello anew.
func (b *Backend) anew(ctx context.Context, register terminal.RegisterID, do func(*tx) error) error {
	err := b.ledger.change(ctx, func(t *tx) error {
		known, err := t.has("SELECT 1 FROM register WHERE id = ?", string(register))
		if err == nil && !known {
			err = fmt.Errorf("backendsim: no register %q has said hello", register)
		}
		if err != nil {
			return err
		}
		return do(t)
	})
	if err == nil {
		b.hangUp(func(l *link) bool { return l.who() != nil && l.who().register == string(register) })
	}
	return err
}
