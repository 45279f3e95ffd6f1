package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// fleet is how many registers are linked to one backend at once.
const fleet = 10_000

// fleetPatience bounds the whole of it: 10,000 enrolments and dials on a busy
// machine.
const fleetPatience = 10 * time.Minute

// muster is what the clients' process is told on its standard input.
type muster struct {
	URL   string   `json:"url"`
	CA    string   `json:"ca"`
	Codes []string `json:"codes"` // one-time codes, for register 0, 1 and so on
}

// fleetFigure is what was found. Nothing is promised of it.
type fleetFigure struct {
	heap, rss float64       // bytes a register
	linked    time.Duration // all of them, dial to welcome
	first     time.Duration // the freeze, published to applied
	last      time.Duration
}

// String is two of the bench's lines.
func (f fleetFigure) String() string {
	return fmt.Sprintf("bench: backend-memory %.1f KiB a register, with goroutines' stacks and buffers (resident %.1f KiB), %d linked over TLS in %.1f s\n"+
		"bench: freeze-to-the-last of %d registers %.0f ms (first %.1f ms), verified by each",
		f.heap/1024, f.rss/1024, fleet, f.linked.Seconds(), fleet, millis(f.last), millis(f.first))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// fleetFigures links many registers, in a process of their own, to one backend
// in this one.
func fleetFigures() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), fleetPatience)
	defer cancel()
	dir, err := os.MkdirTemp("", "sekisho-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	keys, err := scenario.MakeKeys(dir+"/operator", dir+"/register", policy.Identity{Register: "r", Store: "s", Class: scenario.Class, Realm: scenario.Realm})
	if err != nil {
		return nil, err
	}
	b, told, end, err := headquarters(ctx, dir+"/operator", fleet)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	c, err := summon(ctx, told)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.dismiss()) }()
	var f fleetFigure
	if err := c.hear("enrolled"); err != nil {
		return nil, err
	}
	heapBefore := inUse()
	rssBefore, err := resident(os.Getpid())
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := c.order("link"); err != nil {
		return nil, err
	}
	if err := c.hear("linked"); err != nil {
		return nil, err
	}
	f.linked = time.Since(began)
	rss, err := resident(os.Getpid())
	if err != nil {
		return nil, err
	}
	f.heap, f.rss = (inUse()-heapBefore)/fleet, (rss-rssBefore)/fleet
	at := time.Now()
	if err := freezeAll(ctx, b, keys); err != nil {
		return nil, err
	}
	var first, last int64
	if err := c.hear("frozen", &first, &last); err != nil {
		return nil, err
	}
	f.first, f.last = time.Duration(first-at.UnixNano()), time.Duration(last-at.UnixNano())
	return f, nil
}

// headquarters serves a backend in memory, and has a code for each of so many
// registers.
func headquarters(ctx context.Context, operator string, registers int) (*backendsim.Backend, muster, func() error, error) {
	b, err := scenario.OpenOperatorsBackend(ctx, operator, backendsim.Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, muster{}, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, muster{}, nil, errors.Join(err, b.Close())
	}
	served := make(chan error, 1)
	go func() { served <- b.ServeTLS(listener, "127.0.0.1") }()
	end := func() error { return errors.Join(b.Close(), <-served) }
	told := muster{URL: "wss://" + listener.Addr().String() + backendsim.Path, CA: b.CA()}
	for n := range registers {
		code, err := b.Code(ctx, terminal.StoreID(fmt.Sprintf("store-%d", n/3)), fleetRegister(n), "")
		if err != nil {
			return nil, told, nil, errors.Join(err, end())
		}
		told.Codes = append(told.Codes, code.Text())
	}
	return b, told, end, nil
}

func fleetRegister(n int) terminal.RegisterID { return terminal.RegisterID(fmt.Sprintf("r%05d", n)) }

// freezeAll stops a kind of goods everywhere.
func freezeAll(ctx context.Context, b *backendsim.Backend, keys scenario.Keys) error {
	signed, err := policy.SignFreeze(fmt.Sprintf("version = 1\nrealm = %q\ncategories = [\"e-cigarette\"]\n", scenario.Realm), keys.Freeze)
	if err != nil {
		return err
	}
	f, err := keys.Signing.OpenFreeze(signed)
	if err != nil {
		return err
	}
	return b.Freeze(ctx, signed, f)
}

// crew is the clients' process.
type crew struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// summon starts the clients' process: this program again.
func summon(ctx context.Context, told muster) (*crew, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, fleetArgument)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &crew{cmd, in, bufio.NewScanner(out)}, json.NewEncoder(in).Encode(told)
}

func (c *crew) order(word string) error {
	_, err := fmt.Fprintln(c.in, word)
	return err
}

// hear waits for a line of the clients' process, and reads the numbers after its
// word.
func (c *crew) hear(word string, numbers ...any) error {
	if !c.out.Scan() {
		return fmt.Errorf("the registers' process ended before it said %q: %w", word, errors.Join(c.out.Err(), c.cmd.Wait()))
	}
	rest, said := strings.CutPrefix(c.out.Text(), word)
	if !said {
		return fmt.Errorf("the registers' process said %q instead of %q", c.out.Text(), word)
	}
	if len(numbers) == 0 {
		return nil
	}
	_, err := fmt.Sscan(rest, numbers...)
	return err
}

// dismiss ends the process: its standard input ends.
func (c *crew) dismiss() error { return errors.Join(c.in.Close(), c.cmd.Wait()) }

// inUse is what the heap and the goroutines' stacks take.
func inUse() float64 {
	runtime.GC()
	runtime.GC() // what the first found only finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}
