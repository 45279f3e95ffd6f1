package register

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sekisho/terminal"
)

// job is one transaction on its way to the store; without a decision it only
// saves the anchor.
type job struct {
	scope  Scope
	decide func(Usage) (Changes, error)
	made   *made            // by decide
	mark   *terminal.Millis // of time, which goes along; nil where the stored one is well
	anchor Anchor           // as it will be, but for the head
	then   func(error)
}

// result comes back to the loop. then runs there.
type result struct {
	job      job
	receipt  Receipt
	err      error
	reloaded *Snapshot // set where the store had to be reopened
}

// errNothing is what a decision returns when there is nothing to change.
var errNothing = errors.New("nothing to change")

// reopenEvery is how long the clerk waits between attempts to open a ledger
// that failed: a disk that comes back is used again within a second.
const reopenEvery = time.Second

// clerk carries out the loop's transactions, one at a time and in order, so
// that the loop itself never waits for the disk.
type clerk struct {
	store  Store
	anchor AnchorStore
	log    *slog.Logger
	jobs   chan job
	failed chan struct{} // told once the ledger in doubt could not be reopened: it may be long until done
	done   chan result
}

func newClerk(store Store, anchor AnchorStore, log *slog.Logger) *clerk {
	return &clerk{store: store, anchor: anchor, log: log, jobs: make(chan job, 1), failed: make(chan struct{}, 1), done: make(chan result, 1)}
}

func (c *clerk) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-c.jobs:
			c.done <- c.carryOut(ctx, j)
		}
	}
}

func (c *clerk) carryOut(ctx context.Context, j job) result {
	if j.decide == nil {
		err := c.save(j.anchor)
		if err == nil {
			err = errNothing
		}
		return result{job: j, err: err}
	}
	receipt, err := c.store.Decide(ctx, j.scope, j.decide)
	if err == nil {
		j.anchor.Head = receipt.Head
		_ = c.save(j.anchor) // it is logged: what was sold is kept all the same
		return result{job: j, receipt: receipt}
	}
	if errors.Is(err, ErrInDoubt) {
		return result{job: j, err: err, reloaded: c.reopen(ctx)}
	}
	return result{job: j, err: err}
}

func (c *clerk) save(a Anchor) error {
	err := c.anchor.Save(a)
	if err != nil {
		c.log.Error("the run directory takes no anchor: an older ledger put back would not be seen", "error", err)
	}
	return err
}

// reopen tries until the ledger is back or the register stops.
func (c *clerk) reopen(ctx context.Context) *Snapshot {
	for {
		err := c.store.Reopen(ctx)
		if err == nil {
			var s Snapshot
			if s, err = c.store.Load(ctx); err == nil {
				return &s
			}
		}
		c.log.Error("the ledger cannot be reopened; trying again", "error", err)
		select {
		case c.failed <- struct{}{}:
		default: // the loop has yet to take the last one
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reopenEvery):
		}
	}
}
