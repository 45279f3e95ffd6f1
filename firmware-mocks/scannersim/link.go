package scannersim

import (
	"errors"
	"fmt"
	"os"
)

// setLink points link at device in one step, so that a till never finds half
// of it.
func setLink(link, device string) error {
	info, err := os.Lstat(link)
	if err == nil && info.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("%s: %w and is no link", link, os.ErrExist)
	}
	next := link + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Symlink(device, next); err != nil {
		return err
	}
	return os.Rename(next, link)
}

// removeLink removes link as long as it leads to device, and leaves it where
// another simulator has taken it over.
func removeLink(link, device string) error {
	if target, err := os.Readlink(link); err != nil || target != device {
		return nil
	}
	return os.Remove(link)
}
