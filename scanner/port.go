package scanner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

const (
	// defaultBaud is what serial scanners leave the factory with.
	defaultBaud = 9600
	// writeTime is how long bytes for the unit may take to go through. All that is
	// ever said at once takes some 300 ms at 1,200 baud.
	writeTime = time.Second
	// queueSize is how many answers may wait for the port. A person scans twice a
	// second at most.
	queueSize = 64
	// drainStep lies between two looks at whether the last bytes have left.
	drainStep = 5 * time.Millisecond
)

// port is one serial port, open: the serial package's handle, which reads and
// blocks, and another of the same device, which does not and so has deadlines.
type port struct {
	*serial.Port
	out    *os.File // holds the lock
	queue  chan []byte
	unsent atomic.Int32  // how many of the queue the kernel does not have yet
	done   chan struct{} // closed when nothing more is written
	stuck  atomic.Bool   // the unit takes no bytes
}

// errMoved says that a link was pointed elsewhere while it was being opened.
var errMoved = fmt.Errorf("the path led to two devices: %w", syscall.ENODEV)

// openPort locks, sets and flushes a port and begins to write to it what send
// is given. The lock comes first, so that nobody else's speed is changed.
func openPort(cfg Config) (*port, error) {
	out, err := os.OpenFile(cfg.Path, os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	in, err := openReader(out, cfg)
	if err != nil {
		out.Close()
		return nil, err
	}
	p := &port{Port: in, out: out, queue: make(chan []byte, queueSize), done: make(chan struct{})}
	go p.write()
	return p, nil
}

// openReader opens the handle that reads, of the device of which out is one.
func openReader(out *os.File, cfg Config) (*serial.Port, error) {
	device, err := out.Stat()
	if err != nil {
		return nil, err
	}
	if err := lock(out); err != nil {
		return nil, err
	}
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	in, err := serial.OpenPort(&serial.Config{Name: cfg.Path, Baud: cfg.Baud, ReadTimeout: readTimeout})
	if err != nil {
		return nil, err
	}
	if err := claim(in, out, device, cfg.Path); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// claim sees that both handles are of one device, keeps others away from it and
// throws away what waits in it.
func claim(in *serial.Port, out *os.File, device fs.FileInfo, path string) error {
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if deviceOf(now) != deviceOf(device) {
		return errMoved
	}
	if err := exclude(out, deviceOf(device)); err != nil {
		return err
	}
	return in.Flush()
}

// deviceOf gives the number of the device that a file stands for.
func deviceOf(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Rdev }

// lock takes the port for this handle alone, among those who ask.
func lock(f *os.File) error {
	return control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
}

// The kernel's numbers for pseudo terminals (Documentation/admin-guide/devices.txt
// of Linux: 136-143, Unix98 PTY slaves).
const firstPTY, lastPTY = 136, 143

// exclude has the kernel refuse the port to others who open it. The mark lasts
// until the last handle is closed, which on a pseudo terminal whoever plays the
// scanner holds: there it would lock out the till itself after a crash.
func exclude(f *os.File, device uint64) error {
	if major := unix.Major(device); firstPTY <= major && major <= lastPTY {
		return nil
	}
	return mark(f)
}

// mark sets TIOCEXCL.
func mark(f *os.File) error {
	return control(f, func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
}

// control does something with a file's descriptor. Asking the file for it with Fd
// would set it blocking.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := raw.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil {
		return err
	}
	return done
}

// silent waits until the port has said nothing for so long, or says something:
// then Read gives it, or that the port is gone. The serial package cannot wait
// for less than 100 ms.
func (p *port) silent(d time.Duration) (silent bool, err error) {
	err = control(p.out, func(fd int) error {
		for end := time.Now().Add(d); ; {
			fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			left := unix.NsecToTimespec(max(0, time.Until(end)).Nanoseconds())
			n, err := unix.Ppoll(fds, &left, nil)
			if err != unix.EINTR {
				silent = n == 0
				return err
			}
		}
	})
	return silent, err
}

// gone asks a port that said nothing whether it is still there.
func (p *port) gone() bool {
	_, err := p.Write(nil)
	return err != nil
}

// send has bytes written as soon as those before them are. It never blocks. A queue
// that is full is a unit that takes no bytes.
func (p *port) send(b []byte) {
	if len(b) == 0 {
		return
	}
	p.unsent.Add(1)
	select {
	case p.queue <- append([]byte(nil), b...):
	default:
		p.stuck.Store(true)
	}
}

// write writes what send is given until the queue is closed or a write fails.
func (p *port) write() {
	defer close(p.done)
	for b := range p.queue {
		err := p.out.SetWriteDeadline(time.Now().Add(writeTime))
		if err == nil {
			_, err = p.out.Write(b)
		}
		if err != nil {
			p.stuck.Store(true)
			return
		}
		p.unsent.Add(-1)
	}
}

// close gives up the port; nothing may be sent any more. One that is left on
// purpose gets the time to take its last bytes. What is not taken then is
// thrown away, since the kernel would wait 30 s for it.
func (p *port) close(onPurpose bool) {
	close(p.queue)
	taken := onPurpose && p.drained(time.Now().Add(writeTime))
	p.out.Close()
	<-p.done
	if !taken {
		_ = p.Flush() // of a port that is gone there is nothing to throw away
	}
	p.Close()
}

// drained waits until all bytes that were sent have left, and no longer than end.
func (p *port) drained(end time.Time) bool {
	for !p.stuck.Load() && time.Now().Before(end) {
		if p.unsent.Load() == 0 {
			if left, err := p.waiting(); err != nil || left == 0 {
				return err == nil
			}
		}
		time.Sleep(drainStep)
	}
	return false
}

// waiting is how many bytes the kernel still holds for the unit.
func (p *port) waiting() (n int, err error) {
	err = control(p.out, func(fd int) error {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	return n, err
}

// openReason says why a port could not be opened. EIO is a port that went away
// between opening and setting it.
func openReason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENXIO), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EIO):
		return ReasonAbsent
	case errors.Is(err, fs.ErrPermission):
		return ReasonDenied
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EWOULDBLOCK):
		return ReasonBusy
	case errors.Is(err, syscall.ENOTTY), errors.Is(err, syscall.EISDIR):
		return ReasonNotAPort
	}
	return ReasonFailed
}
