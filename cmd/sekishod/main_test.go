package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // a ledger of a newer release is made by hand
	"go.uber.org/goleak"

	"sekisho/cmd/keys"
	"sekisho/firmware-mocks/scenario"
	"sekisho/offline"
	"sekisho/scanner"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
)

var who = policy.Identity{Register: "r1", Store: "s1", Class: "convenience", Realm: scenario.Realm}

// enrolled gives a data folder with good keys.
func enrolled(t *testing.T) (data string, office scenario.Keys) {
	t.Helper()
	data = t.TempDir()
	office, err := scenario.MakeKeys(t.TempDir(), data, who)
	if err != nil {
		t.Fatal(err)
	}
	return data, office
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// journalled collects what the daemon logs and tells where its page is.
type journalled struct {
	mu    sync.Mutex
	text  bytes.Buffer
	pages chan string
}

func (j *journalled) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var entry struct{ Msg, Page string }
	if json.Unmarshal(line, &entry) == nil && entry.Msg == "sekishod runs" {
		j.pages <- entry.Page
	}
	return j.text.Write(line)
}

func (j *journalled) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// refusing is an address at which nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// till writes a configuration that runs: no backend, no scanner, any free port.
func till(t *testing.T, data string) string {
	t.Helper()
	dir := t.TempDir()
	items := write(t, dir, "items.csv", header+"4902777130835,tea,150\n")
	return write(t, dir, "r1.toml", fmt.Sprintf(
		"data = %q\nrun = %q\nlisten = \"127.0.0.1:0\"\nbackend = \"ws://%s/v1\"\nscanner = %q\nitems = %q\n",
		data, filepath.Join(dir, "run"), refusing(t), filepath.Join(dir, "no-scanner"), items))
}

// secrets gives every row of the secret files, and of what only the operator has.
func secrets(t *testing.T, data string) []string {
	t.Helper()
	var all []string
	for _, file := range []string{"register.key", "store.key"} {
		for row := range strings.Lines(read(t, filepath.Join(data, "keys", file))) {
			if row = strings.TrimSpace(row); !strings.HasPrefix(row, "-----") {
				all = append(all, row)
			}
		}
	}
	if len(all) != 2 {
		t.Fatalf("%d secrets: the test is wrong", len(all))
	}
	return all
}

