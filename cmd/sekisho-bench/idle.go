package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

const (
	residentLimit = 40e6 // bytes: a register with 2 GB runs POS and browser beside it
	readyLimit    = 150 * time.Millisecond
	starts        = 15
	manyPayments  = 1000
	idleAfter     = 5 * time.Minute
)

// several is more than one figure of one measurement.
type several []fmt.Stringer

// String is a line for each.
func (s several) String() string {
	lines := make([]string, len(s))
	for i, f := range s {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// daemonWorld gives the real daemon, built as make build does, with its scanner
// and backend, ready to sell. The caller ends it.
func daemonWorld(ctx context.Context) (_ *scenario.World, end func() error, err error) {
	dir, err := os.MkdirTemp("", "sekisho-bench")
	if err != nil {
		return nil, nil, err
	}
	end = func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	binary := filepath.Join(dir, "sekishod")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "sekisho/cmd/sekishod").CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("sekishod does not build: %w\n%s", err, out)
	}
	w, err := scenario.NewWorld(ctx, scenario.Setup{
		Dir: filepath.Join(dir, "world"), Binary: binary, Listen: "127.0.0.1:0", Rules: scenario.DemoRules(), Fast: true, Log: io.Discard,
	})
	if err != nil {
		return nil, nil, err
	}
	end = func() error { return errors.Join(w.Close(context.WithoutCancel(ctx)), os.RemoveAll(dir)) }
	return w, end, w.Ready(ctx)
}

// idle measures the real daemon, built as make build does, in a world with
// scanner and backend: its resident memory once the line is up, the same after
// 1,000 payments, and the time from its start to the first page after a clean
// stop. The limits are the promises themselves.
func idle() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), idleAfter)
	defer cancel()
	w, end, err := daemonWorld(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	fresh, err := resident(w.Process())
	if err != nil {
		return nil, err
	}
	if err := shift(ctx, w); err != nil {
		return nil, err
	}
	worked, err := resident(w.Process())
	if err != nil {
		return nil, err
	}
	ready, err := restarts(ctx, w)
	return several{
		bytesFigure{"idle-memory", fresh, "promise", residentLimit, 1},
		bytesFigure{"memory-after-1000-payments", worked, "promise", residentLimit, 1},
		figure{"start-to-ready", ready, "promise", readyLimit, 1},
	}, err
}

// shift sells lunch after lunch.
func shift(ctx context.Context, w *scenario.World) error {
	customer, err := w.NewCustomer(ctx, "regular", 365*24*time.Hour, walletsim.Ceilings{Yen: 10_000, Count: 10})
	if err != nil {
		return err
	}
	for range manyPayments {
		code, err := customer.Phone.Pass()
		if err != nil {
			return err
		}
		ref := w.NextRef()
		if err := w.Till.Put(ctx, ref, []terminal.Line{meal}); err != nil {
			return err
		}
		if err := w.ShowText(ctx, code); err != nil {
			return err
		}
		s, err := w.Till.Await(ctx, func(s scenario.State) bool {
			return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome == terminal.OutcomeApproved
		})
		if err != nil {
			return err
		}
		if err := w.Till.HandOver(ctx, s.Verdict.Payment); err != nil {
			return err
		}
	}
	return nil
}

// restarts gives the median time from the start of the process to its word that
// it runs and serves.
func restarts(ctx context.Context, w *scenario.World) (time.Duration, error) {
	var times []time.Duration
	for range starts {
		if err := w.StopDaemon(ctx); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := w.StartDaemon(ctx); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	return median(times), nil
}

// resident is how many bytes of a process are in memory (proc_pid_status(5)).
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, errors.New("the kernel does not tell how much memory is used")
}
