package offline

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/firmware-mocks/disk"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// TestI2I8StartFaultAtEveryWriteAndSync opens each kind of folder on a disk that
// fails the first write or sync, then the second, and so on, in each way: the
// making of the files, the steps of a migration and the settling of an unclean
// end included. A start that fails says so as something that a restart mends, and
// the next one, on a disk that works, finds all that was there before and what
// was sold meanwhile. FAULTS=all tries every way at every position, else they take
// turns.
func TestI2I8StartFaultAtEveryWriteAndSync(t *testing.T) {
	d, err := disk.Inside()
	must(t, err)
	if d == nil {
		out, err := disk.Again(t.Context(), t.TempDir(), t.Name())
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, " faults") {
				t.Log(strings.TrimSpace(line))
			}
		}
		return
	}
	defer d.Close()
	for name, from := range map[string]string{
		"no ledger yet":             filepath.Join(t.TempDir(), "none"),
		"an older release's ledger": released(t, "release-001"),
		"after a clean end":         soldAndClosed(t, 3),
		"after an unclean end":      soldAndKilled(t, 3),
		"without its cache":         withoutCache(t),
	} {
		t.Run(name, func(t *testing.T) { t.Logf("%s: %d faults", name, startFaults(t, d, from)) })
	}
}

// startFaults opens copies of a folder, and gives how many faults there were.
func startFaults(t *testing.T, d *disk.Disk, from string) (faults int) {
	ways := []disk.How{disk.Once, disk.FullOnce, disk.Half, disk.FromHere}
	before := held(t, from)
	for n := int64(1); ; n++ {
		hit := 0
		for i, how := range ways {
			if os.Getenv("FAULTS") != "all" && i != int(n)%len(ways) {
				continue
			}
			dir := filepath.Join(t.TempDir(), "data")
			must(t, copyFolder(from, dir))
			must(t, d.Fail(n, how))
			sold, err := startAndSell(t, dir)
			failed, mended := d.Mend()
			must(t, mended)
			if failed > 0 {
				hit++
			}
			if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotDurable) || errors.Is(err, ErrNewer) {
				t.Errorf("position %d, way %d: a disk that failed is taken for a file that is wrong: %v", n, how, err)
			}
			wantStarted(t, dir, before, sold)
			if t.Failed() {
				t.Fatalf("position %d, way %d", n, how)
			}
			must(t, os.RemoveAll(dir))
		}
		if faults += hit; hit == 0 {
			break
		}
	}
	if faults < 4 {
		t.Errorf("only %d faults: the disk is not the one that is written to", faults)
	}
	return faults
}

// startAndSell opens, sells once and closes, as far as the disk lets it. It gives
// the sale that was acknowledged, -1 for none, and why the start failed.
func startAndSell(t *testing.T, dir string) (sold int64, err error) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		return -1, err
	}
	sold, failed := sell(t.Context(), s)
	if failed != nil {
		sold = -1
	}
	_ = s.Close() // what it could not do is mended at the next start
	return sold, nil
}

// held gives what a copy of the folder holds, opened on a disk that works;
// nothing where there is no ledger.
func held(t *testing.T, dir string) register.Snapshot {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	must(t, copyFolder(dir, copied))
	defer os.RemoveAll(copied)
	s, err := Open(t.Context(), copied, Options{})
	must(t, err)
	snap, err := s.Load(t.Context())
	must(t, err, s.Close())
	return snap
}

// wantStarted opens on a disk that works.
func wantStarted(t *testing.T, dir string, before register.Snapshot, sold int64) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Errorf("I8: the disk works again, and the start says: %v", err)
		return
	}
	defer s.Close()
	after, err := s.Load(t.Context())
	must(t, err)
	head, err := journal.HeadOf(before.Head.Size, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return s.Hashes(t.Context(), at) }))
	if err != nil || head.Size > 0 && head != before.Head {
		t.Errorf("I6: the journal's first %d entries are others now", before.Head.Size)
	}
	after.Head, after.Unresolved, after.Outbox = before.Head, after.Unresolved[:len(before.Unresolved)], after.Outbox[:len(before.Outbox)]
	after.PolicyNote, after.Denials = before.PolicyNote, before.Denials // the cache's
	if !reflect.DeepEqual(after, before) {
		t.Errorf("after the fault\n%+v, before\n%+v", after, before)
	}
	if sold >= 0 {
		isSold(t, s, sold, true)
	}
	mustSell(t, s)
}

// soldAndKilled makes a folder as a killed process leaves it.
func soldAndKilled(t *testing.T, sales int) string {
	t.Helper()
	s := openAt(t, t.TempDir(), Options{})
	for range sales {
		mustSell(t, s)
	}
	dir := filepath.Join(t.TempDir(), "killed")
	must(t, copyFolder(filepath.Dir(s.folder.file(ledgerFile)), dir))
	return dir
}

func withoutCache(t *testing.T) string {
	t.Helper()
	dir := soldAndClosed(t, 1)
	found, err := filepath.Glob(filepath.Join(dir, cacheFile+"*"))
	must(t, err)
	for _, path := range found {
		must(t, os.Remove(path))
	}
	return dir
}
