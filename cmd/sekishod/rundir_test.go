package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// boot gives the run directory of a machine whose boot has an id.
func boot(t *testing.T, dir, id string) *runDir {
	t.Helper()
	d, err := openRunDir(dir, write(t, t.TempDir(), "boot_id", id+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func anchor() register.Anchor {
	return register.Anchor{
		Incarnation: "000102030405060708090a0b0c0d0e0f", Head: journal.Head{Size: 9, Root: tlog.Hash{1, 2, 3}},
		Told: time.UnixMilli(1562011200123).UTC(), ToldAt: 3 * time.Hour, Heard: true, HeardAt: 4 * time.Hour,
	}
}

func isFresh(a register.Anchor) bool {
	return len(a.Incarnation) == 32 && a == register.Anchor{Incarnation: a.Incarnation} && a.Incarnation != anchor().Incarnation
}

func TestI3TheIncarnationSurvivesAKillAndDiesAtAReboot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "made", "yet")
	d := boot(t, dir, "boot-1")
	if first, second := d.load(), d.load(); !isFresh(first) || !isFresh(second) || first == second {
		t.Fatalf("without a file: %+v, %+v", first, second)
	}
	if err := d.Save(anchor()); err != nil {
		t.Fatal(err)
	}
	if got := boot(t, dir, "boot-1").load(); got != anchor() {
		t.Errorf("the same boot: got %+v, want %+v", got, anchor())
	}
	if got := boot(t, dir, "boot-2").load(); !isFresh(got) {
		t.Errorf("the next boot: got %+v", got)
	}
	silent := register.Anchor{Incarnation: anchor().Incarnation} // the backend was never heard
	if err := d.Save(silent); err != nil {
		t.Fatal(err)
	}
	if got := d.load(); got != silent || !got.Told.IsZero() {
		t.Errorf("never heard: got %+v", got)
	}
}

func TestI3ADamagedAnchorGivesANewIncarnation(t *testing.T) {
	dir := t.TempDir()
	d := boot(t, dir, "boot-1")
	if err := d.Save(anchor()); err != nil {
		t.Fatal(err)
	}
	good := read(t, d.path)
	change := func(key string, value any) string {
		var fields map[string]any
		if err := json.Unmarshal([]byte(good), &fields); err != nil {
			t.Fatal(err)
		}
		if _, there := fields[key]; !there {
			t.Fatalf("the file has no %q", key)
		}
		fields[key] = value
		text, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, text := range map[string]string{
		"empty": "", "cut": good[:len(good)/2], "no JSON": "anchor", "null": "null", "nothing": "{}",
		"zeros":                   strings.Repeat("\x00", len(good)),
		"of another boot":         change("boot_id", "boot-0"),
		"of no boot":              change("boot_id", ""),
		"no incarnation":          change("incarnation", ""),
		"a short incarnation":     change("incarnation", "00ff"),
		"an incarnation of words": change("incarnation", strings.Repeat("x", 32)),
		"a size below zero":       change("journal_size", -1),
		"a size of words":         change("journal_size", "nine"),
		"a short root":            change("journal_root", "AQID"),
	} {
		write(t, dir, "anchor.json", text)
		if got := d.load(); !isFresh(got) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	write(t, dir, "anchor.json", good)
	if got := d.load(); got != anchor() {
		t.Errorf("the good one again: got %+v", got)
	}
}

// A killed process leaves the old file or the new one: the new one is whole
// before it takes the old one's place.
func TestI3SaveReplacesTheAnchorInOneStep(t *testing.T) {
	dir := t.TempDir()
	d := boot(t, dir, "boot-1")
	if err := d.Save(anchor()); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(d.path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	write(t, dir, "anchor.json.new", strings.Repeat("left behind by a killed process", 100))
	next := anchor()
	next.Head.Size++
	if err := d.Save(next); err != nil {
		t.Fatal(err)
	}
	if got := d.load(); got != next {
		t.Errorf("got %+v", got)
	}
	before, err := old.Stat()
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(d.path)
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(before, after) {
		t.Error("the old file was written over: a kill would leave half of it")
	}
	if after.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o", after.Mode().Perm())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Mkdir(d.path+".new", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(anchor()); err == nil {
		t.Error("nothing was written, and no error says so")
	}
	if got := d.load(); got != next {
		t.Errorf("a failed save changed the anchor: %+v", got)
	}
}

// Two daemons on one run folder would undo each other's anchor, whatever their
// data folders.
func TestI3TheRunFolderIsOneDaemonsAlone(t *testing.T) {
	defer goleak.VerifyNone(t)
	first, _ := enrolled(t)
	second, _ := enrolled(t)
	config := till(t, first)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &journalled{pages: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-insecure-dev", "-config", config}, nil, io.Discard, log) }()
	select {
	case <-log.pages:
	case code := <-ended:
		t.Fatalf("ended with %d:\n%s", code, log)
	}
	if code, other := attempt(t, "-config", config, "-data", second); code != exitPerson || !strings.Contains(other, filepath.Join(filepath.Dir(config), "run")) {
		t.Errorf("a second daemon ended with %d:\n%s", code, other)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("the first ended with %d:\n%s", code, log)
	}
	shift(t, config) // the lock is gone with it
}

func TestTheLockOfARunFolder(t *testing.T) {
	dir := t.TempDir()
	held, err := lockRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockRun(dir); !errors.Is(err, errRunLocked) {
		t.Errorf("locked twice: %v", err)
	}
	held.Close()
	again, err := lockRun(dir)
	if err != nil {
		t.Fatalf("after its end: %v", err)
	}
	again.Close()
	if _, err := lockRun(filepath.Join(dir, "not there")); err == nil || errors.Is(err, errRunLocked) {
		t.Errorf("no folder: %v", err)
	}
}

// Into a folder that is open others could put tokens that they know.
func TestI6ARunFolderOpenToOthersIsRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o720, 0o702, 0o777 | os.ModeSticky} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := openRunDir(dir, bootIDFile); !errors.Is(err, errRunOpen) || !needsPerson(err) {
			t.Errorf("%v: got %v", mode, err)
		}
	}
	if _, err := openRunDir(t.TempDir(), bootIDFile); err != nil {
		t.Errorf("its own: %v", err)
	}
}

func TestABootWithoutAnIDIsRefused(t *testing.T) {
	for name, file := range map[string]string{"empty": write(t, t.TempDir(), "boot_id", "\n"), "missing": "/nowhere/boot_id"} {
		if _, err := openRunDir(t.TempDir(), file); err == nil || !strings.Contains(err.Error(), "boot id") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := openRunDir(write(t, t.TempDir(), "run", ""), bootIDFile); err == nil {
		t.Error("a file was taken for the run directory")
	}
}

func TestI3AnOlderLedgerGetsANewIncarnation(t *testing.T) {
	known := anchor()
	for _, c := range []struct {
		name   string
		anchor register.Anchor
		ledger journal.Head
		then   journal.Head // the ledger's head when it was of the anchor's size
		wrong  string
	}{
		{"the same", known, known.Head, known.Head, ""},
		{"killed between commit and save", known, journal.Head{Size: 10, Root: tlog.Hash{9}}, known.Head, ""},
		{"longer, with another past", known, journal.Head{Size: 10, Root: tlog.Hash{9}}, journal.Head{Size: 9, Root: tlog.Hash{8}}, register.LedgerForked},
		{"one entry older", known, journal.Head{Size: 8, Root: tlog.Hash{9}}, known.Head, register.LedgerOlder},
		{"empty", known, journal.Head{}, known.Head, register.LedgerOlder},
		{"another of the same size", known, journal.Head{Size: 9, Root: tlog.Hash{9}}, journal.Head{Size: 9, Root: tlog.Hash{9}}, register.LedgerForked},
		{"the first start after a boot", register.Anchor{Incarnation: known.Incarnation}, journal.Head{Size: 9, Root: tlog.Hash{9}}, journal.Head{}, ""},
		{"the very first start", register.Anchor{Incarnation: known.Incarnation}, journal.Head{}, journal.Head{}, ""},
	} {
		var log strings.Builder
		headAt := func(size int64) (journal.Head, error) {
			if size != c.anchor.Head.Size || size > c.ledger.Size {
				t.Errorf("%s: asked for the head at %d", c.name, size)
			}
			return c.then, nil
		}
		got, wrong, err := anchored(c.anchor, c.ledger, headAt, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil || wrong != c.wrong || (wrong == "") != (got == c.anchor) || (wrong == "") != (log.Len() == 0) || (wrong != "" && !isFresh(got)) {
			t.Errorf("%s: got %+v, %q, %v; log %q", c.name, got, wrong, err, log.String())
		}
	}
}

// A ledger that cannot be read is not taken for one that is in order.
func TestI3AnUnreadableLedgerIsNotCompared(t *testing.T) {
	broken := errors.New("broken")
	headAt := func(int64) (journal.Head, error) { return journal.Head{}, broken }
	if _, _, err := anchored(anchor(), journal.Head{Size: 10}, headAt, slog.New(slog.DiscardHandler)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestFreshIncarnationsDiffer(t *testing.T) {
	seen := map[terminal.Incarnation]bool{}
	for range 100 {
		a := fresh()
		if !isFresh(a) || seen[a.Incarnation] {
			t.Fatalf("got %+v", a)
		}
		seen[a.Incarnation] = true
	}
}
