package backendsim

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"sekisho/terminal/policy"
)

// keepNote writes down a note that is in force from now on.
func (b *Backend) keepNote(ctx context.Context, kind string, version int64, note string) error {
	return b.ledger.change(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO published (kind, version, note) VALUES (?, ?, ?)", kind, version, note)
	})
}

// republish puts in force the newest policy and roles of all that ever were here,
// published or as the backend was opened with: registers hold them, and never go
// back. The other policies stay known for what was decided under them. What the
// backend is opened with now is written down with them.
func (b *Backend) republish(ctx context.Context) error {
	if b.rules.roles == nil {
		return nil // nothing was published: nobody could have verified it
	}
	var policies, roles []string
	err := b.ledger.change(ctx, func(t *tx) error {
		if err := t.opened(b.rules); err != nil {
			return err
		}
		return t.each(func(scan func(...any) error) error {
			var kind, note string
			err := scan(&kind, &note)
			if kind == "policy" {
				policies = append(policies, note)
			} else {
				roles = append(roles, note)
			}
			return err
		}, "SELECT kind, note FROM published ORDER BY version")
	})
	if err != nil {
		return fmt.Errorf("backendsim: what was published: %w", err)
	}
	for _, note := range roles {
		if next, err := b.rules.roles.Next(note); err == nil { // else those from outside are as new
			b.rules.rolesNote, b.rules.roles = next.Chain(), next
		}
	}
	return b.resume(policies)
}

// opened writes down the notes that the backend was opened with. A version that was
// here with another text is refused: registers hold that and would never take this.
func (t *tx) opened(r *rules) error {
	var kept string
	err := t.row("SELECT note FROM published WHERE kind = 'policy' AND version = ?", r.policy.Version).Scan(&kept)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	was, _ := policy.Text(kept)
	if is, _ := policy.Text(r.note); err == nil && was != is {
		return fmt.Errorf("policy %d was in force here with another text: one that is changed needs a higher version", r.policy.Version)
	}
	const keep = "INSERT OR IGNORE INTO published (kind, version, note) VALUES (?, ?, ?)"
	return errors.Join(t.exec(keep, "policy", r.policy.Version, r.note), t.exec(keep, "roles", r.roles.Version, r.rolesNote))
}

// resume puts the last of the policies in force that were here, which come in the
// order of their versions. Who signed them was asked when each was published: that
// the roles are others by now takes nothing back, here or at a register.
func (b *Backend) resume(policies []string) error {
	began := b.rules
	for _, note := range policies {
		text, _ := policy.Text(note)
		p, err := policy.Parse(text)
		if err == nil {
			p, err = p.For(began.policy.Classes[0])
		}
		if err != nil {
			return fmt.Errorf("backendsim: a policy that was in force before the restart: %w", err)
		}
		if p.Version == began.policy.Version {
			note, p = began.note, began.policy
		}
		b.rules = b.rules.with(note, p)
	}
	if at := b.rules.policy.Version; at > began.policy.Version {
		b.log.Warn("a policy that was in force before the restart stays in force", "version", at, "started with", began.policy.Version)
	}
	return nil
}
