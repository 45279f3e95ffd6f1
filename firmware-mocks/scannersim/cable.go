package scannersim

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// stall is how long a write may wait for a till that does not read before
// anything else is looked at again.
const stall = 20 * time.Millisecond

// cable is one pty, from plugging in to pulling out.
type cable struct {
	master *os.File      // the scanner's end, non-blocking
	slave  *os.File      // the till's end, held open so that the line lives without a till
	pulled chan struct{} // closed when the cable is pulled out
	heard  chan []byte   // what the till wrote
	deaf   chan struct{} // closed when nobody reads the master any more
}

// newCable makes a pty with a raw line and begins to listen.
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
	c := &cable{
		master: master, slave: slave,
		pulled: make(chan struct{}), heard: make(chan []byte), deaf: make(chan struct{}),
	}
	if err := setRaw(int(slave.Fd())); err != nil {
		master.Close()
		slave.Close()
		return nil, err
	}
	go c.listen()
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

// listen hands on what the till writes, until close.
func (c *cable) listen() {
	defer close(c.deaf)
	buf := make([]byte, 4096)
	for {
		n, err := c.master.Read(buf)
		if n > 0 {
			select {
			case c.heard <- append([]byte(nil), buf[:n]...):
			case <-c.pulled:
			}
		}
		if err != nil {
			return
		}
	}
}

// close hangs up. The master goes first: that is what the till sees as an
// unplug.
func (c *cable) close() {
	close(c.pulled)
	c.master.Close()
	<-c.deaf
	c.slave.Close()
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
