// Package prompt reads what a person types at a command.
package prompt

import (
	"context"
	"io"
)

// Reader is in until ctx ends: a read from a terminal waits for as long as nobody
// types, and does not hear of the Ctrl-C that a command has caught. A read that is
// left behind ends with the process.
func Reader(ctx context.Context, in io.Reader) io.Reader { return reader{ctx, in} }

type reader struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // p is the caller's again once ctx has ended
	done := make(chan result, 1)
	go func() {
		n, err := r.in.Read(own)
		done <- result{n, err}
	}()
	select {
	case <-r.ctx.Done():
		return 0, context.Cause(r.ctx)
	case got := <-done:
		return copy(p, own[:got.n]), got.err
	}
}
