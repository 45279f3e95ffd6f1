package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// bootIDFile names the present boot of the machine (random(4)).
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// runDir keeps the register's anchor from one boot to the next. The folder lies
// in memory on an installed register, so that it is gone after a reboot; the
// boot id tells a stale one where it does not.
type runDir struct {
	path string
	boot string
}

// anchorFile is the file's form.
type anchorFile struct {
	Boot        string               `json:"boot_id"`
	Incarnation terminal.Incarnation `json:"incarnation"`
	Size        int64                `json:"journal_size"`
	Root        tlog.Hash            `json:"journal_root"`
	Told        terminal.Millis      `json:"backend_time,omitempty"`
	ToldAt      time.Duration        `json:"backend_time_at,omitempty"` // nanoseconds since boot
	Heard       bool                 `json:"heard,omitempty"`
	HeardAt     time.Duration        `json:"heard_at,omitempty"`
}

// openRunDir makes the folder where it is not there, and reads the boot id from
// the file that the kernel gives it in.
func openRunDir(dir, bootFile string) (*runDir, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the run directory cannot be made: %w", err)
	}
	if err := alone(dir); err != nil {
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	text, err := os.ReadFile(bootFile)
	if err != nil {
		return nil, fmt.Errorf("the boot id cannot be read: %w", err)
	}
	boot := strings.TrimSpace(string(text))
	if boot == "" {
		return nil, errors.New("the boot id is empty: without it a reboot could not be told")
	}
	return &runDir{path: filepath.Join(dir, "anchor.json"), boot: boot}, nil
}

// What a run folder can be refused for; match them with errors.Is.
var (
	errRunLocked = errors.New("another sekishod uses it: stop that one, or give this one a run folder of its own")
	errRunOpen   = errors.New("others may write into it, and could put an anchor and tokens of their own there: make it the daemon's own, with chown and chmod 700")
)

// alone refuses a folder into which another user may write, or that is another
// user's.
func alone(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm()&0o022 != 0 || !known || int(owner.Uid) != os.Geteuid() {
		return errRunOpen
	}
	return nil
}

// lockRun keeps the run folder for this process alone, until the file is closed
// or the process dies: of two daemons on one anchor each would undo the other's.
// The lock is on a file in the folder, not on the folder as in offline, so that
// data and run may be one.
func lockRun(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the run directory cannot be locked: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errRunLocked
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("run folder %s: %w", dir, err)
	}
	return file, nil
}

// load gives the anchor of this boot, or one with a new incarnation: after a
// boot, and where the file is damaged. Rights of the old incarnation are then
// burnt by the backend, which is safe and costs a part of the day's quota.
func (d *runDir) load() register.Anchor {
	var f anchorFile
	text, err := os.ReadFile(d.path)
	if err != nil || json.Unmarshal(text, &f) != nil || f.Boot != d.boot || !wellFormed(f) {
		return fresh()
	}
	a := register.Anchor{
		Incarnation: f.Incarnation, Head: journal.Head{Size: f.Size, Root: f.Root},
		ToldAt: f.ToldAt, Heard: f.Heard, HeardAt: f.HeardAt,
	}
	if f.Told != 0 {
		a.Told = f.Told.Time()
	}
	return a
}

// wellFormed says whether a file holds what Save writes: an incarnation as fresh
// makes it, and a size that a journal can have.
func wellFormed(f anchorFile) bool {
	id, err := hex.DecodeString(string(f.Incarnation))
	return err == nil && len(id) == 16 && f.Size >= 0
}

func fresh() register.Anchor {
	return register.Anchor{Incarnation: register.NewIncarnation()}
}

// Save implements register.AnchorStore. The new file takes the old one's place
// in one step, so that a killed process leaves one or the other.
func (d *runDir) Save(a register.Anchor) error {
	f := anchorFile{
		Boot: d.boot, Incarnation: a.Incarnation, Size: a.Head.Size, Root: a.Head.Root,
		ToldAt: a.ToldAt, Heard: a.Heard, HeardAt: a.HeardAt,
	}
	if !a.Told.IsZero() {
		f.Told = terminal.MillisOf(a.Told)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	next := d.path + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, d.path)
}

// anchored compares the ledger with the anchor, and says what is wrong with it:
// register.LedgerOlder or register.LedgerForked, "" for nothing. headAt gives the
// ledger's head as it was at a size. A ledger that is not the one of the last
// commit of this boot was put back or changed: what it says is held may have been
// spent, so the rights die with a new incarnation. That is saved with the first
// commit, which makes the quarantine durable: killed before, the next start finds
// it again.
func anchored(a register.Anchor, ledger journal.Head, headAt func(int64) (journal.Head, error), log *slog.Logger) (register.Anchor, string, error) {
	if a.Head.Size == 0 || ledger == a.Head {
		return a, "", nil
	}
	wrong := register.LedgerOlder
	if ledger.Size >= a.Head.Size {
		then, err := headAt(a.Head.Size)
		if err != nil {
			return a, "", fmt.Errorf("the ledger cannot be compared with this boot's last entry: %w", err)
		}
		if then == a.Head {
			return a, "", nil
		}
		wrong = register.LedgerForked
	}
	log.Error("the ledger is not that of this boot's last entry: it was put back or changed; this register starts with no rights to sell from caps, in quarantine",
		"reason", wrong, "ledger_size", ledger.Size, "last_size", a.Head.Size)
	return fresh(), wrong, nil
}
