package scanner_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// patience is how long a test waits for an event that must come.
const patience = 20 * time.Second

// cable is a pty that plays the scanner: master is the scanner's end, and a
// link at a fixed path leads to the till's end.
type cable struct {
	t             testing.TB
	link          string
	master, slave *os.File
	rest          []byte // what was read and not heard yet
}

// newCable gives a cable that is not plugged in.
func newCable(t testing.TB) *cable {
	c := &cable{t: t, link: filepath.Join(t.TempDir(), "scanner")}
	t.Cleanup(c.unplug)
	return c
}

// plug makes a new pty, sets it raw and points the link at it. The slave stays
// open, or the master would read EIO before the till has come.
func (c *cable) plug() {
	c.t.Helper()
	var err error
	if c.master, c.slave, err = pty.Open(); err != nil {
		c.t.Fatal(err)
	}
	c.rest = nil
	if err := setRaw(c.slave); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Symlink(c.slave.Name(), c.link); err != nil {
		c.t.Fatal(err)
	}
}

// unplug hangs up, whatever the till is doing.
func (c *cable) unplug() {
	if c.master == nil {
		return
	}
	os.Remove(c.link)
	c.slave.Close()
	c.master.Close()
	c.master, c.slave = nil, nil
}

// say writes what the scanner would send.
func (c *cable) say(text string) {
	c.t.Helper()
	if _, err := c.master.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

// hear fails unless these bytes are the next that the till says.
func (c *cable) hear(want string) {
	c.t.Helper()
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		got = append(got, c.listen(cap(got)-len(got))...)
	}
	if string(got) != want {
		c.t.Fatalf("the unit hears %q, want %q", got, want)
	}
}

// hearPast passes over what the till says before this letter, and over it.
func (c *cable) hearPast(letter string) {
	c.t.Helper()
	for {
		said := c.listen(4096)
		if at := bytes.Index(said, []byte(letter)); at >= 0 {
			c.rest = append(bytes.Clone(said[at+len(letter):]), c.rest...)
			return
		}
	}
}

// listen waits for what the till says, and gives at most so many bytes of it. It
// takes as much as is there: a unit that takes a byte at a time counts as wedged
// on a slow machine.
func (c *cable) listen(most int) []byte {
	c.t.Helper()
	if len(c.rest) == 0 {
		waitReadable(c.t, c.master)
		b := make([]byte, 4096)
		n, err := c.master.Read(b)
		if err != nil {
			c.t.Fatal(err)
		}
		c.rest = b[:n]
	}
	said := c.rest[:min(most, len(c.rest))]
	c.rest = c.rest[len(said):]
	return said
}

func setRaw(f *os.File) error {
	term, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	term.Iflag, term.Oflag, term.Lflag = 0, 0, 0
	return unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, term)
}

// till runs a scanner and collects its events.
type till struct {
	t      testing.TB
	events chan scanner.Event
	ended  chan error
	cancel context.CancelFunc
	during chan func() // done while the next scan is handed on, if there is one
}

// run starts a scanner on path; opened, if not nil, is called each time that
// the port was opened and flushed.
func run(t testing.TB, path string, opened func()) *till {
	return runThis(t, scanner.New(scanner.Config{Path: path}, slog.New(watcher{opened})))
}

// runTalker starts a scanner on path that speaks to its unit in letters.
func runTalker(t testing.TB, path string) *till {
	s := scanner.New(scanner.Config{Path: path}, nil)
	s.SetDriver(new(talker))
	return runThis(t, s)
}

func runThis(t testing.TB, s *scanner.Scanner) *till {
	ctx, cancel := context.WithCancel(context.Background())
	x := &till{t: t, events: make(chan scanner.Event, 1000), ended: make(chan error, 1), cancel: cancel, during: make(chan func(), 1)}
	go func() { x.ended <- s.Run(ctx, x.on) }()
	t.Cleanup(x.stop)
	return x
}

// on takes an event from the scanner.
func (x *till) on(e scanner.Event) {
	if e.Kind == scanner.Scanned {
		select {
		case do := <-x.during:
			do()
		default:
		}
	}
	x.events <- e
}

// stop ends the scanner and waits for it.
func (x *till) stop() {
	x.cancel()
	if x.ended == nil {
		return
	}
	select {
	case err := <-x.ended:
		if err != nil {
			x.t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		x.t.Error("Run goes on after its context ended")
	}
	x.ended = nil
}

// next gives the next event.
func (x *till) next() scanner.Event {
	x.t.Helper()
	select {
	case e := <-x.events:
		return e
	case <-time.After(patience):
		x.t.Fatal("no event came")
	}
	return scanner.Event{}
}

// want fails unless the next event is of this kind and carries this text (of
// the frame, with its identifier) or reason.
func (x *till) want(kind scanner.EventKind, detail string) {
	x.t.Helper()
	e := x.next()
	got := e.Reason
	if e.Kind == scanner.Scanned {
		got = string(e.Frame.Symbology) + e.Frame.Text
	}
	if e.Kind != kind || got != detail {
		x.t.Fatalf("event %v %q, want %v %q", e.Kind, got, kind, detail)
	}
}

// wantDropped fails unless the next event is a drop of so many bytes.
func (x *till) wantDropped(reason string, size int) {
	x.t.Helper()
	if e := x.next(); e.Kind != scanner.Dropped || e.Reason != reason || e.Bytes != size {
		x.t.Fatalf("event %v %q of %d bytes, want a drop %q of %d", e.Kind, e.Reason, e.Bytes, reason, size)
	}
}

// scanned gives the next event, which must be a scan of this text.
func (x *till) scanned(text string) scanner.Event {
	x.t.Helper()
	e := x.next()
	if e.Kind != scanner.Scanned || e.Frame.Text != text {
		x.t.Fatalf("event %v %q, want a scan of %q", e.Kind, e.Reason, text)
	}
	return e
}

// talker is raw with a unit that is told everything, in letters.
type talker struct {
	framing.Raw
	begins int // how many dots come before the first letter
	size   int // of each answer, filled up with dots; 0: the letter alone
}

func (d *talker) Start(now time.Duration, out *framing.Out) {
	d.Raw.Start(now, out)
	out.Send = append(out.Send, strings.Repeat(".", d.begins)+"S"...)
}

func (d *talker) Answer(_ time.Duration, a framing.Answer, out *framing.Out) {
	out.Send = fmt.Appendf(out.Send, "%s", a.String()[:1])
	for range d.size {
		out.Send = append(out.Send, '.')
	}
}

func (d *talker) Stop(out *framing.Out) { out.Send = append(out.Send, 'X') }

// warp is a clock that a test can put forward.
type warp struct{ ahead atomic.Int64 }

func (w *warp) now() time.Duration {
	return time.Duration(w.ahead.Load()) + time.Since(time.Unix(0, 0))
}

// watcher is a log that tells when the port was opened.
type watcher struct{ opened func() }

func (w watcher) Enabled(context.Context, slog.Level) bool { return true }
func (w watcher) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w watcher) WithGroup(string) slog.Handler            { return w }

func (w watcher) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "scanner opened" && w.opened != nil {
		w.opened()
	}
	return nil
}

// waitReadable waits until what the master wrote has come through to f.
func waitReadable(t testing.TB, f *os.File) {
	t.Helper()
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n != 1 {
			t.Fatalf("nothing came through: %d, %v", n, err)
		}
		return
	}
}
