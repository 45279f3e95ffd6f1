package offline

import (
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"

	"sekisho/terminal/register"
)

// What Open can say. Match them with errors.Is. After Close every method gives
// ErrClosed; from Decide it also wraps register.ErrNotStored.
var (
	ErrLocked     = errors.New("another process uses this data folder: stop it, or give this one a folder of its own")
	ErrShared     = errors.New("this folder is shared by all users: give the register a folder of its own")
	ErrNewer      = errors.New("this file was written by a later release that this one cannot read: install that release again; the file was left as it is")
	ErrDamaged    = errors.New("this file is damaged")
	ErrNotDurable = errors.New("SQLite does not wait for the disk (WAL with synchronous=FULL is needed): a power cut would lose payments")
	ErrClosed     = errors.New("the store is closed")
)

// errRefused says that changes break a rule of the contract: a bug of the
// caller's, not of the disk.
var errRefused = errors.New("the changes were refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errRefused, fmt.Sprintf(format, args...))
}

func notStored(cause error) error {
	return fmt.Errorf("offline: %w: %w", register.ErrNotStored, cause)
}

func inDoubt(cause error) error {
	return fmt.Errorf("offline: %w: %w", register.ErrInDoubt, cause)
}

// damaged says whether SQLite found the file itself to be wrong.
func damaged(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB)
}

// broken says whether the connection must not be trusted after err: the disk
// or the file failed, not the statement.
func broken(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrIoErr || e.Code == sqlite3.ErrNomem || damaged(err))
}
