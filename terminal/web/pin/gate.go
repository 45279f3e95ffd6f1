package pin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// free is how many wrong PINs cost no wait.
const free = 5

// The waits after more than that: the first, doubled with each, up to the last.
const (
	firstWait = time.Minute
	lastWait  = time.Hour
)

// Gate compares PINs. Its methods may be called from any goroutine.
type Gate struct {
	File  string               // holds the hash, mode 0600; see Hash
	Tries string               // holds how many were wrong
	Boot  string               // names the present boot of the machine
	Clock func() time.Duration // since boot, suspend included

	mu       sync.Mutex
	patience time.Duration                       // with another process; lockWait where 0
	compare  func(phc, pin string) (bool, error) // verify where nil; a test need not burn the time that a hash takes
}

// The errors of a gate; match them with errors.Is. A wait is a *Wait.
var (
	ErrNotSet = errors.New("no PIN is set")
	ErrWrong  = errors.New("this is not the PIN")
)

// Wait says that no PIN is compared for now.
type Wait struct{ Left time.Duration }

// Error says how long, in whole minutes.
func (w *Wait) Error() string {
	return fmt.Sprintf("too many wrong PINs: wait %d minutes", w.Minutes())
}

// Minutes gives what is left, rounded up.
func (w *Wait) Minutes() int64 { return int64((w.Left + time.Minute - 1) / time.Minute) }

// tries is the file's form.
type tries struct {
	Wrong int64         `json:"wrong"`
	Boot  string        `json:"boot_id"`
	At    time.Duration `json:"at"` // of the last one, nanoseconds since that boot
}

// Set says whether a PIN is set: an error where there is something else in its
// place.
func (g *Gate) Set() (bool, error) {
	_, err := g.hash()
	if errors.Is(err, ErrNotSet) {
		return false, nil
	}
	return err == nil, err
}

// Try compares a PIN: nil where it is right, ErrWrong, *Wait, ErrNotSet, ErrBusy,
// or why nothing can be compared.
func (g *Gate) Try(pin string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.hash(); err != nil {
		return err // there may be no folder either
	}
	return g.locked(func() error { return g.try(pin) })
}

// Change sets another PIN, or the first one, and forgets the tries that were wrong:
// whoever may write the file can always end a wait. It may run beside other
// processes that try or change it: the last one counts, as a whole. ErrWeak says
// that the PIN is none.
func (g *Gate) Change(pin string) error {
	phc, err := Hash(pin)
	if err != nil {
		return err
	}
	return g.locked(func() error {
		if err := Keep(g.File, []byte(phc+"\n")); err != nil {
			return fmt.Errorf("the PIN cannot be kept: %w", err)
		}
		if err := os.Remove(g.Tries); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the PIN is set, but the wrong tries cannot be forgotten: %w", err)
		}
		return nil
	})
}

// try is Try once nobody else is at the PIN.
func (g *Gate) try(pin string) error {
	phc, err := g.hash()
	if err != nil {
		return err
	}
	t := g.load()
	if left := g.left(t); left > 0 {
		return &Wait{Left: left}
	}
	if err := g.save(tries{Wrong: t.Wrong + 1, Boot: g.Boot, At: g.Clock()}); err != nil {
		return fmt.Errorf("the try cannot be counted, so no PIN is compared: %w", err)
	}
	compare := verify
	if g.compare != nil {
		compare = g.compare
	}
	right, err := compare(phc, pin)
	switch {
	case err != nil:
		return err
	case !right:
		return ErrWrong
	}
	if err := g.save(tries{}); err != nil {
		return fmt.Errorf("the tries cannot be forgotten: %w", err)
	}
	return nil
}

// hash reads the PIN's hash; a file that others can read or change is none.
func (g *Gate) hash() (string, error) {
	info, err := os.Lstat(g.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotSet
	}
	if err != nil {
		return "", fmt.Errorf("the PIN's file cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%w (its mode must be 0600)", ErrFormat)
	}
	text, err := os.ReadFile(g.File)
	if err != nil {
		return "", fmt.Errorf("the PIN's file cannot be read: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// load reads how many tries were wrong. A file that cannot be read counts as
// the longest wait, from the boot on: whoever damages it gains nothing.
func (g *Gate) load() tries {
	worst := tries{Wrong: 1 << 20}
	text, err := os.ReadFile(g.Tries)
	if errors.Is(err, fs.ErrNotExist) {
		return tries{}
	}
	var t tries
	if err != nil || json.Unmarshal(text, &t) != nil || t.Wrong < 0 {
		return worst
	}
	return t
}

// left is how long the next try has to wait. A wait of an earlier boot begins
// again with this one: how long the machine was off nobody can prove.
func (g *Gate) left(t tries) time.Duration {
	since := g.Clock()
	if t.Boot == g.Boot {
		since -= t.At
	}
	if since < 0 {
		since = 0
	}
	return max(0, waitAfter(t.Wrong)-since)
}

// waitAfter is the wait after so many wrong PINs in a row.
func waitAfter(wrong int64) time.Duration {
	if wrong < free {
		return 0
	}
	wait := firstWait
	for range wrong - free {
		if wait *= 2; wait >= lastWait {
			return lastWait
		}
	}
	return wait
}

func (g *Gate) save(t tries) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return Keep(g.Tries, text)
}
