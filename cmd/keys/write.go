package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// owner is whose files are to be: where root works on a daemon's folder they
// must be the daemon's.
type owner struct{ uid, gid int }

// ownerLike gives the owner of a file or folder that is there.
func ownerLike(path string) (owner, error) {
	info, err := os.Stat(path)
	if err != nil {
		return owner{}, err
	}
	return ownerIn(info)
}

func ownerIn(info fs.FileInfo) (owner, error) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return owner{}, fmt.Errorf("the system does not tell whose %s is", info.Name())
	}
	return owner{int(stat.Uid), int(stat.Gid)}, nil
}

// write puts a file in its place, whole and on the disk, or leaves what is there.
func (o owner) write(folder, name, text string) error {
	next := filepath.Join(folder, name+".new")
	if err := o.create(next, name, text); err != nil {
		return fmt.Errorf("%s cannot be written: %w", next, err)
	}
	if err := os.Rename(next, filepath.Join(folder, name)); err != nil {
		return fmt.Errorf("%s cannot be put in its place: %w", next, err)
	}
	return syncFolder(folder)
}

// create writes a file anew; one with wider rights would keep them.
func (o owner) create(path, name, text string) (err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := o.takeOpen(file); err != nil {
		return err
	}
	if name == Certificate || name == BackendCA { // public, and of use to a technician
		if err := file.Chmod(0o644); err != nil {
			return err
		}
	}
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}

// takeFolder makes the owner that of a folder, where it is not. Its name stands in a
// folder of that owner's: what he put in its place meanwhile is not followed, or
// root would give him any file.
func (o owner) takeFolder(path string) error {
	dir, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(o.takeOpen(dir), dir.Close())
}

// takeOpen makes the owner that of an open file, where it is not.
func (o owner) takeOpen(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if is, err := ownerIn(info); err != nil || is == o {
		return err
	}
	return file.Chown(o.uid, o.gid)
}

// syncFolder makes names in a folder durable.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