// shift runs the daemon until its page answers, stops it, and gives its anchor
// and its log.
func shift(t *testing.T, config string) (anchorFile, string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &journalled{pages: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-insecure-dev", "-config", config}, nil, io.Discard, log) }()
	select {
	case page := <-log.pages:
		var state struct {
			Register string
			Link     struct{ Up bool }
		}
		token := strings.TrimSpace(read(t, filepath.Join(filepath.Dir(config), "run", posTokenFile)))
		if err := json.Unmarshal([]byte(get(t, page+"v1/state", token)), &state); err != nil || state.Register != "r1" || state.Link.Up {
			t.Errorf("state: %+v, %v", state, err)
		}
		get(t, page, token)
	case code := <-ended:
		t.Fatalf("ended with %d:\n%s", code, log)
	}
	stop()
	if code := <-ended; code != 0 || strings.Count(log.String(), "sekishod stopped") != 1 {
		t.Errorf("exit code %d:\n%s", code, log)
	}
	var anchor anchorFile
	if err := json.Unmarshal([]byte(read(t, filepath.Join(filepath.Dir(config), "run", "anchor.json"))), &anchor); err != nil {
		t.Fatal(err)
	}
	return anchor, log.String()
}

func TestRunServesUntilItIsStoppedAndKeepsItsIncarnation(t *testing.T) {
	defer goleak.VerifyNone(t)
	data, _ := enrolled(t)
	config := till(t, data)
	first, log := shift(t, config)
	second, more := shift(t, config)
	if len(first.Incarnation) != 32 || second.Incarnation != first.Incarnation || first.Size == 0 || second.Size <= first.Size {
		t.Errorf("a restart is no reboot: %+v, then %+v", first, second)
	}
	log += more
	for row := range strings.Lines(log) {
		if !json.Valid([]byte(row)) {
			t.Errorf("the log is JSON, but not %q", row)
		}
	}
	for _, secret := range secrets(t, data) {
		if strings.Contains(log, secret) {
			t.Errorf("a secret is in the log:\n%s", log)
		}
	}
}

// An older ledger that is put back while the machine runs: the rights to sell
// from caps die.
func TestI3RunOverAnOlderLedgerGetsANewIncarnation(t *testing.T) {
	defer goleak.VerifyNone(t)
	data, _ := enrolled(t)
	config := till(t, data)
	first, _ := shift(t, config)
	old := read(t, filepath.Join(data, "ledger.db")) // closed cleanly: the whole ledger
	second, _ := shift(t, config)
	if second.Incarnation != first.Incarnation || second.Size <= first.Size {
		t.Fatalf("a second run: %+v after %+v", second, first)
	}
	write(t, data, "ledger.db", old)
	third, log := shift(t, config)
	if third.Incarnation == second.Incarnation || len(third.Incarnation) != 32 || !strings.Contains(log, "put back") {
		t.Errorf("over an older ledger: %+v after %+v:\n%s", third, second, log)
	}
	if ledger, _ := kept(t, data); ledger.Quarantine != register.LedgerOlder {
		t.Errorf("quarantine %q", ledger.Quarantine)
	}
	if fourth, _ := shift(t, config); fourth.Incarnation != third.Incarnation {
		t.Errorf("the next start: %+v after %+v", fourth, third)
	}
}

// kept gives what a stopped daemon left in the ledger, and its last entry.
func kept(t *testing.T, data string) (register.Snapshot, journal.Entry) {
	t.Helper()
	store, err := offline.Open(t.Context(), data, offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s, err := store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := store.Entries(t.Context(), s.Head.Size-1, 1)
	if err != nil || len(leaves) != 1 {
		t.Fatalf("%d entries, %v", len(leaves), err)
	}
	last, err := journal.Parse(leaves[0].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return s, last
}

// A signal is a clean stop: the last entry says so, and nothing is in doubt.
func TestASignalStopsCleanly(t *testing.T) {
	defer goleak.VerifyNone(t)
	data, _ := enrolled(t)
	shift(t, till(t, data))
	if ledger, last := kept(t, data); last.Type != journal.TypeStop || ledger.Quarantine != "" {
		t.Errorf("last entry %+v, quarantine %q", last, ledger.Quarantine)
	}
}

// A stop that comes while the ledger is being opened is a stop all the same.
func TestStoppedBeforeItRan(t *testing.T) {
	defer goleak.VerifyNone(t)
	data, _ := enrolled(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	log := &journalled{pages: make(chan string, 1)}
	if code := run(ctx, []string{"-insecure-dev", "-config", till(t, data)}, nil, io.Discard, log); code != 0 {
		t.Errorf("exit code %d:\n%s", code, log)
	}
}

// Exit codes, as systemd's unit reads them: 2 for what no restart mends.
func TestExitCodes(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name  string
		wrong func(t *testing.T, data, config string) (args []string)
		code  int
		words string
	}{
		{"help", func(_ *testing.T, _, _ string) []string { return []string{"-help"} }, 0, "-config FILE"},
		{"no flag", func(_ *testing.T, _, _ string) []string { return []string{"-speed"} }, 2, "speed"},
		{"no configuration", func(*testing.T, string, string) []string { return nil }, 2, `"backend" is missing`},
		{"an unknown setting", func(t *testing.T, _, config string) []string { return edit(t, config, "items", "itmes") }, 2, "itmes"},
		{"keys that others can read", func(t *testing.T, data, config string) []string {
			if err := os.Chmod(filepath.Join(data, "keys", "store.key"), 0o644); err != nil {
				t.Fatal(err)
			}
			return []string{"-config", config}
		}, 2, "keys/store.key"},
		{"no keys", func(t *testing.T, _, config string) []string {
			return []string{"-config", config, "-data", t.TempDir()}
		}, 2, "keys: this folder is not there"},
		{"a broken key", func(t *testing.T, data, config string) []string {
			write(t, filepath.Join(data, "keys"), "store.key", "secretsecret")
			return []string{"-config", config}
		}, 2, "keys/store.key"},
		{"an address for all", func(t *testing.T, _, config string) []string { return edit(t, config, "127.0.0.1:0", "0.0.0.0:0") }, 2, "loopback"},
		{"plain text to the backend", func(t *testing.T, _, config string) []string {
			return []string{"-config", config, "-insecure-dev=false"}
		}, 2, "wss://"},
		{"a wrong price file", func(t *testing.T, _, config string) []string {
			write(t, filepath.Dir(config), "items.csv", "goods\n")
			return []string{"-config", config}
		}, 2, "items.csv"},
		{"no such baud rate", func(t *testing.T, _, config string) []string {
			return edit(t, config, "scanner =", "scanner_baud = 9601\nscanner =")
		}, 2, "9601"},
		{"no such family", func(t *testing.T, _, config string) []string {
			return edit(t, config, "scanner =", "scanner_family = \"zebra\"\nscanner =")
		}, 2, `family \"zebra\" is not known`},
		{"no such second baud rate", func(t *testing.T, _, config string) []string {
			return edit(t, config, "scanner =", "second_scanner = \"/dev/x\"\nsecond_scanner_baud = -1\nscanner =")
		}, 2, "second_scanner"},
		{"a ledger that is none", func(t *testing.T, data, config string) []string {
			write(t, data, "ledger.db", strings.Repeat("no ledger ", 1000))
			return []string{"-config", config}
		}, 2, "ledger.db: this file is damaged"},
		{"a ledger of a newer release", func(t *testing.T, data, config string) []string {
			shift(t, config)
			newer(t, filepath.Join(data, "ledger.db"))
			return []string{"-config", config}
		}, 2, "later release"},
		{"a data folder that another daemon uses", func(t *testing.T, data, config string) []string {
			held, err := offline.Open(t.Context(), data, offline.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { held.Close() })
			return []string{"-config", config}
		}, 2, "another process uses this data folder"},
		{"a run folder that another daemon uses", func(t *testing.T, _, config string) []string {
			dir := filepath.Join(filepath.Dir(config), "run")
			boot(t, dir, "boot-1")
			held, err := lockRun(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { held.Close() })
			return []string{"-config", config}
		}, 2, "another sekishod uses it"},
		{"a data folder for all users", func(t *testing.T, data, config string) []string {
			if err := os.Chmod(data, 0o700|os.ModeSticky); err != nil {
				t.Fatal(err)
			}
			return []string{"-config", config}
		}, 2, "shared by all users"},
		{"a port that another program uses", func(t *testing.T, _, config string) []string {
			held, err := listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { held.Close() })
			return edit(t, config, "127.0.0.1:0", held.Addr().String())
		}, 1, "cannot listen"},
		{"a run directory that is none", func(t *testing.T, _, config string) []string {
			write(t, filepath.Dir(config), "run", "")
			return []string{"-config", config}
		}, 1, "run directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, _ := enrolled(t)
			config := till(t, data)
			args := c.wrong(t, data, config)
			code, log := attempt(t, args...)
			if code != c.code || !strings.Contains(log, c.words) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, c.code, c.words, log)
			}
			if strings.Contains(log, "sekishod runs") {
				t.Errorf("it said that it runs:\n%s", log)
			}
			for _, secret := range append(secrets(t, data), "secretsecret") {
				if strings.Contains(log, secret) {
					t.Errorf("a secret is in the log:\n%s", log)
				}
			}
		})
	}
}

