package pin

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// change sets a PIN however long others are at it: the machine may be slow.
func (m *machine) change(pin string) error {
	for {
		if err := m.gate().Change(pin); !errors.Is(err, ErrBusy) {
			return err
		}
	}
}

// A try is under way while another process sets a new PIN: it is over first, or it
// would write the wrong tries again that the new PIN forgot, and the wait that it
// ended would go on.
func TestI6ANewPINDoesNotOvertakeATry(t *testing.T) {
	m := newMachine(t, "246810")
	for range free {
		m.want("wrong!", ErrWrong)
	}
	m.now += lastWait
	changed := make(chan error, 1)
	g := m.gate()
	g.compare = func(phc, pin string) (bool, error) {
		go func() { changed <- m.change("135791") }()
		folder, err := os.Open(m.dir)
		if err != nil {
			return false, err
		}
		defer folder.Close()
		if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
			t.Errorf("a try keeps nobody out: %v", err)
		}
		return verify(phc, pin)
	}
	if err := g.Try("wrong!"); !errors.Is(err, ErrWrong) {
		t.Fatal(err)
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(m.path("tries")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("wrong tries after a new PIN: %v", err)
	}
	if err := m.gate().Try("135791"); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
}

// Many set the PIN at once: each says what became of it, and one of them counts.
func TestTheLastOfManyNewPINsCounts(t *testing.T) {
	m := newMachine(t, "")
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			if err := m.change(fmt.Sprintf("24681%d", n)); err != nil {
				t.Errorf("PIN %d: %v", n, err)
			}
		})
	}
	all.Wait()
	right := 0
	for n := range 4 {
		phc, err := m.gate().hash()
		if err != nil {
			t.Fatal(err)
		}
		if is, err := verify(phc, fmt.Sprintf("24681%d", n)); err != nil {
			t.Fatal(err)
		} else if is {
			right++
		}
	}
	if right != 1 {
		t.Errorf("%d PINs are right", right)
	}
}

// I8: nobody waits for ever for a process that hangs.
func TestI8APINThatSomebodyElseHoldsIsBusy(t *testing.T) {
	m := newMachine(t, "246810")
	folder, err := os.Open(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	g := m.gate()
	g.patience = time.Millisecond
	if err := g.Try("246810"); !errors.Is(err, ErrBusy) {
		t.Errorf("a try: %v", err)
	}
	if err := g.Change("135791"); !errors.Is(err, ErrBusy) {
		t.Errorf("a new PIN: %v", err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	m.want("246810", nil)
}
