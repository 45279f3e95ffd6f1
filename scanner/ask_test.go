package scanner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner"
	"sekisho/scanner/framing"
)

// asked plugs a unit in and asks it in some families' languages.
func asked(t *testing.T, model string, families ...framing.Family) (*scannersim.Scanner, framing.Family, string, error) {
	t.Helper()
	link := filepath.Join(t.TempDir(), "unit")
	s, err := scannersim.Open(link, scannersim.Options{Model: model})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f, says, err := scanner.Ask(t.Context(), scanner.Config{Path: link}, families)
	return s, f, says, err
}

// talkers are the families whose units say who they are.
var talkers = []framing.Family{framing.FamilyZebraSSI, framing.FamilyHoneywell, framing.FamilyNewland}

// A unit that can say who it is does so in its own family's language, whoever else
// was asked for before; one that cannot is silent. Either way it scans afterwards
// (I8).
func TestI8AskWhoItIs(t *testing.T) {
	picture, err := walletsim.QR("SCANS")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range unit.Models() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			s, family, says, err := asked(t, m.Name, talkers...)
			if err != nil {
				t.Fatal(err)
			}
			want := framing.Family(m.Name)
			if !slices.Contains(talkers, want) {
				want = ""
			}
			if family != want || (says == "") != (want == "") || strings.ContainsFunc(says, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q says %q, want %q", family, says, want)
			}
			if err := s.Show(t.Context(), picture); err != nil {
				t.Errorf("it scans nothing: %v", err)
			}
		})
	}
}

// A port that is held is not spoken to, and one that cannot be had is told by its
// reason.
func TestAskPortsThatCannotBeHad(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{plain: scanner.ReasonNotAPort, filepath.Join(dir, "none"): scanner.ReasonAbsent} {
		_, _, err := scanner.Ask(t.Context(), scanner.Config{Path: path}, talkers)
		if port, ok := errors.AsType[*scanner.PortError](err); !ok || port.Reason != reason {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, _, err := scanner.Ask(t.Context(), scanner.Config{}, talkers); !errors.Is(err, scanner.ErrConfig) {
		t.Error(err)
	}
}

// A scanner that is read is left alone: it is not spoken to, and loses nothing.
func TestAskLeavesAPortInUse(t *testing.T) {
	link := filepath.Join(t.TempDir(), "unit")
	s, err := scannersim.Open(link, scannersim.Options{Model: "honeywell"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended, up := make(chan error, 1), make(chan bool, 1)
	go func() {
		ended <- scanner.New(scanner.Config{Path: link}, nil).Run(ctx, func(e scanner.Event) {
			if e.Kind == scanner.Connected {
				up <- true
			}
		})
	}()
	<-up
	_, _, err = scanner.Ask(t.Context(), scanner.Config{Path: link}, talkers)
	if port, ok := errors.AsType[*scanner.PortError](err); !ok || port.Reason != scanner.ReasonBusy {
		t.Errorf("%v", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Who loses patience is let go, and so is the unit.
func TestAskEndsWithTheContext(t *testing.T) {
	link := filepath.Join(t.TempDir(), "unit")
	s, err := scannersim.Open(link, scannersim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, _, err := scanner.Ask(ctx, scanner.Config{Path: link}, talkers); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The last words on the line let a unit scan, in each language that it may have
// been spoken to (I8).
func TestI8AskEndsWithTheRelease(t *testing.T) {
	for _, c := range []struct{ asked, released []framing.Family }{
		{talkers[:1], talkers[:1]},
		{talkers[:2], framing.Families()},
		{nil, nil},
	} {
		t.Run(fmt.Sprint(c.asked), func(t *testing.T) {
			t.Parallel()
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			heard := make(chan []byte, 1)
			go func() {
				all, _ := io.ReadAll(master) // ends with an error, when nobody holds the other end
				heard <- all
			}()
			if _, _, err := scanner.Ask(t.Context(), scanner.Config{Path: slave.Name()}, c.asked); err != nil {
				t.Error(err)
			}
			slave.Close()
			var want framing.Out
			for _, f := range c.released {
				framing.New(f).Stop(&want)
			}
			if got := <-heard; !bytes.HasSuffix(got, want.Send) || len(c.asked) == 0 && len(got) > 0 {
				t.Errorf("% x, want % x last", got, want.Send)
			}
		})
	}
}
