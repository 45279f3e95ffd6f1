package offline

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"sekisho/terminal/register"
)

func readerAt(t *testing.T, dir string) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatalf("OpenReader: %v", err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// sees checks that a reader finds the sales, and that all of it holds.
func sees(t *testing.T, r *Reader, sales int64) {
	t.Helper()
	head, err := r.VerifyAll(t.Context())
	if err != nil || head.Size != sales {
		t.Errorf("%d entries, want %d: %v", head.Size, sales, err)
	}
	for n := range sales {
		if _, err := r.Payment(t.Context(), paymentID(n)); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Payment(t.Context(), paymentID(sales)); !errors.Is(err, register.ErrNotFound) {
		t.Errorf("a sale too many: %v", err)
	}
}

// TestReaderBesideARegister: it sees each sale once it is stored, and the
// register neither waits for it nor fails to end cleanly.
func TestReaderBesideARegister(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{})
	r := readerAt(t, dir)
	for n := range int64(3) {
		sees(t, r, n)
		mustSell(t, s)
	}
	if err := s.Reopen(t.Context()); err != nil {
		t.Error(err)
	}
	mustSell(t, s)
	sees(t, r, 4)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	sees(t, r, 4)
	mustSell(t, openAt(t, dir, Options{}))
	sees(t, r, 5)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Unresolved(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestReaderChangesNothing: neither after a clean end nor after a kill, with
// SQLite's own files there or not.
func TestReaderChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		clean  bool
		remove []string
	}{
		"clean":                    {true, nil},
		"clean, ledger alone":      {true, []string{logSuffix, shmSuffix}},
		"killed":                   {false, nil},
		"killed, no shared memory": {false, []string{shmSuffix}},
	} {
		t.Run(name, func(t *testing.T) {
			from, dir := t.TempDir(), t.TempDir()
			s := openAt(t, from, Options{})
			for range 3 {
				mustSell(t, s)
			}
			if c.clean {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			must(t, copyFolder(from, dir))
			for _, suffix := range c.remove {
				must(t, os.Remove(filepath.Join(dir, ledgerFile+suffix)))
			}
			before := contents(t, filepath.Join(dir, ledgerFile))
			log, err := os.ReadFile(filepath.Join(dir, ledgerFile+logSuffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			r := readerAt(t, dir)
			sees(t, r, 3)
			must(t, r.Close())
			after, err := os.ReadFile(filepath.Join(dir, ledgerFile+logSuffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if !bytes.Equal(contents(t, filepath.Join(dir, ledgerFile)), before) || !bytes.Equal(after, log) {
				t.Error("ledger or log was changed")
			}
			mustSell(t, openAt(t, dir, Options{}))
		})
	}
}

// TestReaderWhereNothingCanBeWritten: a folder in which SQLite may make no file
// beside the ledger. Here that is because its name is taken by a link, since
// root may write wherever it likes.
func TestReaderWhereNothingCanBeWritten(t *testing.T) {
	dir := soldAndClosed(t, 3)
	shm, log := filepath.Join(dir, ledgerFile+shmSuffix), filepath.Join(dir, ledgerFile+logSuffix)
	must(t, os.Remove(shm), os.Symlink("nowhere/else", shm))
	sees(t, readerAt(t, dir), 3)
	must(t, os.Remove(log))
	sees(t, readerAt(t, dir), 3)
	must(t, os.WriteFile(log, []byte("not yet in the ledger"), 0o600))
	if _, err := OpenReader(t.Context(), dir); !errors.Is(err, ErrUnfinished) {
		t.Errorf("with a log that cannot be read: %v, want ErrUnfinished", err)
	}
}

// TestReaderSaysWhy: what it does not open, it says.
func TestReaderSaysWhy(t *testing.T) {
	if _, err := OpenReader(t.Context(), t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := OpenReader(t.Context(), released(t, "release-001")); !errors.Is(err, ErrOlder) {
		t.Errorf("an earlier release's: %v", err)
	}
	dir := soldAndClosed(t, 1)
	path := filepath.Join(dir, ledgerFile)
	edit(t, path, "UPDATE meta SET value = 99 WHERE key = 'min_reader'")
	if _, err := OpenReader(t.Context(), dir); !errors.Is(err, ErrNewer) {
		t.Errorf("a later release's: %v", err)
	}
	must(t, os.WriteFile(path, bytes.Repeat([]byte("not a ledger\n"), 1000), 0o600))
	if _, err := OpenReader(t.Context(), dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("no ledger: %v", err)
	}
}
