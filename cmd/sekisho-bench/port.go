package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/creack/pty"
	"github.com/tarm/serial"
	"golang.org/x/sys/unix"

	"sekisho/scanner"
)

const (
	portRounds   = 2000
	portGoal     = 1.3 // framing and handing on may add this much to the read
	replugRounds = 40
	portAfter    = 2 * time.Minute
	// portQuiet is how long a port that was just opened must be silent before it is
	// believed: as much of a replug can be left out by nobody.
	portQuiet = 50 * time.Millisecond
	// portLine is a scan of a wallet's digits.
	portLine = "900081818812345678901234\r"
)

// cable is a pty that plays a scanner: master is the scanner's end, and a link at
// a fixed path leads to the till's.
type cable struct {
	link          string
	master, slave *os.File
}

// plug makes a new pty and points the link at it.
func (c *cable) plug() (err error) {
	if c.master, c.slave, err = pty.Open(); err != nil {
		return err
	}
	fd := int(c.slave.Fd())
	term, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	term.Iflag, term.Oflag, term.Lflag = 0, 0, 0 // raw: bytes as they are, no echo
	return errors.Join(unix.IoctlSetTermios(fd, unix.TCSETS, term), os.Symlink(c.slave.Name(), c.link))
}

// unplug hangs up.
func (c *cable) unplug() error {
	return errors.Join(os.Remove(c.link), c.slave.Close(), c.master.Close())
}

// say writes a scan.
func (c *cable) say() error {
	_, err := c.master.WriteString(portLine)
	return err
}

// listener is whoever reads the till's end of a cable. On at comes the time of
// each scan that was whole, and from the product that of every event.
type listener struct {
	cable cable
	at    chan time.Time
	end   func() error
}

// scan has the cable say a scan, and gives how long it took to be read.
func (l *listener) scan() (time.Duration, error) {
	began := time.Now()
	if err := l.cable.say(); err != nil {
		return 0, err
	}
	at, err := l.next()
	return at.Sub(began), err
}

// next waits for the next time.
func (l *listener) next() (time.Time, error) {
	select {
	case at := <-l.at:
		return at, nil
	case <-time.After(patience):
		return time.Time{}, errors.New("nothing came through the pty")
	}
}

// replug pulls the cable, and gives how long it takes from putting it back to the
// first scan, shown as soon as the port takes codes.
func (l *listener) replug() (time.Duration, error) {
	if err := l.cable.unplug(); err != nil {
		return 0, err
	}
	if _, err := l.next(); err != nil { // disconnected
		return 0, err
	}
	if err := l.cable.plug(); err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := l.next(); err != nil { // connected
		return 0, err
	}
	if err := l.cable.say(); err != nil {
		return 0, err
	}
	at, err := l.next()
	return at.Sub(began), err
}

// listen has read run until end, on a cable that is plugged in at a path.
func listen(link string, read func(ctx context.Context, at chan<- time.Time) error) (*listener, error) {
	l := &listener{cable: cable{link: link}, at: make(chan time.Time, 1)}
	if err := l.cable.plug(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- read(ctx, l.at) }()
	l.end = func() error {
		cancel()
		return errors.Join(<-ended, l.cable.unplug())
	}
	return l, nil
}

// listenScanner has the product read the cable.
func listenScanner(link string) (*listener, error) {
	l, err := listen(link, func(ctx context.Context, at chan<- time.Time) error {
		return scanner.New(scanner.Config{Path: link}, nil).Run(ctx, func(scanner.Event) { at <- time.Now() })
	})
	if err != nil {
		return nil, err
	}
	_, err = l.next() // connected
	return l, err
}

// listenBare has the serial package read the cable, and nothing else.
func listenBare(link string) (*listener, error) {
	return listen(link, func(ctx context.Context, at chan<- time.Time) error {
		port, err := openSerial(link)
		if err != nil {
			return err
		}
		defer port.Close()
		for {
			if err := wholeScan(ctx, port); err != nil || ctx.Err() != nil {
				return err
			}
			at <- time.Now()
		}
	})
}

func openSerial(link string) (*serial.Port, error) {
	return serial.OpenPort(&serial.Config{Name: link, Baud: 9600, ReadTimeout: 100 * time.Millisecond})
}

// wholeScan reads until a scan has ended or ctx has.
func wholeScan(ctx context.Context, port io.Reader) error {
	var buf [1024]byte
	for ctx.Err() == nil {
		n, err := port.Read(buf[:])
		if bytes.IndexByte(buf[:n], '\r') >= 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) { // EOF is silence
			return err
		}
	}
	return nil
}

// bareReplug puts a cable in, and gives how long it takes to open it and read the
// first scan.
func bareReplug(ctx context.Context, c *cable) (took time.Duration, err error) {
	if err := c.plug(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.unplug()) }()
	began := time.Now()
	port, err := openSerial(c.link)
	if err != nil {
		return 0, err
	}
	defer port.Close()
	if err := errors.Join(port.Flush(), c.say(), wholeScan(ctx, port)); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// portFigures measure from a scan written into a pty to the event that brings it
// to the register, against the serial package's own read of the same bytes; and
// from putting the cable back to the first scan, against opening and reading
// alone, and the silence that a port has to keep before it is believed.
func portFigures() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), portAfter)
	defer cancel()
	dir, err := os.MkdirTemp("", "sekisho-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	product, err := listenScanner(filepath.Join(dir, "scanner"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, product.end()) }()
	bare, err := listenBare(filepath.Join(dir, "bare"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.end()) }()
	event, read, err := byTurns(portRounds, product.scan, bare.scan)
	if err != nil {
		return nil, err
	}
	other := cable{link: filepath.Join(dir, "other")}
	back, reopened, err := byTurns(replugRounds, product.replug, func() (time.Duration, error) { return bareReplug(ctx, &other) })
	return figures{
		figure{"port-to-event", event, "bare-read", read, portGoal},
		figure{"replug-to-scan", back, "open+read+50ms", reopened + portQuiet, 0},
	}, err
}
