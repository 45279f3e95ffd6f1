package main

import (
	"context"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"sekisho/firmware-mocks/walletsim"
)

// pngFile writes a picture to a file of its own.
func pngFile(t *testing.T, name string, picture image.Image, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	file, err := walletsim.PNG(picture)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// I7: what was in a picture is on no output of the console.
func TestConsoleShowsPictureFiles(t *testing.T) {
	dir := t.TempDir()
	code, blank, text := filepath.Join(dir, "a code.png"), filepath.Join(dir, "blank.png"), filepath.Join(dir, "text.png")
	picture, err := walletsim.QR("SECRET")
	pngFile(t, code, picture, err)
	pngFile(t, blank, image.NewGray(image.Rect(0, 0, 50, 50)), nil)
	if err := os.WriteFile(text, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	var deeds, answers strings.Builder
	in := "show " + code + "\nshow " + blank + "\nshow " + text + "\nwear contrast 4\nshow " + code + "\n"
	s := scannerFlags{model: "raw", link: filepath.Join(dir, "port")}
	if err := s.run(t.Context(), strings.NewReader(in), &deeds, &answers); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(answers.String()), "\n")
	const unread = "not read: there is no code"
	if len(lines) != 6 || lines[1] != "read" || !strings.HasPrefix(lines[2], unread) ||
		!strings.Contains(lines[3], "not a PNG") || lines[4] != "ok" || !strings.HasPrefix(lines[5], unread) {
		t.Errorf("it answered %q", lines)
	}
	if deeds.String() != "beep good\n" || strings.Contains(answers.String(), "SECRET") {
		t.Errorf("deeds %q, answers %q", deeds.String(), answers.String())
	}
}

// I8: an interrupt ends it cleanly, whatever it waits for.
func TestConsoleEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, first := range []string{"help\n", "await 1h beep bad\n"} {
		ctx, cancel := context.WithCancel(t.Context())
		in, typed := io.Pipe()
		link := filepath.Join(t.TempDir(), "port")
		ended := make(chan error, 1)
		go func() { ended <- scannerFlags{model: "raw", link: link}.run(ctx, in, io.Discard, io.Discard) }()
		// The second write is taken only when the console has begun the first line.
		for _, text := range []string{first, "qu"} {
			if _, err := io.WriteString(typed, text); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%q: %v", first, err)
		}
		if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: the link is still there: %v", first, err)
		}
		typed.Close()
	}
}

func TestConsoleTellsOfABrokenInput(t *testing.T) {
	in, typed := io.Pipe()
	typed.CloseWithError(errors.New("the terminal is gone"))
	s := scannerFlags{model: "raw", link: filepath.Join(t.TempDir(), "port")}
	err := s.run(t.Context(), in, io.Discard, io.Discard)
	if err == nil || err.Error() != "the terminal is gone" {
		t.Errorf("it ended with %v", err)
	}
}

// writes keeps apart what was written at a time.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

// Deeds and answers may go to one terminal: each line is one write, so that none
// is cut by the other.
func TestConsoleWritesWholeLines(t *testing.T) {
	var deeds, answers writes
	s := scannerFlags{model: "opticon", link: filepath.Join(t.TempDir(), "port")}
	if err := s.run(t.Context(), strings.NewReader("qr A\nawait beep good\nfoo\n"), &deeds, &answers); err != nil {
		t.Fatal(err)
	}
	for _, line := range append(deeds, answers...) {
		if !strings.HasSuffix(line, "\n") {
			t.Errorf("%q was written without its end", line)
		}
	}
	if len(deeds) != 1 || len(answers) != 4 {
		t.Errorf("wrote %q and %q", deeds, answers)
	}
}
