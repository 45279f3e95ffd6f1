package scanner

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sekisho/scanner/framing"
)

// freshPort says what a test wrote down: a text is bytes, "" is silence, and the
// end is a port that went away.
type freshPort struct {
	t     *testing.T
	steps []string
}

func (p *freshPort) silent(d time.Duration) (bool, error) {
	if d != 50*time.Millisecond {
		p.t.Errorf("a silence of %v is enough", d)
	}
	return len(p.steps) > 0 && p.steps[0] == "", nil
}

func (p *freshPort) Read(b []byte) (int, error) {
	if len(p.steps) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.steps[0])
	p.steps = p.steps[1:]
	return n, nil
}

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string
		there bool
		told  []string
	}{
		{"silence", []string{""}, true, nil},
		{"noise", []string{"1234", "5\r", "6", ""}, true, []string{"dropped fresh 4"}},
		{"noise, then gone", []string{"1234"}, false, []string{"dropped fresh 4"}},
		{"gone", nil, false, nil},
	} {
		var told []string
		there := settle(t.Context(), &freshPort{t, c.steps}, func(e Event) {
			told = append(told, fmt.Sprintf("%s %s %d", e.Kind, e.Reason, e.Bytes))
			e.Reply(framing.Bad) // does nothing
		})
		if there != c.there || !slices.Equal(told, c.told) {
			t.Errorf("%s: there %v, told %q; want %v, %q", c.name, there, told, c.there, c.told)
		}
	}
}

func TestSettlingEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	noise := &freshPort{t, slices.Repeat([]string{"1"}, 100)}
	if !settle(ctx, noise, func(Event) { stop() }) || len(noise.steps) != 99 {
		t.Errorf("it goes on; %d left", len(noise.steps))
	}
}

// The kernel's mark on a pty would outlive a crash of the till: the player of the
// scanner holds it open. A real port is marked, and shut with it.
func TestOnlyARealPortIsMarked(t *testing.T) {
	_, slave := newPTY(t)
	p, err := openPort(Config{Path: slave.Name()})
	if err != nil {
		t.Fatal(err)
	}
	if marked(t, slave) {
		t.Error("a pty is marked")
	}
	p.close(true)
	for device, want := range map[uint64]bool{unix.Mkdev(136, 0): false, unix.Mkdev(143, 255): false, unix.Mkdev(166, 0): true, unix.Mkdev(4, 64): true, unix.Mkdev(188, 0): true} {
		if err := exclude(slave, device); err != nil || marked(t, slave) != want {
			t.Errorf("device %d: %v, marked %v", unix.Major(device), err, !want)
		}
		if err := unix.IoctlSetInt(int(slave.Fd()), unix.TIOCNXCL, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// opened gives both ends of a pty, the till's opened as a port.
func opened(t *testing.T) (master *os.File, p *port) {
	t.Helper()
	master, slave := newPTY(t)
	p, err := openPort(Config{Path: slave.Name()})
	if err != nil {
		t.Fatal(err)
	}
	return master, p
}

func newPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close(); slave.Close() })
	return master, slave
}

// The last word reaches the unit when the port is left on purpose.
func TestTheLastWordIsHeard(t *testing.T) {
	master, p := opened(t)
	p.send([]byte("let go"))
	p.close(true)
	fds := []unix.PollFd{{Fd: int32(master.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 20_000); n != 1 || err != nil {
		t.Errorf("nothing came, %v", err)
	}
}

// A link that is pointed elsewhere while the port is being opened would have the
// till read one unit and answer another.
func TestALinkThatMovesIsNoPort(t *testing.T) {
	_, first := newPTY(t)
	_, second := newPTY(t)
	out, err := os.OpenFile(first.Name(), os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if in, err := openReader(out, Config{Path: second.Name()}); err == nil || openReason(err) != ReasonAbsent {
		t.Errorf("got %v, %v", in, err)
	}
}

// More than a unit could ever be owed is a unit that takes no bytes.
func TestI8AFullQueueIsAStuckPort(t *testing.T) {
	p := &port{queue: make(chan []byte, 1)} // that nobody writes
	p.send(nil)                             // takes no place
	if p.send([]byte("1")); p.stuck.Load() {
		t.Error("stuck with one answer")
	}
	if p.send([]byte("2")); !p.stuck.Load() {
		t.Error("not stuck")
	}
}

func marked(t *testing.T, f *os.File) bool {
	t.Helper()
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGEXCL)
	if err != nil {
		t.Fatal(err)
	}
	return n != 0
}

// What was handed on is neither kept nor handed on again.
func TestI7NoTextStaysBehind(t *testing.T) {
	s := New(Config{Path: "x"}, nil)
	for range 3 {
		told := 0
		on := func(Event) { told++ }
		s.drive(func(now time.Duration) { s.line.Feed(now, []byte("49400762\r4940\r"), &s.out) }, on)
		s.drive(func(now time.Duration) { s.line.Tick(now, &s.out) }, on)
		if told != 2 || len(s.out.Got) != 0 {
			t.Errorf("%d events of 2 scans, %d kept", told, len(s.out.Got))
		}
		for _, memory := range [][]framing.Got{s.out.Got[:cap(s.out.Got)], s.spare[:cap(s.spare)]} {
			for _, g := range memory {
				if g != (framing.Got{}) {
					t.Error("a text stays")
				}
			}
		}
	}
}

func TestDisconnectedIsToldOnceForEachReason(t *testing.T) {
	for _, c := range []struct{ reasons, want []string }{
		{[]string{"absent", "absent", "absent"}, []string{"absent"}},
		{[]string{"unplugged", "absent", "absent"}, []string{"unplugged"}},
		{[]string{"absent", "denied", "denied", "absent"}, []string{"absent", "denied", "absent"}},
		{[]string{"unplugged", "", "unplugged"}, []string{"unplugged"}},
	} {
		s := New(Config{Path: "x"}, nil)
		var got []string
		for _, reason := range c.reasons {
			s.disconnected(reason, func(e Event) { got = append(got, e.Reason) })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("after %q: told %q, want %q", c.reasons, got, c.want)
		}
	}
}

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// A port that is tried all night, because another program holds it, because a link
// moved or because nothing is there, and one that comes and goes, leaves nothing
// open behind it. No program that the till starts gets a port, and with it the lock.
func TestI8NoDescriptorIsLeft(t *testing.T) {
	_, slave := newPTY(t)
	master, held := opened(t)
	defer held.close(false)
	for _, f := range []*os.File{held.out, master} {
		err := control(f, func(fd int) error {
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
			if err == nil && flags&unix.FD_CLOEXEC == 0 {
				t.Error("a child would have it")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	none := t.TempDir() + "/none"
	before := descriptors(t)
	for range 1000 {
		p, err := openPort(Config{Path: slave.Name()})
		if err != nil {
			t.Fatal(err)
		}
		p.send([]byte("1"))
		p.close(false)
		for path, want := range map[string]string{held.out.Name(): ReasonBusy, "/dev/null": ReasonNotAPort, none: ReasonAbsent} {
			if p, err := openPort(Config{Path: path}); err == nil || openReason(err) != want {
				t.Fatalf("%s: %v, %v", path, p, err)
			}
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d are open, %d were", after, before)
	}
}
