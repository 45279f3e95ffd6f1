package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"sekisho/cmd/settings"
	"sekisho/terminal/web/pin"
)

func TestPINIsSetAndSetAgain(t *testing.T) {
	data, _ := enrolled(t)
	d := &runDir{boot: "boot-1"}
	gate := d.gate(data)
	if set, err := gate.Set(); set || err != nil {
		t.Errorf("before: %v, %v", set, err)
	}
	for _, line := range []string{"246810\n", "135791", "864209\r\n"} {
		for range 9 { // a wait must not outlive a new PIN
			_ = gate.Try("wrong!")
		}
		var out, log strings.Builder
		if code := askPIN(t.Context(), settings.Settings{Data: data}, strings.NewReader(line), &out, &log); code != 0 {
			t.Fatalf("exit code %d: %s", code, &log)
		}
		if err := gate.Try(strings.TrimRight(line, "\r\n")); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		info, err := os.Stat(filepath.Join(data, "keys", "pin"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("keys/pin: %v, %v", info.Mode(), err)
		}
		if text := read(t, filepath.Join(data, "keys", "pin")); strings.Contains(text, strings.TrimSpace(line)) || !strings.HasPrefix(text, "$argon2id$") {
			t.Errorf("keys/pin holds %q", text)
		}
	}
}

// Whoever stands behind the manager, or scrolls back, must not read the PIN.
func TestI7ATypedPINIsNotShown(t *testing.T) {
	keyboard, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	defer terminal.Close()
	read := bufio.NewReader(terminal)
	typed := func(text string) {
		t.Helper()
		if _, err := io.WriteString(keyboard, text+"\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := read.ReadString('\n'); line != text+"\n" {
			t.Fatalf("%q was read, %v", line, err)
		}
	}
	show := hide(terminal)
	typed("246810")
	show()
	typed("shown")
	screen := make([]byte, 100)
	n, err := io.ReadAtLeast(keyboard, screen, len("shown"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(screen[:n]); strings.Contains(text, "246810") || !strings.Contains(text, "shown") {
		t.Errorf("the terminal shows %q", text)
	}
}

func TestPINThatIsNotTaken(t *testing.T) {
	data, _ := enrolled(t)
	for _, in := range []string{"", "\n", "12345\n", strings.Repeat("12", 600)} {
		if err := setPIN(settings.Settings{Data: data}, strings.NewReader(in)); !errors.Is(err, pin.ErrWeak) {
			t.Errorf("%.10q: %v", in, err)
		}
	}
	if err := setPIN(settings.Settings{Data: t.TempDir()}, strings.NewReader("246810\n")); err == nil || !needsPerson(err) {
		t.Errorf("without keys/: %v", err)
	}
	var log strings.Builder
	if code := askPIN(t.Context(), settings.Settings{Data: data}, strings.NewReader("12345\n"), io.Discard, &log); code != exitPerson || strings.Contains(log.String(), "12345") {
		t.Errorf("exit code %d: %s", code, &log)
	}
}

// Nobody types, and Ctrl-C ends it.
func TestAPINThatNobodyTypesIsNotSet(t *testing.T) {
	data, _ := enrolled(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	nobody, types := io.Pipe()
	defer types.Close()
	if code := askPIN(ctx, settings.Settings{Data: data}, nobody, io.Discard, io.Discard); code != exitPerson {
		t.Errorf("exit code %d", code)
	}
	if set, err := (&runDir{boot: "boot-1"}).gate(data).Set(); set || err != nil {
		t.Errorf("afterwards: %v, %v", set, err)
	}
}
