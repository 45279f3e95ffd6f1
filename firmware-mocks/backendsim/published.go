package backendsim

import (
	"context"
	"fmt"
)

// keepNote writes down a note that is in force from now on.
func (b *Backend) keepNote(ctx context.Context, kind string, version int64, note string) error {
	return b.ledger.change(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO published (kind, version, note) VALUES (?, ?, ?)", kind, version, note)
	})
}

// republish puts in force what was published before a restart, where it is newer
// than what the backend was opened with. Policies in between stay known for what
// was decided under them.
func (b *Backend) republish(ctx context.Context) error {
	if b.rules.roles == nil {
		return nil // nothing was published: nobody could have verified it
	}
	var policies, roles []string
	err := b.ledger.view(ctx, func(t *tx) error {
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
	for _, note := range policies {
		p, err := b.rules.roles.OpenPolicy(note, b.rules.policy.Classes[0])
		if err != nil {
			b.log.Warn("a policy that was published is not in force any more", "error", err)
		} else if p.Version > b.rules.policy.Version {
			b.rules = b.rules.with(note, p)
		}
	}
	return nil
}
