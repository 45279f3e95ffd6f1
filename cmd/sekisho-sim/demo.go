package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/scenario"
)

// demoTime bounds the shift, which takes about a minute.
const demoTime = 5 * time.Minute

func demoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a short shift at a till, then stay up for you to play",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	cmd.Flags().StringVar(&d.dir, "dir", ".demo", "`DIR` for the demo's keys and data; its last shift is removed")
	cmd.Flags().StringVar(&d.sekishod, "sekishod", beside("sekishod"), "the daemon's `BINARY`")
	cmd.Flags().StringVar(&d.sekisho, "sekisho", beside("sekisho"), "the staff's command `BINARY`, which enrols the register; \"\" for a line without TLS")
	cmd.Flags().BoolVar(&d.once, "once", false, "end after the shift; exit status 0 only if all came out as it must")
	cmd.Flags().BoolVar(&d.fast, "fast", false, "do not pace the scanner's bytes like a 9600 baud line")
	return cmd
}

// demo is what the flags say.
type demo struct {
	dir, sekishod, sekisho string
	once, fast             bool
}

// beside finds a binary next to this one.
func beside(name string) string {
	self, err := os.Executable()
	if err != nil {
		return name
	}
	return filepath.Join(filepath.Dir(self), name)
}

func (d demo) run(ctx context.Context, out io.Writer) error {
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return err
	}
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := clean(dir); err != nil {
		return fmt.Errorf("the last demo's data cannot be removed: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "demo.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	err = d.shift(ctx, dir, out, log)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("the shift did not come out as it must; %s tells more:\n%w", filepath.Join(d.dir, "demo.log"), err)
	}
	return nil
}

// lock keeps a second demo from cleaning away the first one's ledgers, and a
// second backend from telling the operator's commands its own addresses.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another demo or backend uses %s: end it first, or choose another folder with --dir", dir)
	}
	return func() { f.Close() }, nil
}

// clean removes what an earlier demo left; head office's keys stay.
func clean(dir string) error {
	var errs []error
	for _, name := range []string{"register", "run", "dev", "sekishod.toml", "backend.db", "backend.db-wal", "backend.db-shm", "backend.json"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
	}
	return errors.Join(errs...)
}

func (d demo) shift(ctx context.Context, dir string, out, log io.Writer) (err error) {
	limited, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	listen := "127.0.0.1:8470"
	if d.once {
		listen = "127.0.0.1:0" // a CI machine may have another demo
	}
	w, err := scenario.NewWorld(limited, scenario.Setup{
		Dir: dir, Binary: d.sekishod, Enrols: d.sekisho, Listen: listen, Rules: scenario.DemoRules(), Fast: d.fast, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, w.Close(closing))
	}()
	fmt.Fprintf(out, "cashier's page  %s\n\n", w.Page())
	s, err := scenario.PlayShift(limited, w, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d customers, all served as they must be\n", len(s.Results))
	if d.once {
		return nil
	}
	return stay(ctx, w, out)
}
