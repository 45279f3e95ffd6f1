package pin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// How long a process waits for another that is at the PIN, and how often it looks.
// A try takes some 50 ms and two writes.
const (
	lockWait = 5 * time.Second
	lockLook = 10 * time.Millisecond
)

// ErrBusy says that another process is at the PIN; match it with errors.Is.
var ErrBusy = errors.New("another process is at the PIN: try again in a moment")

// locked runs step while no other process tries or changes the PIN: a try that
// began under the old one would bring back the wrong tries that a change forgot.
// The lock is on the folder of the PIN's file, which is there anyway and which
// root and the daemon's user can both open, and dies with the process.
func (g *Gate) locked(step func() error) error {
	folder, err := os.Open(filepath.Dir(g.File))
	if err != nil {
		return fmt.Errorf("the PIN's folder cannot be locked: %w", err)
	}
	defer folder.Close()
	patience := lockWait
	if g.patience > 0 {
		patience = g.patience
	}
	until := time.Now().Add(patience)
	for {
		err = unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			break
		}
		if time.Now().After(until) {
			return ErrBusy
		}
		time.Sleep(lockLook)
	}
	if err != nil {
		return fmt.Errorf("the PIN's folder cannot be locked: %w", err)
	}
	return step()
}
