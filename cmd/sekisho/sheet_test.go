package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A sheet that could not be written to its end is not there to be printed.
func TestNewFileLeavesNoHalf(t *testing.T) {
	name := filepath.Join(t.TempDir(), "codes.pdf")
	full := errors.New("no space left")
	err := newFile(name, func(w io.Writer) error {
		_, err := w.Write([]byte("%PDF"))
		return errors.Join(err, full)
	})
	if !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a file is left: %v", err)
	}
}
