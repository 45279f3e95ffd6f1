package disk

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed preload/disk.c
var source string

// How says in what way an operation fails.
type How int64

// The ways in which an operation fails. Numbers are preload/disk.c's.
const (
	Once     How = 1 // EIO, and the disk works again
	FullOnce How = 2 // no room for a write, EIO for a sync; and it works again
	Half     How = 3 // half of a write, then no room for the rest; EIO for a sync
	FromHere How = 4 // EIO for this one and all that follow, until Mend
	NextSync How = 5 // EIO for the first sync or truncation from here on, and it works again
	Hang     How = 6 // a sync or truncation, which alone are counted, takes until Mend, and all others wait
)

// Names of the environment: preload/disk.c reads them.
const (
	envDir     = "TESTDISK_DIR"
	envLog     = "TESTDISK_LOG"
	envControl = "TESTDISK_CONTROL"
)

// Disk is a preloaded library and the files by which a test speaks with it.
type Disk struct {
	library string
	record  string // "" where nothing is recorded
	telling *os.File
	control *os.File
	data    string
}

// Make compiles the library into scratch, a folder of the test's own. The disk
// is for files under data, which need not be there yet; with record it writes
// down what they get. It needs a C compiler: CC, or cc.
func Make(ctx context.Context, scratch, data string, record bool) (*Disk, error) {
	scratch, err := filepath.EvalSymlinks(scratch)
	if err != nil {
		return nil, err
	}
	d := &Disk{library: filepath.Join(scratch, "disk.so"), data: data}
	if err := compile(ctx, scratch, d.library); err != nil {
		return nil, err
	}
	if record {
		d.record = filepath.Join(scratch, "record")
	}
	d.control, err = os.OpenFile(filepath.Join(scratch, "control"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := d.control.Truncate(controlSize); err != nil {
		return nil, errors.Join(err, d.control.Close())
	}
	return d, nil
}

func compile(ctx context.Context, scratch, library string) error {
	if _, err := os.Stat(library); err == nil {
		return nil
	}
	text := filepath.Join(scratch, "disk.c")
	if err := os.WriteFile(text, []byte(source), 0o600); err != nil {
		return err
	}
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	out, err := exec.CommandContext(ctx, cc, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, text, "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the disk for tests does not compile: %w\n%s", err, out)
	}
	return nil
}

// Environ is what a process needs in its environment to write to this disk.
func (d *Disk) Environ() []string {
	env := []string{"LD_PRELOAD=" + d.library, envDir + "=" + d.data, envControl + "=" + d.control.Name()}
	if d.record != "" {
		env = append(env, envLog+"="+d.record)
	}
	return env
}

// Inside gives the disk that this process writes to, or nil where it has none:
// for a test that runs itself again under one.
func Inside() (*Disk, error) {
	path := os.Getenv(envControl)
	if path == "" {
		return nil, nil
	}
	control, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	d := &Disk{record: os.Getenv(envLog), control: control, data: os.Getenv(envDir)}
	if d.record != "" {
		if d.telling, err = os.OpenFile(d.record, os.O_WRONLY|os.O_APPEND, 0); err != nil {
			return nil, errors.Join(err, control.Close())
		}
	}
	return d, nil
}

// Data is the folder whose files are on the disk.
func (d *Disk) Data() string { return d.data }

// Close lets go of the files; the library and the record stay.
func (d *Disk) Close() error {
	err := d.control.Close()
	if d.telling != nil {
		err = errors.Join(err, d.telling.Close())
	}
	return err
}

// The parts of struct control in preload/disk.c, in bytes.
const (
	atAt        = 0
	howAt       = 8
	passedAt    = 16
	failedAt    = 24
	fullAt      = 32
	controlSize = 40
)

func (d *Disk) set(at int64, value int64) error {
	_, err := d.control.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(value)), at)
	return err
}

func (d *Disk) get(at int64) (int64, error) {
	var b [8]byte
	_, err := d.control.ReadAt(b[:], at)
	return int64(binary.NativeEndian.Uint64(b[:])), err
}

// Fail lets the n-th write, truncation or sync from now on fail, counted from 1.
func (d *Disk) Fail(n int64, how How) error {
	return errors.Join(d.set(passedAt, 0), d.set(failedAt, 0), d.set(howAt, int64(how)), d.set(atAt, n))
}

// Mend lets everything succeed again, and says how many operations failed.
func (d *Disk) Mend() (failed int64, err error) {
	err = errors.Join(d.set(atAt, 0), d.set(fullAt, 0))
	if err != nil {
		return 0, err
	}
	return d.get(failedAt)
}

// Fill leaves no room on the disk, until Mend.
func (d *Disk) Fill() error { return errors.Join(d.set(failedAt, 0), d.set(fullAt, 1)) }

// Told writes into the record that the process told somebody something: it is
// a promise about all that is recorded before it. Only a disk that Inside gave
// can tell.
func (d *Disk) Told(text string) error {
	head := header{what: told, name: uint32(len(text))}
	_, err := d.telling.Write(append(head.bytes(), text...))
	return err
}

// Forget begins the record afresh.
func (d *Disk) Forget() error {
	err := os.Remove(d.record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
