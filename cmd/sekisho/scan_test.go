package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner"
)

// patience is how long a script waits for what should come at once.
const patience = 30 * time.Second

// units are the scanners that scripts have plugged in, by their link.
var units sync.Map

// pluggedAt is the unit behind a link.
func pluggedAt(ts *testscript.TestScript, link string) *scannersim.Scanner {
	found, ok := units.Load(link)
	if !ok {
		ts.Fatalf("no unit at %s", link)
	}
	return found.(*scannersim.Scanner)
}

// cmdUnit is "unit LINK [MODEL]": plugs a scanner in until the script ends. A raw
// one sends identifiers.
func cmdUnit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: unit LINK [MODEL]")
	}
	opts := scannersim.Options{Identifier: true}
	if len(args) > 1 {
		opts = scannersim.Options{Model: args[1]}
	}
	link := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(link), 0o700))
	s, err := scannersim.Open(link, opts)
	ts.Check(err)
	units.Store(link, s)
	ts.Defer(func() { ts.Check(s.Close()) })
}

// cmdTry is "try LINK TEXT... -- ARG...": runs sekisho scan with the arguments and,
// once it waits for scans, shows the unit a symbol of each text until the till has
// it: an EAN-13 of 13 digits, else a QR code. What it printed is the file "tried"
// then.
func cmdTry(ts *testscript.TestScript, neg bool, args []string) {
	end := slices.Index(args, "--")
	if neg || end < 2 {
		ts.Fatalf("usage: try LINK TEXT... -- ARG...")
	}
	link := ts.MkAbs(args[0])
	plugged := pluggedAt(ts, link)
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	printed, out := io.Pipe()
	said, says := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, slices.Concat([]string{"scan", "--port", link}, args[end+1:]), nil, out, says)
		out.Close()
		says.Close()
	}()
	words := bufio.NewScanner(said)
	if !words.Scan() || !strings.HasPrefix(words.Text(), "scan now") {
		ts.Fatalf("it said %q", words.Text())
	}
	go io.Copy(io.Discard, said)
	tried, err := holdUp(ctx, plugged, args[1:end], bufio.NewScanner(printed))
	ts.Check(err)
	if got := <-code; got != 0 {
		ts.Fatalf("exit code %d", got)
	}
	ts.Check(os.WriteFile(ts.MkAbs("tried"), []byte(tried), 0o600))
}

// holdUp holds a symbol of each text before a unit, again where the till dropped
// it, and gives the lines that were printed.
func holdUp(ctx context.Context, s *scannersim.Scanner, texts []string, printed *bufio.Scanner) (tried string, err error) {
	for _, text := range texts {
		draw := walletsim.QR
		if len(text) == 13 {
			draw = walletsim.EAN
		}
		picture, err := draw(text)
		if err != nil {
			return "", err
		}
		for taken := false; !taken; {
			if err := s.Show(ctx, picture); err != nil {
				return "", err
			}
			if !printed.Scan() {
				return "", io.ErrUnexpectedEOF
			}
			tried += printed.Text() + "\n"
			taken = strings.Contains(printed.Text(), `"kind"`)
		}
	}
	return tried, nil
}

// cmdDoes is "does LINK DEED": waits until the unit has done it.
func cmdDoes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: does LINK DEED")
	}
	plugged := pluggedAt(ts, ts.MkAbs(args[0]))
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	ts.Check(plugged.Await(ctx, func(done []unit.Deed) bool { return slices.Contains(done, unit.Deed(args[1])) }))
}

// cmdHold is "hold LINK": reads a port, as the daemon does, until the script ends.
func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold LINK")
	}
	ctx, stop := context.WithCancel(context.Background())
	up, ended := make(chan bool), make(chan error, 1)
	go func() {
		ended <- scanner.New(scanner.Config{Path: ts.MkAbs(args[0])}, nil).Run(ctx, func(e scanner.Event) {
			if e.Kind == scanner.Connected {
				close(up)
			}
		})
	}()
	<-up
	ts.Defer(func() { stop(); ts.Check(<-ended) })
}
