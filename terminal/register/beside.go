package register

import (
	"context"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// beside runs work that reads the disk or takes long next to the loop. What it
// found comes back as an event. It ends with the register.
type beside struct {
	ctx context.Context
	all sync.WaitGroup
}

// aside starts work beside the loop; then runs on the
// loop's goroutine with what work gave.
func aside[T any](r *Register, work func(context.Context) T, then func(T)) {
	ctx := r.beside.ctx
	r.beside.all.Go(func() {
		found := work(ctx)
		r.post(ctx, event{run: func() { then(found) }, own: true})
	})
}

// stored reads the journal's tree.
func (r *Register) stored(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return r.cfg.Store.Hashes(ctx, at) })
}
