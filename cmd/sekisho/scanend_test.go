package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/firmware-mocks/walletsim"
)

// cmdEnds is "ends LINK interrupt|unread": runs sekisho scan as a process of its
// own, whose output nobody reads, ends it by Ctrl-C or by scans, and wants exit code
// 0 and no word of it.
func cmdEnds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ends LINK interrupt|unread")
	}
	link := ts.MkAbs(args[0])
	plugged := pluggedAt(ts, link)
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	unread, out, err := os.Pipe()
	ts.Check(err)
	ts.Check(unread.Close())
	defer out.Close()
	process := exec.CommandContext(ctx, "sekisho", "scan", "--port", link)
	process.Stdout = out
	said, err := process.StderrPipe()
	ts.Check(err)
	ts.Check(process.Start())
	words := bufio.NewReader(said)
	_, err = words.ReadString('\n') // scan now
	ts.Check(err)
	picture, err := walletsim.EAN("4902777130835")
	ts.Check(err)
	showing, shown := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for args[1] == "unread" && showing.Err() == nil { // the till drops what comes before the line was silent
			plugged.Show(showing, picture) // an error is the end of showing
		}
	}()
	if args[1] == "interrupt" {
		ts.Check(process.Process.Signal(os.Interrupt))
	}
	rest, err := io.ReadAll(words)
	ts.Check(err)
	shown()
	<-done
	if err := process.Wait(); err != nil || len(rest) > 0 {
		ts.Fatalf("%v, and it said %q", err, rest)
	}
}

// A search that was broken off says nothing of scanners: not that one is missing.
func TestDoctorScannerBrokenOffFindsNothing(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	stop(errors.New("interrupt"))
	var out, words bytes.Buffer
	code := run(ctx, []string{"doctor", "scanner"}, []string{"SEKISHO_SCANNER=/dev/none"}, &out, &words)
	if code != exitFound || out.Len() > 0 || words.String() != "sekisho: interrupt\n" {
		t.Errorf("exit code %d, out %q, err %q", code, &out, &words)
	}
}
