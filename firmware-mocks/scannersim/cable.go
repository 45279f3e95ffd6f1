package scannersim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// stall is how long a write may wait for a till that does not read before ctx
// is looked at again.
const stall = 20 * time.Millisecond

// cable is one pty, from plugging in to pulling out.
type cable struct {
	master  *os.File      // the scanner's end, non-blocking
	slave   *os.File      // the till's end, held open so that the line lives without a till
	pulled  chan struct{} // closed when the cable is pulled out
	drained chan struct{} // closed when nobody reads the master any more
}

// newCable makes a pty with a raw line and begins to throw away what comes in.
func newCable() (*cable, error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer blocking.Close()
	master, err := nonBlocking(blocking)
	if err != nil {
		slave.Close()
		return nil, err
	}
	c := &cable{master: master, slave: slave, pulled: make(chan struct{}), drained: make(chan struct{})}
	if err := setRaw(int(slave.Fd())); err != nil {
		master.Close()
		slave.Close()
		return nil, err
	}
	go c.drain()
	return c, nil
}

// nonBlocking gives another handle of f whose reads and writes Close can end.
// Those of f itself it cannot: package pty asked f for its descriptor, which
// sets a file blocking for good.
func nonBlocking(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("second handle of the pty: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("non-blocking pty: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// setRaw makes the line carry bytes and nothing else: no echo, no line editing,
// no signals, CR and LF as they are.
func setRaw(fd int) error {
	term, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("line settings: %w", err)
	}
	term.Iflag, term.Oflag, term.Lflag = 0, 0, 0
	term.Cflag = term.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CREAD | unix.CLOCAL
	term.Cc[unix.VMIN], term.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, term); err != nil {
		return fmt.Errorf("raw line: %w", err)
	}
	return nil
}

// device is the path of the till's end.
func (c *cable) device() string { return c.slave.Name() }

// drain throws away what the till writes, until close.
func (c *cable) drain() {
	defer close(c.drained)
	_, _ = io.Copy(io.Discard, c.master)
}

// close hangs up. The master goes first: that is what the till sees as an
// unplug.
func (c *cable) close() {
	close(c.pulled)
	c.master.Close()
	<-c.drained
	c.slave.Close()
}

// send puts frame on the line, a byte every byteTime, or all at once if that
// is 0.
func (c *cable) send(ctx context.Context, frame []byte, byteTime time.Duration) error {
	start := time.Now()
	for sent := 0; sent < len(frame); {
		if err := ctx.Err(); err != nil {
			return err
		}
		ready := due(len(frame), time.Since(start), byteTime)
		n, err := c.write(frame[sent:ready])
		sent += n
		if err != nil {
			return err
		}
		if sent == ready && sent < len(frame) {
			pause(ctx, time.Duration(sent)*byteTime-time.Since(start))
		}
	}
	return nil
}

// due is how many of a frame's n bytes the line has had time to begin: one at
// the start and one more after each byteTime.
func due(n int, elapsed, byteTime time.Duration) int {
	if byteTime <= 0 {
		return n
	}
	return int(min(int64(n), 1+int64(elapsed/byteTime)))
}

// write writes as much of p as the line takes within stall.
func (c *cable) write(p []byte) (int, error) {
	if err := c.master.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return 0, c.gone(err)
	}
	n, err := c.master.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return n, nil
	}
	return n, c.gone(err)
}

// gone says ErrUnplugged where err comes of the cable having been pulled.
func (c *cable) gone(err error) error {
	if err == nil {
		return nil
	}
	select {
	case <-c.pulled:
		return ErrUnplugged
	default:
		return fmt.Errorf("scannersim: %w", err)
	}
}

// pause waits d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// setLink points link at device in one step, so that a till never finds half
// of it.
func setLink(link, device string) error {
	info, err := os.Lstat(link)
	if err == nil && info.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("%s: %w and is no link", link, os.ErrExist)
	}
	next := link + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(device, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

// removeLink removes link as long as it leads to device, and leaves it where
// another simulator has taken it over.
func removeLink(link, device string) error {
	if target, err := os.Readlink(link); err != nil || target != device {
		return nil
	}
	return os.Remove(link)
}