// What no test here can bring about by a file is told by its error.
func TestWhatNeedsAPerson(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{offline.ErrLocked, true}, {offline.ErrDamaged, true}, {offline.ErrNewer, true}, {offline.ErrShared, true}, {offline.ErrNotDurable, true},
		{errRunLocked, true}, {uplink.ErrURL, true}, {scanner.ErrConfig, true}, {&keys.Error{}, true}, {&settingError{io.EOF}, true},
		{offline.ErrClosed, false}, {io.EOF, false}, {syscall.ENOSPC, false}, {syscall.EADDRINUSE, false}, {context.Canceled, false},
	} {
		if got := needsPerson(fmt.Errorf("wrapped: %w", errors.Join(io.ErrUnexpectedEOF, c.err))); got != c.want {
			t.Errorf("%v: got %v", c.err, got)
		}
	}
}

func TestVersionIsTheOneThatTheBackendIsTold(t *testing.T) {
	var out, log bytes.Buffer
	for _, flag := range []string{"-version", "--version"} {
		if code := run(t.Context(), []string{flag}, nil, &out, &log); code != 0 || log.Len() != 0 {
			t.Errorf("%s: exit code %d: %s", flag, code, &log)
		}
	}
	if want := strings.Repeat(register.Software+"\n", 2); out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

// attempt starts a daemon that should not run, and gives its exit code and its
// log. Should it run after all, it is stopped after a while.
func attempt(t *testing.T, args ...string) (int, string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	log := &journalled{pages: make(chan string, 1)}
	code := run(ctx, append([]string{"-insecure-dev"}, args...), nil, io.Discard, log)
	return code, log.String()
}

// newer marks a file as one that only a far later release can read.
func newer(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE meta SET value = 1000 WHERE key IN ('schema', 'min_reader')"); err != nil {
		t.Fatal(err)
	}
}

// edit changes a configuration and gives the arguments that name it.
func edit(t *testing.T, config, old, new string) []string {
	t.Helper()
	text := read(t, config)
	if !strings.Contains(text, old) {
		t.Fatalf("no %q in the configuration", old)
	}
	write(t, filepath.Dir(config), filepath.Base(config), strings.Replace(text, old, new, 1))
	return []string{"-config", config}
}
