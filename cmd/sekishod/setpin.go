package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"sekisho/cmd/keys"
	"sekisho/cmd/prompt"
	"sekisho/cmd/settings"
	"sekisho/terminal/web/pin"
)

// The files of the manager's PIN, in the data folder: the hash beside the
// register's other secrets, and how many tries were wrong, which must survive a
// reboot.
const (
	pinFile   = "keys/" + keys.ManagerPIN
	triesFile = "pin.tries"
)

// gate guards the manager's page of a register.
func (d *runDir) gate(data string) *pin.Gate {
	return &pin.Gate{
		File: filepath.Join(data, pinFile), Tries: filepath.Join(data, triesFile),
		Boot: d.boot, Clock: machineClock{}.Boot,
	}
}

// setPIN reads a PIN from in, one line, and keeps its hash. The daemon may run:
// it reads the file at each try, and neither sees half of what the other does, nor
// do two that set it. Nobody is kept out while a person types.
func setPIN(cfg settings.Settings, in io.Reader) error {
	folder, err := keys.Find(cfg.Data)
	if err != nil {
		return err
	}
	const longest = 1024 // bytes; what is longer is refused below
	line, err := bufio.NewReader(io.LimitReader(in, longest)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the PIN cannot be read: %w", err)
	}
	gate := pin.Gate{File: filepath.Join(string(folder), keys.ManagerPIN), Tries: filepath.Join(cfg.Data, triesFile)}
	return gate.Change(strings.TrimRight(line, "\r\n"))
}

// askPIN is sekishod --set-pin.
func askPIN(ctx context.Context, cfg settings.Settings, in io.Reader, stdout, stderr io.Writer) int {
	fmt.Fprintln(stderr, "sekishod: type the manager's new PIN, at least six characters, and Enter; it is not shown")
	show := hide(in)
	err := setPIN(cfg, prompt.Reader(ctx, in))
	show()
	if err != nil {
		fmt.Fprintln(stderr, "sekishod:", err)
		return exitPerson
	}
	fmt.Fprintln(stdout, "the PIN is set")
	return 0
}

// hide keeps a terminal from showing what is typed, until show is called; what
// is no terminal shows nothing anyway. A process that is killed in between leaves
// it so, and stty echo mends it.
func hide(in io.Reader) (show func()) {
	file, ok := in.(*os.File)
	if !ok {
		return func() {}
	}
	before, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	if err != nil {
		return func() {}
	}
	silent := *before
	silent.Lflag = silent.Lflag&^unix.ECHO | unix.ECHONL
	if unix.IoctlSetTermios(int(file.Fd()), unix.TCSETSF, &silent) != nil {
		return func() {}
	}
	return func() { _ = unix.IoctlSetTermios(int(file.Fd()), unix.TCSETSF, before) } // else stty echo
}
