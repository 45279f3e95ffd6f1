package offline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// The files of a data folder, and what SQLite keeps beside each.
const (
	ledgerFile = "ledger.db"
	cacheFile  = "cache.db"
	logSuffix  = "-wal"
	shmSuffix  = "-shm"
)

// folder is the data folder, locked for as long as it is open.
type folder struct {
	path string
	dir  *os.File
}

// lockFolder makes the folder where there is none, keeps others out of it, and
// locks it. The lock dies with the process.
func lockFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := claim(dir); err != nil {
		dir.Close()
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return &folder{path: path, dir: dir}, nil
}

func claim(dir *os.File) error {
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSticky != 0 {
		return ErrShared
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	} else if err != nil {
		return err
	}
	return dir.Chmod(0o700)
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// create makes an empty file where there is none, and says whether it did. It
// must not run while SQLite has the file open: closing any descriptor of a file
// drops the process's locks on it (fcntl, POSIX).
func (f *folder) create(name string) (fresh bool, err error) {
	path := f.file(name)
	created, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, os.Chmod(path, 0o600)
	}
	if err != nil {
		return false, err
	}
	return true, created.Close()
}

// has says whether there is such a file.
func (f *folder) has(name string) bool {
	_, err := os.Lstat(f.file(name))
	return err == nil
}

// sync makes the names of new files durable.
func (f *folder) sync() error { return f.dir.Sync() }

// close lets go of the folder.
func (f *folder) close() error { return f.dir.Close() }
