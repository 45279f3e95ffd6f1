package offline

import (
	"context"
	"fmt"

	"sekisho/terminal/register"
)

// Load is register.Store's.
func (s *Store) Load(ctx context.Context) (register.Snapshot, error) {
	var snap register.Snapshot
	var err error
	begun := s.do(ctx, func() {
		if s.doubt != nil {
			err = inDoubt(s.doubt)
			return
		}
		if snap, err = s.snapshot(ctx); err != nil {
			err = fmt.Errorf("offline: load: %w", opened(err))
		}
	})
	if begun != nil {
		return register.Snapshot{}, fmt.Errorf("offline: load: %w", begun)
	}
	return snap, err
}

// snapshot runs on the writer's goroutine, so that nothing changes meanwhile.
func (s *Store) snapshot(ctx context.Context) (register.Snapshot, error) {
	snap := register.Snapshot{Head: s.at.tree.head, PolicyVersion: s.at.policy, Pruned: s.at.pruned}
	var err error
	if snap.Sale, err = findSale(ctx, s.ledger); err != nil {
		return snap, err
	}
	if snap.Sale != nil {
		if snap.Current, err = findPayment(ctx, s.ledger, snap.Sale.Payment); err != nil {
			return snap, err
		}
	}
	if snap.Unresolved, err = payments(ctx, s.ledger, "WHERE unresolved = 1 ORDER BY row"); err != nil {
		return snap, err
	}
	if snap.Outbox, err = outbox(ctx, s.ledger, allButAdvices, "ORDER BY id"); err != nil {
		return snap, err
	}
	if err := standing(ctx, s.ledger, &snap); err != nil {
		return snap, err
	}
	snap.Denials = s.cachedDenials(ctx)
	snap.PolicyNote, err = s.cachedPolicy(ctx, s.at.policy)
	return snap, err
}
