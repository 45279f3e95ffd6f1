package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sekisho/scanner/framing"
	"sekisho/scanner/sheet"
)

// drawSheet is "sekisho doctor scanner --sheet FILE": it draws a family's
// programming codes into a new file, and leaves none where it cannot.
func (s *staff) drawSheet(file, family string) error {
	of := framing.Family(cmp.Or(family, s.cfg.ScannerFamily, string(framing.FamilyRaw)))
	if !slices.Contains(framing.Families(), of) {
		return person(fmt.Errorf("%s is no family of scanners: it is one of %s", of, join(framing.Families())))
	}
	page, err := sheet.For(of)
	if err != nil {
		return person(err)
	}
	var draw func(io.Writer) error
	switch strings.ToLower(filepath.Ext(file)) {
	case ".pdf":
		draw = page.PDF
	case ".png":
		draw = page.PNG
	default:
		return person(fmt.Errorf("%s is neither a PDF nor a PNG: let its name end in .pdf or .png", file))
	}
	if err := newFile(file, draw); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %d codes for %s units, in their order\n-> print it at full size, and show the codes to the unit one by one\n", file, len(page.Steps), page.Maker)
	return nil
}

// newFile has a file written that was not there before; what fails leaves none.
func newFile(name string, write func(io.Writer) error) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return person(fmt.Errorf("%s is there already: take another name, or remove it first", name))
	}
	if err != nil {
		return person(fmt.Errorf("the sheet cannot be written: %w", err))
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("the sheet cannot be written: %w", err), os.Remove(name))
	}
	return nil
}
