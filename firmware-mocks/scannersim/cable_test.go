package scannersim

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	for _, c := range []struct {
		elapsed, byteTime time.Duration
		want              int
	}{
		{0, ByteTime, 1},
		{ByteTime - 1, ByteTime, 1},
		{ByteTime, ByteTime, 2},
		{5*ByteTime + ByteTime/2, ByteTime, 6},
		{time.Hour, ByteTime, 10},
		{0, 0, 10},
	} {
		if got := due(10, c.elapsed, c.byteTime); got != c.want {
			t.Errorf("%v after the start %d of 10 bytes are due, want %d", c.elapsed, got, c.want)
		}
	}
}

// A till that does not read makes the line fill up: a megabyte is more than the
// kernel holds.
func TestSendToATillThatDoesNotReadEndsWithItsContext(t *testing.T) {
	c, err := newCable()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.send(ctx, make([]byte, 1<<20), 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("send: %v, want DeadlineExceeded", err)
	}
}

func TestCloseEndsASendThatWaits(t *testing.T) {
	c, err := newCable()
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() { sent <- c.send(context.Background(), make([]byte, 1<<20), 0) }()
	buf := make([]byte, 1)
	if _, err := c.slave.Read(buf); err != nil {
		t.Fatal(err)
	}
	c.close()
	if err := <-sent; !errors.Is(err, ErrUnplugged) {
		t.Errorf("send: %v, want ErrUnplugged", err)
	}
}
