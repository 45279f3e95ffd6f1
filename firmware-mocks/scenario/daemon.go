package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// daemon is sekishod as a process.
type daemon struct {
	cmd    *exec.Cmd
	page   string // address of its local API
	exited chan struct{}
	err    error  // of the process, once exited is closed
	last   string // line of its log, once exited is closed
}

// ErrNotReady says that the daemon ended, or said nothing, before it ran.
var ErrNotReady = errors.New("sekishod did not come up")

// readyTime is how long a daemon may take to open its ledger and listen.
const readyTime = 20 * time.Second

// startDaemon starts sekishod on a configuration and waits until it says that it
// runs. Everything that it logs is copied to log.
func startDaemon(ctx context.Context, binary, config string, log io.Writer, flags ...string) (*daemon, error) {
	d := &daemon{cmd: exec.Command(binary, append(flags, "--config", config)...), exited: make(chan struct{})}
	// Should this process be killed, its daemon goes with it; a Ctrl-C at the
	// console is for this process alone, which ends the daemon in good order.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	pages := make(chan string, 1)
	go func() {
		defer close(d.exited)
		d.last = follow(stderr, log, pages)
		d.err = d.cmd.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	select {
	case d.page = <-pages:
		return d, nil
	case <-d.exited:
		return nil, fmt.Errorf("%w: %s", ErrNotReady, d.last)
	case <-ctx.Done():
		d.kill()
		return nil, ErrNotReady
	}
}

// follow copies the daemon's log, takes its page's address out of it, and gives
// the last line.
func follow(stderr io.Reader, log io.Writer, pages chan<- string) (last string) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		last = lines.Text()
		fmt.Fprintln(log, last)
		var entry struct {
			Message string `json:"msg"`
			Page    string `json:"page"`
		}
		if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Message == "sekishod runs" {
			select {
			case pages <- entry.Page:
			default:
			}
		}
	}
	return last
}

// stop asks the daemon to end and waits until it has; the error is the
// process's.
func (d *daemon) stop(ctx context.Context) error {
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-d.exited:
		return d.err
	case <-ctx.Done():
		d.kill()
		return fmt.Errorf("sekishod did not end in time: %w", ctx.Err())
	}
}

// kill ends the daemon as a power cut would, but for the page cache.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may be gone already
	<-d.exited
}
