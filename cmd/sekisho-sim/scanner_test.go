package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// deadline is how long a script waits for anything.
const deadline = 20 * time.Second

// scannerCmds are for scripts that talk to a scanner from both sides.
//
//	scanner FLAGS...             starts sekisho-sim scanner and waits until it is plugged in
//	type LINE...                 gives its console lines, and waits for the answer to each
//	till PATH reads|says TEXT... is the till: TEXT is as in a Go string
//	backend DIR                  runs sekisho-sim backend until the script ends
//	ended                        waits for its end and leaves the files deeds and answers; with ! it must fail
var scannerCmds = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"scanner": startScanner, "type": typeLines, "till": beTill, "ended": endScanner, "backend": startBackend,
}

// running is a console that a script has started.
type running struct {
	in             *io.PipeWriter
	deeds, answers *notes
	ended          chan error
}

// notes is a buffer that tells when it is written to.
type notes struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // holds one
}

func newNotes() *notes { return &notes{written: make(chan struct{}, 1)} }

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.written <- struct{}{}:
	default:
	}
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

const runningKey = "running scanner"

func startScanner(ts *testscript.TestScript, _ bool, args []string) {
	in, typed := io.Pipe()
	r := &running{in: typed, deeds: newNotes(), answers: newNotes(), ended: make(chan error, 1)}
	for i, arg := range args {
		if i > 0 && args[i-1] == "--link" {
			args[i] = ts.MkAbs(arg)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	root := command()
	root.SetArgs(append([]string{"scanner"}, args...))
	root.SetIn(in)
	root.SetOut(r.deeds)
	root.SetErr(r.answers)
	go func() { r.ended <- root.ExecuteContext(ctx) }()
	ts.Defer(func() { cancel(); typed.Close() })
	r.answered(ts)
	*ts.Value(runningKey).(*running) = *r
}

// answered waits for an answer of the console.
func (r *running) answered(ts *testscript.TestScript) {
	select {
	case <-r.answers.written:
	case err := <-r.ended:
		ts.Fatalf("the scanner ended: %v", err)
	case <-time.After(deadline):
		ts.Fatalf("the scanner does not answer")
	}
}

func typeLines(ts *testscript.TestScript, _ bool, args []string) {
	r := ts.Value(runningKey).(*running)
	for _, line := range args {
		_, err := io.WriteString(r.in, line+"\n")
		ts.Check(err)
		if line != "quit" {
			r.answered(ts)
		}
	}
}

func beTill(ts *testscript.TestScript, _ bool, args []string) {
	// Non-blocking, so that the deadline ends a read.
	port, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	ts.Check(err)
	defer port.Close()
	ts.Check(port.SetDeadline(time.Now().Add(deadline)))
	for rest := args[1:]; len(rest) > 1; rest = rest[2:] {
		text, err := strconv.Unquote(`"` + rest[1] + `"`)
		ts.Check(err)
		if rest[0] == "says" {
			_, err := io.WriteString(port, text)
			ts.Check(err)
			continue
		}
		got := make([]byte, len(text))
		n, err := io.ReadFull(port, got)
		if string(got[:n]) != text {
			ts.Fatalf("the till read %q (%v), want %q", got[:n], err, text)
		}
	}
}

func endScanner(ts *testscript.TestScript, neg bool, _ []string) {
	r := ts.Value(runningKey).(*running)
	select {
	case err := <-r.ended:
		if neg != (err != nil) {
			ts.Fatalf("the scanner ended with %v", err)
		}
		if err != nil {
			ts.Logf("%v", err)
		}
	case <-time.After(deadline):
		ts.Fatalf("the scanner does not end; it said %s", r.answers)
	}
	ts.Check(os.WriteFile(ts.MkAbs("deeds"), []byte(r.deeds.String()), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("answers"), []byte(r.answers.String()), 0o600))
}
